//! What the daemon says of itself: written by the threads that do the work, read at any time by whoever asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::clock::{self, Stopwatch};
use crate::capture::live::{CaptureCounters, TICK};
use crate::metrics::{AlertState, EvidenceState, InterfaceState, ReloadState, SensorState};
use crate::time::Timestamp;

/// The signs of life of captures, engine and configuration.
pub(super) struct Vitals {
    interfaces: Vec<Interface>,
    /// The bits of an `f64`: how full the fullest ring is.
    ring_used: AtomicU64,
    /// The time of the engine's last input, in nanoseconds since the epoch.
    input_at: AtomicU64,
    /// When the engine last published, in nanoseconds since the start; 0 until it has.
    published: AtomicU64,
    started: Timestamp,
    running: Stopwatch,
    reload: ArcSwap<ReloadState>,
}

/// What does not get on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Standstill {
    /// The capture thread of this interface.
    #[error("the capture of {0} hangs")]
    Capture(String),
    /// The engine, which publishes about once a second.
    #[error("the engine hangs")]
    Engine,
}

/// An engine that has not published for so long hangs.
const ENGINE_PATIENCE: Duration = Duration::from_secs(10);

struct Interface {
    name: String,
    counters: Arc<CaptureCounters>,
    pulse: Mutex<Pulse>,
}

impl Vitals {
    /// Of a daemon that starts now and captures from these interfaces.
    pub(super) fn new(interfaces: Vec<(String, Arc<CaptureCounters>)>) -> Self {
        let started = clock::now();
        Self {
            interfaces: interfaces
                .into_iter()
                .map(|(name, counters)| Interface {
                    name,
                    counters,
                    pulse: Mutex::default(),
                })
                .collect(),
            ring_used: AtomicU64::new(0),
            input_at: AtomicU64::new(started.as_nanos()),
            published: AtomicU64::new(0),
            started,
            running: Stopwatch::start(),
            reload: ArcSwap::from_pointee(ReloadState {
                succeeded: true,
                last_success: started,
            }),
        }
    }

    /// The rings were measured.
    pub(super) fn set_ring_used(&self, ratio: f64) {
        self.ring_used.store(ratio.to_bits(), Ordering::Relaxed);
    }

    /// The engine is about to take an input of this time.
    pub(super) fn set_input(&self, at: Timestamp) {
        self.input_at.store(at.as_nanos(), Ordering::Relaxed);
    }

    /// A snapshot was published.
    pub(super) fn set_published(&self) {
        let now = u64::try_from(self.running.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.published.store(now.max(1), Ordering::Relaxed);
    }

    /// The configuration was read again.
    pub(super) fn set_reloaded(&self, succeeded: bool) {
        let last_success = if succeeded {
            clock::now()
        } else {
            self.reload.load().last_success
        };
        self.reload.store(Arc::new(ReloadState {
            succeeded,
            last_success,
        }));
    }

    /// What does not get on, if anything. An idle mirror port is no standstill: captures and engine turn all the same.
    pub(super) fn standstill(&self) -> Option<Standstill> {
        self.standstill_after(self.running.elapsed())
    }

    fn standstill_after(&self, running: Duration) -> Option<Standstill> {
        let published = Duration::from_nanos(self.published.load(Ordering::Relaxed));
        if running.saturating_sub(published) > ENGINE_PATIENCE {
            return Some(Standstill::Engine);
        }
        self.interfaces
            .iter()
            .find(|interface| interface.read(running).is_stuck)
            .map(|interface| Standstill::Capture(interface.name.clone()))
    }

    /// How everything is now, alerts aside.
    pub(super) fn read(&self) -> SensorState {
        let running = self.running.elapsed();
        let published = match self.published.load(Ordering::Relaxed) {
            0 => None,
            at => Some(running.saturating_sub(Duration::from_nanos(at))),
        };
        let input_at = Timestamp::from_nanos(self.input_at.load(Ordering::Relaxed));
        SensorState {
            interfaces: self
                .interfaces
                .iter()
                .map(|interface| interface.read(running))
                .collect(),
            ring_used_ratio: f64::from_bits(self.ring_used.load(Ordering::Relaxed)),
            lag: clock::now().since(input_at),
            published,
            started: self.started,
            reload: **self.reload.load(),
            alerts: AlertState::default(),
            evidence: EvidenceState::default(),
        }
    }
}

impl Interface {
    fn read(&self, running: Duration) -> InterfaceState {
        let capture = self.counters.read();
        let mut pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
        InterfaceState {
            name: self.name.clone(),
            is_stuck: pulse.is_stuck(capture.beats, running),
            capture,
        }
    }
}

/// Whether a number that should grow does, as far as those can tell who look at it now and then.
#[derive(Clone, Copy, Debug, Default)]
struct Pulse {
    beats: u64,
    seen: Duration,
}

impl Pulse {
    /// A thread that has not beaten for so long hangs.
    const LONGEST: Duration = TICK.saturating_mul(20);

