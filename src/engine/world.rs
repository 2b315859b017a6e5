//! What all of the engine's parts share: devices, servers, names, sums and events.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use super::claims::Stations;
use super::devices::Devices;
use super::judgement::SiteFindings;
use super::last_inferred::LastInferred;
use super::leases_v6::RelayedMessages;
use super::restore::Restart;
use super::settings::{KnownServer, Settings};
use super::timers::Timers;
use crate::event::{Event, EventKind, Subject};
use crate::phone::boot::Step;
use crate::phone::callmanager::CallManagerGroup;
use crate::phone::dhcp::DhcpService;
use crate::phone::link::Segment;
use crate::phone::service::{Service, ServiceKind};
use crate::phone::sight::Sight;
use crate::phone::tally::Tally;
use crate::phone::unseen::Shown;
use crate::phone::{CallManager, Device, DeviceId, Role, Stage};
use crate::snapshot::Totals;
use crate::time::Timestamp;
use crate::wire::DecodeError;

/// Lists of servers that are kept once for all phones that share them; more than these are kept phone by phone.
const SHARED_GROUPS: usize = 4096;

/// Servers whose TFTP transfers are counted apart.
const TFTP_SERVERS: usize = 64;

/// DNS and TFTP servers of which it is known whether they serve anybody.
const SERVICES: usize = 1024;

pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) devices: Devices,
    pub(super) servers: BTreeMap<IpAddr, Arc<CallManager>>,
    /// The DNS and TFTP servers that phones asked.
    pub(super) services: BTreeMap<(ServiceKind, IpAddr), Service>,
    /// Addresses of names, in lower case, as DNS answered them to phones.
    pub(super) names: HashMap<String, IpAddr>,
    groups: HashSet<Arc<CallManagerGroup>>,
    pub(super) totals: Totals,
    /// Whose the frame at hand is, once that is known.
    pub(super) frame_of: Option<DeviceId>,
    pub(super) timers: Timers,
    pub(super) device_timers: HashMap<DeviceId, Timestamp>,
    events: VecDeque<Event>,
    /// What the sensor could see.
    pub(super) sight: Sight,
    /// The DHCP service as all phones meet it.
    pub(super) dhcp_service: DhcpService,
    pub(super) dhcpv6_service: DhcpService,
    pub(super) relayed_messages: RelayedMessages,
    pub(super) last_inferred: LastInferred,
    /// What each capture source shows of switches and phones.
    pub(super) segments: Vec<Segment<DeviceId>>,
    pub(super) stations: Stations,
    pub(super) site_findings: SiteFindings,
    /// What is known from before this run.
    pub(super) restart: Restart,
    /// Devices of which facts changed since they were judged.
    pub(super) touched: Vec<DeviceId>,
}

impl World {
    pub(super) fn new(settings: Settings) -> Self {
        let devices = Devices::new(settings.limits.devices, settings.limits.strangers);
        let mut world = Self {
            devices,
            servers: BTreeMap::new(),
            services: BTreeMap::new(),
            names: HashMap::new(),
            groups: HashSet::new(),
            totals: Totals::default(),
            frame_of: None,
            timers: Timers::default(),
            device_timers: HashMap::new(),
            events: VecDeque::new(),
            sight: Sight::default(),
            dhcp_service: DhcpService::default(),
            dhcpv6_service: DhcpService::default(),
            relayed_messages: RelayedMessages::default(),
            last_inferred: LastInferred::default(),
            segments: Vec::new(),
            stations: Stations::default(),
            site_findings: SiteFindings::default(),
            restart: Restart::default(),
            touched: Vec::new(),
            settings,
        };
        world.name_servers();
        world
    }

    /// Servers get the names and roles of the configuration.
    fn name_servers(&mut self) {
        for known in self.settings.callmanagers.clone() {
            if let Some(server) = self.server(known.address, Timestamp::EPOCH) {
                server.name = known.name.map(Into::into).or(server.name.take());
                server.configured_role = known.role;
            }
        }
    }

    /// The configuration names other servers than before.
    pub(super) fn rename_servers(&mut self, callmanagers: Vec<KnownServer>) {
        let before = std::mem::replace(&mut self.settings.callmanagers, callmanagers);
        for known in before {
            if let Some(server) = self.servers.get_mut(&known.address).map(Arc::make_mut) {
                server.configured_role = Role::Unknown;
                // One that was seen on the wire stays.
                if server.name.as_deref() == known.name.as_deref() {
                    server.name = None;
                }
            }
        }
        self.name_servers();
        let registered: Vec<DeviceId> = self
            .devices
            .table
            .iter()
            .filter(|(_, device)| device.registration.current.is_some())
            .map(|(id, _)| id)
            .collect();
        for id in registered {
            self.refresh_role(id);
        }
    }

    // --- sums ---

    pub(super) fn decode_error(&mut self, protocol: &'static str, error: DecodeError) {
        tally_of(&mut self.totals.decode_errors, protocol).add(error.reason());
    }

