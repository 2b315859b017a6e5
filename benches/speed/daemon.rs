//! The daemon under test: its log, its metrics, its time on the processor.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use phonewatch::app::clock::Stopwatch;
use rustix::process::{Pid, Signal, kill_process};

use crate::fleet::PROGRAM;
use crate::network::LISTEN;

/// How long anything that the daemon should do is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) struct Daemon {
    process: Child,
    /// Its log, line by line, each with the time at which it came.
    pub(crate) log: Receiver<(Duration, String)>,
}

/// Frames as the daemon counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) received: u64,
    pub(crate) lost: u64,
}

impl Daemon {
    /// Starts it on the cable, with everything at its default but for these lines, and waits until it is ready.
    pub(crate) fn start(watch: Stopwatch, lines: &str) -> anyhow::Result<Self> {
        let configuration = format!("{}/live.toml", env!("CARGO_TARGET_TMPDIR"));
        fs::write(&configuration, lines)?;
        let mut process = Command::new(PROGRAM)
            .args(["run", "--interface", LISTEN, "--config", &configuration])
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().context("no pipe")?;
        let (sender, log) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send((watch.elapsed(), line)).is_err() {
                    return;
                }
            }
        });
        let daemon = Self { process, log };
        let waited = Stopwatch::start();
        while page("/-/ready").is_err() {
            anyhow::ensure!(waited.elapsed() < PATIENCE, "the daemon is not ready");
            thread::sleep(LOOK_EVERY);
        }
        Ok(daemon)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).ok();
        }
        self.process.wait().ok();
    }
}

/// The sum over the series of this name.
pub(crate) fn sum(metrics: &str, name: &str) -> u64 {
    metrics
        .lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with(['{', ' ']))
        .filter_map(|rest| rest.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// What has been received and lost, once that rests.
pub(crate) fn counts_at_rest() -> anyhow::Result<Counts> {
    let waited = Stopwatch::start();
    let mut last = None;
    let mut since = Duration::ZERO;
    loop {
        let now = counts()?;
        if last != Some(now) {
            last = Some(now);
            since = waited.elapsed();
        }
        // The kernel's count of what it lost is read once in a while only.
        if waited.elapsed().saturating_sub(since) > Duration::from_millis(2_500) {
            return Ok(now);
        }
        anyhow::ensure!(waited.elapsed() < PATIENCE, "frames still come");
        thread::sleep(LOOK_EVERY);
    }
}

/// The time that all of the daemon's threads have spent on processors when this page was made.
pub(crate) fn processor_time(metrics: &str) -> anyhow::Result<Duration> {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("process_cpu_seconds_total "));
    let seconds = line.context("no time of processors")?.parse()?;
    Ok(Duration::try_from_secs_f64(seconds)?)
}

/// What has been received and lost up to now.
fn counts() -> anyhow::Result<Counts> {
    let metrics = page("/metrics")?;
    anyhow::ensure!(
        sum(&metrics, "phonewatch_capture_blind_total") == 0,
        "the daemon was blind"
    );
    Ok(Counts {
        received: sum(&metrics, "phonewatch_capture_frames_total"),
        lost: sum(&metrics, "phonewatch_capture_lost_frames_total"),
    })
}

/// A page of the daemon, if the answer is good.
pub(crate) fn page(path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect("127.0.0.1:12000")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    anyhow::ensure!(text.starts_with("HTTP/1.1 200 "), "{path}: {text:.100}");
    Ok(text)
}
