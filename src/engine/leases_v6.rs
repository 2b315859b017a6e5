//! DHCP for IPv6: which address a phone is given, and what it says of itself.
//!
//! Nothing is concluded from answers that are missing: a phone with both IP versions looks for a server as long as it is
//! up (RFC 8415, section 18.2.1), and in most networks there is none.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};

use super::leases::ClientIdentity;
use super::world::World;
use crate::net::MacAddr;
use crate::phone::DeviceId;
use crate::time::Timestamp;
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
    pub(super) fn dhcpv6(&mut self, payload: &[u8], at: Timestamp) {
        let dhcp = match Dhcpv6::parse(payload) {
            Ok(dhcp) => dhcp,
            Err(error) => return self.decode_error("dhcpv6", error),
        };
        if matches!(dhcp.message_type, MessageType::Unknown(_)) {
            return;
        }
        let Some(mac) = dhcp.client_mac() else { return };
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
        } else {
            self.totals.dhcp_replies.add(label);
        }
        let Some(id) = id else { return };
        match dhcp.message_type {
            MessageType::Reply => self.dhcpv6_given(id, &dhcp),
            // Who has the address now is somebody else.
            MessageType::Release | MessageType::Decline => {
                for leased in dhcp.addresses() {
                    self.devices.leave_address(id, leased.address.into());
                }
            }
            MessageType::Solicit
            | MessageType::Request
            | MessageType::Confirm
            | MessageType::Renew
            | MessageType::Rebind
            | MessageType::InformationRequest => self.client_identity(id, &identity, at),
            MessageType::Advertise | MessageType::Unknown(_) => {}
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
        if let Some(given) = given.filter(|_| dhcp.status() == 0 && !is_settled) {
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

/// Whether a phone can be found by this address: those of a link alone are the same on many links.
pub(super) const fn is_found_by(address: Ipv6Addr) -> bool {
    !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && !address.is_unicast_link_local()
}
