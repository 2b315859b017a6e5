//! What a mirror port shows of a fleet must not change what is concluded of it; and where it hides something, nothing
//! may be concluded that is not concluded of the whole.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use phonewatch::app::drive::{Outlet, drive};
use phonewatch::capture::{FrameSource, Input};
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::{Event, EventKind};
use phonewatch::finding::Severity;
use phonewatch::record::{ClockStep, Record};
use phonewatch::simulate::{Erspan, Fleet, FleetFrame, Mirror, Plan, Scenario, Side, View};
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;
use proptest::prelude::*;

use super::mirror::percent;
use super::{Simulated, plan};

/// What was ever raised: the device or whatever else it is about, and the finding's code.
type Told = BTreeSet<(String, &'static str)>;

/// Collects what was ever raised about others than the sensor itself, and about the sensor.
#[derive(Default)]
pub(super) struct Raised {
    pub(super) told: Told,
    about_sensor: BTreeSet<&'static str>,
    /// Findings that call for no attention are taken too.
    with_infos: bool,
}

impl Outlet for Raised {
    fn event(&mut self, event: &Event) {
        let EventKind::FindingRaised { about, finding } = &event.kind else {
            return;
        };
        if finding.code.starts_with("mirror_") {
            self.about_sensor.insert(finding.code);
        } else if self.with_infos || finding.severity > Severity::Info {
            // A view that hides names or servers shows the same things under other names.
            let name = event.subject.and_then(|subject| subject.name);
            let subject = match (about, name) {
                (None, Some(name)) => name.to_string(),
                (None, None) => String::from("unnamed"),
                (Some(about), _) => format!("{about:?}")
                    .split('(')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            };
            self.told.insert((subject, finding.code));
        }
    }

    fn publish(&mut self, _snapshot: Arc<Snapshot>) {}

    fn wants_pictures(&self) -> bool {
        false
    }
}

pub(super) fn raised_of(
    frames: impl Iterator<Item = FleetFrame>,
    end: Timestamp,
    with_infos: bool,
) -> Raised {
    let mut raised = Raised {
        with_infos,
        ..Raised::default()
    };
    let mut source = Simulated::new(frames, end);
    drive(
        &mut source,
        &mut Engine::new(Settings::default()),
        &mut raised,
    );
    raised
}

fn raised(plan: &Plan, view: &View) -> Raised {
    let mirror = Mirror::new(Fleet::new(plan), view, plan.seed);
    let end = mirror.end();
    raised_of(mirror, end, false)
}

/// Each scenario with each view, on both cores; gives what `tell` says.
pub(super) fn each_scenario(tell: impl Fn(Scenario) -> Vec<String> + Sync) -> Vec<String> {
    std::thread::scope(|scope| {
        let threads = [0, 1].map(|first| {
            let tell = &tell;
            scope.spawn(move || {
                let every_other = Scenario::ALL.iter().copied().skip(first).step_by(2);
                every_other.flat_map(tell).collect::<Vec<_>>()
            })
        });
        let told = threads.map(|thread| thread.join().unwrap());
        told.into_iter().flatten().collect()
    })
}

fn difference(what: &str, scenario: Scenario, more: &Told, less: &Told) -> Vec<String> {
    let is_known = |told: &&(String, &str)| {
        less.contains(told) || told.0 == "unnamed" && less.iter().any(|(_, code)| *code == told.1)
    };
    let unknown = more.iter().filter(|told| !is_known(told));
    let mut codes: Vec<String> = unknown
        .map(|(subject, code)| format!("{} {what}: {code} of {subject}", scenario.label()))
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

#[test]
fn views_that_hide_nothing_change_no_finding() {
    let view = View::default;
    let views = [
        (
            "QinQ",
            View {
                vlans: Some("110.100".parse().unwrap()),
                ..view()
            },
        ),
        (
            "ERSPAN II",
            View {
                erspan: Some(Erspan::Two),
                ..view()
            },
        ),
        (
            "copies in ERSPAN III",
            View {
                erspan: Some(Erspan::Three),
                copies: percent("60"),
                ..view()
            },
        ),
    ];
    let differences = each_scenario(|scenario| {
        let plan = plan(&[scenario.label()], 12, 15, 7);
        let known = raised(&plan, &view()).told;
        views
            .iter()
            .flat_map(|(what, view)| {
                let found = raised(&plan, view).told;
                let more = difference(&format!("{what} tells more"), scenario, &found, &known);
                let less = difference(&format!("{what} tells less"), scenario, &known, &found);
                [more, less].concat()
            })
            .collect()
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_fleet_over_ipv6_has_the_same_findings() {
    // What rests on something that IPv6 has not.
    let of_ipv4 = [
        // Routers tell of themselves, and so of their network.
        (Scenario::DhcpBadRouter, "dhcp_bad_lease"),
        // A phone may make its address itself.
        (Scenario::StaticAddress, "static_address"),
        // ARP.
        (Scenario::DuplicateAddress, "duplicate_address"),
    ];
    let views = [false, true].map(|behind_router| View {
        behind_router,
        ..View::default()
    });
    // A router changes nothing else.
    let is_relayed = |scenario: Scenario| scenario.label().starts_with("dhcp");
    let differences = each_scenario(|scenario| {
        let plan = plan(&[scenario.label()], 12, 15, 7);
        let of_view = |view: &View| {
            let mut known = raised(&plan, view).told;
            let ipv6 = View {
                ipv6: true,
                ..view.clone()
            };
            let found = raised(&plan, &ipv6).told;
            let more = difference("over IPv6 tells more", scenario, &found, &known);
            known.retain(|(_, code)| !of_ipv4.contains(&(scenario, *code)));
            let less = difference("over IPv6 tells less", scenario, &known, &found);
            [more, less].concat()
        };
        let seen = if is_relayed(scenario) { 2 } else { 1 };
        views.iter().take(seen).flat_map(of_view).collect()
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn what_a_view_hides_of_ipv6_adds_no_finding() {
    const OTHERS: [Scenario; 5] = [
        Scenario::Healthy,
        Scenario::SlowBoot,
        Scenario::StaticAddress,
        Scenario::AlternateTftp,
        Scenario::VoiceVlan,
    ];

    let view = || View {
        ipv6: true,
        ..View::default()
    };
    let one_way = |side| View {
        one_way: Some(side),
        ..view()
    };
    let views = [
        ("phones only", one_way(Side::Phones)),
        ("servers only", one_way(Side::Servers)),
        (
            "loss of 2 %",
            View {
                loss: percent("2"),
                ..view()
            },
        ),
        (
            "loss of copies behind a router",
            View {
                behind_router: true,
                copies: percent("40"),
                loss: percent("1"),
                ..view()
            },
        ),
    ];
    let differences = each_scenario(|scenario| {
        if !scenario.label().starts_with("dhcp") && !OTHERS.contains(&scenario) {
            return Vec::new();
        }
        let plan = plan(&[scenario.label()], 12, 15, 7);
        let known = raised(&plan, &view()).told;
        let of_view = |(what, view): &(&str, View)| {
            let found = raised(&plan, view).told;
            difference(what, scenario, &found, &known)
        };
        views.iter().flat_map(of_view).collect()
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn views_that_hide_something_add_no_finding() {
    let view = View::default;
    let one_way = |side| View {
        one_way: Some(side),
        ..view()
    };
    let loss = |share| View {
        loss: percent(share),
        ..view()
    };
    let views = [
        ("phones only", one_way(Side::Phones)),
        ("servers only", one_way(Side::Servers)),
        (
            "behind a router",
            View {
                behind_router: true,
                ..view()
            },
        ),
        (
            "NAT",
            View {
                nat: true,
                ..view()
            },
        ),
        ("loss of 1 %", loss("1")),
        (
            "phones only, in copies behind a router",
            View {
                behind_router: true,
                copies: percent("40"),
                ..one_way(Side::Phones)
            },
        ),
    ];
    let differences = each_scenario(|scenario| {
        let plan = plan(&[scenario.label()], 12, 15, 7);
        let known = raised(&plan, &view()).told;
        views
            .iter()
            .flat_map(|(what, view)| {
                let mut found = raised(&plan, view).told;
                let is_same = |(_, code): &(String, &str)| is_the_same(scenario, view, code);
                found.retain(|told| !is_same(told));
                difference(what, scenario, &found, &known)
            })
            .collect()
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Whether the same is concluded from less, so that it has another name.
fn is_the_same(scenario: Scenario, view: &View, code: &str) -> bool {
    let is = |same| scenario == same;
    // That the server's answers do not reach the phone is all that the phone's side shows.
    is(Scenario::TftpOneWay) && view.one_way == Some(Side::Phones) && code == "tftp_no_answer"
        // Behind NAT the name in the file's is all that tells who asks for it.
        || is(Scenario::ForeignConfig) && view.nat && code == "tftp_config_missing"
}

/// The scenarios of which no phone has anything that calls for attention.
fn healthy() -> Vec<&'static str> {
    let is_healthy = |scenario: &&Scenario| scenario.findings().is_empty();
    let all = Scenario::ALL.iter().filter(is_healthy);
    all.map(|scenario| scenario.label()).collect()
}

#[test]
fn one_direction_of_healthy_fleets_gives_the_sensors_own_finding_alone() {
    for seed in [3, 4] {
        for side in [Side::Phones, Side::Servers] {
            let view = View {
                one_way: Some(side),
                ..View::default()
            };
            let plan = plan(&healthy(), 120, 40, seed);
            let mirror = Mirror::new(Fleet::new(&plan), &view, plan.seed);
            let end = mirror.end();
            let raised = raised_of(mirror, end, true);
            assert_eq!(raised.told, Told::new(), "{side:?}, seed {seed}");
            assert!(
                raised.about_sensor.contains("mirror_one_way"),
                "{side:?}, seed {seed}"
            );
        }
    }
}

/// The clock that stamps the frames steps by so many seconds at these times; what is sent goes on as it does.
fn stepped(
    frames: impl Iterator<Item = FleetFrame>,
    steps: Vec<(Duration, i64)>,
) -> impl Iterator<Item = FleetFrame> {
    let mut began = None;
    frames.map(move |mut frame| {
        let first = *began.get_or_insert(frame.at);
        let by: i64 = steps
            .iter()
            .filter(|(after, _)| frame.at >= first + *after)
            .map(|(_, seconds)| seconds)
            .sum();
        let step = Duration::from_secs(by.unsigned_abs());
        frame.at = if by < 0 {
            frame.at - step
        } else {
            frame.at + step
        };
        frame
    })
}

#[test]
fn a_clock_that_jumps_tells_nothing_of_healthy_phones() {
    const HOUR: i64 = 3600;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let mut failures = Vec::new();
    for (number, steps) in [
        vec![(minutes(20), HOUR)],
        vec![(minutes(20), -HOUR)],
        vec![(minutes(20), 40)],
        vec![(minutes(20), -40)],
        vec![(minutes(20), 100)],
        vec![(minutes(20), 5)],
        vec![(minutes(20), -5)],
        vec![(minutes(15), HOUR), (minutes(25), -HOUR)],
        vec![(minutes(15), -HOUR), (minutes(25), HOUR)],
        vec![(minutes(10), 300), (minutes(12), 300), (minutes(14), -900)],
        vec![(minutes(20), 24 * 365 * HOUR)],
        vec![(minutes(20), -24 * 365 * HOUR)],
    ]
    .into_iter()
    .enumerate()
    {
        for shares in [vec!["healthy"], healthy()] {
            let plan = plan(&shares, 60, 40, 11);
            let fleet = Fleet::new(&plan);
            let by: i64 = steps.iter().map(|(_, seconds)| seconds).sum();
            let step = Duration::from_secs(by.unsigned_abs());
            let end = if by < 0 {
                fleet.end() - step
            } else {
                fleet.end() + step
            };
            let told = raised_of(stepped(fleet, steps.clone()), end, true).told;
            let without = raised_of(Fleet::new(&plan), Fleet::new(&plan).end(), true).told;
            let codes: BTreeSet<_> = told.difference(&without).map(|(_, code)| code).collect();
            if !codes.is_empty() {
                failures.push(format!("{number} {steps:?}: {codes:?}, of {shares:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The frames of a clock that steps before one of them, and a source that tells of it, as a live one does.
struct Announced<F> {
    frames: Simulated<F>,
    step: Option<ClockStep>,
    frames_before: usize,
}

impl<F: Iterator<Item = FleetFrame>> FrameSource for Announced<F> {
    fn next(&mut self) -> Input<'_> {
        if self.frames_before == 0
            && let Some(step) = self.step.take()
        {
            return Input::Record(Record::ClockStep(step));
        }
        self.frames_before = self.frames_before.saturating_sub(1);
        self.frames.next()
    }
}

/// What is raised where the clock steps by so many seconds so long after the first frame, and the source tells.
fn raised_with_step(plan: &Plan, after: Duration, seconds: i64) -> Told {
    let by = |at: Timestamp| {
        let step = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 { at - step } else { at + step }
    };
    let first = Fleet::new(plan).next().map(|frame| frame.at);
    let from = first.unwrap_or(Timestamp::EPOCH) + after;
    let frames_before = Fleet::new(plan).take_while(|frame| frame.at < from).count();
    let fleet = Fleet::new(plan);
    let end = by(fleet.end());
    let mut source = Announced {
        frames: Simulated::new(stepped(fleet, vec![(after, seconds)]), end),
        step: Some(ClockStep { from, at: by(from) }),
        frames_before,
    };
    let mut raised = Raised {
        with_infos: true,
        ..Raised::default()
    };
    let mut engine = Engine::new(Settings::default());
    drive(&mut source, &mut engine, &mut raised);
    assert_eq!(engine.snapshot().totals.clock_steps, 1);
    raised.told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In fleets of a few phones, which are silent for long, from the first minutes on.
    #[test]
    fn a_step_of_the_clock_that_the_source_tells_of_tells_nothing_of_healthy_phones(
        phones in 1_u32..20,
        seed in 1_u64..1000,
        after in 1_u64..1500,
        magnitude in 1_u32..25,
        is_back: bool,
    ) {
        const YEAR: i64 = 365 * 24 * 3600;
        let seconds = (1_i64 << magnitude).min(YEAR);
        let seconds = if is_back { -seconds } else { seconds };
        let plan = plan(&["healthy"], phones, 30, seed);
        let told = raised_with_step(&plan, Duration::from_secs(after), seconds);
        prop_assert!(told.is_empty(), "{:?}", told);
    }
}

#[test]
fn what_really_fails_after_a_step_of_the_clock_is_found() {
    let mut failures = Vec::new();
    for scenario in [
        "flapping",
        "keepalive-gaps",
        "unstable",
        "rejected",
        "tcp-trouble",
    ] {
        let plan = plan(&[scenario], 6, 40, 11);
        let known: BTreeSet<_> = raised_of(Fleet::new(&plan), Fleet::new(&plan).end(), true)
            .told
            .into_iter()
            .map(|(_, code)| code)
            .collect();
        assert!(!known.is_empty(), "{scenario}");
        for seconds in [
            2,
            -2,
            40,
            -40,
            3600,
            -3600,
            365 * 24 * 3600,
            -365 * 24 * 3600,
        ] {
            let told = raised_with_step(&plan, Duration::from_secs(240), seconds);
            let told: BTreeSet<_> = told.into_iter().map(|(_, code)| code).collect();
            if told != known {
                failures.push(format!("{scenario} {seconds}: {told:?} not {known:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
