//! Makes the message that a receiver gets of a group.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Group, Outage};
use super::held::{Held, explains};
use crate::alert::{
    Alert, Cause, Facts, Fingerprint, GroupKey, Notification, Reason, Status, SubjectKind,
};
use crate::config::Alert as Settings;
use crate::diagnosis;
use crate::finding::Severity;
use crate::time::Timestamp;

/// What a message tells of.
#[derive(Default)]
pub(super) struct Picture<'a> {
    /// What holds and is told for the first time.
    pub(super) new: Vec<&'a Held>,
    /// What holds and was told before.
    pub(super) known: Vec<&'a Held>,
    /// What is over.
    pub(super) resolved: Vec<&'a Held>,
}

impl<'a> Picture<'a> {
    /// Everything, in the order in which it is listed.
    fn ordered(&self, key: &GroupKey) -> Vec<&'a Held> {
        let mut all = Vec::new();
        for (rank, part) in (0..).zip([&self.new, &self.known, &self.resolved]) {
            all.extend(part.iter().map(|held| {
                let is_cause = explains(&held.facts).is_some() && *held.facts.code == *key.code;
                (!is_cause || held.is_over, rank, *held)
            }));
        }
        all.sort_by(|(cause, rank, held), (other_cause, other_rank, other)| {
            (cause, rank, held.starts_at)
                .cmp(&(other_cause, other_rank, other.starts_at))
                .then_with(|| held.facts.subject.label.cmp(&other.facts.subject.label))
                .then_with(|| held.facts.code.cmp(&other.facts.code))
                .then_with(|| held.fingerprint.cmp(&other.fingerprint))
        });
        all.into_iter().map(|(.., held)| held).collect()
    }

    pub(super) const fn firing(&self) -> usize {
        self.new.len() + self.known.len()
    }
}

/// What the receiver knows of once it has this message, and the message.
pub(super) fn make(
    group: &Group,
    picture: &Picture<'_>,
    reason: Reason,
    settings: &Settings,
    now: Timestamp,
) -> (Outage, Notification) {
    let ordered = picture.ordered(&group.key);
    let status = if picture.firing() > 0 {
        Status::Firing
    } else {
        Status::Resolved
    };
    let told_of = |held: &&Held| status == Status::Resolved || !held.is_over;
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = ordered
        .iter()
        .filter(|held| held.facts.subject.kind == SubjectKind::Device && told_of(held))
        .map(|held| held.facts.subject.label.as_ref())
        .filter(|name| seen.insert(*name))
        .collect();
    let severities = ordered.iter().copied().filter(told_of);
    let severity = severities.map(|held| held.facts.severity).max();
    let severity = severity.unwrap_or(Severity::Info);

    let mut outage = group.outage.clone().unwrap_or_else(|| {
        let began = ordered.iter().map(|held| held.starts_at).min();
        began_now(group, began.unwrap_or(now), now)
    });
    outage.sequence = outage.sequence.saturating_add(1);
    outage.told = picture.firing();
    outage.most_devices = outage.most_devices.max(names.len());
    let devices = match status {
        Status::Firing => names.len(),
        Status::Resolved => outage.most_devices,
    };

    let receiver = settings
        .receiver
        .iter()
        .find(|receiver| receiver.name == group.receiver);
    let most = receiver.map_or(10, |receiver| receiver.alerts);
    let alerts: Vec<Alert> = ordered
        .iter()
        .take(most)
        .map(|held| alert(held, settings))
        .collect();
    let is_cause_over = group.cause.is_some()
        && status == Status::Firing
        && (picture.new.iter().chain(&picture.known))
            .all(|held| *held.facts.code != *group.key.code);
    let title = Title {
        reason,
        status,
        severity,
        key: &group.key,
        cause: group.cause.as_deref(),
        is_cause_over,
        devices,
        name: names.first().copied(),
    };
    let notification = Notification {
        id: format!("{}-{}", outage.thread, outage.sequence),
        thread: outage.thread.clone(),
        sequence: outage.sequence,
        receiver: group.receiver.clone(),
        at: now,
        began: outage.began,
        reason,
        status,
        severity,
        group: group.key.clone(),
        group_labels: group.key.labels(),
        title: title.text(),
        firing: picture.firing(),
        resolved: picture.resolved.len(),
        devices,
        names: names
            .iter()
            .take(Notification::MOST_NAMES)
            .map(|name| (*name).to_owned())
            .collect(),
        truncated: ordered.len() - alerts.len(),
        alerts,
    };
    (outage, notification)
}

