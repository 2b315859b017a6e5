use etherparse::PacketBuilder;

use super::*;

const PHONE: [u8; 6] = [0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f];
const SERVER: [u8; 6] = [0x00, 0x0c, 0x29, 0x01, 0x02, 0x03];
const PHONE_V4: [u8; 4] = [10, 1, 2, 3];
const SERVER_V4: [u8; 4] = [10, 0, 0, 180];

struct Filter(pcap::BpfProgram);

impl Filter {
    fn new(settings: &FilterSettings) -> Self {
        Self::of(&expression(settings), LinkType::Ethernet)
    }

    fn of(expression: &str, link: LinkType) -> Self {
        let capture = pcap::Capture::dead(linktype(link)).unwrap();
        Self(capture.compile(expression, true).unwrap())
    }

    fn keeps(&self, frame: &[u8]) -> bool {
        self.0.filter(frame)
    }
}

fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PHONE, SERVER)
        .ipv4(PHONE_V4, SERVER_V4, 64)
        .udp(from, to)
        .write(&mut frame, payload)
        .unwrap();
    frame
}

fn udp_v6(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PHONE, SERVER)
        .ipv6([0xfd; 16], [0xfe; 16], 64)
        .udp(from, to)
        .write(&mut frame, payload)
        .unwrap();
    frame
}

fn icmp_v6(kind: u8) -> Vec<u8> {
    let mut frame = udp_v6(1, 4, &[0; 40]);
    frame[20] = 58;
    frame[54] = kind;
    frame
}

fn tcp(from: u16, to: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PHONE, SERVER)
        .ipv4(PHONE_V4, SERVER_V4, 64)
        .tcp(from, to, 1, 1000)
        .write(&mut frame, &[])
        .unwrap();
    frame
}

fn ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(PHONE, SERVER)
        .ipv4(PHONE_V4, SERVER_V4, 64)
        .write(&mut frame, etherparse::IpNumber(protocol), payload)
        .unwrap();
    frame
}

fn ether(destination: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [
        &destination[..],
        &PHONE,
        &kind.to_be_bytes(),
        payload,
        &[0; 46],
    ]
    .concat()
}

/// `frame` with these tags (type, VLAN) between its addresses and its type, the outer one first.
fn tagged(frame: &[u8], tags: &[(u16, u16)]) -> Vec<u8> {
    let mut bytes = frame[..12].to_vec();
    for (kind, vlan) in tags {
        bytes.extend(kind.to_be_bytes());
        bytes.extend(vlan.to_be_bytes());
    }
    bytes.extend(&frame[12..]);
    bytes
}

fn rtp() -> Vec<u8> {
    // Version 2, payload type 0, 20 ms of G.711.
    udp(
        24_576,
        16_384,
        &[&[0x80, 0x00, 0x12, 0x34][..], &[0xd5; 168]].concat(),
    )
}

fn fragment(flags_and_offset: u16) -> Vec<u8> {
    let mut frame = udp(30_000, 40_000, &[0x80; 100]);
    frame[20..22].copy_from_slice(&flags_and_offset.to_be_bytes());
    frame
}

