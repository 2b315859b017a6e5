//! The link header and the tags that may follow it.

use super::{
    Content, ETHER_TYPE_ARP, ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHER_TYPE_LLDP, LinkAddresses,
    Packet, VlanTags, decode_ip,
};
use crate::net::MacAddr;
use crate::record::LinkType;
use crate::wire::arp::Arp;
use crate::wire::{DecodeError, Reader};

/// VLAN tags: IEEE 802.1Q, 802.1ad, and two numbers in use before 802.1ad, which switches still offer for outer tags.
const VLAN_TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// Cisco's VN-Tag (IEEE 802.1BR's forerunner): on frames mirrored from fabric extenders.
const VN_TAG: u16 = 0x8926;
/// What became of the VN-Tag in IEEE 802.1BR (section 7.5): the E-TAG, with six bytes of tag control information.
const E_TAG: u16 = 0x893f;
/// A stack of MPLS labels (RFC 3032), which says of what it carries only where the stack ends.
const MPLS: u16 = 0x8847;
/// A PPP session over Ethernet (RFC 2516).
const PPPOE_SESSION: u16 = 0x8864;
/// The first five bytes of the two groups that Cisco's Inter-Switch Link is sent to, in the place of a receiver.
const ISL_GROUPS: [[u8; 5]; 2] = [
    [0x01, 0x00, 0x0c, 0x00, 0x00],
    [0x0c, 0x00, 0x0c, 0x00, 0x00],
];
/// Cisco MetaData: the inline security group tag on TrustSec links.
const CISCO_META_DATA: u16 = 0x8909;
/// The greatest number in the EtherType's place that is a length (IEEE 802.3 3.2.6).
const MAX_LENGTH: u16 = 1500;
/// LLC header of SNAP: both service access points 0xAA, unnumbered information.
const SNAP: [u8; 3] = [0xaa, 0xaa, 0x03];
/// The SNAP identifier of CDP: Cisco's organization and protocol 0x2000.
const SNAP_CDP: ([u8; 3], u16) = ([0x00, 0x00, 0x0c], 0x2000);
/// The organization under which SNAP carries an EtherType (RFC 1042).
const SNAP_ETHER_TYPE: [u8; 3] = [0; 3];

/// Takes a frame apart.
pub fn decode(link: LinkType, bytes: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let opened = open(link, bytes)?;
    Ok(Packet {
        link: opened.link,
        vlans: opened.vlans,
        content: match opened.carried {
            Carried::Arp(bytes) => Content::Arp(Arp::parse(bytes)?),
            Carried::Cdp(bytes) => Content::Cdp(bytes),
            Carried::Lldp(bytes) => Content::Lldp(bytes),
            Carried::Ip(bytes) => Content::Ip(decode_ip(bytes)?),
            Carried::Other { ether_type } => Content::Other { ether_type },
        },
    })
}

/// A frame whose link header and tags are read, and nothing else.
pub(super) struct Opened<'a> {
    link: Option<LinkAddresses>,
    vlans: VlanTags,
    pub(super) carried: Carried<'a>,
}

