//! The fleet's DHCP over IPv6 (RFC 8415): each message of the one version as one of the other.
//!
//! ```text
//! DISCOVER, OFFER         SOLICIT, ADVERTISE          option 150           suboption 1 of Cisco's vendor options
//! REQUEST, ACK            REQUEST, REPLY              vendor class, name   the same
//! REQUEST that renews     RENEW                       router, mask         none: routers tell of themselves
//! REQUEST to everyone     REBIND                      giaddr               RELAY-FORW, RELAY-REPL
//! NAK                     REPLY with NoBinding        DECLINE, RELEASE     the same, and a REPLY to each
//! ```
//!
//! Clients speak to all servers of their link, in a group; so a router has to relay renewals too.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::boot::SERVICES;
use super::headers::{
    DESTINATION_MAC, SOURCE_MAC, UDP, UDP_PAYLOAD, array, is_ipv4, with_ports, word,
};
use super::headers::{DESTINATION_PORT, SOURCE_PORT};
use super::ipv6::v6;
use super::router::relay_of;
use super::script::Host;
use crate::net::MacAddr;
use crate::wire::dhcp::{self, Dhcp, DhcpBuilder, Option150};
use crate::wire::dhcpv6::{CISCO, CLIENT_PORT, Dhcpv6Builder, MessageType, SERVER_PORT, code};
use crate::wire::packet::encode::{EthernetFrame, Ipv4};

/// All servers and relays of a link, and the hardware address that stands for them.
const SERVERS: Ipv6Addr = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 1, 2);
const SERVERS_MAC: MacAddr = MacAddr([0x33, 0x33, 0, 1, 0, 2]);

/// A message on its way.
pub(super) struct Datagram {
    pub(super) macs: [MacAddr; 2],
    pub(super) addresses: [Ipv6Addr; 2],
    pub(super) ports: [u16; 2],
    pub(super) payload: Vec<u8>,
}

/// The message of DHCP for IPv6 that stands for the one in this untagged frame.
pub(super) fn told(frame: &[u8]) -> Option<Datagram> {
    let dhcp = dhcp_of(frame)?;
    let mac = dhcp.hardware?;
    let (from, to): (MacAddr, MacAddr) = (
        MacAddr(array(frame, SOURCE_MAC)),
        MacAddr(array(frame, DESTINATION_MAC)),
    );
    let message = message(&dhcp, mac)?;
    let client = link_local(mac);
    let relay = v6(relay_of(frame));
    let relayed = |to_server| message.clone().relayed(to_server, 0, relay, client).build();
    let is_asked = dhcp.message_type()?.is_from_client();
    let server = server_of(&dhcp);
    let is_relayed = if is_asked {
        from != mac
    } else {
        to != mac && to != EthernetFrame::BROADCAST
    };
    Some(match (is_asked, is_relayed) {
        (true, false) => Datagram {
            macs: [mac, SERVERS_MAC],
            addresses: [client, SERVERS],
            ports: [CLIENT_PORT, SERVER_PORT],
            payload: message.build(),
        },
        (true, true) => Datagram {
            macs: [from, to],
            addresses: [relay, v6(SERVICES.address)],
            ports: [SERVER_PORT; 2],
            payload: relayed(true),
        },
        (false, false) => Datagram {
            macs: [from, mac],
            addresses: [link_local(server.mac), client],
            ports: [SERVER_PORT, CLIENT_PORT],
            payload: message.build(),
        },
        (false, true) => Datagram {
            macs: [from, to],
            addresses: [v6(server.address), relay],
            ports: [SERVER_PORT; 2],
            payload: relayed(false),
        },
    })
}

/// The server's answer to a client that gives its address back, which DHCP for IPv4 has not: as a message of that.
pub(super) fn confirmation(frame: &[u8]) -> Option<Vec<u8>> {
    let dhcp = dhcp_of(frame)?;
    let gives_up = [dhcp::MessageType::Decline, dhcp::MessageType::Release];
    let mac = dhcp.hardware?;
    if !gives_up.contains(&dhcp.message_type()?) {
        return None;
    }
    let answer = DhcpBuilder::new(dhcp::MessageType::Ack, dhcp.transaction ^ GIVES_UP, mac)
        .addresses(dhcp::code::SERVER_IDENTIFIER, &[SERVICES.address]);
    let header = EthernetFrame::new(SERVICES.mac, mac);
    let ip = Ipv4 {
        hop_limit: SERVICES.hop_limit,
        ..Ipv4::new(SERVICES.address, Ipv4Addr::BROADCAST)
    };
    let ports = (dhcp::SERVER_PORT, dhcp::CLIENT_PORT);
    Some(header.udp(&ip, ports.0, ports.1, &answer.build()))
}

/// A REQUEST is another transaction than the SOLICIT, and so is what gives the address back.
const REQUESTS: u32 = 0x80_0000;
const GIVES_UP: u32 = 0x40_0000;

fn dhcp_of(frame: &[u8]) -> Option<Dhcp<'_>> {
    let ports = [word(frame, SOURCE_PORT), word(frame, DESTINATION_PORT)];
    let is_dhcp = is_ipv4(frame)
        && with_ports(frame) == Some(UDP)
        && ports
            .iter()
            .any(|port| [dhcp::CLIENT_PORT, dhcp::SERVER_PORT].contains(port));
    let payload = frame.get(UDP_PAYLOAD..).filter(|_| is_dhcp)?;
    Dhcp::parse(payload).ok()
}