fn kept() -> Vec<(&'static str, Vec<u8>)> {
    let cdp = [
        &[0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x20, 0x00][..],
        &[2, 180],
    ]
    .concat();
    let mut v6_fragment = udp_v6(30_000, 40_000, &[0x80; 20]);
    v6_fragment[20] = 44;
    vec![
        ("SCCP", tcp(50_000, 2000)),
        ("SCCP, answer", tcp(2000, 50_000)),
        ("SCCP in TLS", tcp(50_000, 2443)),
        (
            "TFTP request",
            udp(50_000, 69, b"\0\x01SEP.cnf.xml\0octet\0"),
        ),
        ("TFTP data", udp(32_768, 50_000, b"\0\x03\0\x01<device>")),
        ("TFTP ACK", udp(50_000, 32_768, b"\0\x04\0\x01")),
        (
            "TFTP error",
            udp(32_768, 50_000, b"\0\x05\0\x01File not found\0"),
        ),
        ("TFTP OACK", udp(32_768, 50_000, b"\0\x06blksize\x001024\0")),
        (
            "TFTP data, IPv6",
            udp_v6(32_768, 50_000, b"\0\x03\0\x01<device>"),
        ),
        ("DHCP", udp(68, 67, &[1, 1, 6, 0])),
        ("DHCP, IPv4 broadcast answer", udp(67, 68, &[2, 1, 6, 0])),
        ("DHCPv6", udp_v6(546, 547, &[1, 1, 2, 3])),
        ("DHCPv6, relayed", udp_v6(547, 547, &[12, 0, 2, 3])),
        ("DHCPv6, answer", udp_v6(547, 546, &[7, 1, 2, 3])),
        ("neighbour solicitation", icmp_v6(135)),
        ("neighbour advertisement", icmp_v6(136)),
        ("DNS", udp(50_000, 53, &[0x12, 0x34, 1, 0])),
        ("DNS, IPv6", udp_v6(53, 50_000, &[0x12, 0x34, 1, 0])),
        ("ARP", ether([0xff; 6], 0x0806, &[0, 1, 8, 0, 6, 4, 0, 1])),
        ("CDP", ether([0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc], 10, &cdp)),
        (
            "LLDP",
            ether([0x01, 0x80, 0xc2, 0, 0, 0x0e], 0x88cc, &[2, 7, 4]),
        ),
        ("ICMP unreachable", ip(1, &[3, 3, 0, 0, 0, 0, 0, 0])),
        ("ICMPv6 unreachable", icmp_v6(1)),
        ("first fragment", fragment(0x2000)),
        ("middle fragment", fragment(0x2010)),
        ("last fragment", fragment(0x0010)),
        ("fragment, IPv6", v6_fragment),
        ("GRE", ip(47, &[0x10, 0x00, 0x88, 0xbe, 0, 0, 0, 1])),
        ("IP in IP", ip(4, &[0x45; 40])),
        ("VXLAN", udp(50_000, 4789, &[8, 0, 0, 0])),
        ("6in4", ip(41, &[0x60; 40])),
        ("Geneve", udp(50_000, 6081, &[0, 0, 0x65, 0x58])),
        ("MPLS", ether(SERVER, 0x8847, &[0, 1, 1, 64, 0x45])),
        (
            "PPPoE",
            ether(SERVER, 0x8864, &[0x11, 0, 0, 7, 0, 42, 0, 0x21]),
        ),
        ("VN-Tag", ether(SERVER, 0x8926, &[0, 1, 0, 2, 8, 0, 0x45])),
        (
            "E-TAG",
            ether(SERVER, 0x893f, &[0, 1, 0, 2, 0, 0, 8, 0, 0x45]),
        ),
        (
            "another outer tag",
            ether(SERVER, 0x9200, &[0, 9, 8, 0, 0x45]),
        ),
        ("VXLAN, old port", udp(50_000, 8472, &[8, 0, 0, 0])),
    ]
}

fn dropped() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("RTP", rtp()),
        ("RTCP", udp(24_577, 16_385, &[0x80, 200, 0, 6])),
        ("RTP, IPv6", udp_v6(24_576, 16_384, &[0x80; 20])),
        ("UDP without payload", udp(30_000, 40_000, &[])),
        ("UDP of zeros", udp(30_000, 40_000, &[0; 20])),
        ("opcode 7", udp(30_000, 40_000, &[0, 7, 0, 1])),
        ("HTTP", tcp(50_000, 80)),
        ("ping", ip(1, &[8, 0, 0, 0, 0, 0, 0, 0])),
        ("echo request, IPv6", icmp_v6(128)),
        ("router advertisement", icmp_v6(134)),
        ("redirect, IPv6", icmp_v6(137)),
        ("OSPF", ip(89, &[2, 1, 0, 44])),
        (
            "spanning tree",
            ether([0x01, 0x80, 0xc2, 0, 0, 0], 38, &[0x42, 0x42, 3]),
        ),
        ("empty", vec![]),
        ("half a header", vec![0; 7]),
    ]
}

const TAGS: [&[(u16, u16)]; 8] = [
    &[],
    &[(0x8100, 100)],
    &[(0x8100, 0xe00a)],
    &[(0x8100, 10), (0x8100, 100)],
    &[(0x88a8, 10), (0x8100, 100)],
    &[(0x9100, 5)],
    &[(0x8100, 10), (0x8100, 100), (0x8100, 20)],
    &[(0x88a8, 9), (0x88a8, 10), (0x8100, 100), (0x8100, 20)],
];

