//! What the policy is told: a finding of somebody was raised or cleared.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Fingerprint;
use crate::event::{self, Event, EventKind};
use crate::finding::{self, Finding, Severity};
use crate::phone::Device;
use crate::time::Timestamp;

/// Something became of a finding.
#[derive(Clone, Debug)]
pub enum Update {
    /// It holds from now on, or is known to hold still.
    Raised(Facts),
    /// It no longer holds since this time.
    Cleared(Facts, Timestamp),
}

impl Update {
    /// What an event says of a finding, with what else is known of its device; `None` for any other event.
    pub fn of(event: &Event, known: &Known) -> Option<Self> {
        let of = |about: Option<&finding::Subject>, finding: &Arc<Finding>| {
            let subject = Subject::new(about, event.subject.as_ref());
            Facts::new(finding, subject, known)
        };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "every other event is about something else"
        )]
        match &event.kind {
            EventKind::FindingRaised { about, finding } => {
                Some(Self::Raised(of(about.as_ref(), finding)))
            }
            EventKind::FindingCleared { about, finding } => {
                let cleared = finding.cleared.unwrap_or(event.at);
                Some(Self::Cleared(of(about.as_ref(), finding), cleared))
            }
            _ => None,
        }
    }

    /// The same with the name of the file that shows it.
    #[must_use]
    pub fn with_evidence(mut self, file: Option<String>) -> Self {
        let (Self::Raised(facts) | Self::Cleared(facts, _)) = &mut self;
        facts.evidence = file.map(Into::into);
        self
    }
}

/// What is known of a device beside what its finding says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Where it stands, as people call the place.
    pub site: Option<Box<str>>,
    /// The CallManager that it is, or was last, registered with.
    pub callmanager: Option<IpAddr>,
    /// Its device pool in CallManager.
    pub device_pool: Option<Box<str>>,
    /// Where it is on its way from the wall socket to its CallManager.
    pub stage: Option<Box<str>>,
    /// The switch that it is on.
    pub switch: Option<Box<str>>,
    /// Its model.
    pub model: Option<Box<str>>,
}

impl Known {
    /// What the device's record says; its site and its device pool are known elsewhere.
    pub fn of(device: &Device, callmanager: Option<IpAddr>) -> Self {
        let link = device.link.as_deref();
        Self {
            site: None,
            callmanager,
            device_pool: None,
            stage: Some(device.stage.label().into()),
            switch: link.and_then(|link| link.switch.clone()),
            model: device.model().map(Into::into),
        }
    }
}

/// Whom an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What kind of thing it is.
    pub kind: SubjectKind,
    /// What to call it: a device's name, else its hardware address, else its network address; `CallManager 10.0.0.11`.
    pub label: Box<str>,
    /// Its hardware address.
    pub mac: Option<Box<str>>,
    /// Its network address.
    pub address: Option<IpAddr>,
    /// What it may be known as, the surest first. What was known by its address only may tell its name later.
    #[serde(skip)]
    identities: Vec<Box<str>>,
}

/// What kind of thing an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A device that was seen, or one that should have been.
    Device,
    /// A server of any kind.
    Server,
    /// The sensor.
    Sensor,
}

impl Subject {
    fn new(about: Option<&finding::Subject>, device: Option<&event::Subject>) -> Self {
        match (about, device) {
            (Some(about), _) => Self::about(about),
            (None, Some(device)) => Self::device(device),
            (None, None) => Self::about(&finding::Subject::Sensor),
        }
    }

    fn about(about: &finding::Subject) -> Self {
        let kind = match about {
            finding::Subject::CallManager(_)
            | finding::Subject::DhcpServer(_)
            | finding::Subject::DnsServer(_)
            | finding::Subject::TftpServer(_) => SubjectKind::Server,
            finding::Subject::Configured(_) => SubjectKind::Device,
            finding::Subject::Sensor => SubjectKind::Sensor,
        };
        let label: Box<str> = about.to_string().into();
        Self {
            kind,
            mac: None,
            address: about.address(),
            identities: vec![label.clone()],
            label,
        }
    }

    fn device(device: &event::Subject) -> Self {
        let mac = device.name.and_then(|name| name.mac()).or(device.mac);
        let mac: Option<Box<str>> = mac.map(|mac| mac.to_string().into());
        let name: Option<Box<str>> = device.name.map(|name| name.as_str().into());
        let address: Option<Box<str>> = device.address.map(|address| address.to_string().into());
        let label = name
            .clone()
            .or(device.mac.map(|mac| mac.to_string().into()));
        Self {
            kind: SubjectKind::Device,
            label: label.or(address.clone()).unwrap_or("unknown".into()),
            address: device.address,
            identities: [mac.clone(), name, address].into_iter().flatten().collect(),
            mac,
        }
    }
}

/// One finding of one subject, as the policy keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The code of the finding.
    pub code: Box<str>,
    /// How much it matters.
    pub severity: Severity,
    /// Whom it is about.
    pub subject: Subject,
    /// The server that has a part in it.
    pub server: Option<IpAddr>,
    /// What is known of the device.
    pub known: Known,
    /// One sentence with the facts.
    pub summary: Box<str>,
    /// When that of which it speaks began.
    pub since: Timestamp,
    /// The file in which the frames that prove it are kept, where there is one.
    #[serde(default)]
    pub evidence: Option<Box<str>>,
    /// The finding itself, which is not stored.
    #[serde(skip)]
    pub finding: Option<Arc<Finding>>,
}

impl Facts {
    fn new(finding: &Arc<Finding>, subject: Subject, known: &Known) -> Self {
        Self {
            code: finding.code.into(),
            severity: finding.severity,
            server: finding.server.or(match subject.kind {
                SubjectKind::Server => subject.address,
                SubjectKind::Device | SubjectKind::Sensor => None,
            }),
            subject,
            known: known.clone(),
            summary: finding.summary.as_str().into(),
            since: finding.since,
            evidence: None,
            finding: Some(Arc::clone(finding)),
        }
    }

    /// The fingerprints under which it may be known, the surest first.
    pub(super) fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.subject
            .identities
            .iter()
            .map(|identity| Fingerprint::of(&[&self.code, identity]))
    }

    /// Codes of findings about its server, or about the sensor, that explain it.
    pub(super) fn explained_by(&self) -> &'static [&'static str] {
        self.finding.as_ref().map_or_else(
            || crate::diagnosis::entry(&self.code).map_or(&[][..], |entry| entry.explained_by),
            |finding| finding.explained_by,
        )
    }
}
