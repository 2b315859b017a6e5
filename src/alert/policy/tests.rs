//! The policy in virtual time: what is told when, as lines of text.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::alert::{Facts, Known, Silence, Status, route};
use crate::config::{Address, Config, Glob, Receiver, ReceiverKind};
use crate::event::{self, Event, EventKind};
use crate::finding::{self, Finding, Severity};
use crate::net::{DeviceName, MacAddr};

const CALLMANAGER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 11));

/// The default settings with one receiver, and what `text` says.
fn settings(text: &str) -> Settings {
    let receiver =
        "[[alert.receiver]]\nname = 'ops'\nkind = 'webhook'\nurl = 'http://127.0.0.1/'\n";
    let config = Config::parse("test", &format!("{text}\n{receiver}"));
    config.map_err(|errors| errors.to_string()).unwrap().alert
}

fn second(receiver: &str) -> Receiver {
    Receiver {
        name: receiver.into(),
        kind: ReceiverKind::Webhook {
            url: Address::Plain("http://127.0.0.1/".into()),
            token: None,
            secret: None,
        },
        alerts: 10,
        send_resolved: true,
    }
}

fn globs(texts: &[&str]) -> Vec<Glob> {
    texts
        .iter()
        .map(|text| Glob::parse(text).unwrap())
        .collect()
}

fn maintenance(until: u64) -> Maintenance {
    Maintenance {
        since: at(60),
        until: at(until),
        reason: "new switches".into(),
        author: "anna".into(),
    }
}

/// Seconds after some day's noon.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(1_772_366_400 + seconds)
}

fn seconds(at_time: Timestamp) -> u64 {
    at_time.since(at(0)).as_secs()
}

/// A phone of the subnet 10.1.`subnet`.0/24.
fn phone(number: u32) -> event::Subject {
    let [_, high, middle, low] = number.to_be_bytes();
    let mac = MacAddr([0, 0x13, 0x80, high, middle, low]);
    event::Subject {
        name: Some(DeviceName::from_mac(mac)),
        mac: Some(mac),
        address: Some(IpAddr::V4(Ipv4Addr::new(10, 1, middle, low))),
    }
}

fn finding(code: &'static str, server: Option<IpAddr>, since: Timestamp) -> Finding {
    let explained_by: &[&str] = match code {
        "cannot_connect" => &["callmanager_down", "mirror_lossy"],
        "callmanager_down" | "registration_rejected" => &["mirror_lossy"],
        _ => &[],
    };
    Finding {
        code,
        severity: Severity::Critical,
        since,
        raised: since,
        last_seen: since,
        cleared: None,
        count: 1,
        summary: "it was seen".into(),
        evidence: Vec::new(),
        remedy: &["look", "mend"],
        reference: "Rejet d'enregistrement",
        server,
        explained_by,
    }
}

#[derive(Clone, Copy, Debug)]
enum Whom {
    Phone(u32),
    Server,
    Sensor,
}

fn update(whom: Whom, code: &'static str, time: Timestamp, holds: bool) -> Update {
    let (subject, about) = match whom {
        Whom::Phone(number) => (Some(phone(number)), None),
        Whom::Server => (None, Some(finding::Subject::CallManager(CALLMANAGER))),
        Whom::Sensor => (None, Some(finding::Subject::Sensor)),
    };
    let server = (code == "cannot_connect").then_some(CALLMANAGER);
    let mut finding = finding(code, server, time);
    finding.cleared = (!holds).then_some(time);
    let finding = Arc::new(finding);
    let kind = if holds {
        EventKind::FindingRaised { about, finding }
    } else {
        EventKind::FindingCleared { about, finding }
    };
    let event = Event {
        at: time,
        subject,
        kind,
    };
    Update::of(&event, &Known::default()).unwrap()
}

/// The policy and what it told.
struct Trial {
    policy: Policy,
    now: Timestamp,
    told: Vec<Notification>,
    /// By their keys.
    stored: BTreeMap<String, String>,
}

