//! A mirror that loses frames without a word: no phone is told of that does nothing wrong, and what goes wrong is found.

use std::time::Duration;

use phonewatch::simulate::{Fleet, FleetFrame, Mirror, Plan, View};

use super::mirror::percent;
use super::plan;
use super::random::Random;
use super::views::raised_of;

/// What a mirror loses.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// This share of all frames.
    Share(&'static str),
    /// Everything for so long, again and again, with this mean time in between.
    Bursts { of: Duration, each: Duration },
}

const LOSSES: [Loss; 5] = [
    Loss::Share("0.1"),
    Loss::Share("1"),
    Loss::Share("5"),
    Loss::Bursts {
        of: Duration::from_secs(1),
        each: Duration::from_secs(60),
    },
    Loss::Bursts {
        of: Duration::from_secs(5),
        each: Duration::from_secs(250),
    },
];

/// What is told of whom where the mirror loses this.
fn told(plan: &Plan, loss: Loss, seed: u64) -> Vec<String> {
    let mut view = View::default();
    if let Loss::Share(share) = loss {
        view.loss = percent(share);
    }
    let mirror = Mirror::new(Fleet::new(plan), &view, seed);
    let end = mirror.end();
    let raised = match loss {
        Loss::Share(_) => raised_of(mirror, end, true),
        Loss::Bursts { of, each } => raised_of(without_bursts(mirror, of, each, seed), end, true),
    };
    let told = raised.told.into_iter();
    told.map(|(name, code)| format!("{code} of {name}"))
        .collect()
}

fn without_bursts(
    mut frames: impl Iterator<Item = FleetFrame>,
    of: Duration,
    each: Duration,
    seed: u64,
) -> impl Iterator<Item = FleetFrame> {
    let mut random = Random::new(seed);
    let longest = usize::try_from(2 * each.as_millis()).unwrap();
    let mut pause = move || Duration::from_millis(u64::try_from(random.below(longest)).unwrap());
    let first = frames.next();
    let mut begins = first.as_ref().map(|frame| frame.at + pause());
    first.into_iter().chain(frames).filter(move |frame| {
        while let Some(next) = begins.filter(|&begins| begins + of <= frame.at) {
            begins = Some(next + of + pause());
        }
        begins.is_none_or(|begins| frame.at < begins)
    })
}

#[test]
fn nothing_is_told_of_healthy_phones_whatever_the_mirror_loses() {
    let mut failures = Vec::new();
    for loss in LOSSES {
        for seed in 1..=4 {
            let told = told(&plan(&["healthy"], 60, 20, seed), loss, seed);
            failures.extend(
                told.into_iter()
                    .map(|told| format!("{loss:?} {seed}: {told}")),
            );
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_goes_wrong_with_keepalives_is_found_where_little_is_lost() {
    for scenario in ["keepalive-gap", "keepalive-gaps", "silent"] {
        for seed in 1..=2 {
            let plan = plan(&[scenario], 20, 20, seed);
            let told = told(&plan, Loss::Share("0.1"), seed);
            let found = told
                .iter()
                .filter(|told| told.starts_with("keepalive_gap"))
                .count();
            // The one frame that proves it may be among those that are lost.
            assert!(found >= 19, "{scenario} {seed}: {found} of 20, {told:?}");
        }
    }
}
