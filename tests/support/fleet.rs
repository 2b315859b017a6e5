//! A simulated fleet before the engine, without a file.

use std::sync::Arc;

use phonewatch::app::drive::{Outlet, drive};
use phonewatch::capture::{FrameSource, Input};
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::Event;
use phonewatch::record::{Frame, Record};
use phonewatch::simulate::FleetFrame;
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;

/// The frames of a fleet, or of a mirror port that shows it, as a source, without a file.
pub(crate) struct Simulated<F> {
    pub(crate) frames: F,
    end: Timestamp,
    frame: Option<FleetFrame>,
    has_ended: bool,
}

impl<F> Simulated<F> {
    pub(crate) const fn new(frames: F, end: Timestamp) -> Self {
        Self {
            frames,
            end,
            frame: None,
            has_ended: false,
        }
    }
}

impl<F: Iterator<Item = FleetFrame>> FrameSource for Simulated<F> {
    fn next(&mut self) -> Input<'_> {
        self.frame = self.frames.next();
        match &self.frame {
            Some(frame) => Input::Record(Record::Frame(Frame::ethernet(frame.at, &frame.bytes))),
            None if self.has_ended => Input::End,
            None => {
                self.has_ended = true;
                Input::Idle(self.end)
            }
        }
    }
}

#[derive(Default)]
struct Last(Arc<Snapshot>);

impl Outlet for Last {
    fn event(&mut self, _event: &Event) {}

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.0 = snapshot;
    }
}

/// What the engine knows at the end.
pub(crate) fn watch(source: &mut dyn FrameSource) -> Arc<Snapshot> {
    let mut last = Last::default();
    drive(source, &mut Engine::new(Settings::default()), &mut last);
    last.0
}
