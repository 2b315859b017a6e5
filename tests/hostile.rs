//! Input that means harm: nothing panics, hangs, or grows beyond its bounds, and nothing is shown that is not there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks what it looks at"
)]

#[path = "hostile/anything.rs"]
mod anything;
#[path = "hostile/engine.rs"]
mod engine;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is a library of its own elsewhere")]
mod fuzz;
mod support;
#[path = "hostile/texts.rs"]
mod texts;

use phonewatch::engine::{Limits, Settings};
use phonewatch::wire::packet::encode::EthernetFrame;

use fuzz::engine::{NARROW, assert_bounded};
use support::stories::{DHCP_SERVER, PRIMARY};
use support::trial::Drive;
use support::{Captured, Entry, Phone, Scene, load, stories};

/// Captures that have something for every decoder.
const CAPTURES: [&str; 9] = [
    "sccp-7912-cucm4-boot.pcapng",
    "sccp-phone-register-7970.pcapng",
    "sccp-hw-conf-register.pcapng",
    "sip-phone-cdp-paging.pcapng",
    "lldp-cp7911.pcap",
    "lldp-cdp-3560.pcap",
    "dhcp-basic.pcap",
    "erspan-ii-vlan.pcap",
    "erspan-iii-dot1q.pcap",
];

/// Frames to begin from: those of the captures, where there are any, and those of the stories.
fn frames() -> Vec<Captured> {
    let captured = CAPTURES.iter().filter_map(|name| load(name)).flatten();
    let told = stories::all()
        .into_iter()
        .flat_map(|(_, scene)| scene.entries);
    let mut scene = Scene::new();
    let (one, other) = (Phone::new(1), Phone::new(2));
    scene.arp(&one.host, &other.host);
    scene.dns(
        (&one.host, 50_000),
        &DHCP_SERVER,
        "cm1.example.com",
        Some(PRIMARY.address),
    );
    // A refused port: the quote of a TFTP request in an ICMP error.
    let mut icmp = vec![3, 3, 0, 0, 0, 0, 0, 0];
    scene.tftp_request((&one.host, 50_000), &DHCP_SERVER, "SEP001380AA0001.cnf.xml");
    let quoted = scene.entries.last().and_then(Entry::frame).unwrap().bytes[14..].to_vec();
    icmp.extend(quoted);
    let ip = scene.ip(&DHCP_SERVER, &one.host);
    let header = EthernetFrame::new(DHCP_SERVER.mac, one.host.mac);
    scene.frame(header.ipv4(&ip, 1, &icmp));
    let mut frames: Vec<Captured> = captured
        .chain(told)
        .chain(scene.entries)
        .filter_map(|entry| entry.frame().cloned())
        .collect();
    frames.retain(|frame| frame.bytes.len() < 1600);
    frames
}

/// Limits so small that a few hundred frames reach them.
fn narrow() -> Settings {
    Settings {
        limits: NARROW,
        ..Settings::default()
    }
}

/// No more of anything is held than the limits allow.
fn assert_within_limits(drive: &mut Drive, limits: &Limits) {
    assert_bounded(&drive.snapshot(), limits);
}
