//! The fleet over IPv6: phones and servers that have nothing of IPv4, and so no ARP.
//!
//! ```text
//! 10.32.1.5     fd00:0:20:1::5     a /24 of IPv4 is a /64, and 10 stands for nothing
//! ```

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::boot::CALLMANAGERS;
use super::dhcpv6::{self, Datagram};
use super::headers::{
    DESTINATION, DESTINATION_PORT, ETHER_TYPE, IP, SOURCE, SOURCE_MAC, SOURCE_PORT, TRANSPORT, UDP,
    UDP_PAYLOAD, address, array, byte, checksum, correct, is_ipv4, put, sum, udp_checksum, untag,
    with_ports, word,
};
use crate::net::MacAddr;
use crate::wire::dhcp::{CLIENT_PORT, SERVER_PORT};
use crate::wire::dns::{self, Dns, RecordType};

const TCP: u8 = 6;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;
const VLAN: u16 = 0x8100;
const ETHER_TYPE_IPV6: [u8; 2] = [0x86, 0xDD];

/// Which phones have told where they are.
#[derive(Debug, Default)]
pub(super) struct Neighbours(HashMap<MacAddr, Ipv4Addr>);

impl Neighbours {
    /// The question for its router that a station asks before it sends this frame, if it has to: it tells its addresses.
    pub(super) fn question(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let (tag, frame) = without_tag(frame);
        packet(&frame)?;
        let (mac, from) = (MacAddr(array(&frame, SOURCE_MAC)), address(&frame, SOURCE));
        if self.0.insert(mac, from) == Some(from) {
            return None;
        }
        // The first address of its network, in the group of all that end alike (RFC 4291, section 2.7.1).
        let network = v6(from).to_bits() & !u128::from(u64::MAX);
        let router = Ipv6Addr::from_bits(network | 1);
        let group = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 1, 0xFF00, 1);
        let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
        message.extend(router.octets());
        message.extend([1, 1]);
        message.extend(mac.0);
        let sum = sum_over(v6(from), group, ICMP_V6, &message);
        put(&mut message, 2, &sum.to_be_bytes());
        let addresses = [&[0x33, 0x33, 0xFF, 0, 0, 1], &mac.0[..]].concat();
        let packet = [
            header(0, ICMP_V6, 255, message.len(), v6(from), group),
            message,
        ];
        Some(joined(&addresses, tag, &packet.concat()))
    }
}

/// The frame over IPv6, where it carries what phones and servers say; `None` where there is no such frame.
pub(super) fn over_ipv6(frame: Vec<u8>) -> Option<Vec<u8>> {
    const ARP: u16 = 0x0806;

    let (tag, untagged) = without_tag(&frame);
    if word(&untagged, ETHER_TYPE) == ARP {
        return None;
    }
    if let Some(datagram) = dhcpv6::told(&untagged) {
        let [from, to] = datagram.macs.map(|mac| mac.0);
        return Some(joined(
            &[to, from].concat(),
            tag,
            &dhcp(&datagram, byte(&untagged, IP + 8)),
        ));
    }
    Some(match packet(&untagged) {
        Some(packet) => joined(frame.get(..ETHER_TYPE).unwrap_or_default(), tag, &packet),
        None => frame,
    })
}

/// What a server of IPv6 answers where one of IPv4 does not.
pub(super) fn confirmation(frame: &[u8]) -> Option<Vec<u8>> {
    let (tag, frame) = without_tag(frame);
    let mut answer = dhcpv6::confirmation(&frame)?;
    if let Some(tag) = tag {
        answer.splice(ETHER_TYPE..ETHER_TYPE, tag);
    }
    Some(answer)
}

fn dhcp(datagram: &Datagram, hop_limit: u8) -> Vec<u8> {
    const HEADER: usize = 8;

    let [source, destination] = datagram.ports.map(u16::to_be_bytes);
    let length = datagram.payload.len() + HEADER;
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let head = [source, destination, length, [0, 0]].concat();
    let mut body = [&head[..], &datagram.payload].concat();
    let [from, to] = datagram.addresses;
    let sum = sum_over(from, to, UDP, &body);
    put(&mut body, 6, &sum.to_be_bytes());
    let header = header(0, UDP, hop_limit, body.len(), from, to);
    [header, body].concat()
}

/// The lookup of a name's IPv6 addresses that goes along with one of its IPv4 addresses; of both the question and answer.
pub(super) fn second_lookup(frame: &[u8]) -> Option<Vec<u8>> {
    let (tag, mut frame) = without_tag(frame);
    let ports = [word(&frame, SOURCE_PORT), word(&frame, DESTINATION_PORT)];
    if with_ports(&frame) != Some(UDP) || !ports.contains(&dns::PORT) {
        return None;
    }
    let mut dns = Dns::parse(frame.get(UDP_PAYLOAD..)?).ok()?;
    let question = dns.question.as_mut()?;
    if question.record_type != RecordType::A {
        return None;
    }
    question.record_type = RecordType::AAAA;
    dns.id ^= 0x8000;
    for address in &mut dns.addresses {
        if let IpAddr::V4(v4) = *address {
            *address = IpAddr::V6(v6(v4));
        }
    }
    frame.truncate(UDP_PAYLOAD);
    frame.extend(dns.encode());
    for (at, from) in [(IP + 2, IP), (TRANSPORT + 4, TRANSPORT)] {
        let length = u16::try_from(frame.len() - from).ok()?;
        put(&mut frame, at, &length.to_be_bytes());
    }
    correct(&mut frame);
    if let Some(tag) = tag {
        frame.splice(ETHER_TYPE..ETHER_TYPE, tag);
    }
    Some(frame)
}

