//! What the engine knows, from one run of the daemon to the next.
//!
//! A thread of its own makes bytes of it and writes them, once a minute and when the daemon stops. Nothing of this is
//! needed to watch phones: whatever fails is said, and the daemon runs on.

pub mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::alerts::state_dir;
use super::clock::{self, Stopwatch};
use crate::config::Config;
use crate::engine::{Engine, RestoredState, SavedState};
use crate::private_folder;
use crate::time::Timestamp;
use store::{Store, StoreError};

/// How often it is written.
const EVERY: Duration = Duration::from_secs(60);

/// The last writing takes a moment; what is not written then is as it was a minute before.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The open file with what an earlier run left in it.
pub(super) struct Opened {
    store: Option<(PathBuf, Store)>,
    state: Option<RestoredState>,
    keep_for: Duration,
}

/// The thread that writes.
pub(super) struct StateKeeper {
    ended: Option<oneshot::Receiver<()>>,
}

/// The engine's end of it.
pub(super) struct StateFeed {
    states: Option<mpsc::Sender<SavedState>>,
    is_busy: Arc<AtomicBool>,
    last: Timestamp,
}

impl Opened {
    /// Opens the file; without one where there is no folder for it, or none is wanted.
    pub(super) fn new(config: &Config) -> Self {
        let keep_for = config.state.keep_for;
        let mut opened = Self {
            store: None,
            state: None,
            keep_for,
        };
        if keep_for.is_zero() {
            return opened;
        }
        let Some(folder) = folder(config) else {
            tracing::info!(
                "no state directory: what is learned now is forgotten when phonewatch stops; set alert.state_dir, or \
                 let systemd make one"
            );
            return opened;
        };
        match open(&folder) {
            Ok((store, state)) => {
                opened.store = Some((folder, store));
                opened.state = state;
            }
            Err(error) => tracing::warn!(
                "nothing is kept for the next start, as {} cannot be used: {error:#}",
                folder.join(store::FILE).display()
            ),
        }
        opened
    }

    /// The engine goes on with what was saved.
    pub(super) fn restore(&mut self, engine: &mut Engine) {
        let Some(state) = self.state.take() else {
            return;
        };
        let (watch, devices, saved) = (Stopwatch::start(), state.devices(), state.at());
        engine.restore(state, clock::now(), self.keep_for);
        tracing::info!(
            devices,
            saved = saved.to_string(),
            took_ms = watch.elapsed().as_millis(),
            "goes on with what an earlier run knew"
        );
    }

    /// Starts the thread.
    pub(super) fn start(self) -> anyhow::Result<(StateKeeper, StateFeed)> {
        let is_busy = Arc::new(AtomicBool::new(false));
        let mut feed = StateFeed {
            states: None,
            is_busy: Arc::clone(&is_busy),
            last: clock::now(),
        };
        let Some((folder, store)) = self.store else {
            return Ok((StateKeeper { ended: None }, feed));
        };
        let (states, received) = mpsc::channel();
        let (ends, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("state".to_owned())
            .spawn(move || {
                keep(&folder, store, &received, &is_busy);
                // Nobody waits for it where stopping took too long.
                ends.send(()).ok();
            })
            .context("start the thread that keeps the state")?;
        feed.states = Some(states);
        Ok((StateKeeper { ended: Some(ended) }, feed))
    }
}

impl StateKeeper {
    /// Waits until the last state is written. The engine has ended, and its feed with it.
    pub(super) async fn stop(self) {
        let Some(ended) = self.ended else { return };
        if timeout(STOP_WITHIN, ended).await.is_err() {
            tracing::warn!(
                "the state was not written in time: the next start goes on with an older one"
            );
        }
    }
}

impl StateFeed {
    /// Hands over what the engine knows, where that is due.
    pub(super) fn attend(&mut self, engine: &Engine, now: Timestamp) {
        // A distance, so that a clock that is set back does not stop the writing.
        if self.last.distance(now) >= EVERY && !self.is_busy.load(Ordering::Acquire) {
            self.last = now;
            self.hand_over(engine);
        }
    }

    /// The engine ends.
    pub(super) fn finish(&mut self, engine: &Engine) {
        self.hand_over(engine);
        self.states = None;
    }

    fn hand_over(&self, engine: &Engine) {
        if let Some(states) = &self.states {
            self.is_busy.store(true, Ordering::Release);
            // A thread that has ended has said so.
            states.send(engine.save()).ok();
        }
    }
}

/// Writes what comes until nothing comes any more.
fn keep(folder: &Path, store: Store, states: &mpsc::Receiver<SavedState>, is_busy: &AtomicBool) {
    let mut store = Some(store);
    let mut fails = false;
    while let Ok(mut state) = states.recv() {
        // Only the latest counts.
        while let Ok(later) = states.try_recv() {
            state = later;
        }
        let watch = Stopwatch::start();
        match write(folder, &mut store, &state) {
            Ok(()) => {
                tracing::debug!(took_ms = watch.elapsed().as_millis(), "state written");
                if std::mem::take(&mut fails) {
                    tracing::info!("the state is written again");
                }
            }
            Err(error) if fails => tracing::debug!("the state cannot be written: {error:#}"),
            Err(error) => {
                fails = true;
                tracing::warn!(
                    "the state cannot be written ({error:#}): it is tried again every minute; until then a restart \
                     goes on with an older one"
                );
            }
        }
        is_busy.store(false, Ordering::Release);
    }
}

/// Writes into the file; where that turns out to be damaged, into a new one.
fn write(folder: &Path, store: &mut Option<Store>, state: &SavedState) -> anyhow::Result<()> {
    let error = match store {
        Some(store) => match store.write(state) {
            Ok(()) => return Ok(()),
            Err(error) if error.is_of_the_file() => Some(error),
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    // Closed before the new one is opened: it removes its side files, which have the same names.
    *store = None;
    let new = match &error {
        Some(error) => begin_anew(folder, error)?,
        None => open(folder)?.0,
    };
    store.insert(new).write(state)?;
    Ok(())
}

/// The folder of the configuration or of systemd, made where it is missing; the usual one only where it is there already:
/// somebody who tries the program out has not asked for it.
fn folder(config: &Config) -> Option<PathBuf> {
    let folder = state_dir::of(&config.alert);
    let is_asked_for = config.alert.state_dir.is_some() || folder != Path::new(state_dir::USUAL);
    if is_asked_for {
        // What goes wrong here is told when the file is opened.
        private_folder::make(&folder).ok();
    }
    (is_asked_for || folder.is_dir()).then_some(folder)
}

/// Opens the file; one that cannot be used is set aside, and a new one begun.
fn open(folder: &Path) -> anyhow::Result<(Store, Option<RestoredState>)> {
    match Store::open(folder) {
        Ok(opened) => Ok(opened),
        Err(error) if error.is_of_the_file() => {
            let store = begin_anew(folder, &error)?;
            Ok((store, None))
        }
        Err(error) => Err(told(error)),
    }
}

fn begin_anew(folder: &Path, error: &StoreError) -> anyhow::Result<Store> {
    let now = clock::now().as_nanos() / 1_000_000_000;
    let aside = store::set_aside(folder, now).context("it cannot be moved away")?;
    tracing::error!(
        "the state cannot be used ({error}): it is set aside as {}, and a new one begun",
        aside.display()
    );
    let (store, _) = Store::open(folder)?;
    Ok(store)
}

fn told(error: StoreError) -> anyhow::Error {
    if error.is_in_use() {
        anyhow::anyhow!("another phonewatch uses it")
    } else {
        error.into()
    }
}

#[cfg(test)]
mod tests;
