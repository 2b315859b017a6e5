//! A bound on how many lines of one kind are logged: what happens to one phone in a failure happens to thousands.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::time::Timestamp;

/// Lets at most [`MOST_LINES`] lines of one kind pass in one [`WINDOW`]. Kinds are few and their number is fixed.
#[derive(Debug)]
pub(super) struct Limiter<K> {
    kinds: HashMap<K, Kind>,
}

/// Whether a line may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may.
    Pass,
    /// It is counted instead.
    Suppress,
}

const MOST_LINES: u32 = 50;
const WINDOW: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
struct Kind {
    /// When its present window began.
    since: Timestamp,
    passed: u32,
    /// Since this was last told.
    suppressed: u64,
}

impl<K: Copy + Eq + Hash> Limiter<K> {
    /// Whether a line of this kind may be logged now.
    pub(super) fn admit(&mut self, kind: K, now: Timestamp) -> Admission {
        let kind = self.kinds.entry(kind).or_insert(Kind {
            since: now,
            passed: 0,
            suppressed: 0,
        });
        // A distance, so that a clock that is set back opens a window too.
        if kind.since.distance(now) >= WINDOW {
            kind.since = now;
            kind.passed = 0;
        }
        if kind.passed < MOST_LINES {
            kind.passed += 1;
            Admission::Pass
        } else {
            kind.suppressed += 1;
            Admission::Suppress
        }
    }

    /// The kinds of which lines were suppressed in a window that is over, each with how many; told once.
    pub(super) fn settle(&mut self, now: Timestamp) -> Vec<(K, u64)> {
        self.kinds
            .iter_mut()
            .filter(|(_, kind)| kind.suppressed > 0 && kind.since.distance(now) >= WINDOW)
            .map(|(&name, kind)| (name, std::mem::take(&mut kind.suppressed)))
            .collect()
    }
}

impl<K> Default for Limiter<K> {
    fn default() -> Self {
        Self {
            kinds: HashMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_000);

    fn passed(limiter: &mut Limiter<&str>, kind: &'static str, now: Timestamp) -> usize {
        (0..100)
            .filter(|_| limiter.admit(kind, now) == Admission::Pass)
            .count()
    }

    #[test]
    fn lines_of_one_kind_are_bounded_and_the_rest_is_counted_once() {
        let mut limiter = Limiter::default();
        assert_eq!(passed(&mut limiter, "lost", START), 50);
        assert_eq!(limiter.settle(START), [], "the window is not over");
        let next = START + WINDOW;
        assert_eq!(limiter.settle(next), [("lost", 50)]);
        assert_eq!(limiter.settle(next), []);
        assert_eq!(passed(&mut limiter, "lost", next), 50);
    }

    #[test]
    fn kinds_do_not_share_their_bounds() {
        let mut limiter = Limiter::default();
        assert_eq!(passed(&mut limiter, "lost", START), 50);
        assert_eq!(passed(&mut limiter, "found", START), 50);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_silence_the_log() {
        let mut limiter = Limiter::default();
        assert_eq!(passed(&mut limiter, "lost", START), 50);
        let earlier = START - Duration::from_secs(600);
        assert_eq!(passed(&mut limiter, "lost", earlier), 50);
        assert_eq!(limiter.settle(earlier + WINDOW), [("lost", 100)]);
    }
}