fn without_tag(frame: &[u8]) -> (Option<[u8; 4]>, Vec<u8>) {
    let tag = (word(frame, ETHER_TYPE) == VLAN).then(|| array(frame, ETHER_TYPE));
    let mut frame = frame.to_vec();
    untag(&mut frame);
    (tag, frame)
}

fn joined(addresses: &[u8], tag: Option<[u8; 4]>, packet: &[u8]) -> Vec<u8> {
    let tag = tag.as_ref().map_or(&[][..], |tag| tag);
    [addresses, tag, &ETHER_TYPE_IPV6, packet].concat()
}

/// The packet of IPv4 as one of IPv6.
fn packet(frame: &[u8]) -> Option<Vec<u8>> {
    if !is_ipv4(frame) {
        return None;
    }
    let end = IP + usize::from(word(frame, IP + 2));
    let body = frame.get(TRANSPORT..end)?;
    let (protocol, mut body, checksum_at) = match byte(frame, IP + 9) {
        UDP if with_ports(frame).is_some() => (UDP, datagram(body)?, 6),
        TCP if with_ports(frame).is_some() => (TCP, segment(body), 16),
        ICMP => (ICMP_V6, unreachable(body)?, 2),
        _ => return None,
    };
    let (from, to) = (v6(address(frame, SOURCE)), v6(address(frame, DESTINATION)));
    put(&mut body, checksum_at, &[0, 0]);
    let sum = sum_over(from, to, protocol, &body);
    put(&mut body, checksum_at, &sum.to_be_bytes());
    let (class, hop_limit) = (byte(frame, IP + 1), byte(frame, IP + 8));
    let header = header(class, protocol, hop_limit, body.len(), from, to);
    Some([header, body].concat())
}

fn header(
    class: u8,
    protocol: u8,
    hop_limit: u8,
    length: usize,
    from: Ipv6Addr,
    to: Ipv6Addr,
) -> Vec<u8> {
    let mut header = vec![0x60 | class >> 4, class << 4, 0, 0];
    header.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    header.extend([protocol, hop_limit]);
    header.extend(from.octets());
    header.extend(to.octets());
    header
}

/// A datagram that is not DHCP's.
fn datagram(body: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 8;
    let ports = [word(body, 0), word(body, 2)];
    if ports.contains(&CLIENT_PORT) || ports.contains(&SERVER_PORT) {
        return None;
    }
    let mut datagram = body.to_vec();
    // Voice names nobody, and is most of what there is.
    let payload = datagram.get_mut(HEADER..)?;
    if payload.first().is_some_and(|first| first >> 6 != 2) {
        rename(payload);
    }
    Some(datagram)
}

/// A segment in which a list of CallManagers has their new names, and no numbers, which are of IPv4.
fn segment(body: &[u8]) -> Vec<u8> {
    let mut segment = body.to_vec();
    let payload = usize::from(byte(body, 12) >> 4) * 4;
    if let Some(payload) = segment.get_mut(payload..)
        && rename(payload)
    {
        for server in CALLMANAGERS {
            replace(payload, &server.address.octets(), &[0; 4]);
        }
    }
    segment
}

/// An error about a packet of IPv6.
fn unreachable(body: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 8;
    const QUOTED: usize = 20;
    if byte(body, 0) != 3 {
        return None;
    }
    let code = match byte(body, 1) {
        0 => 0,
        3 => 4,
        9 | 10 | 13 => 1,
        _ => 3,
    };
    let quote = body.get(HEADER..)?;
    let length = usize::from(word(quote, 2)).checked_sub(QUOTED)?;
    let ends = [12, 16].map(|at| v6(address(quote, at)));
    let header = header(
        byte(quote, 1),
        byte(quote, 9),
        byte(quote, 8),
        length,
        ends[0],
        ends[1],
    );
    Some(
        [
            &[1, code, 0, 0, 0, 0, 0, 0],
            &header[..],
            quote.get(QUOTED..)?,
        ]
        .concat(),
    )
}

/// Writes the new addresses of the CallManagers where the old ones stand as text, in as many characters. Whether any did.
fn rename(payload: &mut [u8]) -> bool {
    let mut is_changed = false;
    for server in CALLMANAGERS {
        let old = server.address.to_string();
        let [.., last] = v6(server.address).segments();
        let new = format!("fd00::{last:0width$x}", width = old.len() - "fd00::".len());
        is_changed |= replace(payload, old.as_bytes(), new.as_bytes());
    }
    is_changed
}

fn replace(payload: &mut [u8], old: &[u8], new: &[u8]) -> bool {
    let mut is_changed = false;
    let mut at = 0;
    while let Some(place) = payload.get_mut(at..at + old.len()) {
        if place == old {
            place.copy_from_slice(new);
            is_changed = true;
        }
        at += 1;
    }
    is_changed
}

fn sum_over(from: Ipv6Addr, to: Ipv6Addr, protocol: u8, body: &[u8]) -> u16 {
    let length = u32::try_from(body.len()).unwrap_or(0);
    let pseudo = sum(&from.octets()) + sum(&to.octets()) + length + u32::from(protocol);
    udp_checksum(checksum(pseudo + sum(body)))
}

/// The IPv6 address of who has this one.
pub(super) const fn v6(address: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d] = address.octets();
    let a = if a == 10 { 0 } else { a };
    let net = u16::from_be_bytes([a, b]);
    Ipv6Addr::new(0xFD00, 0, net, c as u16, 0, 0, 0, d as u16)
}