    pub(super) fn transfer_ended(&mut self, server: IpAddr, result: &'static str) {
        let transfers = &mut self.totals.tftp_transfers;
        if transfers.len() < TFTP_SERVERS || transfers.iter().any(|(known, _)| *known == server) {
            tally_of(transfers, server).add(result);
        } else {
            self.totals.evicted.add("tftp_servers");
        }
    }

    pub(super) fn stage_took(&mut self, stage: &'static str, took: std::time::Duration) {
        if let Some((_, histogram)) = self
            .totals
            .boot_stages
            .iter_mut()
            .find(|(name, _)| *name == stage)
        {
            histogram.observe(took);
        }
    }

    // --- events ---

    pub(super) fn emit(&mut self, at: Timestamp, device: Option<DeviceId>, kind: EventKind) {
        let subject = device
            .and_then(|id| self.devices.device(id))
            .map(|device| Subject {
                name: device.name,
                mac: device.mac,
                address: device.address,
            });
        if self.events.len() >= self.settings.limits.events {
            self.events.pop_front();
            self.totals.evicted.add("events");
        }
        self.events.push_back(Event { at, subject, kind });
    }

    /// An event of a device; nothing is told of devices that are not shown.
    pub(super) fn tell(&mut self, id: DeviceId, at: Timestamp, kind: EventKind) {
        if self.is_proven(id) {
            self.emit(at, Some(id), kind);
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    // --- devices ---

    /// The frame at hand is of the device at this address, where there is exactly one.
    pub(super) fn frame_is_of_address(&mut self, address: IpAddr) {
        self.frame_of = self.frame_of.or_else(|| self.devices.at(address));
    }

    /// Changes facts of a device, if it is still there, and sees to it that it is judged anew.
    pub(super) fn with<R>(
        &mut self,
        id: DeviceId,
        change: impl FnOnce(&mut Device) -> R,
    ) -> Option<R> {
        self.touch(id);
        self.devices.device_mut(id).map(change)
    }

    pub(super) fn heard(&mut self, id: DeviceId, at: Timestamp) {
        // Some frames at once need not write more than once; the time is kept to the second.
        let last_seen = self.devices.table.pulse(id).last_seen;
        if (at.since(last_seen).as_secs() >= 1 || self.restart.is_old_news(last_seen))
            && let Some(pulse) = self.devices.table.pulse_mut(id)
        {
            pulse.last_seen = at;
        }
    }

    /// Whether anything proves that this is an SCCP endpoint or a phone.
    pub(super) fn is_proven(&self, id: DeviceId) -> bool {
        self.devices
            .device(id)
            .is_some_and(|device| device.is_proven)
    }

    /// The device is proven to be an SCCP endpoint or a phone.
    pub(super) fn prove(&mut self, id: DeviceId, at: Timestamp) {
        if self.devices.prove(id) {
            self.emit(at, Some(id), EventKind::DeviceFound);
        }
    }

    /// The device is somewhere else on its way.
    pub(super) fn set_stage(&mut self, id: DeviceId, stage: Stage, at: Timestamp) {
        let Some(from) = self.devices.device(id).map(|device| device.stage) else {
            return;
        };
        if from == stage {
            return;
        }
        self.with(id, |device| {
            device.stage = stage;
            device.stage_since = at;
        });
        self.tell(id, at, EventKind::StageChanged { from, to: stage });
    }

    /// The device takes a step of the boot chain before it is registered. A registered device may renew its lease, look
    /// up a name or fetch a file without being anywhere else.
    pub(super) fn step(&mut self, id: DeviceId, step: Step, stage: Stage, at: Timestamp) {
        if step > Step::Dhcp {
            self.dhcp_went_on(id, None, at);
        }
        let Some(device) = self.devices.device(id) else {
            return;
        };
        if device.registration.current.is_some() {
            return;
        }
        // CDP goes on whatever the phone does.
        let is_news = step != Step::Link || device.stage == Stage::Unknown;
        self.with(id, |device| {
            device.step(step, at);
            if step > Step::Dhcp {
                let both = [&mut device.dhcp, &mut device.dhcpv6];
                for dhcp in both.into_iter().flatten() {
                    dhcp.moved_on();
                }
            }
        });
        if is_news {
            self.set_stage(id, stage, at);
        }
    }

    // --- servers and roles ---

    /// The CallManagers of which the sensor has seen anything.
    pub(super) fn with_shown<R>(&self, question: impl FnOnce(Shown<'_>) -> R) -> R {
        question(Shown {
            callmanagers: &self.servers,
            address_of: &|name| self.address_of(name),
        })
    }

    /// The record of a CallManager, made if there is room.
    pub(super) fn server(&mut self, address: IpAddr, at: Timestamp) -> Option<&mut CallManager> {
        let is_full = self.servers.len() >= self.settings.limits.callmanagers;
        if is_full && !self.servers.contains_key(&address) {
            self.totals.evicted.add("callmanagers");
            return None;
        }
        let server = self
            .servers
            .entry(address)
            .or_insert_with(|| Arc::new(CallManager::new(address, at)));
        Some(Arc::make_mut(server))
    }

    /// The record of a DNS or TFTP server, made if there is room.
    pub(super) fn service(&mut self, kind: ServiceKind, address: IpAddr) -> Option<&mut Service> {
        let key = (kind, address);
        if self.services.len() >= SERVICES && !self.services.contains_key(&key) {
            self.totals.evicted.add("services");
            return None;
        }
        Some(self.services.entry(key).or_default())
    }

    /// An answer of the server was seen on this source.
    pub(super) fn answer_seen(&mut self, kind: ServiceKind, address: IpAddr, source: u16) {
        self.sight.both_directions_seen(source, address);
        if let Some(service) = self.services.get_mut(&(kind, address)) {
            service.note_seen(source);
        }
    }

    /// The server served a phone.
    pub(super) fn service_served(&mut self, kind: ServiceKind, address: IpAddr, at: Timestamp) {
        if self
            .service(kind, address)
            .is_some_and(|service| service.note_served(at))
        {
            self.site_changed(at);
        }
    }

    /// What `server` is to the device: by the phone's own list, else by the configuration.
    pub(super) fn role(&self, id: DeviceId, server: IpAddr) -> Role {
        let group = self
            .devices
            .device(id)
            .and_then(|device| device.group.as_ref());
        let by_list = group.map_or(Role::Unknown, |group| {
            group.role(server, &|name| self.address_of(name))
        });
        if by_list != Role::Unknown {
            return by_list;
        }
        self.servers
            .get(&server)
            .map_or(Role::Unknown, |server| server.configured_role)
    }

    /// The address of a server's name: as DNS gave it, or as the configuration pairs them. A phone may add its domain
    /// to a short name before it asks.
    pub(super) fn address_of(&self, name: &str) -> Option<IpAddr> {
        let name = name.to_ascii_lowercase();
        let first_label = |name: &str| name.split('.').next().map(str::to_owned);
        let by_dns = self.names.get(&name).copied();
        by_dns
            .or_else(|| first_label(&name).and_then(|label| self.names.get(&label).copied()))
            .or_else(|| {
                let server = self.servers.values().find(|server| {
                    server
                        .name
                        .as_ref()
                        .is_some_and(|known| known.eq_ignore_ascii_case(&name))
                });
                server.map(|server| server.address)
            })
    }

    /// DNS answered a phone that this name has this address. It is found by its full name and by its first label.
    pub(super) fn name_learned(&mut self, name: &str, address: IpAddr) {
        let name = name.to_ascii_lowercase();
        let label = name.split('.').next().map(str::to_owned);
        for name in std::iter::once(name).chain(label) {
            if self.names.len() >= self.settings.limits.dns_names && !self.names.contains_key(&name)
            {
                self.totals.evicted.add("dns_names");
                continue;
            }
            self.names.insert(name, address);
        }
    }

    /// The device tries its servers in this order.
    pub(super) fn group_learned(&mut self, id: DeviceId, group: CallManagerGroup) {
        if group.members.is_empty() {
            return;
        }
        let is_known = self
            .devices
            .device(id)
            .is_some_and(|device| device.group.as_deref() == Some(&group));
        if is_known {
            return;
        }
        let shared = self.shared_group(group);
        self.with(id, |device| {
            let had_another = device.group.replace(shared).is_some();
            let history = device.history.as_mut().filter(|_| had_another);
            if let Some(pace) = history.and_then(|history| history.pace.as_mut()) {
                pace.list_changed = true;
            }
        });
        self.refresh_role(id);
        self.settle_slow_boot(id);
    }

    /// The list, kept once for all who have the same.
    pub(super) fn shared_group(&mut self, group: CallManagerGroup) -> Arc<CallManagerGroup> {
        if let Some(shared) = self.groups.get(&group) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(group);
        if self.groups.len() < SHARED_GROUPS {
            self.groups.insert(Arc::clone(&shared));
        }
        shared
    }

    /// The role of the server at which the device is registered may have become known.
    pub(super) fn refresh_role(&mut self, id: DeviceId) {
        let current = self
            .devices
            .device(id)
            .and_then(|device| device.registration.current);
        let Some(current) = current else { return };
        let role = self.role(id, current.callmanager);
        if role != current.role {
            self.with(id, |device| {
                if let Some(current) = &mut device.registration.current {
                    current.role = role;
                }
            });
        }
    }
}

fn tally_of<K: PartialEq>(tallies: &mut Vec<(K, Tally)>, key: K) -> &mut Tally {
    let place = tallies
        .iter()
        .position(|(known, _)| *known == key)
        .unwrap_or_else(|| {
            tallies.push((key, Tally::default()));
            tallies.len() - 1
        });
    #[expect(clippy::indexing_slicing, reason = "the place was just found or made")]
    &mut tallies[place].1
}
