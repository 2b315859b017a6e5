//! `phonewatch replay`: capture files through the same engine as live traffic, and a report of what they show.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::clock::Stopwatch;
use super::drive::{Outlet, drive};
use super::terminal::{print, say, style};
use super::{inventory, settings};
use crate::capture::file::FileSource;
use crate::capture::{FrameSource, Input};
use crate::cli::{self, ConfigFile};
use crate::engine::Engine;
use crate::event::Event;
use crate::report::{CaptureFacts, Report, table};
use crate::snapshot::Snapshot;

/// Whether every file could be read to the end of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It could.
    Whole,
    /// Frames that are there are missing from the report.
    Incomplete,
}

/// Reads the files, prints the report to stdout and what is wrong with them to stderr.
///
/// Every frame of a file reaches the engine: the capture filter is for the kernel, and whoever wrote the file chose.
pub fn replay(arguments: &cli::Replay) -> anyhow::Result<Outcome> {
    let Replayed {
        snapshot,
        problems,
        elapsed,
        outcome,
    } = read(&arguments.files, &arguments.config)?;
    for problem in &problems {
        say(problem);
    }
    let facts = CaptureFacts {
        files: arguments
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
        problems,
        elapsed,
    };
    let report = Report::new(&snapshot, facts);
    let text = if arguments.json {
        let mut text = serde_json::to_string_pretty(&report).context("write the report as JSON")?;
        text.push('\n');
        text
    } else {
        table(&report, style())
    };
    print(&text)?;
    Ok(outcome)
}

/// What files show.
pub(super) struct Replayed {
    /// What the engine knows at their end.
    pub(super) snapshot: Arc<Snapshot>,
    /// What is wrong with them, one sentence each.
    pub(super) problems: Vec<String>,
    /// How long it took to read them.
    pub(super) elapsed: Duration,
    /// Whether they could be read.
    pub(super) outcome: Outcome,
}

/// Lets the engine see every frame of the files.
pub(super) fn read(files: &[PathBuf], config: &ConfigFile) -> anyhow::Result<Replayed> {
    let path = config.path();
    let config = config.load()?;
    let inventory = inventory::load(&config, path)?;
    for complaint in inventory
        .iter()
        .flat_map(|it| inventory::complaints(it, &config))
    {
        say(&complaint);
    }
    let mut engine = Engine::new(settings::engine(&config, inventory));
    let mut source = Watched::new(FileSource::new(files.to_vec(), None));
    let mut last = LastSnapshot::default();
    drive(&mut source, &mut engine, &mut last);
    source.clear();
    Ok(Replayed {
        snapshot: last.0,
        problems: source
            .files
            .problems()
            .iter()
            .map(ToString::to_string)
            .collect(),
        elapsed: source.watch.elapsed(),
        outcome: if source.files.is_fatal() {
            Outcome::Incomplete
        } else {
            Outcome::Whole
        },
    })
}

/// Keeps what the engine knows at the end.
#[derive(Default)]
pub(super) struct LastSnapshot(pub(super) Arc<Snapshot>);

impl Outlet for LastSnapshot {
    fn event(&mut self, _event: &Event) {}

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.0 = snapshot;
    }

    fn wants_pictures(&self) -> bool {
        false
    }
}

/// The files, with a line on the terminal that says how far they have been read.
struct Watched {
    files: FileSource,
    watch: Stopwatch,
    frames: u64,
    is_shown: bool,
    shown_at: Duration,
}

/// So many frames are read before the clock is looked at.
const FRAMES_BETWEEN_LOOKS: u64 = 4096;
/// The line is written at most so often.
const SHOW_EVERY: Duration = Duration::from_millis(100);

impl Watched {
    fn new(files: FileSource) -> Self {
        Self {
            files,
            watch: Stopwatch::start(),
            frames: 0,
            is_shown: io::stderr().is_terminal(),
            shown_at: Duration::ZERO,
        }
    }

    fn show(&mut self) {
        let elapsed = self.watch.elapsed();
        if elapsed.saturating_sub(self.shown_at) < SHOW_EVERY {
            return;
        }
        self.shown_at = elapsed;
        let line = format!("\r{} frames in {:.1} s", self.frames, elapsed.as_secs_f64());
        // Whoever closed the terminal does not want to see it.
        self.is_shown = io::stderr().write_all(line.as_bytes()).is_ok();
    }

    /// Takes the line away.
    fn clear(&mut self) {
        if self.is_shown && self.shown_at > Duration::ZERO {
            let erase_line = b"\r\x1b[K";
            self.is_shown = io::stderr().write_all(erase_line).is_ok();
        }
    }
}

impl FrameSource for Watched {
    fn next(&mut self) -> Input<'_> {
        self.frames += 1;
        if self.is_shown && self.frames.is_multiple_of(FRAMES_BETWEEN_LOOKS) {
            self.show();
        }
        self.files.next()
    }
}
