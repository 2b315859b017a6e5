//! What was read, and how well: the report's `capture`.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::{Counts, counts};
use crate::record::LossPlace;
use crate::snapshot::Totals;
use crate::time::Timestamp;

/// What only the reader of the files can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureFacts {
    /// The files, as they were named.
    pub files: Vec<String>,
    /// What was wrong with them, one sentence each.
    pub problems: Vec<String>,
    /// How long it took to read them.
    pub elapsed: Duration,
}

/// What was read, and how well.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaptureEntry {
    /// The files, as they were named.
    pub files: Vec<String>,
    /// Frames read, copies included.
    pub frames: u64,
    /// The time of the first frame.
    pub first: Option<Timestamp>,
    /// The latest time of a frame.
    pub last: Option<Timestamp>,
    /// Frames lost while capturing, wherever.
    pub lost: u64,
    /// Copies that the mirror made.
    pub duplicates: u64,
    /// Frames cut by the capture's snap length.
    pub truncated: u64,
    /// Payloads that are not what they should be, by protocol; SCCP is always there.
    pub malformed: Counts,
    /// Places in TCP streams where bytes are missing.
    pub stream_gaps: u64,
    /// How long it took to read the files, in seconds.
    pub elapsed_seconds: f64,
    /// What was wrong with the files, one sentence each.
    pub problems: Vec<String>,
    /// Captured bytes.
    pub bytes: u64,
    /// Frames lost, by place.
    pub lost_by_place: Counts,
    /// How often the sensor could not tell how many frames it missed.
    pub blind: u64,
    /// DHCP messages by type.
    pub dhcp: DhcpCounts,
    /// TFTP transfers by server.
    pub tftp: Vec<TftpServerCounts>,
    /// SCCP messages by name.
    pub sccp_messages: Counts,
    /// Names that phones looked up, by result.
    pub dns: Counts,
    /// Why sessions ended, as the phones say it, by reason.
    pub reset_reasons: Counts,
}

/// DHCP messages by type; a relayed copy is not counted again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DhcpCounts {
    /// Those of clients.
    pub requests: Counts,
    /// Those of servers.
    pub replies: Counts,
}

/// One server's TFTP transfers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TftpServerCounts {
    /// The server.
    pub server: IpAddr,
    /// Its transfers by result.
    pub results: Counts,
}

impl CaptureEntry {
    /// What the engine counted, with what the reader of the files tells.
    pub fn new(totals: &Totals, facts: CaptureFacts) -> Self {
        Self {
            files: facts.files,
            frames: totals.frames,
            first: totals.first,
            last: totals.last,
            // A file can claim any number of lost frames.
            lost: totals
                .lost
                .iter()
                .fold(0, |sum, lost| lost.saturating_add(sum)),
            duplicates: totals.duplicates,
            truncated: totals.truncated,
            malformed: malformed(totals),
            stream_gaps: totals.stream_gaps,
            elapsed_seconds: facts.elapsed.as_secs_f64(),
            problems: facts.problems,
            bytes: totals.bytes,
            lost_by_place: LossPlace::ALL
                .iter()
                .map(|place| place.label())
                .zip(totals.lost)
                .collect(),
            blind: totals.blind,
            dhcp: DhcpCounts {
                requests: counts(&totals.dhcp_requests),
                replies: counts(&totals.dhcp_replies),
            },
            tftp: tftp(totals),
            sccp_messages: counts(&totals.sccp_messages),
            dns: counts(&totals.dns_lookups),
            reset_reasons: counts(&totals.reset_reasons),
        }
    }
}

/// What was cut short is left out: that is the capture's fault and counted as such.
fn malformed(totals: &Totals) -> Counts {
    let mut malformed = Counts::from([("sccp", 0)]);
    for (protocol, reasons) in &totals.decode_errors {
        *malformed.entry(protocol).or_default() += reasons.count("malformed");
    }
    malformed
}

fn tftp(totals: &Totals) -> Vec<TftpServerCounts> {
    let mut servers: Vec<_> = totals
        .tftp_transfers
        .iter()
        .map(|(server, results)| TftpServerCounts {
            server: *server,
            results: counts(results),
        })
        .collect();
    servers.sort_by_key(|entry| entry.server);
    servers
}
