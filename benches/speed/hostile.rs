//! What floods cost: a healthy fleet's frames, with as many of an attacker's between them.

use phonewatch::app::clock::Stopwatch;
use phonewatch::engine::{Engine, Settings};
use phonewatch::record::{Frame, LinkType, Record};
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

type Frames = Vec<(Timestamp, Vec<u8>)>;

pub(crate) fn measure() -> anyhow::Result<()> {
    let plan = Plan {
        shares: vec![Share {
            scenario: Scenario::Healthy,
            weight: 1,
        }],
        phones: PHONES,
        length: std::time::Duration::from_secs(20 * 60),
        seed: 1,
    };
    let fleet: Frames = Mirror::new(Fleet::new(&plan), &View::default(), plan.seed)
        .map(|frame| (frame.at, frame.bytes))
        .collect();
    println!("\n### Floods\n");
    println!(
        "{} frames of {PHONES} healthy phones, and as many of each flood between them; the engine alone, with its \
         limits as they are by default.\n",
        fleet.len()
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
        let mixed: Frames = fleet
            .iter()
            .zip(flood)
            .flat_map(|((at, bytes), of_flood)| {
                [(*at, bytes.clone()), (*at, of_flood.bytes.clone())]
            })
            .collect();
        let (mut alone, mut flooded) = (f64::INFINITY, f64::INFINITY);
        let mut gone = String::new();
        for _ in 0..TURNS {
            let (seconds, _) = run(&fleet)?;
            alone = alone.min(seconds);
            let (seconds, evicted) = run(&mixed)?;
            flooded = flooded.min(seconds);
            gone = evicted;
        }
        let usual = fleet.len() as f64 / alone;
        let rate = mixed.len() as f64 / flooded;
        least = least.min(rate / usual);
        println!(
            "| {what} | {:.2} | {:.2} | {gone} |",
            rate / 1e6,
            rate / usual
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

/// The seconds that the engine takes for these frames, and what it evicted.
fn run(frames: &Frames) -> anyhow::Result<(f64, String)> {
    let mut engine = Engine::new(Settings::default());
    let watch = Stopwatch::start();
    for (at, bytes) in frames {
        while let Some(due) = engine.poll_timeout().filter(|due| due < at) {
            engine.handle_timeout(due);
        }
        engine.handle(&Record::Frame(Frame {
            at: *at,
            link: LinkType::Ethernet,
            source: 0,
            original_length: u32::try_from(bytes.len())?,
            bytes,
        }));
        while engine.poll_event().is_some() {}
    }
    let seconds = watch.elapsed().as_secs_f64();
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
    Ok((seconds, evicted.join(", ")))
}