/// An outage of which nothing was told yet. Its name is another one each time, and the same after a restart.
fn began_now(group: &Group, began: Timestamp, now: Timestamp) -> Outage {
    let key = group.key.to_string();
    let told_at = now.as_nanos().to_string();
    Outage {
        thread: Fingerprint::of(&[&group.receiver, &key, &told_at]).to_string(),
        sequence: 0,
        began,
        told: 0,
        most_devices: 0,
    }
}

/// The alert as it is listed.
fn alert(held: &Held, settings: &Settings) -> Alert {
    let facts = &held.facts;
    let finding = facts.finding.as_deref();
    let entry = diagnosis::entry(&facts.code);
    let remedy = finding.map_or_else(
        || entry.map_or(&[][..], |entry| entry.remedy),
        |finding| finding.remedy,
    );
    let reference = finding.map_or_else(
        || entry.map_or("", |entry| entry.reference),
        |finding| finding.reference,
    );

    let mut annotations = BTreeMap::from([
        ("title".to_owned(), title_of(&facts.code)),
        ("summary".to_owned(), facts.summary.as_ref().to_owned()),
    ]);
    let mut annotate = |name: &str, value: String| {
        if !value.is_empty() {
            annotations.insert(name.to_owned(), value);
        }
    };
    annotate("remedy", remedy.join("\n"));
    annotate("reference", reference.to_owned());
    if let (Some(base), SubjectKind::Device) = (&settings.external_url, facts.subject.kind) {
        // A device's name, a hardware address and a network address all stand in a path as they are.
        let page = format!("{base}/phones/{}", facts.subject.label);
        annotate("page_url", page);
    }
    if let (Some(base), Some(file)) = (&settings.external_url, &facts.evidence) {
        annotate("evidence_url", format!("{base}/evidence/{file}"));
    }
    Alert {
        fingerprint: held.fingerprint,
        status: if held.is_over {
            Status::Resolved
        } else {
            Status::Firing
        },
        code: facts.code.as_ref().to_owned(),
        severity: facts.severity,
        subject: facts.subject.label.as_ref().to_owned(),
        labels: labels(facts, settings),
        annotations,
        starts_at: held.starts_at,
        ends_at: held.cleared.filter(|_| held.is_over),
        evidence: finding.map_or_else(Vec::new, |finding| finding.evidence.clone()),
        evidence_file: facts.evidence.as_deref().map(ToOwned::to_owned),
    }
}

