//! What Prometheus is given: the text page, made anew for each scrape.
//!
//! Nothing is registered and nothing is kept between scrapes: every series is written from the snapshot, so what is gone
//! from there is gone from the page. Counters whose labels are known beforehand are there from the start with 0,
//! since `rate()` does not see the event that makes a series appear. Totals count every device, whichever phones have
//! series of their own. Names and labels keep to <https://prometheus.io/docs/practices/naming/>.

mod findings;
mod fleet;
mod page;
mod phones;
mod process;
mod sensor;

use crate::config::PerPhone;
use crate::snapshot::Snapshot;
use page::Page;

pub use sensor::{
    AlertState, EvidenceState, InterfaceState, MaintenanceState, ReloadState, SensorState,
    SilenceCounts,
};

/// What the page is sent as: the text format that every Prometheus reads.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Which phones have series of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Every phone, those that call for attention, or none.
    pub per_phone: PerPhone,
    /// How many at most; those that call for attention come first.
    pub per_phone_limit: usize,
}

/// The page. Fails only where the encoder refuses a family: one without a name or without a series.
pub fn render(
    snapshot: &Snapshot,
    sensor: &SensorState,
    settings: &MetricsSettings,
) -> prometheus::Result<String> {
    let mut page = snapshot_page(snapshot, sensor, settings);
    process::add(&mut page, sensor.started);
    page.encode()
}

/// The part of the page that follows from its arguments alone.
fn snapshot_page(snapshot: &Snapshot, sensor: &SensorState, settings: &MetricsSettings) -> Page {
    let mut page = Page::default();
    fleet::add(&mut page, snapshot);
    findings::add(&mut page, snapshot);
    phones::add(&mut page, snapshot, settings);
    sensor::add(&mut page, &snapshot.totals, sensor);
    page
}

#[cfg(test)]
mod tests;
