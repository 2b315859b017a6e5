//! Who is let in when somebody else would have to go for it.

use std::time::Duration;

use crate::time::Timestamp;

/// One place is taken from somebody else in this time, on average. It bounds the work: a record is made and another given
/// up no more than 1,000 times a second, whatever the wire brings. And it gives a phone that fails time to be seen: a full
/// table of 120,000 turns over in two minutes at the fastest.
const INTERVAL: Duration = Duration::from_millis(1);

/// So many places can be taken at once, when none was taken for long.
const AT_ONCE: u32 = 1_000;

/// How fast newcomers take the places of others.
///
/// As long as there is room, everybody comes in at any speed: a whole site may boot at once. In a full table each newcomer
/// drives somebody out, and a flood of invented ones would drive out those that it was sent to hide, at the cost of a
/// record made and given up for each frame.
#[derive(Debug, Default)]
pub(super) struct Displacement {
    /// When the places taken so far are used up: one more moves it on by the interval.
    paid_until: Timestamp,
}

impl Displacement {
    /// Whether one more may go for a newcomer at `at`; it is counted as gone.
    pub(super) fn allow(&mut self, at: Timestamp) -> bool {
        let credit = INTERVAL * AT_ONCE;
        // Nothing is ever paid so far ahead: the clock was set back.
        if self.paid_until > at + credit {
            self.paid_until = at;
        }
        let paid_until = self.paid_until.max(at) + INTERVAL;
        let is_allowed = paid_until <= at + credit;
        if is_allowed {
            self.paid_until = paid_until;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `tries` are allowed, with this time between each two.
    fn allowed(places: &mut Displacement, begin: Timestamp, tries: u32, apart: Duration) -> u32 {
        let at = (0..tries).map(|number| begin + apart * number);
        at.map(|at| u32::from(places.allow(at))).sum()
    }

    #[test]
    fn places_are_taken_at_a_bounded_rate() {
        let begin = Timestamp::from_secs(1_000_000);
        let mut places = Displacement::default();
        assert_eq!(allowed(&mut places, begin, 5_000, Duration::ZERO), AT_ONCE);
        // 100,000 a second.
        let apart = Duration::from_micros(10);
        assert_eq!(allowed(&mut places, begin, 100_000, apart), 999);
        // As many as may go.
        let later = begin + Duration::from_secs(3_600);
        assert_eq!(allowed(&mut places, later, 100_000, INTERVAL), 100_000);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let begin = Timestamp::from_secs(1_000_000);
        let mut places = Displacement::default();
        allowed(&mut places, begin, 5_000, Duration::ZERO);
        let before = Timestamp::from_secs(500_000);
        assert_eq!(allowed(&mut places, before, 5_000, Duration::ZERO), AT_ONCE);
    }
}
