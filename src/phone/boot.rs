//! Where a phone is on its way from the wall socket to its CallManager.
//!
//! The chain is link -> DHCP -> DNS -> TFTP -> TCP -> Register. One pass of it is a boot. DHCP that is asked again
//! within a pass (another VLAN, a retry) is the same pass; going back to DHCP after TFTP or later is another one.

use std::time::Duration;

use crate::time::Timestamp;

/// Where a phone is now.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Nothing proves where it is.
    #[default]
    Unknown,
    /// It speaks CDP or LLDP to its switch, nothing more yet.
    Link,
    /// It asks for an address.
    Dhcp,
    /// It looks up a name.
    Dns,
    /// It fetches its files.
    Tftp,
    /// It opens a TCP connection to a CallManager.
    Connecting,
    /// It asked to be registered.
    Registering,
    /// A CallManager refused it.
    Rejected,
    /// It is registered.
    Registered,
    /// It was registered and is no longer.
    Lost,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 10] = [
        Self::Unknown,
        Self::Link,
        Self::Dhcp,
        Self::Dns,
        Self::Tftp,
        Self::Connecting,
        Self::Registering,
        Self::Rejected,
        Self::Registered,
        Self::Lost,
    ];

    /// The word of the report and the metrics label.
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

    /// Its number in the metrics, which is its place in [`Stage::ALL`]. It stays, since dashboards show it as a word.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Link => 1,
            Self::Dhcp => 2,
            Self::Dns => 3,
            Self::Tftp => 4,
            Self::Connecting => 5,
            Self::Registering => 6,
            Self::Rejected => 7,
            Self::Registered => 8,
            Self::Lost => 9,
        }
    }
}

/// A step of the boot chain, in its order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Step {
    /// CDP or LLDP.
    Link,
    /// DISCOVER, or a REQUEST that is no renewal.
    Dhcp,
    /// A name is looked up, or a file of the boot is asked for. A phone may do either first.
    Files,
    /// A SYN to a CallManager.
    Connect,
    /// Register.
    Register,
}

impl Step {
    /// Every step, in its order.
    pub const ALL: [Self; 5] = [
        Self::Link,
        Self::Dhcp,
        Self::Files,
        Self::Connect,
        Self::Register,
    ];
}

/// How far a phone came in its present pass of the boot chain, and how many passes there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Boot {
    /// Passes of the chain that were begun.
    pub passes: u32,
    /// When the present pass began, if one is under way.
    pub began: Option<Timestamp>,
    furthest: Option<Step>,
    last_step: Timestamp,
    /// How its passes ended since it was last registered.
    history: Option<Box<History>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct History {
    ends: Vec<PassEnd>,
    /// What had failed when the present pass began.
    failures: Failures,
}

/// Where a pass of the boot chain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PassEnd {
    /// When it began.
    pub began: Timestamp,
    /// When its last step was seen.
    pub at: Timestamp,
    /// Its furthest step.
    pub step: Step,
    /// What failed furthest down the chain, where anything was seen to fail.
    pub failure: Option<Failure>,
    /// Whether the whole chain was begun anew; otherwise only DHCP was.
    pub is_whole: bool,
}

/// Something that keeps a phone from registering; the order is that of the boot chain.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Failure {
    /// A DHCP server sent a NAK.
    DhcpRefused,
    /// The address that it was given is in use.
    AddressInUse,
    /// A name was not resolved.
    NameNotResolved,
    /// TFTP does not have a file.
    FileNotFound,
    /// TFTP sent another error, or the transfer was broken off.
    FileFailed,
    /// TFTP did not answer.
    FileUnanswered,
    /// A CallManager did not answer a connection attempt.
    ConnectionUnanswered,
    /// A CallManager refused a connection.
    ConnectionRefused,
    /// A CallManager rejected the registration.
    Rejected,
}

impl Failure {
    const ALL: [Self; 9] = [
        Self::DhcpRefused,
        Self::AddressInUse,
        Self::NameNotResolved,
        Self::FileNotFound,
        Self::FileFailed,
        Self::FileUnanswered,
        Self::ConnectionUnanswered,
        Self::ConnectionRefused,
        Self::Rejected,
    ];

    /// For a sentence: `the TFTP server did not have a file`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::DhcpRefused => "the DHCP server refused the address (NAK)",
            Self::AddressInUse => "the address it was given is in use by another device",
            Self::NameNotResolved => "a name was not resolved",
            Self::FileNotFound => "the TFTP server did not have a file",
            Self::FileFailed => "a TFTP transfer failed",
            Self::FileUnanswered => "the TFTP server did not answer",
            Self::ConnectionUnanswered => "a CallManager did not answer its connection",
            Self::ConnectionRefused => "a CallManager refused its connection",
            Self::Rejected => "a CallManager rejected its registration",
        }
    }
}

impl Step {
    /// For a sentence: `its DHCP`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Link => "its link",
            Self::Dhcp => "DHCP",
            Self::Files => "names and files (DNS, TFTP)",
            Self::Connect => "the connection to a CallManager",
            Self::Register => "the registration",
        }
    }
}

/// How often each kind of failure has happened to a device, in the order of [`Failure`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failures(pub [u32; 9]);

