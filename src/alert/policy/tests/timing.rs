//! When something is told: the first time, again, and at its end.

use super::*;

#[test]
fn the_first_message_waits_for_more_of_the_same() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.raise(29, Whom::Phone(2), "registration_rejected");
    // Another subnet, another matter; another code, too.
    trial.raise(30, Whom::Phone(257), "registration_rejected");
    trial.raise(30, Whom::Phone(1), "registration_flapping");
    trial.until(3600);
    trial.assert_told(&[
        "30 New CRITICAL: registration rejected: 2 phones (subnet 10.1.0.0/24) [2/0]",
        "60 New CRITICAL: SEP001380000101: registration rejected [1/0]",
        "60 New CRITICAL: SEP001380000001: flapping between CallManagers [1/0]",
    ]);
    let first = &trial.told[0];
    assert_eq!(first.names, ["SEP001380000001", "SEP001380000002"]);
    assert_eq!(first.alerts[0].labels["phone"], "SEP001380000001");
    assert_eq!(first.alerts[0].labels["alertname"], "registration_rejected");
    assert_eq!(first.alerts[0].annotations["remedy"], "look\nmend");
    assert_eq!(first.group_labels["subnet"], "10.1.0.0/24");
}

#[test]
fn more_is_told_after_group_interval_and_the_same_after_repeat_interval() {
    let mut trial = Trial::new("alert.repeat_interval = '1h'");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.raise(60, Whom::Phone(2), "registration_rejected");
    trial.raise(90, Whom::Phone(3), "registration_rejected");
    trial.until(4000);
    trial.raise(4000, Whom::Phone(4), "registration_rejected");
    trial.until(7000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "330 Update CRITICAL: registration rejected: 3 phones (subnet 10.1.0.0/24) [3/0]",
        "3930 Repeat CRITICAL: registration rejected: 3 phones (subnet 10.1.0.0/24) [3/0]",
        "4230 Update CRITICAL: registration rejected: 4 phones (subnet 10.1.0.0/24) [4/0]",
    ]);
    // What is new comes first.
    assert_eq!(trial.told[1].alerts[0].subject, "SEP001380000002");
    let threads: BTreeSet<&str> = trial.told.iter().map(|told| told.thread.as_str()).collect();
    assert_eq!(threads.len(), 1);
    let numbers: Vec<u32> = trial.told.iter().map(|told| told.sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn the_end_is_told_once_it_is_sure() {
    let mut trial = Trial::new("");
    for number in 1..=3 {
        trial.raise(0, Whom::Phone(number), "registration_rejected");
    }
    trial.clear(100, Whom::Phone(1), "registration_rejected");
    trial.until(900);
    assert_eq!(trial.told.len(), 1, "one of three that is back is no news");
    trial.clear(1000, Whom::Phone(2), "registration_rejected");
    trial.until(1400);
    trial.clear(2000, Whom::Phone(3), "registration_rejected");
    trial.until(90_000);
    trial.assert_told(&[
        "30 New CRITICAL: registration rejected: 3 phones (subnet 10.1.0.0/24) [3/0]",
        "1300 Update CRITICAL: SEP001380000003: registration rejected [1/2]",
        "2300 Resolved RESOLVED: registration rejected: 3 phones (subnet 10.1.0.0/24) [0/1]",
    ]);
    let last = &trial.told[2].alerts[0];
    assert_eq!(
        (last.status, last.ends_at),
        (Status::Resolved, Some(at(2000)))
    );
    assert_eq!(trial.policy.poll_timeout(), None);
    assert!(trial.policy.alerts.is_empty() && trial.policy.groups.is_empty());
}

#[test]
fn a_storm_is_one_message_one_update_and_one_end() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Server, "callmanager_down");
    for number in 0..5000 {
        trial.raise(
            u64::from(number) / 50,
            Whom::Phone(number),
            "cannot_connect",
        );
    }
    trial.until(1200);
    trial.clear(1200, Whom::Server, "callmanager_down");
    for number in 0..5000 {
        trial.clear(
            1200 + u64::from(number) / 500,
            Whom::Phone(number),
            "cannot_connect",
        );
    }
    trial.until(100_000);
    trial.assert_told(&[
        "30 New CRITICAL: CallManager 10.0.0.11 serves nobody (1500 phones) [1501/0]",
        "330 Update CRITICAL: CallManager 10.0.0.11 serves nobody (5000 phones) [5001/0]",
        "1509 Resolved RESOLVED: CallManager 10.0.0.11 serves nobody (5000 phones) [0/5001]",
    ]);
    let update = &trial.told[1];
    assert_eq!((update.alerts.len(), update.truncated), (10, 4991));
    assert_eq!(update.alerts[0].subject, "CallManager 10.0.0.11");
    assert_eq!(update.names.len(), 10);
}