impl Trial {
    fn new(text: &str) -> Self {
        Self::with(settings(text))
    }

    fn with(settings: Settings) -> Self {
        Self {
            policy: Policy::new(settings),
            now: at(0),
            told: Vec::new(),
            stored: BTreeMap::new(),
        }
    }

    /// Lets time pass, stopping wherever the policy asks for it.
    fn until(&mut self, seconds: u64) {
        while let Some(due) = self.policy.poll_timeout().filter(|due| *due <= at(seconds)) {
            assert!(due > self.now, "it does not do what is due");
            self.now = due;
            self.policy.handle_timeout(due);
            self.collect();
        }
        self.now = at(seconds);
    }

    fn raise(&mut self, seconds: u64, whom: Whom, code: &'static str) {
        self.until(seconds);
        let now = self.now;
        self.policy.handle(update(whom, code, now, true), now);
        self.collect();
    }

    fn clear(&mut self, seconds: u64, whom: Whom, code: &'static str) {
        self.until(seconds);
        let now = self.now;
        self.policy.handle(update(whom, code, now, false), now);
        self.collect();
    }

    fn restart(&mut self) {
        self.store();
        let settings = self.policy.settings.clone();
        let rows = self.stored.iter();
        let rows = rows.map(|(key, body)| Row {
            key: key.clone(),
            body: Some(body.clone()),
        });
        let state = State {
            is_whole: true,
            rows: rows.collect(),
        };
        self.policy = Policy::restore(settings, state, self.now);
        self.collect();
    }

    /// Stores what has changed, as an outbox does; all that is stored is all that there is.
    fn store(&mut self) {
        let changes = self.policy.changes();
        if changes.is_whole {
            self.stored.clear();
        }
        for Row { key, body } in changes.rows {
            match body {
                Some(body) => {
                    self.stored.insert(key, body);
                }
                None => self
                    .stored
                    .retain(|other, _| *other != key && !other.starts_with(&format!("{key}/"))),
            }
        }
        self.policy.stored();
        let whole = self.policy.state().rows.into_iter();
        let whole: BTreeMap<String, String> =
            whole.map(|row| (row.key, row.body.unwrap())).collect();
        assert_eq!(self.stored, whole);
        assert_eq!(self.policy.changes().rows, []);
    }

    fn collect(&mut self) {
        while let Some(notification) = self.policy.poll_notification() {
            assert_eq!(notification.at, self.now);
            let stored = serde_json::to_string(&notification).unwrap();
            assert_eq!(
                serde_json::from_str::<Notification>(&stored).unwrap(),
                notification
            );
            self.told.push(notification);
        }
    }

    /// What was told: when, why, the title, and how many alerts hold and are over.
    #[track_caller]
    fn assert_told(&self, lines: &[&str]) {
        let told: Vec<String> = self
            .told
            .iter()
            .map(|told| {
                let (at, reason) = (seconds(told.at), told.reason);
                let (title, firing, resolved) = (&told.title, told.firing, told.resolved);
                format!("{at} {reason:?} {title} [{firing}/{resolved}]")
            })
            .collect();
        assert_eq!(told, lines);
    }
}

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
fn symptoms_that_came_first_go_on_under_the_name_of_the_cause() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "cannot_connect");
    trial.raise(0, Whom::Phone(2), "cannot_connect");
    trial.raise(20, Whom::Server, "callmanager_down");
    trial.until(49);
    assert!(trial.told.is_empty(), "the cause came within group_wait");
    trial.until(600);
    trial.assert_told(&["50 New CRITICAL: CallManager 10.0.0.11 serves nobody (2 phones) [3/0]"]);

    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "cannot_connect");
    trial.raise(0, Whom::Phone(2), "cannot_connect");
    trial.raise(60, Whom::Server, "callmanager_down");
    trial.until(600);
    trial.clear(600, Whom::Server, "callmanager_down");
    trial.clear(610, Whom::Phone(1), "cannot_connect");
    trial.clear(2000, Whom::Phone(2), "cannot_connect");
    trial.until(10_000);
    trial.assert_told(&[
        "30 New CRITICAL: cannot connect: 2 phones (server 10.0.0.11) [2/0]",
        "90 Update CRITICAL: CallManager 10.0.0.11 serves nobody (2 phones) [3/0]",
        "930 Update CRITICAL: 1 phone still failing; over: CallManager 10.0.0.11 serves n… [1/2]",
        "2300 Resolved RESOLVED: CallManager 10.0.0.11 serves nobody (2 phones) [0/1]",
    ]);
    assert!(
        trial
            .told
            .iter()
            .all(|told| told.thread == trial.told[0].thread)
    );
}

