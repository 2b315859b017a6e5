//! Frames taken apart: link header, VLAN tags, IP, and what IP carries.
//!
//! The link layer is read here, since it must give what etherparse does not: IEEE 802.3 frames with LLC/SNAP (CDP), up to
//! four VLAN tags (IEEE 802.1Q 9.6), both Linux cooked headers and BSD loopback. IP headers are read by etherparse. A frame
//! cut by the snap length gives what is there.
//!
//! Three lengths are kept apart: a payload ends where the IP header says (Ethernet padding never leaks into it), a total
//! length of zero means the rest of the frame (segmentation offload fills it in after the tap), and a payload shorter
//! than said was cut. Checksums are not verified: on a mirror of a host with checksum offload they are wrong.
//!
//! Decoding borrows from the frame and allocates nothing.

pub mod encode;
mod ip;
mod link;
mod place;

use std::fmt;
use std::net::IpAddr;
use std::ops::BitOr;

pub(in crate::wire) use ip::IpHeader;
pub use ip::{decode_ip, transport_of};
pub use link::decode;
pub use place::{IpPlace, arp_end, range_in};

use crate::net::MacAddr;
use crate::wire::arp::Arp;
use crate::wire::icmp::IcmpMessage;

/// The EtherType of IPv4.
pub const ETHER_TYPE_IPV4: u16 = 0x0800;
/// The EtherType of ARP.
pub const ETHER_TYPE_ARP: u16 = 0x0806;
/// The EtherType of IPv6.
pub const ETHER_TYPE_IPV6: u16 = 0x86dd;
/// The EtherType of LLDP.
pub const ETHER_TYPE_LLDP: u16 = 0x88cc;

/// One frame, taken apart as far as its transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The link addresses, where the link type has them.
    pub link: Option<LinkAddresses>,
    /// The VLAN tags, the outermost first.
    pub vlans: VlanTags,
    /// What the frame carries.
    pub content: Content<'a>,
}

/// Who sent the frame on this link, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkAddresses {
    /// The sender: on a routed packet the last router, not the phone.
    pub source: MacAddr,
    /// The receiver; all zeros on Linux cooked captures, which do not have it.
    pub destination: MacAddr,
}

/// The identifiers of a frame's VLAN tags (12 bits each), the outermost first; at most four.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(default)]
pub struct VlanTags {
    ids: [u16; Self::MAX],
    count: u8,
}

impl VlanTags {
    /// How many tags are read; a frame with more is not decoded further.
    pub const MAX: usize = 4;

    /// The identifiers, the outermost first; 0 marks a priority tag that names no VLAN (IEEE 802.1Q 9.6).
    pub fn ids(&self) -> &[u16] {
        self.ids.get(..usize::from(self.count)).unwrap_or_default()
    }

    /// The identifier in the outermost tag: that of a provider or of a remote mirror session, where there are several.
    pub fn outer(&self) -> Option<u16> {
        self.ids().first().copied()
    }

    /// The identifier in the innermost tag: the one the endpoint knows.
    pub fn inner(&self) -> Option<u16> {
        self.ids().last().copied()
    }

    /// The innermost identifier that names a VLAN: priority tags are passed over.
    pub fn vlan(&self) -> Option<u16> {
        self.ids().iter().rev().copied().find(|&id| id != 0)
    }

