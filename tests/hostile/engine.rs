//! The engine as a whole: changed frames at any times, and captures that were made to do harm.

use std::net::IpAddr;

use phonewatch::engine::Settings;
use phonewatch::time::Timestamp;

use super::fuzz::decoders::LINKS;
use super::support::random::Random;
use super::support::trial::Drive;
use super::support::{self, Captured, Entry, load_path};
use super::{assert_within_limits, frames, narrow};

/// How many frames the engine has to bear.
const INPUTS: u64 = 100_000;

#[test]
fn the_engine_bears_anything_within_its_limits() {
    let frames = frames();
    let settings = narrow();
    let mut drive = Drive::new(settings.clone());
    let mut random = Random::new(50);
    let mut at = Timestamp::from_secs(1_700_000_000);
    for number in 0..INPUTS {
        let template = &frames[random.below(frames.len())];
        let bytes = match number % 10 {
            0 => {
                let length = random.below(200);
                random.bytes(length)
            }
            1..4 => template.bytes.clone(),
            _ => random.mutate(&template.bytes),
        };
        // Time mostly goes on, sometimes by much, sometimes back.
        let step = match random.below(1000) {
            0 => 60_000_000_000,
            1..20 => 1_000_000_000,
            _ => random.next() % 10_000_000,
        };
        at = if random.once_in(200) {
            Timestamp::from_nanos(at.as_nanos() - step.min(2_000_000_000))
        } else {
            Timestamp::from_nanos(at.as_nanos() + step)
        };
        let frame = Captured {
            at,
            link: if random.once_in(20) {
                LINKS[random.below(5)]
            } else {
                template.link
            },
            source: u16::from(random.once_in(2)),
            ..template.with_bytes(bytes)
        };
        drive.take(&Entry::Frame(frame));
        if number % 1000 == 0 {
            assert_within_limits(&mut drive, &settings.limits);
        }
    }
    assert_within_limits(&mut drive, &settings.limits);
    let outcome = drive.finish(Some(at));
    assert_eq!(outcome.snapshot.totals.frames, INPUTS);
}

#[test]
fn hostile_captures_are_borne() {
    let Some(dir) = support::captures_dir() else {
        return;
    };
    let mut paths: Vec<_> = std::fs::read_dir(dir.join("hostile"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() > 100, "{} hostile captures", paths.len());
    for path in paths {
        let (entries, _) = load_path(&path);
        for settings in [Settings::default(), narrow()] {
            let limits = settings.limits;
            let mut drive = Drive::new(settings);
            for entry in &entries {
                drive.take(entry);
            }
            assert_within_limits(&mut drive, &limits);
            let outcome = drive.finish(None);
            // None of them holds a phone.
            let named: Vec<String> = outcome
                .shown()
                .iter()
                .filter(|device| device.registration.registrations > 0)
                .map(|device| device.label())
                .collect();
            assert!(named.is_empty(), "{}: {named:?}", path.display());
            let servers: Vec<IpAddr> = outcome
                .snapshot
                .callmanagers
                .iter()
                .filter(|server| server.registered > 0)
                .map(|server| server.address)
                .collect();
            assert!(servers.is_empty(), "{}: {servers:?}", path.display());
        }
    }
}
