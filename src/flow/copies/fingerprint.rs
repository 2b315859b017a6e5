//! The fingerprint of a packet: a hash of what its copies keep.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use crate::wire::packet::{Content, ETHER_TYPE_LLDP, IpPacket, Packet, Transport};

/// How many bytes of a payload are compared, beside its length: enough for every header and number that tells two
/// messages apart, and few enough to be cheap.
const COMPARED_PAYLOAD: usize = 256;
/// The same of TFTP and DNS, which have their numbers at the front: fewer, so that one that was cut is known for the same.
/// Of segments none are: the numbers in their header tell them apart.
const COMPARED_FRONT: usize = 32;
/// Protocol numbers, as the hash takes them.
const TCP: u64 = 6;
const UDP: u64 = 17;
/// What is asked of DHCP stands behind 236 bytes of other things (RFC 2131, section 2), and of DHCP for IPv6 behind 38 for
/// each relay that wrapped it (RFC 8415, section 9).
const DHCP_PORTS: [u16; 4] = [67, 68, 546, 547];
/// Stands for CDP in the hash, which has no EtherType: its SNAP protocol.
const SNAP_CDP: u16 = 0x2000;

/// The hash of what a copy keeps, never 0; `None` for frames of which nothing is read, so that a copy costs nothing.
pub(super) fn of<H: Hasher>(packet: &Packet<'_>, mut hasher: H) -> Option<u64> {
    match packet.content {
        Content::Arp(arp) => arp.hash(&mut hasher),
        Content::Cdp(bytes) => {
            SNAP_CDP.hash(&mut hasher);
            hash_payload(bytes, Some(bytes.len()), &mut hasher);
        }
        Content::Lldp(bytes) => {
            ETHER_TYPE_LLDP.hash(&mut hasher);
            hash_payload(bytes, Some(bytes.len()), &mut hasher);
        }
        Content::Ip(ip) => hash_ip(&ip, &mut hasher)?,
        Content::Other { .. } => return None,
    }
    Some(hasher.finish().max(1))
}

/// Whether bytes of its payload are missing.
pub(super) fn is_cut(packet: &Packet<'_>) -> bool {
    let Content::Ip(ip) = packet.content else {
        return false;
    };
    match ip.transport {
        Transport::Tcp(segment) => {
            usize::try_from(segment.payload_length).is_ok_and(|whole| whole > segment.payload.len())
        }
        Transport::Udp(datagram) => datagram.truncated,
        Transport::Fragment(fragment) => fragment.truncated,
        Transport::Icmp(_) | Transport::Encapsulated { .. } | Transport::Other { .. } => false,
    }
}

fn hash_ip<H: Hasher>(ip: &IpPacket<'_>, hasher: &mut H) -> Option<()> {
    match ip.transport {
        Transport::Tcp(segment) => {
            hash_ends(ip, [segment.source_port, segment.destination_port], hasher);
            let acknowledgment = segment.acknowledgment.unwrap_or_default();
            // Whether the acknowledgment counts stands in the flags.
            let [flags, window] = [u16::from(segment.flags.0), segment.window];
            let numbers = join(
                u64::from(segment.sequence) << 32 | u64::from(acknowledgment),
                u64::from(segment.payload_length) << 32
                    | u64::from(window) << 16
                    | u64::from(flags) << 8
                    | TCP,
            );
            hasher.write(&numbers);
        }
        Transport::Udp(datagram) => {
            let ports = [datagram.source_port, datagram.destination_port];
            hash_ends(ip, ports, hasher);
            hasher.write_u64(u64::from(datagram.payload_length) << 32 | UDP);
            let compared = if ports.iter().any(|port| DHCP_PORTS.contains(port)) {
                COMPARED_PAYLOAD
            } else {
                COMPARED_FRONT
            };
            hash_front(datagram.payload, compared, hasher);
        }
        Transport::Icmp(message) => {
            hash_ends(ip, [0; 2], hasher);
            message.hash(hasher);
        }
        Transport::Fragment(fragment) => {
            hash_ends(ip, [0; 2], hasher);
            fragment.protocol.hash(hasher);
            fragment.offset.hash(hasher);
            fragment.more.hash(hasher);
            fragment.identification.hash(hasher);
            let length = (!fragment.truncated).then_some(fragment.payload.len());
            hash_payload(fragment.payload, length, hasher);
        }
        Transport::Encapsulated { protocol, payload } => {
            hash_ends(ip, [0; 2], hasher);
            protocol.hash(hasher);
            hash_payload(payload, Some(payload.len()), hasher);
        }
        Transport::Other { .. } => return None,
    }
    Some(())
}

/// Addresses, identification and ports. Numbers are put together first: each piece that a hasher takes costs it about as
/// much as sixteen bytes.
fn hash_ends<H: Hasher>(ip: &IpPacket<'_>, ports: [u16; 2], hasher: &mut H) {
    let addresses = match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits())
        }
        (source, destination) => {
            source.hash(hasher);
            destination.hash(hasher);
            0
        }
    };
    let [from, to] = ports.map(u64::from);
    hasher.write(&join(
        addresses,
        u64::from(ip.identification) << 32 | from << 16 | to,
    ));
}

fn join(low: u64, high: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

/// The first bytes of a payload, and its length before the snap length cut it: a copy with one VLAN tag more is cut
/// four bytes earlier.
fn hash_payload<H: Hasher>(payload: &[u8], length: Option<usize>, hasher: &mut H) {
    length.hash(hasher);
    hash_front(payload, COMPARED_PAYLOAD, hasher);
}

/// So many of the first bytes.
fn hash_front<H: Hasher>(payload: &[u8], most: usize, hasher: &mut H) {
    hasher.write(payload.get(..most).unwrap_or(payload));
}
