//! Where the time of frames breaks: the clock that stamps them was set, or nothing was seen for long.
//!
//! A clock set ahead and a mirror that showed nothing for a while look alike: frames came and came, then none, then they
//! come again. In both cases nobody knows what was said meanwhile. A silence is one where it is much longer than any has
//! been lately, so that it is not taken for a break where few phones speak seldom.

use std::time::Duration;

use crate::time::Timestamp;

/// How the time of a frame does not go on from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeBreak {
    /// It is earlier: the clock was set back.
    Back,
    /// It is much later: the clock was set ahead, or nothing was seen in between.
    Ahead,
}

impl TimeBreak {
    /// Where an event says that it lies.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Back => "clock",
            Self::Ahead => "silence",
        }
    }
}

/// The times of all frames, whichever source they come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// The latest of the last frames.
    last: Option<Timestamp>,
    pub(super) unbroken_since: Timestamp,
    /// When the present half of the recent past began.
    half_began: Timestamp,
    /// The longest time without a frame in the present half and in the one before.
    longest: (Duration, Option<Duration>),
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            last: None,
            unbroken_since: Timestamp::EPOCH,
            half_began: Timestamp::EPOCH,
            longest: (Duration::ZERO, None),
        }
    }
}

impl Flow {
    /// How much earlier than others a frame may come: sources are merged within 5 seconds, and files are written so.
    const LATE: Duration = Duration::from_secs(10);

    /// No silence shorter than this is a break.
    const LEAST: Duration = Duration::from_secs(5);

    /// A silence so many times as long as the longest lately is one.
    const TIMES: u32 = 4;

    /// What happened lately is at least so old, and at most twice.
    const HALF: Duration = Duration::from_secs(300);

    pub(super) fn next(&mut self, at: Timestamp) -> Option<TimeBreak> {
        let Some(last) = self.last else {
            self.restart(at);
            // Nothing was seen before.
            self.unbroken_since = Timestamp::EPOCH;
            return None;
        };
        if last.since(at) > Self::LATE {
            self.restart(at);
            return Some(TimeBreak::Back);
        }
        let silence = at.since(last);
        let (present, before) = self.longest;
        if let Some(before) = before {
            let longest = before.max(present).max(Self::LEAST / Self::TIMES);
            if silence > longest.saturating_mul(Self::TIMES) {
                self.last = Some(at);
                self.unbroken_since = at;
                self.half_began = at;
                return Some(TimeBreak::Ahead);
            }
        }
        self.last = Some(last.max(at));
        self.longest.0 = present.max(silence);
        if at.since(self.half_began) >= Self::HALF {
            self.half_began = at;
            self.longest = (Duration::ZERO, Some(self.longest.0));
        }
        None
    }

    /// Time broke, as somebody else knows: what comes from `at` on goes on.
    pub(super) fn broke(&mut self, at: Timestamp) {
        self.restart(at);
    }

    /// What is usual is learned anew.
    fn restart(&mut self, at: Timestamp) {
        *self = Self {
            last: Some(at),
            unbroken_since: at,
            half_began: at,
            longest: (
                Duration::ZERO,
                self.longest.1.map(|before| before.max(self.longest.0)),
            ),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + seconds)
    }

    /// A frame each so many seconds, up to this time.
    fn each(seconds: usize, until: u64) -> Flow {
        let mut flow = Flow::default();
        for second in (0..=until).step_by(seconds) {
            assert_eq!(flow.next(at(second)), None);
        }
        flow
    }

    #[test]
    fn a_silence_is_a_break_where_there_never_was_one_so_long() {
        for (seconds, pause, broke) in [
            (1, 5, None),
            (1, 6, Some(TimeBreak::Ahead)),
            (2, 8, None),
            (2, 9, Some(TimeBreak::Ahead)),
            (30, 120, None),
            (30, 121, Some(TimeBreak::Ahead)),
        ] {
            let mut flow = each(seconds, 600);
            assert_eq!(flow.next(at(600 + pause)), broke, "{seconds} {pause}");
            if broke.is_some() {
                assert_eq!(flow.unbroken_since, at(600 + pause));
                assert_eq!(flow.next(at(601 + pause)), None, "and once only");
            }
        }
    }

    #[test]
    fn what_is_usual_is_learned_first_and_forgotten_later() {
        let mut flow = each(1, 200);
        assert_eq!(flow.next(at(290)), None, "too early to tell");
        assert_eq!(flow.unbroken_since, Timestamp::EPOCH);
        let mut flow = each(60, 600);
        for second in 601..1300 {
            assert_eq!(flow.next(at(second)), None);
        }
        assert_eq!(flow.next(at(1310)), Some(TimeBreak::Ahead));
    }

    #[test]
    fn a_frame_much_earlier_than_the_one_before_says_that_the_clock_was_set_back() {
        let mut flow = each(1, 100);
        assert_eq!(flow.next(at(90)), None, "late from another source");
        assert_eq!(flow.next(at(89)), Some(TimeBreak::Back));
        assert_eq!(flow.unbroken_since, at(89));
        assert_eq!(flow.next(at(90)), None);
    }
}
