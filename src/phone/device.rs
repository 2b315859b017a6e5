//! One device: everything that is known of it.

use std::net::IpAddr;
use std::sync::Arc;

use super::boot::{Boot, Failures, Stage, Step};
use super::callmanager::CallManagerGroup;
use super::dhcp::DhcpTracker;
use super::files::Files;
use super::history::History;
use super::keepalive::KeepaliveCounts;
use super::link::LinkFacts;
use super::pace::Pace;
use super::quality::Quality;
use super::registration::Registration;
use super::seldom::Seldom;
use super::tftp::TftpFacts;
use crate::finding::{Findings, Severity};
use crate::net::{DeviceName, MacAddr};
use crate::time::Timestamp;
use crate::wire::sccp::{DeviceKind, DeviceType, ResetReason};

/// A device's place in the engine's table. A place may be used again, but never under the same id.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct DeviceId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// What changes with nearly every frame of a device. It is kept apart from the rest, so that a keepalive copies no
/// [`Device`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When a frame of it was last seen.
    pub last_seen: Timestamp,
    /// Keepalives that it sent on its registered connection.
    pub keepalives: u64,
}

impl Pulse {
    /// Of both, where two records turn out to be of one device.
    pub(crate) fn joined(self, other: Self) -> Self {
        Self {
            last_seen: self.last_seen.max(other.last_seen),
            keepalives: self.keepalives + other.keepalives,
        }
    }
}

/// What is known of one device. Copied on write: a snapshot shares it with the engine until it changes.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Device {
    /// Its SCCP device name, once anything told it.
    pub name: Option<DeviceName>,
    /// Its hardware address.
    pub mac: Option<MacAddr>,
    /// The address it was last seen to use.
    pub address: Option<IpAddr>,
    /// Whether anything proves that this is an SCCP endpoint or a Cisco phone. What is not proven is not shown: it may
    /// be any DHCP client.
    pub is_proven: bool,
    /// The type that it registers with.
    pub device_type: Option<DeviceType>,
    /// Whether its DHCP class, its CDP or LLDP platform or messages that only phones send say that it is a phone.
    pub looks_like_a_phone: bool,
    /// Its model, like `Cisco 7912`.
    pub model: Option<Box<str>>,
    /// Its firmware load.
    pub load: Option<Box<str>>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// Where it is now.
    pub stage: Stage,
    /// Since when it is there.
    pub stage_since: Timestamp,
    /// Its passes of the boot chain.
    pub boot: Boot,
    /// Where it is registered, and how often it was, moved and was refused.
    pub registration: Registration,
    /// Its keepalives and their gaps.
    pub keepalives: KeepaliveCounts,
    /// What troubled its registered connection, if anything did.
    pub quality: Option<Box<Quality>>,
    /// What it asked of DHCP and was given.
    pub dhcp: Option<Box<DhcpTracker>>,
    /// The same of DHCP for IPv6.
    #[serde(default)]
    pub dhcpv6: Option<Box<DhcpTracker>>,
    /// What it and its switch said of its port.
    pub link: Option<Box<LinkFacts>>,
    /// What it fetched.
    pub tftp: Seldom<TftpFacts>,
    /// What stood in the way of its names and files, where anything did.
    pub files: Option<Box<Files>>,
    /// Names it looked up that were answered with an error, or not at all.
    pub dns_failures: u32,
    /// Connection attempts to a CallManager that were refused.
    pub tcp_refused: u32,
    /// Connection attempts to a CallManager that nothing answered.
    pub tcp_unanswered: u32,
    /// The order in which it tries its servers.
    pub group: Option<Arc<CallManagerGroup>>,
    /// Why its session before the present one ended, in its own words.
    pub last_reset_reason: Option<Box<ResetReason>>,
    /// Whether CallManager registered it on its own, after the default configuration.
    pub default_configuration: bool,
    /// What befell its registrations lately, if anything did.
    pub history: Option<Box<History>>,
    /// What was concluded about it.
    #[serde(skip)]
    pub findings: Findings,
}

impl Device {
    /// What kind of device it is: by its SCCP device type where that is known, else by what it looks like.
    pub fn kind(&self) -> DeviceKind {
        let by_type = self.device_type.and_then(DeviceType::kind);
        by_type.unwrap_or(if self.looks_like_a_phone {
            DeviceKind::Phone
        } else {
            DeviceKind::Other
        })
    }

    /// Whether it is a phone.
    pub fn is_phone(&self) -> bool {
        self.kind() == DeviceKind::Phone
    }

    /// Whether all that it has of the network comes by IPv6, as far as was seen: then it needs DHCP for IPv6. A phone that
    /// has both versions asks for IPv6 as long as it is up, and does without.
    pub fn needs_dhcpv6(&self) -> bool {
        self.dhcp.is_none()
            && self.dhcpv6.is_some()
            && self.address.is_none_or(|address| address.is_ipv6())
    }

    /// Its DHCP of the version that it needs.
    pub fn needed_dhcp(&self) -> Option<&DhcpTracker> {
        if self.needs_dhcpv6() {
            self.dhcpv6.as_deref()
        } else {
            self.dhcp.as_deref()
        }
    }

