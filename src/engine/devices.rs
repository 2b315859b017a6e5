//! Whose packet is it: the devices, and by what each of them is known.
//!
//! In order of strength: the SCCP name on a connection, the name in CDP or LLDP, the hardware address in DHCP, the name
//! in a requested file, ARP, the network address alone. A device that is known by its address only is provisional;
//! what was learned of it is merged into the named one when the name arrives. Several devices may share one address.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::admission::Displacement;
use super::device_index::DeviceIndex;
use super::second_addresses::{SecondAddresses, are_alike};
use crate::diagnosis::Directory;
use crate::net::{DeviceName, MacAddr};
use crate::phone::{Device, DeviceId, Pulse};
use crate::snapshot::DeviceTable;
use crate::time::Timestamp;

/// This many devices at one address are told apart; more is a proxy, where the address says nothing.
const SHARERS: usize = 16;

/// How many places in the queue of those that may go are looked at for room: the work for one newcomer is bounded.
const EVICTION_TRIES: usize = 64;

/// Who it is that nobody has seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newcomer {
    /// It may be anybody.
    Stranger,
    /// A phone, by its own word: one frame is enough to invent it.
    Phone,
    /// A device that a CallManager takes for registered, as its answer shows.
    Registered,
}

/// The devices and their indexes. Every index points at devices that exist.
///
/// Whoever is new is let in while there is room. Where somebody has to go for it, who registers is let in at once, and
/// others at a bounded rate; nobody goes who is registered. So each function that may have to make a device may find none.
pub(super) struct Devices {
    pub(super) table: DeviceTable,
    names: DeviceIndex<DeviceName>,
    /// Names that devices had before the ones they have.
    former_names: HashMap<DeviceName, DeviceId>,
    macs: DeviceIndex<MacAddr>,
    /// Who is alone at an address, which is nearly everyone.
    addresses: DeviceIndex<IpAddr>,
    /// Everyone at an address that several have used.
    shared_addresses: HashMap<IpAddr, Vec<DeviceId>>,
    /// Who has an address beside its own, of the other IP version.
    second_addresses: SecondAddresses,
    free: Vec<u32>,
    /// One past the last place that was ever used.
    used: u32,
    /// The highest generation of a place among those that an earlier run used.
    latest: u32,
    /// Everyone, in the order of arrival, for finding who may go when there is no room.
    queue: VecDeque<DeviceId>,
    strangers: usize,
    limit: usize,
    stranger_limit: usize,
    /// Places taken from anybody in a full table.
    displaced: Displacement,
    /// Places taken from strangers by strangers, where there are too many of them.
    displaced_strangers: Displacement,
    pub(super) evicted: u64,
    /// How often somebody nobody had seen before was turned away.
    pub(super) turned_away: u64,
    /// Devices that turned out to be others since anybody asked.
    pub(super) merged: Vec<(DeviceId, DeviceId)>,
}

impl Devices {
    /// At most `limit` devices, of which at most `stranger_limit` are not proven to be phones.
    pub(super) fn new(limit: usize, stranger_limit: usize) -> Self {
        Self {
            table: DeviceTable::default(),
            names: DeviceIndex::new(|device| device.name),
            former_names: HashMap::new(),
            macs: DeviceIndex::new(|device| device.mac),
            addresses: DeviceIndex::new(|device| device.address),
            shared_addresses: HashMap::new(),
            second_addresses: SecondAddresses::default(),
            free: Vec::new(),
            used: 0,
            latest: 0,
            queue: VecDeque::new(),
            strangers: 0,
            limit: limit.max(1),
            stranger_limit: stranger_limit.max(1),
            displaced: Displacement::default(),
            displaced_strangers: Displacement::default(),
            evicted: 0,
            turned_away: 0,
            merged: Vec::new(),
        }
    }

    pub(super) fn device(&self, id: DeviceId) -> Option<&Device> {
        self.table.device(id).map(AsRef::as_ref)
    }

    pub(super) fn device_mut(&mut self, id: DeviceId) -> Option<&mut Device> {
        self.table.device_mut(id)
    }

    pub(super) const fn strangers(&self) -> usize {
        self.strangers
    }

    pub(super) fn named(&self, name: DeviceName) -> Option<DeviceId> {
        self.names
            .find(&self.table, &name)
            .or_else(|| self.former_names.get(&name))
            .copied()
            .filter(|&id| self.table.device(id).is_some())
    }

    pub(super) fn with_mac(&self, mac: MacAddr) -> Option<DeviceId> {
        self.macs.find(&self.table, &mac).copied()
    }

