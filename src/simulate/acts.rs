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
pub(super) fn acts(
    scenario: Scenario,
    random: &mut Random,
    length: Duration,
) -> (Vec<Act>, Refrain) {
    let nothing: Refrain = |_| Vec::new();
    let span = match scenario {
        Scenario::Boot => length,
        // All are to be up when it happens.
        Scenario::PowerCut | Scenario::Crash | Scenario::CallmanagerDark => {
            BOOTS_WITHIN.min(length / 4)
        }
        _ => length.min(BOOTS_WITHIN),
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
        Scenario::Rejected => {
            acts.extend([Act::Lease, Act::Configuration]);
            rejects::refrain(scenario)
        }
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
        Scenario::PowerCut => {
            acts.extend(outage::power_cut(length));
            nothing
        }
        Scenario::Crash => {
            acts.extend(outage::crash(random, length));
            nothing
        }
        Scenario::CallmanagerDark => {
            acts.extend(outage::callmanager_dark(length));
            failover::TRIES_IN_VAIN
        }
        Scenario::FailoverOneMissed => {
            acts.extend(failover::goes_after(SimulatedPhone::misses_one, settle));
            nothing
        }
        Scenario::FailoverThreeMissed => {
            acts.extend(failover::goes_after(SimulatedPhone::misses_three, settle));
            nothing
        }
        Scenario::FailbackToken => {
            let way = [Act::Do(SimulatedPhone::returns_with_token)];
            acts.extend(failover::comes_back(&way, settle));
            nothing
        }
        Scenario::FailbackTokenWait => {
            acts.extend(failover::comes_back(&failover::AFTER_A_WAIT, settle));
            nothing
        }
        Scenario::FailbackWithoutToken => {
            let way = [Act::Do(SimulatedPhone::returns)];
            acts.extend(failover::comes_back(&way, settle));
            nothing
        }
        Scenario::KeepaliveGaps => {
            acts.extend(keepalives::gaps(settle));
            nothing
        }
        Scenario::KeepaliveRepeated => {
            acts.extend(boot("Initialized"));
            keepalives::REPEATED
        }
        Scenario::QosZero => {
            acts.extend(keepalives::untrusted());
            keepalives::LOST
        }
        Scenario::TcpTrouble => {
            acts.extend(boot("Initialized"));
            acts.push(Act::Answers(Answers::WithTrouble));
            nothing
        }
        Scenario::RejectedDatabase
        | Scenario::RejectedLicence
        | Scenario::RejectedVersion
        | Scenario::RejectedMismatch
        | Scenario::RejectedMax
        | Scenario::RejectedUnauthorized
        | Scenario::RejectedDictionary
        | Scenario::RegistrationSilent => {
            acts.extend([Act::Lease, Act::Configuration]);
            rejects::refrain(scenario)
        }
        Scenario::OutOfOrder => {
            acts.extend(sessions::OUT_OF_ORDER);
            nothing
        }
        Scenario::FirewallTimeout => {
            acts.extend(sessions::firewall(length));
            nothing
        }
        Scenario::DuplicateRegistration => {
            acts.extend(sessions::duplicate(settle));
            nothing
        }
        Scenario::Unstable => {
            acts.extend(boot("Initialized"));
            sessions::THROWN_OUT
        }
        Scenario::ApplyConfig => {
            acts.extend(sessions::apply_config(random));
            nothing
        }
        Scenario::Restart => {
            acts.extend(sessions::restart(random, settle));
            nothing
        }
    };
    (acts, again)
}

/// The phones of a building come up within minutes.
const BOOTS_WITHIN: Duration = Duration::from_secs(4 * 60);

/// From the address to the registration.
pub(super) const fn boot(last: &'static str) -> [Act; 3] {
    [Act::Lease, Act::Configuration, Act::Register(last)]
}
