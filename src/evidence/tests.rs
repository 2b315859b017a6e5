use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::net::MacAddr;
use crate::record::LinkType;
use crate::time::Timestamp;
use crate::wire::packet::encode::{EthernetFrame, Ipv4};
use crate::wire::packet::{IpPlace, TcpFlags, TcpSegment};
use crate::wire::sccp::{KeypadButton, encode};
use crate::wire::tftp::Tftp;

const SECRET: &[u8] = b"<sshPassword>hunter2hunter2</sshPassword>";
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 180);
const PHONE: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);

fn link() -> EthernetFrame {
    EthernetFrame::new(MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2]))
}

fn blanked(link: LinkType, bytes: &[u8]) -> Vec<u8> {
    Blanker::new(&[2000]).blanked(&frame(link, bytes))
}

fn frame(link: LinkType, bytes: &[u8]) -> Frame<'_> {
    Frame {
        at: Timestamp::from_secs(1),
        link,
        source: 0,
        original_length: u32::try_from(bytes.len()).unwrap(),
        bytes,
    }
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn block() -> Vec<u8> {
    let bytes = SECRET;
    Tftp::Data { block: 7, bytes }.encode()
}

fn tftp(link: &EthernetFrame) -> Vec<u8> {
    link.udp(&Ipv4::new(SERVER, PHONE), 40_000, 51_000, &block())
}

/// A frame in each kind of tunnel, and in VLANs.
fn wrapped(inner: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let outer = Ipv4::new(Ipv4Addr::new(172, 16, 0, 1), Ipv4Addr::new(172, 16, 0, 2));
    let gre = |header: &[u8]| link().ipv4(&outer, 47, &[header, inner].concat());
    let erspan_ii = gre(&[
        0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0x65, 0, 1, 0, 0, 0, 0,
    ]);
    vec![
        ("erspan i", gre(&[0, 0, 0x88, 0xbe])),
        (
            "erspan iii",
            gre(&[
                0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0,
            ]),
        ),
        (
            "gre with a checksum",
            gre(&[0x80, 0, 0x65, 0x58, 1, 2, 0, 0]),
        ),
        (
            "vxlan",
            link().udp(
                &outer,
                50_000,
                4789,
                &[&[8, 0, 0, 0, 0, 0, 7, 0], inner].concat(),
            ),
        ),
        ("ip in ip", link().ipv4(&outer, 4, &inner[14..])),
        (
            "erspan ii in a vlan",
            [&erspan_ii[..12], &[0x81, 0, 0, 9], &erspan_ii[12..]].concat(),
        ),
        ("erspan ii", erspan_ii),
    ]
}

#[test]
fn the_bytes_of_a_file_are_gone_wherever_they_travel() {
    let plain = tftp(&link());
    let mut frames = wrapped(&plain);
    frames.push(("a vlan", tftp(&link().vlan(20))));
    frames.push(("two vlans", tftp(&link().vlan(20).vlan(30))));
    frames.push(("nothing", plain));
    let to_odd_port = link().udp(&Ipv4::new(SERVER, PHONE), 40_000, 53, &block());
    frames.push(("the port of dns", to_odd_port));
    for (what, bytes) in frames {
        assert!(holds(&bytes, SECRET), "{what}");
        let kept = blanked(LinkType::Ethernet, &bytes);
        assert_eq!(kept.len(), bytes.len(), "{what}");
        for window in SECRET.windows(4) {
            assert!(!holds(&kept, window), "{what}");
        }
        // The header of the block is what shows which one it is.
        assert!(holds(&kept, &[0, 3, 0, 7, 0, 0, 0, 0]), "{what}");
    }
}

#[test]
fn what_follows_a_packet_and_what_is_quoted_of_one_is_gone_too() {
    let mut padded = link().udp(&Ipv4::new(PHONE, SERVER), 51_000, 69, b"\0\x01a\0octet\0");
    let length = padded.len();
    padded.extend(SECRET);
    let kept = blanked(LinkType::Ethernet, &padded);
    assert_eq!(kept[..length], padded[..length]);
    assert_eq!(kept[length..], *vec![0; SECRET.len()]);

    let quoted = &tftp(&link())[14..];
    let error = [&[3, 3, 0x12, 0x34, 0, 0, 0, 0], quoted].concat();
    let error = link().ipv4(&Ipv4::new(PHONE, SERVER), 1, &error);
    let kept = blanked(LinkType::Ethernet, &error);
    assert_eq!(kept.len(), error.len());
    assert!(!holds(&kept, &SECRET[..4]));
    let (ports, end) = (14 + 20 + 8, 14 + 20 + 8 + 28);
    assert_eq!(kept[ports..end], error[ports..end]);

    let mut arp = link().frame(0x0806, &[0, 1, 8, 0, 6, 4, 0, 1]);
    arp.extend([0; 20]);
    arp.extend(SECRET);
    assert_eq!(blanked(LinkType::Ethernet, &arp).len(), 42);
}

