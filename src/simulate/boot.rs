//! The way of a simulated phone to its CallManagers: switch, DHCP, TFTP, DNS, and what goes wrong on it.

mod files;
mod lease;
mod link;
mod names;
mod ways;

use super::script::{Host, Script};

pub(super) use files::{Contents, FileStory, NEW_LOAD, fetch, files};
pub(super) use lease::{LeaseStory, lease, renew};
pub(super) use link::{contest, link, voice_vlan};
pub(super) use names::{NameStory, names};
pub(super) use ways::{CONFIGURATION, GIVEN, way};

/// DHCP, DNS and TFTP server of the fleet.
pub(super) const SERVICES: Host = Host::server(5);
/// The CallManagers, by priority.
pub(super) const CALLMANAGERS: [Host; 2] = [Host::server(11), Host::server(12)];
/// The firmware load of every phone.
pub(super) const LOAD: &str = "P00308000500";

/// A TFTP server that some phones are set to by hand.
const OTHER_TFTP_SERVER: Host = Host::server(6);
/// A machine on which no TFTP service runs.
const NO_TFTP_SERVER: Host = Host::server(7);
/// The names of the CallManagers, where phones are given names.
const CALLMANAGER_NAMES: [&str; 2] = ["cm-pub.voice.example", "cm-sub.voice.example"];

/// A port of the dynamic range.
fn client_port(script: &mut Script) -> u16 {
    49_152 + (script.random.number16() >> 2)
}