#[test]
fn of_two_outages_with_one_cause_one_goes_on_and_one_joins() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Server, "callmanager_down");
    trial.raise(0, Whom::Phone(1), "cannot_connect");
    trial.raise(0, Whom::Phone(2), "registration_rejected");
    trial.until(40);
    trial.raise(50, Whom::Sensor, "mirror_lossy");
    trial.until(2000);
    trial.assert_told(&[
        "30 New CRITICAL: CallManager 10.0.0.11 serves nobody (1 phone) [2/0]",
        "30 New CRITICAL: SEP001380000002: registration rejected [1/0]",
        "50 Joined JOINED: CallManager 10.0.0.11 serves nobody (1 phone) [0/0]",
        "80 Update CRITICAL: the sensor loses frames (2 phones) [4/0]",
    ]);
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
fn a_silence_mutes_and_what_still_holds_after_it_is_told() {
    let mut trial = Trial::new("alert.repeat_interval = '10m'");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.until(60);
    let silence = Silence {
        phones: globs(&["sep001380000001", "SEP*2"]),
        end: at(3600),
        ..Silence::default()
    };
    assert_eq!(trial.policy.silence(silence, at(60)), Some(1));
    trial.raise(100, Whom::Phone(2), "registration_rejected");
    trial.raise(100, Whom::Phone(257), "registration_rejected");
    trial.until(4000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "130 New CRITICAL: SEP001380000101: registration rejected [1/0]",
        "730 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "1330 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "1930 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "2530 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "3130 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "3600 Update CRITICAL: registration rejected: 2 phones (subnet 10.1.0.0/24) [2/0]",
        "3730 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
    ]);
    assert!(trial.policy.silences().is_empty());
}

#[test]
fn what_came_and_went_in_a_silence_is_never_told_and_an_end_always_is() {
    let mut trial = Trial::new("[[alert.silence]]\ndays = ['sun']\nfrom = '12:10'\nto = '13:00'");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.raise(700, Whom::Phone(2), "registration_rejected");
    trial.clear(800, Whom::Phone(2), "registration_rejected");
    trial.clear(1000, Whom::Phone(1), "registration_rejected");
    trial.raise(2000, Whom::Phone(3), "registration_rejected");
    trial.until(10_000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "1300 Resolved RESOLVED: SEP001380000001: registration rejected [0/1]",
        "3600 New CRITICAL: SEP001380000003: registration rejected [1/0]",
    ]);
}

#[test]
fn a_silenced_cause_silences_what_it_explains() {
    let mut trial = Trial::new("");
    let silence = Silence {
        codes: globs(&["callmanager_*"]),
        servers: vec![CALLMANAGER],
        end: at(1000),
        ..Silence::default()
    };
    trial.policy.silence(silence, at(0));
    trial.raise(0, Whom::Server, "callmanager_down");
    trial.raise(10, Whom::Phone(1), "cannot_connect");
    trial.until(500);
    assert!(trial.told.is_empty());
    assert!(trial.policy.end_silence(1, trial.now));
    assert!(!trial.policy.end_silence(1, trial.now));
    trial.collect();
    trial.assert_told(&["500 New CRITICAL: CallManager 10.0.0.11 serves nobody (1 phone) [2/0]"]);
}