    /// The same, to change it.
    pub(crate) fn needed_dhcp_mut(&mut self) -> Option<&mut DhcpTracker> {
        if self.needs_dhcpv6() {
            self.dhcpv6.as_deref_mut()
        } else {
            self.dhcp.as_deref_mut()
        }
    }

    /// Its DHCP of both versions.
    pub fn all_dhcp(&self) -> impl Iterator<Item = &DhcpTracker> {
        self.dhcp
            .as_deref()
            .into_iter()
            .chain(self.dhcpv6.as_deref())
    }

    /// How often it asked DHCP of either version.
    pub fn dhcp_requests(&self) -> u64 {
        self.all_dhcp().map(|dhcp| dhcp.requests).sum()
    }

    /// Its model: by its SCCP device type where that is known, else as DHCP, CDP, LLDP or an alarm named it.
    pub fn model(&self) -> Option<&str> {
        self.device_type
            .and_then(DeviceType::model)
            .or(self.model.as_deref())
    }

    /// What to call it: its name, else its hardware address, else its network address.
    pub fn label(&self) -> String {
        match (self.name, self.mac, self.address) {
            (Some(name), _, _) => name.to_string(),
            (None, Some(mac), _) => mac.to_string(),
            (None, None, Some(address)) => address.to_string(),
            (None, None, None) => String::from("unknown"),
        }
    }

    /// It takes a step of the boot chain; whether that begins another pass.
    pub(crate) fn step(&mut self, step: Step, at: Timestamp) -> bool {
        let failures = self.failures();
        let begins = self.boot.step(step, at, failures);
        if self.boot.began.is_some() {
            let pace = &mut self.history.get_or_insert_default().pace;
            match pace {
                Some(pace) if !begins => pace.step(step, at),
                _ => *pace = Some(Box::new(Pace::new(step, at))),
            }
        }
        begins
    }

    /// How often each step of the boot chain has failed.
    pub fn failures(&self) -> Failures {
        let dhcp = |count: fn(&DhcpTracker) -> u32| self.needed_dhcp().map_or(0, count);
        Failures([
            dhcp(|dhcp| dhcp.naks),
            dhcp(|dhcp| dhcp.declines),
            self.dns_failures,
            self.tftp.not_found,
            self.tftp.errors,
            self.tftp.unanswered,
            self.tcp_unanswered,
            self.tcp_refused,
            u32::try_from(self.registration.rejects).unwrap_or(u32::MAX),
        ])
    }

    /// Forgets a past in which there is nothing.
    pub(crate) fn tidy(&mut self) {
        if self
            .history
            .as_ref()
            .is_some_and(|history| history.is_empty())
        {
            self.history = None;
        }
    }

    /// Takes over what was known of the same device under another record, whose own facts count less.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.name = self.name.or(other.name);
        self.mac = self.mac.or(other.mac);
        self.address = self.address.or(other.address);
        self.is_proven |= other.is_proven;
        self.device_type = self.device_type.or(other.device_type);
        self.looks_like_a_phone |= other.looks_like_a_phone;
        self.model = self.model.take().or(other.model);
        self.load = self.load.take().or(other.load);
        self.first_seen = self.first_seen.min(other.first_seen);
        if other.stage_since > self.stage_since && other.stage != Stage::Unknown
            || self.stage == Stage::Unknown
        {
            self.stage = other.stage;
            self.stage_since = other.stage_since;
        }
        self.boot.absorb(other.boot);
        self.registration.absorb(other.registration);
        self.keepalives.absorb(other.keepalives);
        match (&mut self.quality, other.quality) {
            (Some(own), Some(others)) => own.absorb(*others),
            (own, others) => *own = own.take().or(others),
        }
        match (&mut self.dhcp, other.dhcp) {
            (Some(own), Some(others)) => own.absorb(*others),
            (own, others) => *own = own.take().or(others),
        }
        match (&mut self.dhcpv6, other.dhcpv6) {
            (Some(own), Some(others)) => own.absorb(*others),
            (own, others) => *own = own.take().or(others),
        }
        self.link = self.link.take().or(other.link);
        self.tftp.absorb(other.tftp, TftpFacts::absorb);
        match (&mut self.files, other.files) {
            (Some(own), Some(others)) => own.absorb(*others),
            (own, others) => *own = own.take().or(others),
        }
        self.dns_failures += other.dns_failures;
        self.tcp_refused += other.tcp_refused;
        self.tcp_unanswered += other.tcp_unanswered;
        self.group = self.group.take().or(other.group);
        self.last_reset_reason = self.last_reset_reason.take().or(other.last_reset_reason);
        self.default_configuration |= other.default_configuration;
        match (&mut self.history, other.history) {
            (Some(own), Some(others)) => own.absorb(*others),
            (own, others) => *own = own.take().or(others),
        }
        self.findings.absorb(other.findings);
    }

    /// Whether anything about it calls for attention: it is not registered, or it flaps, or misses keepalives now, or
    /// more than a mere fact was concluded about it.
    pub fn is_unhealthy(&self) -> bool {
        self.stage != Stage::Registered
            || self.registration.is_flapping
            || self.keepalives.open_gap.is_some()
            || self.findings.worst() > Some(Severity::Info)
            || self.needed_dhcp().is_some_and(|dhcp| dhcp.is_excessive)
    }
}
