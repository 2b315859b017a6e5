//! A program that is killed at any moment: nothing is lost, and nothing is told twice without need.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use phonewatch::alert::{Known, Policy, Reason, Update};
use phonewatch::delivery::{Next, Outbox};
use phonewatch::event::{Event, EventKind, Subject};
use phonewatch::finding::{Finding, Severity};
use phonewatch::time::Timestamp;

use super::settings;

const FOLDER: &str = "PHONEWATCH_TEST_OUTBOX";
const PHONES: u8 = 120;
const ROUNDS: usize = 30;
/// What the one that is killed writes before it stores, after that, and after it has delivered. No other output has them.
const STEPS: [u8; 3] = [b'<', b'=', b'>'];

#[test]
fn a_kill_loses_nothing_and_tells_nothing_twice_without_need() {
    let folder = tempfile::tempdir().unwrap();
    let mut kills = 0;
    for round in 0..ROUNDS {
        let mut child = child(folder.path());
        // Rounds end before the storing of a message, after it, and after its delivery, after some messages.
        let step = STEPS[round % STEPS.len()];
        let mut steps = BufReader::new(child.stdout.take().unwrap())
            .bytes()
            .flatten();
        let is_at_work = steps
            .by_ref()
            .filter(|byte| *byte == step)
            .nth(round % 4)
            .is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        kills += usize::from(is_at_work);
    }
    assert_eq!(kills, ROUNDS, "some ended before they were killed");
    let mut last = child(folder.path());
    let mut rest = Vec::new();
    last.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
    assert!(last.wait().unwrap().success());

    let received = fs::read_to_string(folder.path().join("received")).unwrap();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for line in received.lines() {
        *times.entry(line).or_default() += 1;
    }
    // Each phone is an outage of its own, and begins once: its message has the same id however often it is sent.
    assert_eq!(times.len(), usize::from(PHONES), "{times:?}");
    let phones: std::collections::BTreeSet<&str> = times
        .keys()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(phones.len(), usize::from(PHONES));
    // At a kill one message can have arrived without that being known.
    let repeated: usize = times.values().map(|times| times - 1).sum();
    assert!(
        repeated <= kills,
        "{repeated} messages came again after {kills} kills"
    );
}

fn child(folder: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill::the_one_that_is_killed",
            "--ignored",
            "--nocapture",
            "--quiet",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Raises what was not raised, as an engine does that sees all of it again, and delivers into a file.
#[test]
#[ignore = "the other test starts and kills it"]
fn the_one_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut outbox = Outbox::open(folder).unwrap();
    let mut settings = settings("kind = 'webhook'\nurl = 'http://127.0.0.1/'");
    settings.group_wait = std::time::Duration::ZERO;
    let now = Timestamp::from_secs(1_772_366_400);
    let mut policy = match outbox.state().unwrap() {
        Some(state) => Policy::restore(settings, state, now),
        None => Policy::new(settings),
    };
    let step = |which: usize| {
        std::io::stdout().write_all(&STEPS[which..=which]).unwrap();
        std::io::stdout().flush().unwrap();
    };
    let mut received = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("received"))
        .unwrap();
    for phone in 0..PHONES {
        policy.handle(raised(phone, now), now);
        let mut messages = Vec::new();
        while let Some(message) = policy.poll_notification() {
            assert_eq!(message.reason, Reason::New);
            messages.push(message);
        }
        let is_new = !messages.is_empty();
        if is_new {
            step(0);
        }
        outbox.store(&policy.state(), &messages).unwrap();
        if is_new {
            step(1);
        }
        while let Next::Message(pending) = outbox.next("it", now).unwrap() {
            let message = &pending.notification;
            let line = format!("{} {}\n", message.names[0], message.id);
            received.write_all(line.as_bytes()).unwrap();
            step(2);
            outbox.delivered(&pending, false).unwrap();
        }
    }
}

/// Each phone in a subnet of its own, so that each is an outage of its own.
fn raised(phone: u8, now: Timestamp) -> Update {
    let finding = Finding {
        code: "registration_rejected",
        severity: Severity::Warning,
        since: now,
        raised: now,
        last_seen: now,
        cleared: None,
        count: 1,
        summary: "it was rejected".to_owned(),
        evidence: Vec::new(),
        remedy: &[],
        reference: "",
        server: None,
        explained_by: &[],
    };
    let event = Event {
        at: now,
        subject: Some(Subject {
            name: None,
            mac: None,
            address: Some(Ipv4Addr::new(10, 0, phone, 1).into()),
        }),
        kind: EventKind::FindingRaised {
            about: None,
            finding: Arc::new(finding),
        },
    };
    Update::of(&event, &Known::default()).unwrap()
}
