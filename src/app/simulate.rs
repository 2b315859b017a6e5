//! `phonewatch simulate`: a fleet of phones written to a capture file, and the truth about it to another.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::cli;
use crate::simulate::{Fleet, FleetTruth, PcapWriter, Plan};

/// Writes the fleet's frames, then what is true of it, and says on stderr what was written.
pub fn simulate(arguments: &cli::Simulate) -> anyhow::Result<()> {
    let plan = Plan {
        shares: arguments.scenarios.clone(),
        phones: arguments.phones,
        length: Duration::from_secs(60 * u64::from(arguments.minutes)),
        seed: arguments.seed,
    };
    // A truth that cannot be written is found out before the long work, not after it.
    let truth_file = arguments.truth.as_deref().map(create).transpose()?;
    let mut fleet = Fleet::new(&plan);
    let path = &arguments.write;
    let frames = if path == OsStr::new("-") {
        match write_frames(&mut fleet, BufWriter::new(io::stdout().lock())) {
            // Whoever reads has seen enough (`| head`).
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("write the capture to stdout")?,
        }
    } else {
        write_frames(&mut fleet, BufWriter::new(create(path)?))
            .with_context(|| format!("write {}: is there room?", path.display()))?
    };
    let truth = fleet.truth();
    if let (Some(file), Some(path)) = (truth_file, &arguments.truth) {
        write_truth(&truth, BufWriter::new(file))
            .with_context(|| format!("write {}: is there room?", path.display()))?;
    }
    let totals = truth.totals;
    let line = format!(
        "phonewatch: {frames} frames of {} phones in {} min written to {}; {} phones are registered at the end",
        totals.phones,
        arguments.minutes,
        path.display(),
        totals.registered
    );
    // Where stderr is closed there is nobody to tell.
    writeln!(io::stderr(), "{line}").ok();
    Ok(())
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| {
        format!(
            "create {}: name a file in a folder that is there and that you may write to",
            path.display()
        )
    })
}

fn write_frames(fleet: &mut Fleet, out: impl Write) -> io::Result<u64> {
    let mut writer = PcapWriter::new(out)?;
    let mut frames = 0;
    for frame in fleet {
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
