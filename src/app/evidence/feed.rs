//! From the engine's thread to the one that writes evidence.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};

use super::{Counts, Fate};
use crate::event::{self, Event, EventKind};
use crate::evidence::{EvidenceName, Planner};
use crate::finding::{self, Severity};
use crate::phone::{Device, DeviceId};
use crate::snapshot::Snapshot;

/// Decides of which findings evidence is written, and hands them over with the picture that tells their devices. It
/// never waits.
pub(in crate::app) struct Feed {
    planner: Planner,
    min_severity: Severity,
    planned: Vec<Planned>,
    batches: SyncSender<Batch>,
    counts: Arc<Counts>,
}

/// Each keeps a picture alive, so few may wait.
const MOST_WAITING: usize = 4;
/// So many wait for one that writes; a disk that hangs makes no more.
const MOST_PLANNED: usize = 256;
/// Of a server's phones so many show what is wrong with it.
const MOST_DEVICES: usize = 4;

impl Feed {
    pub(super) fn new(
        per_minute: u32,
        min_severity: Severity,
        counts: Arc<Counts>,
    ) -> (Self, Receiver<Batch>) {
        let (batches, received) = mpsc::sync_channel(MOST_WAITING);
        let feed = Self {
            planner: Planner::new(per_minute),
            min_severity,
            planned: Vec::new(),
            batches,
            counts,
        };
        (feed, received)
    }

    /// Something happened; the name of the file that will show it, where there will be one.
    pub(in crate::app) fn event(&mut self, event: &Event) -> Option<EvidenceName> {
        let EventKind::FindingRaised { about, finding } = &event.kind else {
            return None;
        };
        if finding.severity < self.min_severity {
            return None;
        }
        let whom = match (about, event.subject) {
            (None, Some(subject)) => Whom::Device(subject),
            (
                Some(
                    server @ (finding::Subject::CallManager(_)
                    | finding::Subject::DhcpServer(_)
                    | finding::Subject::DnsServer(_)
                    | finding::Subject::TftpServer(_)),
                ),
                _,
            ) => Whom::Server(server.clone()),
            // No frame shows what is absent, or the sensor itself.
            (Some(finding::Subject::Configured(_) | finding::Subject::Sensor), _)
            | (None, None) => return None,
        };
        let has_room = self.planned.len() < MOST_PLANNED;
        if !has_room || !self.planner.takes(finding.code, event.at) {
            self.counts.count(Fate::Skipped);
            return None;
        }
        let name = EvidenceName::new(event.at, finding.code, &whom.label());
        self.planned.push(Planned {
            name: name.clone(),
            whom,
            code: finding.code,
        });
        Some(name)
    }

    /// Hands over what was planned.
    pub(in crate::app) fn publish(&mut self, snapshot: &Arc<Snapshot>) {
        if self.planned.is_empty() {
            return;
        }
        let batch = Batch {
            planned: std::mem::take(&mut self.planned),
            snapshot: Arc::clone(snapshot),
        };
        match self.batches.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(batch)) => self.planned = batch.planned,
            Err(TrySendError::Disconnected(batch)) => {
                for _ in batch.planned {
                    self.counts.count(Fate::Skipped);
                }
            }
        }
    }
}

/// What is to be written, and the picture after it happened.
pub(super) struct Batch {
    pub(super) planned: Vec<Planned>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// One file that is to be written.
pub(super) struct Planned {
    pub(super) name: EvidenceName,
    whom: Whom,
    code: &'static str,
}

enum Whom {
    Device(event::Subject),
    Server(finding::Subject),
}

impl Whom {
    /// As alerts call it.
    fn label(&self) -> String {
        match self {
            Self::Device(subject) => {
                let name = subject.name.map(|name| name.to_string());
                let mac = || subject.mac.map(|mac| mac.to_string());
                let address = || subject.address.map(|address| address.to_string());
                name.or_else(mac).or_else(address).unwrap_or_default()
            }
            Self::Server(server) => server.to_string(),
        }
    }
}

impl Planned {
    /// The devices whose frames show it.
    pub(super) fn devices(&self, snapshot: &Snapshot) -> Vec<DeviceId> {
        match &self.whom {
            Whom::Device(subject) => {
                let is_it = |device: &Device| match (subject.name, subject.mac) {
                    (Some(_), _) => device.name == subject.name,
                    (None, Some(_)) => device.mac == subject.mac,
                    (None, None) => subject.address.is_some() && device.address == subject.address,
                };
                let mut found = snapshot.shown_with_places();
                let found = found.find(|(_, device)| is_it(device));
                found.map(|(id, _)| id).into_iter().collect()
            }
            Whom::Server(server) => self.concerned(server.address(), snapshot),
        }
    }

    /// Those that suffer from the server first, then those that use it.
    fn concerned(&self, server: Option<IpAddr>, snapshot: &Snapshot) -> Vec<DeviceId> {
        let suffers = |device: &Device| {
            let findings = device.findings.active();
            findings
                .filter(|finding| finding.explained_by.contains(&self.code))
                .any(|finding| server.is_none() || finding.server == server)
        };
        let uses = |device: &Device| {
            let registration = &device.registration;
            let current = registration.current.as_ref().map(|it| it.callmanager);
            server.is_some() && current.or(registration.last_callmanager) == server
        };
        let those = |wanted: &dyn Fn(&Device) -> bool| -> Vec<DeviceId> {
            let found = snapshot.shown_with_places();
            let found = found.filter(|(_, device)| wanted(device));
            found.take(MOST_DEVICES).map(|(id, _)| id).collect()
        };
        let mut devices = those(&suffers);
        if devices.is_empty() {
            devices = those(&uses);
        }
        devices
    }
}
