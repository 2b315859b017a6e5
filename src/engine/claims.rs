//! ARP and neighbour discovery: who claims which address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::leases_v6::is_found_by;
use super::world::World;
use crate::net::MacAddr;
use crate::phone::claims::{Claims, Place, is_shared_by_routers};
use crate::time::Timestamp;
use crate::wire::arp::Arp;
use crate::wire::neighbour_discovery::{NeighbourDiscovery, NeighbourKind};
use crate::wire::packet::IpPacket;

/// Stations whose claims are remembered; when there are more, all are forgotten.
const STATIONS: usize = 8192;

/// A station that claimed another address within this time speaks for others: a router, or one that does proxy ARP.
const SEVERAL: Duration = Duration::from_secs(600);

/// What each station, by its hardware address, last claimed.
#[derive(Default)]
pub(super) struct Stations(HashMap<MacAddr, Station>);

struct Station {
    address: Ipv4Addr,
    at: Timestamp,
    /// When it last claimed another address than the time before.
    several: Option<Timestamp>,
}

impl Stations {
    /// A station claims an address. Whether it does so for itself only, as far as is known.
    fn claims(&mut self, mac: MacAddr, address: Ipv4Addr, at: Timestamp) -> bool {
        if self.0.len() >= STATIONS && !self.0.contains_key(&mac) {
            self.0.clear();
        }
        let station = self.0.entry(mac).or_insert(Station {
            address,
            at,
            several: None,
        });
        if station.address != address && at.since(station.at) < SEVERAL {
            station.several = Some(at);
        }
        station.address = address;
        station.at = at;
        station
            .several
            .is_none_or(|several| at.since(several) >= SEVERAL)
    }
}

impl World {
    /// Takes an ARP packet. It makes no device, but tells where a known one is.
    pub(super) fn arp(&mut self, arp: &Arp, place: Place, at: Timestamp) {
        self.locate(arp, place, at);
        let by_mac = |mac| self.devices.with_mac(mac);
        self.frame_of = by_mac(arp.sender_mac).or_else(|| by_mac(arp.target_mac));
    }

    /// Takes a message of neighbour discovery, likewise.
    pub(super) fn neighbour_discovery(&mut self, message: &NeighbourDiscovery, ip: &IpPacket<'_>) {
        /// What no router has passed on (RFC 4861, section 7.1).
        const OF_THE_LINK: u8 = 255;

        let Some(mac) = message.mac.filter(|_| ip.hop_limit == OF_THE_LINK) else {
            return;
        };
        if mac.is_multicast() || mac.is_zero() {
            return;
        }
        self.frame_of = self.devices.with_mac(mac);
        let claimed = match message.kind {
            NeighbourKind::Solicitation => ip.source,
            // A router may answer for others.
            NeighbourKind::Advertisement { router: true } => return,
            NeighbourKind::Advertisement { router: false } => message.target.into(),
        };
        if let IpAddr::V6(address) = claimed
            && is_found_by(address)
        {
            self.located(mac, claimed);
        }
    }

    fn locate(&mut self, arp: &Arp, place: Place, at: Timestamp) {
        if arp.sender_address.is_unspecified()
            || arp.sender_mac.is_multicast()
            || arp.sender_mac.is_zero()
        {
            return;
        }
        self.claimed(arp.sender_mac, arp.sender_address, place, at);
        self.located(arp.sender_mac, arp.sender_address.into());
    }

    /// The station with this hardware address claims an address.
    fn located(&mut self, mac: MacAddr, address: IpAddr) {
        if let Some(id) = self.devices.with_mac(mac) {
            let Some(device) = self.devices.device(id) else {
                return;
            };
            // A registered phone is where it is registered from; only of the other IP version there is something to learn.
            let is_free = device.registration.current.is_none()
                || device
                    .address
                    .is_some_and(|own| own.is_ipv4() != address.is_ipv4());
            if is_free {
                self.devices.have(id, address);
            }
            return;
        }
        if let Some(id) = self.devices.at(address) {
            let is_anonymous = self
                .devices
                .device(id)
                .is_some_and(|device| device.name.is_none() && device.mac.is_none());
            if is_anonymous {
                self.devices.give_mac(id, mac);
            }
        }
    }

    /// Compares the claim with where the devices are.
    fn claimed(&mut self, mac: MacAddr, address: Ipv4Addr, place: Place, at: Timestamp) {
        let speaks_for_itself = self.stations.claims(mac, address, at);
        for id in self.devices.sharers(address.into()).to_vec() {
            let Some(device) = self.devices.device(id).filter(|device| device.is_proven) else {
                continue;
            };
            let Some(own) = device.mac else { continue };
            let known = device.link.as_deref().and_then(|link| link.claims.as_ref());
            if own == mac {
                if known.is_some() {
                    self.with(id, |device| {
                        if let Some(claims) = device
                            .link
                            .as_deref_mut()
                            .and_then(|link| link.claims.as_mut())
                        {
                            claims.defended(address, place, at);
                        }
                    });
                }
                continue;
            }
            if is_shared_by_routers(mac) {
                continue;
            }
            if !speaks_for_itself {
                // It claims others' addresses as well: what it claimed before was no more its own.
                let is_his = known.is_some_and(|claims| claims.other == mac);
                if is_his {
                    self.with(id, |device| {
                        if let Some(link) = &mut device.link {
                            link.claims = None;
                        }
                    });
                }
                continue;
            }
            self.with(id, |device| {
                let claims = &mut device.link.get_or_insert_default().claims;
                match claims {
                    Some(claims) => claims.claimed(address, mac, place, at),
                    None => *claims = Some(Box::new(Claims::new(address, mac, place, at))),
                }
            });
        }
    }
}