#[test]
fn what_is_not_understood_is_cut_behind_its_headers() {
    let ip = Ipv4::new(SERVER, PHONE);
    let tcp = |port| {
        let segment = TcpSegment {
            source_port: port,
            destination_port: 51_000,
            sequence: 1,
            acknowledgment: Some(1),
            flags: TcpFlags::ACK,
            window: 100,
            payload: SECRET,
            payload_length: 0,
        };
        link().tcp(&ip, &segment)
    };
    for (bytes, length) in [
        (link().udp(&ip, 40_000, 51_000, SECRET), 42),
        (link().udp(&ip, 67, 68, SECRET), 42),
        (link().udp(&ip, 546, 547, SECRET), 42),
        (link().udp(&ip, 53, 51_000, &SECRET[..9]), 42),
        (link().ipv4_fragment(&ip, 17, 0, true, SECRET), 42),
        (link().ipv4_fragment(&ip, 17, 8, false, SECRET), 34),
        (link().ipv4(&ip, 89, SECRET), 34),
        (link().ipv4(&ip, 47, SECRET), 34),
        (link().frame(0x1234, SECRET), 14),
        (tcp(80), 54),
        (tcp(2443), 54),
        (tcp(2000), 54),
    ] {
        let kept = blanked(LinkType::Ethernet, &bytes);
        assert_eq!(kept.len(), length, "{bytes:x?}");
    }
    let deep = (0..5).fold(tftp(&link()), |inner, _| {
        link().ipv4(&ip, 47, &[&[0, 0, 0x65, 0x58], &inner[..]].concat())
    });
    assert!(!holds(&blanked(LinkType::Ethernet, &deep), &SECRET[..4]));
}

/// The checksums that a receiver would compute: a sum over everything, the checksum included, is all ones.
#[test]
fn checksums_fit_what_is_left() {
    let digit = KeypadButton {
        button: 7,
        line: None,
        call: None,
    };
    let segment = TcpSegment {
        source_port: 51_000,
        destination_port: 2000,
        sequence: 1,
        acknowledgment: Some(1),
        flags: TcpFlags::ACK,
        window: 100,
        payload: &encode::keypad_button(0, &digit),
        payload_length: 0,
    };
    let mut frame = link().tcp(&Ipv4::new(PHONE, SERVER), &segment);
    // As on a host that leaves the sum to its network card: the old one must not shine through.
    frame[14 + 20 + 16] ^= 0x55;
    let kept = blanked(LinkType::Ethernet, &frame);
    let place = IpPlace::of(LinkType::Ethernet, &kept).unwrap();
    let mut sum = u32::from(place.protocol) + u32::try_from(place.payload.len()).unwrap();
    for part in [&kept[26..34], &kept[place.payload]] {
        for word in part.chunks(2) {
            let last = word.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([word[0], last]));
        }
    }
    while sum > 0xFFFF {
        sum = (sum >> 16) + (sum & 0xFFFF);
    }
    assert_eq!(sum, 0xFFFF);
    // What holds nothing secret stays to the last bit.
    let register = link().udp(&Ipv4::new(PHONE, SERVER), 51_000, 69, b"\0\x01a\0octet\0");
    assert_eq!(blanked(LinkType::Ethernet, &register), register);
}

#[test]
fn a_file_holds_the_newest_frames_that_fit() {
    let bytes = tftp(&link());
    let frames: Vec<Frame<'_>> = (1..=10)
        .map(|second| Frame {
            at: Timestamp::from_secs(second),
            ..frame(LinkType::Ethernet, &bytes)
        })
        .collect();
    let most = 3 * (bytes.len() + OVERHEAD) + 1;
    let file = capture_file(frames.iter().copied(), &[2000], most).unwrap();
    assert!(file.len() <= most + 24);
    assert_eq!(file.len(), 24 + 3 * (16 + bytes.len()));
    assert_eq!(file[24..28], 8_u32.to_le_bytes());
    let none = capture_file(frames.iter().copied(), &[2000], 10).unwrap();
    assert_eq!(none.len(), 24);
}

proptest! {
    #[test]
    fn any_bytes_are_blanked_without_a_panic(
        start in prop_oneof![
            Just(Vec::new()),
            Just(tftp(&link())[..30].to_vec()),
            Just(wrapped(&tftp(&link()))[0].1[..40].to_vec()),
        ],
        rest in proptest::collection::vec(any::<u8>(), 0..120),
        cut in 0_usize..160,
    ) {
        let mut bytes = [start, rest].concat();
        bytes.truncate(cut);
        for link in [LinkType::Ethernet, LinkType::RawIp, LinkType::Null, LinkType::LinuxSll, LinkType::LinuxSll2] {
            prop_assert!(blanked(link, &bytes).len() <= bytes.len());
        }
    }
}
