//! DHCP: who asks, and who is given what.

use std::net::IpAddr;

use super::world::World;
use crate::event::EventKind;
use crate::net::DeviceName;
use crate::phone::boot::Step;
use crate::phone::dhcp::{Asked, DhcpTracker};
use crate::phone::{DeviceId, Stage};
use crate::time::Timestamp;
use crate::wire::dhcp::{Dhcp, MessageType, PhoneClass};

impl World {
    /// Takes a datagram to or from a DHCP port.
    pub(super) fn dhcp(&mut self, payload: &[u8], at: Timestamp) {
        let dhcp = match Dhcp::parse(payload) {
            Ok(dhcp) => dhcp,
            Err(error) => return self.decode_error("dhcp", error),
        };
        let (Some(message_type), Some(mac)) = (dhcp.message_type(), dhcp.hardware) else {
            return;
        };
        if mac.is_multicast() || mac.is_zero() {
            return;
        }
        let id = self.devices.client(mac, at);
        self.frame_of = Some(id);
        self.heard(id, at);
        if message_type.is_from_client() {
            self.dhcp_asked(id, &dhcp, message_type, at);
        } else {
            self.dhcp_answered(id, &dhcp, message_type, at);
        }
    }

    fn dhcp_asked(
        &mut self,
        id: DeviceId,
        dhcp: &Dhcp<'_>,
        message_type: MessageType,
        at: Timestamp,
    ) {
        let threshold = self.settings.dhcp;
        let asked = self.with(id, |device| {
            let tracker: &mut DhcpTracker = device.dhcp.get_or_insert_default();
            tracker.asked(dhcp, message_type, at, threshold)
        });
        let Some(asked) = asked.filter(|&asked| asked != Asked::RelayedCopy) else {
            return;
        };
        self.totals.dhcp_requests.add(message_type.label());
        self.dhcp_identity(id, dhcp, at);
        match asked {
            Asked::Address => {
                // A phone that looks for a server has lost everything it had: it has restarted, whatever its
                // CallManager still believes.
                if message_type == MessageType::Discover {
                    self.restarted(id, at);
                }
                self.step(id, Step::Dhcp, Stage::Dhcp, at);
            }
            Asked::RelayedCopy | Asked::Renewal | Asked::Options | Asked::GaveUp => {}
        }
    }

    /// What a client says of itself: a class, and often its device name.
    fn dhcp_identity(&mut self, id: DeviceId, dhcp: &Dhcp<'_>, at: Timestamp) {
        let named = dhcp
            .host_name()
            .and_then(|name| name.parse::<DeviceName>().ok());
        let named = named.filter(|name| name.mac().is_some() && name.mac() == dhcp.hardware);
        let class = dhcp.phone_class();
        if named.is_none() && !matches!(class, PhoneClass::Phone { .. }) {
            return;
        }
        if let Some(name) = named {
            self.devices.identify(name, None, at);
        }
        self.with(id, |device| {
            device.looks_like_a_phone = true;
            if let Some(model) = class.model() {
                device.model = Some(model.into());
            }
        });
        self.recount(id);
        self.prove(id, at);
    }

    fn dhcp_answered(
        &mut self,
        id: DeviceId,
        dhcp: &Dhcp<'_>,
        message_type: MessageType,
        at: Timestamp,
    ) {
        let is_copy = self.with(id, |device| {
            device
                .dhcp
                .get_or_insert_default()
                .is_relayed_answer(dhcp, message_type, at)
        });
        if is_copy != Some(false) {
            return;
        }
        self.totals.dhcp_replies.add(message_type.label());
        match message_type {
            MessageType::Ack => {
                let took = self
                    .with(id, |device| {
                        device.dhcp.get_or_insert_default().acknowledged(dhcp, at)
                    })
                    .flatten();
                if let Some(took) = took.filter(|_| self.is_proven(id)) {
                    self.stage_took("dhcp", took);
                }
                if !dhcp.your_address.is_unspecified() {
                    self.devices.lease(id, IpAddr::V4(dhcp.your_address));
                }
            }
            MessageType::Nak => {
                self.with(id, |device| device.dhcp.get_or_insert_default().refused());
                self.tell(id, at, EventKind::DhcpRefused);
            }
            MessageType::Discover
            | MessageType::Offer
            | MessageType::Request
            | MessageType::Decline
            | MessageType::Release
            | MessageType::Inform
            | MessageType::Unknown(_) => {}
        }
    }
}
