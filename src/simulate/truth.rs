//! What the simulated phones did, counted as they did it: what an observer of their frames should find.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Serialize;

use super::{Scenario, together};
use crate::net::{DeviceName, MacAddr};

/// A whole fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FleetTruth {
    /// Everything added up.
    pub totals: Totals,
    /// Each phone, by its number.
    pub phones: Vec<PhoneTruth>,
    /// What should be told of servers, because it is true of all their phones.
    pub findings: Vec<ServerFinding>,
}

/// What an administrator should be told about a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ServerFinding {
    /// The finding's code.
    pub code: &'static str,
    /// The server's address.
    pub subject: Ipv4Addr,
}

/// What all phones did together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many there are.
    pub phones: u64,
    /// How many are registered at the end.
    pub registered: u64,
    /// Registrations that were acknowledged.
    pub registrations: u64,
    /// Registrations with another CallManager than the one before.
    pub moves: u64,
    /// Registrations that were rejected.
    pub rejects: u64,
    /// Keepalive gaps by the side that fell silent.
    pub keepalive_gaps: Gaps,
    /// DISCOVER and REQUEST messages, those that renew among them.
    pub dhcp_requests: u64,
    /// Connection attempts that were refused.
    pub tcp_refused: u64,
    /// Files that were not found.
    pub tftp_not_found: u64,
    /// Passes of the boot chain.
    pub boots: u64,
    /// NAKs from DHCP servers.
    pub dhcp_naks: u64,
    /// DECLINEs to DHCP servers.
    pub dhcp_declines: u64,
    /// Names that were looked up and answered with an error, or not at all.
    pub dns_failures: u64,
    /// Files that were served whole.
    pub tftp_delivered: u64,
    /// Files that nobody answered for; a request that is repeated counts once.
    pub tftp_unanswered: u64,
    /// Configurations that do not read as XML.
    pub tftp_unreadable: u64,
}

/// One phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhoneTruth {
    /// Its device name.
    #[serde(serialize_with = "as_text")]
    pub name: DeviceName,
    /// Its hardware address.
    #[serde(serialize_with = "as_text")]
    pub mac: MacAddr,
    /// Its network address, once it has one.
    pub address: Option<Ipv4Addr>,
    /// What befalls it.
    pub scenario: Scenario,
    /// The codes of what an administrator should be told about it.
    pub findings: &'static [&'static str],
    /// Where it is at the end.
    pub stage_at_end: Stage,
    /// The CallManager that it is registered with at the end.
    pub callmanager: Option<Ipv4Addr>,
    /// Registrations that were acknowledged.
    pub registrations: u64,
    /// Registrations with another CallManager than the one before.
    pub moves: u64,
    /// Registrations that were rejected.
    pub rejects: u64,
    /// Why the last of them was, in the words of the metrics.
    pub last_reject: Option<&'static str>,
    /// Keepalive gaps by the side that fell silent.
    pub keepalive_gaps: Gaps,
    /// DISCOVER and REQUEST messages, those that renew among them.
    pub dhcp_requests: u64,
    /// Connection attempts that were refused.
    pub tcp_refused: u64,
    /// Files that were not found.
    pub tftp_not_found: u64,
    /// Passes of the boot chain.
    pub boots: u64,
    /// NAKs from DHCP servers.
    pub dhcp_naks: u64,
    /// DECLINEs to DHCP servers.
    pub dhcp_declines: u64,
    /// Names that were looked up and answered with an error, or not at all.
    pub dns_failures: u64,
    /// Files that were served whole.
    pub tftp_delivered: u64,
    /// Files that nobody answered for; a request that is repeated counts once.
    pub tftp_unanswered: u64,
    /// Configurations that do not read as XML.
    pub tftp_unreadable: u64,
    /// The firmware load that it registered with last.
    pub load: Option<&'static str>,
    #[serde(skip)]
    last_callmanager: Option<Ipv4Addr>,
    /// The furthest step of the pass that is under way.
    #[serde(skip)]
    pass: Option<Step>,
}

