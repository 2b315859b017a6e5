//! What a run makes of its input does not change with what means nothing, and never claims more where it sees less.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;

use phonewatch::engine::Settings;
use phonewatch::finding::Severity;

use support::cases::{self, Case};
use support::random::Random;
use support::summary::{Claims, Summary, summary};
use support::transform::CopyKind;
use support::trial::Drive;
use support::{Entry, Outcome, load, run, stories, transform};

/// The captures that hold phones, DHCP or TFTP.
const CAPTURES: [&str; 14] = [
    "sccp-7912-cucm4-boot.pcapng",
    "sccp-cm2-register-a.pcapng",
    "sccp-phone-register-7970.pcapng",
    "sccp-fxs-inbound.pcapng",
    "sccp-outbound-call.pcapng",
    "sccp-hw-conf-register.pcapng",
    "sccp-dtmf-oob.pcapng",
    "sccp-ndpi-call.pcap",
    "sccp-tls-2443.pcapng",
    "sip-phone-cdp-paging.pcapng",
    "lldp-cp7911.pcap",
    "dhcp-basic.pcap",
    "dhcp-flood-500.pcap",
    "tftp-rrq.pcap",
];

/// Every capture that there is, every story and every case of the diagnosis.
fn subjects() -> Vec<(String, Vec<Entry>)> {
    let cases = cases::all()
        .into_iter()
        .filter(Case::may_be_changed)
        .map(|case| (format!("{}, {}", case.code, case.name), case.entries));
    captures_and_stories().into_iter().chain(cases).collect()
}

fn captures_and_stories() -> Vec<(String, Vec<Entry>)> {
    let captures = CAPTURES
        .iter()
        .filter_map(|&name| Some((name.to_owned(), load(name)?)));
    let stories = stories::all()
        .into_iter()
        .map(|(name, scene)| (name.to_owned(), scene.entries));
    captures.chain(stories).collect()
}

fn replay(entries: &[Entry]) -> Outcome {
    run(Settings::default(), entries, None)
}

