//! CDP and LLDP-MED: what is said on a phone's own segment.

use std::net::IpAddr;

use super::devices::Newcomer;
use super::world::World;
use crate::net::{DeviceName, MacAddr};
use crate::phone::boot::Step;
use crate::phone::link::{LinkFacts, Segment, Teller, Vlans};
use crate::phone::{DeviceId, Stage};
use crate::time::Timestamp;
use crate::wire::cdp::Cdp;
use crate::wire::lldp::{Identifier, Lldp};
use crate::wire::packet::VlanTags;

/// What a phone says of itself to its switch.
struct Announcement<'a> {
    name: Option<DeviceName>,
    mac: Option<MacAddr>,
    address: Option<IpAddr>,
    model: Option<String>,
    load: Option<&'a str>,
    /// The voice VLAN that it says it was given.
    voice_vlan: Option<u16>,
}

/// How CDP or LLDP came by.
#[derive(Clone, Copy)]
pub(super) struct Neighbour<'a> {
    pub(super) at: Timestamp,
    pub(super) source: u16,
    pub(super) tags: &'a VlanTags,
}

/// Capture sources of which the segment is followed.
const SEGMENTS: usize = 64;

impl World {
    /// Takes a CDP frame.
    pub(super) fn cdp(&mut self, payload: &[u8], frame: Neighbour<'_>) {
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
                voice_vlan: None,
            };
            self.announced(&announcement, frame);
        } else if let Some(vlan) = cdp.voice_vlan {
            let port = format!(
                "{} {}",
                cdp.device_id.as_deref().unwrap_or_default(),
                cdp.port_id.as_deref().unwrap_or_default()
            );
            self.switch_announced(port, vlan, Teller::SwitchCdp, frame);
        }
    }

    /// Takes an LLDP frame.
    pub(super) fn lldp(&mut self, payload: &[u8], frame: Neighbour<'_>) {
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
                voice_vlan: lldp.voice_vlan(),
            };
            self.announced(&announcement, frame);
        } else if let Some(vlan) = lldp.voice_vlan().filter(|_| !lldp.is_shutdown()) {
            let port = format!(
                "{} {}",
                lldp.system_name.as_deref().unwrap_or_default(),
                lldp.port
                    .as_ref()
                    .map_or_else(String::new, Identifier::to_string)
            );
            self.switch_announced(port, vlan, Teller::SwitchLldp, frame);
        }
    }

    /// A switch tells the voice VLAN of a port. It is that of a phone where only this port and one phone are seen.
    fn switch_announced(&mut self, port: String, vlan: u16, by: Teller, frame: Neighbour<'_>) {
        let Some(segment) = self.segment(frame.source) else {
            return;
        };
        segment.port(by, port, frame.at);
        let Some(id) = segment.only_phone(frame.at) else {
            return;
        };
        if (1..=4094).contains(&vlan) {
            self.with(id, |device| {
                if let Some(link) = device.link.as_deref_mut() {
                    told(link, vlan, by, frame);
                }
            });
        }
    }

    fn segment(&mut self, source: u16) -> Option<&mut Segment<DeviceId>> {
        let place = usize::from(source);
        if place >= SEGMENTS {
            return None;
        }
        if self.segments.len() <= place {
            self.segments.resize_with(place + 1, Segment::default);
        }
        self.segments.get_mut(place)
    }

    fn announced(&mut self, announcement: &Announcement<'_>, frame: Neighbour<'_>) {
        let (at, vlan) = (frame.at, frame.tags.vlan());
        let id = match (announcement.name, announcement.mac) {
            (Some(name), _) => self.devices.identify(name, None, Newcomer::Phone, at),
            (None, Some(mac)) => self.devices.client(mac, Newcomer::Phone, at),
            // A phone of another maker that gives neither is nobody who could be found again.
            (None, None) => None,
        };
        let Some(id) = id else { return };
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
            let vlans: &mut Vlans = link.vlans.get_or_insert_default();
            vlans.source = frame.source;
            vlans.added_tags = frame.tags.ids().len();
            if let Some(vlan) = announcement.voice_vlan {
                told(link, vlan, Teller::PhoneLldp, frame);
            }
        });
        if let Some(segment) = self.segment(frame.source) {
            segment.phone(id, at);
        }
        self.recount(id);
        self.prove(id, at);
        self.heard(id, at);
        self.step(id, Step::Link, Stage::Link, at);
    }
}

fn told(link: &mut LinkFacts, vlan: u16, by: Teller, frame: Neighbour<'_>) {
    link.voice_vlan = Some(vlan);
    link.vlans.get_or_insert_default().told(vlan, by, frame.at);
}
