//! The devices: the report's `devices`.

use std::net::IpAddr;

use serde::Serialize;

use super::FindingEntry;
use super::lease::LeaseEntry;
use crate::phone::callmanager::CallManagerGroup;
use crate::phone::dhcp::DhcpTracker;
use crate::phone::keepalive::{GapDirection, OpenGap};
use crate::phone::link::LinkFacts;
use crate::phone::registration::Proof;
use crate::phone::tftp::TftpFacts;
use crate::phone::{Device, DeviceId, Role, Stage};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::wire::sccp::{DeviceKind, ResetReason};
use crate::wire::sep_config::{DeviceProtocol, Host};

/// One device. The keys up to `findings` stay as they are; those behind it may grow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceEntry {
    /// Its SCCP device name.
    pub name: Option<String>,
    /// What kind of device it is.
    pub kind: DeviceKind,
    /// Its hardware address.
    pub mac: Option<String>,
    /// The address it was last seen to use.
    pub address: Option<IpAddr>,
    /// Its model.
    pub model: Option<String>,
    /// Its firmware load.
    pub load: Option<String>,
    /// Where it is at the end.
    pub stage: Stage,
    /// The server it is registered with at the end.
    pub callmanager: Option<IpAddr>,
    /// What that server is to it.
    pub role: Role,
    /// `RegisterAck`s that followed a Register.
    pub registrations: u64,
    /// Registrations with another CallManager than the one before.
    pub moves: u64,
    /// Registrations that were refused.
    pub rejects: u64,
    /// Registrations that ended.
    pub unregistrations: u64,
    /// Keepalive gaps, whoever fell silent.
    pub keepalive_gaps: u64,
    /// Keepalives that were not acknowledged in time.
    pub keepalives_missed: u64,
    /// DISCOVERs, REQUESTs and INFORMs; a relayed copy is not counted again.
    pub dhcp_requests: u64,
    /// Connection attempts to a CallManager that were refused.
    pub tcp_refused: u64,
    /// Requests for files that the TFTP server does not have.
    pub tftp_not_found: u64,
    /// Passes of the boot chain that were begun.
    pub boots: u64,
    /// Why its session before the present one ended, in the phone's own words.
    pub last_reset_reason: Option<String>,
    /// What was concluded about it.
    pub findings: Vec<FindingEntry>,
    /// That reason as one of a fixed set of words.
    pub last_reset_label: Option<&'static str>,
    /// Whether it calls for attention at the end.
    pub unhealthy: bool,
    /// Whether its registration is only inferred: the capture joined later.
    pub inferred: bool,
    /// Since when it is registered.
    pub registered_since: Option<Timestamp>,
    /// Since when it is at its stage.
    pub stage_since: Timestamp,
    /// The server it was last registered with.
    pub last_callmanager: Option<IpAddr>,
    /// The order in which it tries its servers, where it is known; SRST routers come last.
    pub callmanager_list: Option<Vec<String>>,
    /// Its moves to and fro.
    pub flapping: Episodes,
    /// The last reject.
    pub last_reject: Option<LastReject>,
    /// Keepalives sent on the registered connection.
    pub keepalives: u64,
    /// Keepalive gaps by the side that fell silent.
    pub keepalive_gaps_by_direction: GapCounts,
    /// The gap that is open at the end.
    pub open_gap: Option<OpenGapEntry>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When a frame of it was last seen.
    pub last_seen: Timestamp,
    /// Connection attempts to a CallManager that nothing answered.
    pub tcp_unanswered: u64,
    /// Names it looked up in vain.
    pub dns_failures: u64,
    /// Whether CallManager registered it on its own, after the default configuration.
    pub default_configuration: bool,
    /// What it fetched.
    pub tftp: TftpEntry,
    /// How it fared with DHCP.
    pub dhcp: Option<DhcpEntry>,
    /// The lease it holds.
    pub lease: Option<LeaseEntry>,
    /// The lease of IPv6 that it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_v6: Option<LeaseEntry>,
    /// Its port on the switch.
    pub link: Option<LinkEntry>,
    /// What the inventory calls it.
    pub description: Option<String>,
    /// Its device pool by the inventory.
    pub device_pool: Option<String>,
    /// Its first directory number by the inventory.
    pub directory_number: Option<String>,
    /// Where it stands.
    pub site: Option<String>,
}

