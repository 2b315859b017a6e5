//! The one loop between capture and engine, for live interfaces and for files.
//!
//! Time comes from the source alone, so a file gives the same answers as the traffic it was written from.

use std::sync::Arc;
use std::time::Duration;

use crate::capture::{FrameSource, Input};
use crate::engine::Engine;
use crate::event::Event;
use crate::record::Record;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;

/// Where the loop puts what the engine says.
pub trait Outlet {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// Does with the engine what others asked for; called before each picture but the last.
    fn attend(&mut self, _engine: &mut Engine, _now: Timestamp) {}

    /// The last record was handled.
    fn finish(&mut self, _engine: &Engine) {}

    /// A picture of everything at the end and, where it is [wanted](Self::wants_pictures), before.
    fn publish(&mut self, snapshot: Arc<Snapshot>);

    /// Whether a picture is wanted about once for each second of the source's time. It is not free: whatever changes
    /// after a picture was taken is copied first.
    fn wants_pictures(&self) -> bool {
        true
    }
}

/// Feeds the engine from `source` until that ends.
pub fn drive(source: &mut dyn FrameSource, engine: &mut Engine, outlet: &mut dyn Outlet) {
    let mut published = Timestamp::EPOCH;
    loop {
        let now = match source.next() {
            Input::Record(record) => {
                let at = record.at();
                // A step of the clock says that the time up to it was not there: what is due before it is due after it.
                if !matches!(record, Record::ClockStep(_)) {
                    // What is due at the very time of a frame comes after it: the frame may be what was waited for.
                    fire(engine, |due| due < at, at);
                }
                engine.handle(&record);
                Some(at)
            }
            Input::Idle(now) => {
                fire(engine, |due| due <= now, now);
                Some(now)
            }
            Input::End => {
                engine.finish();
                None
            }
        };
        while let Some(event) = engine.poll_event() {
            outlet.event(&event);
        }
        let Some(now) = now else {
            outlet.finish(engine);
            outlet.publish(engine.snapshot());
            return;
        };
        // A distance, so that a clock that is set back does not stop the publishing.
        if outlet.wants_pictures() && published.distance(now) >= PUBLISH_EVERY {
            published = now;
            outlet.attend(engine, now);
            outlet.publish(engine.snapshot());
        }
    }
}

/// How often a snapshot is published, in the source's time.
pub const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// So many timers fire one by one at their own times. A clock that jumps ahead by years makes more of them due, and
/// those fire at once.
const MOST_TIMERS: usize = 100_000;

/// Lets each timer that is due fire at its own time, so that a long silence changes nothing about their order.
fn fire(engine: &mut Engine, is_due: impl Fn(Timestamp) -> bool, now: Timestamp) {
    for _ in 0..MOST_TIMERS {
        match engine.poll_timeout() {
            Some(due) if is_due(due) => engine.handle_timeout(due),
            _ => return,
        }
    }
    engine.handle_timeout(now);
}

#[cfg(test)]
mod tests;
