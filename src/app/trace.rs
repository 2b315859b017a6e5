//! `phonewatch trace NAME`: a phone's frames in words, as a sniffer would list them.

use std::fmt::Write;

use anyhow::{Context, bail};

use super::drive::{Outlet, drive};
use super::settings;
use super::terminal::print;
use crate::capture::file::FileSource;
use crate::cli;
use crate::config::Config;
use crate::engine::Engine;
use crate::event::Event;
use crate::phone::{Device, DeviceId};
use crate::snapshot::Snapshot;
use crate::trace::{Ports, TraceLine, Tracer};

/// What a trace from files may hold in memory: enough for the signalling of a day of a large site.
const RECORDER_BYTES: usize = 1 << 30;

/// Reads the files and prints the lines of the phone; whatever hinders it is an error.
pub fn trace(arguments: &cli::Trace) -> anyhow::Result<()> {
    let config = arguments.config.load()?;
    let mut engine_settings = settings::engine(&config, None);
    engine_settings.limits.recorder_bytes = RECORDER_BYTES;
    engine_settings.limits.recorder_frames = u32::MAX;
    let mut engine = Engine::new(engine_settings);
    let mut source = FileSource::new(arguments.from.clone(), None);
    drive(&mut source, &mut engine, &mut Nobody);
    if let Some(problem) = source.problems().first() {
        bail!("{problem}");
    }
    let snapshot = engine.snapshot();
    let device = find(&snapshot, &arguments.phone)?;
    let mut tracer = Tracer::new(ports(&config));
    let lines: Vec<TraceLine> = engine
        .recorded(device)
        .map(|kept| tracer.line(&kept.frame()))
        .collect();
    if arguments.json {
        let mut text = serde_json::to_string_pretty(&lines).context("write the trace as JSON")?;
        text.push('\n');
        print(&text)
    } else {
        print(&table(&lines))
    }
}

/// Which ports the configuration gives to what.
pub(super) fn ports(config: &Config) -> Ports {
    Ports {
        sccp: config.sccp.ports.clone(),
        secure: config.sccp.secure_ports.clone(),
    }
}

/// Nobody reads what happens on the way.
struct Nobody;

impl Outlet for Nobody {
    fn event(&mut self, _event: &Event) {}

    fn publish(&mut self, _snapshot: std::sync::Arc<Snapshot>) {}

    fn wants_pictures(&self) -> bool {
        false
    }
}

/// The device of this name, hardware address or network address.
fn find(snapshot: &Snapshot, wanted: &str) -> anyhow::Result<DeviceId> {
    let is_wanted = |device: &Device| {
        let is = |text: Option<String>| text.is_some_and(|text| text.eq_ignore_ascii_case(wanted));
        is(device.name.map(|name| name.to_string()))
            || is(device.mac.map(|mac| mac.to_string()))
            || is(device.address.map(|address| address.to_string()))
    };
    let mut found = snapshot
        .devices
        .iter()
        .filter(|(_, device)| device.is_proven && is_wanted(device))
        .map(|(id, _)| id);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => {
            bail!(
                "several phones are called {wanted} or share that address: ask for one by its device name"
            )
        }
        (None, _) => bail!(
            "no phone called {wanted} was seen: ask by device name (SEP and twelve digits), hardware address or \
             address, as `phonewatch replay` lists them"
        ),
    }
}

/// The lines as aligned columns, the time since the first in front.
fn table(lines: &[TraceLine]) -> String {
    let width = |column: fn(&TraceLine) -> &str, heading: &str| {
        let widths = lines.iter().map(|line| column(line).chars().count());
        widths.max().unwrap_or(0).max(heading.len())
    };
    let from = width(|line| &line.source, "source");
    let to = width(|line| &line.destination, "destination");
    let first = lines.first().map(|line| line.at);
    let mut table = format!(
        "{:>10}  {:from$}  {:to$}  {:>6}  summary\n",
        "seconds", "source", "destination", "bytes"
    );
    for line in lines {
        let since = first.map_or(0.0, |first| line.at.since(first).as_secs_f64());
        let written = writeln!(
            table,
            "{since:>10.4}  {:from$}  {:to$}  {:>6}  {}",
            line.source, line.destination, line.length, line.summary
        );
        debug_assert!(written.is_ok(), "a string takes any text");
    }
    if let Some(first) = first {
        let written = writeln!(table, "{} frames from {first} on", lines.len());
        debug_assert!(written.is_ok(), "a string takes any text");
    }
    table
}
