//! Frames made from their parts: for tests and for the simulator of phone fleets.
//!
//! What cannot be sent is cut to what can (a payload to 65,000 bytes), so that making a frame never fails.

use std::net::Ipv4Addr;

use etherparse::icmpv4::DestUnreachableHeader;
use etherparse::{
    Icmpv4Type, IpDscp, IpFragOffset, IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header,
    PacketBuilder, TcpHeader,
};

use super::{ETHER_TYPE_ARP, ETHER_TYPE_IPV4, ETHER_TYPE_LLDP, TcpSegment, VlanTags};
use crate::net::MacAddr;
use crate::wire::arp::Arp;

/// The Ethernet header that frames are put behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EthernetFrame {
    source: MacAddr,
    destination: MacAddr,
    vlans: VlanTags,
}

impl EthernetFrame {
    /// The group to which CDP is sent.
    pub const CDP_GROUP: MacAddr = MacAddr([0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc]);
    /// The group to which LLDP is sent (nearest bridge).
    pub const LLDP_GROUP: MacAddr = MacAddr([0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e]);
    /// Every station on the link.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);

    /// The bytes of an untagged header.
    pub const HEADER: usize = 14;

    /// An untagged header.
    pub fn new(source: MacAddr, destination: MacAddr) -> Self {
        Self {
            source,
            destination,
            vlans: VlanTags::default(),
        }
    }

    /// The same with one more inner VLAN tag; a fifth is left out.
    #[must_use]
    pub fn vlan(mut self, id: u16) -> Self {
        self.vlans.push(id);
        self
    }