/// What follows the link header and the tags: the bytes of [`Content`].
pub(super) enum Carried<'a> {
    Arp(&'a [u8]),
    Cdp(&'a [u8]),
    Lldp(&'a [u8]),
    Ip(&'a [u8]),
    Other { ether_type: u16 },
}

/// Reads the link header and the tags.
pub(super) fn open(link: LinkType, bytes: &[u8]) -> Result<Opened<'_>, DecodeError> {
    let mut reader = Reader::new(bytes);
    match link {
        LinkType::Ethernet => ethernet(&mut reader),
        LinkType::RawIp => Ok(untagged(Carried::Ip(bytes))),
        LinkType::Null => null(&mut reader),
        LinkType::LinuxSll => linux_sll(&mut reader),
        LinkType::LinuxSll2 => linux_sll2(&mut reader),
    }
}

fn untagged(carried: Carried<'_>) -> Opened<'_> {
    Opened {
        link: None,
        vlans: VlanTags::default(),
        carried,
    }
}

fn ethernet<'a>(reader: &mut Reader<'a>) -> Result<Opened<'a>, DecodeError> {
    let mut vlans = VlanTags::default();
    if let Some(id) = isl(reader)? {
        vlans.push(id);
    }
    let destination = reader.mac("Ethernet destination")?;
    let source = reader.mac("Ethernet source")?;
    let ether_type = reader.u16_be("EtherType")?;
    typed(
        Some(LinkAddresses {
            source,
            destination,
        }),
        vlans,
        ether_type,
        reader,
    )
}

/// Takes the 26 bytes that ISL puts before a whole Ethernet frame, and gives their VLAN; `None` where there are none. A
/// checksum follows that frame, behind everything that is read.
fn isl(reader: &mut Reader<'_>) -> Result<Option<u16>, DecodeError> {
    let mut header = *reader;
    let Ok(group) = header.array::<5>("ISL group") else {
        return Ok(None);
    };
    if !ISL_GROUPS.contains(&group) {
        return Ok(None);
    }
    // The high half is the type of the inner frame, 0 for Ethernet.
    if header.u8("ISL type")? >> 4 != 0 {
        return Err(DecodeError::Malformed { field: "ISL type" });
    }
    header.take("ISL sender and length", 8)?;
    if header.array::<3>("ISL LLC")? != SNAP {
        return Ok(None);
    }
    header.take("ISL sender's organization", 3)?;
    // The lowest bit marks spanning tree, CDP and VTP.
    let vlan = header.u16_be("ISL VLAN")? >> 1;
    header.take("ISL index", 4)?;
    *reader = header;
    Ok(Some(vlan))
}

/// BSD loopback: the address family in the byte order of the host that captured, or in network order (`DLT_LOOP`).
fn null<'a>(reader: &mut Reader<'a>) -> Result<Opened<'a>, DecodeError> {
    let family = reader.u32_le("address family")?;
    let family = if family > 0xffff {
        family.swap_bytes()
    } else {
        family
    };
    match family {
        // AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 23 on Windows, 24 on NetBSD and OpenBSD, 28 on FreeBSD,
        // 30 on Darwin.
        2 | 10 | 23 | 24 | 28 | 30 => Ok(untagged(Carried::Ip(reader.rest()))),
        _ => Ok(untagged(Carried::Other { ether_type: 0 })),
    }
}

/// Linux cooked capture, version 1: 16 bytes.
fn linux_sll<'a>(reader: &mut Reader<'a>) -> Result<Opened<'a>, DecodeError> {
    let _packet_type = reader.u16_be("SLL packet type")?;
    let hardware = reader.u16_be("SLL hardware type")?;
    let address_length = reader.u16_be("SLL address length")?;
    let address = reader.array::<8>("SLL address")?;
    let protocol = reader.u16_be("SLL protocol")?;
    cooked(
        hardware,
        usize::from(address_length),
        address,
        protocol,
        reader,
    )
}

/// Linux cooked capture, version 2: 20 bytes in another order.
fn linux_sll2<'a>(reader: &mut Reader<'a>) -> Result<Opened<'a>, DecodeError> {
    let protocol = reader.u16_be("SLL2 protocol")?;
    let _reserved = reader.u16_be("SLL2 reserved")?;
    let _interface = reader.u32_be("SLL2 interface")?;
    let hardware = reader.u16_be("SLL2 hardware type")?;
    let _packet_type = reader.u8("SLL2 packet type")?;
    let address_length = reader.u8("SLL2 address length")?;
    let address = reader.array::<8>("SLL2 address")?;
    cooked(
        hardware,
        usize::from(address_length),
        address,
        protocol,
        reader,
    )
}

fn cooked<'a>(
    hardware: u16,
    address_length: usize,
    address: [u8; 8],
    protocol: u16,
    reader: &mut Reader<'a>,
) -> Result<Opened<'a>, DecodeError> {
    /// `ARPHRD_NETLINK`: the protocol is a netlink family, not an EtherType.
    const NETLINK: u16 = 824;
    /// `ETH_P_802_2`: an LLC header without the 802.3 length before it.
    const LLC: u16 = 0x0004;

    let source = Reader::new(&address).mac("sender of a cooked frame")?;
    let link = (address_length == 6).then_some(LinkAddresses {
        source,
        destination: MacAddr([0; 6]),
    });
    match (hardware, protocol) {
        (NETLINK, _) => Ok(Opened {
            link,
            ..untagged(Carried::Other { ether_type: 0 })
        }),
        (_, LLC) => {
            let carried = match snap(reader) {
                Some(SNAP_CDP) => Carried::Cdp(reader.rest()),
                Some(_) | None => Carried::Other { ether_type: 0 },
            };
            Ok(Opened {
                link,
                ..untagged(carried)
            })
        }
        _ => typed(link, VlanTags::default(), protocol, reader),
    }
}

