//! Overwrites what is nobody's business in a frame, and cuts off what is not understood.
//!
//! What is kept is named, not what is taken out: headers of every layer, CDP, LLDP, ARP, neighbour discovery, DHCP for
//! both IP versions, DNS, TFTP but for the bytes of files, and SCCP messages as [`super::sccp`] names them. All else is
//! cut behind its headers, so that a file looks like one that was captured with a short snap length.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;

use super::sccp::{self, Stream};
use crate::flow::tunnel;
use crate::net::{Endpoint, FlowKey};
use crate::record::{Frame, LinkType};
use crate::wire::icmp::IcmpMessage;
use crate::wire::packet::{
    self, Content, IpPacket, IpPlace, TcpSegment, Transport, UdpDatagram, arp_end, range_in,
};
use crate::wire::tftp::{self, Tftp};
use crate::wire::{dhcp, dhcpv6, dns};

/// Tunnels in tunnels are opened this deep, as the engine does.
const TUNNEL_DEPTH: u8 = 3;

/// So many directions of connections are followed; of others each segment stands for itself.
const MOST_STREAMS: usize = 4096;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const GRE: u8 = 47;
const ICMP_V6: u8 = 58;

const ICMP_HEADER: usize = 8;
/// Its header, the target, and one option with an Ethernet address.
const NEIGHBOUR_DISCOVERY: usize = 32;

/// Blanks the frames of one device in their order: what a segment holds depends on those before it.
#[derive(Debug)]
pub struct Blanker {
    sccp_ports: Vec<u16>,
    streams: HashMap<FlowKey, Stream>,
}

/// What is to be done with a frame.
struct Plan<'a> {
    frame: &'a [u8],
    /// Overwritten with zeros.
    blanks: Vec<Range<usize>>,
    /// Cut off from here on.
    end: usize,
    /// Payloads whose checksum may be wrong afterwards, the outermost first.
    payloads: Vec<IpPlace>,
}

impl Blanker {
    /// A blanker that has seen no frame. SCCP is spoken on these TCP ports.
    pub fn new(sccp_ports: &[u16]) -> Self {
        Self {
            sccp_ports: sccp_ports.to_vec(),
            streams: HashMap::new(),
        }
    }

    /// The bytes of the frame with all that is nobody's business taken out.
    pub fn blanked(&mut self, frame: &Frame<'_>) -> Vec<u8> {
        let mut plan = Plan {
            frame: frame.bytes,
            blanks: Vec::new(),
            end: frame.bytes.len(),
            payloads: Vec::new(),
        };
        self.layer(frame.link, frame.bytes, TUNNEL_DEPTH, &mut plan);
        plan.carried_out()
    }

    fn layer(&mut self, link: LinkType, bytes: &[u8], depth: u8, plan: &mut Plan<'_>) {
        let Some(base) = range_in(plan.frame, bytes).map(|range| range.start) else {
            return plan.cut(0);
        };
        let Some(mut place) = IpPlace::of(link, bytes) else {
            return not_ip(link, bytes, base, plan);
        };
        place.payload = base + place.payload.start..base + place.payload.end;
        // What follows a packet is padding, which may hold whatever its sender had in its memory.
        plan.blank(place.payload.end..base + bytes.len());
        let begin = place.payload.start;
        let Ok(packet) = packet::decode(link, bytes) else {
            return plan.cut(begin);
        };
        let Content::Ip(ip) = &packet.content else {
            return plan.cut(begin);
        };
        plan.payloads.push(place);
        match tunnel::open(ip) {
            Ok(Some(inner)) if depth > 0 => self.layer(inner.link, inner.bytes, depth - 1, plan),
            Ok(_) => self.transport(ip, begin, plan),
            Err(_) => plan.cut(begin),
        }
    }

    /// What an IP packet carries, from `begin` on.
    fn transport(&mut self, ip: &IpPacket<'_>, begin: usize, plan: &mut Plan<'_>) {
        /// The ports, as they stand in the first piece of a larger packet.
        const PORTS: usize = 8;

        match &ip.transport {
            Transport::Tcp(segment) => self.tcp(ip, segment, plan),
            Transport::Udp(datagram) => udp(datagram, plan),
            Transport::Icmp(IcmpMessage::Unreachable(_)) => {
                icmp(ip.source.is_ipv4(), begin, plan);
            }
            // The target, and the one option that is read.
            Transport::Icmp(IcmpMessage::Neighbour(_)) => plan.cut(begin + NEIGHBOUR_DISCOVERY),
            Transport::Icmp(IcmpMessage::Other { .. }) => plan.cut(begin + ICMP_HEADER),
            Transport::Fragment(fragment) if fragment.offset == 0 => plan.cut(begin + PORTS),
            Transport::Fragment(_) | Transport::Encapsulated { .. } | Transport::Other { .. } => {
                plan.cut(begin);
            }
        }
    }

