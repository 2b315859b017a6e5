//! Steps of the clock that stamps frames, told by a clock that nobody sets.
//!
//! The kernel stamps frames by the wall clock. Where that is set, what lies between two frames is no longer how long it took.
//! A machine that was suspended, or whose virtual processor was not run, is the same: some clocks go on meanwhile and
//! some do not, but nothing was seen.

use std::time::Duration;

use crate::record::ClockStep;
use crate::time::Timestamp;

/// How long it has been since some moment, by a clock that only goes on.
pub type SteadyClock = Box<dyn FnMut() -> Duration + Send>;

/// Compares the wall clock with the steady one, whenever it is shown a time of the wall clock.
pub(super) struct StepWatch {
    clock: SteadyClock,
    /// What both showed when they were last compared.
    last: Option<(Timestamp, Duration)>,
}

impl StepWatch {
    /// A step is more than this. What NTP slews is 0.5 ms each second.
    pub(super) const BOUND: Duration = Duration::from_secs(1);

    /// Reading the steady clock for each frame would cost more than it tells.
    const EVERY: Duration = Duration::from_millis(40);

    /// Whoever looks all the time and then not for so long stood still.
    const PAUSE: Duration = Duration::from_secs(5);

    pub(super) const fn new(clock: SteadyClock) -> Self {
        Self { clock, last: None }
    }

    /// What the steady clock shows.
    pub(super) fn steady(&mut self) -> Duration {
        (self.clock)()
    }

    /// How the wall clock has stepped since the last time, if it has.
    pub(super) fn look(&mut self, wall: Timestamp) -> Option<ClockStep> {
        if let Some((last, _)) = self.last
            && last.distance(wall) < Self::EVERY
        {
            return None;
        }
        let steady = self.steady();
        let (last, last_steady) = self.last.replace((wall, steady))?;
        let passed = steady.saturating_sub(last_steady);
        let expected = last + passed;
        let step = |from| Some(ClockStep { from, at: wall });
        if expected.distance(wall) > Self::BOUND {
            step(expected)
        } else if passed > Self::PAUSE {
            step(last)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const AT: Timestamp = Timestamp::from_secs(1_000_000);

    /// The first look, at `AT`, and one after so much of both clocks.
    fn step_after(wall: Timestamp, steady: Duration) -> Option<ClockStep> {
        let nanos = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&nanos);
        let clock = move || Duration::from_nanos(read.load(Ordering::Relaxed));
        let mut watch = StepWatch::new(Box::new(clock));
        assert_eq!(watch.look(AT), None);
        let steady = u64::try_from(steady.as_nanos()).unwrap();
        nanos.store(steady, Ordering::Relaxed);
        let step = watch.look(wall);
        assert_eq!(watch.look(wall), None, "once only");
        step
    }

    #[test]
    fn a_step_is_told_with_its_size_and_slewing_is_none() {
        let tick = Duration::from_millis(50);
        let second = Duration::from_secs(1);
        let year = 365 * 24 * 3600 * second;
        let next = AT + tick;
        for (wall, steady, from) in [
            (next, tick, None),
            (next + second, tick, None),
            (next + 2 * second, tick, Some(next)),
            (next - 2 * second, tick, Some(next)),
            (next + year, tick, Some(next)),
            (AT - year / 100, tick, Some(next)),
            // Slow machines, and those that stood still: with both clocks, with the wall clock alone.
            (AT + 4 * second, 4 * second, None),
            (AT + 6 * second, 6 * second, Some(AT)),
            (AT + 3600 * second, tick, Some(next)),
        ] {
            let step = from.map(|from| ClockStep { from, at: wall });
            assert_eq!(step_after(wall, steady), step, "{wall} {steady:?}");
        }
    }

    #[test]
    fn a_clock_that_is_slewed_for_a_day_never_steps() {
        for slew in [-500_i64, 500] {
            let steady = Arc::new(AtomicU64::new(0));
            let read = Arc::clone(&steady);
            let clock = move || Duration::from_nanos(read.load(Ordering::Relaxed));
            let mut watch = StepWatch::new(Box::new(clock));
            let tick: u64 = 50_000_000;
            let slewed = tick.saturating_add_signed(slew * 50);
            for looks in 0..86_400 * 20 {
                steady.store(looks * tick, Ordering::Relaxed);
                let wall = AT + Duration::from_nanos(looks * slewed);
                assert_eq!(watch.look(wall), None);
            }
        }
    }
}
