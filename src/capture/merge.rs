//! The live source: the rings of all capture threads, merged by time.
//!
//! Where the ports of two CallManagers are mirrored to two interfaces, a phone's move from one to the other is spread over two
//! rings. A kernel delivers frames in blocks, so what is in one ring says nothing yet about what is still to come in the
//! other: a frame is held until every other ring has one too, or until it is older than any delivery takes.

use std::sync::Arc;
use std::time::Duration;

use crate::capture::ring::{Consumer, Waker};
pub use crate::capture::steps::SteadyClock;
use crate::capture::steps::StepWatch;
use crate::capture::{FrameSource, Input};
use crate::record::{ClockStep, Record};
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
    steps: Option<StepWatch>,
    /// A step of the clock that is to be given once nothing comes any more that was captured before it.
    pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    step: ClockStep,
    /// By the steady clock.
    noticed: Duration,
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
            steps: None,
            pending: None,
        }
    }

    /// The same source, telling of steps of its clock by comparing it with this one.
    #[must_use]
    pub fn with_steady_clock(self, steady: SteadyClock) -> Self {
        Self {
            steps: Some(StepWatch::new(steady)),
            ..self
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

    /// Whether what is to be given looks as if the clock had been set since it was read.
    fn is_strange(&mut self, choice: Choice, now: Timestamp) -> bool {
        let Choice::Give(index) = choice else {
            return false;
        };
        let at = self.rings.get_mut(index).and_then(Consumer::peek_time);
        at.is_some_and(|at| at > now || self.given.since(at) > StepWatch::BOUND)
    }

    /// Compares the clocks.
    fn watch(&mut self, now: Timestamp) {
        let Some(steps) = &mut self.steps else { return };
        if let Some(step) = steps.look(now) {
            // Of two that follow each other at once, one is told.
            let from = self.pending.map_or(step.from, |pending| pending.step.from);
            self.pending = Some(Pending {
                step: ClockStep { from, ..step },
                noticed: steps.steady(),
            });
        }
    }

    /// Gives what was captured before the step and is still in a ring or on its way there, and then the step.
    fn next_around_step(&mut self) -> Input<'_> {
        let (Some(Pending { step, noticed }), Some(steps)) = (self.pending, &mut self.steps) else {
            return Input::Idle(self.given);
        };
        let is_before = |at: Timestamp| at.distance(step.from) < at.distance(step.at);
        let times = self.rings.iter_mut().enumerate();
        let earliest = times
            .filter_map(|(index, ring)| Some((ring.peek_time()?, index)))
            .filter(|(at, _)| is_before(*at))
            .min();
        if let Some((at, index)) = earliest
            && let Some(record) = self.rings[index].pop()
        {
            self.given = at;
            return Input::Record(record);
        }
        let waited = steps.steady().saturating_sub(noticed);
        if waited < self.reorder {
            let rest = self.reorder.saturating_sub(waited);
            self.waker.sleep_unless(|| false, rest.min(self.tick));
            return Input::Idle(self.given);
        }
        self.pending = None;
        self.given = step.at;
        Input::Record(Record::ClockStep(step))
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
        self.watch(now);
        if self.pending.is_some() {
            return self.next_around_step();
        }
        let mut choice = Choice::of(&mut self.rings, self.reorder, now);
        if let Choice::Wait(wait) = choice {
            let (rings, reorder) = (&mut self.rings, self.reorder);
            let has_changed = || !matches!(Choice::of(rings, reorder, now), Choice::Wait(_));
            self.waker.sleep_unless(has_changed, wait.min(self.tick));
            now = (self.clock)();
            self.watch(now);
            if self.pending.is_some() {
                return self.next_around_step();
            }
            choice = Choice::of(&mut self.rings, self.reorder, now);
        }
        // It was captured after the clock was read, or is of another time.
        if self.is_strange(choice, now) {
            now = (self.clock)();
            self.watch(now);
            if self.pending.is_some() {
                return self.next_around_step();
            }
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