#[test]
fn what_flaps_is_told_once() {
    let mut trial = Trial::new("");
    for round in 0..20 {
        trial.raise(round * 200, Whom::Phone(1), "registration_rejected");
        trial.clear(round * 200 + 50, Whom::Phone(1), "registration_rejected");
    }
    trial.until(10_000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "4150 Resolved RESOLVED: SEP001380000001: registration rejected [0/1]",
    ]);
    assert_eq!(trial.told[1].alerts[0].starts_at, at(0));
}

#[test]
fn an_outage_soon_after_another_waits_for_group_interval() {
    let mut trial = Trial::new("alert.resolve_after = '10s'");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.clear(40, Whom::Phone(1), "registration_rejected");
    trial.raise(100, Whom::Phone(1), "registration_rejected");
    trial.clear(120, Whom::Phone(1), "registration_rejected");
    trial.raise(400, Whom::Phone(1), "registration_rejected");
    trial.until(1000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "50 Resolved RESOLVED: SEP001380000001: registration rejected [0/1]",
        // It came and went while nothing could be told.
        "330 Resolved RESOLVED: SEP001380000001: registration rejected [0/1]",
        "430 New CRITICAL: SEP001380000001: registration rejected [1/0]",
    ]);
    let threads: BTreeSet<&str> = trial.told.iter().map(|told| told.thread.as_str()).collect();
    assert_eq!(threads.len(), 3);
}

#[test]
fn what_matters_little_is_told_to_nobody() {
    let mut trial = Trial::new("alert.min_severity = 'critical'");
    let Update::Raised(facts) = update(Whom::Phone(1), "dhcp_slow", at(0), true) else {
        panic!("it was raised");
    };
    let minor = Facts {
        severity: Severity::Warning,
        ..facts
    };
    trial.policy.handle(Update::Raised(minor), at(0));
    trial.until(1000);
    assert!(trial.told.is_empty());
}

#[test]
fn a_device_that_tells_its_name_later_is_the_same_device() {
    let mut trial = Trial::new("");
    let known = phone(1);
    let nameless = event::Subject {
        name: None,
        mac: None,
        ..known
    };
    for (time, subject, holds) in [(0, nameless, true), (60, known, true), (100, known, false)] {
        let mut facts = finding("registration_rejected", None, at(time));
        facts.cleared = (!holds).then_some(at(time));
        let (about, finding) = (None, Arc::new(facts));
        let kind = if holds {
            EventKind::FindingRaised { about, finding }
        } else {
            EventKind::FindingCleared { about, finding }
        };
        let event = Event {
            at: at(time),
            subject: Some(subject),
            kind,
        };
        trial.until(time);
        trial
            .policy
            .handle(Update::of(&event, &Known::default()).unwrap(), at(time));
    }
    trial.until(1000);
    trial.assert_told(&[
        "30 New CRITICAL: 10.1.0.1: registration rejected [1/0]",
        "400 Resolved RESOLVED: SEP001380000001: registration rejected [0/1]",
    ]);
}
