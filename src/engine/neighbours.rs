//! CDP, LLDP-MED and ARP: what is said on a phone's own segment.

use std::net::IpAddr;

use super::world::World;
use crate::net::{DeviceName, MacAddr};
use crate::phone::Stage;
use crate::phone::boot::Step;
use crate::time::Timestamp;
use crate::wire::arp::Arp;
use crate::wire::cdp::Cdp;
use crate::wire::lldp::Lldp;

/// What a phone says of itself to its switch.
struct Announcement<'a> {
    name: Option<DeviceName>,
    mac: Option<MacAddr>,
    address: Option<IpAddr>,
    model: Option<String>,
    load: Option<&'a str>,
}

impl World {
    /// Takes a CDP frame.
    pub(super) fn cdp(&mut self, payload: &[u8], vlan: Option<u16>, at: Timestamp) {
        let cdp = match Cdp::parse(payload) {
            Ok(cdp) => cdp,
            Err(error) => return self.decode_error("cdp", error),
        };
        if cdp.is_phone() {
            let announcement = Announcement {
                name: cdp.device_name(),
                mac: None,
                address: cdp
                    .addresses
                    .iter()
                    .copied()
                    .find(|address| !address.is_unspecified()),
                model: cdp.model(),
                load: cdp.software_version.as_deref(),
            };
            self.announced(&announcement, vlan, at);
        }
    }

    /// Takes an LLDP frame.
    pub(super) fn lldp(&mut self, payload: &[u8], vlan: Option<u16>, at: Timestamp) {
        let lldp = match Lldp::parse(payload) {
            Ok(lldp) => lldp,
            Err(error) => return self.decode_error("lldp", error),
        };
        if lldp.is_phone() && !lldp.is_shutdown() {
            let announcement = Announcement {
                name: lldp.device_name(),
                mac: lldp.mac(),
                address: lldp
                    .management_addresses
                    .iter()
                    .copied()
                    .find(|address| !address.is_unspecified()),
                model: lldp.model(),
                load: lldp.load(),
            };
            self.announced(&announcement, vlan, at);
        }
    }

    fn announced(&mut self, announcement: &Announcement<'_>, vlan: Option<u16>, at: Timestamp) {
        let id = match (announcement.name, announcement.mac) {
            (Some(name), _) => self.devices.identify(name, None, at),
            (None, Some(mac)) => self.devices.client(mac, at),
            // A phone of another maker that gives neither is nobody who could be found again.
            (None, None) => return,
        };
        self.frame_of = Some(id);
        if let Some(address) = announcement.address {
            self.devices.bind(id, address);
        }
        self.with(id, |device| {
            device.looks_like_a_phone = true;
            if let Some(model) = &announcement.model {
                device.model = Some(model.as_str().into());
            }
            if let Some(load) = announcement.load.filter(|_| device.load.is_none()) {
                device.load = Some(load.into());
            }
            let link = device.link.get_or_insert_default();
            link.heard = Some(at);
            link.tag = vlan;
        });
        self.recount(id);
        self.prove(id, at);
        self.heard(id, at);
        self.step(id, Step::Link, Stage::Link, at);
    }

    /// Takes an ARP packet. It makes no device, but tells where a known one is.
    pub(super) fn arp(&mut self, arp: &Arp) {
        self.locate(arp);
        let by_mac = |mac| self.devices.with_mac(mac);
        self.frame_of = by_mac(arp.sender_mac).or_else(|| by_mac(arp.target_mac));
    }

    fn locate(&mut self, arp: &Arp) {
        let address = IpAddr::V4(arp.sender_address);
        if arp.sender_address.is_unspecified()
            || arp.sender_mac.is_multicast()
            || arp.sender_mac.is_zero()
        {
            return;
        }
        if let Some(id) = self.devices.with_mac(arp.sender_mac) {
            let moved = self
                .devices
                .device(id)
                .is_some_and(|device| device.address != Some(address));
            let is_registered = self
                .devices
                .device(id)
                .is_some_and(|device| device.registration.current.is_some());
            if moved && !is_registered {
                self.devices.bind(id, address);
            }
            return;
        }
        if let Some(id) = self.devices.at(address) {
            let is_anonymous = self
                .devices
                .device(id)
                .is_some_and(|device| device.name.is_none() && device.mac.is_none());
            if is_anonymous {
                self.devices.give_mac(id, arp.sender_mac);
            }
        }
    }
}