#[test]
fn a_silence_that_begins_later_lets_through_what_comes_before() {
    let mut trial = Trial::new("");
    let silence = Silence {
        phones: globs(&["SEP*"]),
        start: at(100),
        end: at(1000),
        ..Silence::default()
    };
    trial.policy.silence(silence, at(0));
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.raise(90, Whom::Phone(257), "registration_rejected");
    trial.restart();
    trial.raise(95, Whom::Phone(1), "registration_rejected");
    trial.raise(95, Whom::Phone(257), "registration_rejected");
    trial.until(2000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "1000 New CRITICAL: SEP001380000101: registration rejected [1/0]",
    ]);
}

#[test]
fn maintenance_ends_by_itself_or_at_once() {
    let mut trial = Trial::new("");
    trial.until(60);
    trial.policy.maintenance(Some(maintenance(3600)), at(60));
    trial.raise(100, Whom::Phone(1), "registration_rejected");
    trial.until(200);
    trial.policy.maintenance(None, at(200));
    trial.collect();
    assert_eq!(trial.policy.in_maintenance(), None);
    trial.assert_told(&["200 New CRITICAL: SEP001380000001: registration rejected [1/0]"]);
    // One that is over already is none.
    trial.policy.maintenance(Some(maintenance(150)), at(200));
    assert_eq!(trial.policy.in_maintenance(), None);
}

#[test]
fn in_maintenance_nothing_is_sent_and_then_what_holds() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.until(60);
    trial.policy.maintenance(Some(maintenance(3600)), at(60));
    trial.clear(100, Whom::Phone(1), "registration_rejected");
    trial.raise(200, Whom::Phone(257), "registration_rejected");
    trial.raise(200, Whom::Phone(513), "registration_rejected");
    trial.clear(300, Whom::Phone(513), "registration_rejected");
    trial.restart();
    trial.raise(400, Whom::Phone(257), "registration_rejected");
    trial.until(3599);
    assert_eq!(trial.told.len(), 1);
    assert_eq!(trial.policy.in_maintenance(), Some(&maintenance(3600)));
    trial.until(5000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "3600 Resolved RESOLVED: SEP001380000001: registration rejected [0/1]",
        "3600 New CRITICAL: SEP001380000101: registration rejected [1/0]",
    ]);
    assert_eq!(trial.policy.in_maintenance(), None);
}

#[test]
fn a_restart_announces_nothing_again() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Server, "callmanager_down");
    trial.raise(0, Whom::Phone(1), "cannot_connect");
    trial.raise(0, Whom::Phone(2), "registration_rejected");
    trial.until(100);
    trial.raise(100, Whom::Phone(3), "registration_rejected");
    trial.restart();
    // What still holds is found again, one by one; a phone's alert stays that of its server.
    trial.raise(160, Whom::Phone(1), "cannot_connect");
    trial.raise(170, Whom::Server, "callmanager_down");
    trial.raise(180, Whom::Phone(3), "registration_rejected");
    trial.until(10_000);
    trial.assert_told(&[
        "30 New CRITICAL: CallManager 10.0.0.11 serves nobody (1 phone) [2/0]",
        "30 New CRITICAL: SEP001380000002: registration rejected [1/0]",
        "330 Update CRITICAL: registration rejected: 2 phones (subnet 10.1.0.0/24) [2/0]",
        // The other one was not seen for an hour.
        "3730 Update CRITICAL: SEP001380000003: registration rejected [1/1]",
    ]);
    assert_eq!(trial.told[2].thread, trial.told[1].thread);
}