fn labels(facts: &Facts, settings: &Settings) -> BTreeMap<String, String> {
    let known = &facts.known;
    let text = |text: &Option<Box<str>>| text.as_deref().map(ToOwned::to_owned);
    let is_device = facts.subject.kind == SubjectKind::Device;
    let label = facts.subject.label.as_ref().to_owned();
    let own_callmanager = label
        .starts_with("CallManager ")
        .then_some(facts.subject.address);
    [
        ("alertname", Some(facts.code.as_ref().to_owned())),
        ("severity", Some(facts.severity.label().to_owned())),
        ("phone", is_device.then_some(label)),
        ("server", facts.server.map(|server| server.to_string())),
        ("mac", text(&facts.subject.mac)),
        (
            "address",
            facts
                .subject
                .address
                .filter(|_| is_device)
                .map(|address| address.to_string()),
        ),
        ("site", text(&known.site)),
        (
            "callmanager",
            known
                .callmanager
                .or(own_callmanager.flatten())
                .map(|address| address.to_string()),
        ),
        ("device_pool", text(&known.device_pool)),
        ("stage", text(&known.stage)),
        ("switch", text(&known.switch)),
        ("model", text(&known.model)),
        ("sensor", settings.sensor.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// What the catalogue calls a finding.
fn title_of(code: &str) -> String {
    diagnosis::entry(code).map_or_else(|| code.replace('_', " "), |entry| entry.title.to_owned())
}

/// The parts of a message's one line.
struct Title<'a> {
    reason: Reason,
    status: Status,
    severity: Severity,
    key: &'a GroupKey,
    cause: Option<&'a str>,
    is_cause_over: bool,
    devices: usize,
    name: Option<&'a str>,
}

impl Title<'_> {
    fn text(&self) -> String {
        let before = match (self.reason, self.status) {
            (Reason::Joined, _) => "JOINED: ".to_owned(),
            (_, Status::Resolved) => "RESOLVED: ".to_owned(),
            (_, Status::Firing) => format!("{}: ", self.severity.label().to_uppercase()),
        };
        let devices = match self.devices {
            1 => "1 phone".to_owned(),
            devices => format!("{devices} phones"),
        };
        let title = title_of(&self.key.code);
        match (self.cause, self.name) {
            (Some(cause), _) => {
                let what = named(cause, &title);
                if self.is_cause_over {
                    fitted(
                        &format!("{before}{devices} still failing; over: "),
                        &what,
                        "",
                    )
                } else if self.devices > 0 {
                    fitted(&before, &what, &format!(" ({devices})"))
                } else {
                    fitted(&before, &what, "")
                }
            }
            (None, Some(name)) if self.devices == 1 => {
                fitted(&format!("{before}{name}: "), &title, "")
            }
            (None, _) => {
                let place = match &self.key.cause {
                    Cause::Unknown => String::new(),
                    cause @ (Cause::Server(_)
                    | Cause::Switch(_)
                    | Cause::Subnet(_)
                    | Cause::Sensor) => format!(" ({cause})"),
                };
                fitted(&before, &title, &format!(": {devices}{place}"))
            }
        }
    }
}

/// `CallManager 10.0.0.11` and `CallManager serves nobody` make `CallManager 10.0.0.11 serves nobody`.
fn named(subject: &str, title: &str) -> String {
    // Of the sensor there is one: its name adds nothing.
    let Some((kind, _)) = subject.rsplit_once(' ') else {
        return title.to_owned();
    };
    match title.strip_prefix(kind) {
        Some(rest) if rest.starts_with(' ') => format!("{subject}{rest}"),
        _ => format!("{subject}: {title}"),
    }
}

/// The three together; where they are too long the middle gives way.
fn fitted(before: &str, what: &str, after: &str) -> String {
    let length = |text: &str| text.chars().count();
    let room = Notification::MOST_TITLE.saturating_sub(length(before) + length(after));
    let line = if length(what) <= room {
        format!("{before}{what}{after}")
    } else {
        let cut: String = what.chars().take(room.saturating_sub(1)).collect();
        format!("{before}{}…{after}", cut.trim_end())
    };
    line.chars().take(Notification::MOST_TITLE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(cause: Option<&str>, devices: usize, is_cause_over: bool) -> String {
        let code = if cause.is_some() {
            "callmanager_down"
        } else {
            "registration_rejected"
        };
        let server = "10.0.0.11".parse().unwrap();
        let key = GroupKey {
            code: code.into(),
            cause: Cause::Server(server),
        };
        let title = Title {
            reason: Reason::New,
            status: Status::Firing,
            severity: Severity::Critical,
            key: &key,
            cause,
            is_cause_over,
            devices,
            name: Some("SEP001380AD9E5F"),
        };
        title.text()
    }

    #[test]
    fn a_title_says_it_all() {
        let callmanager = Some("CallManager 10.0.0.11");
        for (cause, devices, is_cause_over, text) in [
            (
                callmanager,
                5000,
                false,
                "CRITICAL: CallManager 10.0.0.11 serves nobody (5000 phones)",
            ),
            (
                callmanager,
                0,
                false,
                "CRITICAL: CallManager 10.0.0.11 serves nobody",
            ),
            (
                callmanager,
                1,
                true,
                "CRITICAL: 1 phone still failing; over: CallManager 10.0.0.11 serves n…",
            ),
            (
                Some("sensor"),
                3,
                false,
                "CRITICAL: CallManager serves nobody (3 phones)",
            ),
            (
                None,
                1,
                false,
                "CRITICAL: SEP001380AD9E5F: registration rejected",
            ),
            (
                None,
                12,
                false,
                "CRITICAL: registration rejected: 12 phones (server 10.0.0.11)",
            ),
        ] {
            assert_eq!(title(cause, devices, is_cause_over), text);
        }
    }

    #[test]
    fn a_title_is_never_too_long() {
        for length in 0..200 {
            let line = fitted(&"é".repeat(length), &"x".repeat(100), &"y".repeat(30));
            assert!(line.chars().count() <= Notification::MOST_TITLE, "{line}");
        }
    }
}
