//! The report on a capture: the JSON object for programs, and a table for people.
//!
//! It is made from a [`Snapshot`] alone, in an order that depends on nothing but its contents: the same capture gives
//! the same report. The key names of the JSON object and their meaning stay; keys may be added.

mod callmanager;
mod capture;
mod device;
mod explain;
mod finding;
mod grid;
mod group;
mod headline;
mod lease;
mod notes;
mod phone;
mod prose;
mod query;
mod table;
mod wording;

use std::collections::BTreeMap;

use serde::Serialize;

pub use callmanager::{CallManagerEntry, Quantiles};
pub use capture::{CaptureEntry, CaptureFacts, DhcpCounts, TftpServerCounts};
pub use device::{
    DeviceEntry, DhcpEntry, Episodes, GapCounts, LastReject, LinkEntry, OpenGapEntry, TftpEntry,
};
pub use explain::{Explanation, catalogue, explanation};
pub use finding::{Cause, FindingEntry};
pub use group::Group;
pub use lease::{LeaseEntry, Option66Entry, Option150Entry, SuboptionEntry, TftpOfferEntry};
pub use notes::notes;
pub use query::{FindingsPage, PhonePage, PhonesPage, Query};
pub use table::{Style, table};

use crate::phone::tally::Tally;
use crate::snapshot::Snapshot;

/// Everything a capture shows of phones and their CallManagers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The version of this object's form.
    pub schema: u32,
    /// What was read, and how well.
    pub capture: CaptureEntry,
    /// Every CallManager, by address.
    pub callmanagers: Vec<CallManagerEntry>,
    /// Every device that is proven to be one: by name, those without one behind by hardware address, then by address.
    pub devices: Vec<DeviceEntry>,
    /// What was concluded about servers and the sensor.
    pub findings: Vec<FindingEntry>,
}

impl Report {
    /// The form that this code writes.
    pub const SCHEMA: u32 = 1;

    /// The report on what `snapshot` knows, with what only the reader of the files can tell.
    pub fn new(snapshot: &Snapshot, capture: CaptureFacts) -> Self {
        Self {
            schema: Self::SCHEMA,
            capture: CaptureEntry::new(&snapshot.totals, capture),
            callmanagers: CallManagerEntry::all(snapshot),
            devices: DeviceEntry::all(snapshot),
            findings: FindingEntry::of_site(snapshot),
        }
    }
}

/// Counts by label, in the order of the labels.
pub type Counts = BTreeMap<&'static str, u64>;

fn counts(tally: &Tally) -> Counts {
    tally.iter().collect()
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
