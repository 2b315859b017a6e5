//! A restart in the middle of anything: what was known stays known, and nothing is made of what was not seen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use phonewatch::engine::Settings;
use phonewatch::phone::Stage;
use phonewatch::time::Timestamp;

use support::cases::{self, Case};
use support::summary::{Claims, summary};
use support::trial::Drive;
use support::{Entry, Outcome, load, run, stories};

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
const CUTS: usize = 24;

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

/// Codes with those they are about.
fn raised(outcome: &Outcome) -> BTreeSet<(String, &'static str)> {
    outcome
        .raised()
        .map(|(event, finding)| {
            let about = event
                .subject
                .map_or_else(String::new, |subject| format!("{:?}", subject.address));
            (about, finding.code)
        })
        .collect()
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
            for seconds in [0, 5, 60, 600] {
                let part = restarted(&entries, cut, Duration::from_secs(seconds));
                for (about, code) in raised(&part).difference(&known) {
                    failures.push(format!("{name}, {seconds} s after entry {cut}: {code} {about}"));
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
fn a_restart_at_which_nothing_was_missed_forgets_nothing() {
    let mut failures = Vec::new();
    for (name, entries) in subjects() {
        let whole = summary(&replay(&entries));
        for cut in cuts(&entries) {
            let part = summary(&restarted(&entries, cut, Duration::ZERO));
            for (label, lines) in &whole {
                let found = part.get(label);
                if found != Some(lines) {
                    failures.push(format!(
                        "{name}, entry {cut}: {label}\n  expected {lines:?}\n  found    {found:?}"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
