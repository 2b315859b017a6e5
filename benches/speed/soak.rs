//! Whether memory stays flat: many hours of a fleet in which phones come and go, read as fast as it goes.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use phonewatch::app::clock::Stopwatch;
use phonewatch::app::drive::{Outlet, drive};
use phonewatch::capture::file::FileSource;
use phonewatch::capture::{FrameSource, Input};
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::Event;
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;

use crate::fleet::{Fleet, PROGRAM};
use crate::{number_of, verdict};

const FLEET: Fleet = Fleet {
    name: "soak",
    scenarios: "healthy:10 boot:10 failover:10 failback-token:10 flapping:10 keepalive-gaps:5 silent:5 \
         unstable:10 crash:5 power-cut:5 user-reset:5 admin-reset:5 rejected:5 unconfigured:5 dhcp-silent:5 \
         firewall-timeout:5 out-of-order:5",
    phones: 2_000,
    minutes: 24 * 60,
    calls: 0,
};

/// It ends after this time even if the day is not over.
const AT_MOST: Duration = Duration::from_secs(150);

/// The first part of the day, in which tables and the flight recorder fill, and the bound for what follows: how much
/// the memory at the end may exceed the memory after it.
const WARM_UP: f64 = 1.0 / 3.0;
const GROWTH: f64 = 1.03;

/// Memory is looked at so often, in the time of the frames.
const EVERY: Duration = Duration::from_secs(300);

pub(crate) fn measure() -> anyhow::Result<()> {
    let mut fleet = Command::new(PROGRAM)
        .args(FLEET.arguments())
        .args(["--write", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let frames = fleet.stdout.take().context("no pipe")?;
    let output = Command::new(env::current_exe()?)
        .arg("soak-once")
        .stdin(frames)
        .output()?;
    fleet.kill().ok();
    fleet.wait()?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    // Minutes of the fleet and kibibytes of memory.
    let samples = text
        .lines()
        .map(|line| {
            let (minute, memory) = line.split_once(' ').context("no two numbers")?;
            Ok((minute.parse::<f64>()?, memory.parse::<f64>()?))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (minutes, _) = *samples.last().context("no samples")?;
    let warm = minutes * WARM_UP;

    println!("\n### Soak\n");
    println!(
        "{} phones that come and go, {:.1} hours of them; MiB of memory in use.\n",
        FLEET.phones,
        minutes / 60.0
    );
    println!("| hour | MiB |\n|---:|---:|");
    let step = samples.len().div_ceil(12).max(1);
    for (minute, memory) in samples.iter().step_by(step) {
        println!("| {:.1} | {:.1} |", minute / 60.0, memory / 1024.0);
    }
    let mean = |from: f64, to: f64| {
        let of: Vec<f64> = samples
            .iter()
            .filter(|(minute, _)| (from..=to).contains(minute))
            .map(|(_, memory)| *memory)
            .collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    let (middle, last) = (mean(warm, 2.0 * warm), mean(2.0 * warm, minutes));
    let slope = (last - middle) / 1024.0 / (warm / 60.0);
    println!();
    verdict(
        &format!(
            "the last third takes {:.3} of {GROWTH} times the memory of the second, {slope:+.3} MiB an hour",
            last / middle
        ),
        last <= middle * GROWTH && minutes >= 120.0,
    );
    Ok(())
}

/// Reads the fleet from stdin, and prints how much memory is in use as its time passes.
pub(crate) fn once() -> anyhow::Result<()> {
    let mut source = Bounded {
        files: FileSource::new(vec![PathBuf::from("-")], None),
        watch: Stopwatch::start(),
        frames: 0,
    };
    let mut engine = Engine::new(Settings::default());
    let mut samples = Samples {
        latest: Arc::default(),
        began: None,
        due: Timestamp::EPOCH,
    };
    drive(&mut source, &mut engine, &mut samples);
    anyhow::ensure!(samples.began.is_some(), "no frames");
    Ok(())
}

/// The frames, until there are no more or the time is over.
struct Bounded {
    files: FileSource,
    watch: Stopwatch,
    frames: u64,
}

impl FrameSource for Bounded {
    fn next(&mut self) -> Input<'_> {
        self.frames += 1;
        if self.frames.is_multiple_of(4096) && self.watch.elapsed() > AT_MOST {
            return Input::End;
        }
        self.files.next()
    }
}

struct Samples {
    latest: Arc<Snapshot>,
    began: Option<Timestamp>,
    due: Timestamp,
}

impl Outlet for Samples {
    fn event(&mut self, _event: &Event) {}

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.latest = snapshot;
        let at = self.latest.at;
        if at < self.due {
            return;
        }
        self.due = at + EVERY;
        let began = *self.began.get_or_insert(at);
        if let Ok(memory) = number_of("/proc/self/status", "VmRSS:") {
            println!("{} {memory}", at.since(began).as_secs() / 60);
        }
    }
}
