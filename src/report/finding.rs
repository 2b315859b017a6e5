//! What was concluded: the report's `findings`, of each device and of servers and the sensor.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use crate::finding::{Evidence, Finding, Findings, Severity, Subject};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;

/// One conclusion. The keys up to `reference` stay as they are; those behind it may grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingEntry {
    /// Which of the catalogue's.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Whom it is about: a device's name or address, a server, the sensor.
    pub subject: String,
    /// When that of which it speaks began.
    pub since: Timestamp,
    /// When anything was last seen that shows it.
    pub last_seen: Timestamp,
    /// Whether it holds at the end.
    pub active: bool,
    /// How often it was raised.
    pub count: u32,
    /// One sentence with the facts.
    pub summary: String,
    /// What shows it, in the order of time.
    pub evidence: Vec<Evidence>,
    /// What to do, step by step.
    pub remedy: &'static [&'static str],
    /// The section of the troubleshooting guide.
    pub reference: &'static str,
    /// When it was cleared, if it was.
    pub cleared: Option<Timestamp>,
    /// The server that has a part in it.
    pub server: Option<IpAddr>,
    /// The finding about that server, or about the sensor, of which this one is a symptom.
    pub cause: Option<Cause>,
    /// What kind of thing it is about: `device`, `callmanager`, `dhcp_server`, `dns_server`, `tftp_server` or `sensor`.
    pub subject_kind: &'static str,
    /// What the inventory calls it.
    pub description: Option<String>,
}

/// A finding that explains another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cause {
    /// Its code.
    pub code: &'static str,
    /// Whom it is about.
    pub subject: String,
}

/// The kind of the subject of a device's own findings.
const DEVICE: &str = "device";

impl FindingEntry {
    fn new(
        finding: &Finding,
        subject: String,
        subject_kind: &'static str,
        description: Option<&str>,
        site: &[(Subject, Arc<Finding>)],
    ) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity,
            subject,
            since: finding.since,
            last_seen: finding.last_seen,
            active: finding.is_active(),
            count: finding.count,
            summary: finding.summary.clone(),
            evidence: finding.evidence.clone(),
            remedy: finding.remedy,
            reference: finding.reference,
            cleared: finding.cleared,
            server: finding.server,
            cause: cause(finding, site),
            subject_kind,
            description: description.map(str::to_owned),
        }
    }

    /// The findings of a device, the worst first.
    pub fn of_device(
        findings: &Findings,
        label: &str,
        description: Option<&str>,
        site: &[(Subject, Arc<Finding>)],
    ) -> Vec<Self> {
        let entries = findings
            .iter()
            .map(|finding| Self::new(finding, label.to_owned(), DEVICE, description, site));
        worst_first(entries.collect())
    }

    /// The findings of devices, of servers and of the sensor, the worst first.
    pub fn all(snapshot: &Snapshot) -> Vec<Self> {
        let inventory = snapshot.inventory.as_deref();
        let site = &snapshot.findings;
        let mut all = Self::of_site(snapshot);
        for device in snapshot
            .shown()
            .filter(|device| !device.findings.is_empty())
        {
            let listed = device.name.and_then(|name| inventory?.of(name));
            let description = listed.and_then(|listed| listed.description.as_deref());
            all.extend(Self::of_device(
                &device.findings,
                &device.label(),
                description,
                site,
            ));
        }
        worst_first(all)
    }

    /// The findings of servers and of the sensor, the worst first.
    pub fn of_site(snapshot: &Snapshot) -> Vec<Self> {
        let site = &snapshot.findings;
        let inventory = snapshot.inventory.as_deref();
        let entries = site.iter().map(|(subject, finding)| {
            let listed = match subject {
                Subject::Configured(name) => inventory.and_then(|it| it.of(*name)),
                Subject::CallManager(_)
                | Subject::DhcpServer(_)
                | Subject::DnsServer(_)
                | Subject::TftpServer(_)
                | Subject::Sensor => None,
            };
            let description = listed.and_then(|listed| listed.description.as_deref());
            Self::new(
                finding,
                subject.to_string(),
                subject.kind(),
                description,
                site,
            )
        });
        worst_first(entries.collect())
    }
}

/// Those that hold before those that did, and of these the worst first.
fn worst_first(mut entries: Vec<FindingEntry>) -> Vec<FindingEntry> {
    entries.sort_by(|one, other| {
        let rank = |entry: &FindingEntry| (!entry.active, std::cmp::Reverse(entry.severity));
        rank(one)
            .cmp(&rank(other))
            .then_with(|| one.since.cmp(&other.since))
            .then_with(|| one.code.cmp(other.code))
            .then_with(|| one.subject.cmp(&other.subject))
    });
    entries
}

/// The finding about the same server, or about the sensor, that explains this one and held at the same time.
fn cause(finding: &Finding, site: &[(Subject, Arc<Finding>)]) -> Option<Cause> {
    let (subject, cause) = site.iter().find(|(subject, other)| {
        let is_of_its_server = match subject.address() {
            Some(address) => finding.server == Some(address),
            None if *subject == Subject::DhcpServer(None) => finding.server.is_none(),
            None => *subject == Subject::Sensor,
        };
        let at_the_same_time = other.cleared.is_none_or(|cleared| cleared >= finding.since)
            && finding.cleared.is_none_or(|cleared| cleared >= other.since);
        is_of_its_server && at_the_same_time && finding.explained_by.contains(&other.code)
    })?;
    Some(Cause {
        code: cause.code,
        subject: subject.to_string(),
    })
}
