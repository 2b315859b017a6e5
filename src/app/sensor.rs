//! The sensor: the capture threads of all interfaces, and the source that the engine reads from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;

use super::clock::{self, Stopwatch};
use super::settings;
use super::vitals::Vitals;
use crate::capture::live::{self, CaptureCounters, LiveSettings, OpenError, Opened, StopSignal};
use crate::capture::merge::LiveSource;
use crate::capture::ring::{Waker, ring};
use crate::capture::{FrameSource, Input};
use crate::config::Config;
use crate::record::Record;
use crate::time::Timestamp;

/// Interfaces that are open and not captured from yet.
pub(super) struct Interfaces(Vec<(LiveSettings, Opened)>);

impl Interfaces {
    /// Opens every interface of the configuration, or says what stands in the way of the first that fails.
    pub(super) fn open(config: &Config) -> Result<Self, OpenError> {
        settings::captures(config)
            .into_iter()
            .map(|settings| live::open(&settings).map(|opened| (settings, opened)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Starts one thread for each.
    pub(super) fn start(self, config: &Config) -> anyhow::Result<(Sensor, SensorSource)> {
        let signal = StopSignal::new().context("make the signal that stops the captures")?;
        let signal = Arc::new(signal);
        let waker = Arc::new(Waker::new());
        let mut rings = Vec::new();
        let mut interfaces = Vec::new();
        let mut threads = Vec::new();
        for (settings, opened) in self.0 {
            let (producer, consumer) = ring(config.capture.ring, Arc::clone(&waker));
            let counters = Arc::new(CaptureCounters::default());
            let name = settings.interface.clone();
            let signal = Arc::clone(&signal);
            let thread = live::spawn(opened, settings, producer, signal, Arc::clone(&counters))
                .with_context(|| format!("start the capture thread of {name}"))?;
            rings.push(consumer);
            interfaces.push((name, counters));
            threads.push(thread);
        }
        let vitals = Arc::new(Vitals::new(interfaces));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let running = Stopwatch::start();
        let source = LiveSource::new(rings, waker, Box::new(clock::now))
            .with_reorder(config.capture.reorder)
            .with_steady_clock(Box::new(move || running.elapsed()));
        let source = SensorSource {
            source,
            vitals: Arc::clone(&vitals),
            is_stopped: Arc::clone(&is_stopped),
            measured: Timestamp::EPOCH,
            is_due: true,
        };
        let sensor = Sensor {
            vitals,
            is_stopped,
            signal,
            threads,
        };
        Ok((sensor, source))
    }
}

/// The running captures.
pub(super) struct Sensor {
    /// What it and the engine behind it say of themselves.
    pub(super) vitals: Arc<Vitals>,
    is_stopped: Arc<AtomicBool>,
    signal: Arc<StopSignal>,
    threads: Vec<JoinHandle<()>>,
}

impl Sensor {
    /// Ends the captures, and the source at its next input. Does not wait for either.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.signal.stop();
    }

    /// Waits for the capture threads, once they were stopped.
    pub(super) fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a capture thread has panicked");
            }
        }
    }
}

/// The live source; it ends when the sensor is stopped, however much is still in the rings.
pub(super) struct SensorSource {
    source: LiveSource,
    vitals: Arc<Vitals>,
    is_stopped: Arc<AtomicBool>,
    /// When the rings were measured, by the time of the input, and whether that is to be done again.
    measured: Timestamp,
    is_due: bool,
}

/// Measuring the rings touches memory that the capture threads write to.
const MEASURE_EVERY: Duration = Duration::from_millis(100);

impl FrameSource for SensorSource {
    fn next(&mut self) -> Input<'_> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return Input::End;
        }
        if self.is_due {
            self.is_due = false;
            self.vitals.set_ring_used(self.source.used_ratio());
        }
        let input = self.source.next();
        let at = match input {
            Input::Record(record) => record.at(),
            Input::Idle(now) => now,
            Input::End => return input,
        };
        if let Input::Record(Record::ClockStep(step)) = input {
            tracing::warn!(
                ahead_seconds = step.at.since(step.from).as_secs_f64(),
                back_seconds = step.from.since(step.at).as_secs_f64(),
                "the clock was set, or the machine stood still"
            );
        }
        self.vitals.set_input(at);
        if self.measured.distance(at) >= MEASURE_EVERY {
            self.measured = at;
            self.is_due = true;
        }
        input
    }
}