fn message(dhcp: &Dhcp<'_>, mac: MacAddr) -> Option<Dhcpv6Builder> {
    let requests = dhcp.transaction ^ REQUESTS;
    let of_server = |message_type, transaction| {
        Dhcpv6Builder::new(message_type, transaction)
            .client(mac)
            .server(server_of(dhcp).mac)
    };
    Some(match dhcp.message_type()? {
        dhcp::MessageType::Discover => {
            let solicit = Dhcpv6Builder::new(MessageType::Solicit, dhcp.transaction).client(mac);
            of_client(solicit, dhcp).no_address()
        }
        dhcp::MessageType::Request => {
            let renews = !dhcp.client_address.is_unspecified();
            let asks_all = dhcp.server_identifier().is_none() && !renews;
            let message = match (renews, asks_all) {
                (true, _) => of_server(MessageType::Renew, requests),
                (false, true) => Dhcpv6Builder::new(MessageType::Rebind, requests).client(mac),
                (false, false) => of_server(MessageType::Request, requests),
            };
            of_client(message, dhcp).address(v6(own_address(dhcp)), 0)
        }
        dhcp::MessageType::Offer => {
            given(of_server(MessageType::Advertise, dhcp.transaction), dhcp)
        }
        dhcp::MessageType::Ack if dhcp.your_address.is_unspecified() => {
            of_server(MessageType::Reply, requests).option(code::STATUS_CODE, &[0, 0])
        }
        dhcp::MessageType::Ack => given(of_server(MessageType::Reply, requests), dhcp),
        dhcp::MessageType::Nak => {
            const NO_BINDING: u16 = 3;
            of_server(MessageType::Reply, requests).refused_address(NO_BINDING)
        }
        dhcp::MessageType::Decline => {
            of_server(MessageType::Decline, requests ^ GIVES_UP).address(v6(own_address(dhcp)), 0)
        }
        dhcp::MessageType::Release => {
            of_server(MessageType::Release, requests ^ GIVES_UP).address(v6(own_address(dhcp)), 0)
        }
        dhcp::MessageType::Inform | dhcp::MessageType::Unknown(_) => return None,
    })
}

fn own_address(dhcp: &Dhcp<'_>) -> Ipv4Addr {
    let asked = dhcp.requested_address();
    asked.unwrap_or(dhcp.client_address)
}

/// The server that a message names, or the fleet's own.
fn server_of(dhcp: &Dhcp<'_>) -> Host {
    let server = dhcp.server_identifier().unwrap_or(SERVICES.address);
    let [.., last] = server.octets();
    Host::server(last)
}

/// What a client that asks says of itself.
fn of_client(message: Dhcpv6Builder, dhcp: &Dhcp<'_>) -> Dhcpv6Builder {
    let elapsed = dhcp.seconds.saturating_mul(100);
    let mut message = message
        .option(code::ELAPSED_TIME, &elapsed.to_be_bytes())
        .requested(&[code::VENDOR_OPTIONS, code::DNS_SERVERS]);
    if let Some(class) = dhcp.vendor_class() {
        message = message.vendor_class(CISCO, class.as_bytes());
    }
    if let Some(name) = dhcp.host_name() {
        message = message.client_name(&name);
    }
    message
}

/// What a server gives.
fn given(message: Dhcpv6Builder, dhcp: &Dhcp<'_>) -> Dhcpv6Builder {
    let seconds = dhcp.lease_time().map_or(0, |time| time.as_secs());
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let mut message = message.address(v6(dhcp.your_address), seconds);
    let dns_servers: Vec<u8> = dhcp.dns_servers().into_iter().flat_map(octets).collect();
    if !dns_servers.is_empty() {
        message = message.option(code::DNS_SERVERS, &dns_servers);
    }
    match dhcp.tftp_servers().option_150 {
        Some(Option150::Addresses(addresses)) => {
            let list: Vec<u8> = addresses.into_iter().flat_map(octets).collect();
            message.tftp_servers(&list)
        }
        Some(Option150::Text(text)) => {
            let address = text.parse().map_or(Ipv6Addr::UNSPECIFIED, v6);
            message.tftp_servers(address.to_string().as_bytes())
        }
        Some(Option150::WrongLength(length)) => {
            let [first @ .., _] = octets(SERVICES.address);
            message.tftp_servers(first.get(..length).unwrap_or(&first))
        }
        None => message,
    }
}

fn octets(address: Ipv4Addr) -> [u8; 16] {
    if address.is_unspecified() {
        return [0; 16];
    }
    v6(address).octets()
}

/// The address of a link that a station makes of its hardware address (RFC 4291, appendix A).
fn link_local(mac: MacAddr) -> Ipv6Addr {
    const LINK: [u8; 8] = [0xFE, 0x80, 0, 0, 0, 0, 0, 0];
    let [first, second, third, own @ ..] = mac.0;
    let maker = [first ^ 2, second, third];
    let octets = [&LINK[..], &maker, &[0xFF, 0xFE], &own].concat();
    Ipv6Addr::from(array::<16>(&octets, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_s_address_of_its_link_is_made_of_its_hardware_address() {
        let mac = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
        let expected: Ipv6Addr = "fe80::213:80ff:fead:9e5f".parse().unwrap();
        assert_eq!(link_local(mac), expected);
    }
}
