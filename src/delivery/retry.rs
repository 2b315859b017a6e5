//! What became of a message, and when to try again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::time::Timestamp;

/// What became of one attempt to deliver a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it; in its own words.
    Delivered(String),
    /// It may go better later.
    Later {
        /// What went wrong, without secrets.
        reason: String,
        /// How long the receiver asked to be left alone.
        after: Option<Duration>,
    },
    /// It will never go better.
    Refused(String),
}

impl Outcome {
    /// It may go better later; nobody said when.
    pub(super) fn later(reason: impl Into<String>) -> Self {
        Self::Later {
            reason: reason.into(),
            after: None,
        }
    }
}

/// How a receiver that fails is let rest: one message at a time finds out whether it takes any again, and the others wait
/// behind it.
///
/// A message waits longer after each of its own failures, the receiver after each of all. The receiver's wait is never
/// longer than [`Rest::LONGEST`], a message's own may be: so what only this one message suffers from does not hold up the
/// others for long.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rest {
    /// Attempts that failed since it last took or refused a message.
    failures: u32,
    until: Timestamp,
}

impl Rest {
    /// What was not asked for by the receiver itself is not longer than this.
    pub const LONGEST: Duration = Duration::from_secs(60);

    /// A message failed, for the time that `attempts` says, and the receiver asked to be left alone for so long: when to try
    /// that message again. It is not before the receiver's rest is over.
    pub fn failed(&mut self, attempts: u32, after: Option<Duration>, now: Timestamp) -> Timestamp {
        self.failures = self.failures.saturating_add(1);
        let own = wait_before(attempts, after);
        let mut rest = wait_before(self.failures, None);
        if own <= Self::LONGEST {
            // The same message comes first again.
            rest = rest.max(own);
        }
        let asked = after.unwrap_or_default().min(LONGEST_ASKED);
        self.until = now + rest.min(Self::LONGEST).max(asked);
        self.until.max(now + own)
    }

    /// It took or refused a message that had been tried so often before: whether the others that wait are to be tried at
    /// once, as it was the receiver that failed and not a message.
    pub fn answered(&mut self, attempts: u32) -> bool {
        let failures = std::mem::take(self).failures;
        attempts > 0 || failures > 1
    }

    /// How long nothing is sent from now on. A clock that was set back makes it no longer than it can be.
    pub fn left(&self, now: Timestamp) -> Duration {
        let left = self.until.since(now);
        if left > LONGEST_ASKED {
            Duration::ZERO
        } else {
            left
        }
    }
}

const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(600);
/// A receiver that asks for more than this is asked again all the same.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// How long to wait after so many attempts, of which the receiver asked `asked` after the last. Each wait is twice the
/// one before, up to ten minutes, and each differs a little, so that many sensors do not come back together.
pub fn wait_before(attempts: u32, asked: Option<Duration>) -> Duration {
    let doubled = FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(10));
    let wait = doubled.min(LONGEST);
    // Seeded anew in each process: enough to keep two of them apart.
    let random = RandomState::new().hash_one(attempts) % 256;
    let share = u32::try_from(random).unwrap_or_default();
    let jitter = wait / 4 * share / 256;
    let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
    (wait + jitter).max(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_rests_longer_after_each_failure_but_no_longer_than_it_may() {
        let now = Timestamp::from_secs(1_772_366_400);
        let mut rest = Rest::default();
        assert_eq!(rest.left(now), Duration::ZERO);
        // The attempts of the message, what the receiver asked for, how long it rests, how long the message waits.
        for (attempts, after, rests, waits) in [
            (1, None, 5..=7, 5..=7),
            (2, None, 10..=13, 10..=13),
            (3, None, 20..=25, 20..=25),
            (1, None, 40..=50, 40..=50),
            (5, None, 60..=60, 80..=100),
            (9, None, 60..=60, 600..=750),
            (1, Some(90), 90..=90, 90..=90),
        ] {
            let again_at = rest.failed(attempts, after.map(Duration::from_secs), now);
            let (rested, waited) = (rest.left(now).as_secs(), again_at.since(now).as_secs());
            assert!(rests.contains(&rested), "{attempts} {after:?}: {rested}");
            assert!(waits.contains(&waited), "{attempts} {after:?}: {waited}");
        }
        assert_eq!(rest.left(now + Duration::from_secs(90)), Duration::ZERO);
        assert_eq!(rest.left(now - Duration::from_secs(86_400)), Duration::ZERO);
    }

    #[test]
    fn what_waits_is_tried_at_once_where_it_was_the_receiver_that_failed() {
        let now = Timestamp::from_secs(1_772_366_400);
        for (failures, attempts, is_receiver) in [
            (0, 0, false),
            // One message failed, and the next went through.
            (1, 0, false),
            (2, 0, true),
            (1, 1, true),
            // It failed in an earlier run.
            (0, 3, true),
        ] {
            let mut rest = Rest::default();
            for failure in 1..=failures {
                rest.failed(failure, None, now);
            }
            assert_eq!(
                rest.answered(attempts),
                is_receiver,
                "{failures} {attempts}"
            );
            assert_eq!(rest.left(now), Duration::ZERO);
            assert!(!rest.answered(0));
        }
    }

    #[test]
    fn waits_longer_each_time_and_as_long_as_asked() {
        for (attempts, asked, least, most) in [
            (1, None, 5, 7),
            (2, None, 10, 13),
            (4, None, 40, 50),
            (20, None, 600, 750),
            (u32::MAX, None, 600, 750),
            (1, Some(90), 90, 90),
            (20, Some(1), 600, 750),
            (1, Some(1_000_000), 3600, 3600),
        ] {
            let wait = wait_before(attempts, asked.map(Duration::from_secs)).as_secs();
            assert!(
                (least..=most).contains(&wait),
                "{attempts} {asked:?}: {wait}"
            );
        }
    }
}
