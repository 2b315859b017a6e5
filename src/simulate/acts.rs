//! The scenarios as lists of acts.

use std::time::Duration;

use super::boot::{CONFIGURATION, FileStory, GIVEN, LeaseStory, NameStory, way};
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
    /// Its switch gives it a voice VLAN, and it uses another or none.
    VoiceVlan,
    /// It gets an address, or not, or renews it.
    Lease(LeaseStory),
    /// Somebody else claims its address.
    Contest,
    /// It fetches files.
    Files(FileStory),
    /// It writes the new load to its memory and starts anew with it.
    Upgrade,
    /// It looks up its CallManagers.
    Names(NameStory),
    /// It starts anew and knows nothing of its connections.
    Forget,
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
    let span = if scenario == Scenario::Boot {
        length
    } else if scenario.strikes_all_at_once() {
        // All are to be up when it happens.
        BOOTS_WITHIN.min(length / 4)
    } else {
        length.min(BOOTS_WITHIN)
    };
    let start = random.between(Duration::ZERO, span);
    // That it does not ask DHCP says something only once others were seen to ask.
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "every other scenario begins at once"
    )]
    let start = match scenario {
        Scenario::StaticAddress => start + DHCP_IS_SEEN,
        // That DHCP for IPv6 does not answer one that may have IPv4 too says something only once that would be seen.
        Scenario::SlowBoot => start + IPV4_IS_SEEN,
        _ => start,
    };
    let mut acts = vec![Act::Wait(start), Act::Link];
    let again = follow(scenario, random, length, &mut acts);
    (acts, again)
}

/// Adds what the phone does once it has spoken to its switch. What it does for ever after that.
#[expect(clippy::too_many_lines, reason = "one arm for each scenario")]
fn follow(
    scenario: Scenario,
    random: &mut Random,
    length: Duration,
    acts: &mut Vec<Act>,
) -> Refrain {
    let nothing: Refrain = |_| Vec::new();
    let settle = random.seconds(70, 180);
    match scenario {
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
        Scenario::Refused => {
            acts.extend([GIVEN, CONFIGURATION]);
            |random| vec![Act::Refused, Act::Wait(random.seconds(15, 30))]
        }
        Scenario::Rejected => asks(acts, rejects::FOR_ANYTHING),
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
        Scenario::PowerCut => once(acts, outage::power_cut(length)),
        Scenario::Crash => once(acts, outage::crash(random, length)),
        Scenario::CallmanagerDark => {
            acts.extend(outage::callmanager_dark(length));
            failover::TRIES_IN_VAIN
        }
        Scenario::FailoverOneMissed => {
            let misses = SimulatedPhone::misses_one;
            once(acts, failover::goes_after(misses, settle))
        }
        Scenario::FailoverThreeMissed => {
            let misses = SimulatedPhone::misses_three;
            once(acts, failover::goes_after(misses, settle))
        }
        Scenario::FailbackToken => once(acts, failover::comes_back(&failover::WITH_TOKEN, settle)),
        Scenario::FailbackTokenWait => {
            once(acts, failover::comes_back(&failover::AFTER_A_WAIT, settle))
        }
        Scenario::FailbackWithoutToken => {
            once(acts, failover::comes_back(&failover::UNASKED, settle))
        }
        Scenario::KeepaliveGaps => once(acts, keepalives::gaps(settle)),
        Scenario::KeepaliveRepeated => once(acts, keepalives::repeated(settle)),
        Scenario::QosZero => {
            acts.extend(keepalives::untrusted());
            keepalives::LOST
        }
        Scenario::TcpTrouble => once(acts, keepalives::trouble()),
        Scenario::RejectedDatabase => asks(acts, rejects::FOR_DATABASE),
        Scenario::RejectedLicence => asks(acts, rejects::FOR_LICENCE),
        Scenario::RejectedVersion => asks(acts, rejects::FOR_VERSION),
        Scenario::RejectedMismatch => asks(acts, rejects::FOR_MISMATCH),
        Scenario::RejectedMax => asks(acts, rejects::FOR_MAX),
        Scenario::RejectedUnauthorized => asks(acts, rejects::FOR_UNAUTHORIZED),
        Scenario::RejectedDictionary => asks(acts, rejects::BY_DICTIONARY),
        Scenario::RegistrationSilent => asks(acts, rejects::IN_VAIN),
        Scenario::OutOfOrder => once(acts, sessions::OUT_OF_ORDER),
        Scenario::FirewallTimeout => once(acts, sessions::firewall(length)),
        Scenario::DuplicateRegistration => once(acts, sessions::duplicate(settle)),
        Scenario::Unstable => {
            acts.extend(boot("Initialized"));
            sessions::THROWN_OUT
        }
        Scenario::ApplyConfig => once(acts, sessions::apply_config(random)),
        Scenario::Restart => once(acts, sessions::restart(random, settle)),
        Scenario::Unconfigured
        | Scenario::DhcpSilent
        | Scenario::DhcpAscii150
        | Scenario::TftpSilent
        | Scenario::DnsFailure
        | Scenario::DhcpNoAck
        | Scenario::DhcpRenewal
        | Scenario::DhcpNak
        | Scenario::DhcpDecline
        | Scenario::DhcpNoTftp
        | Scenario::Dhcp150Length
        | Scenario::Dhcp150Zero
        | Scenario::DhcpBadRouter
        | Scenario::DhcpExcessive
        | Scenario::DhcpRogue
        | Scenario::StaticAddress
        | Scenario::DuplicateAddress
        | Scenario::VoiceVlan
        | Scenario::DnsSilent
        | Scenario::TftpOneWay
        | Scenario::TftpDown
        | Scenario::AutoRegistered
        | Scenario::ForeignConfig
        | Scenario::ConfigCorrupt
        | Scenario::ConfigEmpty
        | Scenario::ConfigNames
        | Scenario::FirmwareMissing
        | Scenario::FirmwareUpgrade
        | Scenario::AlternateTftp
        | Scenario::SlowBoot => {
            let (first, again) = way(scenario);
            acts.extend(first);
            again
        }
    }
}

/// These, and nothing after them.
fn once(acts: &mut Vec<Act>, more: impl IntoIterator<Item = Act>) -> Refrain {
    acts.extend(more);
    |_| Vec::new()
}

/// It comes as far as its CallManager, and no further.
fn asks(acts: &mut Vec<Act>, again: Refrain) -> Refrain {
    acts.extend([GIVEN, CONFIGURATION]);
    again
}

/// DHCP of others was seen for so long before it means anything that a phone does without.
const DHCP_IS_SEEN: Duration = Duration::from_secs(2 * 60 + 10);

/// So long before it asks, a phone would have shown that it has IPv4.
const IPV4_IS_SEEN: Duration = Duration::from_secs(35);

/// The phones of a building come up within minutes.
const BOOTS_WITHIN: Duration = Duration::from_secs(4 * 60);

/// From the address to the registration.
pub(super) const fn boot(last: &'static str) -> [Act; 3] {
    [GIVEN, CONFIGURATION, Act::Register(last)]
}