/// Keepalive gaps by the side that fell silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gaps {
    /// The CallManager did not acknowledge.
    pub callmanager: u64,
    /// The phone was silent.
    pub phone: u64,
}

/// Where a phone is, in the words of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// It has not begun.
    Unknown,
    /// It has spoken to its switch.
    Link,
    /// It asks for an address.
    Dhcp,
    /// It looks up names.
    Dns,
    /// It asks for files.
    Tftp,
    /// It connects to a CallManager.
    Connecting,
    /// It has sent Register.
    Registering,
    /// It was rejected.
    Rejected,
    /// It is registered.
    Registered,
    /// Its registration has ended and it has not begun anew.
    Lost,
}

impl Stage {
    /// Its name in the report.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Link => "link",
            Self::Dhcp => "dhcp",
            Self::Dns => "dns",
            Self::Tftp => "tftp",
            Self::Connecting => "connecting",
            Self::Registering => "registering",
            Self::Rejected => "rejected",
            Self::Registered => "registered",
            Self::Lost => "lost",
        }
    }
}

/// A step of a pass of the boot chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Dhcp,
    Files,
    Connect,
}

/// For how long nobody has to answer a lookup before it counts as failed.
pub(super) const DNS_SILENCE: Duration = Duration::from_secs(15);
/// For how long nobody has to answer the last request for a file before it counts as unanswered.
pub(super) const TFTP_SILENCE: Duration = Duration::from_secs(30);

