//! DHCP for IPv6: who asks, and who is given what.
//!
//! A phone with both IP versions looks for a server as long as it is up (RFC 8415, section 18.2.1), and in most networks
//! there is none. So what it asks is a step on its way only where it has nothing else.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};

use super::leases::{ClientIdentity, Seen};
use super::world::World;
use crate::event::EventKind;
use crate::net::MacAddr;
use crate::phone::boot::Step;
use crate::phone::dhcp::{Asked, DhcpTracker, Reply};
use crate::phone::{Device, DeviceId, Stage};
use crate::wire::dhcpv6::{Dhcpv6, MessageType};

/// Messages among which copies made by relays are found.
const REMEMBERED: usize = 64;

/// The last messages, by what makes two of them the same. How often a relay had wrapped it tells a copy from a repetition.
#[derive(Default)]
pub(super) struct RelayedMessages(VecDeque<(Message, usize)>);

/// The device, the type, the transaction, and for how long the client had been trying: a repetition says more.
type Message = (DeviceId, MessageType, u32, Option<u16>);

impl RelayedMessages {
    /// Whether the message was seen in another wrapping.
    fn is_copy(&mut self, message: Message, relays: usize) -> bool {
        let is_copy = self
            .0
            .iter()
            .any(|(known, wrapped)| *known == message && *wrapped != relays);
        if !is_copy {
            if self.0.len() >= REMEMBERED {
                self.0.pop_front();
            }
            self.0.push_back((message, relays));
        }
        is_copy
    }
}

impl World {
    /// Takes a datagram to or from a port of DHCP for IPv6.
    pub(super) fn dhcpv6(&mut self, payload: &[u8], seen: Seen<'_>) {
        let at = seen.at;
        let dhcp = match Dhcpv6::parse(payload) {
            Ok(dhcp) => dhcp,
            Err(error) => return self.decode_error("dhcpv6", error),
        };
        if matches!(dhcp.message_type, MessageType::Unknown(_)) {
            return;
        }
        let Some(mac) = dhcp.client_mac() else { return };
        if !dhcp.message_type.is_from_client() {
            self.sight.dhcpv6_server_heard(seen.source, seen.from);
            self.dhcpv6_service.heard(Some(seen.from));
        }
        let identity = identity(mac, &dhcp);
        let id = self.dhcp_client(mac, identity.newcomer(), at);
        let is_copy = id.is_some_and(|id| {
            let message = (id, dhcp.message_type, dhcp.transaction, dhcp.elapsed());
            self.relayed_messages.is_copy(message, dhcp.relays.len())
        });
        if is_copy {
            return;
        }
        let label = dhcp.message_type.label();
        if dhcp.message_type.is_from_client() {
            self.totals.dhcp_requests.add(label);
            if let Some(id) = id {
                self.dhcpv6_asked(id, &dhcp, &identity, seen);
            }
        } else {
            self.totals.dhcp_replies.add(label);
            if let Some(id) = id {
                self.dhcpv6_answered(id, &dhcp, seen);
            }
        }
    }

    fn dhcpv6_asked(
        &mut self,
        id: DeviceId,
        dhcp: &Dhcpv6<'_>,
        identity: &ClientIdentity,
        seen: Seen<'_>,
    ) {
        let at = seen.at;
        let threshold = self.settings.dhcp;
        let heard = seen.heard();
        let sender = seen.packet.link.map(|link| link.source);
        let is_on_its_segment = dhcp.relays.is_empty() && sender == dhcp.client_mac();
        let (mut asked, mut begins) = (Asked::Options, false);
        self.with(id, |device| {
            let known = device.dhcpv6.as_deref();
            let was_answered = known.is_some_and(|known| known.exchange.is_none());
            let tracker: &mut DhcpTracker = device.dhcpv6.get_or_insert_default();
            asked = tracker.asked_v6(dhcp, heard, threshold);
            begins = asked == Asked::Address && begins_with(device, dhcp);
            if begins && was_answered {
                let failures = device.failures();
                device.boot.dhcp_begins_anew(failures);
            }
            if asked == Asked::Address && is_on_its_segment {
                seen.asked_on_its_segment(device);
            }
        });
        if asked == Asked::GaveUp {
            // Who has the address now is somebody else.
            for leased in dhcp.addresses() {
                self.devices.leave_address(id, leased.address.into());
            }
            return;
        }
        self.client_identity(id, identity, at);
        if begins {
            if dhcp.message_type == MessageType::Solicit {
                self.restarted(id, at);
            }
            self.step(id, Step::Dhcp, Stage::Dhcp, at);
        }
    }