    /// A frame of any EtherType.
    pub fn frame(&self, ether_type: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = self.header(payload.len());
        bytes.extend_from_slice(&ether_type.to_be_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    /// An ARP message.
    pub fn arp(&self, arp: &Arp) -> Vec<u8> {
        self.frame(ETHER_TYPE_ARP, &arp.to_bytes())
    }

    /// An LLDP data unit.
    pub fn lldp(&self, payload: &[u8]) -> Vec<u8> {
        self.frame(ETHER_TYPE_LLDP, payload)
    }

    /// A CDP message from its version byte on, in an 802.3 frame with a SNAP header.
    pub fn cdp(&self, payload: &[u8]) -> Vec<u8> {
        const LLC_SNAP_CDP: [u8; 8] = [0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x20, 0x00];
        const MAX: usize = 1492;
        let payload = payload.get(..MAX).unwrap_or(payload);
        let framed = [&LLC_SNAP_CDP, payload].concat();
        self.frame(u16::try_from(framed.len()).unwrap_or(0), &framed)
    }

    /// A TCP segment over IPv4. The acknowledgment and its flag follow `segment.acknowledgment`;
    /// `segment.payload_length` is not looked at.
    pub fn tcp(&self, ip: &Ipv4, segment: &TcpSegment<'_>) -> Vec<u8> {
        let mut header = TcpHeader::new(
            segment.source_port,
            segment.destination_port,
            segment.sequence,
            segment.window,
        );
        header.fin = segment.flags.fin();
        header.syn = segment.flags.syn();
        header.rst = segment.flags.rst();
        header.psh = segment.flags.psh();
        header.ack = segment.acknowledgment.is_some();
        header.acknowledgment_number = segment.acknowledgment.unwrap_or(0);
        self.built(segment.payload, |bytes, payload| {
            PacketBuilder::ip(ip.headers())
                .tcp_header(header)
                .write_to_vec(bytes, payload)
                .is_ok()
        })
    }

    /// A UDP datagram over IPv4.
    pub fn udp(
        &self,
        ip: &Ipv4,
        source_port: u16,
        destination_port: u16,
        payload: &[u8],
    ) -> Vec<u8> {
        self.built(payload, |bytes, payload| {
            PacketBuilder::ip(ip.headers())
                .udp(source_port, destination_port)
                .write_to_vec(bytes, payload)
                .is_ok()
        })
    }

    /// The ICMP message that nobody listens at the port to which this IPv4 packet was sent. It quotes the packet's header
    /// and eight bytes of what follows (RFC 792).
    pub fn port_unreachable(&self, ip: &Ipv4, packet: &[u8]) -> Vec<u8> {
        const QUOTED: usize = 28;
        let quote = packet.get(..QUOTED).unwrap_or(packet);
        self.built(quote, |bytes, quote| {
            PacketBuilder::ip(ip.headers())
                .icmpv4(Icmpv4Type::DestinationUnreachable(
                    DestUnreachableHeader::Port,
                ))
                .write_to_vec(bytes, quote)
                .is_ok()
        })
    }

    /// Any IPv4 payload (ICMP, GRE).
    pub fn ipv4(&self, ip: &Ipv4, protocol: u8, payload: &[u8]) -> Vec<u8> {
        self.ipv4_fragment(ip, protocol, 0, false, payload)
    }

    /// One piece of an IPv4 payload: `offset` in bytes, a multiple of 8, with `more` to follow.
    pub fn ipv4_fragment(
        &self,
        ip: &Ipv4,
        protocol: u8,
        offset: u16,
        more: bool,
        payload: &[u8],
    ) -> Vec<u8> {
        let mut header = ip.header();
        header.protocol = IpNumber(protocol);
        header.more_fragments = more;
        header.dont_fragment = false;
        header.fragment_offset =
            IpFragOffset::try_new(offset.checked_div(8).unwrap_or(0)).unwrap_or_default();
        self.built(payload, |bytes, payload| {
            if header.set_payload_len(payload.len()).is_err() {
                return false;
            }
            header.header_checksum = header.calc_header_checksum();
            bytes.extend_from_slice(&header.to_bytes());
            bytes.extend_from_slice(payload);
            true
        })
    }

    /// The Ethernet header with the EtherType of IPv4, and what `write` puts behind it.
    fn built(&self, payload: &[u8], write: impl FnOnce(&mut Vec<u8>, &[u8]) -> bool) -> Vec<u8> {
        const MAX: usize = 65_000;
        let payload = payload.get(..MAX).unwrap_or(payload);
        let mut bytes = self.header(payload.len());
        bytes.extend_from_slice(&ETHER_TYPE_IPV4.to_be_bytes());
        let written = write(&mut bytes, payload);
        debug_assert!(written, "a payload of this length fits into every header");
        bytes
    }

    /// Addresses and tags, up to where the EtherType follows.
    fn header(&self, payload: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(payload.saturating_add(96));
        bytes.extend_from_slice(&self.destination.0);
        bytes.extend_from_slice(&self.source.0);
        for id in self.vlans.ids() {
            bytes.extend_from_slice(&0x8100_u16.to_be_bytes());
            bytes.extend_from_slice(&id.to_be_bytes());
        }
        bytes
    }
}

/// The parts of an IPv4 header that a sender chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// The sender.
    pub source: Ipv4Addr,
    /// The receiver.
    pub destination: Ipv4Addr,
    /// The time to live.
    pub hop_limit: u8,
    /// The differentiated services code point, 0 to 63.
    pub dscp: u8,
    /// The identification.
    pub identification: u16,
}

impl Ipv4 {
    /// A header with a time to live of 64, best effort, identification 0.
    pub const fn new(source: Ipv4Addr, destination: Ipv4Addr) -> Self {
        Self {
            source,
            destination,
            hop_limit: 64,
            dscp: 0,
            identification: 0,
        }
    }

    fn headers(&self) -> IpHeaders {
        IpHeaders::Ipv4(self.header(), Ipv4Extensions::default())
    }

    fn header(&self) -> Ipv4Header {
        Ipv4Header {
            dscp: IpDscp::try_new(self.dscp).unwrap_or_default(),
            identification: self.identification,
            dont_fragment: true,
            time_to_live: self.hop_limit,
            source: self.source.octets(),
            destination: self.destination.octets(),
            ..Ipv4Header::default()
        }
    }
}
