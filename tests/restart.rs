//! A restart in the middle of anything: what was known stays known, and nothing is made of what was not seen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use phonewatch::engine::{Engine, Settings};
use phonewatch::event::EventKind;
use phonewatch::phone::{Device, Stage};
use phonewatch::simulate::{BEGIN, Fleet, Plan};
use phonewatch::time::Timestamp;
use proptest::prelude::*;

use support::cases::{self, Case};
use support::stories::{DHCP_SERVER, PRIMARY, SECONDARY};
use support::summary::{Claims, Summary, summary};
use support::trial::{Drive, Saved};
use support::{Captured, Connection, Entry, Outcome, Phone, Scene, load, run, stories};

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
    for entry in after
        .iter()
        .filter(|entry| pause.is_zero() || entry.at() > back)
    {
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
        // A copy of what was seen before the restart is new to the next run.
        let pauses: &[u64] = if name.starts_with("mirror_duplicates") {
            &[60]
        } else {
            &[0, 60]
        };
        for cut in cuts(&entries) {
            for &seconds in pauses {
                let part = restarted(&entries, cut, Duration::from_secs(seconds));
                // Of several phones it may be another one that shows it first.
                let most = part.shown().len();
                for (code, times) in raised(&part) {
                    if known.get(code).is_none_or(|known| times > most.max(*known)) {
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
                let found = part
                    .shown()
                    .into_iter()
                    .find(|other| other.label() == device.label());
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
        assert_eq!(
            outcome.raised().count(),
            0,
            "{pause} s: {:?}",
            outcome.raised().next()
        );
        let is_news = |kind: &EventKind| {
            matches!(
                kind,
                EventKind::Unregistered { .. } | EventKind::KeepaliveGap { .. }
            )
        };
        assert_eq!(outcome.count(is_news), 0, "{pause} s");
        for (label, lines) in summary(&outcome) {
            let (before, after) = (&before[&label][0], &lines[0]);
            assert_eq!(
                (after.stage, after.registrations, after.moves),
                ("registered", 1, 0),
                "{label}"
            );
            assert!(after.keepalives > before.keepalives, "{label}");
        }
        for server in &outcome.snapshot.callmanagers {
            let phones = outcome.shown();
            let with_it = phones.iter().filter(|phone| {
                phone
                    .registration
                    .current
                    .is_some_and(|it| it.callmanager == server.address)
            });
            assert_eq!(
                server.registered,
                with_it.count() as u64,
                "{}",
                server.address
            );
        }
    }
}

/// Three phones whose sessions are reset when they are a quarter of an hour old, five times each.
fn sessions_that_end_at_an_age() -> Scene {
    const AGE: f64 = 900.0;
    let phones: Vec<Phone> = (87..90).map(Phone::new).collect();
    let mut scene = Scene::new();
    let mut deeds: Vec<(f64, usize, Deed)> = Vec::new();
    for (place, begin) in [0.0, 20.0, 40.0].into_iter().enumerate() {
        for session in 0..5_u16 {
            let at = begin + f64::from(session) * (AGE + 2.0);
            deeds.push((at, place, Deed::Registers(51_000 + session)));
            for number in 1..30 {
                deeds.push((at + 30.0 * f64::from(number), place, Deed::Speaks));
            }
            deeds.push((at + AGE, place, Deed::IsCutOff));
        }
    }
    deeds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut connections = [const { None }; 3];
    for (at, place, deed) in deeds {
        scene.at(at.max(scene.seconds()));
        let connection: &mut Option<Connection> = &mut connections[place];
        match (deed, connection.as_mut()) {
            (Deed::Registers(port), _) => {
                *connection = Some(phones[place].registered(&mut scene, port, &PRIMARY));
            }
            (Deed::Speaks, Some(connection)) => connection.keepalive(&mut scene),
            (Deed::IsCutOff, Some(connection)) => connection.server_resets(&mut scene),
            (Deed::Speaks | Deed::IsCutOff, None) => unreachable!("it registers first"),
        }
    }
    scene
}

#[derive(Clone, Copy)]
enum Deed {
    Registers(u16),
    Speaks,
    IsCutOff,
}

/// What ends sessions at their age goes on doing so, whichever of them nobody saw end or begin.
#[test]
fn a_firewall_is_told_once_of_each_phone_whatever_was_missed() {
    let scene = sessions_that_end_at_an_age();
    let resets: Vec<usize> = (0..5_u16)
        .flat_map(|session| [0.0, 20.0, 40.0].map(|begin| begin + f64::from(session + 1) * 902.0))
        .filter_map(|at| {
            let at = Scene::time(at - 2.5);
            scene.entries.iter().position(|entry| entry.at() >= at)
        })
        .collect();
    let mut failures = Vec::new();
    let cuts = resets
        .into_iter()
        .flat_map(|at| [at - 2, at, at + 1, at + 2]);
    for cut in cuts.filter(|cut| *cut < scene.entries.len()) {
        let part = restarted(&scene.entries, cut, Duration::from_secs(60));
        let times = raised(&part).remove("firewall_timeout").unwrap_or_default();
        if times != 3 {
            let at = scene.entries[cut].at().since(Scene::time(0.0));
            failures.push(format!("{at:?}: told {times} times"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The scene with a restart: nothing is seen from `stop` to `start`, in seconds after its beginning.
fn seen_around(scene: &Scene, stop: f64, start: f64, until: f64) -> Outcome {
    let (stop, start) = (Scene::time(stop), Scene::time(start));
    let mut drive = Drive::new(Settings::default());
    let entries = || scene.entries.iter();
    for entry in entries().filter(|entry| entry.at() <= stop) {
        drive.take(entry);
    }
    drive.restart(Settings::default(), start);
    for entry in entries().filter(|entry| entry.at() > start) {
        drive.take(entry);
    }
    drive.finish(Some(Scene::time(until)))
}

#[test]
fn a_phone_that_moved_unseen_is_shown_where_it_is_and_no_move_is_counted() {
    let mut scene = Scene::new();
    let phone = Phone::new(7);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let mut first = phone.registered(&mut scene, 51_000, &PRIMARY);
    first.keepalives(&mut scene, 30.0, 100.0);
    scene.at(120.0);
    first.server_resets(&mut scene);
    let mut second = phone.registered(&mut scene, 51_001, &SECONDARY);
    second.keepalives(&mut scene, 30.0, 400.0);
    let outcome = seen_around(&scene, 110.0, 165.0, 420.0);
    let [device] = outcome.shown()[..] else {
        panic!("{:?}", outcome.labels());
    };
    let registration = &device.registration;
    let at = registration.current.expect("it is registered").callmanager;
    assert_eq!(at, SECONDARY.address);
    assert_eq!((registration.registrations, registration.moves), (1, 0));
    assert_eq!(outcome.raised().count(), 0);
    assert_eq!(outcome.callmanager(PRIMARY.address).registered, 0);
    assert_eq!(outcome.callmanager(SECONDARY.address).registered, 1);
}

#[test]
fn a_phone_that_falls_silent_after_the_restart_is_missed() {
    let mut scene = Scene::new();
    let mut silent = Phone::new(7).registered(&mut scene, 51_000, &PRIMARY);
    silent.keepalive(&mut scene);
    let mut lively = Phone::new(8).registered(&mut scene, 51_000, &PRIMARY);
    lively.keepalives(&mut scene, 30.0, 130.0);
    scene.at(140.0);
    silent.keepalive(&mut scene);
    lively.keepalives(&mut scene, 30.0, 500.0);
    let outcome = seen_around(&scene, 40.0, 100.0, 500.0);
    // Raised, and again when it has become worse.
    let codes: BTreeSet<_> = outcome.raised().map(|(_, finding)| finding.code).collect();
    assert_eq!(codes, BTreeSet::from(["keepalive_gap"]));
    let stages: BTreeMap<_, _> = outcome
        .shown()
        .into_iter()
        .map(|device| (device.label(), device.stage))
        .collect();
    assert_eq!(
        stages.into_values().collect::<Vec<_>>(),
        [Stage::Lost, Stage::Registered]
    );
}

#[test]
fn a_phone_that_is_not_seen_again_stays_registered_for_an_hour() {
    let mut scene = Scene::new();
    let mut gone = Phone::new(7).registered(&mut scene, 51_000, &PRIMARY);
    gone.keepalive(&mut scene);
    let mut lively = Phone::new(8).registered(&mut scene, 51_000, &PRIMARY);
    lively.keepalives(&mut scene, 30.0, 4000.0);
    for (until, registered) in [(3600.0, 2), (3800.0, 1)] {
        let outcome = seen_around(&scene, 40.0, 100.0, until);
        let scene_end = Scene::time(until);
        let at_the_end = outcome
            .events
            .iter()
            .filter(|event| event.at <= scene_end)
            .filter(|event| matches!(event.kind, EventKind::Unregistered { .. }))
            .count();
        assert_eq!(2 - at_the_end, registered, "until {until}");
        assert_eq!(outcome.raised().count(), 0, "until {until}");
    }
}

#[test]
fn moves_before_and_after_the_restart_make_it_flap_together() {
    let mut scene = Scene::new();
    let phone = Phone::new(7);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let servers = [PRIMARY, SECONDARY, PRIMARY, SECONDARY];
    for (port, server) in (51_000..).zip(servers) {
        let mut connection = phone.registered(&mut scene, port, &server);
        let until = scene.seconds() + 125.0;
        connection.keepalives(&mut scene, 30.0, until);
        connection.server_resets(&mut scene);
        scene.pass(5.0);
    }
    // Within the third registration, which goes on after it.
    let outcome = seen_around(&scene, 300.0, 310.0, 540.0);
    let codes: Vec<_> = outcome.raised().map(|(_, finding)| finding.code).collect();
    assert!(codes.contains(&"registration_flapping"), "{codes:?}");
    assert_eq!(outcome.shown()[0].registration.moves, 3);
}

proptest! {
    #[test]
    fn damaged_bytes_are_refused_or_read_and_never_panic(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        static SAVED: OnceLock<Saved> = OnceLock::new();
        let saved = SAVED.get_or_init(|| {
            let mut drive = Drive::new(Settings::default());
            for entry in stories::gap_and_reject(7).entries {
                drive.take(&entry);
            }
            drive.save()
        });
        let mut damaged = saved.clone();
        let all = damaged.site.len() + damaged.parts[0].0.len();
        let place = at.index(all);
        match place.checked_sub(damaged.site.len()) {
            Some(place) => damaged.parts[0].0[place] = byte,
            None => damaged.site[place] = byte,
        }
        if let Ok(state) = damaged.try_read() {
            let mut engine = Engine::new(Settings::default());
            let now = state.at();
            engine.restore(state, now, Duration::MAX);
            engine.handle_timeout(now + Duration::from_secs(3600));
        }
    }
}
