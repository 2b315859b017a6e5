//! How soon after the frame that proves it a finding is told, in the time of the frames.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::EventKind;
use phonewatch::record::{Frame, Record};
use phonewatch::simulate::{Fleet, Plan, Scenario};
use phonewatch::time::Timestamp;

use crate::verdict;

const PHONES_OF_EACH: u32 = 40;
const LENGTH: Duration = Duration::from_secs(90 * 60);
const WITHIN: Duration = Duration::from_secs(1);

/// The findings of one code.
#[derive(Default)]
struct Told {
    /// How many were told with a frame, and the longest time since the last one that shows it.
    by_frame: (u32, Duration),
    /// The same of those that time itself raised: something is overdue, or it is of a server, which is judged once a
    /// second.
    by_time: (u32, Duration),
}

pub(crate) fn measure() -> anyhow::Result<()> {
    let shares = Scenario::ALL
        .iter()
        .map(|scenario| scenario.label().parse())
        .collect::<Result<Vec<_>, _>>()
        .context("a scenario's own name")?;
    let scenarios = u32::try_from(shares.len())?;
    let plan = Plan {
        shares,
        phones: PHONES_OF_EACH * scenarios,
        length: LENGTH,
        seed: 1,
    };
    let mut engine = Engine::new(Settings::default());
    let mut told: BTreeMap<&'static str, Told> = BTreeMap::new();
    let mut late = Duration::ZERO;
    for frame in Fleet::new(&plan) {
        while let Some(due) = engine.poll_timeout().filter(|&due| due < frame.at) {
            engine.handle_timeout(due);
            take(&mut engine, due, &mut told, |told| &mut told.by_time);
        }
        engine.handle(&Record::Frame(Frame::ethernet(frame.at, &frame.bytes)));
        let distance = take(&mut engine, frame.at, &mut told, |told| &mut told.by_frame);
        late = late.max(distance);
    }

    println!("\n### From the frame to the finding\n");
    println!(
        "{} phones, {PHONES_OF_EACH} of each scenario, for {} minutes, in the time of the frames.\n",
        plan.phones,
        LENGTH.as_secs() / 60
    );
    println!("| finding | with a frame | seconds since what shows it | by time | seconds since |");
    println!("|---|---:|---:|---:|---:|");
    for (code, Told { by_frame, by_time }) in &told {
        println!(
            "| {code} | {} | {:.3} | {} | {:.3} |",
            by_frame.0,
            by_frame.1.as_secs_f64(),
            by_time.0,
            by_time.1.as_secs_f64()
        );
    }
    println!();
    verdict(
        &format!(
            "a finding that a frame proves is told {:.3} s after that frame at the latest, of 1 s",
            late.as_secs_f64()
        ),
        late <= WITHIN && !told.is_empty(),
    );
    Ok(())
}

/// Takes the findings that were raised with the input at `now`; the longest time from that input to what is told.
fn take(
    engine: &mut Engine,
    now: Timestamp,
    told: &mut BTreeMap<&'static str, Told>,
    place: impl Fn(&mut Told) -> &mut (u32, Duration),
) -> Duration {
    let mut longest = Duration::ZERO;
    while let Some(event) = engine.poll_event() {
        let EventKind::FindingRaised { finding, .. } = &event.kind else {
            continue;
        };
        longest = longest.max(event.at.distance(now));
        let place = place(told.entry(finding.code).or_default());
        place.0 += 1;
        place.1 = place.1.max(event.at.since(finding.last_seen));
    }
    longest
}
