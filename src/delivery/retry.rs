//! What became of a message, and when to try again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

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