#[test]
fn other_settings_bring_alerts_to_those_who_are_to_know_now() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.until(60);
    let mut settings = settings("[[alert.route]]\ncodes = ['registration_*']\nreceivers = []");
    settings.receiver.push(second("chat"));
    settings.routes[0].receivers = vec!["chat".into()];
    trial.policy.reconfigure(settings.clone(), at(60));
    trial.raise(70, Whom::Phone(2), "registration_rejected");
    trial.clear(200, Whom::Phone(1), "registration_rejected");
    trial.until(1000);
    let receivers: Vec<(u64, &str)> = trial
        .told
        .iter()
        .map(|told| (seconds(told.at), told.receiver.as_str()))
        .collect();
    // The one who was told hears of the end; the other hears of what holds.
    assert_eq!(
        receivers,
        [(30, "ops"), (90, "chat"), (500, "ops"), (530, "chat")]
    );
    settings.receiver.retain(|receiver| receiver.name != "chat");
    settings.routes.clear();
    trial.policy.reconfigure(settings, at(1000));
    trial.until(2000);
    trial.clear(2000, Whom::Phone(2), "registration_rejected");
    trial.until(90_000);
    assert_eq!(trial.told.len(), 6, "{:?}", trial.told);
    assert!(trial.told.iter().skip(4).all(|told| told.receiver == "ops"));
}

