//! The capture files of evidence: what Wireshark makes of them, and what is not in them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::HashSet;
use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use phonewatch::engine::{Engine, KeptFrame, Settings};
use phonewatch::evidence;
use phonewatch::flow::tunnel;
use phonewatch::net::MacAddr;
use phonewatch::record::{Frame, LinkType, Record};
use phonewatch::savefile;
use phonewatch::simulate::{Erspan, Fleet, Mirror, Plan, Share, View, Vlans};
use phonewatch::time::Timestamp;
use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};
use phonewatch::wire::packet::{self, Content, Transport};
use phonewatch::wire::tftp::{self, Tftp};
use support::{Captured, Entry, load};

const MOST: usize = 64 << 20;

#[test]
fn no_byte_of_a_real_configuration_is_in_the_evidence() {
    let Some(entries) = load("sccp-7912-cucm4-boot.pcapng") else {
        return;
    };
    let mut engine = Engine::new(Settings::default());
    let frames: Vec<&Captured> = entries.iter().filter_map(Entry::frame).collect();
    for frame in &frames {
        engine.handle(&Record::Frame(as_frame(frame)));
    }
    let file = evidence_of(&mut engine);
    let blocks: Vec<Vec<u8>> = frames.iter().filter_map(|it| block_of(&it.bytes)).collect();
    assert_nothing_of(&blocks, &file);
    // The firmware's name stands in the phone's file, and once in its alarm: so it is not looked for alone.
    let text = String::from_utf8_lossy(&file);
    assert!(
        !text.contains("<device") && !text.contains("<callManager"),
        "{text}"
    );
    assert_fits(&file, "tftp.opcode == 3", 10);
    assert_fits(&file, "skinny.messageId == 0x81", 1);
    assert_fits(&file, "tftp.source_file contains \"SEP001380AD9E5F\"", 2);
}

#[test]
fn wireshark_reads_what_is_left_of_real_calls() {
    for name in [
        "sccp-outbound-call.pcapng",
        "sccp-ndpi-call.pcap",
        "sccp-phone-register-7970.pcapng",
        "erspan-ii-vlan.pcap",
        "tftp-rrq.pcap",
    ] {
        let Some(entries) = load(name) else {
            return;
        };
        let frames: Vec<&Captured> = entries.iter().filter_map(Entry::frame).collect();
        let all: Vec<Frame<'_>> = frames.iter().map(|frame| as_frame(frame)).collect();
        let file = evidence::capture_file(all.iter().copied(), &[2000], MOST).unwrap();
        // What is wrong in a capture itself, such as a sum that a network card computes later, may stay so.
        let (Some(wrong), Some(before)) = (
            tshark(&file, WRONG),
            tshark(&savefile::capture_file(&all).unwrap(), WRONG),
        ) else {
            return;
        };
        let new: Vec<&String> = wrong.iter().filter(|it| !before.contains(it)).collect();
        assert!(new.is_empty(), "{name}: {new:?}");
        let blocks: Vec<Vec<u8>> = frames.iter().filter_map(|it| block_of(&it.bytes)).collect();
        assert!(name != "tftp-rrq.pcap" || !blocks.is_empty());
        assert_nothing_of(&blocks, &file);
    }
}

#[test]
fn the_files_of_a_simulated_phone_are_gone_through_vlan_and_erspan() {
    let vlans = Vlans {
        outer: Some(20),
        inner: 30,
    };
    for (vlans, erspan) in [
        (None, None),
        (Some(vlans), None),
        (Some(vlans), Some(Erspan::Two)),
        (None, Some(Erspan::Three)),
    ] {
        let view = View {
            vlans,
            erspan,
            ..View::default()
        };
        let plan = Plan {
            shares: vec!["healthy".parse::<Share>().unwrap()],
            phones: 1,
            length: Duration::from_secs(300),
            seed: 3,
        };
        let mut engine = Engine::new(Settings::default());
        let mut raw = Vec::new();
        for frame in Mirror::new(Fleet::new(&plan), &view, plan.seed) {
            engine.handle(&Record::Frame(frame_at(frame.at, &frame.bytes)));
            raw.push(frame.bytes);
        }
        let file = evidence_of(&mut engine);
        let blocks: Vec<Vec<u8>> = raw.iter().filter_map(|it| block_of(it)).collect();
        assert!(!blocks.is_empty(), "the phone fetches its file");
        assert_nothing_of(&blocks, &file);
        assert_fits(&file, "tftp.opcode == 3", 1);
        assert_fits(&file, "skinny.messageId == 0x1", 1);
    }
}

