//! How large the page for Prometheus is, by the number of phones and by which of them have series of their own, and what
//! it costs to make.
#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a program that prints its results"
)]

#[path = "../tests/support/fleet.rs"]
mod fleet;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use fleet::Simulated;
use phonewatch::config::PerPhone;
use phonewatch::metrics::{MetricsSettings, SensorState, render};
use phonewatch::simulate::{Fleet, Plan};
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// A fleet as it is on a day on which something is wrong.
const MIX: [&str; 5] = [
    "healthy:96",
    "failover:1",
    "flapping:1",
    "rejected:1",
    "dhcp-silent:1",
];
const MINUTES: u64 = 10;
/// The page is made so often; the quickest counts.
const RUNS: usize = 5;

fn main() -> anyhow::Result<()> {
    println!("phones   per_phone   series      page    in gzip  made in  gzip takes");
    for phones in [1_000, 10_000, 100_000] {
        let snapshot = watch(phones)?;
        for (name, per_phone) in [
            ("all", PerPhone::All),
            ("unhealthy", PerPhone::Unhealthy),
            ("none", PerPhone::None),
        ] {
            let (text, made) = quickest(|| page(&snapshot, per_phone))?;
            let (compressed, took) = quickest(|| {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text.as_bytes())?;
                Ok(encoder.finish()?)
            })?;
            let series = text.lines().filter(|line| !line.starts_with('#')).count();
            println!(
                "{phones:>7}  {name:<9} {series:>8} {:>8} KiB {:>6} KiB {:>5.1} ms  {:>7.1} ms",
                text.len() >> 10,
                compressed.len() >> 10,
                made.as_secs_f64() * 1e3,
                took.as_secs_f64() * 1e3,
            );
        }
    }
    Ok(())
}

/// What came of the work, and the least processor time that it took.
fn quickest<T>(mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let mut timed = || {
        let start = processor_time()?;
        let result = work()?;
        anyhow::Ok((result, processor_time()?.saturating_sub(start)))
    };
    let mut best = timed()?;
    for _ in 1..RUNS {
        let other = timed()?;
        if other.1 < best.1 {
            best = other;
        }
    }
    Ok(best)
}

/// What this program has used of processors so far: other programs do not count.
fn processor_time() -> anyhow::Result<Duration> {
    Ok(Duration::try_from(clock_gettime(ClockId::ProcessCPUTime))?)
}

fn page(snapshot: &Snapshot, per_phone: PerPhone) -> anyhow::Result<String> {
    let sensor = SensorState::starting(Timestamp::EPOCH);
    let settings = MetricsSettings {
        per_phone,
        per_phone_limit: 1_000_000,
    };
    Ok(render(snapshot, &sensor, &settings)?)
}

/// What the engine knows of a fleet at the end.
fn watch(phones: u32) -> anyhow::Result<Arc<Snapshot>> {
    let shares = MIX.iter().map(|share| share.parse());
    let fleet = Fleet::new(&Plan {
        shares: shares.collect::<Result<_, _>>()?,
        phones,
        length: Duration::from_secs(60 * MINUTES),
        seed: 1,
    });
    let end = fleet.end();
    Ok(fleet::watch(&mut Simulated::new(fleet, end)))
}
