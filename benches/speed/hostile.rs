//! What floods cost: among the keepalives of a healthy fleet comes one for some seconds.

use std::ops::Range;
use std::time::Duration;

use phonewatch::app::clock::Stopwatch;
use phonewatch::engine::{Engine, Settings};
use phonewatch::record::{Frame, Record};
use phonewatch::simulate::{Fleet, Mirror, Plan, Scenario, Share, View};
use phonewatch::time::Timestamp;

use crate::support::Scene;
use crate::support::floods::FLOODS;
use crate::support::random::Random;
use crate::verdict;

/// How much of the usual rate is left under a flood, at least.
const LEFT: f64 = 0.5;

/// Each is run so often, in turns with the fleet alone, and the shortest time counts.
const TURNS: u32 = 3;

const PHONES: u32 = 5_000;

/// How long the fleet is watched.
const LENGTH: Duration = Duration::from_secs(20 * 60);

/// When the flood comes: everybody is registered by then.
const QUIET: Duration = Duration::from_secs(10 * 60);

/// How far apart its frames are: 100,000 in a second.
const APART: Duration = Duration::from_micros(10);

pub(crate) fn measure() -> anyhow::Result<()> {
    let plan = Plan {
        shares: vec![Share {
            scenario: Scenario::Healthy,
            weight: 1,
        }],
        phones: PHONES,
        length: LENGTH,
        seed: 1,
    };
    let fleet: Vec<(Timestamp, Vec<u8>)> =
        Mirror::new(Fleet::new(&plan), &View::default(), plan.seed)
            .map(|frame| (frame.at, frame.bytes))
            .collect();
    let alone: Vec<_> = fleet.iter().map(|(at, bytes)| (*at, &**bytes)).collect();
    let begin = fleet.first().map_or(Timestamp::EPOCH, |(at, _)| *at) + QUIET;
    println!("\n### Floods\n");
    println!(
        "{} frames of {PHONES} healthy phones in {} minutes; in their midst as many of each flood, 100,000 a second, and \
         only those seconds are counted. The engine alone, with its limits as they are by default.\n",
        fleet.len(),
        LENGTH.as_secs() / 60
    );
    println!(
        "| flood | million frames a second | of the fleet's own rate | what had to go |\n|---|---:|---:|---|"
    );
    let mut least = f64::INFINITY;
    for (what, _, flood) in FLOODS {
        let mut scene = Scene::new();
        let mut random = Random::new(1);
        while scene.entries.len() < fleet.len() {
            for number in 0..=u16::MAX {
                flood(&mut scene, &mut random, number);
                if scene.entries.len() >= fleet.len() {
                    break;
                }
            }
        }
        let flood = scene.entries.iter().filter_map(|entry| entry.frame());
        let flood = (0..)
            .zip(flood)
            .map(|(number, frame)| (begin + APART * number, &*frame.bytes));
        let mut mixed: Vec<_> = alone.iter().copied().chain(flood).collect();
        mixed.sort_by_key(|(at, _)| *at);
        let end = begin + APART * u32::try_from(fleet.len())?;
        let under_flood = mixed.partition_point(|(at, _)| *at < begin)
            ..mixed.partition_point(|(at, _)| *at < end);
        let (mut usual, mut flooded) = (0.0_f64, 0.0_f64);
        let mut gone = String::new();
        for _ in 0..TURNS {
            usual = usual.max(run(&alone, 0..alone.len())?.0);
            let (rate, evicted) = run(&mixed, under_flood.clone())?;
            flooded = flooded.max(rate);
            gone = evicted;
        }
        least = least.min(flooded / usual);
        println!(
            "| {what} | {:.2} | {:.2} | {gone} |",
            flooded / 1e6,
            flooded / usual
        );
    }
    println!();
    verdict(
        &format!(
            "under the worst flood {least:.2} of the usual rate are left, and {LEFT} are wanted"
        ),
        least >= LEFT,
    );
    Ok(())
}

/// How many of the counted frames the engine takes in a second, and what it evicted in all.
fn run(frames: &[(Timestamp, &[u8])], counted: Range<usize>) -> anyhow::Result<(f64, String)> {
    let mut engine = Engine::new(Settings::default());
    let number = counted.len();
    let (early, rest) = frames.split_at(counted.start);
    let (counted, late) = rest.split_at(number);
    feed(&mut engine, early);
    let watch = Stopwatch::start();
    feed(&mut engine, counted);
    let seconds = watch.elapsed().as_secs_f64();
    feed(&mut engine, late);
    let snapshot = engine.snapshot();
    let registered: u64 = snapshot
        .callmanagers
        .iter()
        .map(|server| server.registered)
        .sum();
    anyhow::ensure!(
        registered >= u64::from(PHONES),
        "{registered} of {PHONES} phones are registered"
    );
    let evicted: Vec<String> = snapshot
        .totals
        .evicted
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    Ok((number as f64 / seconds, evicted.join(", ")))
}

fn feed(engine: &mut Engine, frames: &[(Timestamp, &[u8])]) {
    for &(at, bytes) in frames {
        while let Some(due) = engine.poll_timeout().filter(|due| *due < at) {
            engine.handle_timeout(due);
        }
        engine.handle(&Record::Frame(Frame::ethernet(at, bytes)));
        while engine.poll_event().is_some() {}
    }
}