    fn tcp(&mut self, ip: &IpPacket<'_>, segment: &TcpSegment<'_>, plan: &mut Plan<'_>) {
        if segment.payload.is_empty() {
            return;
        }
        let Some(payload) = range_in(plan.frame, segment.payload) else {
            return plan.cut(0);
        };
        let ports = [segment.source_port, segment.destination_port];
        // SCCP in TLS too: phones whose security mode is "authenticated" sign their messages and do not encrypt them.
        if !ports.iter().any(|port| self.sccp_ports.contains(port)) {
            return plan.cut(payload.start);
        }
        let key = FlowKey {
            client: Endpoint::new(ip.source, segment.source_port),
            server: Endpoint::new(ip.destination, segment.destination_port),
        };
        let mut unknown = Stream::default();
        let stream = if self.streams.len() < MOST_STREAMS || self.streams.contains_key(&key) {
            self.streams.entry(key).or_default()
        } else {
            &mut unknown
        };
        let read = sccp::read(stream, segment.sequence, segment.payload);
        for blank in read.blanks {
            plan.blank(payload.start + blank.start..payload.start + blank.end);
        }
        if let Some(end) = read.not_understood_from {
            plan.cut(payload.start + end);
        }
    }
}

/// What is no IP packet, or none that can be read.
fn not_ip(link: LinkType, bytes: &[u8], base: usize, plan: &mut Plan<'_>) {
    let header = match link {
        LinkType::Ethernet => 14,
        LinkType::RawIp => 0,
        LinkType::Null => 4,
        LinkType::LinuxSll => 16,
        LinkType::LinuxSll2 => 20,
    };
    if let Some(end) = arp_end(link, bytes) {
        return plan.cut(base + end);
    }
    match packet::decode(link, bytes).map(|packet| packet.content) {
        Ok(Content::Cdp(message)) => match range_in(plan.frame, message) {
            Some(message) => plan.cut(message.end),
            None => plan.cut(base + header),
        },
        Ok(Content::Lldp(_)) => {}
        Ok(Content::Arp(_) | Content::Ip(_) | Content::Other { .. }) | Err(_) => {
            plan.cut(base + header);
        }
    }
}

fn udp(datagram: &UdpDatagram<'_>, plan: &mut Plan<'_>) {
    let Some(payload) = range_in(plan.frame, datagram.payload) else {
        return plan.cut(0);
    };
    let ports = [datagram.source_port, datagram.destination_port];
    let is_of = |wanted: &[u16]| ports.iter().any(|port| wanted.contains(port));
    let is_kept = if is_of(&[dhcp::SERVER_PORT, dhcp::CLIENT_PORT]) {
        dhcp::Dhcp::parse(datagram.payload).is_ok()
    } else if is_of(&[dhcpv6::SERVER_PORT, dhcpv6::CLIENT_PORT]) {
        // Four bytes are all that a message needs, so that only a type with a name tells that it is one.
        dhcpv6::Dhcpv6::parse(datagram.payload)
            .is_ok_and(|dhcp| !matches!(dhcp.message_type, dhcpv6::MessageType::Unknown(_)))
    } else if is_of(&[dns::PORT]) && !matches!(tftp::parse(datagram.payload), Ok(Tftp::Data { .. }))
    {
        dns::Dns::parse(datagram.payload).is_ok()
    } else {
        return tftp(datagram.payload, payload, plan);
    };
    if !is_kept {
        plan.cut(payload.start);
    }
}

fn tftp(message: &[u8], payload: Range<usize>, plan: &mut Plan<'_>) {
    /// Its kind, and the number of the block.
    const HEADER: usize = 4;

    match tftp::parse(message) {
        // Whoever sends it: an upload is a file too.
        Ok(Tftp::Data { .. } | Tftp::Ack { .. }) => {
            plan.blank((payload.start + HEADER).min(payload.end)..payload.end);
        }
        Ok(Tftp::Read(_) | Tftp::Write(_) | Tftp::Error { .. } | Tftp::OptionAck(_)) => {}
        Err(_) => plan.cut(payload.start),
    }
}

