//! How often something happened within the last while.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Timestamp;

/// The latest times of something, as many as its threshold asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct SlidingWindow {
    times: VecDeque<Timestamp>,
}

impl SlidingWindow {
    /// Frames of two capture sources may come out of order by less than this.
    const DISORDER: Duration = Duration::from_secs(1);

    /// Notes one more, keeping at most the latest `threshold` of them: more are never needed to compare with it.
    pub fn note(&mut self, at: Timestamp, threshold: u32) {
        // Times of a clock that was set back since say nothing of how long ago that was.
        self.times.retain(|&time| time <= at + Self::DISORDER);
        let threshold = usize::try_from(threshold).unwrap_or(usize::MAX).max(1);
        while self.times.len() >= threshold {
            self.times.pop_front();
        }
        self.times.push_back(at);
    }

    /// The times that are kept.
    pub fn iter(&self) -> impl Iterator<Item = Timestamp> {
        self.times.iter().copied()
    }

    /// Whether at least `threshold` of them lie within `window` before `now`.
    pub fn reaches(&self, threshold: u32, window: Duration, now: Timestamp) -> bool {
        self.reaching_until(threshold, window)
            .is_some_and(|until| now < until)
    }

    /// Until when it stays so that at least `threshold` lie within `window`, if it ever was so.
    pub fn reaching_until(&self, threshold: u32, window: Duration) -> Option<Timestamp> {
        let threshold = usize::try_from(threshold).ok()?;
        let first = self.times.len().checked_sub(threshold.max(1))?;
        let first = *self.times.get(first)?;
        let last = *self.times.back()?;
        (last.since(first) < window).then(|| first + window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_clock_that_was_set_back_do_not_count() {
        let window = Duration::from_secs(60);
        let mut times = SlidingWindow::default();
        for at in [4000, 4300, 100] {
            times.note(Timestamp::from_secs(at), 3);
        }
        assert_eq!(times.reaching_until(3, window), None);
        // A frame that another overtook does.
        let overtaken = Timestamp::from_secs(100) - Duration::from_millis(10);
        times.note(overtaken, 3);
        times.note(Timestamp::from_secs(101), 3);
        assert!(times.reaches(3, window, Timestamp::from_secs(101)));
    }

    #[test]
    fn reaches_its_threshold_only_within_the_window() {
        let window = Duration::from_secs(60);
        let mut times = SlidingWindow::default();
        let at = Timestamp::from_secs;
        times.note(at(0), 3);
        times.note(at(50), 3);
        assert!(!times.reaches(3, window, at(50)));
        times.note(at(70), 3);
        assert!(
            !times.reaches(3, window, at(70)),
            "the first is older than the window"
        );
        times.note(at(80), 3);
        assert!(times.reaches(3, window, at(80)));
        assert_eq!(times.reaching_until(3, window), Some(at(110)));
        assert!(!times.reaches(3, window, at(110)));
    }
}
