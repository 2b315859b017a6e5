//! DHCP: who asks, and who is given what.

use std::net::IpAddr;

use super::world::World;
use crate::event::EventKind;
use crate::net::{DeviceName, MacAddr};
use crate::phone::boot::Step;
use crate::phone::dhcp::{Asked, DhcpTracker, Heard};
use crate::phone::{Device, DeviceId, Stage};
use crate::time::Timestamp;
use crate::wire::dhcp::{Dhcp, MessageType, PhoneClass};
use crate::wire::packet::Packet;

/// How a datagram of DHCP came by.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) at: Timestamp,
    pub(super) source: u16,
    /// Who sent the packet.
    pub(super) from: IpAddr,
    /// The packet that carried it.
    pub(super) packet: &'a Packet<'a>,
    /// Whether it went to everyone.
    pub(super) is_broadcast: bool,
}

impl Seen<'_> {
    /// Whether the client itself sent this frame, and no relay.
    fn is_from(&self, dhcp: &Dhcp<'_>) -> bool {
        let sender = self.packet.link.map(|link| link.source);
        sender == dhcp.hardware && dhcp.hops == 0 && dhcp.relay_address.is_unspecified()
    }

    /// How the client itself sent this frame, by which it asks for an address, to its switch.
    pub(super) fn asked_on_its_segment(&self, device: &mut Device) {
        let link = device.link.as_deref_mut();
        if let Some(vlans) = link.and_then(|link| link.vlans.as_deref_mut())
            && vlans.source == self.source
        {
            vlans.dhcp_sent(self.packet.vlans.ids(), self.at);
        }
    }
}

impl World {
    /// Takes a datagram to or from a DHCP port.
    pub(super) fn dhcp(&mut self, payload: &[u8], seen: Seen<'_>) {
        let at = seen.at;
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
            self.sight.dhcp_client_heard(seen.source, at);
            self.dhcp_asked(id, &dhcp, message_type, seen);
        } else {
            self.sight.dhcp_server_heard(seen.source);
            let server = dhcp.server_identifier().map(IpAddr::V4);
            self.dhcp_service.heard(server);
            self.dhcp_answered(id, &dhcp, message_type, at);
        }
    }

    fn dhcp_asked(
        &mut self,
        id: DeviceId,
        dhcp: &Dhcp<'_>,
        message_type: MessageType,
        seen: Seen<'_>,
    ) {
        let at = seen.at;
        let threshold = self.settings.dhcp;
        let heard = Heard {
            at,
            source: seen.source,
            tags: seen.packet.vlans,
            is_broadcast: seen.is_broadcast,
        };
        let is_on_its_segment = seen.is_from(dhcp);
        let asked = self.with(id, |device| {
            let known = device.dhcp.as_deref();
            let was_answered = known.is_some_and(|known| known.exchange.is_none());
            let tracker: &mut DhcpTracker = device.dhcp.get_or_insert_default();
            let asked = tracker.asked(dhcp, message_type, heard, threshold);
            if asked == Asked::Address && was_answered {
                let failures = device.failures();
                device.boot.dhcp_begins_anew(failures);
            }
            if asked == Asked::Address && is_on_its_segment {
                seen.asked_on_its_segment(device);
            }
            asked
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
            // Who has the address now is somebody else.
            Asked::GaveUp => self.devices.leave_v4(id),
            Asked::RelayedCopy | Asked::Renewal | Asked::Options => {}
        }
    }

    /// What a client says of itself: a class, and often its device name.
    fn dhcp_identity(&mut self, id: DeviceId, dhcp: &Dhcp<'_>, at: Timestamp) {
        let named = dhcp
            .host_name()
            .and_then(|name| name.parse::<DeviceName>().ok());
        self.client_identity(id, named, dhcp.hardware, &dhcp.phone_class(), at);
    }

    /// What a client of either version says of itself: a device name, which counts where it is that of its hardware
    /// address, and a class.
    pub(super) fn client_identity(
        &mut self,
        id: DeviceId,
        named: Option<DeviceName>,
        mac: Option<MacAddr>,
        class: &PhoneClass,
        at: Timestamp,
    ) {
        let named = named.filter(|name| name.mac().is_some() && name.mac() == mac);
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
                if self.dhcp_service.served() {
                    self.site_changed(at);
                }
                if let Some(took) = took.filter(|_| self.is_proven(id)) {
                    self.stage_took("dhcp", took);
                }
                if !dhcp.your_address.is_unspecified() {
                    self.devices.lease(id, IpAddr::V4(dhcp.your_address));
                }
            }
            MessageType::Nak => {
                self.with(id, |device| {
                    device.dhcp.get_or_insert_default().refused(dhcp, at);
                });
                self.tell(id, at, EventKind::DhcpRefused);
            }
            MessageType::Offer => {
                self.with(id, |device| {
                    device.dhcp.get_or_insert_default().offered(dhcp, at);
                });
            }
            MessageType::Discover
            | MessageType::Request
            | MessageType::Decline
            | MessageType::Release
            | MessageType::Inform
            | MessageType::Unknown(_) => {}
        }
    }
}