    fn dhcpv6_answered(&mut self, id: DeviceId, dhcp: &Dhcpv6<'_>, seen: Seen<'_>) {
        let (from, at) = (seen.from, seen.at);
        if dhcp.message_type == MessageType::Advertise {
            self.with(id, |device| {
                let tracker: &mut DhcpTracker = device.dhcpv6.get_or_insert_default();
                tracker.advertised(dhcp, from, at);
            });
            return;
        }
        let mut is_needed = false;
        let reply = self.with(id, |device| {
            let tracker: &mut DhcpTracker = device.dhcpv6.get_or_insert_default();
            let reply = tracker.replied(dhcp, from, at);
            is_needed = device.needs_dhcpv6();
            reply
        });
        match reply {
            Some(Reply::Gave(took)) => {
                if self.dhcpv6_service.served() {
                    self.site_changed(at);
                }
                if let Some(took) = took.filter(|_| is_needed && self.is_proven(id)) {
                    self.stage_took("dhcp", took);
                }
                self.dhcpv6_given(id, dhcp);
            }
            Some(Reply::Refused) if is_needed => self.tell(id, at, EventKind::DhcpRefused),
            Some(Reply::Refused | Reply::Told) | None => {}
        }
    }

    fn dhcpv6_given(&mut self, id: DeviceId, dhcp: &Dhcpv6<'_>) {
        let leased = dhcp.addresses().into_iter();
        let given = leased
            .filter(|leased| leased.valid > 0)
            .find(|leased| is_found_by(leased.address));
        // A registered phone is where it is registered from, which may be an address that it made itself.
        let is_settled = self.devices.device(id).is_some_and(|device| {
            device.registration.current.is_some()
                && device.address.is_some_and(|address| address.is_ipv6())
        });
        if let Some(given) = given.filter(|_| !is_settled) {
            self.devices.lease(id, IpAddr::V6(given.address));
        }
    }
}

/// What a client says of itself.
fn identity(mac: MacAddr, dhcp: &Dhcpv6<'_>) -> ClientIdentity {
    let name = dhcp.client_name();
    let label = name.as_deref().and_then(|name| name.split('.').next());
    ClientIdentity::new(mac, label, dhcp.phone_class())
}

/// Whether a phone that asks for an address begins its way to its CallManager with that.
///
/// A client without an address asks as long as it is up, whether it needs one or not. So it is taken to begin only where
/// it has nothing of IPv4, and either lives from what such a server gave it, or is seen to begin to ask and has not come
/// further.
fn begins_with(device: &Device, dhcp: &Dhcpv6<'_>) -> bool {
    if !device.needs_dhcpv6() {
        return false;
    }
    let given = device.dhcpv6.as_deref().and_then(|dhcp| dhcp.given);
    match (given, device.address) {
        (Some(given), Some(address)) => given == address,
        (Some(_), None) => true,
        (None, _) => match device.stage {
            Stage::Dhcp => true,
            // Its first message says that no time has passed (section 21.9).
            Stage::Unknown | Stage::Link => dhcp.elapsed() == Some(0),
            Stage::Dns
            | Stage::Tftp
            | Stage::Connecting
            | Stage::Registering
            | Stage::Rejected
            | Stage::Registered
            | Stage::Lost => false,
        },
    }
}

/// Whether a phone can be found by this address: those of a link alone are the same on many links.
pub(super) const fn is_found_by(address: Ipv6Addr) -> bool {
    !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && !address.is_unicast_link_local()
}