/// Collects what differs, so that one run tells of all captures.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, name: &str, expected: &Summary, found: &Summary) {
        for label in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
            let (expected, found) = (expected.get(label), found.get(label));
            if expected != found {
                self.0.push(format!(
                    "{name}: {label}\n  expected {expected:?}\n  found    {found:?}"
                ));
            }
        }
    }

    fn assert_none(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

type Change<'a> = &'a dyn Fn(&[Entry]) -> Vec<Entry>;

/// The changes mean nothing: the summary is the same.
fn assert_invariant(changes: &[(&str, Change<'_>)]) {
    let mut differences = Differences::default();
    for (name, entries) in subjects() {
        let expected = summary(&replay(&entries));
        for (what, change) in changes {
            let found = summary(&replay(&change(&entries)));
            differences.compare(&format!("{name}, {what}"), &expected, &found);
        }
    }
    differences.assert_none();
}

#[test]
fn the_same_input_gives_the_same_output() {
    for (name, entries) in subjects() {
        let (one, other) = (replay(&entries), replay(&entries));
        assert_eq!(one.events, other.events, "{name}");
        assert_eq!(summary(&one), summary(&other), "{name}");
    }
}

#[test]
fn timers_that_nobody_asked_for_change_nothing() {
    let mut differences = Differences::default();
    for (name, entries) in subjects() {
        let expected = replay(&entries);
        let mut drive = Drive::new(Settings::default());
        for entry in &entries {
            drive.take(entry);
            drive.fire(entry.at());
            drive.fire(entry.at());
            drive.snapshot();
        }
        let found = drive.finish(None);
        differences.compare(&name, &summary(&expected), &summary(&found));
        assert_eq!(expected.events, found.events, "{name}");
    }
    differences.assert_none();
}

#[test]
fn a_snapshot_that_was_taken_stays_as_it_is() {
    for (name, entries) in subjects() {
        let mut drive = Drive::new(Settings::default());
        let mut taken = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            drive.take(entry);
            if number % 25 == 0 {
                let snapshot = drive.snapshot();
                let told = format!("{:?}", snapshot.devices);
                taken.push((snapshot, told));
            }
        }
        drive.finish(None);
        for (snapshot, told) in taken {
            assert_eq!(format!("{:?}", snapshot.devices), told, "{name}");
        }
    }
}

#[test]
fn copies_that_a_mirror_makes_change_nothing() {
    let copied = |seed, entries: &[Entry]| transform::copied(entries, &mut Random::new(seed));
    assert_invariant(&[
        ("copied", &|entries| copied(1, entries)),
        ("copied otherwise", &|entries| copied(2, entries)),
    ]);
}

#[test]
fn every_kind_of_copy_changes_nothing() {
    let mut differences = Differences::default();
    for (name, entries) in subjects() {
        let expected = replay(&entries);
        for kind in CopyKind::ALL {
            let copied = transform::copied_as(&entries, kind, &mut Random::new(3));
            let found = replay(&copied);
            let name = format!("{name}, {kind:?}");
            // Each source by itself then shows half of what there is, and less can be concluded from silence; and
            // whether two sources show one network or two is not known.
            if matches!(kind, CopyKind::OtherSource) {
                let more = beyond(&expected, &found);
                differences
                    .0
                    .extend(more.into_iter().map(|claim| format!("{name}: {claim}")));
            } else {
                differences.compare(&name, &summary(&expected), &summary(&found));
            }
            if expected.messages() != found.messages() {
                differences.0.push(format!(
                    "{name}: expected {:?}, found {:?}",
                    expected.messages(),
                    found.messages()
                ));
            }
        }
    }
    differences.assert_none();
}

#[test]
fn the_size_of_tcp_segments_changes_nothing() {
    assert_invariant(&[
        ("byte by byte", &|entries| transform::recut(entries, 1)),
        ("cut inside headers", &|entries| {
            transform::recut(entries, 5)
        }),
        ("cut before ids", &|entries| transform::recut(entries, 11)),
        ("cut inside bodies", &|entries| {
            transform::recut(entries, 100)
        }),
    ]);
}

#[test]
fn the_order_of_neighbouring_segments_changes_nothing() {
    let mut swaps_in_all = 0;
    let mut differences = Differences::default();
    for seed in 1..=4 {
        for (name, entries) in subjects() {
            let expected = summary(&replay(&entries));
            let (changed, swaps) = transform::reordered(&entries, &mut Random::new(seed));
            swaps_in_all += swaps;
            differences.compare(&name, &expected, &summary(&replay(&changed)));
        }
    }
    assert!(swaps_in_all > 0, "nothing was reordered");
    differences.assert_none();
}

#[test]
fn another_phone_changes_nothing_for_the_others() {
    let other = stories::boot(99).entries;
    let mut differences = Differences::default();
    for (name, entries) in subjects() {
        let moved = transform::moved_to(&other, &entries);
        // Each of them alone, with frames of strangers in place of the other's, so that the sensor is alive as long.
        let alone = |own: &[Entry], others: &[Entry]| {
            let strangers = transform::as_background(others);
            summary(&replay(&transform::merged(own, &strangers)))
        };
        let mut expected = alone(&entries, &moved);
        expected.extend(alone(&moved, &entries));
        let found = summary(&replay(&transform::merged(&entries, &moved)));
        differences.compare(&name, &expected, &found);
    }
    differences.assert_none();
}

#[test]
fn a_vlan_tag_changes_nothing() {
    assert_invariant(&[("tagged", &transform::in_a_vlan)]);
}

#[test]
fn a_mirror_session_over_ip_changes_nothing() {
    assert_invariant(&[
        ("in ERSPAN", &transform::in_erspan),
        ("in fragments", &transform::in_fragmented_erspan),
    ]);
}

#[test]
fn a_phone_that_speaks_ipv6_registers_and_fails_over_alike() {
    let mut differences = Differences::default();
    for (name, scene) in stories::all() {
        let expected = summary(&replay(&scene.entries));
        let found = replay(&transform::over_ipv6(&scene.entries));
        differences.compare(name, &expected, &summary(&found));
        assert!(
            found
                .snapshot
                .callmanagers
                .iter()
                .all(|server| server.address.is_ipv6())
        );
    }
    differences.assert_none();
}

/// Codes of the findings that call for attention and were raised of devices and servers, at any time.
fn alarms(outcome: &Outcome) -> BTreeSet<&'static str> {
    outcome
        .raised()
        .filter(|(_, finding)| !finding.code.starts_with("mirror_"))
        .filter(|(_, finding)| finding.severity > Severity::Info)
        .map(|(_, finding)| finding.code)
        .collect()
}

/// What a run over less of the input claims beyond the run over all of it.
fn beyond(full: &Outcome, part: &Outcome) -> Vec<String> {
    let mut claims: Vec<String> = Claims::of(part)
        .beyond(&Claims::of(full))
        .into_iter()
        .map(|claim| format!("{claim} in all"))
        .collect();
    let known = alarms(full);
    claims.extend(
        alarms(part)
            .difference(&known)
            .map(|code| format!("finding {code}")),
    );
    for (_, device) in part.snapshot.devices.iter() {
        let Some(name) = device.name else { continue };
        let in_full = full
            .snapshot
            .devices
            .iter()
            .find(|(_, other)| other.name == Some(name));
        let Some((_, in_full)) = in_full else {
            claims.push(format!("{name} itself"));
            continue;
        };
        let more = Claims::of_device(device).beyond(&Claims::of_device(in_full));
        claims.extend(more.into_iter().map(|claim| format!("{claim} of {name}")));
    }
    claims
}

#[test]
fn a_capture_that_begins_later_claims_no_more() {
    const CUTS: usize = 60;
    let mut failures = Vec::new();
    for (name, entries) in subjects() {
        let full = replay(&entries);
        let step = entries.len().div_ceil(CUTS).max(1);
        for cut in (1..entries.len()).step_by(step) {
            let later = replay(&entries[cut..]);
            for claim in beyond(&full, &later) {
                failures.push(format!("{name} from frame {}: {claim}", cut + 1));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_capture_of_the_fronts_of_frames_claims_no_more() {
    let mut failures = Vec::new();
    for (name, entries) in subjects() {
        let full = replay(&entries);
        for snap_length in [60, 68, 96, 128, 200, 300, 350] {
            let cut = replay(&transform::cut(&entries, snap_length));
            for claim in beyond(&full, &cut) {
                failures.push(format!("{name}, cut to {snap_length} bytes: {claim}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_capture_with_known_losses_claims_no_more() {
    let mut failures = Vec::new();
    for (name, entries) in subjects() {
        let full = replay(&entries);
        for (seed, every) in (1..=48).zip([2, 3, 5, 10, 20, 50].into_iter().cycle()) {
            let mut random = Random::new(seed);
            let lossy = replay(&transform::dropped(&entries, every, &mut random));
            for claim in beyond(&full, &lossy) {
                failures.push(format!("{name}, one in {every} lost, seed {seed}: {claim}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_capture_with_unknown_losses_invents_no_gap_of_the_callmanager() {
    let mut failures = Vec::new();
    for (name, entries) in subjects() {
        let full = replay(&entries);
        for (seed, every) in (1..=48).zip([5, 10, 20, 50, 100].into_iter().cycle()) {
            let mut random = Random::new(seed);
            let lossy = replay(&transform::missing(&entries, every, &mut random));
            for claim in beyond(&full, &lossy) {
                if claim.contains("CallManager gap") || claim.contains("missed keepalives") {
                    failures.push(format!(
                        "{name}, one in {every} missing, seed {seed}: {claim}"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
