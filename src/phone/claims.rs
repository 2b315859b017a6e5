//! Who else claims a device's address (ARP).

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::net::MacAddr;
use crate::time::Timestamp;

/// Claims of one address by the device and by another one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claims {
    /// The address.
    pub address: Ipv4Addr,
    /// The other's hardware address.
    pub other: MacAddr,
    /// When the other first claimed it.
    pub first: Timestamp,
    /// When the other last claimed it.
    pub last: Timestamp,
    /// When the device itself claimed it after the other had: an address that has moved is claimed by one only.
    pub defended: Option<Timestamp>,
    place: Place,
}

/// Where a claim is heard: the same address may be used in several networks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(default)]
pub struct Place {
    /// The capture source.
    pub source: u16,
    /// The VLAN.
    pub vlan: Option<u16>,
}

impl Claims {
    /// Claims further apart have nothing to do with each other.
    const TOGETHER: Duration = Duration::from_secs(600);

    /// Another device claims the address.
    pub fn new(address: Ipv4Addr, other: MacAddr, place: Place, at: Timestamp) -> Self {
        Self {
            address,
            other,
            first: at,
            last: at,
            defended: None,
            place,
        }
    }

    /// Another device claims the address again.
    pub fn claimed(&mut self, address: Ipv4Addr, other: MacAddr, place: Place, at: Timestamp) {
        let goes_on = (self.address, self.other, self.place) == (address, other, place)
            && at.since(self.last) < Self::TOGETHER;
        if goes_on {
            self.last = at;
        } else {
            *self = Self::new(address, other, place, at);
        }
    }

    /// The device itself claims the address.
    pub fn defended(&mut self, address: Ipv4Addr, place: Place, at: Timestamp) {
        if (self.address, self.place) == (address, place) && at.since(self.last) < Self::TOGETHER {
            self.defended = Some(at);
        }
    }
}

/// Whether several routers share this hardware address for an address of their own: HSRP, VRRP or GLBP.
pub const fn is_shared_by_routers(mac: MacAddr) -> bool {
    matches!(
        mac.0,
        [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _]
            | [0x00, 0x00, 0x0c, 0x07, 0xac, _]
            | [0x00, 0x00, 0x0c, 0x9f, 0xf0..=0xff, _]
            | [0x00, 0x05, 0x73, 0xa0..=0xaf, _, _]
            | [0x00, 0x07, 0xb4, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 7);
    const OTHER: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);

    #[test]
    fn only_an_address_that_is_claimed_again_is_claimed_by_two() {
        let at = Timestamp::from_secs;
        let here = Place::default();
        let elsewhere = Place {
            vlan: Some(20),
            ..here
        };
        let mut claims = Claims::new(ADDRESS, OTHER, here, at(10));
        claims.defended(ADDRESS, elsewhere, at(11));
        assert_eq!(claims.defended, None, "another network");
        claims.defended(Ipv4Addr::new(10, 1, 1, 8), here, at(11));
        assert_eq!(claims.defended, None, "another address");
        claims.defended(ADDRESS, here, at(1000));
        assert_eq!(claims.defended, None, "much later");
        claims.defended(ADDRESS, here, at(12));
        assert_eq!(claims.defended, Some(at(12)));
        claims.claimed(ADDRESS, MacAddr([2, 0, 0, 0, 0, 8]), here, at(13));
        assert_eq!((claims.first, claims.defended), (at(13), None));
    }

    #[test]
    fn addresses_of_router_groups_are_known() {
        for (mac, shared) in [
            ([0, 0, 0x5e, 0, 1, 7], true),
            ([0, 0, 0x0c, 0x07, 0xac, 1], true),
            ([0, 0, 0x0c, 0x9f, 0xf0, 1], true),
            ([0, 0x07, 0xb4, 0, 1, 1], true),
            ([0, 0, 0x0c, 0x07, 0xad, 1], false),
            ([0, 0x13, 0x80, 1, 2, 3], false),
        ] {
            assert_eq!(is_shared_by_routers(MacAddr(mac)), shared, "{mac:x?}");
        }
    }
}
