#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{Ipv4Addr, Ipv6Addr};

use super::encode::{EthernetFrame, Ipv4};
use super::*;
use crate::record::LinkType;
use crate::wire::arp::ArpOperation;
use crate::wire::icmp::{IcmpMessage, UnreachableCode};
use proptest::prelude::*;

const PHONE: MacAddr = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
const ROUTER: MacAddr = MacAddr([0x00, 0x18, 0x0a, 0x4f, 0x00, 0x01]);

/// UDP 10.1.2.3:51000 -> 10.0.0.180:69 with the payload "ab": 30 bytes, DSCP 24, identification 1.
const UDP: [u8; 30] = [
    0x45, 0x60, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0, // IPv4
    10, 1, 2, 3, 10, 0, 0, 180, // addresses
    0xc7, 0x38, 0, 69, 0, 10, 0, 0, // UDP
    b'a', b'b',
];

fn ip_of(packet: Packet<'_>) -> IpPacket<'_> {
    let Content::Ip(ip) = packet.content else {
        panic!("{packet:?}");
    };
    ip
}

fn udp_of(ip: IpPacket<'_>) -> UdpDatagram<'_> {
    let Transport::Udp(datagram) = ip.transport else {
        panic!("{ip:?}");
    };
    datagram
}

fn tcp_of(ip: IpPacket<'_>) -> TcpSegment<'_> {
    let Transport::Tcp(segment) = ip.transport else {
        panic!("{ip:?}");
    };
    segment
}

fn to_router() -> EthernetFrame {
    EthernetFrame::new(PHONE, ROUTER)
}

fn to_server() -> Ipv4 {
    Ipv4 {
        hop_limit: 63,
        dscp: 24,
        identification: 77,
        ..Ipv4::new(Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::new(10, 0, 0, 180))
    }
}

/// The UDP packet behind an Ethernet header with these tags.
fn ethernet(tags: &[[u8; 4]], payload: &[u8]) -> Vec<u8> {
    let mut bytes = [ROUTER.0, PHONE.0].concat();
    for tag in tags {
        bytes.extend_from_slice(tag);
    }
    bytes.extend_from_slice(&[0x08, 0x00]);
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn padding_does_not_leak_into_the_payload() {
    let mut frame = ethernet(&[], &UDP);
    frame.extend_from_slice(&[0xee; 16]);
    let packet = decode(LinkType::Ethernet, &frame).unwrap();
    assert_eq!(
        packet.link,
        Some(LinkAddresses {
            source: PHONE,
            destination: ROUTER
        })
    );
    let ip = ip_of(packet);
    assert_eq!(ip.source, Ipv4Addr::new(10, 1, 2, 3));
    assert_eq!(ip.destination, Ipv4Addr::new(10, 0, 0, 180));
    assert_eq!((ip.hop_limit, ip.dscp, ip.identification), (64, 24, 1));
    assert_eq!(
        udp_of(ip),
        UdpDatagram {
            source_port: 51_000,
            destination_port: 69,
            payload: b"ab",
            payload_length: 2,
            truncated: false
        }
    );
}

#[test]
fn a_total_length_of_zero_takes_the_rest() {
    let mut packet = UDP;
    packet[3] = 0;
    packet[25] = 0;
    assert_eq!(udp_of(decode_ip(&packet).unwrap()).payload, b"ab");
    // One that ends inside the header is another matter.
    packet[3] = 19;
    assert_eq!(decode_ip(&packet).unwrap_err().reason(), "malformed");
}

#[test]
fn a_cut_payload_is_what_is_there_and_a_cut_header_is_truncated() {
    let datagram = udp_of(decode_ip(&UDP[..29]).unwrap());
    assert_eq!((datagram.payload, datagram.truncated), (&b"a"[..], true));
    for length in 0..28 {
        assert_eq!(
            decode_ip(&UDP[..length]).unwrap_err().reason(),
            "truncated",
            "{length}"
        );
    }
    for length in 0..14 {
        assert!(decode(LinkType::Ethernet, &ethernet(&[], &UDP)[..length]).is_err());
    }
}

#[test]
fn a_header_that_its_packet_has_no_room_for_is_malformed() {
    let mut packet = UDP;
    packet[3] = 26;
    assert_eq!(decode_ip(&packet).unwrap_err().reason(), "malformed");
    let mut packet = UDP;
    packet[25] = 7;
    assert_eq!(decode_ip(&packet).unwrap_err().reason(), "malformed");
    let mut packet = UDP;
    packet[0] = 0x44;
    assert_eq!(decode_ip(&packet).unwrap_err().reason(), "malformed");
    packet[0] = 0x55;
    assert_eq!(decode_ip(&packet).unwrap_err().reason(), "malformed");
}

#[test]
fn up_to_four_vlan_tags_of_every_kind_are_read() {
    let tags = [
        [0x88, 0xa8, 0x00, 30],
        [0x91, 0x00, 0x00, 20],
        [0x92, 0x00, 0xe0, 10],
        [0x81, 0x00, 0xa0, 0],
        [0x81, 0x00, 0x00, 5],
    ];
    for count in 0..=4 {
        let packet = ethernet(&tags[..count], &UDP);
        let packet = decode(LinkType::Ethernet, &packet).unwrap();
        assert_eq!(packet.vlans.ids(), &[30, 20, 10, 0][..count]);
        assert_eq!(udp_of(ip_of(packet)).payload, b"ab");
        if count == 4 {
            let vlans = packet.vlans;
            assert_eq!((vlans.outer(), vlans.inner()), (Some(30), Some(0)));
            assert_eq!(vlans.vlan(), Some(10));
        }
    }
    let packet = ethernet(&tags, &UDP);
    assert_eq!(
        decode(LinkType::Ethernet, &packet).unwrap().content,
        Content::Other { ether_type: 0x8100 }
    );
    assert_eq!(VlanTags::default().vlan(), None);
}

#[test]
fn ciscos_own_tags_are_passed_over() {
    let vn_tag = [&[0x89, 0x26, 0x80, 0x01, 0x00, 0x02, 0x08, 0x00][..], &UDP].concat();
    let meta_data = [
        &[0x89, 0x09, 0x01, 0x01, 0x00, 0x01, 0x00, 0x05, 0x08, 0x00][..],
        &UDP,
    ]
    .concat();
    for tagged in [vn_tag, meta_data] {
        let frame = [&ROUTER.0[..], &PHONE.0, &tagged].concat();
        let packet = decode(LinkType::Ethernet, &frame).unwrap();
        assert_eq!(udp_of(ip_of(packet)).payload, b"ab");
    }
}

#[test]
fn tags_of_bridge_ports_labels_and_sessions_are_passed_over() {
    let addresses = [ROUTER.0, PHONE.0].concat();
    for (what, header) in [
        // IEEE 802.1BR, 7.5: E-PCP, ingress E-CID base; E-CID base; two extensions.
        ("E-TAG", &[0x89, 0x3f, 0, 1, 0x10, 5, 0, 0, 0x08, 0x00][..]),
        // RFC 3032: two labels of 20 bits, the bottom bit on the second one.
        ("MPLS", &[0x88, 0x47, 0, 1, 0x10, 64, 0, 2, 0x01, 64]),
        // RFC 2516: version and type 1, code 0, session 7, length; PPP's number of IPv4 (RFC 1332).
        ("PPPoE", &[0x88, 0x64, 0x11, 0, 0, 7, 0, 32, 0x00, 0x21]),
    ] {
        let bytes = [&addresses[..], header, &UDP].concat();
        let packet = decode(LinkType::Ethernet, &bytes).unwrap();
        assert_eq!(udp_of(ip_of(packet)).payload, b"ab", "{what}");
        let cut = decode(LinkType::Ethernet, &bytes[..17]).unwrap_err();
        assert_eq!(cut.reason(), "truncated", "{what}");
    }
    // An Ethernet frame behind the label, discovery of a session, and a PPP protocol that is not IP.
    for other in [
        &[0x88, 0x47, 0, 1, 0x11, 64, 0, 0, 0, 0][..],
        &[0x88, 0x64, 0x11, 9, 0, 0, 0, 0, 0, 0],
        &[0x88, 0x64, 0x11, 0, 0, 7, 0, 2, 0xc0, 0x21],
    ] {
        let bytes = [&addresses[..], other].concat();
        let packet = decode(LinkType::Ethernet, &bytes).unwrap();
        assert!(
            matches!(packet.content, Content::Other { .. }),
            "{packet:?}"
        );
    }
}

#[test]
fn an_inter_switch_link_names_the_vlan_before_the_whole_frame() {
    // Group, type Ethernet and priority 0; the switch; length; LLC; organization; VLAN 110, no BPDU; port; reserved.
    let header = [
        0x01, 0x00, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x0c, 0xce, 0x01, 0x02, 0x03, 0, 64, 0xaa, 0xaa,
        0x03, 0x00, 0x0c, 0xce, 0x00, 0xdc, 0, 5, 0, 0,
    ];
    let inner = ethernet(&[], &UDP);
    let bytes = [&header, &inner[..], &[0xfc; 4]].concat();
    let packet = decode(LinkType::Ethernet, &bytes).unwrap();
    assert_eq!(packet.vlans.ids(), [110]);
    assert_eq!(packet.link.map(|link| link.source), Some(PHONE));
    assert_eq!(udp_of(ip_of(packet)).payload, b"ab");
    assert_eq!(
        decode(LinkType::Ethernet, &bytes[..20])
            .unwrap_err()
            .reason(),
        "truncated"
    );
    let mut token_ring = bytes.clone();
    token_ring[5] = 0x10;
    let error = decode(LinkType::Ethernet, &token_ring).unwrap_err();
    assert_eq!(error.reason(), "malformed");
    // The group alone does not make it one.
    let mut other = bytes;
    other[14] = 0x42;
    assert!(decode(LinkType::Ethernet, &other).is_ok());
}

#[test]
fn cdp_is_found_by_its_snap_header_and_cut_to_its_length() {
    let mut frame = to_router().vlan(1).cdp(b"\x02\xb4\0\0");
    frame.extend_from_slice(&[0; 20]);
    let packet = decode(LinkType::Ethernet, &frame).unwrap();
    assert_eq!(packet.content, Content::Cdp(b"\x02\xb4\0\0"));
    assert_eq!(packet.vlans.vlan(), Some(1));
    // Spanning tree has an LLC header without SNAP.
    let spanning_tree = to_router().frame(7, &[0x42, 0x42, 0x03, 0, 0, 0, 0]);
    assert_eq!(
        decode(LinkType::Ethernet, &spanning_tree).unwrap().content,
        Content::Other { ether_type: 7 }
    );
    // SNAP around an EtherType.
    let snap = [&[0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00][..], &UDP].concat();
    let packet = to_router().frame(38, &snap);
    let packet = decode(LinkType::Ethernet, &packet).unwrap();
    assert_eq!(udp_of(ip_of(packet)).payload, b"ab");
}

#[test]
fn lldp_and_arp_are_found_by_their_ether_types() {
    let unit = to_router().lldp(b"\x02\x07");
    assert_eq!(
        decode(LinkType::Ethernet, &unit).unwrap().content,
        Content::Lldp(b"\x02\x07")
    );
    let arp = Arp {
        operation: ArpOperation::Reply,
        sender_mac: PHONE,
        sender_address: Ipv4Addr::new(10, 1, 2, 3),
        target_mac: ROUTER,
        target_address: Ipv4Addr::new(10, 1, 2, 1),
    };
    assert_eq!(
        decode(LinkType::Ethernet, &to_router().arp(&arp))
            .unwrap()
            .content,
        Content::Arp(arp)
    );
}

#[test]
fn loopback_has_its_family_in_either_order() {
    for family in [
        [2, 0, 0, 0],
        [0, 0, 0, 2],
        [30, 0, 0, 0],
        [0, 0, 0, 10],
        [24, 0, 0, 0],
        [0, 0, 0, 28],
    ] {
        let frame = [&family[..], &UDP].concat();
        let packet = decode(LinkType::Null, &frame).unwrap();
        assert_eq!(udp_of(ip_of(packet)).payload, b"ab", "{family:?}");
        assert_eq!(packet.link, None);
    }
    let frame = [&[7, 0, 0, 0][..], &UDP].concat();
    assert_eq!(
        decode(LinkType::Null, &frame).unwrap().content,
        Content::Other { ether_type: 0 }
    );
    let packet = decode(LinkType::RawIp, &UDP).unwrap();
    assert_eq!(udp_of(ip_of(packet)).payload, b"ab");
}

#[test]
fn cooked_captures_of_both_versions_name_the_sender() {
    let version_1 = |protocol: [u8; 2], payload: &[u8]| {
        [
            &[0, 4, 0, 1, 0, 6][..],
            &PHONE.0,
            &[0, 0],
            &protocol,
            payload,
        ]
        .concat()
    };
    let version_2 = |protocol: [u8; 2], payload: &[u8]| {
        [
            &protocol[..],
            &[0, 0, 0, 0, 0, 3, 0, 1, 4, 6],
            &PHONE.0,
            &[0, 0],
            payload,
        ]
        .concat()
    };
    let tagged = [&[0x00, 110, 0x08, 0x00][..], &UDP].concat();
    let snap_cdp = b"\xaa\xaa\x03\x00\x00\x0c\x20\x00\x02\xb4\0\0";
    for (link, frame, tagged, cdp) in [
        (
            LinkType::LinuxSll,
            version_1([8, 0], &UDP),
            version_1([0x81, 0], &tagged),
            version_1([0, 4], snap_cdp),
        ),
        (
            LinkType::LinuxSll2,
            version_2([8, 0], &UDP),
            version_2([0x81, 0], &tagged),
            version_2([0, 4], snap_cdp),
        ),
    ] {
        let packet = decode(link, &frame).unwrap();
        assert_eq!(packet.link.map(|link| link.source), Some(PHONE));
        assert_eq!(udp_of(ip_of(packet)).payload, b"ab");
        let packet = decode(link, &tagged).unwrap();
        assert_eq!(packet.vlans.vlan(), Some(110));
        assert_eq!(udp_of(ip_of(packet)).payload, b"ab");
        let packet = decode(link, &cdp).unwrap();
        assert_eq!(packet.content, Content::Cdp(b"\x02\xb4\0\0"));
        for length in 0..16 {
            assert_eq!(
                decode(link, &frame[..length]).unwrap_err().reason(),
                "truncated"
            );
        }
    }
}

#[test]
fn a_segment_knows_how_long_its_payload_was() {
    let segment = TcpSegment {
        source_port: 50_000,
        destination_port: 2000,
        sequence: 0xffff_fff0,
        acknowledgment: Some(5),
        flags: TcpFlags::PSH | TcpFlags::ACK,
        window: 8192,
        payload: b"0123456789",
        payload_length: 10,
    };
    let frame = to_router().vlan(110).tcp(&to_server(), &segment);
    let packet = decode(LinkType::Ethernet, &frame).unwrap();
    let ip = ip_of(packet);
    assert_eq!((ip.hop_limit, ip.dscp, ip.identification), (63, 24, 77));
    assert_eq!(tcp_of(ip), segment);
    assert_eq!(segment.flags.to_string(), "PSH ACK");
    assert_eq!(TcpFlags::default().to_string(), ".");

    let cut = tcp_of(ip_of(
        decode(LinkType::Ethernet, &frame[..frame.len() - 4]).unwrap(),
    ));
    assert_eq!((cut.payload, cut.payload_length), (&b"012345"[..], 10));

    let syn = TcpSegment {
        acknowledgment: None,
        flags: TcpFlags::SYN,
        payload: b"",
        payload_length: 0,
        ..segment
    };
    let frame = to_router().tcp(&to_server(), &syn);
    assert_eq!(
        tcp_of(ip_of(decode(LinkType::Ethernet, &frame).unwrap())),
        syn
    );
}

#[test]
fn options_that_were_cut_away_leave_the_segment() {
    // 40 bytes of TCP: a header of 32 with 12 of options, and 8 of payload; the frame ends with the fixed header.
    let mut bytes = vec![
        0x45, 0, 0, 60, 0, 1, 0, 0, 64, 6, 0, 0, 10, 1, 2, 3, 10, 0, 0, 180,
    ];
    bytes.extend_from_slice(&[
        0xc3, 0x50, 0x07, 0xd0, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 0x18, 1, 0, 0, 0, 0, 0,
    ]);
    let segment = tcp_of(decode_ip(&bytes).unwrap());
    assert_eq!((segment.payload, segment.payload_length), (&b""[..], 8));
    // The same without a cut: the packet has no room for its options.
    bytes[3] = 40;
    assert_eq!(decode_ip(&bytes).unwrap_err().reason(), "malformed");
    // A data offset inside the fixed header.
    bytes[32] = 0x40;
    assert_eq!(decode_ip(&bytes).unwrap_err().reason(), "malformed");
}

#[test]
fn every_fragment_is_one_the_first_included() {
    for (offset, more) in [(0, true), (8, true), (1480, false)] {
        let frame = to_router().ipv4_fragment(&to_server(), 17, offset, more, b"01234567");
        let ip = ip_of(decode(LinkType::Ethernet, &frame).unwrap());
        assert_eq!(
            ip.transport,
            Transport::Fragment(Fragment {
                offset: offset.into(),
                more,
                protocol: 17,
                identification: 77,
                payload: b"01234567",
                truncated: false,
            })
        );
    }
    let frame = to_router().ipv4_fragment(&to_server(), 17, 0, true, b"01234567");
    let ip = ip_of(decode(LinkType::Ethernet, &frame[..frame.len() - 1]).unwrap());
    assert!(matches!(
        ip.transport,
        Transport::Fragment(Fragment {
            truncated: true,
            payload: b"0123456",
            ..
        })
    ));
}

/// An IPv6 header from `fd00::1` to `fd00::2`, DSCP 46, hop limit 64.
fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let address = |last: u16| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last).octets();
    [
        &[0x6b, 0x80, 0, 0][..],
        &length,
        &[next_header, 64],
        &address(1),
        &address(2),
        payload,
    ]
    .concat()
}

#[test]
fn ipv6_extensions_are_passed_over() {
    // Hop-by-hop options, then destination options, then UDP.
    let payload = [
        &[60, 0, 1, 4, 0, 0, 0, 0][..],
        &[17, 0, 1, 4, 0, 0, 0, 0],
        &UDP[20..],
    ]
    .concat();
    let packet = ipv6(0, &payload);
    let frame = [&ROUTER.0[..], &PHONE.0, &[0x86, 0xdd], &packet, &[0xee; 3]].concat();
    let ip = ip_of(decode(LinkType::Ethernet, &frame).unwrap());
    assert_eq!(ip.source, Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1));
    assert_eq!((ip.hop_limit, ip.dscp, ip.identification), (64, 46, 0));
    assert_eq!(udp_of(ip).payload, b"ab");
    // Cut in an extension.
    assert_eq!(decode_ip(&packet[..50]).unwrap_err().reason(), "truncated");
}

#[test]
fn an_ipv6_fragment_begins_behind_its_header() {
    // Destination options, then a fragment header: offset 8, more, identification 0x01020304, of protocol 60, whose
    // own extension header would be in the first fragment and is not looked for in this one.
    let payload = [
        &[44, 0, 1, 4, 0, 0, 0, 0][..],
        &[60, 0, 0, 9, 1, 2, 3, 4],
        &[17, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let packet = ipv6(60, &payload);
    let ip = decode_ip(&packet).unwrap();
    assert_eq!(ip.identification, 0x0102_0304);
    assert_eq!(
        ip.transport,
        Transport::Fragment(Fragment {
            offset: 8,
            more: true,
            protocol: 60,
            identification: 0x0102_0304,
            payload: &[17, 0, 0, 0, 0, 0, 0, 0],
            truncated: false,
        })
    );
    // A fragment that is the whole packet (RFC 6946) is no fragment.
    let payload = [&[17, 0, 0, 0, 1, 2, 3, 4][..], &UDP[20..]].concat();
    let packet = ipv6(44, &payload);
    assert_eq!(udp_of(decode_ip(&packet).unwrap()).payload, b"ab");
}

#[test]
fn a_whole_payload_may_begin_with_ipv6_extensions() {
    let payload = [&[17, 0, 1, 4, 0, 0, 0, 0][..], &UDP[20..]].concat();
    assert!(matches!(
        transport_of(60, &payload),
        Ok(Transport::Udp(UdpDatagram { payload: b"ab", .. }))
    ));
    let fragment = [17, 0, 0, 9, 0, 0, 0, 1];
    assert_eq!(
        transport_of(44, &fragment).unwrap_err().reason(),
        "malformed"
    );
    assert_eq!(
        transport_of(132, b""),
        Ok(Transport::Other { protocol: 132 })
    );
}

#[test]
fn other_protocols_keep_their_number() {
    for (protocol, transport) in [
        (
            47,
            Transport::Encapsulated {
                protocol: 47,
                payload: b"0123",
            },
        ),
        (
            4,
            Transport::Encapsulated {
                protocol: 4,
                payload: b"0123",
            },
        ),
        (50, Transport::Other { protocol: 50 }),
        (
            1,
            Transport::Icmp(IcmpMessage::Other {
                kind: b'0',
                code: b'1',
            }),
        ),
    ] {
        let frame = to_router().ipv4(&to_server(), protocol, b"0123");
        let ip = ip_of(decode(LinkType::Ethernet, &frame).unwrap());
        assert_eq!(ip.transport, transport);
    }
}

const LINKS: [LinkType; 5] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Null,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
];

/// Whether the payload of whatever was decoded is a part of the frame.
fn lies_within(packet: &Packet<'_>, frame: &[u8]) -> bool {
    let payload = match packet.content {
        Content::Cdp(payload) | Content::Lldp(payload) => payload,
        Content::Ip(ip) => match ip.transport {
            Transport::Tcp(segment) => segment.payload,
            Transport::Udp(datagram) => datagram.payload,
            Transport::Fragment(fragment) => fragment.payload,
            Transport::Encapsulated { payload, .. } => payload,
            Transport::Icmp(_) | Transport::Other { .. } => &[],
        },
        Content::Arp(_) | Content::Other { .. } => &[],
    };
    let frame = frame.as_ptr_range();
    let payload = payload.as_ptr_range();
    payload.is_empty() || (frame.start <= payload.start && payload.end <= frame.end)
}

#[test]
fn a_port_unreachable_names_the_datagram_it_is_about() {
    let ip = Ipv4::new(Ipv4Addr::new(10, 0, 0, 180), Ipv4Addr::new(10, 1, 2, 3));
    let frame = to_router().port_unreachable(&ip, &UDP);
    let ip = ip_of(decode(LinkType::Ethernet, &frame).unwrap());
    let Transport::Icmp(IcmpMessage::Unreachable(message)) = ip.transport else {
        panic!("{ip:?}");
    };
    assert_eq!(message.code, UnreachableCode::Port);
    let original = message.original.unwrap();
    assert_eq!(original.protocol, 17);
    assert_eq!(original.source.to_string(), "10.1.2.3:51000");
    assert_eq!(original.destination.to_string(), "10.0.0.180:69");
}

proptest! {
    #[test]
    fn any_bytes_give_a_packet_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        for link in LINKS {
            if let Ok(packet) = decode(link, &bytes) {
                prop_assert!(lies_within(&packet, &bytes));
            }
        }
        for version in [0x45, 0x60] {
            let bytes = [&[version], &bytes[..]].concat();
            if let Ok(packet) = decode(LinkType::RawIp, &bytes) {
                prop_assert!(lies_within(&packet, &bytes));
            }
        }
    }

    /// Mutations and cuts of real shapes: no panic, and no byte from behind the frame's end.
    #[test]
    fn a_damaged_frame_is_read_within_its_bounds(
        shape in 0_usize..5, at in 0_usize..120, byte in any::<u8>(), length in 0_usize..160,
    ) {
        let extensions = [&[60, 0, 1, 4, 0, 0, 0, 0][..], &[44, 0, 1, 4, 0, 0, 0, 0], &[17, 0, 0, 9, 1, 2, 3, 4], &UDP[20..]].concat();
        let mut frame = match shape {
            0 => ethernet(&[[0x81, 0, 0, 5], [0x88, 0xa8, 0, 6]], &UDP),
            1 => to_router().cdp(&[2, 180, 0, 0, 0, 1, 0, 8, 1, 2, 3, 4]),
            2 => to_router().frame(ETHER_TYPE_IPV6, &ipv6(0, &extensions)),
            3 => to_router().vlan(1).tcp(&to_server(), &TcpSegment {
                source_port: 1, destination_port: 2, sequence: 3, acknowledgment: None, flags: TcpFlags::SYN,
                window: 5, payload: &UDP, payload_length: 0,
            }),
            _ => to_router().ipv4_fragment(&to_server(), 6, 8, true, &UDP),
        };
        if let Some(place) = frame.get_mut(at) {
            *place = byte;
        }
        let frame = frame.get(..length).unwrap_or(&frame);
        if let Ok(packet) = decode(LinkType::Ethernet, frame) {
            prop_assert!(lies_within(&packet, frame));
        }
    }

    #[test]
    fn what_is_encoded_is_decoded(
        payload in proptest::collection::vec(any::<u8>(), 0..1400),
        ports in any::<(u16, u16)>(),
        numbers in (any::<u32>(), proptest::option::of(any::<u32>()), any::<u16>()),
        head in (any::<[u8; 4]>(), any::<[u8; 4]>(), any::<u8>(), 0_u8..64, any::<u16>()),
        vlans in proptest::collection::vec(0_u16..4096, 0..4),
        bits in 0_u8..16,
    ) {
        let ethernet = vlans.iter().fold(to_router(), |frame, id| frame.vlan(*id));
        let ipv4 = Ipv4 {
            source: head.0.into(), destination: head.1.into(), hop_limit: head.2, dscp: head.3, identification: head.4,
        };
        let flags = if numbers.1.is_some() { TcpFlags(bits) | TcpFlags::ACK } else { TcpFlags(bits) };
        let segment = TcpSegment {
            source_port: ports.0, destination_port: ports.1, sequence: numbers.0, acknowledgment: numbers.1, flags,
            window: numbers.2, payload: &payload, payload_length: u32::try_from(payload.len()).unwrap(),
        };
        let frame = ethernet.tcp(&ipv4, &segment);
        let packet = decode(LinkType::Ethernet, &frame).unwrap();
        prop_assert_eq!(packet.vlans.ids(), &vlans[..]);
        let ip = ip_of(packet);
        prop_assert_eq!((ip.hop_limit, ip.dscp, ip.identification), (head.2, head.3, u32::from(head.4)));
        prop_assert_eq!(tcp_of(ip), segment);

        let frame = ethernet.udp(&ipv4, ports.0, ports.1, &payload);
        let datagram = udp_of(ip_of(decode(LinkType::Ethernet, &frame).unwrap()));
        prop_assert_eq!(datagram, UdpDatagram {
            source_port: ports.0, destination_port: ports.1, payload: &payload,
            payload_length: u32::try_from(payload.len()).unwrap(), truncated: false,
        });
    }
}