    /// Adds an inner tag by its identifier (the low 12 bits); false where there are four already.
    pub fn push(&mut self, id: u16) -> bool {
        let Some(slot) = self.ids.get_mut(usize::from(self.count)) else {
            return false;
        };
        *slot = id & 0x0fff;
        self.count = self.count.saturating_add(1);
        true
    }
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// An ARP message.
    Arp(Arp),
    /// A CDP message from its version byte on, cut to the 802.3 length.
    Cdp(&'a [u8]),
    /// An LLDP data unit; padding may follow its end.
    Lldp(&'a [u8]),
    /// An IP packet.
    Ip(IpPacket<'a>),
    /// Anything else.
    Other {
        /// The EtherType; a number up to 1500 is the length of an 802.3 frame, 0 stands where there is none.
        ether_type: u16,
    },
}

/// An IPv4 or IPv6 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpPacket<'a> {
    /// The sender.
    pub source: IpAddr,
    /// The receiver.
    pub destination: IpAddr,
    /// IPv4's time to live, IPv6's hop limit.
    pub hop_limit: u8,
    /// The differentiated services code point (RFC 2474): 46 is expedited forwarding, 24 is class selector 3.
    pub dscp: u8,
    /// The IPv4 identification or that of the IPv6 fragment header; 0 where there is none.
    pub identification: u32,
    /// What it carries.
    pub transport: Transport<'a>,
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// A TCP segment.
    Tcp(TcpSegment<'a>),
    /// A UDP datagram.
    Udp(UdpDatagram<'a>),
    /// An ICMP message of either version.
    Icmp(IcmpMessage),
    /// A piece of a larger packet, the first piece included.
    Fragment(Fragment<'a>),
    /// Another packet inside this one.
    Encapsulated {
        /// 47 GRE, 4 IPv4 in IP, 41 IPv6 in IP.
        protocol: u8,
        /// From the inner header on.
        payload: &'a [u8],
    },
    /// A protocol that is not decoded.
    Other {
        /// The IP protocol number.
        protocol: u8,
    },
}

/// A TCP segment (RFC 9293 section 3.1); its options are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSegment<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The number of the first payload byte, or of the SYN.
    pub sequence: u32,
    /// The next byte the sender waits for, where the ACK flag says that the field counts.
    pub acknowledgment: Option<u32>,
    /// The control bits.
    pub flags: TcpFlags,
    /// The receive window as it stands in the header, without its scale.
    pub window: u16,
    /// The payload as far as it was captured.
    pub payload: &'a [u8],
    /// The payload's length as the IP header says it; more than `payload.len()` where the snap length cut the frame.
    pub payload_length: u32,
}

/// The control bits of a TCP segment.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// The sender will send no more.
    pub const FIN: Self = Self(0x01);
    /// A connection begins.
    pub const SYN: Self = Self(0x02);
    /// The connection is refused or aborted.
    pub const RST: Self = Self(0x04);
    /// The receiver should pass the bytes on.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment field counts.
    pub const ACK: Self = Self(0x10);

    /// Whether every bit of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether FIN is set.
    pub const fn fin(self) -> bool {
        self.contains(Self::FIN)
    }

    /// Whether SYN is set.
    pub const fn syn(self) -> bool {
        self.contains(Self::SYN)
    }

    /// Whether RST is set.
    pub const fn rst(self) -> bool {
        self.contains(Self::RST)
    }

    /// Whether PSH is set.
    pub const fn psh(self) -> bool {
        self.contains(Self::PSH)
    }

    /// Whether ACK is set.
    pub const fn ack(self) -> bool {
        self.contains(Self::ACK)
    }
}

impl BitOr for TcpFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for TcpFlags {
    /// `SYN ACK`; a dot where none is set.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (flag, name) in [
            (Self::SYN, "SYN"),
            (Self::FIN, "FIN"),
            (Self::RST, "RST"),
            (Self::PSH, "PSH"),
            (Self::ACK, "ACK"),
        ] {
            if self.contains(flag) {
                write!(formatter, "{separator}{name}")?;
                separator = " ";
            }
        }
        if separator.is_empty() {
            formatter.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A UDP datagram (RFC 768).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpDatagram<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The payload as far as it was captured.
    pub payload: &'a [u8],
    /// The payload's length as the header says it.
    pub payload_length: u32,
    /// Whether the header promises more payload than there is.
    pub truncated: bool,
}

/// One piece of a fragmented packet (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Where the piece begins in the whole payload, in bytes.
    pub offset: u32,
    /// Whether more pieces follow this one.
    pub more: bool,
    /// The protocol of the whole payload; for IPv6 this may be a further extension header.
    pub protocol: u8,
    /// What the pieces of one packet share, beside addresses and protocol.
    pub identification: u32,
    /// The piece as far as it was captured.
    pub payload: &'a [u8],
    /// Whether the snap length cut the piece.
    pub truncated: bool,
}

#[cfg(test)]
mod tests;
