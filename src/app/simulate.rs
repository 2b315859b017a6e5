//! `phonewatch simulate`: a fleet of phones written to a capture file or played onto an interface, and the truth about
//! it written to another file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::play::play;
use crate::cli;
use crate::record::LinkType;
use crate::savefile::PcapWriter;
use crate::simulate::{Fleet, FleetTruth, Mirror, Plan};

/// Writes or plays the fleet's frames, then writes what is true of it, and says on stderr what was done.
pub fn simulate(arguments: &cli::Simulate) -> anyhow::Result<()> {
    let plan = Plan {
        shares: arguments.scenarios.clone(),
        phones: arguments.phones,
        length: Duration::from_secs(60 * u64::from(arguments.minutes)),
        seed: arguments.seed,
    };
    // A truth that cannot be written is found out before the long work, not after it.
    let truth_file = arguments.truth.as_deref().map(create).transpose()?;
    let view = arguments.mirror.view();
    let mut mirror = Mirror::new(Fleet::new(&plan), &view, plan.seed);
    let told = match (&arguments.interface, &arguments.write) {
        (Some(interface), _) => Some(played(&mut mirror, interface, arguments)?),
        (None, Some(path)) => written(&mut mirror, path, arguments)?,
        // The command line asks for one of the two.
        (None, None) => None,
    };
    let Some(told) = told else {
        return Ok(());
    };
    let truth = mirror.truth();
    if let (Some(file), Some(path)) = (truth_file, &arguments.truth) {
        write_truth(&truth, BufWriter::new(file))
            .with_context(|| format!("write {}: is there room?", path.display()))?;
    }
    let line = format!(
        "phonewatch: {told}; {} phones are registered at the end",
        truth.totals.registered
    );
    // Where stderr is closed there is nobody to tell.
    writeln!(io::stderr(), "{line}").ok();
    Ok(())
}

/// Plays the frames, and says what was sent.
fn played(
    mirror: &mut Mirror,
    interface: &str,
    arguments: &cli::Simulate,
) -> anyhow::Result<String> {
    let played = play(mirror, interface, arguments.speed)?;
    Ok(format!(
        "{} frames of {} phones sent onto {interface} in {:.1} s{}",
        played.frames,
        arguments.phones,
        played.elapsed.as_secs_f64(),
        if played.is_stopped {
            ", when it was stopped"
        } else {
            ""
        }
    ))
}

/// Writes the frames to a file, and says what was written; `None` where whoever reads has seen enough (`| head`).
fn written(
    mirror: &mut Mirror,
    path: &Path,
    arguments: &cli::Simulate,
) -> anyhow::Result<Option<String>> {
    let frames = if path == OsStr::new("-") {
        match write_frames(mirror, BufWriter::new(io::stdout().lock())) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
            written => written.context("write the capture to stdout")?,
        }
    } else {
        write_frames(mirror, BufWriter::new(create(path)?))
            .with_context(|| format!("write {}: is there room?", path.display()))?
    };
    Ok(Some(format!(
        "{frames} frames of {} phones in {} min written to {}",
        arguments.phones,
        arguments.minutes,
        path.display()
    )))
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| {
        format!(
            "create {}: name a file in a folder that is there and that you may write to",
            path.display()
        )
    })
}

fn write_frames(mirror: &mut Mirror, out: impl Write) -> io::Result<u64> {
    let mut writer = PcapWriter::new(out, LinkType::Ethernet)?;
    let mut frames = 0;
    for frame in mirror {
        writer.write(frame.at, &frame.bytes)?;
        frames += 1;
    }
    writer.finish()?;
    Ok(frames)
}

fn write_truth(truth: &FleetTruth, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, truth)?;
    out.write_all(b"\n")?;
    out.flush()
}