/// Something that begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Episodes {
    /// Whether it goes on at the end.
    pub now: bool,
    /// How often it began.
    pub episodes: u64,
}

/// A refused registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastReject {
    /// Why, as one of a fixed set of words.
    pub reason: &'static str,
    /// What the phone shows.
    pub text: String,
}

/// Keepalive gaps by the side that fell silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GapCounts {
    /// The CallManager did not acknowledge.
    pub callmanager: u64,
    /// The phone was silent.
    pub phone: u64,
}

/// A gap that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OpenGapEntry {
    /// Who is silent: `callmanager` or `phone`.
    pub direction: &'static str,
    /// Since when.
    pub since: Timestamp,
}

/// What a device fetched with TFTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TftpEntry {
    /// Read requests; one that is repeated counts once.
    pub requests: u64,
    /// Transfers that were completed.
    pub completed: u64,
    /// Requests answered with "file not found".
    pub not_found: u64,
    /// Requests answered with another error.
    pub errors: u64,
    /// Requests that nothing answered.
    pub unanswered: u64,
    /// When its own configuration file was last delivered whole.
    pub configured: Option<Timestamp>,
    /// Its configuration files that could not be read.
    pub unreadable: u64,
    /// The load that its configuration names.
    pub configured_load: Option<String>,
    /// The signalling protocol that its configuration names.
    pub protocol: Option<String>,
}

/// How a device fared with DHCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DhcpEntry {
    /// Whether it asks too often.
    pub excessive: Episodes,
    /// NAKs it was sent.
    pub naks: u64,
    /// DECLINEs it sent: somebody else uses its address.
    pub declines: u64,
    /// Since when it asks in vain.
    pub asking_since: Option<Timestamp>,
}

/// The port that a device is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkEntry {
    /// The switch's name.
    pub switch: Option<String>,
    /// The switch's port.
    pub port: Option<String>,
    /// The voice VLAN that the switch gave.
    pub voice_vlan: Option<u16>,
    /// The VLAN tag of its own frames.
    pub tag: Option<u16>,
    /// When it last spoke CDP or LLDP.
    pub heard: Option<Timestamp>,
}

impl DeviceEntry {
    /// The report of `device`, which is at the place `id`. What was concluded about servers may explain its findings; the inventory may describe it.
    pub fn new(id: DeviceId, device: &Device, snapshot: &Snapshot) -> Self {
        let pulse = snapshot.devices.pulse(id);
        let site = &snapshot.findings;
        let inventory = snapshot.inventory.as_deref();
        let listed = device.name.and_then(|name| inventory?.of(name));
        let description = listed.and_then(|listed| listed.description.as_deref());
        let registration = &device.registration;
        let current = registration.current;
        let keepalives = &device.keepalives;
        // The silence that goes on is a gap already; what it was is counted for good when it ends.
        let is_silent = keepalives
            .open_gap
            .is_some_and(|gap| gap.direction == GapDirection::Phone);
        let gaps = GapCounts {
            callmanager: keepalives.gaps(GapDirection::CallManager).into(),
            phone: u64::from(keepalives.gaps(GapDirection::Phone)) + u64::from(is_silent),
        };
        let dhcp = device.needed_dhcp();
        let reset = device.last_reset_reason.as_deref();
        Self {
            name: device.name.map(|name| name.to_string()),
            kind: device.kind(),
            mac: device.mac.map(|mac| mac.to_string()),
            address: device.address,
            model: device.model().map(str::to_owned),
            load: owned(device.load.as_deref()),
            stage: device.stage,
            callmanager: current.map(|current| current.callmanager),
            role: current.map_or(Role::Unknown, |current| current.role),
            registrations: registration.registrations,
            moves: registration.moves,
            rejects: registration.rejects,
            unregistrations: registration.unregistrations,
            keepalive_gaps: gaps.callmanager + gaps.phone,
            keepalives_missed: device.keepalives.missed,
            dhcp_requests: device.dhcp_requests(),
            tcp_refused: device.tcp_refused.into(),
            tftp_not_found: device.tftp.not_found.into(),
            boots: device.boot.passes.into(),
            last_reset_reason: reset.map(in_the_phones_words),
            findings: FindingEntry::of_device(&device.findings, &device.label(), description, site),
            last_reset_label: reset.map(ResetReason::label),
            unhealthy: device.is_unhealthy(),
            inferred: current.is_some_and(|current| current.proof == Proof::Inferred),
            registered_since: current.map(|current| current.since),
            stage_since: device.stage_since,
            last_callmanager: registration.last_callmanager,
            callmanager_list: device.group.as_deref().map(server_list),
            flapping: Episodes {
                now: registration.is_flapping,
                episodes: registration.flapping_episodes.into(),
            },
            last_reject: registration
                .last_reject
                .as_deref()
                .map(|(reason, text)| LastReject {
                    reason: reason.label(),
                    text: text.clone(),
                }),
            keepalives: pulse.keepalives,
            keepalive_gaps_by_direction: gaps,
            open_gap: device.keepalives.open_gap.map(OpenGapEntry::new),
            first_seen: device.first_seen,
            last_seen: pulse.last_seen,
            tcp_unanswered: device.tcp_unanswered.into(),
            dns_failures: device.dns_failures.into(),
            default_configuration: device.default_configuration,
            tftp: TftpEntry::new(&device.tftp),
            dhcp: dhcp.map(DhcpEntry::new),
            lease: lease(device.dhcp.as_deref()),
            lease_v6: lease(device.dhcpv6.as_deref()),
            link: device.link.as_deref().map(LinkEntry::new),
            description: owned(description),
            device_pool: owned(listed.and_then(|it| it.device_pool.as_deref())),
            directory_number: owned(listed.and_then(|it| it.directory_number.as_deref())),
            site: owned(snapshot.site(device)),
        }
    }

