//! Playing a simulated fleet onto an interface, each frame at its time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::clock::Stopwatch;
use crate::capture::live::{SendError, Sender, StopSignal};
use crate::simulate::{BEGIN, FleetFrame, Mirror, Speed};

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Played {
    pub(super) frames: u64,
    pub(super) elapsed: Duration,
    /// Whether a signal ended it.
    pub(super) is_stopped: bool,
}

/// An interface that has no room for a frame is given this much time, this often.
const BUSY_PAUSE: Duration = Duration::from_millis(1);
const BUSY_PAUSES: u32 = 5000;

/// Sends the frames until there are no more, or until SIGINT or SIGTERM comes.
pub(super) fn play(mirror: &mut Mirror, interface: &str, speed: Speed) -> anyhow::Result<Played> {
    let mut sender = Sender::open(interface).with_context(|| format!("send onto {interface}"))?;
    let stop = Arc::new(StopSignal::new().context("make a signal to stop with")?);
    let _signals = stop_on_signals(&stop).context("listen to signals")?;
    let watch = Stopwatch::start();
    let mut played = Played::default();
    for frame in mirror {
        let due = speed.played_after(frame.at.since(BEGIN));
        if stop.wait(due.saturating_sub(watch.elapsed())) {
            played.is_stopped = true;
            break;
        }
        send(&mut sender, &frame, &stop)
            .with_context(|| format!("send onto {interface} after {} frames", played.frames))?;
        played.frames += 1;
    }
    played.elapsed = watch.elapsed();
    Ok(played)
}

fn send(sender: &mut Sender, frame: &FleetFrame, stop: &StopSignal) -> Result<(), SendError> {
    for _ in 0..BUSY_PAUSES {
        match sender.send(&frame.bytes) {
            Err(SendError::Busy) if !stop.wait(BUSY_PAUSE) => {}
            sent => return sent,
        }
    }
    sender.send(&frame.bytes)
}

/// Gives the signal when the process is told to end, as long as what this returns is kept.
fn stop_on_signals(stop: &Arc<StopSignal>) -> io::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .build()?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    drop(entered);
    let stop = Arc::clone(stop);
    runtime.spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.stop();
    });
    Ok(runtime)
}