/// An ICMP error may quote as much of a packet as there was: of that its header is kept, and the ports.
fn icmp(is_v4: bool, begin: usize, plan: &mut Plan<'_>) {
    const PORTS: usize = 8;
    const V6: usize = 40;

    let quote = begin + ICMP_HEADER;
    let quoted = if is_v4 {
        let first = plan.frame.get(quote).copied().unwrap_or(0);
        usize::from(first & 0x0f) * 4
    } else {
        V6
    };
    let offset = [6, 7].map(|byte| plan.frame.get(quote + byte).copied().unwrap_or(0));
    let is_later_piece = is_v4 && u16::from_be_bytes(offset) & 0x1fff != 0;
    let ports = if is_later_piece { 0 } else { PORTS };
    let end = plan
        .payloads
        .last()
        .map_or(begin, |place| place.payload.end);
    plan.blank((quote + quoted + ports).min(end)..end);
}

impl Plan<'_> {
    fn blank(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.blanks.push(range);
        }
    }

    fn cut(&mut self, end: usize) {
        self.end = self.end.min(end);
    }

    fn carried_out(self) -> Vec<u8> {
        let mut bytes = self.frame.to_vec();
        for blank in &self.blanks {
            if let Some(part) = bytes.get_mut(blank.clone()) {
                part.fill(0);
            }
        }
        // Of tunnels the inner packet first: the outer checksum is over it.
        for place in self.payloads.iter().rev() {
            let within = |range: &Range<usize>| {
                range.start < place.payload.end && range.end > place.payload.start
            };
            let is_cut = self.end < place.payload.end;
            if is_cut || self.blanks.iter().any(within) {
                mend(&mut bytes, place, place.is_whole && !is_cut);
            }
        }
        bytes.truncate(self.end);
        bytes
    }
}

/// Makes the checksum of a payload right, or where it cannot be computed empty: the old one tells of what was there.
fn mend(bytes: &mut [u8], place: &IpPlace, is_whole: bool) {
    let is_v4 = place.source.is_ipv4();
    if place.fragment_offset.is_some_and(|offset| offset > 0) {
        return;
    }
    let Some(payload) = bytes.get_mut(place.payload.clone()) else {
        return;
    };
    let (at, has_pseudo_header) = match place.protocol {
        TCP => (16, true),
        UDP => (6, true),
        ICMP => (2, false),
        ICMP_V6 => (2, true),
        // The first bit says whether there is a checksum (RFC 2784, section 2.3).
        GRE if payload.first().is_some_and(|flags| flags & 0x80 != 0) => (4, false),
        _ => return,
    };
    let Some(field) = payload.get_mut(at..at + 2) else {
        return;
    };
    let was_empty = field == [0, 0];
    field.fill(0);
    // Zero says that there is none (RFC 768), which IPv6 does not allow.
    if place.protocol == UDP && (is_v4 || was_empty) {
        return;
    }
    let mut sum = 0xFFFF;
    if is_whole && place.fragment_offset.is_none() {
        let pseudo = if has_pseudo_header {
            pseudo_header(place, payload.len())
        } else {
            0
        };
        sum = folded(pseudo + summed(payload));
        if place.protocol == UDP && sum == 0 {
            sum = 0xFFFF;
        }
    } else if place.protocol != UDP {
        sum = 0;
    }
    if let Some(field) = payload.get_mut(at..at + 2) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}

fn pseudo_header(place: &IpPlace, length: usize) -> u64 {
    let address = |address: &IpAddr| match address {
        IpAddr::V4(address) => summed(&address.octets()),
        IpAddr::V6(address) => summed(&address.octets()),
    };
    let length = u64::try_from(length).unwrap_or(0);
    address(&place.source)
        + address(&place.destination)
        + u64::from(place.protocol)
        + (length >> 16)
        + (length & 0xFFFF)
}

/// The sum of 16-bit words (RFC 1071).
fn summed(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |last| u64::from(*last) << 8);
    let words = words
        .iter()
        .map(|word| u64::from(u16::from_be_bytes(*word)));
    words.sum::<u64>() + last
}

fn folded(mut sum: u64) -> u16 {
    while sum > 0xFFFF {
        sum = (sum >> 16) + (sum & 0xFFFF);
    }
    !u16::try_from(sum).unwrap_or(0)
}
