//! Tunnels a mirror session or a fabric may carry frames in: ERSPAN, GRE, IP in IP, VXLAN, Geneve.
//!
//! One call opens one layer; the caller decodes the inner bytes and bounds how deep it goes. An outer packet that is a
//! fragment has to be put together first.
//!
//! ERSPAN is told apart by the GRE protocol and the sequence flag, never by the version in its own header: devices have
//! been seen that send type II with the version of type I.

use crate::record::LinkType;
use crate::wire::packet::{ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, IpPacket, Transport, UdpDatagram};
use crate::wire::{DecodeError, Reader};

/// What a tunnel carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner<'a> {
    /// What `bytes` begin with.
    pub link: LinkType,
    /// The inner frame or packet; shorter than it was where the mirror session cut it.
    pub bytes: &'a [u8],
    /// What carried it.
    pub kind: TunnelKind,
}

/// The kinds of tunnels that are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TunnelKind {
    /// ERSPAN type I: GRE 0x88BE without a sequence number, no header of its own.
    ErspanI,
    /// ERSPAN type II: GRE 0x88BE with a sequence number, eight bytes of its own.
    ErspanII,
    /// ERSPAN type III: GRE 0x22EB, twelve bytes of its own, and eight more where its O flag says so.
    ErspanIII,
    /// An Ethernet frame or IP packet in GRE (RFC 2784, RFC 2890).
    Gre,
    /// An IP packet in IP (RFC 2003, RFC 4213).
    IpInIp,
    /// An Ethernet frame in UDP (RFC 7348).
    Vxlan,
    /// An Ethernet frame or IP packet in UDP, behind options (RFC 8926).
    Geneve,
}

/// The inner frame of a packet that is a tunnel's; `None` for any other packet, and where the tunnel carries something else
/// than Ethernet or IP. An error where its header does not fit into what there is.
pub fn open<'a>(ip: &IpPacket<'a>) -> Result<Option<Inner<'a>>, DecodeError> {
    match ip.transport {
        Transport::Encapsulated {
            protocol: GRE,
            payload,
        } => gre(payload),
        Transport::Encapsulated {
            protocol: _,
            payload,
        } => Ok(Some(Inner {
            link: LinkType::RawIp,
            bytes: payload,
            kind: TunnelKind::IpInIp,
        })),
        Transport::Udp(datagram) => match datagram.destination_port {
            port if VXLAN_PORTS.contains(&port) => vxlan(&datagram),
            GENEVE_PORT => geneve(&datagram),
            _ => Ok(None),
        },
        Transport::Tcp(_)
        | Transport::Icmp(_)
        | Transport::Fragment(_)
        | Transport::Other { .. } => Ok(None),
    }
}

/// IANA's port of VXLAN, and the one Linux used before it.
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;

/// The IP protocol number of GRE.
const GRE: u8 = 47;

/// GRE protocols: ERSPAN types I and II, ERSPAN type III, transparent Ethernet bridging.
const ERSPAN_I_II: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
const TRANSPARENT_ETHERNET: u16 = 0x6558;

fn gre(payload: &[u8]) -> Result<Option<Inner<'_>>, DecodeError> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;

    let mut reader = Reader::new(payload);
    let flags = reader.u16_be("GRE flags")?;
    let protocol = reader.u16_be("GRE protocol")?;
    if flags & ROUTING != 0 {
        // Source routes (RFC 1701) are of variable length, and were withdrawn before any of these protocols.
        return Ok(None);
    }
    if flags & CHECKSUM != 0 {
        reader.take("GRE checksum", 4)?;
    }
    if flags & KEY != 0 {
        reader.take("GRE key", 4)?;
    }
    if flags & SEQUENCE != 0 {
        reader.take("GRE sequence number", 4)?;
    }
    let (link, kind) = match protocol {
        ERSPAN_I_II if flags & SEQUENCE == 0 => (LinkType::Ethernet, TunnelKind::ErspanI),
        ERSPAN_I_II => {
            reader.take("ERSPAN header", 8)?;
            (LinkType::Ethernet, TunnelKind::ErspanII)
        }
        ERSPAN_III => (erspan_iii(&mut reader)?, TunnelKind::ErspanIII),
        TRANSPARENT_ETHERNET => (LinkType::Ethernet, TunnelKind::Gre),
        ETHER_TYPE_IPV4 | ETHER_TYPE_IPV6 => (LinkType::RawIp, TunnelKind::Gre),
        _ => return Ok(None),
    };
    Ok(Some(Inner {
        link,
        bytes: reader.rest(),
        kind,
    }))
}

