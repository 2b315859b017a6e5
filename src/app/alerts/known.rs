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
use crate::site::Sites;
use crate::snapshot::Snapshot;

/// The devices that some events are about.
#[derive(Default)]
pub(super) struct KnownDevices {
    by_name: HashMap<DeviceName, Known>,
    by_mac: HashMap<MacAddr, Known>,
    by_address: HashMap<IpAddr, Known>,
    inventory: Option<Arc<Inventory>>,
    sites: Arc<Sites>,
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
            sites: Arc::clone(&snapshot.sites),
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
        // A server stands somewhere too.
        let address = subject.map_or_else(|| of_server(event), |subject| subject.address);
        let site = self.sites.of(address, known.device_pool.as_deref());
        known.site = site.map(Into::into);
        known
    }
}

/// The address of the server that this event is about.
fn of_server(event: &Event) -> Option<IpAddr> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other event is about something else"
    )]
    match &event.kind {
        EventKind::FindingRaised { about, .. } | EventKind::FindingCleared { about, .. } => {
            about.as_ref()?.address()
        }
        _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Subject;
    use crate::finding::{Finding, Severity};
    use crate::inventory::Inventory;
    use crate::site::Site;
    use crate::time::Timestamp;

    fn raised(subject: Option<Subject>, about: Option<finding::Subject>) -> Event {
        let at = Timestamp::from_secs(1);
        let finding = Finding {
            code: "any",
            severity: Severity::Info,
            since: at,
            raised: at,
            last_seen: at,
            cleared: None,
            count: 1,
            summary: String::new(),
            evidence: Vec::new(),
            remedy: &[],
            reference: "",
            server: None,
            explained_by: &[],
        };
        let finding = Arc::new(finding);
        Event {
            at,
            subject,
            kind: EventKind::FindingRaised { about, finding },
        }
    }

    #[test]
    fn a_device_and_a_server_stand_at_a_site() {
        let name = DeviceName::from_wire(b"SEP001380AD9E5F").unwrap();
        let list = b"Device Name,Device Pool\nSEP001380AD9E5F,DP-Lyon\n";
        let site = |name: &str, subnet: &str, pool: &str| Site {
            name: name.into(),
            subnets: vec![subnet.parse().unwrap()],
            device_pools: vec![pool.into()],
        };
        let sites = [
            site("Lyon", "10.1.0.0/16", "DP-Lyon"),
            site("Nice", "10.2.0.0/16", "DP-Nice"),
        ];
        let snapshot = Snapshot {
            inventory: Some(Arc::new(Inventory::parse(list).unwrap())),
            sites: Arc::new(Sites::new(&sites)),
            ..Snapshot::default()
        };
        let phone = |name, address: Option<&str>| {
            let address = address.map(|it| it.parse().unwrap());
            let subject = Subject {
                name,
                mac: None,
                address,
            };
            raised(Some(subject), None)
        };
        let server = "10.2.0.1".parse().unwrap();
        for (event, site) in [
            (phone(None, Some("10.1.2.3")), Some("Lyon")),
            (phone(Some(name), Some("10.2.2.3")), Some("Nice")),
            (phone(Some(name), Some("10.3.2.3")), Some("Lyon")),
            (phone(Some(name), None), Some("Lyon")),
            (phone(None, Some("10.3.2.3")), None),
            (
                raised(None, Some(finding::Subject::Configured(name))),
                Some("Lyon"),
            ),
            (
                raised(None, Some(finding::Subject::CallManager(server))),
                Some("Nice"),
            ),
            (raised(None, Some(finding::Subject::Sensor)), None),
        ] {
            let happening = Happening {
                event,
                evidence: None,
            };
            let known = KnownDevices::of(std::slice::from_ref(&happening), &snapshot);
            let event = &happening.event;
            assert_eq!(known.of_event(event).site.as_deref(), site, "{event:?}");
        }
        let known = KnownDevices::of(&[], &Snapshot::default());
        assert_eq!(known.of_event(&phone(Some(name), None)).site, None);
    }
}