#[test]
fn keeps_what_the_trackers_read_under_any_tags() {
    let filter = Filter::new(&FilterSettings::default());
    for (what, frame) in kept() {
        for tags in TAGS {
            assert!(filter.keeps(&tagged(&frame, tags)), "{what} {tags:x?}");
        }
    }
}

#[test]
fn keeps_what_comes_over_an_inter_switch_link() {
    let filter = Filter::new(&FilterSettings::default());
    for group in [[0x01, 0, 0x0c, 0, 0, 0], [0x0c, 0, 0x0c, 0, 0, 0]] {
        assert!(filter.keeps(&ether(group, 94, &[0xaa, 0xaa, 3, 0, 0, 0x0c])));
    }
    assert!(!filter.keeps(&ether([0x01, 0, 0x0c, 0, 1, 0], 94, &[0x42, 0x42, 3])));
}

#[test]
fn keeps_ip_in_untagged_frames_of_802_3() {
    let filter = Filter::new(&FilterSettings::default());
    let frame = |kind: u16| {
        let snap = [&[0xaa, 0xaa, 3, 0, 0, 0][..], &kind.to_be_bytes(), &[0x45]].concat();
        ether(SERVER, 60, &snap)
    };
    assert!(filter.keeps(&frame(0x0800)));
    assert!(!filter.keeps(&frame(0x809b)));
}

#[test]
fn drops_voice_and_everything_else_under_any_tags() {
    let filter = Filter::new(&FilterSettings::default());
    for (what, frame) in dropped() {
        assert!(!filter.keeps(&frame), "{what}");
        if frame.len() >= 14 {
            for tags in TAGS {
                assert!(!filter.keeps(&tagged(&frame, tags)), "{what} {tags:x?}");
            }
        }
    }
}

#[test]
fn follows_the_settings() {
    let filter = Filter::new(&FilterSettings {
        sccp_ports: vec![2000, 2010],
        secure_ports: vec![],
        tftp_port: 6969,
        tunnels: false,
        extra: Some("tcp port 80 or udp port 5060".into()),
    });
    assert!(filter.keeps(&tcp(50_000, 2010)));
    assert!(!filter.keeps(&tcp(50_000, 2443)));
    assert!(filter.keeps(&udp(50_000, 6969, &[0xff; 4])));
    assert!(!filter.keeps(&udp(50_000, 69, &[0xff; 4])));
    assert!(!filter.keeps(&ip(47, &[0; 8])));
    assert!(!filter.keeps(&udp(50_000, 4789, &[8, 0, 0, 0])));
    assert!(filter.keeps(&tagged(&tcp(50_000, 80), &[(0x8100, 5)])));
    assert!(filter.keeps(&udp(5060, 5060, b"REGISTER")));
    assert!(!filter.keeps(&rtp()));
}

#[test]
fn compiles_for_every_link_type_and_keeps_ip_there() {
    for (link, header) in [
        (LinkType::RawIp, &[][..]),
        (LinkType::Null, &[2, 0, 0, 0]),
        (
            LinkType::LinuxSll,
            &[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0],
        ),
        (
            LinkType::LinuxSll2,
            &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
    ] {
        let filter = Filter::of(&expression_for(&FilterSettings::default(), link), link);
        for (what, frame) in kept() {
            if frame[12..14] == [8, 0] {
                let frame = [header, &frame[14..]].concat();
                assert!(filter.keeps(&frame), "{what} over {link:?}");
            }
        }
        assert!(!filter.keeps(&[header, &rtp()[14..]].concat()), "{link:?}");
    }
}

#[test]
fn is_far_from_the_kernels_limit() {
    // BPF_MAXINSNS is 4096.
    let many = FilterSettings {
        sccp_ports: (2000..2016).collect(),
        secure_ports: (2440..2448).collect(),
        ..FilterSettings::default()
    };
    for (settings, most) in [(FilterSettings::default(), 1000), (many, 2000)] {
        let length = Filter::new(&settings).0.get_instructions().len();
        assert!(length < most, "{length} instructions");
    }
}

#[test]
fn says_which_expression_is_wrong() {
    let error = check("tcp prot 2000", LinkType::Ethernet).unwrap_err();
    assert!(error.to_string().contains("`tcp prot 2000`"), "{error}");
    assert!(error.to_string().contains("syntax error"), "{error}");
    assert!(check("vlan", LinkType::RawIp).is_err());
    assert!(check("tcp\0", LinkType::Ethernet).is_err());
    assert_eq!(check("", LinkType::Ethernet), Ok(()));
}
