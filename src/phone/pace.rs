//! How long the steps of a boot take.

use std::net::IpAddr;
use std::time::Duration;

use super::boot::Step;
use crate::time::Timestamp;

/// The boot under way: how long each of its steps has taken so far.
///
/// A step lasts from its first sign to the first sign of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    step: Step,
    since: Timestamp,
    spent: [(Step, Duration); Step::ALL.len()],
    /// Whether it was turned away on its way: what held it up has another name then.
    pub was_turned_away: bool,
    /// Whether it was given another list of CallManagers meanwhile: it may have gone by the one before.
    pub list_changed: bool,
}

/// A boot that took long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SlowBoot {
    /// When it began.
    pub began: Timestamp,
    /// When it ended in a registration.
    pub registered: Timestamp,
    /// With this server.
    pub callmanager: IpAddr,
    /// What each step took.
    pub spent: [(Step, Duration); Step::ALL.len()],
    /// Whether the phone may have been with another server meanwhile: it is not known yet which ones it tries first.
    #[serde(default)]
    pub is_doubtful: bool,
}

impl Pace {
    /// A boot begins with this step.
    pub fn new(step: Step, at: Timestamp) -> Self {
        Self {
            step,
            since: at,
            spent: Step::ALL.map(|step| (step, Duration::ZERO)),
            was_turned_away: false,
            list_changed: false,
        }
    }

    /// A sign of this step.
    pub fn step(&mut self, step: Step, at: Timestamp) {
        // A phone speaks CDP and LLDP all the while.
        if step != self.step && step != Step::Link {
            self.spend(at);
            self.step = step;
        }
    }

    /// What each step took, if the boot ends now.
    pub fn ended(mut self, at: Timestamp) -> [(Step, Duration); Step::ALL.len()] {
        self.spend(at);
        self.spent
    }

    fn spend(&mut self, at: Timestamp) {
        let took = at.since(self.since);
        for (step, spent) in &mut self.spent {
            if *step == self.step {
                *spent = spent.saturating_add(took);
            }
        }
        self.since = at;
    }

    /// Both are the same boot, seen under two names.
    pub(super) fn joined(self, other: Self) -> Self {
        let (mut early, late) = if self.since <= other.since {
            (self, other)
        } else {
            (other, self)
        };
        let before: Duration = late.spent.iter().map(|(_, spent)| *spent).sum();
        early.spend(late.since - before);
        for ((_, spent), (_, more)) in early.spent.iter_mut().zip(late.spent) {
            *spent = spent.saturating_add(more);
        }
        Self {
            spent: early.spent,
            was_turned_away: early.was_turned_away || late.was_turned_away,
            list_changed: early.list_changed || late.list_changed,
            ..late
        }
    }
}

impl SlowBoot {
    /// How long it took in all.
    pub fn total(&self) -> Duration {
        self.registered.since(self.began)
    }

    /// The step that took the longest, and how long.
    pub fn slowest(&self) -> (Step, Duration) {
        let first = (Step::Link, Duration::ZERO);
        self.spent.into_iter().fold(
            first,
            |slowest, step| {
                if step.1 > slowest.1 { step } else { slowest }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_shared_out_among_the_steps() {
        let at = Timestamp::from_secs;
        let mut pace = Pace::new(Step::Dhcp, at(0));
        for (step, second) in [
            (Step::Dhcp, 4),
            (Step::Link, 5),
            (Step::Files, 50),
            (Step::Connect, 52),
            (Step::Register, 53),
            (Step::Connect, 60),
            (Step::Register, 61),
        ] {
            pace.step(step, at(second));
        }
        let boot = SlowBoot {
            began: at(0),
            registered: at(64),
            callmanager: IpAddr::from([10, 0, 0, 11]),
            spent: pace.ended(at(64)),
            is_doubtful: false,
        };
        assert_eq!(boot.total(), Duration::from_secs(64));
        assert_eq!(boot.slowest(), (Step::Dhcp, Duration::from_secs(50)));
        let spent = boot.spent.map(|(_, spent)| spent.as_secs());
        assert_eq!(spent, [0, 50, 2, 2, 10]);
    }

    #[test]
    fn a_boot_seen_under_two_names_is_one() {
        let at = Timestamp::from_secs;
        let by_mac = Pace::new(Step::Dhcp, at(0));
        let mut by_address = Pace::new(Step::Files, at(10));
        by_address.step(Step::Connect, at(13));
        let spent = by_address.joined(by_mac).ended(at(15));
        assert_eq!(spent.map(|(_, spent)| spent.as_secs()), [0, 10, 3, 2, 0]);
    }
}
