//! DHCP: who asks, and who is given what.

use std::net::IpAddr;

use super::devices::Newcomer;
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

    /// How the client's message was heard.
    pub(super) const fn heard(&self) -> Heard {
        Heard {
            at: self.at,
            source: self.source,
            tags: self.packet.vlans,
            is_broadcast: self.is_broadcast,
        }
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

/// What a client of either version says of itself: a class, and often its device name.
pub(super) struct ClientIdentity {
    name: Option<DeviceName>,
    class: PhoneClass,
}

impl ClientIdentity {
    /// Of the client with this hardware address. A name counts where it is that of the address.
    pub(super) fn new(mac: MacAddr, host_name: Option<&str>, class: PhoneClass) -> Self {
        let name = host_name.and_then(|name| name.parse::<DeviceName>().ok());
        Self {
            name: name.filter(|name| name.mac() == Some(mac)),
            class,
        }
    }

    /// Whether it makes the client a phone.
    pub(super) const fn newcomer(&self) -> Newcomer {
        match (self.name, &self.class) {
            (Some(_), _) | (_, PhoneClass::Phone { .. }) => Newcomer::Phone,
            (None, PhoneClass::MaybePhone | PhoneClass::No) => Newcomer::Stranger,
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
        if message_type.is_from_client() {
            self.sight.dhcp_client_heard(seen.source, at);
            if let Some(server) = dhcp.server_identifier() {
                self.dhcp_service.heard(Some(server.into()));
            }
            let identity =
                ClientIdentity::new(mac, dhcp.host_name().as_deref(), dhcp.phone_class());
            match self.dhcp_client(mac, identity.newcomer(), at) {
                Some(id) => self.dhcp_asked(id, &dhcp, message_type, &identity, seen),
                None => self.totals.dhcp_requests.add(message_type.label()),
            }
        } else {
            let server = dhcp.server_identifier().map(IpAddr::V4);
            self.sight.dhcp_server_heard(seen.source, seen.from, server);
            self.dhcp_service.heard(server);
            match self.dhcp_client(mac, Newcomer::Stranger, at) {
                Some(id) => self.dhcp_answered(id, &dhcp, message_type, at),
                None => self.totals.dhcp_replies.add(message_type.label()),
            }
        }
    }

    /// Whose lease a message is about, if there is room for that client.
    pub(super) fn dhcp_client(
        &mut self,
        mac: MacAddr,
        newcomer: Newcomer,
        at: Timestamp,
    ) -> Option<DeviceId> {
        let id = self.devices.client(mac, newcomer, at)?;
        self.frame_of = Some(id);
        self.heard(id, at);
        Some(id)
    }

    fn dhcp_asked(
        &mut self,
        id: DeviceId,
        dhcp: &Dhcp<'_>,
        message_type: MessageType,
        identity: &ClientIdentity,
        seen: Seen<'_>,
    ) {
        let at = seen.at;
        let threshold = self.settings.dhcp;
        let heard = seen.heard();
        let is_on_its_segment = seen.is_from(dhcp);
        if message_type == MessageType::Discover {
            self.dhcp_went_on(id, Some(dhcp.transaction), at);
        }
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
        self.client_identity(id, identity, at);
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

    /// Notes what a client of either version says of itself.
    pub(super) fn client_identity(
        &mut self,
        id: DeviceId,
        identity: &ClientIdentity,
        at: Timestamp,
    ) {
        if identity.newcomer() == Newcomer::Stranger {
            return;
        }
        if let Some(name) = identity.name {
            self.devices.identify(name, None, Newcomer::Phone, at);
        }
        self.with(id, |device| {
            device.looks_like_a_phone = true;
            if let Some(model) = identity.class.model() {
                device.model = Some(model.into());
            }
        });
        self.recount(id);
        self.prove(id, at);
    }

    /// A client does something else than ask on, or begins `anew` with this transaction. Where answers of its server are
    /// not seen, that may be all that tells of one.
    pub(super) fn dhcp_went_on(&mut self, id: DeviceId, anew: Option<u32>, at: Timestamp) {
        let Some(device) = self.devices.device(id) else {
            return;
        };
        let was_answered = |dhcp: Option<&DhcpTracker>| {
            let exchange = dhcp.and_then(|dhcp| dhcp.exchange.as_deref());
            exchange.is_some_and(|exchange| {
                let is_seen = exchange
                    .server
                    .is_some_and(|server| self.sight.sees_answers_of(exchange.source, server));
                !is_seen
                    && exchange.seems_answered()
                    && anew.is_none_or(|transaction| exchange.is_another(transaction))
            })
        };
        let was_answered_v4 = was_answered(device.dhcp.as_deref());
        let was_answered_v6 = anew.is_none() && was_answered(device.dhcpv6.as_deref());
        let had_waiting = was_answered_v4 && self.dhcp_service.served();
        let had_waiting_v6 = was_answered_v6 && self.dhcpv6_service.served();
        if had_waiting || had_waiting_v6 {
            self.site_changed(at);
        }
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
