//! What it takes to store what outlives the program: what the engine knows of a fleet, and the alerts in the outbox.
#![allow(
    clippy::print_stdout,
    missing_docs,
    reason = "a program that prints its results"
)]

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use phonewatch::alert::{Known, Policy, Update};
use phonewatch::app::clock::Stopwatch;
use phonewatch::app::state::store::{FILE, Store};
use phonewatch::config::Config;
use phonewatch::delivery::Outbox;
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::{Event, EventKind, Subject};
use phonewatch::finding::{Finding, Severity};
use phonewatch::net::{DeviceName, MacAddr};
use phonewatch::phone::Stage;
use phonewatch::record::{Frame, Record};
use phonewatch::simulate::{Fleet, Plan};
use phonewatch::time::Timestamp;

fn main() -> anyhow::Result<()> {
    what_is_known()?;
    println!();
    alerts()
}

// --- what the engine knows ---

const FLEETS: [u32; 3] = [1_000, 10_000, 100_000];
const LENGTH: Duration = Duration::from_secs(180);
const KEEP_FOR: Duration = Duration::from_secs(14 * 86_400);

fn what_is_known() -> anyhow::Result<()> {
    println!(
        "| phones | registered | save us | first write ms | next write ms | MiB | read ms | restore ms |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for phones in FLEETS {
        let (engine, last) = engine(phones)?;
        let folder = tempfile::tempdir()?;
        let (mut store, _) = Store::open(folder.path())?;
        let (state, save) = timed(|| engine.save());
        let (written, first) = timed(|| store.write(&state));
        written?;
        let (written, next) = timed(|| store.write(&engine.save()));
        written?;
        drop(store);
        let size = fs::metadata(folder.path().join(FILE))?.len() >> 20;
        let (opened, read) = timed(|| Store::open(folder.path()));
        let state = opened?.1.context("there is no state in the file")?;
        let mut after = Engine::new(Settings::default());
        let ((), restore) = timed(|| after.restore(state, last, KEEP_FOR));
        let known = after.snapshot();
        let registered = known.shown().filter(|it| it.stage == Stage::Registered);
        println!(
            "| {phones} | {} | {} | {} | {} | {size} | {} | {} |",
            registered.count(),
            save.as_micros(),
            first.as_millis(),
            next.as_millis(),
            read.as_millis(),
            restore.as_millis()
        );
    }
    Ok(())
}

/// An engine that has seen a fleet boot, three quarters of it healthy, and when its last frame came.
fn engine(phones: u32) -> anyhow::Result<(Engine, Timestamp)> {
    let shares = ["healthy:3", "flapping"].map(str::parse);
    let plan = Plan {
        shares: shares.into_iter().collect::<Result<_, _>>()?,
        phones,
        length: LENGTH,
        seed: 1,
    };
    let mut engine = Engine::new(Settings::default());
    let mut last = Timestamp::EPOCH;
    for frame in Fleet::new(&plan) {
        last = frame.at;
        engine.handle_timeout(frame.at);
        engine.handle(&Record::Frame(Frame::ethernet(frame.at, &frame.bytes)));
    }
    Ok((engine, last))
}

// --- alerts ---

/// As many alerts as there may be in one outage.
const ALERTS: u32 = 100_000;
const SOME: u32 = 5_000;
const SETTINGS: &str =
    "[[alert.receiver]]\nname = 'a'\nkind = 'webhook'\nurl = 'http://127.0.0.1/'\n";

fn alerts() -> anyhow::Result<()> {
    println!("| {ALERTS} alerts | rows | ms |");
    println!("|---|---:|---:|");
    let settings = Config::parse("bench", SETTINGS)?.alert;
    let folder = tempfile::tempdir()?;
    let mut outbox = Outbox::open(folder.path())?;
    let mut policy = Policy::new(settings.clone());
    let mut store = |what: &str, policy: &mut Policy| {
        let (rows, took) = timed(|| store_changes(policy, &mut outbox));
        println!("| {what} | {} | {} |", rows?, ms(took));
        anyhow::Ok(())
    };
    for phone in 0..ALERTS {
        policy.handle(raised(phone, 1000)?, at(1000));
    }
    store("everything", &mut policy)?;
    store("nothing", &mut policy)?;
    policy.handle(raised(1, 1001)?, at(1001));
    store("one that changed", &mut policy)?;
    for phone in 0..SOME {
        policy.handle(raised(phone, 1002)?, at(1002));
    }
    store("5,000 that changed", &mut policy)?;
    policy.handle_timeout(at(1040));
    store("a message that tells of all", &mut policy)?;
    policy.handle(raised(ALERTS, 1041)?, at(1041));
    store("one more", &mut policy)?;
    let (restored, took) = timed(|| {
        let state = outbox.state()?.context("there is no state in the file")?;
        anyhow::Ok(Policy::restore(settings, state, at(1050)))
    });
    println!("| read at the start | | {} |", ms(took));
    let mut restored = restored?;
    let (rows, took) = timed(|| store_changes(&mut restored, &mut outbox));
    println!("| what that changed | {} | {} |", rows?, ms(took));
    Ok(())
}

/// Stores what has changed, with the messages; how many rows that is.
fn store_changes(policy: &mut Policy, outbox: &mut Outbox) -> anyhow::Result<usize> {
    let mut messages = Vec::new();
    while let Some(message) = policy.poll_notification() {
        messages.push(message);
    }
    let changes = policy.changes();
    outbox.store(&changes, &messages)?;
    policy.stored();
    Ok(changes.rows.len())
}

/// A finding about this phone, as the policy takes it.
fn raised(phone: u32, seconds: u64) -> anyhow::Result<Update> {
    let finding = Finding {
        code: "registration_rejected",
        severity: Severity::Critical,
        since: at(seconds),
        raised: at(seconds),
        last_seen: at(seconds),
        cleared: None,
        count: 1,
        summary: "rejected, last by 10.0.0.11: \"Error: No License\": it has no licence left"
            .into(),
        evidence: Vec::new(),
        remedy: &[],
        reference: "",
        server: Some(Ipv4Addr::new(10, 0, 0, 11).into()),
        explained_by: &[],
    };
    let [_, high, middle, low] = phone.to_be_bytes();
    let mac = MacAddr([0, 0x13, 0x80, high, middle, low]);
    let event = Event {
        at: at(seconds),
        subject: Some(Subject {
            name: Some(DeviceName::from_mac(mac)),
            mac: Some(mac),
            address: Some(Ipv4Addr::from(0x0a01_0000 + phone).into()),
        }),
        kind: EventKind::FindingRaised {
            about: None,
            finding: Arc::new(finding),
        },
    };
    Update::of(&event, &Known::default()).context("this is a finding")
}

const fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(1_772_366_400 + seconds)
}

// --- time ---

/// What came of the work, and how long it took on the wall: disks are waited for.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let watch = Stopwatch::start();
    let result = work();
    (result, watch.elapsed())
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}
