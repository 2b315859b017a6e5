//! Which device is known by a name, a hardware address or a network address.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;

use crate::flow::keyed::Keyed;
use crate::phone::{Device, DeviceId};
use crate::snapshot::DeviceTable;

/// Devices by one of the things that each is known by.
///
/// It holds their ids and nothing else: what a device is known by stands in its record. So it takes a fraction of the
/// room of a map, and a device has to leave before its record says something else.
pub(super) struct DeviceIndex<K> {
    ids: HashTable<DeviceId>,
    hasher: Keyed,
    key_of: fn(&Device) -> Option<K>,
}

impl<K: Hash + Eq> DeviceIndex<K> {
    /// Empty; `key_of` tells from a record what its device is known by.
    pub(super) fn new(key_of: fn(&Device) -> Option<K>) -> Self {
        Self {
            ids: HashTable::new(),
            hasher: Keyed::default(),
            key_of,
        }
    }

    /// The device that is known by `key`.
    pub(super) fn find(&self, devices: &DeviceTable, key: &K) -> Option<&DeviceId> {
        self.ids.find(self.hasher.hash_one(key), |&id| {
            self.is_known_by(devices, id, key)
        })
    }

    /// From here on the device, whose record says so, is the one that is known by `key`.
    pub(super) fn insert(&mut self, devices: &DeviceTable, key: &K, id: DeviceId) {
        let hash = self.hasher.hash_one(key);
        let key_of = self.key_of;
        let is_it = |&known: &DeviceId| {
            devices
                .device(known)
                .and_then(|device| key_of(device))
                .as_ref()
                == Some(key)
        };
        if let Some(known) = self.ids.find_mut(hash, is_it) {
            *known = id;
            return;
        }
        let hasher = &self.hasher;
        self.ids.insert_unique(hash, id, |&known| {
            let key = devices.device(known).and_then(|device| key_of(device));
            key.map_or(0, |key| hasher.hash_one(key))
        });
    }

    /// The device is no longer known by `key`. Whether it was.
    pub(super) fn remove(&mut self, key: &K, id: DeviceId) -> bool {
        let hash = self.hasher.hash_one(key);
        let entry = self.ids.find_entry(hash, |&known| known == id);
        entry.is_ok_and(|entry| {
            entry.remove();
            true
        })
    }

    fn is_known_by(&self, devices: &DeviceTable, id: DeviceId, key: &K) -> bool {
        let known_by = devices.device(id).and_then(|device| (self.key_of)(device));
        known_by.as_ref() == Some(key)
    }
}