    /// The place of a device in the report's order.
    pub(super) fn place(device: &Device) -> impl Ord + use<> {
        (
            device.name.is_none(),
            device.name,
            device.mac.is_none(),
            device.mac,
            device.address,
        )
    }

    /// Every device to show, in the order of the report.
    pub fn all(snapshot: &Snapshot) -> Vec<Self> {
        let mut devices: Vec<_> = snapshot.shown_with_places().collect();
        devices.sort_by_key(|(_, device)| Self::place(device));
        devices
            .into_iter()
            .map(|(id, device)| Self::new(id, device, snapshot))
            .collect()
    }
}

impl OpenGapEntry {
    const fn new(gap: OpenGap) -> Self {
        Self {
            direction: gap.direction.label(),
            since: gap.since,
        }
    }
}

impl TftpEntry {
    fn new(tftp: &TftpFacts) -> Self {
        Self {
            requests: tftp.requests.into(),
            completed: tftp.completed.into(),
            not_found: tftp.not_found.into(),
            errors: tftp.errors.into(),
            unanswered: tftp.unanswered.into(),
            configured: tftp.configured,
            unreadable: tftp.unreadable.into(),
            configured_load: owned(tftp.configured_load.as_deref()),
            protocol: tftp.protocol.as_deref().map(|protocol| match protocol {
                DeviceProtocol::Sccp => String::from("SCCP"),
                DeviceProtocol::Sip => String::from("SIP"),
                DeviceProtocol::Other(other) => other.clone(),
            }),
        }
    }
}

impl DhcpEntry {
    fn new(dhcp: &DhcpTracker) -> Self {
        Self {
            excessive: Episodes {
                now: dhcp.is_excessive,
                episodes: dhcp.excessive_episodes.into(),
            },
            naks: dhcp.naks.into(),
            declines: dhcp.declines.into(),
            asking_since: dhcp.asking_since,
        }
    }
}

impl LinkEntry {
    fn new(link: &LinkFacts) -> Self {
        Self {
            switch: owned(link.switch.as_deref()),
            port: owned(link.port.as_deref()),
            voice_vlan: link.voice_vlan,
            tag: link.tag,
            heard: link.heard,
        }
    }
}

/// The text as it was sent; a phone that sent only a number gets that and its meaning in a word.
fn in_the_phones_words(reason: &ResetReason) -> String {
    if reason.text.is_empty() {
        reason.to_string()
    } else {
        reason.text.clone()
    }
}

fn server_list(group: &CallManagerGroup) -> Vec<String> {
    group
        .members
        .iter()
        .chain(&group.srst)
        .map(|host| match host {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => name.clone(),
        })
        .collect()
}

fn lease(dhcp: Option<&DhcpTracker>) -> Option<LeaseEntry> {
    dhcp?.lease.as_deref().map(LeaseEntry::new)
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}