    fn is_stuck(&mut self, beats: u64, now: Duration) -> bool {
        if beats != self.beats {
            *self = Self { beats, seen: now };
        }
        now.saturating_sub(self.seen) > Self::LONGEST
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::app::drive::{Outlet, drive};
    use crate::capture::{FrameSource, Input};
    use crate::engine::{Engine, Settings};
    use crate::event::Event;
    use crate::snapshot::Snapshot;

    #[test]
    fn a_thread_is_stuck_when_it_does_not_beat_for_long() {
        let second = Duration::from_secs(1);
        let mut pulse = Pulse::default();
        assert!(!pulse.is_stuck(0, second), "it has hardly started");
        assert!(!pulse.is_stuck(8, 60 * second));
        assert!(!pulse.is_stuck(8, 64 * second), "not for long");
        assert!(pulse.is_stuck(8, 66 * second));
        assert!(!pulse.is_stuck(9, 67 * second), "it came back");
    }

    /// Gives what it is told to give; whoever holds the other end decides how long that takes.
    struct Fed(mpsc::Receiver<Timestamp>);

    impl FrameSource for Fed {
        fn next(&mut self) -> Input<'_> {
            self.0.recv().map_or(Input::End, Input::Idle)
        }
    }

    struct Published(Arc<Vitals>, mpsc::Sender<()>);

    impl Outlet for Published {
        fn event(&mut self, _event: &Event) {}

        fn publish(&mut self, _snapshot: Arc<Snapshot>) {
            self.0.set_published();
            self.1.send(()).ok();
        }
    }

    #[test]
    fn an_engine_that_hangs_is_a_standstill_and_an_idle_port_is_none() {
        let vitals = Arc::new(Vitals::new(Vec::new()));
        let (inputs, received) = mpsc::channel();
        let (outlet, published) = mpsc::channel();
        let engine = std::thread::spawn({
            let mut outlet = Published(Arc::clone(&vitals), outlet);
            move || {
                let mut engine = Engine::new(Settings::default());
                drive(&mut Fed(received), &mut engine, &mut outlet);
            }
        });
        let start = Timestamp::from_secs(1_000);
        for second in 0..3 {
            inputs.send(start + Duration::from_secs(second)).unwrap();
            published.recv().unwrap();
            assert_eq!(vitals.standstill(), None);
        }
        // From here on the source hangs, and the engine's thread in it.
        let at = vitals.running.elapsed();
        assert_eq!(vitals.standstill_after(at + ENGINE_PATIENCE / 2), None);
        let late = at + ENGINE_PATIENCE + Duration::from_millis(1);
        assert_eq!(vitals.standstill_after(late), Some(Standstill::Engine));
        inputs.send(start + Duration::from_secs(3)).unwrap();
        published.recv().unwrap();
        assert_eq!(vitals.standstill(), None, "it came back");
        drop(inputs);
        engine.join().unwrap();
    }

    #[test]
    fn an_engine_that_never_publishes_is_a_standstill() {
        let vitals = Vitals::new(Vec::new());
        assert_eq!(vitals.standstill(), None, "it has hardly started");
        let late = ENGINE_PATIENCE + Duration::from_millis(1);
        assert_eq!(vitals.standstill_after(late), Some(Standstill::Engine));
    }

    #[test]
    fn a_capture_that_hangs_is_a_standstill() {
        let counters = Arc::new(CaptureCounters::default());
        let vitals = Vitals::new(vec![("eth1".to_owned(), counters)]);
        vitals.set_published();
        assert_eq!(vitals.standstill_after(Pulse::LONGEST), None);
        let late = Pulse::LONGEST + Duration::from_millis(1);
        assert_eq!(
            vitals.standstill_after(late),
            Some(Standstill::Capture("eth1".to_owned()))
        );
    }

    #[test]
    fn tells_how_the_configuration_was_read() {
        let vitals = Vitals::new(Vec::new());
        let before = vitals.read();
        assert!(before.reload.succeeded);
        assert_eq!(before.published, None);
        vitals.set_reloaded(false);
        let after = vitals.read();
        assert!(!after.reload.succeeded);
        assert_eq!(after.reload.last_success, before.reload.last_success);
        vitals.set_published();
        assert!(vitals.read().published.is_some());
    }
}