/// What a frame makes true; it holds from the time of that frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// It spoke to its switch.
    Linked,
    /// It sent a DISCOVER or a REQUEST.
    AskedDhcp,
    /// It asked for its address for longer.
    Renewing,
    /// That was refused.
    DhcpRefused,
    /// It gave its address back.
    Released,
    /// It did not take the address that it was given.
    Declined,
    /// It has this address.
    HasAddress(Ipv4Addr),
    /// It asked for a name.
    AskedDns,
    /// The name was not found, or nobody answered.
    DnsFailed,
    /// It asked for a file.
    AskedFile,
    /// The file is not there.
    FileNotFound,
    /// The file was served.
    FileDelivered,
    /// What was served is no configuration.
    FileUnreadable,
    /// Nobody answered.
    FileUnanswered,
    /// It opened a connection to a CallManager.
    Connecting,
    /// That was refused.
    Refused,
    /// It sent Register and says that it runs this load.
    Registering(&'static str),
    /// The Register was acknowledged by this CallManager.
    Registered(Ipv4Addr),
    /// The Register was rejected, for this reason.
    Rejected(&'static str),
    /// Its registration ended.
    Left,
    /// The CallManager has not acknowledged a keepalive when the next is due.
    CallManagerGap,
    /// The phone has been silent for more than one and a half intervals.
    PhoneGap,
}

impl PhoneTruth {
    pub(super) const fn new(mac: MacAddr, name: DeviceName, scenario: Scenario) -> Self {
        Self {
            name,
            mac,
            address: None,
            scenario,
            findings: scenario.findings(),
            stage_at_end: Stage::Unknown,
            callmanager: None,
            registrations: 0,
            moves: 0,
            rejects: 0,
            last_reject: None,
            keepalive_gaps: Gaps {
                callmanager: 0,
                phone: 0,
            },
            dhcp_requests: 0,
            tcp_refused: 0,
            tftp_not_found: 0,
            boots: 0,
            dhcp_naks: 0,
            dhcp_declines: 0,
            dns_failures: 0,
            tftp_delivered: 0,
            tftp_unanswered: 0,
            tftp_unreadable: 0,
            load: None,
            last_callmanager: None,
            pass: None,
        }
    }

    pub(super) fn take(&mut self, fact: Fact) {
        match fact {
            Fact::Linked if self.stage_at_end == Stage::Unknown => self.stage_at_end = Stage::Link,
            Fact::Linked => {}
            Fact::AskedDhcp => {
                self.dhcp_requests += 1;
                // Whoever looks for an address has started anew, whatever its CallManager believes.
                self.callmanager = None;
                self.step(Step::Dhcp, Stage::Dhcp);
            }
            Fact::Renewing => self.dhcp_requests += 1,
            Fact::DhcpRefused => self.dhcp_naks += 1,
            Fact::Released => self.address = None,
            Fact::Declined => {
                self.dhcp_declines += 1;
                self.address = None;
            }
            Fact::HasAddress(address) => self.address = Some(address),
            Fact::AskedDns => self.step(Step::Files, Stage::Dns),
            Fact::DnsFailed => self.dns_failures += 1,
            Fact::AskedFile => self.step(Step::Files, Stage::Tftp),
            Fact::FileNotFound => self.tftp_not_found += 1,
            Fact::FileDelivered => self.tftp_delivered += 1,
            Fact::FileUnreadable => self.tftp_unreadable += 1,
            Fact::FileUnanswered => self.tftp_unanswered += 1,
            // A second connection, to the server in reserve or to one it may come back to, changes nothing.
            Fact::Connecting if self.callmanager.is_some() => {}
            Fact::Connecting => {
                self.pass = self.pass.map(|_| Step::Connect);
                self.stage_at_end = Stage::Connecting;
            }
            Fact::Refused => self.tcp_refused += 1,
            Fact::Registering(load) => {
                self.load = Some(load);
                self.stage_at_end = Stage::Registering;
            }
            Fact::Registered(callmanager) => {
                let last = self.last_callmanager.replace(callmanager);
                self.registrations += 1;
                self.moves += u64::from(last.is_some_and(|last| last != callmanager));
                self.callmanager = Some(callmanager);
                self.pass = None;
                self.stage_at_end = Stage::Registered;
            }
            Fact::Rejected(reason) => {
                self.rejects += 1;
                self.last_reject = Some(reason);
                self.stage_at_end = Stage::Rejected;
            }
            Fact::Left => {
                self.callmanager = None;
                self.stage_at_end = Stage::Lost;
            }
            Fact::CallManagerGap => self.keepalive_gaps.callmanager += 1,
            Fact::PhoneGap => self.keepalive_gaps.phone += 1,
        }
    }

    /// A pass goes forward; what lies before where it has come begins another.
    fn step(&mut self, step: Step, stage: Stage) {
        self.boots += u64::from(self.pass.is_none_or(|furthest| step < furthest));
        self.pass = Some(step);
        self.stage_at_end = stage;
    }
}

impl FleetTruth {
    pub(super) fn new(mut phones: Vec<PhoneTruth>) -> Self {
        let findings = together::conclude(&mut phones);
        let mut totals = Totals::default();
        for phone in &phones {
            totals.phones += 1;
            totals.registered += u64::from(phone.stage_at_end == Stage::Registered);
            totals.registrations += phone.registrations;
            totals.moves += phone.moves;
            totals.rejects += phone.rejects;
            totals.keepalive_gaps.callmanager += phone.keepalive_gaps.callmanager;
            totals.keepalive_gaps.phone += phone.keepalive_gaps.phone;
            totals.dhcp_requests += phone.dhcp_requests;
            totals.tcp_refused += phone.tcp_refused;
            totals.tftp_not_found += phone.tftp_not_found;
            totals.boots += phone.boots;
            totals.dhcp_naks += phone.dhcp_naks;
            totals.dhcp_declines += phone.dhcp_declines;
            totals.dns_failures += phone.dns_failures;
            totals.tftp_delivered += phone.tftp_delivered;
            totals.tftp_unanswered += phone.tftp_unanswered;
            totals.tftp_unreadable += phone.tftp_unreadable;
        }
        Self {
            totals,
            phones,
            findings,
        }
    }
}

fn as_text<T: ToString, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}
