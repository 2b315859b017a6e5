//! The live source: the rings of all capture threads, merged by time.
//!
//! Where the ports of two CallManagers are mirrored to two interfaces, a phone's move from one to the other is spread over two
//! rings. A kernel delivers frames in blocks, so what is in one ring says nothing yet about what is still to come in the
//! other: a frame is held until every other ring has one too, or until it is older than any delivery takes.

use std::sync::Arc;
use std::time::Duration;

use crate::capture::ring::{Consumer, Waker};
use crate::capture::{FrameSource, Input};
use crate::time::Timestamp;

/// Gives what capture threads put into their rings, in the order of time.
///
/// Within one ring the order stays as it is. A record that comes later than the bound allows is given with its own
/// time, which is then earlier than that of the one before it. Ends once every producer is gone and every ring empty.
pub struct LiveSource {
    rings: Vec<Consumer>,
    waker: Arc<Waker>,
    clock: Clock,
    reorder: Duration,
    /// The longest wait for something to come.
    tick: Duration,
    /// The latest time that was given.
    given: Timestamp,
}

/// Where the time comes from: the wall clock, by which libpcap stamps frames too, or a test.
pub type Clock = Box<dyn FnMut() -> Timestamp + Send>;

impl LiveSource {
    /// How long a frame is held for earlier ones from other rings: a kernel block may be 50 ms old when it is delivered,
    /// and its capture thread may be late by as much again.
    pub const REORDER: Duration = Duration::from_millis(150);

    /// A source over these rings, whose producers were made with this waker. It sleeps on the thread that asks first.
    pub fn new(rings: Vec<Consumer>, waker: Arc<Waker>, clock: Clock) -> Self {
        Self {
            rings,
            waker,
            clock,
            reorder: Self::REORDER,
            tick: Duration::from_millis(50),
            given: Timestamp::EPOCH,
        }
    }

    /// The same source with another bound than [`Self::REORDER`].
    #[must_use]
    pub fn with_reorder(self, reorder: Duration) -> Self {
        Self { reorder, ..self }
    }

    /// How full the fullest ring is, from 0 to 1.
    pub fn used_ratio(&self) -> f64 {
        self.rings
            .iter()
            .map(Consumer::used_ratio)
            .fold(0.0, f64::max)
    }

    /// The time up to which no frame is expected any more, at this time by the clock.
    ///
    /// A frame of the last moments may still be on its way through its block in the kernel and its ring. What a ring
    /// holds back is never older than this, or it would have been given.
    fn quiet_until(&self, now: Timestamp) -> Timestamp {
        let quiet_until = now - self.reorder;
        if self.given > now {
            // The clock was set back.
            quiet_until
        } else {
            quiet_until.max(self.given)
        }
    }
}

impl FrameSource for LiveSource {
    fn next(&mut self) -> Input<'_> {
        // The time is read before the rings: what comes between the two is later than it.
        let mut now = (self.clock)();
        let mut choice = Choice::of(&mut self.rings, self.reorder, now);
        if let Choice::Wait(wait) = choice {
            let (rings, reorder) = (&mut self.rings, self.reorder);
            let has_changed = || !matches!(Choice::of(rings, reorder, now), Choice::Wait(_));
            self.waker.sleep_unless(has_changed, wait.min(self.tick));
            now = (self.clock)();
            choice = Choice::of(&mut self.rings, self.reorder, now);
        }
        let quiet_until = self.quiet_until(now);
        let record = match choice {
            Choice::Give(index) => self.rings[index].pop(),
            Choice::Wait(_) => None,
            Choice::End => return Input::End,
        };
        if let Some(record) = record {
            self.given = record.at();
            Input::Record(record)
        } else {
            self.given = quiet_until;
            Input::Idle(quiet_until)
        }
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// Give the next record of the ring at this index.
    Give(usize),
    /// Wait for so long, or until something comes.
    Wait(Duration),
    /// Nothing is there and nothing can come.
    End,
}

impl Choice {
    fn of(rings: &mut [Consumer], reorder: Duration, now: Timestamp) -> Self {
        let mut earliest: Option<(Timestamp, usize)> = None;
        let mut one_is_empty = false;
        for (index, ring) in rings.iter_mut().enumerate() {
            // In this order: what a producer left before it went is seen by what follows.
            let is_abandoned = ring.is_abandoned();
            if let Some(at) = ring.peek_time() {
                earliest = Some(earliest.map_or((at, index), |first| first.min((at, index))));
            } else if !is_abandoned {
                one_is_empty = true;
            }
        }
        match earliest {
            None if one_is_empty => Self::Wait(Duration::MAX),
            None => Self::End,
            Some((_, index)) if !one_is_empty => Self::Give(index),
            // Also where it lies that far in the future: then the clock was set back, and waiting for it could take hours.
            Some((at, index)) if at.distance(now) >= reorder => Self::Give(index),
            Some((at, _)) => Self::Wait((at + reorder).since(now)),
        }
    }
}

#[cfg(test)]
mod tests;
