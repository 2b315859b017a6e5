//! `phonewatch trace NAME`: a phone's frames in words, as a sniffer would list them; `phonewatch evidence NAME`: the same
//! frames as a capture file.

use std::path::PathBuf;

use anyhow::{Context, bail};

use super::ask::client::{Daemon, printable};
use super::drive::{Outlet, drive};
use super::settings;
use super::terminal::print;
use crate::capture::file::FileSource;
use crate::cli::{self, Source};
use crate::config::Config;
use crate::engine::{Engine, KeptFrame};
use crate::event::Event;
use crate::phone::{Device, DeviceId};
use crate::snapshot::Snapshot;
use crate::trace::{Ports, TraceLine, Tracer, table};
use crate::web::html::in_url;

/// What a trace from files may hold in memory: enough for the signalling of a day of a large site.
const RECORDER_BYTES: usize = 1 << 30;

/// Asks the daemon or reads the files, and prints the lines of the phone; whatever hinders it is an error.
pub fn trace(arguments: &cli::Trace) -> anyhow::Result<()> {
    let Source {
        from,
        daemon,
        config,
        json,
    } = &arguments.source;
    if from.is_empty() {
        let path = format!("/phones/{}/trace", in_url(&arguments.phone));
        let query = if *json { "format=json" } else { "format=text" };
        let text = Daemon::of(daemon)?.file(&path, query)?;
        return print(&printable(&String::from_utf8_lossy(&text), false));
    }
    let config = config.load()?;
    let frames = recorded(&config, from, &arguments.phone)?;
    let mut tracer = Tracer::new(ports(&config));
    let lines: Vec<TraceLine> = frames
        .iter()
        .map(|kept| tracer.line(&kept.frame()))
        .collect();
    if *json {
        let mut text = serde_json::to_string_pretty(&lines).context("write the trace as JSON")?;
        text.push('\n');
        print(&text)
    } else {
        print(&table(&lines))
    }
}

/// Writes the frames of the phone to a capture file, without what is nobody's business.
pub fn evidence(arguments: &cli::Evidence) -> anyhow::Result<()> {
    let file = if arguments.from.is_empty() {
        let path = format!("/phones/{}/evidence.pcap", in_url(&arguments.phone));
        Daemon::of(&arguments.daemon)?.file(&path, "")?.to_vec()
    } else {
        let config = arguments.config.load()?;
        let frames = recorded(&config, &arguments.from, &arguments.phone)?;
        let frames = frames.iter().map(KeptFrame::frame);
        crate::evidence::capture_file(frames, &config.sccp.ports, RECORDER_BYTES)
            .context("make the capture file")?
    };
    let path = &arguments.write;
    std::fs::write(path, file).with_context(|| format!("write {}", path.display()))
}

/// The frames of the phone in these files.
fn recorded(config: &Config, from: &[PathBuf], phone: &str) -> anyhow::Result<Vec<KeptFrame>> {
    let mut engine_settings = settings::engine(config, None);
    engine_settings.limits.recorder_bytes = RECORDER_BYTES;
    engine_settings.limits.recorder_frames = u32::MAX;
    let mut engine = Engine::new(engine_settings);
    let mut source = FileSource::new(from.to_vec(), None);
    drive(&mut source, &mut engine, &mut Nobody);
    if let Some(problem) = source.problems().first() {
        bail!("{problem}");
    }
    let device = find(&engine.snapshot(), phone)?;
    Ok(engine.recorded(device).collect())
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
