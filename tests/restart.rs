//! A restart in the middle of anything: what was known stays known, and nothing is made of what was not seen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use phonewatch::engine::Settings;
use phonewatch::event::EventKind;
use phonewatch::phone::Device;
use phonewatch::simulate::{BEGIN, Fleet, Plan};
use phonewatch::time::Timestamp;

use support::cases::{self, Case};
use support::summary::{Claims, Summary, summary};
use support::trial::Drive;
use support::{Captured, Entry, Outcome, load, run, stories};

/// The captures with phones that register.
const CAPTURES: [&str; 6] = [
    "sccp-7912-cucm4-boot.pcapng",
    "sccp-cm2-register-a.pcapng",
    "sccp-phone-register-7970.pcapng",
    "sccp-fxs-inbound.pcapng",
    "sip-phone-cdp-paging.pcapng",
    "dhcp-flood-500.pcap",
];

/// As often each run is cut.
const CUTS: usize = 5;

fn subjects() -> Vec<(String, Vec<Entry>)> {
    let captures = CAPTURES
        .iter()
        .filter_map(|&name| Some((name.to_owned(), load(name)?)));
    let stories = stories::all()
        .into_iter()
        .map(|(name, scene)| (name.to_owned(), scene.entries));
    let cases = cases::all()
        .into_iter()
        .filter(Case::may_be_changed)
        .map(|case| (format!("{}, {}", case.code, case.name), case.entries));
    captures.chain(stories).chain(cases).collect()
}

/// The run with a restart before the entry at `cut`; what comes within `pause` of it is not seen.
fn restarted(entries: &[Entry], cut: usize, pause: Duration) -> Outcome {
    let (before, after) = entries.split_at(cut);
    let mut drive = Drive::new(Settings::default());
    for entry in before {
        drive.take(entry);
    }
    let back = before.last().map_or(Timestamp::EPOCH, Entry::at) + pause;
    drive.restart(Settings::default(), back);
    for entry in after.iter().filter(|entry| pause.is_zero() || entry.at() > back) {
        drive.take(entry);
    }
    drive.finish(None)
}

fn cuts(entries: &[Entry]) -> impl Iterator<Item = usize> {
    let step = entries.len().div_ceil(CUTS).max(1);
    (1..entries.len()).step_by(step)
}

/// How often each finding was raised.
fn raised(outcome: &Outcome) -> BTreeMap<&'static str, usize> {
    let mut raised = BTreeMap::new();
    for (_, finding) in outcome.raised() {
        *raised.entry(finding.code).or_default() += 1;
    }
    raised
}

fn replay(entries: &[Entry]) -> Outcome {
    run(Settings::default(), entries, None)
}

#[test]
fn a_restart_raises_nothing_that_the_whole_run_does_not() {
    let mut failures = Vec::new();
    for (name, entries) in subjects() {
        let whole = replay(&entries);
        let known = raised(&whole);
        for cut in cuts(&entries) {
            for seconds in [0, 60] {
                let part = restarted(&entries, cut, Duration::from_secs(seconds));
                for (code, times) in raised(&part) {
                    if known.get(code).is_none_or(|known| *known < times) {
                        failures.push(format!("{name}, {seconds} s after entry {cut}: {code}"));
                    }
                }
                for claim in Claims::of(&part).beyond(&Claims::of(&whole)) {
                    failures.push(format!("{name}, {seconds} s after entry {cut}: {claim}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_restart_forgets_nothing() {
    let mut failures = Vec::new();
    for (name, entries) in subjects() {
        for cut in cuts(&entries) {
            let mut drive = Drive::new(Settings::default());
            for entry in &entries[..cut] {
                drive.take(entry);
            }
            let before = known(&mut drive);
            drive.restart(Settings::default(), entries[cut - 1].at());
            let after = known(&mut drive);
            if before != after {
                failures.push(format!(
                    "{name}, entry {cut}:\n  before {before:?}\n  after  {after:?}"
                ));
            }
            let saved = drive.save();
            drive.restart(Settings::default(), entries[cut - 1].at());
            if saved != drive.save() {
                failures.push(format!("{name}, entry {cut}: it is saved otherwise"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn known(drive: &mut Drive) -> Summary {
    summary(&Outcome {
        snapshot: drive.snapshot(),
        events: Vec::new(),
    })
}

#[test]
fn who_is_registered_in_the_end_is_so_with_a_restart_too() {
    let mut failures = Vec::new();
    for (name, entries) in subjects() {
        let whole = replay(&entries);
        for cut in cuts(&entries) {
            let part = restarted(&entries, cut, Duration::ZERO);
            for device in whole.shown() {
                let registered_with = |device: &Device| {
                    let current = device.registration.current?;
                    Some((device.stage, current.callmanager))
                };
                let expected = registered_with(device);
                let found = part.shown().into_iter().find(|other| other.label() == device.label());
                if expected.is_some() && expected != found.and_then(registered_with) {
                    let label = device.label();
                    failures.push(format!("{name}, entry {cut}: {label} {expected:?}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A fleet of healthy phones, some of which boot, up to the minute of the restart, and from `pause` after it on.
#[test]
fn a_healthy_fleet_goes_through_a_restart_without_a_word() {
    for (phones, pause) in [(1_000, 60), (100, 0), (100, 3), (100, 900)] {
        let plan = Plan {
            shares: vec!["healthy".parse().unwrap()],
            phones,
            length: Duration::from_secs(600 + pause),
            seed: 1,
        };
        let stop = BEGIN + Duration::from_secs(300);
        let start = stop + Duration::from_secs(pause);
        let mut drive = Drive::new(Settings::default());
        let mut before = None;
        for frame in Fleet::new(&plan) {
            if frame.at > stop && before.is_none() {
                drive.pass_until(stop);
                before = Some(known(&mut drive));
                drive.restart(Settings::default(), start);
            }
            if frame.at <= stop || frame.at > start {
                drive.take(&Entry::Frame(Captured::ethernet(frame.at, frame.bytes)));
            }
        }
        let before = before.expect("it was restarted");
        assert!(before.len() >= phones as usize);
        let outcome = drive.finish(None);
        assert_eq!(outcome.raised().count(), 0, "{pause} s: {:?}", outcome.raised().next());
        let is_news = |kind: &EventKind| {
            matches!(
                kind,
                EventKind::Unregistered { .. } | EventKind::KeepaliveGap { .. }
            )
        };
        assert_eq!(outcome.count(is_news), 0, "{pause} s");
        for (label, lines) in summary(&outcome) {
            let (before, after) = (&before[&label][0], &lines[0]);
            assert_eq!((after.stage, after.registrations, after.moves), ("registered", 1, 0), "{label}");
            assert!(after.keepalives > before.keepalives, "{label}");
        }
        for server in &outcome.snapshot.callmanagers {
            let phones = outcome.shown();
            let with_it = phones.iter().filter(|phone| {
                phone.registration.current.is_some_and(|it| it.callmanager == server.address)
            });
            assert_eq!(server.registered, with_it.count() as u64, "{}", server.address);
        }
    }
}
