//! A program that is killed at any moment: nothing is lost, and nothing is told twice without need.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use phonewatch::alert::{Known, Policy, Update};
use phonewatch::delivery::{Next, Outbox};
use phonewatch::event::{Event, EventKind, Subject};
use phonewatch::finding::{Finding, Severity};
use phonewatch::time::Timestamp;

use super::settings;

const FOLDER: &str = "PHONEWATCH_TEST_OUTBOX";
const ROUNDS: usize = 200;
/// Each an outage of its own, that begins and is over. More than all rounds together can tell of.
const PHONES: u16 = 1_000;
/// What the one that is killed writes before it stores, after that, and after it has delivered. No other output has them.
const STEPS: [u8; 3] = [b'<', b'=', b'>'];

#[test]
fn a_kill_loses_nothing_and_tells_nothing_twice_without_need() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(1);
    let mut kills = 0;
    for round in 0..ROUNDS {
        let mut child = child(folder.path());
        // Rounds end around the storing of a message and around its delivery, after some messages, and at any moment
        // of the time that this takes.
        let step = STEPS[round % STEPS.len()];
        let mut steps = BufReader::new(child.stdout.take().unwrap())
            .bytes()
            .flatten();
        let is_at_work = steps
            .by_ref()
            .filter(|byte| *byte == step)
            .nth(random.below(6))
            .is_some();
        for _ in 0..random.below(20_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        kills += usize::from(is_at_work && !status.success());
    }
    assert_eq!(kills, ROUNDS, "some ended before they were killed");
    let mut last = child(folder.path());
    let mut rest = Vec::new();
    last.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
    assert!(last.wait().unwrap().success());

    let received = fs::read_to_string(folder.path().join("received")).unwrap();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    let mut outages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in received.lines() {
        *times.entry(line).or_default() += 1;
        let (phone, message) = line.split_once(' ').unwrap();
        let told = outages.entry(phone).or_default();
        if told.last() != Some(&message) {
            told.push(message);
        }
    }
    // What was raised and what was received are the same: each phone began and was over, in this order. A message has
    // the same id however often it is sent.
    let raised: Vec<String> = (0..PHONES)
        .map(|phone| address(phone).to_string())
        .collect();
    for phone in &raised {
        let told = outages
            .get(&**phone)
            .unwrap_or_else(|| panic!("{phone} was not told of"));
        let reasons: Vec<&str> = told
            .iter()
            .map(|it| it.split(' ').next().unwrap())
            .collect();
        assert_eq!(reasons, ["New", "Resolved"], "{phone}: {told:?}");
    }
    assert_eq!(outages.len(), raised.len());
    // At a kill one message can have arrived without that being known.
    let repeated: usize = times.values().map(|times| times - 1).sum();
    assert!(
        repeated <= kills,
        "{repeated} messages came again after {kills} kills"
    );
}

/// Numbers that are the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).unwrap() % bound
    }
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

/// Goes on where it was killed: raises one phone after the other, clears the one before, and delivers into a file.
#[test]
#[ignore = "the other test starts and kills it"]
fn the_one_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut outbox = Outbox::open(folder).unwrap();
    let mut settings = settings("kind = 'webhook'\nurl = 'http://127.0.0.1/'");
    settings.group_wait = Duration::ZERO;
    settings.group_interval = Duration::from_secs(1);
    settings.resolve_after = Duration::ZERO;
    // What comes next; it may be done again, as by an engine that sees it again.
    let progress = folder.join("progress");
    let first: u16 = fs::read_to_string(&progress).map_or(0, |text| text.parse().unwrap());
    let mut policy = match outbox.state().unwrap() {
        Some(state) => Policy::restore(settings, state, at(first)),
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
    for phone in first..=PHONES {
        let now = at(phone);
        if phone < PHONES {
            policy.handle(update(phone, None), now);
        }
        if let Some(before) = phone.checked_sub(1) {
            policy.handle(update(before, Some(now)), now);
        }
        policy.handle_timeout(now);
        let mut messages = Vec::new();
        while let Some(message) = policy.poll_notification() {
            messages.push(message);
        }
        step(0);
        outbox.store(&policy.state(), &messages).unwrap();
        step(1);
        // Beside it, so that there is never half of it.
        let new = folder.join("progress.new");
        fs::write(&new, (phone + 1).to_string()).unwrap();
        fs::rename(new, &progress).unwrap();
        // Of what was stored some stays behind for a while.
        let mut most = 1 + usize::from(phone % 4);
        if phone == PHONES {
            most = usize::MAX;
        }
        for _ in 0..most {
            let Next::Message(pending) = outbox.next("it", now).unwrap() else {
                break;
            };
            let message = &pending.notification;
            let line = format!("{} {:?} {}\n", message.names[0], message.reason, message.id);
            received.write_all(line.as_bytes()).unwrap();
            step(2);
            outbox.delivered(&pending, false).unwrap();
        }
    }
}

fn at(phone: u16) -> Timestamp {
    Timestamp::from_secs(1_772_366_400 + 10 * u64::from(phone))
}

/// Each phone is in a subnet of its own, so that each is an outage of its own.
fn address(phone: u16) -> Ipv4Addr {
    let [high, low] = phone.to_be_bytes();
    Ipv4Addr::new(10, high, low, 1)
}

fn update(phone: u16, cleared: Option<Timestamp>) -> Update {
    let since = at(phone);
    let finding = Arc::new(Finding {
        code: "registration_rejected",
        severity: Severity::Warning,
        since,
        raised: since,
        last_seen: since,
        cleared,
        count: 1,
        summary: "it was rejected".to_owned(),
        evidence: Vec::new(),
        remedy: &[],
        reference: "",
        server: None,
        explained_by: &[],
    });
    let about = None;
    let event = Event {
        at: cleared.unwrap_or(since),
        subject: Some(Subject {
            name: None,
            mac: None,
            address: Some(address(phone).into()),
        }),
        kind: match cleared {
            None => EventKind::FindingRaised { about, finding },
            Some(_) => EventKind::FindingCleared { about, finding },
        },
    };
    Update::of(&event, &Known::default()).unwrap()
}