#[test]
fn frames_of_several_link_types_open_in_wireshark() {
    let link = EthernetFrame::new(MacAddr([2; 6]), MacAddr([4; 6]));
    let ip = Ipv4::new(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let bytes = b"hunter2hunter2";
    let block = link.udp(
        &ip,
        40_000,
        50_000,
        &Tftp::Data { block: 1, bytes }.encode(),
    );
    let cooked = [
        &[0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 8, 0][..],
        &block[14..],
    ]
    .concat();
    let frame = |second, link, bytes| Frame {
        at: Timestamp::from_nanos(second * 1_000_000_000_u64 + 7),
        link,
        source: 0,
        original_length: u32::try_from(<[u8]>::len(bytes)).unwrap(),
        bytes,
    };
    let frames = [
        frame(1, LinkType::Ethernet, &block[..]),
        frame(2, LinkType::RawIp, &block[14..]),
        frame(3, LinkType::LinuxSll, &cooked[..]),
    ];
    let file = evidence::capture_file(frames, &[2000], MOST).unwrap();
    assert!(!holds(&file, b"hunt"));
    assert_fits(
        &file,
        "udp.length == 26 && frame.time_epoch >= 1.000000007",
        3,
    );
}

/// What the engine recorded of all devices, as a file.
fn evidence_of(engine: &mut Engine) -> Vec<u8> {
    let snapshot = engine.snapshot();
    let kept: Vec<KeptFrame> = snapshot
        .shown_with_places()
        .flat_map(|(id, _)| engine.recorded(id).collect::<Vec<_>>())
        .collect();
    assert!(kept.len() > 10, "{} frames", kept.len());
    evidence::capture_file(kept.iter().map(KeptFrame::frame), &[2000], MOST).unwrap()
}

/// Tshark opens the file, finds nothing wrong with it, and so many frames at least pass the filter.
fn assert_fits(file: &[u8], filter: &str, least: usize) {
    if let (Some(wrong), Some(fitting)) = (tshark(file, WRONG), tshark(file, filter)) {
        assert_eq!(wrong, [""; 0]);
        assert!(fitting.len() >= least, "{filter}: {fitting:?}");
    }
}

const WRONG: &str = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || \
                     udp.checksum.status == 0 || icmp.checksum.status == 0";

/// The numbers of the frames that pass the filter; `None` where there is no tshark, and need not be.
fn tshark(file: &[u8], filter: &str) -> Option<Vec<String>> {
    if Command::new("tshark").arg("--version").output().is_err() {
        let required = std::env::var("PHONEWATCH_REQUIRE_CAPTURES").is_ok_and(|value| value == "1");
        assert!(!required, "tshark is not installed (apt install tshark)");
        eprintln!("SKIPPED: tshark is not installed (apt install tshark)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.pcap");
    fs::write(&path, file).unwrap();
    let output = Command::new("tshark")
        .args([
            "-n",
            "-o",
            "udp.check_checksum:TRUE",
            "-o",
            "tcp.check_checksum:TRUE",
        ])
        .args([
            "-d",
            "tcp.port==2000,skinny",
            "-T",
            "fields",
            "-e",
            "frame.number",
        ])
        .args(["-Y", filter, "-r"])
        .arg(path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let numbers = String::from_utf8(output.stdout).unwrap();
    Some(numbers.lines().map(str::to_owned).collect())
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// The bytes of the file in a TFTP block, whatever carries it.
fn block_of(frame: &[u8]) -> Option<Vec<u8>> {
    let mut packet = packet::decode(LinkType::Ethernet, frame).ok()?;
    loop {
        let Content::Ip(ip) = packet.content else {
            return None;
        };
        if let Ok(Some(inner)) = tunnel::open(&ip) {
            packet = packet::decode(inner.link, inner.bytes).ok()?;
            continue;
        }
        let Transport::Udp(datagram) = ip.transport else {
            return None;
        };
        return match tftp::parse(datagram.payload) {
            Ok(Tftp::Data { bytes, .. }) => Some(bytes.to_vec()),
            _ => None,
        };
    }
}

fn assert_nothing_of(blocks: &[Vec<u8>], file: &[u8]) {
    const PIECE: usize = 12;
    let kept: HashSet<&[u8]> = file.windows(PIECE).collect();
    for block in blocks {
        for piece in block
            .windows(PIECE)
            .filter(|piece| piece.iter().any(|it| *it != 0))
        {
            // Names of files and loads are told in other messages too; markup is not.
            let is_markup = piece.contains(&b'<') || piece.contains(&b'>');
            if is_markup || !piece.is_ascii() {
                assert!(!kept.contains(piece), "{}", String::from_utf8_lossy(piece));
            }
        }
    }
}

fn as_frame(frame: &Captured) -> Frame<'_> {
    Frame {
        at: frame.at,
        link: frame.link,
        source: frame.source,
        original_length: frame.original_length,
        bytes: &frame.bytes,
    }
}

fn frame_at(at: Timestamp, bytes: &[u8]) -> Frame<'_> {
    Frame::ethernet(at, bytes)
}
