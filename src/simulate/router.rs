//! The router between phones and servers, and its relaying of DHCP (RFC 1542 section 4, RFC 2131 section 4.1).

use std::net::Ipv4Addr;

use super::boot::SERVICES;
use super::headers::{
    DESTINATION, DESTINATION_MAC, DESTINATION_PORT, SOURCE, SOURCE_MAC, SOURCE_PORT, UDP,
    UDP_PAYLOAD, address, array, byte, correct, is_ipv4, pass_router, put, with_ports, word,
};
use crate::net::MacAddr;
use crate::wire::dhcp::{CLIENT_PORT, SERVER_PORT};

/// The router's interface where the servers are.
const ROUTER: MacAddr = MacAddr([0x00, 0x0C, 0xCE, 0x00, 0x00, 0x01]);
/// The first three bytes of every server's hardware address.
const SERVERS: [u8; 3] = [0x00, 0x50, 0x56];

/// Where things are in a DHCP message.
const HOPS: usize = UDP_PAYLOAD + 3;
const CLIENT_ADDRESS: usize = UDP_PAYLOAD + 12;
const RELAY_ADDRESS: usize = UDP_PAYLOAD + 24;
const HARDWARE_ADDRESS: usize = UDP_PAYLOAD + 28;

pub(super) fn is_from_server(frame: &[u8]) -> bool {
    array(frame, SOURCE_MAC) == SERVERS
}

fn is_to_server(frame: &[u8]) -> bool {
    array(frame, DESTINATION_MAC) == SERVERS
}

/// The frame as it is on the servers' side; `false` where it never gets there.
pub(super) fn route(frame: &mut [u8]) -> bool {
    if !is_ipv4(frame) {
        // CDP, LLDP and ARP end at the next switch or router. The servers' own are theirs, unless they are for a phone.
        let is_for_a_phone = !is_to_server(frame) && byte(frame, DESTINATION_MAC) & 1 == 0;
        return is_from_server(frame) && !is_for_a_phone;
    }
    let ports = with_ports(frame).filter(|protocol| *protocol == UDP);
    let ports = ports.map(|_| (word(frame, SOURCE_PORT), word(frame, DESTINATION_PORT)));
    if ports == Some((CLIENT_PORT, SERVER_PORT)) && address(frame, DESTINATION).is_broadcast() {
        relay(frame);
        return true;
    }
    if ports == Some((SERVER_PORT, CLIENT_PORT)) && address(frame, CLIENT_ADDRESS).is_unspecified()
    {
        answer_relay(frame);
        return true;
    }
    if !is_from_server(frame) {
        put(frame, SOURCE_MAC, &ROUTER.0);
        pass_router(frame);
    }
    if !is_to_server(frame) {
        put(frame, DESTINATION_MAC, &ROUTER.0);
    }
    true
}

/// The message of a client, sent on by the router to the server.
fn relay(frame: &mut [u8]) {
    let relay = relay_of(frame);
    let hops = byte(frame, HOPS).saturating_add(1);
    put(frame, SOURCE_MAC, &ROUTER.0);
    put(frame, DESTINATION_MAC, &SERVICES.mac.0);
    put(frame, SOURCE, &relay.octets());
    put(frame, DESTINATION, &SERVICES.address.octets());
    put(frame, SOURCE_PORT, &SERVER_PORT.to_be_bytes());
    put(frame, HOPS, &[hops]);
    put(frame, RELAY_ADDRESS, &relay.octets());
    correct(frame);
}

/// The answer to such a message, before the router sends it on to the client.
fn answer_relay(frame: &mut [u8]) {
    let relay = relay_of(frame);
    put(frame, DESTINATION_MAC, &ROUTER.0);
    put(frame, DESTINATION, &relay.octets());
    put(frame, DESTINATION_PORT, &SERVER_PORT.to_be_bytes());
    put(frame, RELAY_ADDRESS, &relay.octets());
    correct(frame);
}

/// The router's address in the client's network: the network follows from the number in its hardware address.
pub(super) fn relay_of(frame: &[u8]) -> Ipv4Addr {
    const FIRST: u32 = 0x0A20_0001;
    let [_, _, _, a, b, c] = array(frame, HARDWARE_ADDRESS);
    let site = u32::from_be_bytes([0, a, b, c]) / 200;
    Ipv4Addr::from(FIRST.wrapping_add(site << 8))
}

/// The copy of a routed packet, as the port behind the next router shows it.
pub(super) fn behind_the_next(frame: &mut [u8]) {
    const NEXT: [MacAddr; 2] = [
        MacAddr([0x00, 0x0C, 0xCE, 0x00, 0x01, 0x01]),
        MacAddr([0x00, 0x0C, 0xCE, 0x00, 0x01, 0x02]),
    ];
    let [from, to] = NEXT;
    put(frame, SOURCE_MAC, &from.0);
    put(frame, DESTINATION_MAC, &to.0);
    pass_router(frame);
}
