//! Findings about DHCP: the address of a phone and what comes with it.

pub(super) mod bad_lease;
pub(super) mod bad_tftp_server;
pub(super) mod duplicate_address;
pub(super) mod excessive;
pub(super) mod no_answer;
pub(super) mod no_tftp_server;
pub(super) mod refused;
pub(super) mod rogue_server;
pub(super) mod static_address;

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use super::Case;
use crate::phone::dhcp::Lease;
use crate::phone::{Device, Stage};
use crate::time::Timestamp;

/// The code of a phone that DHCP does not answer: the engine counts those phones.
pub use no_answer::CODE as NO_ANSWER;

/// What the messages of a version are called.
struct Words {
    discover: &'static str,
    offer: &'static str,
    ack: &'static str,
    renewal: &'static str,
    nak: &'static str,
    /// Where the TFTP servers stand.
    tftp: &'static str,
}

impl Words {
    const V4: Self = Self {
        discover: "DISCOVER",
        offer: "OFFER",
        ack: "ACK",
        renewal: "REQUEST to renew",
        nak: "NAK",
        tftp: "option 150",
    };
    const V6: Self = Self {
        discover: "SOLICIT",
        offer: "ADVERTISE",
        ack: "REPLY",
        renewal: "RENEW",
        nak: "REPLY",
        tftp: "Cisco's suboption 1 of option 17",
    };

    /// Those of the version that the device needs.
    fn of(device: &Device) -> &'static Self {
        if device.needs_dhcpv6() {
            &Self::V6
        } else {
            &Self::V4
        }
    }
}

/// The DHCP server of the version that the device needs, where only one was ever heard.
fn only_server(case: &Case<'_>) -> Option<IpAddr> {
    let service = if case.device.needs_dhcpv6() {
        case.site.dhcpv6
    } else {
        case.site.dhcp
    };
    service.only_server()
}

/// When it is known that a device which needs DHCP for IPv6 has nothing of IPv4 beside what it was told or not told there
/// at `since`. What it did before may have been missed; else what it does soon after would show it.
fn has_no_ipv4_from(case: &Case<'_>, since: Timestamp) -> Timestamp {
    /// A phone that has both versions begins with both at once.
    const BEFORE: Duration = Duration::from_secs(30);
    /// Whoever lives by IPv4 fetches a file, keeps a session alive or tells its address by ARP or CDP.
    const AFTER: Duration = Duration::from_secs(120);

    let began = case.site.sight.watching_since();
    let is_whole = began.is_some_and(|began| began + BEFORE <= since);
    if is_whole || !case.device.needs_dhcpv6() {
        since
    } else {
        since + AFTER
    }
}

/// Whether what is missing since `since` would have been seen; a finding that holds already is not taken back by a loss
/// that comes later.
fn would_have_been_seen(case: &Case<'_>, code: &str, since: Timestamp) -> bool {
    let holds = case
        .device
        .findings
        .of(code)
        .is_some_and(|finding| finding.is_active());
    holds || case.site.sight.lost_nothing_since(since)
}

/// Whether the device shows that it can do without what its lease lacks: it has its files, or reached a CallManager.
fn manages(case: &Case<'_>, lease: &Lease) -> bool {
    let device = case.device;
    device.registration.current.is_some()
        || device.stage > Stage::Tftp && device.stage != Stage::Lost
        || device.tftp.configured.is_some_and(|at| at >= lease.at)
}

/// Addresses for a sentence: `10.1.1.1, 10.1.1.2`, or `none`.
fn list(addresses: &[impl Display]) -> String {
    if addresses.is_empty() {
        return String::from("none");
    }
    let words: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// A server for a sentence: its address, or `a server`.
fn server(address: Option<IpAddr>) -> String {
    address.map_or_else(|| String::from("a server"), |address| address.to_string())
}

/// A time span for a sentence: `40 s`, `15 min`, `12 h`, `4 days`.
fn span(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