    /// Everyone at an address; where nobody uses it, who has it beside the one it uses.
    pub(super) fn sharers(&self, address: IpAddr) -> &[DeviceId] {
        if let Some(only) = self.addresses.find(&self.table, &address) {
            return std::slice::from_ref(only);
        }
        match self.shared_addresses.get(&address) {
            Some(sharers) => sharers,
            None => self
                .second_addresses
                .owner(address)
                .map_or(&[], std::slice::from_ref),
        }
    }

    /// The device at an address, where there is exactly one.
    pub(super) fn at(&self, address: IpAddr) -> Option<DeviceId> {
        match self.sharers(address) {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// A device that is known by nothing but its address.
    pub(super) fn provisional(
        &mut self,
        address: IpAddr,
        newcomer: Newcomer,
        at: Timestamp,
    ) -> Option<DeviceId> {
        let anonymous = self.sharers(address).iter().copied().find(|&id| {
            self.device(id)
                .is_some_and(|device| device.name.is_none() && device.mac.is_none())
        });
        if anonymous.is_some() {
            return anonymous;
        }
        let id = self.create(newcomer, at)?;
        self.bind(id, address);
        Some(id)
    }

    /// The client with this hardware address, as DHCP, CDP or LLDP tell it.
    pub(super) fn client(
        &mut self,
        mac: MacAddr,
        newcomer: Newcomer,
        at: Timestamp,
    ) -> Option<DeviceId> {
        let known = self
            .with_mac(mac)
            .or_else(|| self.named(DeviceName::from_mac(mac)));
        if known.is_some() {
            return known;
        }
        let id = self.create(newcomer, at)?;
        if let Some(device) = self.device_mut(id) {
            device.mac = Some(mac);
        }
        self.macs.insert(&self.table, &mac, id);
        Some(id)
    }

    /// The device with this name, which is known to be at `address`.
    pub(super) fn identify(
        &mut self,
        name: DeviceName,
        address: Option<IpAddr>,
        newcomer: Newcomer,
        at: Timestamp,
    ) -> Option<DeviceId> {
        let by_name = self.named(name).or_else(|| self.with_mac(name.mac()?));
        let anonymous = address.and_then(|address| self.nameless_at(address, name));
        let id = match (by_name, anonymous) {
            (Some(id), Some(other)) if id != other => {
                self.merge(other, id);
                id
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => self.create(newcomer, at)?,
        };
        self.give_name(id, name);
        if let Some(address) = address {
            self.bind(id, address);
        }
        Some(id)
    }

    /// The device at `address` that has no name yet and could be the one called `name`.
    fn nameless_at(&self, address: IpAddr, name: DeviceName) -> Option<DeviceId> {
        self.sharers(address).iter().copied().find(|&id| {
            self.device(id).is_some_and(|device| {
                let same_mac = match (device.mac, name.mac()) {
                    (Some(mac), Some(named)) => mac == named,
                    (None, _) | (_, None) => true,
                };
                device.name.is_none() && same_mac
            })
        })
    }

    fn give_name(&mut self, id: DeviceId, name: DeviceName) {
        let Some(device) = self.table.device_mut(id) else {
            return;
        };
        let before = device.name.replace(name).filter(|&before| before != name);
        self.former_names.remove(&name);
        if let Some(before) = before
            && self.names.remove(&before, id)
        {
            self.former_names.insert(before, id);
        }
        // Those of devices that have left are still there.
        if self.former_names.len() > 2 * self.table.len() {
            let table = &self.table;
            self.former_names
                .retain(|_, &mut id| table.device(id).is_some());
        }
        self.names.insert(&self.table, &name, id);
        if let Some(mac) = name.mac() {
            self.set_mac(id, mac);
        }
    }

    fn set_mac(&mut self, id: DeviceId, mac: MacAddr) {
        let Some(device) = self.table.device_mut(id) else {
            return;
        };
        let before = device.mac.replace(mac).filter(|&before| before != mac);
        if let Some(before) = before {
            self.macs.remove(&before, id);
        }
        self.macs.insert(&self.table, &mac, id);
    }

    /// A device's hardware address is learned after all.
    pub(super) fn give_mac(&mut self, id: DeviceId, mac: MacAddr) {
        let has_one = self.device(id).is_none_or(|device| device.mac.is_some());
        if !has_one && self.with_mac(mac).is_none() {
            self.set_mac(id, mac);
        }
    }

    /// The device uses this address, and others may share it. It leaves the one it used before; one of the other IP
    /// version it keeps beside.
    pub(super) fn bind(&mut self, id: DeviceId, address: IpAddr) {
        let Some(device) = self.table.device(id) else {
            return;
        };
        if device.address == Some(address) {
            return;
        }
        let before = device.address;
        self.second_addresses.release(address);
        if let Some(before) = before {
            self.unbind(id, before);
            if !are_alike(before, address) && self.sharers(before).is_empty() {
                self.second_addresses.give(id, before);
            }
        }
        let sharers = self.sharers(address);
        if sharers.is_empty() {
            self.addresses.insert(&self.table, &address, id);
        } else {
            // One more; the first makes room where there are too many.
            let surplus = (sharers.len() + 1).saturating_sub(SHARERS);
            let sharers = sharers.iter().copied().chain([id]).skip(surplus).collect();
            if let Some(&only) = self.addresses.find(&self.table, &address) {
                self.addresses.remove(&address, only);
            }
            self.shared_addresses.insert(address, sharers);
        }
        if let Some(device) = self.table.device_mut(id) {
            device.address = Some(address);
        }
    }

    /// The device has this address, which may be one beside that of the other IP version that it uses.
    pub(super) fn have(&mut self, id: DeviceId, address: IpAddr) {
        let own = self.device(id).and_then(|device| device.address);
        if own.is_none_or(|own| are_alike(own, address)) {
            self.bind(id, address);
        } else if self.addresses.find(&self.table, &address).is_none()
            && !self.shared_addresses.contains_key(&address)
        {
            self.second_addresses.give(id, address);
        }
    }

    /// A DHCP server gave this address to the device, so nobody else has it. What was known of it by that address alone
    /// is known of the device.
    pub(super) fn lease(&mut self, id: DeviceId, address: IpAddr) {
        if self
            .second_addresses
            .owner(address)
            .is_some_and(|&owner| owner != id)
        {
            self.second_addresses.release(address);
        }
        for other in self.sharers(address).to_vec() {
            if other == id {
                continue;
            }
            let is_anonymous = self
                .device(other)
                .is_some_and(|other| other.name.is_none() && other.mac.is_none());
            if is_anonymous {
                self.merge(other, id);
            } else {
                self.leave_address(other, address);
            }
        }
        // A phone that has taken an IPv6 address may go on over IPv4.
        if address.is_ipv4() {
            self.bind(id, address);
        } else {
            self.have(id, address);
        }
    }

    /// The device no longer has an IPv4 address.
    pub(super) fn leave_v4(&mut self, id: DeviceId) {
        let own = self.device(id).and_then(|device| device.address);
        match own {
            Some(own) if own.is_ipv4() => self.leave_address(id, own),
            Some(_) => {
                self.second_addresses.take(id);
            }
            None => {}
        }
    }

    /// The device no longer has this address.
    pub(super) fn leave_address(&mut self, id: DeviceId, address: IpAddr) {
        if self.second_addresses.owner(address) == Some(&id) {
            self.second_addresses.release(address);
        }
        let Some(device) = self.device_mut(id) else {
            return;
        };
        if device.address != Some(address) {
            return;
        }
        device.address = None;
        self.unbind(id, address);
        // What it had beside is all that it has.
        if let Some(second) = self.second_addresses.take(id) {
            self.bind(id, second);
        }
    }

    fn unbind(&mut self, id: DeviceId, address: IpAddr) {
        if self.addresses.remove(&address, id) {
            return;
        }
        if let Some(sharers) = self.shared_addresses.get_mut(&address) {
            sharers.retain(|&sharer| sharer != id);
            if sharers.is_empty() {
                self.shared_addresses.remove(&address);
            }
        }
    }

    /// What is known of `from` is known of `into`.
    pub(super) fn merge(&mut self, from: DeviceId, into: DeviceId) {
        if from == into {
            return;
        }
        let pulse = self.table.pulse(from);
        let Some(other) = self.remove(from) else {
            return;
        };
        if let Some(own) = self.table.pulse_mut(into) {
            *own = own.joined(pulse);
        }
        self.merged.push((from, into));
        let address = other.address;
        let was_stranger = self.device(into).is_some_and(|device| !device.is_proven);
        if let Some(device) = self.table.device_mut(into) {
            let own_address = device.address;
            device.absorb(other);
            device.address = own_address;
            if was_stranger && device.is_proven {
                self.strangers -= 1;
            }
        }
        let own = self.device(into).and_then(|device| device.address);
        if let Some(address) = address
            && own.is_none_or(|own| !are_alike(own, address))
        {
            self.have(into, address);
        }
    }

    /// The device is proven to be an SCCP endpoint or a phone. Whether that is news.
    pub(super) fn prove(&mut self, id: DeviceId) -> bool {
        let Some(device) = self.table.device(id) else {
            return false;
        };
        if device.is_proven {
            return false;
        }
        if let Some(device) = self.table.device_mut(id) {
            device.is_proven = true;
        }
        self.strangers -= 1;
        true
    }

    fn create(&mut self, newcomer: Newcomer, at: Timestamp) -> Option<DeviceId> {
        if !self.make_room(newcomer, at) {
            self.turned_away += 1;
            return None;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.used += 1;
            self.used - 1
        });
        let device = Device {
            first_seen: at,
            stage_since: at,
            ..Device::default()
        };
        let id = self.table.insert(index, device);
        if let Some(pulse) = self.table.pulse_mut(id) {
            pulse.last_seen = at;
        }
        self.queue.push_back(id);
        self.strangers += 1;
        Some(id)
    }

    /// Takes back a device of an earlier run at the place it had; false where there is no room for it.
    pub(super) fn restore(&mut self, id: DeviceId, mut device: Device, pulse: Pulse) -> bool {
        let place = usize::try_from(id.index).unwrap_or(usize::MAX);
        let is_stranger = !device.is_proven;
        let has_room = self.table.len() < self.limit
            // A table that was larger once is not made as large again.
            && place < self.limit.saturating_mul(2)
            && !(is_stranger && self.strangers >= self.stranger_limit);
        let is_known = device.name.is_some_and(|name| self.named(name).is_some())
            || device.mac.is_some_and(|mac| self.with_mac(mac).is_some());
        if !has_room || is_known {
            return false;
        }
        let (name, mac, address) = (device.name, device.mac, device.address.take());
        if !self.table.restore(id, device, pulse) {
            return false;
        }
        self.strangers += usize::from(is_stranger);
        self.queue.push_back(id);
        self.used = self.used.max(id.index.saturating_add(1));
        self.latest = self.latest.max(id.generation);
        if let Some(name) = name {
            self.names.insert(&self.table, &name, id);
        }
        if let Some(mac) = mac {
            self.macs.insert(&self.table, &mac, id);
        }
        if let Some(address) = address {
            self.bind(id, address);
        }
        true
    }

    /// All are back: the places between them are free, under ids that no record of theirs can name.
    pub(super) fn restored(&mut self) {
        self.free = self.table.settle(self.used, self.latest.wrapping_add(1));
    }

    /// Sees to it that there is a place for one more, if it may have one.
    fn make_room(&mut self, newcomer: Newcomer, at: Timestamp) -> bool {
        // A phone is a stranger for as long as it takes to prove it, and takes no place from another one.
        let is_one_too_many =
            newcomer == Newcomer::Stranger && self.strangers >= self.stranger_limit;
        if is_one_too_many && !(self.displaced_strangers.allow(at) && self.displace(true)) {
            return false;
        }
        if self.table.len() >= self.limit {
            let is_let_in = newcomer == Newcomer::Registered || self.displaced.allow(at);
            if !is_let_in || !self.displace(false) {
                return false;
            }
        }
        // Those who left by a merge are still in the queue.
        if self.queue.len() > 2 * self.table.len() + EVICTION_TRIES {
            let table = &self.table;
            self.queue.retain(|&id| table.device(id).is_some());
        }
        true
    }

    /// Removes the stranger that came first or, where they are few and not only strangers may go, the first phone that is
    /// not registered. Whether one was found: nobody goes who is registered.
    fn displace(&mut self, only_strangers: bool) -> bool {
        // Where looking for a stranger would find none, none is looked for: a flood of names would have it done in vain
        // for each.
        let are_findable = self.strangers.saturating_mul(EVICTION_TRIES) >= self.table.len();
        let mut unregistered = None;
        for _ in 0..EVICTION_TRIES {
            let Some(id) = self.queue.pop_front() else {
                break;
            };
            let Some(device) = self.device(id) else {
                continue;
            };
            if !device.is_proven {
                self.evict(id);
                return true;
            }
            if !only_strangers && device.registration.current.is_none() {
                unregistered.get_or_insert(id);
            }
            self.queue.push_back(id);
            if unregistered.is_some() && !are_findable {
                break;
            }
        }
        if let Some(id) = unregistered {
            self.evict(id);
        }
        unregistered.is_some()
    }

    fn evict(&mut self, id: DeviceId) {
        if self.remove(id).is_some() {
            self.evicted += 1;
        }
    }

    fn remove(&mut self, id: DeviceId) -> Option<Device> {
        let device = self.table.remove(id)?;
        self.free.push(id.index);
        self.strangers -= usize::from(!device.is_proven);
        self.second_addresses.take(id);
        if let Some(name) = device.name {
            self.names.remove(&name, id);
        }
        if let Some(mac) = device.mac {
            self.macs.remove(&mac, id);
        }
        if let Some(address) = device.address {
            self.unbind(id, address);
        }
        Some(device)
    }
}

impl Directory for Devices {
    fn device(&self, id: DeviceId) -> Option<&Device> {
        self.device(id)
    }

    fn named(&self, name: DeviceName) -> Option<&Device> {
        Self::named(self, name).and_then(|id| Self::device(self, id))
    }
}