impl Failures {
    /// What happened since, the furthest down the chain.
    fn since(self, before: Self) -> Option<Failure> {
        let counts = self.0.into_iter().zip(before.0);
        let mut happened = Failure::ALL
            .into_iter()
            .zip(counts)
            .filter(|(_, (now, before))| now > before);
        happened.next_back().map(|(failure, _)| failure)
    }
}

impl Boot {
    /// So many ends of passes are kept.
    const ENDS: usize = 10;

    /// A pass that shows nothing for so long is over; what comes next is another one.
    const ABANDONED: Duration = Duration::from_secs(300);

    /// A step was seen; whether it begins another pass.
    ///
    /// A phone that only reconnects or registers anew does not boot: a pass begins with a link, DHCP or file step.
    ///
    /// `failures` is what has happened to the device so far.
    pub fn step(&mut self, step: Step, at: Timestamp, failures: Failures) -> bool {
        let before = self.last_step;
        let is_recent = at.since(before) < Self::ABANDONED;
        self.last_step = at;
        let goes_on = self.began.is_some()
            && is_recent
            && self.furthest.is_some_and(|furthest| {
                step >= furthest || furthest <= Step::Dhcp && step == Step::Link
            });
        if goes_on {
            self.furthest = Some(step.max(self.furthest.unwrap_or(step)));
            return false;
        }
        // Within a pass a second attempt at the next server goes back from Register to Connect.
        if step >= Step::Connect {
            if self.began.is_some() {
                self.furthest = Some(Step::Connect);
            }
            return false;
        }
        // A phone speaks CDP or LLDP every minute as long as it runs, so they alone begin no pass.
        if step == Step::Link {
            return false;
        }
        self.note_end(before, failures, true);
        self.passes = self.passes.saturating_add(1);
        self.began = Some(at);
        self.furthest = Some(step);
        true
    }

    /// The phone asks DHCP anew though it was answered, and has done nothing in between.
    pub fn dhcp_begins_anew(&mut self, failures: Failures) {
        if self.furthest == Some(Step::Dhcp) {
            self.note_end(self.last_step, failures, false);
        }
    }

    fn note_end(&mut self, at: Timestamp, failures: Failures, is_whole: bool) {
        let history: &mut History = self.history.get_or_insert_default();
        if let (Some(began), Some(step)) = (self.began, self.furthest) {
            if history.ends.len() >= Self::ENDS {
                history.ends.remove(0);
            }
            history.ends.push(PassEnd {
                began,
                at,
                step,
                failure: failures.since(history.failures),
                is_whole,
            });
        }
        history.failures = failures;
    }

    /// How its passes ended since it was last registered, the latest last.
    pub fn ends(&self) -> &[PassEnd] {
        self.history.as_ref().map_or(&[], |history| &history.ends)
    }

    /// Takes over what was counted under another record of the same device.
    pub(super) fn absorb(&mut self, other: Self) {
        // Where both saw the pass under way, it is one pass.
        let shared = u32::from(self.began.is_some() && other.began.is_some());
        self.passes = self
            .passes
            .saturating_add(other.passes)
            .saturating_sub(shared);
        self.began = match (self.began, other.began) {
            (Some(own), Some(others)) => Some(own.min(others)),
            (own, others) => own.or(others),
        };
        self.furthest = self.furthest.max(other.furthest);
        self.last_step = self.last_step.max(other.last_step);
        self.history = self.history.take().or(other.history);
    }

    /// The phone is registered: the pass has reached its end. Its duration, if its beginning was seen.
    pub fn finish(&mut self, at: Timestamp) -> Option<Duration> {
        self.furthest = None;
        self.history = None;
        self.began.take().map(|began| at.since(began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds steps one second apart and counts the passes.
    fn passes(steps: &[Step]) -> u32 {
        let mut boot = Boot::default();
        for (second, &step) in (1..).zip(steps) {
            boot.step(step, Timestamp::from_secs(second), Failures::default());
        }
        boot.passes
    }

    #[test]
    fn a_stage_has_the_number_of_its_place() {
        for (number, stage) in (0..).zip(Stage::ALL) {
            assert_eq!(stage.number(), number, "{}", stage.label());
        }
    }

    #[test]
    fn a_pass_goes_forward_and_another_begins_when_it_goes_back() {
        use Step::{Connect, Dhcp, Files, Link, Register};
        assert_eq!(
            passes(&[
                Link, Dhcp, Link, Dhcp, Dhcp, Files, Files, Connect, Register
            ]),
            1
        );
        assert_eq!(passes(&[Dhcp, Files, Dhcp, Files, Dhcp]), 3);
        assert_eq!(
            passes(&[Files, Connect, Register, Connect, Register]),
            1,
            "the next server is tried"
        );
        assert_eq!(
            passes(&[Connect, Register, Connect, Register]),
            0,
            "a reconnection is no boot"
        );
        assert_eq!(passes(&[Link, Link, Link]), 0, "CDP is spoken for ever");
    }

    #[test]
    fn a_registered_phone_that_asks_anew_boots_again() {
        let mut boot = Boot::default();
        let at = Timestamp::from_secs;
        assert!(boot.step(Step::Dhcp, at(1), Failures::default()));
        assert_eq!(boot.finish(at(31)), Some(Duration::from_secs(30)));
        assert!(boot.step(Step::Files, at(100), Failures::default()));
        assert!(
            boot.step(Step::Files, at(1_000), Failures::default()),
            "the pass before was abandoned"
        );
        assert_eq!(boot.passes, 3);
    }
}
