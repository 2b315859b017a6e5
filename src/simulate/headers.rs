//! Headers of frames that are there already, changed as routers change them.
//!
//! The fleet's packets carry no IP options, and a tagged frame loses its tag before anything else of it is changed: every
//! header stands where it always stands.

use std::net::Ipv4Addr;

/// Where things are in a frame.
pub(super) const DESTINATION_MAC: usize = 0;
pub(super) const SOURCE_MAC: usize = 6;
pub(super) const ETHER_TYPE: usize = 12;
pub(super) const IP: usize = 14;
const IP_LENGTH: usize = IP + 2;
pub(super) const IDENTIFICATION: usize = IP + 4;
const FRAGMENT: usize = IP + 6;
const HOP_LIMIT: usize = IP + 8;
const PROTOCOL: usize = IP + 9;
pub(super) const IP_CHECKSUM: usize = IP + 10;
pub(super) const SOURCE: usize = IP + 12;
pub(super) const DESTINATION: usize = IP + 16;
/// The header of UDP or TCP.
pub(super) const TRANSPORT: usize = IP + 20;
pub(super) const SOURCE_PORT: usize = TRANSPORT;
pub(super) const DESTINATION_PORT: usize = TRANSPORT + 2;
pub(super) const UDP_CHECKSUM: usize = TRANSPORT + 6;
const TCP_CHECKSUM: usize = TRANSPORT + 16;
pub(super) const UDP_PAYLOAD: usize = TRANSPORT + 8;

const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

pub(super) fn is_ipv4(frame: &[u8]) -> bool {
    word(frame, ETHER_TYPE) == 0x0800
}

/// Takes a VLAN tag away.
pub(super) fn untag(frame: &mut Vec<u8>) {
    if word(frame, ETHER_TYPE) == 0x8100 && frame.len() >= IP + 4 {
        frame.drain(ETHER_TYPE..ETHER_TYPE + 4);
    }
}

/// Sent to everyone or to a group.
pub(super) fn is_to_many(frame: &[u8]) -> bool {
    byte(frame, DESTINATION_MAC) & 1 == 1
}

/// The protocol of a whole packet that has ports.
pub(super) fn with_ports(frame: &[u8]) -> Option<u8> {
    let is_piece = word(frame, FRAGMENT) & 0x3FFF != 0;
    let protocol = byte(frame, PROTOCOL);
    (is_ipv4(frame) && !is_piece && [TCP, UDP].contains(&protocol)).then_some(protocol)
}

pub(super) fn address(frame: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::from(array::<4>(frame, at))
}

pub(super) fn byte(frame: &[u8], at: usize) -> u8 {
    frame.get(at).copied().unwrap_or(0)
}

pub(super) fn word(frame: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array(frame, at))
}

pub(super) fn array<const N: usize>(frame: &[u8], at: usize) -> [u8; N] {
    let bytes = frame.get(at..).and_then(<[u8]>::first_chunk);
    bytes.copied().unwrap_or([0; N])
}

pub(super) fn put(frame: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = frame.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// The packet has passed a router.
pub(super) fn pass_router(frame: &mut [u8]) {
    let hop_limit = byte(frame, HOP_LIMIT).saturating_sub(1);
    put(frame, HOP_LIMIT, &[hop_limit]);
    correct_ip(frame);
}

/// Calculates the checksum of the IP header anew.
pub(super) fn correct_ip(frame: &mut [u8]) {
    put(frame, IP_CHECKSUM, &[0, 0]);
    let header = frame.get(IP..TRANSPORT).unwrap_or_default();
    let sum = checksum(sum(header));
    put(frame, IP_CHECKSUM, &sum.to_be_bytes());
}

/// Calculates both checksums anew, where addresses, ports or content have changed.
pub(super) fn correct(frame: &mut [u8]) {
    correct_ip(frame);
    let Some(protocol) = with_ports(frame) else {
        return;
    };
    let at = if protocol == UDP {
        UDP_CHECKSUM
    } else {
        TCP_CHECKSUM
    };
    put(frame, at, &[0, 0]);
    let end = IP + usize::from(word(frame, IP_LENGTH));
    let transport = frame.get(TRANSPORT..end).unwrap_or_default();
    let addresses = frame.get(SOURCE..TRANSPORT).unwrap_or_default();
    let length = u32::try_from(transport.len()).unwrap_or(0);
    let calculated = checksum(sum(addresses) + u32::from(protocol) + length + sum(transport));
    put(frame, at, &udp_checksum(calculated).to_be_bytes());
}

/// A checksum of zero stands as all ones, since zero says that there is none (RFC 768); to TCP both are the same.
pub(super) const fn udp_checksum(calculated: u16) -> u16 {
    if calculated == 0 { 0xFFFF } else { calculated }
}

pub(super) fn sum(bytes: &[u8]) -> u32 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let words = pairs
        .iter()
        .map(|pair| u32::from(u16::from_be_bytes(*pair)));
    let last = rest.first().map_or(0, |last| u32::from(*last) << 8);
    words.sum::<u32>() + last
}

/// RFC 1071: the carries are added in, and the whole is turned round.
pub(super) fn checksum(sum: u32) -> u16 {
    let sum = (sum >> 16) + (sum & 0xFFFF);
    let sum = (sum >> 16) + (sum & 0xFFFF);
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::MacAddr;
    use crate::wire::packet::encode::{EthernetFrame, Ipv4};

    #[test]
    fn what_is_changed_is_what_would_have_been_made_so() {
        let header = EthernetFrame::new(MacAddr([2; 6]), MacAddr([4; 6]));
        let ip = |last, hop_limit| Ipv4 {
            hop_limit,
            ..Ipv4::new(Ipv4Addr::new(10, 0, 0, last), Ipv4Addr::new(10, 1, 1, 1))
        };
        for payload in [&b"odd"[..], b"even"] {
            let mut frame = header.udp(&ip(1, 64), 1000, 69, payload);
            pass_router(&mut frame);
            assert_eq!(frame, header.udp(&ip(1, 63), 1000, 69, payload));
            put(&mut frame, SOURCE, &[10, 0, 0, 2]);
            put(&mut frame, SOURCE_PORT, &1001_u16.to_be_bytes());
            correct(&mut frame);
            assert_eq!(frame, header.udp(&ip(2, 63), 1001, 69, payload));
            untag(&mut frame);
            let mut tagged = header.vlan(110).udp(&ip(2, 63), 1001, 69, payload);
            untag(&mut tagged);
            assert_eq!(frame, tagged);
        }
    }
}
