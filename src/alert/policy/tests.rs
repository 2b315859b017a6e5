//! The policy in virtual time: what is told when, as lines of text.

mod causes;
mod changes;
mod muting;
mod promises;
mod timing;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

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
