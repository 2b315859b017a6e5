//! What is known of the devices that events are about.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::feed::Happening;
use crate::alert::Known;
use crate::event::{Event, EventKind};
use crate::finding;
use crate::inventory::Inventory;
use crate::net::{DeviceName, MacAddr};
use crate::phone::Device;
use crate::snapshot::Snapshot;

/// The devices that some events are about.
#[derive(Default)]
pub(super) struct KnownDevices {
    by_name: HashMap<DeviceName, Known>,
    by_mac: HashMap<MacAddr, Known>,
    by_address: HashMap<IpAddr, Known>,
    inventory: Option<Arc<Inventory>>,
}

impl KnownDevices {
    /// Looks through the picture once, for all that these events are about.
    pub(super) fn of(happenings: &[Happening], snapshot: &Snapshot) -> Self {
        let subjects = || happenings.iter().filter_map(|it| it.event.subject);
        let names: HashSet<DeviceName> = subjects().filter_map(|it| it.name).collect();
        let macs: HashSet<MacAddr> = subjects().filter_map(|it| it.mac).collect();
        let addresses: HashSet<IpAddr> = subjects().filter_map(|it| it.address).collect();
        let mut known = Self {
            inventory: snapshot.inventory.clone(),
            ..Self::default()
        };
        for (_, device) in snapshot.devices.iter() {
            let name = device.name.filter(|name| names.contains(name));
            let mac = device.mac.filter(|mac| macs.contains(mac));
            let address = device.address.filter(|address| addresses.contains(address));
            if name.is_none() && mac.is_none() && address.is_none() {
                continue;
            }
            let facts = facts(device);
            if let Some(name) = name {
                known.by_name.insert(name, facts.clone());
            }
            if let Some(mac) = mac {
                known.by_mac.insert(mac, facts.clone());
            }
            if let Some(address) = address {
                known.by_address.insert(address, facts);
            }
        }
        known
    }

    /// What is known of whom this event is about.
    pub(super) fn of_event(&self, event: &Event) -> Known {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "every other event is about something else"
        )]
        let configured = match &event.kind {
            EventKind::FindingRaised {
                about: Some(finding::Subject::Configured(name)),
                ..
            }
            | EventKind::FindingCleared {
                about: Some(finding::Subject::Configured(name)),
                ..
            } => Some(*name),
            _ => None,
        };
        let subject = event.subject;
        let name = subject.and_then(|subject| subject.name);
        let found = name
            .and_then(|name| self.by_name.get(&name))
            .or_else(|| self.by_mac.get(&subject?.mac?))
            .or_else(|| self.by_address.get(&subject?.address?));
        let mut known = found.cloned().unwrap_or_default();
        let name = name.or(configured);
        let row = name.and_then(|name| self.inventory.as_deref()?.of(name));
        if let Some(row) = row {
            known.device_pool.clone_from(&row.device_pool);
            known.model = known.model.or_else(|| row.model.clone());
        }
        known
    }
}

fn facts(device: &Device) -> Known {
    let registration = &device.registration;
    let current = registration
        .current
        .as_ref()
        .map(|current| current.callmanager);
    Known::of(device, current.or(registration.last_callmanager))
}
