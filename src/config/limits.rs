//! The table `limits`.

use super::section::Section;
use super::units::{GIB, KIB, MIB};

/// How much is kept in memory; beyond it the oldest, and strangers before phones, give way and are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Devices that have shown a name or a registration.
    pub devices: usize,
    /// DHCP clients and addresses that have not.
    pub strangers: usize,
    /// TCP connections to SCCP ports.
    pub connections: usize,
    /// Servers, named or learned; not fewer than are named.
    pub callmanagers: usize,
    /// TFTP transfers that are under way.
    pub transfers: usize,
    /// Names that were looked up in DNS.
    pub dns_names: usize,
    /// Fragments of IP packets that wait for the rest, in bytes.
    pub fragments: usize,
    /// What came out of order in one direction of one connection, in bytes.
    pub stream_buffer: usize,
    /// What came out of order in all connections, in bytes.
    pub streams_buffer: usize,
    /// A phone's configuration file as it is put together from TFTP blocks, in bytes.
    pub config_file: usize,
    /// Events that wait for the outputs.
    pub events: usize,
    /// The last frames of all phones' signalling, in bytes.
    pub recorder: usize,
    /// The last frames of one phone's signalling.
    pub recorder_frames: u32,
}

impl Limits {
    pub(super) fn read(section: &mut Section<'_>, named_callmanagers: usize) -> Self {
        let default = Self::default();
        Self {
            devices: section.integer("devices", default.devices, 1..=10_000_000),
            strangers: section.integer("strangers", default.strangers, 1..=10_000_000),
            connections: section.integer("connections", default.connections, 1..=10_000_000),
            callmanagers: section.integer(
                "callmanagers",
                default.callmanagers,
                named_callmanagers.max(1)..=65_536,
            ),
            transfers: section.integer("transfers", default.transfers, 1..=1_000_000),
            dns_names: section.integer("dns_names", default.dns_names, 1..=1_000_000),
            fragments: section.size("fragments", default.fragments, 64 * KIB..=GIB),
            // One stream's share never exceeds that of all.
            stream_buffer: section.size("stream_buffer", default.stream_buffer, KIB..=MIB),
            streams_buffer: section.size("streams_buffer", default.streams_buffer, MIB..=GIB),
            config_file: section.size("config_file", default.config_file, KIB..=16 * MIB),
            events: section.integer("events", default.events, 1..=10_000_000),
            recorder: section.size("recorder", default.recorder, 64 * KIB..=GIB),
            recorder_frames: section.integer(
                "recorder_frames",
                default.recorder_frames,
                2..=100_000,
            ),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            devices: 120_000,
            strangers: 20_000,
            connections: 300_000,
            callmanagers: 256,
            transfers: 20_000,
            dns_names: 10_000,
            fragments: 4 * MIB,
            stream_buffer: 16 * KIB,
            streams_buffer: 64 * MIB,
            config_file: 128 * KIB,
            events: 65_536,
            recorder: 8 * MIB,
            recorder_frames: 256,
        }
    }
}