/// Takes the header of type III; its last 16 bits are `P:1 frame type:5 hardware:6 D:1 granularity:2 O:1`.
fn erspan_iii(reader: &mut Reader<'_>) -> Result<LinkType, DecodeError> {
    const OPTIONAL_HEADER: u16 = 0x0001;
    const IP_FRAME: u16 = 2;

    reader.take("ERSPAN header", 10)?;
    let flags = reader.u16_be("ERSPAN flags")?;
    if flags & OPTIONAL_HEADER != 0 {
        reader.take("ERSPAN platform header", 8)?;
    }
    Ok(if (flags >> 10) & 0x1f == IP_FRAME {
        LinkType::RawIp
    } else {
        LinkType::Ethernet
    })
}

fn vxlan<'a>(datagram: &UdpDatagram<'a>) -> Result<Option<Inner<'a>>, DecodeError> {
    const VNI_IS_VALID: u8 = 0x08;

    let mut reader = Reader::new(datagram.payload);
    let [flags, ..] = reader.array::<8>("VXLAN header")?;
    Ok((flags & VNI_IS_VALID != 0).then_some(Inner {
        link: LinkType::Ethernet,
        bytes: reader.rest(),
        kind: TunnelKind::Vxlan,
    }))
}

/// RFC 8926, section 3.4: version and length of the options in units of four bytes, flags, protocol, network, options.
fn geneve<'a>(datagram: &UdpDatagram<'a>) -> Result<Option<Inner<'a>>, DecodeError> {
    const CONTROL: u8 = 0x80;

    let mut reader = Reader::new(datagram.payload);
    let first = reader.u8("Geneve version")?;
    let flags = reader.u8("Geneve flags")?;
    let protocol = reader.u16_be("Geneve protocol")?;
    if first >> 6 != 0 || flags & CONTROL != 0 {
        return Ok(None);
    }
    reader.take("Geneve network", 4)?;
    reader.take(
        "Geneve options",
        usize::from(first & 0x3f).saturating_mul(4),
    )?;
    let link = match protocol {
        TRANSPARENT_ETHERNET => LinkType::Ethernet,
        ETHER_TYPE_IPV4 | ETHER_TYPE_IPV6 => LinkType::RawIp,
        _ => return Ok(None),
    };
    Ok(Some(Inner {
        link,
        bytes: reader.rest(),
        kind: TunnelKind::Geneve,
    }))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use proptest::prelude::*;

    /// What stands for the inner frame.
    const FRAME: &[u8] = b"inner frame";

    fn packet(transport: Transport<'_>) -> IpPacket<'_> {
        IpPacket {
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            destination: IpAddr::V4(Ipv4Addr::LOCALHOST),
            hop_limit: 64,
            dscp: 0,
            identification: 0,
            transport,
        }
    }

    fn open_gre(payload: &[u8]) -> Option<(LinkType, TunnelKind, Vec<u8>)> {
        let packet = packet(Transport::Encapsulated {
            protocol: GRE,
            payload,
        });
        open(&packet)
            .ok()?
            .map(|inner| (inner.link, inner.kind, inner.bytes.to_vec()))
    }

    #[test]
    fn erspan_is_told_apart_by_protocol_and_sequence_flag() {
        for (header, kind) in [
            (&[0x00, 0x00, 0x88, 0xbe][..], TunnelKind::ErspanI),
            // Type II, once with version 1 and once with version 0 in its own header.
            (
                &[
                    0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0x65, 0, 1, 0, 0, 0, 0,
                ],
                TunnelKind::ErspanII,
            ),
            (
                &[
                    0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x00, 0x65, 0, 1, 0, 0, 0, 0,
                ],
                TunnelKind::ErspanII,
            ),
            (
                &[
                    0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0,
                ],
                TunnelKind::ErspanIII,
            ),
            (
                &[
                    0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 1, 7, 7,
                    7, 7, 7, 7, 7, 7,
                ],
                TunnelKind::ErspanIII,
            ),
        ] {
            assert_eq!(
                open_gre(&[header, FRAME].concat()),
                Some((LinkType::Ethernet, kind, FRAME.to_vec()))
            );
        }
    }

    #[test]
    fn erspan_iii_may_carry_a_packet_without_its_link_header() {
        let header = [
            0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0x08, 0,
        ];
        assert_eq!(
            open_gre(&[&header, FRAME].concat()),
            Some((LinkType::RawIp, TunnelKind::ErspanIII, FRAME.to_vec()))
        );
    }

    #[test]
    fn gre_may_carry_checksum_key_and_sequence() {
        let header = [0xb0, 0, 0x65, 0x58, 1, 1, 0, 0, 2, 2, 2, 2, 3, 3, 3, 3];
        assert_eq!(
            open_gre(&[&header, FRAME].concat()),
            Some((LinkType::Ethernet, TunnelKind::Gre, FRAME.to_vec()))
        );
        let header = [0, 0, 0x08, 0x00];
        assert_eq!(
            open_gre(&[&header, FRAME].concat()),
            Some((LinkType::RawIp, TunnelKind::Gre, FRAME.to_vec()))
        );
        // PPTP (version 1), source routes, and a header that ends early.
        for header in [
            &[0x30, 0x01, 0x88, 0x0b, 0, 0, 0, 0][..],
            &[0x40, 0, 0x08, 0x00, 0, 0, 0, 0],
            &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0x65],
        ] {
            assert_eq!(open_gre(header), None);
        }
    }

    #[test]
    fn ip_in_ip_and_vxlan_are_opened() {
        let inner = packet(Transport::Encapsulated {
            protocol: 41,
            payload: FRAME,
        });
        let link = open(&inner).unwrap().map(|inner| inner.link);
        assert_eq!(link, Some(LinkType::RawIp));

        let payload = [&[8, 0, 0, 0, 0, 0, 7, 0], FRAME].concat();
        let datagram = |destination_port, payload| {
            packet(Transport::Udp(UdpDatagram {
                source_port: 49152,
                destination_port,
                payload,
                payload_length: 0,
                truncated: false,
            }))
        };
        assert_eq!(
            open(&datagram(4789, &payload)),
            Ok(Some(Inner {
                link: LinkType::Ethernet,
                bytes: FRAME,
                kind: TunnelKind::Vxlan,
            }))
        );
        assert_eq!(open(&datagram(69, &payload)), Ok(None));
        assert_eq!(open(&datagram(4789, &[0; 20])), Ok(None));
        let error = open(&datagram(4789, &[8, 0, 0])).unwrap_err();
        assert_eq!(error.reason(), "truncated");

        // RFC 8926: two words of options, network 10; then one of IPv4, and a control message.
        let options = [0xff, 0xff, 1, 1, 0, 0, 0, 0];
        let header = [2, 0, 0x65, 0x58, 0, 0, 10, 0];
        let geneve = |first: &[u8]| [first, &options, FRAME].concat();
        let of_ip = geneve(&[2, 0, 8, 0, 0, 0, 10, 0]);
        let control = geneve(&[2, 0x80, 0x65, 0x58, 0, 0, 10, 0]);
        let of_ethernet = geneve(&header);
        assert_eq!(
            open(&datagram(6081, &of_ethernet)),
            Ok(Some(Inner {
                link: LinkType::Ethernet,
                bytes: FRAME,
                kind: TunnelKind::Geneve,
            }))
        );
        let inner = open(&datagram(6081, &of_ip)).unwrap();
        assert_eq!(inner.map(|inner| inner.link), Some(LinkType::RawIp));
        assert_eq!(open(&datagram(6081, &control)), Ok(None));
        open(&datagram(6081, &header)).unwrap_err();
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_end_of_the_payload_or_nothing(
            start in prop_oneof![
                Just(vec![0x10, 0, 0x88, 0xbe]), Just(vec![0x10, 0, 0x22, 0xeb]), Just(Vec::new())
            ],
            rest in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let payload = [start, rest].concat();
            let packet = packet(Transport::Encapsulated { protocol: GRE, payload: &payload });
            if let Ok(Some(inner)) = open(&packet) {
                prop_assert!(payload.ends_with(inner.bytes));
            }
        }
    }
}