/// What follows an EtherType. Each turn of the loop takes at least four bytes.
fn typed<'a>(
    link: Option<LinkAddresses>,
    mut vlans: VlanTags,
    mut ether_type: u16,
    reader: &mut Reader<'a>,
) -> Result<Opened<'a>, DecodeError> {
    let carried = loop {
        match ether_type {
            tag if VLAN_TAGS.contains(&tag) => {
                let control = reader.u16_be("VLAN tag")?;
                if !vlans.push(control) {
                    break Carried::Other { ether_type };
                }
                ether_type = reader.u16_be("EtherType after a VLAN tag")?;
            }
            VN_TAG => {
                reader.take("VN-Tag", 4)?;
                ether_type = reader.u16_be("EtherType after a VN-Tag")?;
            }
            E_TAG => {
                reader.take("E-TAG", 6)?;
                ether_type = reader.u16_be("EtherType after an E-TAG")?;
            }
            MPLS => match labelled(reader)? {
                Some(inner) => ether_type = inner,
                None => break Carried::Other { ether_type },
            },
            PPPOE_SESSION => match session(reader)? {
                Some(inner) => ether_type = inner,
                None => break Carried::Other { ether_type },
            },
            CISCO_META_DATA => {
                reader.take("Cisco MetaData", 6)?;
                ether_type = reader.u16_be("EtherType after Cisco MetaData")?;
            }
            ETHER_TYPE_IPV4 | ETHER_TYPE_IPV6 => break Carried::Ip(reader.rest()),
            ETHER_TYPE_ARP => break Carried::Arp(reader.rest()),
            ETHER_TYPE_LLDP => break Carried::Lldp(reader.rest()),
            length if length <= MAX_LENGTH => {
                let mut frame = Reader::new(reader.take_up_to(usize::from(length)));
                match snap(&mut frame) {
                    Some(SNAP_CDP) => break Carried::Cdp(frame.rest()),
                    Some((SNAP_ETHER_TYPE, inner)) if inner > MAX_LENGTH => {
                        ether_type = inner;
                        *reader = frame;
                    }
                    Some(_) | None => break Carried::Other { ether_type },
                }
            }
            _ => break Carried::Other { ether_type },
        }
    };
    Ok(Opened {
        link,
        vlans,
        carried,
    })
}

/// Takes a stack of labels up to its bottom. What follows is IP where its first four bits are a version of IP; a
/// pseudowire's Ethernet frame begins otherwise.
fn labelled(reader: &mut Reader<'_>) -> Result<Option<u16>, DecodeError> {
    const BOTTOM: u32 = 0x100;
    while reader.u32_be("MPLS label")? & BOTTOM == 0 {}
    Ok(match reader.peek().first().map(|byte| byte >> 4) {
        Some(4) => Some(ETHER_TYPE_IPV4),
        Some(6) => Some(ETHER_TYPE_IPV6),
        Some(_) | None => None,
    })
}

/// Takes the header of a session's data and PPP's protocol; `None` where that is not IP.
fn session(reader: &mut Reader<'_>) -> Result<Option<u16>, DecodeError> {
    const VERSION_AND_TYPE_OF_DATA: u16 = 0x1100;
    if reader.u16_be("PPPoE version and code")? != VERSION_AND_TYPE_OF_DATA {
        return Ok(None);
    }
    reader.take("PPPoE session and length", 4)?;
    Ok(match reader.u16_be("PPP protocol")? {
        0x0021 => Some(ETHER_TYPE_IPV4),
        0x0057 => Some(ETHER_TYPE_IPV6),
        _ => None,
    })
}

/// The organization and protocol of a SNAP header (RFC 1042); `None` for other LLC frames, such as spanning tree.
fn snap(reader: &mut Reader<'_>) -> Option<([u8; 3], u16)> {
    if reader.array::<3>("LLC").ok()? != SNAP {
        return None;
    }
    let organization = reader.array::<3>("SNAP organization").ok()?;
    let protocol = reader.u16_be("SNAP protocol").ok()?;
    Some((organization, protocol))
}
