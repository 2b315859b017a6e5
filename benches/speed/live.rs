//! Live capture from a cable: whether every frame is accounted for, what load it bears, what a scrape costs, and how
//! soon a rejected phone stands in the log.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use phonewatch::app::clock::Stopwatch;
use phonewatch::capture::file::FileSource;
use phonewatch::capture::filter::{FilterSettings, expression};
use phonewatch::capture::live::Sender;
use phonewatch::capture::{FrameSource, Input};
use phonewatch::simulate;

use crate::daemon::{Counts, Daemon, counts_at_rest, page, processor_time, sum};
use crate::fleet::Fleet;
use crate::network::{Network, PLAY};
use crate::verdict;

/// 10,000 phones that boot and register; with the voice of 50 calls, about three quarters of the frames.
const FLEET: Fleet = Fleet {
    name: "live",
    scenarios: "healthy",
    phones: 10_000,
    minutes: 4,
    calls: 50,
};

/// Frames a second of which none may be lost.
const RATE: u64 = 300_000;

/// A configuration with which frames are lost.
const CRAMPED: &str = "\
[capture]
filter = 'none'
kernel_buffer = '1MiB'
ring = '1MiB'
";

/// Most time on processors for one scrape, and the most time from a frame to the line in the log.
const SCRAPE: Duration = Duration::from_millis(50);
const TOLD: Duration = Duration::from_secs(1);

/// This many scrapes are measured, and as many phones are rejected.
const SCRAPES: u32 = 40;
const REJECTED: u32 = 10;

const SCRAPE_EVERY: Duration = Duration::from_millis(200);
const BETWEEN_FRAMES: Duration = Duration::from_millis(2);

pub(crate) fn measure() -> anyhow::Result<()> {
    FLEET.capture()?;
    println!("\n### Live\n");
    let network = match Network::new() {
        Ok(network) => network,
        Err(error) => {
            println!("Not measured: there is no right to make a network here ({error}).");
            return Ok(());
        }
    };
    let status = network.inside()?.arg("live-inside").status()?;
    anyhow::ensure!(status.success(), "within the network: {status}");
    Ok(())
}

/// What is done within the network.
pub(crate) fn inside() -> anyhow::Result<()> {
    let file = FLEET.capture()?;
    let frames = matching(&file, None);
    let matching = matching(&file, Some(expression(&FilterSettings::default())));
    let watch = Stopwatch::start();
    let daemon = Daemon::start(watch, "")?;

    println!("| played | frames | a second | wanted by the filter | received | lost |");
    println!("|---|---:|---:|---:|---:|---:|");
    let mut before = counts_at_rest()?;
    let first = play(
        &file,
        matching,
        &mut before,
        &format!("--pps={RATE}"),
        "at a rate",
        || Ok(()),
    )?;
    let scrapes = Scrapes::measure()?;
    before = counts_at_rest()?;
    let second = play(
        &file,
        matching,
        &mut before,
        &format!("--pps={RATE}"),
        "at a rate, with scrapes",
        || {
            page("/metrics")?;
            thread::sleep(SCRAPE_EVERY);
            Ok(())
        },
    )?;
    let fastest = play(
        &file,
        matching,
        &mut before,
        "--topspeed",
        "as fast as it goes",
        || Ok(()),
    )?;

    let idle = rejections(&daemon, watch)?;
    drop(daemon);
    // Little room and no filter, so that frames are lost: in the kernel, in the ring, or in both.
    let daemon = Daemon::start(watch, CRAMPED)?;
    before = counts_at_rest()?;
    let cramped = play(
        &file,
        frames,
        &mut before,
        "--topspeed",
        "the same, without filter and room",
        || Ok(()),
    )?;
    drop(daemon);

    println!();
    let runs = [&first, &second, &fastest, &cramped];
    verdict(
        &format!(
            "received and lost are what was sent, to the frame, in each run, {} lost ones included",
            runs.iter().map(|run| run.lost).sum::<u64>()
        ),
        runs.iter().all(|run| run.is_accounted_for()) && cramped.lost > 0,
    );
    for (run, how) in [(&first, ""), (&second, ", though metrics are scraped")] {
        verdict(
            &format!(
                "at {:.0} of {RATE} frames a second {} are lost{how}",
                run.rate, run.lost
            ),
            run.lost == 0 && run.rate >= 0.97 * RATE as f64,
        );
    }
    verdict(
        &format!(
            "a scrape with {} phones takes {:.1} ms of processors, of {} ms ({} KiB)",
            scrapes.phones,
            scrapes.each.as_secs_f64() * 1e3,
            SCRAPE.as_millis(),
            scrapes.bytes >> 10
        ),
        scrapes.each <= SCRAPE && scrapes.phones >= 9_000,
    );
    verdict(
        &format!(
            "{} of {REJECTED} rejects stand in the log, the slowest {:.0} ms after it was sent, of {} ms",
            idle.len(),
            idle.iter().max().copied().unwrap_or_default().as_secs_f64() * 1e3,
            TOLD.as_millis()
        ),
        u32::try_from(idle.len())? == REJECTED && idle.iter().all(|&took| took <= TOLD),
    );
    Ok(())
}