#[test]
fn routes_are_asked_in_order() {
    let mut both = settings(
        "[[alert.route]]\ncodes = ['registration_*']\nreceivers = ['ops']\ncontinue = true\n\
         [[alert.route]]\nseverity = 'critical'\ncallmanagers = ['10.0.0.11']\nreceivers = []\n\
         [[alert.route]]\nsites = ['Lyon*']\ndevice_pools = ['DP-?']\nstages = ['lost']\nreceivers = ['ops']",
    );
    both.receivers = vec!["chat".into()];
    both.receiver.push(second("chat"));
    both.routes[0].receivers = vec!["ops".into(), "chat".into()];
    let facts = |whom: Whom, code, known: Known| match update(whom, code, at(0), true) {
        Update::Raised(facts) | Update::Cleared(facts, _) => Facts { known, ..facts },
    };
    let lyon = Known {
        site: Some("lyon 2".into()),
        device_pool: Some("DP-1".into()),
        stage: Some("lost".into()),
        ..Known::default()
    };
    let moved = Known {
        stage: Some("registered".into()),
        ..lyon.clone()
    };
    for (whom, code, known, receivers) in [
        (
            Whom::Phone(1),
            "registration_rejected",
            Known::default(),
            &["ops", "chat"][..],
        ),
        (Whom::Server, "callmanager_down", Known::default(), &[]),
        (Whom::Phone(1), "cannot_connect", Known::default(), &[]),
        (Whom::Phone(1), "dhcp_refused", lyon, &["ops"]),
        (Whom::Phone(1), "dhcp_refused", moved, &["chat"]),
        (Whom::Sensor, "mirror_lossy", Known::default(), &["chat"]),
    ] {
        assert_eq!(
            route::receivers(&both, &facts(whom, code, known)),
            receivers,
            "{whom:?}"
        );
    }
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

#[derive(Clone, Debug)]
enum Step {
    Raise(Whom, &'static str),
    Clear(Whom, &'static str),
    Wait(u64),
    Restart,
}

fn steps(causes: bool) -> impl Strategy<Value = Vec<Step>> {
    let phones = (0..4_u32).prop_map(|number| Whom::Phone(number * 200));
    let codes = prop::sample::select(vec!["cannot_connect", "registration_rejected"]);
    let of_phones = (phones, codes).boxed();
    let subject = if causes {
        prop_oneof![
            4 => of_phones,
            1 => Just((Whom::Server, "callmanager_down")),
            1 => Just((Whom::Sensor, "mirror_lossy")),
        ]
        .boxed()
    } else {
        of_phones
    };
    let step = prop_oneof![
        4 => subject.clone().prop_map(|(whom, code)| Step::Raise(whom, code)),
        4 => subject.prop_map(|(whom, code)| Step::Clear(whom, code)),
        6 => (0..200_u64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

/// What must be true of everything that is told, whatever happens.
struct Promises {
    group_interval: Duration,
    /// Within which time what is raised must be told.
    within: Duration,
    /// What holds, and by when it must be told where it was not.
    owed: BTreeMap<Fingerprint, Timestamp>,
    /// Of what a reader would say that it holds.
    open: BTreeSet<Fingerprint>,
    /// Raised since its end was told.
    raised: BTreeSet<Fingerprint>,
    last_firing: BTreeMap<GroupKey, Timestamp>,
    threads: BTreeMap<String, u32>,
}

impl Promises {
    fn raised(&mut self, alert: Fingerprint, now: Timestamp) {
        self.raised.insert(alert);
        if !self.open.contains(&alert) {
            self.owed.entry(alert).or_insert(now + self.within);
        }
    }

    fn told(&mut self, told: &Notification) {
        if told.status == Status::Firing {
            let last = self.last_firing.insert(told.group.clone(), told.at);
            let earliest = last.map_or(told.at, |last| last + self.group_interval);
            assert!(told.at >= earliest, "too soon: {told:?}");
        }
        let before = self.threads.insert(told.thread.clone(), told.sequence);
        assert_eq!(told.sequence, before.unwrap_or(0) + 1, "{told:?}");
        assert_eq!(told.alerts.len(), told.firing + told.resolved);
        assert!(told.title.chars().count() <= Notification::MOST_TITLE);
        for alert in &told.alerts {
            if let Some(by) = self.owed.remove(&alert.fingerprint) {
                assert!(told.at <= by, "too late: {told:?}");
            }
            if alert.status == Status::Firing {
                self.open.insert(alert.fingerprint);
            } else {
                assert!(self.raised.remove(&alert.fingerprint), "twice: {told:?}");
                self.open.remove(&alert.fingerprint);
            }
        }
    }
}

fn keeps_its_promises(
    steps: Vec<Step>,
    causes: bool,
    (group_wait, group_interval, resolve_after): (u64, u64, u64),
) {
    let mut settings = settings("");
    settings.group_wait = Duration::from_secs(group_wait);
    settings.group_interval = Duration::from_secs(group_interval);
    settings.resolve_after = Duration::from_secs(resolve_after);
    settings.remember = Duration::from_secs(600);
    settings.receiver[0].alerts = 1000;
    // What is taken over by its cause while it waits begins to wait again.
    let waits = if causes { 2 } else { 1 };
    let mut promises = Promises {
        group_interval: settings.group_interval,
        within: (settings.group_wait + settings.group_interval) * waits,
        owed: BTreeMap::new(),
        open: BTreeSet::new(),
        raised: BTreeSet::new(),
        last_firing: BTreeMap::new(),
        threads: BTreeMap::new(),
    };
    let mut trial = Trial::with(settings);
    let mut now = 0;
    let mut seen = 0;
    for step in steps.into_iter().chain([Step::Wait(100_000)]) {
        match step {
            Step::Raise(whom, code) => {
                trial.until(now);
                let update = update(whom, code, at(now), true);
                let Update::Raised(facts) = &update else {
                    panic!("it was raised");
                };
                promises.raised(facts.fingerprints().next().unwrap(), at(now));
                trial.raise(now, whom, code);
            }
            Step::Clear(whom, code) => trial.clear(now, whom, code),
            Step::Wait(time) => {
                now += time;
                if time == 100_000 {
                    // The end of the run: nothing holds any more.
                    for whom in [0, 200, 400, 600].map(Whom::Phone) {
                        trial.clear(now, whom, "cannot_connect");
                        trial.clear(now, whom, "registration_rejected");
                    }
                    trial.clear(now, Whom::Server, "callmanager_down");
                    trial.clear(now, Whom::Sensor, "mirror_lossy");
                    now += 100_000;
                }
                trial.until(now);
            }
            Step::Restart => {
                trial.until(now);
                trial.restart();
            }
        }
        // What was stored in between does not matter.
        if now % 2 == 0 {
            trial.store();
        }
        for told in trial.told.iter().skip(seen) {
            promises.told(told);
        }
        seen = trial.told.len();
        for by in promises.owed.values() {
            assert!(*by >= at(now), "never told: {:?}", promises.owed);
        }
    }
    assert!(
        promises.open.is_empty(),
        "never resolved: {:?}",
        promises.open
    );
    assert!(trial.policy.alerts.is_empty(), "{:?}", trial.policy.alerts);
    assert!(trial.policy.groups.is_empty(), "{:?}", trial.policy.groups);
}

/// What people may do meanwhile.
#[derive(Clone, Debug)]
enum Meddling {
    Silence(u64, u64),
    EndSilence(u64),
    Maintenance(u64),
    EndMaintenance,
    Reconfigure(bool),
    Store,
    Step(Step),
}

fn meddling() -> impl Strategy<Value = Vec<Meddling>> {
    let steps = steps(true).prop_map(|steps| steps.into_iter().map(Meddling::Step).collect());
    let other = prop_oneof![
        (0..500_u64, 1..2000_u64).prop_map(|(start, length)| Meddling::Silence(start, length)),
        (1..6_u64).prop_map(Meddling::EndSilence),
        (1..2000_u64).prop_map(Meddling::Maintenance),
        Just(Meddling::EndMaintenance),
        any::<bool>().prop_map(Meddling::Reconfigure),
        Just(Meddling::Store),
    ];
    let others = prop::collection::vec((any::<prop::sample::Index>(), other), 0..20);
    (steps, others).prop_map(|(mut all, others): (Vec<Meddling>, _)| {
        for (place, other) in others {
            all.insert(place.index(all.len()), other);
        }
        all
    })
}

proptest! {
    /// Whatever people do: what is stored piece by piece is what there is, and in maintenance nobody is told anything.
    #[test]
    fn what_is_stored_is_what_there_is(steps in meddling()) {
        let mut trial = Trial::new("alert.group_interval = '60s'");
        let mut now = 0;
        for step in steps {
            let told = trial.told.len();
            trial.until(now);
            let was_in_maintenance = trial.policy.in_maintenance().is_some();
            match step {
                Meddling::Silence(start, length) => {
                    let silence = Silence {
                        phones: globs(&["*1*"]),
                        start: at(now + start),
                        end: at(now + start + length),
                        ..Silence::default()
                    };
                    trial.policy.silence(silence, at(now));
                }
                Meddling::EndSilence(number) => {
                    trial.policy.end_silence(number, at(now));
                }
                Meddling::Maintenance(length) => {
                    trial.policy.maintenance(Some(maintenance(now + length)), at(now));
                }
                Meddling::EndMaintenance => trial.policy.maintenance(None, at(now)),
                Meddling::Reconfigure(has_second) => {
                    let mut settings = settings("alert.group_interval = '60s'");
                    settings.receiver.extend(has_second.then(|| second("second")));
                    trial.policy.reconfigure(settings, at(now));
                }
                Meddling::Store => trial.store(),
                Meddling::Step(Step::Raise(whom, code)) => trial.raise(now, whom, code),
                Meddling::Step(Step::Clear(whom, code)) => trial.clear(now, whom, code),
                Meddling::Step(Step::Wait(time)) => now += time,
                Meddling::Step(Step::Restart) => trial.restart(),
            }
            trial.collect();
            if was_in_maintenance && trial.policy.in_maintenance().is_some() {
                prop_assert_eq!(trial.told.len(), told);
            }
        }
        // All of it ends by itself.
        trial.until(now + 3000);
        trial.policy.handle_timeout(trial.now);
        prop_assert!(trial.policy.in_maintenance().is_none());
        prop_assert!(trial.policy.silences().is_empty());
        trial.store();
    }

    #[test]
    fn promises_are_kept(
        steps in steps(false),
        times in (0..60_u64, 1..300_u64, 0..300_u64),
    ) {
        keeps_its_promises(steps, false, times);
    }

    #[test]
    fn promises_are_kept_with_causes(
        steps in steps(true),
        times in (0..60_u64, 1..300_u64, 0..300_u64),
    ) {
        keeps_its_promises(steps, true, times);
    }
}
