//! What the engine knows, in a form that outlives the program.
//!
//! What is saved is what was learned and concluded: devices with their registrations, windows and findings, servers,
//! names. What a TCP stream or a transfer was in the middle of is not: those are joined late, as at any start.
//!
//! Taking it is cheap, since a [`SavedState`] shares the records with the engine; making bytes of it is not, and is for
//! another thread. The bytes are JSON with the names of all fields: one that is added later reads as its default, so
//! that an upgrade keeps the state. A change that this does not cover raises [`VERSION`].

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::diagnosis;
use crate::finding::{Evidence, Finding, Severity, Subject};
use crate::phone::dhcp::DhcpService;
use crate::phone::service::{Service, ServiceKind};
use crate::phone::{CallManager, Device, DeviceId, Pulse};
use crate::snapshot::{DeviceTable, TablePart};
use crate::time::Timestamp;

/// The form that is written; no other one is read.
pub const VERSION: u32 = 1;

/// What the engine knew at one time.
#[derive(Debug)]
pub struct SavedState {
    pub(super) at: Timestamp,
    pub(super) devices: DeviceTable,
    pub(super) site: Site<Arc<CallManager>>,
}

/// What was read back of it.
#[derive(Debug)]
pub struct RestoredState {
    pub(super) at: Timestamp,
    pub(super) devices: Vec<(DeviceId, Device)>,
    pub(super) pulses: HashMap<u32, Pulse>,
    pub(super) site: Site<CallManager>,
}

/// Why saved bytes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// They are damaged, or were written by something else.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// They are of another form.
    #[error("it is of version {0}, and only version {VERSION} is read")]
    Version(u32),
}

/// Everything but the devices.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Site<Server> {
    /// Since when frames are seen.
    pub(super) watching_since: Option<Timestamp>,
    pub(super) callmanagers: Vec<Server>,
    pub(super) services: Vec<(ServiceKind, IpAddr, Service)>,
    pub(super) names: BTreeMap<String, IpAddr>,
    pub(super) dhcp: DhcpService,
    #[serde(default)]
    pub(super) dhcpv6: DhcpService,
    pub(super) findings: Vec<(Subject, SavedFinding)>,
}

#[derive(Serialize, Deserialize)]
struct Head<Rest> {
    version: u32,
    at: Timestamp,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Serialize, Deserialize)]
struct SavedDevice<D> {
    place: DeviceId,
    device: D,
    #[serde(default)]
    findings: Vec<SavedFinding>,
}

/// A finding without what the catalogue knows of its code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedFinding {
    code: String,
    severity: Severity,
    since: Timestamp,
    raised: Timestamp,
    last_seen: Timestamp,
    cleared: Option<Timestamp>,
    count: u32,
    summary: String,
    evidence: Vec<Evidence>,
    server: Option<IpAddr>,
}

impl SavedState {
    /// When it was taken.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The bytes of everything but the devices.
    pub fn site(&self) -> Result<Vec<u8>, StateError> {
        Ok(serde_json::to_vec(&Head {
            version: VERSION,
            at: self.at,
            rest: &self.site,
        })?)
    }

    /// The devices, part by part.
    pub fn parts(&self) -> impl Iterator<Item = TablePart> {
        self.devices.parts()
    }
}

impl TablePart {
    /// The bytes of its devices.
    pub fn devices_saved(&self) -> Result<Vec<u8>, StateError> {
        let devices: Vec<_> = self
            .devices()
            .map(|(place, device, _)| SavedDevice {
                place,
                device,
                findings: device.findings.iter().map(SavedFinding::of).collect(),
            })
            .collect();
        Ok(serde_json::to_vec(&devices)?)
    }

    /// The bytes of their pulses.
    pub fn pulses_saved(&self) -> Result<Vec<u8>, StateError> {
        let pulses: Vec<_> = self
            .devices()
            .map(|(place, _, pulse)| (place.index, pulse.last_seen.as_nanos(), pulse.keepalives))
            .collect();
        Ok(serde_json::to_vec(&pulses)?)
    }
}

impl RestoredState {
    /// From the bytes of [`SavedState::site`]; the devices follow.
    pub fn read(site: &[u8]) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(site)?;
        if version != VERSION {
            return Err(StateError::Version(version));
        }
        let Head { at, rest, .. } = serde_json::from_slice(site)?;
        Ok(Self {
            at,
            devices: Vec::new(),
            pulses: HashMap::new(),
            site: rest,
        })
    }

    /// With what [`TablePart::devices_saved`] wrote.
    pub fn read_devices(&mut self, part: &[u8]) -> Result<(), StateError> {
        let devices: Vec<SavedDevice<Device>> = serde_json::from_slice(part)?;
        self.devices.extend(devices.into_iter().map(|saved| {
            let mut device = saved.device;
            for finding in saved
                .findings
                .into_iter()
                .filter_map(SavedFinding::restored)
            {
                device.findings.put(Arc::new(finding));
            }
            (saved.place, device)
        }));
        Ok(())
    }

    /// With what [`TablePart::pulses_saved`] wrote.
    pub fn read_pulses(&mut self, part: &[u8]) -> Result<(), StateError> {
        let pulses: Vec<(u32, u64, u64)> = serde_json::from_slice(part)?;
        let pulses = pulses.into_iter().map(|(index, last_seen, keepalives)| {
            let last_seen = Timestamp::from_nanos(last_seen);
            (
                index,
                Pulse {
                    last_seen,
                    keepalives,
                },
            )
        });
        self.pulses.extend(pulses);
        Ok(())
    }

    /// When it was saved.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// How many devices it holds.
    pub fn devices(&self) -> usize {
        self.devices.len()
    }
}

impl SavedFinding {
    pub(super) fn of(finding: &Arc<Finding>) -> Self {
        Self {
            code: finding.code.to_owned(),
            severity: finding.severity,
            since: finding.since,
            raised: finding.raised,
            last_seen: finding.last_seen,
            cleared: finding.cleared,
            count: finding.count,
            summary: finding.summary.clone(),
            evidence: finding.evidence.clone(),
            server: finding.server,
        }
    }

    /// `None` where the catalogue no longer has it.
    pub(super) fn restored(self) -> Option<Finding> {
        let entry = diagnosis::entry(&self.code)?;
        Some(Finding {
            code: entry.code,
            severity: self.severity,
            since: self.since,
            raised: self.raised,
            last_seen: self.last_seen,
            cleared: self.cleared,
            count: self.count,
            summary: self.summary,
            evidence: self.evidence,
            remedy: entry.remedy,
            reference: entry.reference,
            server: self.server,
            explained_by: entry.explained_by,
        })
    }
}
