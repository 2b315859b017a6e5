//! The servers: the report's `callmanagers`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use serde::Serialize;

use super::{Counts, counts};
use crate::phone::callmanager::CallManagerGroup;
use crate::phone::{Acknowledges, CallManager, Histogram, Role};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::wire::sep_config::Host;

/// One CallManager.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallManagerEntry {
    /// Its address.
    pub address: IpAddr,
    /// Its name, from the configuration or off the wire.
    pub name: Option<String>,
    /// Its role for every phone: as configured, else what the lists of all phones agree on.
    pub priority: Role,
    /// Devices registered with it at the end.
    pub registered: u64,
    /// Registrations it acknowledged.
    pub registrations: u64,
    /// Registrations it refused.
    pub rejects: u64,
    /// From a keepalive to its acknowledgment, in seconds.
    pub keepalive_rtt_seconds: Quantiles,
    /// How it acknowledges keepalives, where that is known.
    pub acknowledges: Option<Acknowledges>,
    /// Phones among the devices registered with it at the end.
    pub registered_phones: u64,
    /// Registrations by kind.
    pub registrations_by_kind: Counts,
    /// Rejects by reason.
    pub rejects_by_reason: Counts,
    /// Ends of registrations by cause.
    pub unregistrations_by_cause: Counts,
    /// Keepalive gaps by the side that fell silent.
    pub keepalive_gaps_by_direction: Counts,
    /// TCP connection attempts by their end.
    pub tcp_connects: Counts,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When a frame from it was last seen.
    pub last_heard: Option<Timestamp>,
}

/// Estimates from a histogram; none where nothing was counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half of them took at most so long.
    pub p50: Option<f64>,
    /// Of a hundred, 99 took at most so long.
    pub p99: Option<f64>,
    /// How many there were.
    pub count: u64,
}

impl CallManagerEntry {
    /// One server; `priority` is its role for every phone.
    pub fn new(callmanager: &CallManager, priority: Role) -> Self {
        Self {
            address: callmanager.address,
            name: callmanager.name.as_deref().map(str::to_owned),
            priority,
            registered: callmanager.registered,
            registrations: callmanager.registrations.total(),
            rejects: callmanager.rejects.total(),
            keepalive_rtt_seconds: Quantiles::of(&callmanager.keepalive_rtt),
            acknowledges: callmanager.acknowledges,
            registered_phones: callmanager.registered_phones,
            registrations_by_kind: counts(&callmanager.registrations),
            rejects_by_reason: counts(&callmanager.rejects),
            unregistrations_by_cause: counts(&callmanager.unregistrations),
            keepalive_gaps_by_direction: counts(&callmanager.keepalive_gaps),
            tcp_connects: counts(&callmanager.tcp_connects),
            first_seen: callmanager.first_seen,
            last_heard: callmanager.last_heard,
        }
    }

    /// Every server, by address.
    pub fn all(snapshot: &Snapshot) -> Vec<Self> {
        let agreed = AgreedRoles::of(snapshot);
        let mut entries: Vec<_> = snapshot
            .callmanagers
            .iter()
            .map(|callmanager| {
                let priority = if callmanager.configured_role == Role::Unknown {
                    agreed.role(callmanager.address)
                } else {
                    callmanager.configured_role
                };
                Self::new(callmanager, priority)
            })
            .collect();
        entries.sort_by_key(|entry| entry.address);
        entries
    }
}

impl Quantiles {
    fn of(histogram: &Histogram) -> Self {
        // An interpolated estimate is not exact to the microsecond; more digits would only look like it.
        let quantile = |share| {
            histogram
                .quantile(share)
                .map(|seconds| (seconds * 1e6).round() / 1e6)
        };
        Self {
            p50: quantile(0.5),
            p99: quantile(0.99),
            count: histogram.count(),
        }
    }
}

/// What the phones' own lists say of each server; `None` where they contradict each other.
struct AgreedRoles(HashMap<IpAddr, Option<Role>>);

impl AgreedRoles {
    fn of(snapshot: &Snapshot) -> Self {
        // The lists may name servers that a CallManager is known by; the engine's own answers from DNS show in the
        // role of the present registration.
        let addresses: HashMap<String, IpAddr> = snapshot
            .callmanagers
            .iter()
            .filter_map(|known| Some((known.name.as_deref()?.to_ascii_lowercase(), known.address)))
            .collect();
        let address_of = |name: &str| addresses.get(&name.to_ascii_lowercase()).copied();
        let mut agreed = Self(HashMap::new());
        let mut groups: HashSet<&CallManagerGroup> = HashSet::new();
        for device in snapshot.shown() {
            if let Some(current) = device.registration.current {
                agreed.note(current.callmanager, current.role);
            }
            let Some(group) = device.group.as_deref() else {
                continue;
            };
            // Phones of one device pool share one list.
            if !groups.insert(group) {
                continue;
            }
            for host in group.members.iter().chain(&group.srst) {
                let address = match host {
                    Host::Address(address) => Some(*address),
                    Host::Name(name) => address_of(name),
                };
                if let Some(address) = address {
                    agreed.note(address, group.role(address, &address_of));
                }
            }
        }
        agreed
    }

    fn note(&mut self, server: IpAddr, role: Role) {
        if role == Role::Unknown {
            return;
        }
        match self.0.entry(server) {
            Entry::Vacant(vacant) => {
                vacant.insert(Some(role));
            }
            Entry::Occupied(mut known) => {
                if *known.get() != Some(role) {
                    known.insert(None);
                }
            }
        }
    }

    fn role(&self, server: IpAddr) -> Role {
        self.0.get(&server).copied().flatten().unwrap_or_default()
    }
}
