//! `phonewatch doctor`: looks at a mirror port for a while, and says what it shows and what is missing.
//!
//! The frames go through the same engine as ever; what the engine has no use for, such as tags and lengths, is counted
//! on the way there.

mod census;
mod checks;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;

use super::clock::Stopwatch;
use super::drive::drive;
use super::replay::LastSnapshot;
use super::sensor::{Interfaces, Sensor};
use super::terminal::{print, say};
use super::{inventory, settings};
use crate::capture::file::FileSource;
use crate::capture::{FrameSource, Input};
use crate::cli;
use crate::config::{Capture, Config};
use crate::engine::Engine;
use crate::record::Record;
use crate::snapshot::Snapshot;
use census::Census;
use checks::{Check, State};

/// Looks, and prints what was seen; the exit status tells whether anything is missing.
pub fn doctor(arguments: &cli::Doctor) -> anyhow::Result<ExitCode> {
    let mut config = arguments.config.load()?;
    if !arguments.interfaces.is_empty() {
        config.capture.interfaces = Capture::interfaces_named(&arguments.interfaces)?;
    }
    let patient = if arguments.from.is_empty() {
        live(&config, arguments)?
    } else {
        of_files(&config, arguments)?
    };
    let diagnosis = Diagnosis {
        schema: 1,
        looked_at: patient.looked_at,
        seconds: patient.seconds,
        frames: patient.census.frames,
        checks: checks::all(
            &patient.census,
            &patient.snapshot,
            &patient.place,
            patient.seconds,
        ),
    };
    print(&if arguments.json {
        let text = serde_json::to_string_pretty(&diagnosis).context("write JSON")?;
        text + "\n"
    } else {
        diagnosis.text()
    })?;
    let is_well = diagnosis
        .checks
        .iter()
        .all(|check| check.state != State::Missing);
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What was looked at, and what was seen there.
struct Patient {
    looked_at: Vec<String>,
    seconds: f64,
    census: Census,
    snapshot: Arc<Snapshot>,
    place: Place,
}

/// Where the frames come from, as far as what is to be done depends on it.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The interfaces; none where files are read.
    interfaces: Vec<Interface>,
    /// Whether tunnels are opened.
    tunnels: bool,
    /// How much of a frame is kept, in bytes.
    snaplen: i64,
}

/// An interface as the system shows it.
#[derive(Clone, Debug)]
struct Interface {
    name: String,
    /// The state of its link; `unknown` where it has none.
    state: String,
}

impl Interface {
    fn of(name: &str) -> Self {
        let state =
            std::fs::read_to_string(Path::new("/sys/class/net").join(name).join("operstate"));
        Self {
            name: name.to_owned(),
            state: state.map_or_else(|_| "unknown".to_owned(), |state| state.trim().to_owned()),
        }
    }
}

fn live(config: &Config, arguments: &cli::Doctor) -> anyhow::Result<Patient> {
    let names = &config.capture.interfaces;
    if names.is_empty() {
        bail!(
            "name the interface of the mirror port with --interface, or a capture file with --from"
        );
    }
    let (sensor, source) = Interfaces::open(config)?.start(config)?;
    let limit = Duration::from_secs(arguments.seconds);
    say(&format!(
        "listening on {} for {} s",
        names.join(", "),
        arguments.seconds
    ));
    let mut source = Watched::new(source, config, Some(limit));
    let snapshot = see(config, arguments.config.path(), &mut source)?;
    stop(sensor);
    Ok(Patient {
        looked_at: names.clone(),
        seconds: source.watch.elapsed().as_secs_f64(),
        census: source.census,
        snapshot,
        place: Place {
            interfaces: names.iter().map(|name| Interface::of(name)).collect(),
            ..place(config)
        },
    })
}

fn stop(sensor: Sensor) {
    sensor.stop();
    sensor.join();
}

fn of_files(config: &Config, arguments: &cli::Doctor) -> anyhow::Result<Patient> {
    let files = FileSource::new(arguments.from.clone(), None);
    let mut source = Watched::new(files, config, None);
    let snapshot = see(config, arguments.config.path(), &mut source)?;
    for problem in source.source.problems() {
        say(&problem.to_string());
    }
    if source.source.is_fatal() {
        bail!("not every file could be read");
    }
    let totals = &snapshot.totals;
    let span = totals
        .first
        .zip(totals.last)
        .map(|(first, last)| last.since(first));
    Ok(Patient {
        looked_at: arguments
            .from
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
        seconds: span.unwrap_or_default().as_secs_f64(),
        census: source.census,
        snapshot,
        place: place(config),
    })
}

fn place(config: &Config) -> Place {
    Place {
        interfaces: Vec::new(),
        tunnels: config.capture.tunnels,
        snaplen: i64::from(config.capture.snaplen),
    }
}

fn see(
    config: &Config,
    path: &Path,
    source: &mut dyn FrameSource,
) -> anyhow::Result<Arc<Snapshot>> {
    let inventory = inventory::load(config, path)?;
    let mut engine = Engine::new(settings::engine(config, inventory));
    let mut last = LastSnapshot::default();
    drive(source, &mut engine, &mut last);
    Ok(last.0)
}

/// A source whose frames are counted, and which ends after a while.
struct Watched<S> {
    source: S,
    census: Census,
    limit: Option<Duration>,
    watch: Stopwatch,
}

impl<S> Watched<S> {
    fn new(source: S, config: &Config, limit: Option<Duration>) -> Self {
        let ports = config.sccp.ports.iter().chain(&config.sccp.secure_ports);
        Self {
            source,
            census: Census::new(ports.copied().collect(), config.tftp.port),
            limit,
            watch: Stopwatch::start(),
        }
    }
}

impl<S: FrameSource> FrameSource for Watched<S> {
    fn next(&mut self) -> Input<'_> {
        if self
            .limit
            .is_some_and(|limit| self.watch.elapsed() >= limit)
        {
            return Input::End;
        }
        let input = self.source.next();
        if let Input::Record(Record::Frame(frame)) = &input {
            self.census.frame(frame);
        }
        input
    }
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Diagnosis {
    /// The version of this object's form.
    schema: u32,
    /// The interfaces or files.
    looked_at: Vec<String>,
    /// For how long.
    seconds: f64,
    /// How many frames passed the capture's filter.
    frames: u64,
    checks: Vec<Check>,
}

impl Diagnosis {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for check in &self.checks {
            lines.push(format!(
                "{:8} {}: {}",
                check.state.word(),
                check.name,
                check.text
            ));
            lines.extend(
                check
                    .advice
                    .iter()
                    .map(|advice| format!("         -> {advice}")),
            );
        }
        lines.push(String::new());
        let missing = self
            .checks
            .iter()
            .filter(|check| check.state == State::Missing)
            .count();
        lines.push(match missing {
            0 => "The mirror port shows what phonewatch needs.".to_owned(),
            1 => "1 thing is missing.".to_owned(),
            many => format!("{many} things are missing."),
        });
        lines.join("\n") + "\n"
    }
}
