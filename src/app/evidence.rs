//! Evidence in the running daemon: the frames that prove a finding as a file in the state directory.
//!
//! The engine's thread says which findings there are (`feed`), and gives frames away when it is asked. One thread of its
//! own asks, blanks, writes, and removes what is old.

mod feed;
mod folder;
mod recordings;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Handle;

pub(super) use feed::Feed;

use self::feed::{Batch, Planned};
use self::folder::Folder;
use self::recordings::{EngineRecordings, frames_of};
use super::alerts::state_dir;
use super::clock;
use super::orders::EngineHandle;
use super::trace::ports;
use crate::config::Config;
use crate::engine::KeptFrame;
use crate::evidence::{self, Stored};
use crate::metrics::EvidenceState;
use crate::trace::Ports;
use crate::web::Recordings;

/// A file is no larger, in bytes: the newest frames are what proves something.
const MOST_BYTES: usize = 1 << 20;
/// How often it is looked for files that are too old.
const CLEAN_EVERY: Duration = Duration::from_secs(60);
/// The folder's name in the state directory.
const FOLDER: &str = "evidence";

/// What the daemon keeps of evidence.
pub(super) struct Evidence {
    folder: Option<PathBuf>,
    counts: Arc<Counts>,
    engine: EngineHandle,
    ports: Ports,
}

impl Evidence {
    /// Starts the thread that writes, where anything is kept; and what the engine's thread needs for that.
    pub(super) fn start(
        config: &Config,
        engine: EngineHandle,
    ) -> anyhow::Result<(Self, Option<Feed>)> {
        let evidence = Self {
            folder: folder(config),
            counts: Arc::default(),
            engine,
            ports: ports(config),
        };
        let feed = match &evidence.folder {
            Some(folder) => {
                let engine = evidence.engine.clone();
                Some(start(config, folder, engine, &evidence.counts)?)
            }
            None => None,
        };
        Ok((evidence, feed))
    }

    /// The folder of the files, where any are kept.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What became of the evidence so far.
    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// For the pages.
    pub(super) fn recordings(&self) -> Arc<dyn Recordings> {
        Arc::new(EngineRecordings {
            engine: self.engine.clone(),
            runtime: Handle::current(),
            ports: self.ports.clone(),
            folder: self.folder.clone(),
        })
    }
}

/// Where the evidence is kept, if it is.
fn folder(config: &Config) -> Option<PathBuf> {
    if !config.evidence.enabled {
        return None;
    }
    let state = state_dir::of(&config.alert);
    let is_wanted = config.alert.state_dir.is_some()
        || !config.alert.receiver.is_empty()
        || state_dir::is_of_systemd();
    if !is_wanted && !state.is_dir() {
        tracing::debug!(folder = %state.display(), "there is no state directory, so no evidence is kept");
        return None;
    }
    let folder = state.join(FOLDER);
    if let Err(error) = Folder::new(&folder).probe() {
        let shown = folder.display();
        if !is_wanted {
            // Who asked for nothing is not bothered.
            tracing::debug!(folder = %shown, %error, "no evidence is kept");
            return None;
        }
        // It is tried again for each file.
        tracing::warn!(
            "evidence cannot be written to {shown} ({error}): let phonewatch write there"
        );
    }
    Some(folder)
}

/// Starts the thread that writes evidence into this folder; what the engine's thread needs for it.
fn start(
    config: &Config,
    folder: &Path,
    engine: EngineHandle,
    counts: &Arc<Counts>,
) -> anyhow::Result<Feed> {
    let (feed, batches) = Feed::new(
        config.evidence.per_minute,
        config.alert.min_severity,
        Arc::clone(counts),
    );
    let writer = Writer {
        folder: Folder::new(folder),
        stored: Vec::new(),
        keep_for: config.evidence.keep_for,
        size: u64::try_from(config.evidence.size).unwrap_or(u64::MAX),
        sccp_ports: config.sccp.ports.clone(),
        engine,
        runtime: Handle::current(),
        counts: Arc::clone(counts),
        is_failing: false,
    };
    std::thread::Builder::new()
        .name("evidence".to_owned())
        .spawn(move || writer.run(&batches))
        .context("start the thread of the evidence")?;
    Ok(feed)
}

/// Writes and removes.
struct Writer {
    folder: Folder,
    stored: Vec<Stored>,
    keep_for: Duration,
    /// What all files may take, in bytes.
    size: u64,
    sccp_ports: Vec<u16>,
    engine: EngineHandle,
    runtime: Handle,
    counts: Arc<Counts>,
    /// Whether the last attempt failed: it is said once.
    is_failing: bool,
}

impl Writer {
    fn run(mut self, batches: &Receiver<Batch>) {
        self.folder.remove_unfinished();
        self.stored = self.folder.list();
        self.clean();
        loop {
            match batches.recv_timeout(CLEAN_EVERY) {
                Ok(batch) => {
                    for planned in &batch.planned {
                        self.take(planned, &batch);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.clean();
        }
    }

    fn take(&mut self, planned: &Planned, batch: &Batch) {
        let devices = planned.devices(&batch.snapshot);
        // An engine that has stopped gives nothing more.
        let frames = self.runtime.block_on(frames_of(&self.engine, devices));
        let Some(frames) = frames.ok().filter(|frames| !frames.is_empty()) else {
            return self.counts.count(Fate::Skipped);
        };
        let frames = frames.iter().map(KeptFrame::frame);
        let written = evidence::capture_file(frames, &self.sccp_ports, MOST_BYTES)
            .and_then(|bytes| self.folder.write(&planned.name, &bytes));
        match written {
            Ok(size) => {
                self.counts.count(Fate::Written);
                let name = planned.name.clone();
                self.stored.push(Stored { name, size });
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("evidence can be written again");
                }
            }
            Err(error) => {
                self.counts.count(Fate::Failed);
                if !std::mem::replace(&mut self.is_failing, true) {
                    let folder = self.folder.path().display();
                    tracing::warn!("evidence cannot be written to {folder}: {error}");
                }
            }
        }
    }

    fn clean(&mut self) {
        let now = clock::now();
        let old = evidence::superfluous(&self.stored, now, self.keep_for, self.size);
        for name in &old {
            self.folder.remove(name);
        }
        self.stored.retain(|file| !old.contains(&file.name));
        let sum = self.stored.iter().map(|file| file.size).sum();
        self.counts.bytes.store(sum, Ordering::Relaxed);
    }
}

/// What may become of the evidence of a finding.
#[derive(Clone, Copy)]
enum Fate {
    /// It is a file.
    Written,
    /// It could not be stored.
    Failed,
    /// There were too many at a time, or no frames were kept.
    Skipped,
}

impl Fate {
    const LABELS: [&str; 3] = ["written", "failed", "skipped"];
}

/// What became of the evidence so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    fates: [AtomicU64; Fate::LABELS.len()],
    /// What is stored now.
    bytes: AtomicU64,
}

impl Counts {
    fn count(&self, fate: Fate) {
        if let Some(count) = self.fates.get(fate as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How they are now.
    pub(super) fn read(&self) -> EvidenceState {
        let fates = Fate::LABELS.iter().zip(&self.fates);
        EvidenceState {
            results: fates
                .map(|(label, count)| (*label, count.load(Ordering::Relaxed)))
                .collect(),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
