//! The clock, for everything outside the core: what the engine knows of time comes with its input.

use std::time::{Duration, Instant};

use crate::capture;
use crate::time::Timestamp;

/// The time now, by the clock that the kernel stamps frames with.
pub fn now() -> Timestamp {
    capture::wall_clock()
}

/// Measures how long something takes, whatever happens to the wall clock meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to measure.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one reader of the steady clock"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
