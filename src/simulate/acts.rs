//! The scenarios as lists of acts.

use std::time::Duration;

use super::connection::Answers;
use super::phone::SimulatedPhone;
use super::random::Random;
use super::rejects::Reject;
use super::{Scenario, failover, keepalives, outage, rejects, sessions};
use crate::time::Timestamp;

/// A part of what a phone does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Nothing.
    Wait(Duration),
    /// Keepalives, for so long.
    Stay(Duration),
    /// Keepalives, until then.
    StayUntil(Timestamp),
    /// It announces itself to its switch.
    Link,
    /// It gets an address.
    Lease,
    /// It gets an address, and text for option 150.
    LeaseWithText,
    /// It asks for an address and is not answered.
    LeaseInVain,
    /// It fetches its configuration.
    Configuration,
    /// It fetches a configuration with names in it.
    ConfigurationWithNames,
    /// There is no configuration for it.
    ConfigurationNotFound,
    /// The TFTP server does not answer.
    ConfigurationInVain,
    /// The names of its CallManagers do not resolve.
    NamesNotFound,
    /// It connects to its primary, registers, and opens a connection to its secondary; and why it was away.
    Register(&'static str),
    /// It registers and is rejected.
    Rejected(&'static Reject),
    /// Both its CallManagers refuse the connection.
    Refused,
    /// This is how its CallManager answers keepalives from now on.
    Answers(Answers),
    /// It misses one of its own keepalives.
    FallSilent,
    /// It gives its CallManager up and registers over the connection in reserve.
    FailOver,
    /// It comes back to its primary.
    FailBack,
    /// Its CallManager breaks the connection; it registers over the one in reserve.
    Move,
    /// Its user presses `**#**`.
    UserReset,
    /// Its CallManager resets it.
    AdminReset,
    /// What one scenario alone needs.
    Do(fn(&mut SimulatedPhone)),
    /// Keepalives, until the connection of its registration has this age.
    StayToAge(Duration),
}

/// What follows once all acts are played, as often as it takes.
pub(super) type Refrain = fn(&mut Random) -> Vec<Act>;

/// What a phone of this scenario does, and what it does for ever after that.
#[expect(clippy::too_many_lines, reason = "one arm for each scenario")]
pub(super) fn acts(
    scenario: Scenario,
    random: &mut Random,
    length: Duration,
) -> (Vec<Act>, Refrain) {
    let nothing: Refrain = |_| Vec::new();
    let span = if scenario == Scenario::Boot {
        length
    } else if scenario.strikes_all_at_once() {
        // All are to be up when it happens.
        BOOTS_WITHIN.min(length / 4)
    } else {
        length.min(BOOTS_WITHIN)
    };
    let start = random.between(Duration::ZERO, span);
    let mut acts = vec![Act::Wait(start), Act::Link];
    let settle = random.seconds(70, 180);
    let again: Refrain = match scenario {
        Scenario::Healthy | Scenario::Boot => {
            acts.extend(boot("Initialized"));
            nothing
        }
        Scenario::Failover => {
            acts.extend(boot("Initialized"));
            acts.extend([
                Act::Stay(settle),
                Act::Answers(Answers::Nothing),
                Act::Stay(Duration::from_secs(95)),
                Act::FailOver,
                Act::Stay(random.seconds(180, 300)),
                Act::FailBack,
            ]);
            nothing
        }
        Scenario::Flapping => {
            acts.extend(boot("Initialized"));
            |random| vec![Act::Stay(random.seconds(60, 120)), Act::Move]
        }
        Scenario::KeepaliveGap => {
            acts.extend(boot("Initialized"));
            acts.extend([
                Act::Stay(settle),
                Act::Answers(Answers::Tcp),
                Act::Stay(Duration::from_secs(60)),
                Act::Answers(Answers::Sccp),
            ]);
            nothing
        }
        Scenario::Silent => {
            acts.extend(boot("Initialized"));
            acts.extend([Act::Stay(settle), Act::FallSilent]);
            nothing
        }
        Scenario::Unconfigured => |random| {
            vec![
                Act::Lease,
                Act::ConfigurationNotFound,
                Act::Wait(random.seconds(60, 120)),
            ]
        },
        Scenario::Refused => {
            acts.extend([Act::Lease, Act::Configuration]);
            |random| vec![Act::Refused, Act::Wait(random.seconds(15, 30))]
        }
        Scenario::Rejected => asks(&mut acts, rejects::FOR_ANYTHING),
        Scenario::DhcpSilent => |_| vec![Act::LeaseInVain],
        Scenario::DhcpAscii150 => {
            |random| vec![Act::LeaseWithText, Act::Wait(random.seconds(60, 90))]
        }
        Scenario::TftpSilent => {
            acts.push(Act::Lease);
            |random| vec![Act::ConfigurationInVain, Act::Wait(random.seconds(20, 40))]
        }
        Scenario::DnsFailure => {
            acts.extend([Act::Lease, Act::ConfigurationWithNames]);
            |random| vec![Act::NamesNotFound, Act::Wait(random.seconds(15, 30))]
        }
        Scenario::UserReset => {
            acts.extend(boot("Initialized"));
            acts.extend([Act::Stay(settle), Act::UserReset]);
            acts.push(Act::Wait(random.seconds(15, 30)));
            acts.extend(boot("Phone-Keypad"));
            nothing
        }
        Scenario::AdminReset => {
            acts.extend(boot("Initialized"));
            acts.extend([Act::Stay(settle), Act::AdminReset]);
            acts.push(Act::Wait(random.seconds(15, 30)));
            acts.extend(boot("Reset-Reset"));
            nothing
        }
        Scenario::PowerCut => once(&mut acts, outage::power_cut(length)),
        Scenario::Crash => once(&mut acts, outage::crash(random, length)),
        Scenario::CallmanagerDark => {
            acts.extend(outage::callmanager_dark(length));
            failover::TRIES_IN_VAIN
        }
        Scenario::FailoverOneMissed => {
            let misses = SimulatedPhone::misses_one;
            once(&mut acts, failover::goes_after(misses, settle))
        }
        Scenario::FailoverThreeMissed => {
            let misses = SimulatedPhone::misses_three;
            once(&mut acts, failover::goes_after(misses, settle))
        }
        Scenario::FailbackToken => once(
            &mut acts,
            failover::comes_back(&failover::WITH_TOKEN, settle),
        ),
        Scenario::FailbackTokenWait => once(
            &mut acts,
            failover::comes_back(&failover::AFTER_A_WAIT, settle),
        ),
        Scenario::FailbackWithoutToken => {
            once(&mut acts, failover::comes_back(&failover::UNASKED, settle))
        }
        Scenario::KeepaliveGaps => once(&mut acts, keepalives::gaps(settle)),
        Scenario::KeepaliveRepeated => once(&mut acts, keepalives::repeated(settle)),
        Scenario::QosZero => {
            acts.extend(keepalives::untrusted());
            keepalives::LOST
        }
        Scenario::TcpTrouble => once(&mut acts, keepalives::trouble()),
        Scenario::RejectedDatabase => asks(&mut acts, rejects::FOR_DATABASE),
        Scenario::RejectedLicence => asks(&mut acts, rejects::FOR_LICENCE),
        Scenario::RejectedVersion => asks(&mut acts, rejects::FOR_VERSION),
        Scenario::RejectedMismatch => asks(&mut acts, rejects::FOR_MISMATCH),
        Scenario::RejectedMax => asks(&mut acts, rejects::FOR_MAX),
        Scenario::RejectedUnauthorized => asks(&mut acts, rejects::FOR_UNAUTHORIZED),
        Scenario::RejectedDictionary => asks(&mut acts, rejects::BY_DICTIONARY),
        Scenario::RegistrationSilent => asks(&mut acts, rejects::IN_VAIN),
        Scenario::OutOfOrder => once(&mut acts, sessions::OUT_OF_ORDER),
        Scenario::FirewallTimeout => once(&mut acts, sessions::firewall(length)),
        Scenario::DuplicateRegistration => once(&mut acts, sessions::duplicate(settle)),
        Scenario::Unstable => {
            acts.extend(boot("Initialized"));
            sessions::THROWN_OUT
        }
        Scenario::ApplyConfig => once(&mut acts, sessions::apply_config(random)),
        Scenario::Restart => once(&mut acts, sessions::restart(random, settle)),
    };
    (acts, again)
}

/// These, and nothing after them.
fn once(acts: &mut Vec<Act>, more: impl IntoIterator<Item = Act>) -> Refrain {
    acts.extend(more);
    |_| Vec::new()
}

/// It comes as far as its CallManager, and no further.
fn asks(acts: &mut Vec<Act>, again: Refrain) -> Refrain {
    acts.extend([Act::Lease, Act::Configuration]);
    again
}

/// The phones of a building come up within minutes.
const BOOTS_WITHIN: Duration = Duration::from_secs(4 * 60);

/// From the address to the registration.
pub(super) const fn boot(last: &'static str) -> [Act; 3] {
    [Act::Lease, Act::Configuration, Act::Register(last)]
}
