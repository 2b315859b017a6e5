//! The other address of phones that have one of each IP version.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::phone::DeviceId;

/// What devices have beside the address they were last seen to use, which is of the other IP version: one each at most,
/// so that there are never more of them than devices.
#[derive(Debug, Default)]
pub(super) struct SecondAddresses {
    owners: HashMap<IpAddr, DeviceId>,
    addresses: HashMap<DeviceId, IpAddr>,
}

impl SecondAddresses {
    /// Whose it is.
    pub(super) fn owner(&self, address: IpAddr) -> Option<&DeviceId> {
        self.owners.get(&address)
    }

    /// The device has this one beside its own, and nobody else has.
    pub(super) fn give(&mut self, id: DeviceId, address: IpAddr) {
        self.release(address);
        if let Some(before) = self.addresses.insert(id, address) {
            self.owners.remove(&before);
        }
        self.owners.insert(address, id);
    }

    /// Nobody has this one beside its own.
    pub(super) fn release(&mut self, address: IpAddr) {
        if let Some(id) = self.owners.remove(&address) {
            self.addresses.remove(&id);
        }
    }

    /// What the device has beside its own is no longer its.
    pub(super) fn take(&mut self, id: DeviceId) -> Option<IpAddr> {
        let address = self.addresses.remove(&id)?;
        self.owners.remove(&address);
        Some(address)
    }
}

/// Whether both are of one IP version.
pub(super) const fn are_alike(one: IpAddr, other: IpAddr) -> bool {
    one.is_ipv4() == other.is_ipv4()
}