/// How many frames of the file a filter lets through.
fn matching(file: &Path, filter: Option<String>) -> u64 {
    let mut source = FileSource::new(vec![file.to_owned()], filter);
    let mut frames = 0;
    while let Input::Record(_) = source.next() {
        frames += 1;
    }
    frames
}

/// What came of playing a file.
struct Run {
    wanted: u64,
    received: u64,
    lost: u64,
    rate: f64,
}

impl Run {
    const fn is_accounted_for(&self) -> bool {
        self.received + self.lost == self.wanted
    }
}

/// Plays the file once; meanwhile something else is done again and again.
fn play(
    file: &Path,
    wanted: u64,
    before: &mut Counts,
    speed: &str,
    what: &str,
    mut meanwhile: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Run> {
    let mut player = Player(
        Command::new("tcpreplay")
            .args(["--preload-pcap", "--limit=5000000", speed, "--intf1", PLAY])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start tcpreplay")?,
    );
    while player.0.try_wait()?.is_none() {
        meanwhile()?;
        thread::sleep(Duration::from_millis(20));
    }
    let told = player.told()?;
    let number = |name: &str| -> anyhow::Result<f64> {
        let rest = told
            .split(name)
            .nth(1)
            .context("tcpreplay does not say it")?;
        let number = rest.split_whitespace().next().unwrap_or_default();
        Ok(number.parse()?)
    };
    let sent = number("Successful packets:")?;
    let seconds = told
        .split(" sent in ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .context("tcpreplay does not say how long it took")?
        .parse::<f64>()?;
    let after = counts_at_rest()?;
    let run = Run {
        wanted,
        received: after.received - before.received,
        lost: after.lost - before.lost,
        rate: sent / seconds,
    };
    *before = after;
    println!(
        "| {what} | {sent:.0} | {:.0} | {wanted} | {} | {} |",
        run.rate, run.received, run.lost
    );
    Ok(run)
}

/// tcpreplay; it ends when this is dropped.
struct Player(Child);

impl Player {
    fn told(&mut self) -> anyhow::Result<String> {
        let status = self.0.wait()?;
        anyhow::ensure!(status.success(), "tcpreplay: {status}");
        let mut told = String::new();
        if let Some(mut stdout) = self.0.stdout.take() {
            std::io::Read::read_to_string(&mut stdout, &mut told)?;
        }
        Ok(told)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What a scrape takes.
struct Scrapes {
    each: Duration,
    phones: u64,
    bytes: usize,
}

impl Scrapes {
    fn measure() -> anyhow::Result<Self> {
        let first = page("/metrics")?;
        let mut last = first.clone();
        for _ in 0..SCRAPES {
            last = page("/metrics")?;
        }
        Ok(Self {
            each: processor_time(&last)?.saturating_sub(processor_time(&first)?) / SCRAPES,
            phones: sum(&last, "phonewatch_phones"),
            bytes: last.len(),
        })
    }
}

/// Sends the frames of phones that are rejected; how long after each reject the log had it.
fn rejections(daemon: &Daemon, watch: Stopwatch) -> anyhow::Result<Vec<Duration>> {
    /// The message's id, behind the headers of Ethernet, IPv4 and TCP and its own length and version.
    const REJECT: (usize, [u8; 4]) = (14 + 20 + 20 + 8, [0x9d, 0, 0, 0]);
    const DESTINATION: usize = 14 + 16;

    let plan = simulate::Plan {
        shares: vec!["rejected".parse()?],
        phones: REJECTED,
        length: Duration::from_secs(240),
        seed: 77,
    };
    while daemon.log.try_recv().is_ok() {}
    let mut sender = Sender::open(PLAY)?;
    let mut sent: BTreeMap<[u8; 4], Duration> = BTreeMap::new();
    for frame in simulate::Fleet::new(&plan) {
        let is_reject = frame
            .bytes
            .get(REJECT.0..)
            .is_some_and(|rest| rest.starts_with(&REJECT.1));
        let destination = frame.bytes.get(DESTINATION..DESTINATION + 4);
        if let Some(address) = destination.and_then(|bytes| bytes.try_into().ok())
            && is_reject
        {
            sent.entry(address).or_insert_with(|| watch.elapsed());
        }
        sender.send(&frame.bytes)?;
        thread::sleep(BETWEEN_FRAMES);
    }
    let mut told: BTreeMap<[u8; 4], Duration> = BTreeMap::new();
    let waited = Stopwatch::start();
    while told.len() < sent.len() && waited.elapsed() < 2 * TOLD {
        let Ok((at, line)) = daemon.log.recv_timeout(TOLD) else {
            break;
        };
        if !line.contains("registration rejected") {
            continue;
        }
        let address = line
            .split("address=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|text| text.parse::<std::net::Ipv4Addr>().ok());
        if let Some(address) = address {
            told.entry(address.octets()).or_insert(at);
        }
    }
    let took = told
        .iter()
        .filter_map(|(address, &at)| Some(at.saturating_sub(*sent.get(address)?)));
    Ok(took.collect())
}
