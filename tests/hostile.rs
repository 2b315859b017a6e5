//! Input that means harm: nothing panics, hangs, or grows beyond its bounds, and nothing is shown that is not there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks what it looks at"
)]

mod support;

use std::hint::black_box;
use std::net::IpAddr;

use phonewatch::engine::{Limits, Settings};
use phonewatch::flow::tcp::StreamLimits;
use phonewatch::flow::tunnel;
use phonewatch::net::MacAddr;
use phonewatch::record::LinkType;
use phonewatch::time::Timestamp;
use phonewatch::wire::arp::Arp;
use phonewatch::wire::cdp::Cdp;
use phonewatch::wire::dhcp::Dhcp;
use phonewatch::wire::dns::{self, Dns};
use phonewatch::wire::icmp::IcmpMessage;
use phonewatch::wire::lldp::Lldp;
use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};
use phonewatch::wire::packet::{self, Content, Transport};
use phonewatch::wire::sccp::{Deframed, Deframer, Message};
use phonewatch::wire::{sep_config, tftp};

use support::random::Random;
use support::stories::{DHCP_SERVER, PRIMARY, SECONDARY};
use support::trial::Drive;
use support::{Captured, Connection, Entry, Host, Phone, Scene, load, load_path, stories};

/// How many inputs every decoder, and the engine as a whole, has to bear.
const INPUTS: u64 = 100_000;

const LINKS: [LinkType; 5] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Null,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
];

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

/// What frames carry, by the decoder that it is for.
#[derive(Default)]
struct Seeds {
    arp: Vec<Vec<u8>>,
    cdp: Vec<Vec<u8>>,
    lldp: Vec<Vec<u8>>,
    icmp: Vec<Vec<u8>>,
    sccp: Vec<Vec<u8>>,
    dhcp: Vec<Vec<u8>>,
    dns: Vec<Vec<u8>>,
    tftp: Vec<Vec<u8>>,
}

impl Seeds {
    fn of(frames: &[Captured]) -> Self {
        let mut seeds = Self::default();
        for frame in frames {
            let Ok(packet) = packet::decode(frame.link, &frame.bytes) else {
                continue;
            };
            match packet.content {
                Content::Arp(arp) => seeds.arp.push(arp.to_bytes()),
                Content::Cdp(bytes) => seeds.cdp.push(bytes.to_vec()),
                Content::Lldp(bytes) => seeds.lldp.push(bytes.to_vec()),
                Content::Ip(ip) => match ip.transport {
                    Transport::Tcp(segment) if !segment.payload.is_empty() => {
                        seeds.sccp.push(segment.payload.to_vec());
                    }
                    Transport::Udp(datagram) => {
                        let ports = [datagram.source_port, datagram.destination_port];
                        let payload = datagram.payload.to_vec();
                        if ports.contains(&67) {
                            seeds.dhcp.push(payload);
                        } else if ports.contains(&dns::PORT) {
                            seeds.dns.push(payload);
                        } else {
                            seeds.tftp.push(payload);
                        }
                    }
                    Transport::Icmp(_) => seeds.icmp.push(frame.bytes[34..].to_vec()),
                    _ => {}
                },
                Content::Other { .. } => {}
            }
        }
        for (name, seeds) in [
            ("arp", &seeds.arp),
            ("cdp", &seeds.cdp),
            ("icmp", &seeds.icmp),
            ("sccp", &seeds.sccp),
            ("dhcp", &seeds.dhcp),
            ("dns", &seeds.dns),
            ("tftp", &seeds.tftp),
        ] {
            assert!(!seeds.is_empty(), "no {name} to begin from");
        }
        if seeds.lldp.is_empty() {
            let unit = Lldp {
                system_name: Some(String::from("SEP001380AA0001")),
                ..Lldp::default()
            };
            seeds.lldp.push(unit.to_bytes());
        }
        seeds
    }
}

/// Feeds a decoder with arbitrary bytes, with `seeds` as they are and with changed ones.
fn feed(seed: u64, seeds: &[Vec<u8>], mut decode: impl FnMut(&[u8])) {
    let mut random = Random::new(seed);
    for bytes in seeds {
        decode(bytes);
    }
    for number in 0..INPUTS {
        let bytes = if number % 4 == 0 {
            let length = random.below(200);
            random.bytes(length)
        } else {
            let place = random.below(seeds.len());
            random.mutate(&seeds[place])
        };
        decode(&bytes);
    }
}

#[test]
fn link_layer_decoders_bear_anything() {
    let seeds = Seeds::of(&frames());
    feed(1, &seeds.arp, |bytes| {
        if let Ok(arp) = Arp::parse(bytes) {
            assert!(!arp.to_string().is_empty());
        }
    });
    feed(2, &seeds.cdp, |bytes| {
        if let Ok(cdp) = Cdp::parse(bytes) {
            black_box((
                cdp.device_name(),
                cdp.is_phone(),
                cdp.model(),
                cdp.to_string(),
            ));
            assert!(cdp.addresses.len() <= 8);
        }
    });
    feed(3, &seeds.lldp, |bytes| {
        if let Ok(lldp) = Lldp::parse(bytes) {
            black_box((
                lldp.device_name(),
                lldp.is_phone(),
                lldp.model(),
                lldp.to_string(),
            ));
            black_box((lldp.voice_vlan(), lldp.mac(), lldp.load()));
            assert!(lldp.management_addresses.len() <= 8 && lldp.policies.len() <= 8);
        }
    });
    feed(4, &seeds.icmp, |bytes| {
        black_box(IcmpMessage::parse_v4(bytes)).ok();
        black_box(IcmpMessage::parse_v6(bytes)).ok();
    });
}

#[test]
fn packets_of_every_link_type_bear_anything() {
    let frames = frames();
    let seeds: Vec<Vec<u8>> = frames.iter().map(|frame| frame.bytes.clone()).collect();
    for (seed, link) in (10..).zip(LINKS) {
        feed(seed, &seeds, |bytes| {
            let Ok(packet) = packet::decode(link, bytes) else {
                return;
            };
            assert!(packet.vlans.ids().len() <= 4);
            if let Content::Ip(ip) = packet.content
                && let Some(inner) = tunnel::open(&ip)
            {
                black_box(packet::decode(inner.link, inner.bytes)).ok();
            }
        });
    }
}

#[test]
fn dhcp_dns_and_tftp_bear_anything() {
    let seeds = Seeds::of(&frames());
    feed(20, &seeds.dhcp, |bytes| {
        if let Ok(dhcp) = Dhcp::parse(bytes) {
            black_box((dhcp.host_name(), dhcp.vendor_class(), dhcp.phone_class()));
            black_box((
                dhcp.domain(),
                dhcp.reason(),
                dhcp.routers(),
                dhcp.dns_servers(),
            ));
            black_box((
                dhcp.lease_time(),
                dhcp.renewal_time(),
                dhcp.rebinding_time(),
            ));
            black_box((dhcp.tftp_servers().usable(), dhcp.relay_information()));
            assert!(dhcp.options().count() <= bytes.len());
            assert!(!dhcp.to_string().is_empty());
        }
    });
    feed(21, &seeds.dns, |bytes| {
        if let Ok(dns) = Dns::parse(bytes) {
            assert!(dns.addresses.len() <= 16);
            assert!(!dns.to_string().is_empty());
        }
    });
    feed(22, &seeds.tftp, |bytes| {
        if let Ok(packet) = tftp::parse(bytes) {
            assert!(!packet.to_string().is_empty());
            if let tftp::Tftp::Read(request) = packet {
                black_box(tftp::file_kind(&request.file));
            }
        }
    });
}

#[test]
fn sccp_bears_anything() {
    let seeds = Seeds::of(&frames());
    let mut random = Random::new(30);
    // One stream goes on and on, as a connection does; the other begins anew with each input.
    let mut stream = Deframer::mid_stream();
    feed(31, &seeds.sccp, |bytes| {
        let mut messages = 0;
        let mut each = |found: Deframed<'_>| {
            messages += 1;
            if let Deframed::Message(pdu) = found {
                black_box(Message::parse(&pdu)).ok();
            }
        };
        if random.once_in(50) {
            stream.gap();
        }
        if random.once_in(500) || stream.is_opaque() {
            stream = Deframer::new();
        }
        stream.push(bytes, &mut each);
        Deframer::new().push(bytes, &mut each);
        assert!(messages <= bytes.len() * 2 + 2, "more messages than bytes");
        assert!(stream.heap_bytes() <= 64 * 1024, "{}", stream.heap_bytes());
    });
}

#[test]
fn configuration_files_bear_anything() {
    let seeds: Vec<Vec<u8>> = [
        support::phone::config_file(&[PRIMARY, SECONDARY]),
        support::phone::default_config_file(&[PRIMARY]),
    ]
    .into_iter()
    .map(String::into_bytes)
    .collect();
    feed(40, &seeds, |file| {
        if let Ok(config) = sep_config::parse(file) {
            assert!(config.members.len() <= 16 && config.srst.len() <= 3);
        }
    });
}

/// Limits so small that a few hundred frames reach them.
fn narrow() -> Settings {
    Settings {
        limits: Limits {
            devices: 40,
            strangers: 20,
            connections: 30,
            callmanagers: 6,
            transfers: 8,
            dns_names: 10,
            fragment_bytes: 16 << 10,
            stream: StreamLimits {
                bytes: 4096,
                segments: 8,
            },
            streams_bytes: 16 << 10,
            config_file_bytes: 4096,
            events: 64,
            recorder_bytes: 4096,
            recorder_frames: 4,
        },
        ..Settings::default()
    }
}

/// No more of anything is held than the limits allow.
fn assert_within_limits(drive: &mut Drive, limits: &Limits) {
    let snapshot = drive.snapshot();
    assert!(
        snapshot.devices.len() <= limits.devices + limits.strangers,
        "{} devices",
        snapshot.devices.len()
    );
    assert!(snapshot.callmanagers.len() <= limits.callmanagers);
    for (what, held) in snapshot.totals.tracked.iter() {
        let limit = match what {
            "devices" => limits.devices + limits.strangers,
            "strangers" => limits.strangers,
            "connections" => limits.connections,
            "callmanagers" => limits.callmanagers,
            "transfers" => limits.transfers,
            "dns_names" => limits.dns_names,
            "fragment_bytes" => limits.fragment_bytes,
            "recorder_bytes" => limits.recorder_bytes,
            "stream_bytes" | "streams_bytes" => limits.streams_bytes,
            // What belongs to one of these, a few of each.
            _ => (limits.devices + limits.strangers + limits.connections) * 8,
        };
        assert!(
            held <= limit as u64,
            "{held} {what}, and the limit is {limit}"
        );
    }
}

#[test]
fn the_engine_bears_anything_within_its_limits() {
    let frames = frames();
    let settings = narrow();
    let mut drive = Drive::new(settings.clone());
    let mut random = Random::new(50);
    let mut at = Timestamp::from_secs(1_700_000_000);
    for number in 0..INPUTS {
        let template = &frames[random.below(frames.len())];
        let bytes = match number % 10 {
            0 => {
                let length = random.below(200);
                random.bytes(length)
            }
            1..4 => template.bytes.clone(),
            _ => random.mutate(&template.bytes),
        };
        // Time mostly goes on, sometimes by much, sometimes back.
        let step = match random.below(1000) {
            0 => 60_000_000_000,
            1..20 => 1_000_000_000,
            _ => random.next() % 10_000_000,
        };
        at = if random.once_in(200) {
            Timestamp::from_nanos(at.as_nanos() - step.min(2_000_000_000))
        } else {
            Timestamp::from_nanos(at.as_nanos() + step)
        };
        let frame = Captured {
            at,
            link: if random.once_in(20) {
                LINKS[random.below(5)]
            } else {
                template.link
            },
            source: u16::from(random.once_in(2)),
            ..template.with_bytes(bytes)
        };
        drive.take(&Entry::Frame(frame));
        if number % 1000 == 0 {
            assert_within_limits(&mut drive, &settings.limits);
        }
    }
    assert_within_limits(&mut drive, &settings.limits);
    let outcome = drive.finish(Some(at));
    assert_eq!(outcome.snapshot.totals.frames, INPUTS);
}

#[test]
fn floods_of_strangers_evict_no_registered_phone() {
    let settings = narrow();
    let mut scene = Scene::new();
    let phones: Vec<Phone> = (1..=5).map(Phone::new).collect();
    let mut connections: Vec<Connection> = phones
        .iter()
        .map(|phone| phone.registered(&mut scene, 51_000, &PRIMARY))
        .collect();
    let mut random = Random::new(60);
    for round in 1..=4 {
        for number in 0..400_u16 {
            let [high, low] = number.to_be_bytes();
            let mac = [0x02, random.byte(), random.byte(), random.byte(), high, low];
            let stranger = Phone::with(mac, [10, 200 + high, low, random.byte()]);
            match number % 4 {
                0 => stranger.discovers(&mut scene, number.into()),
                1 => Connection::established(stranger.host, 40_000, PRIMARY).syn(&mut scene),
                2 => scene.tftp_request(
                    (&stranger.host, 50_000),
                    &DHCP_SERVER,
                    &stranger.config_file(),
                ),
                _ => {
                    let server = Host::server(random.byte());
                    let name = format!("host{number}.example.com");
                    scene.dns((&stranger.host, 50_000), &server, &name, None);
                }
            }
        }
        scene.at(f64::from(round) * 30.0);
        for connection in &mut connections {
            connection.keepalive(&mut scene);
        }
    }
    let mut drive = Drive::new(settings.clone());
    for (number, entry) in scene.entries.iter().enumerate() {
        drive.take(entry);
        if number % 200 == 0 {
            assert_within_limits(&mut drive, &settings.limits);
        }
    }
    let outcome = drive.finish(None);
    for phone in &phones {
        let device = outcome.device(phone.name.as_str());
        assert_eq!(device.stage, phonewatch::phone::Stage::Registered);
        assert_eq!(outcome.pulse(device).keepalives, 4);
        assert_eq!(
            (device.keepalives.missed, device.keepalives.phone_gaps),
            (0, 0)
        );
    }
    assert_eq!(outcome.callmanager(PRIMARY.address).registered, 5);
    assert!(
        outcome.snapshot.totals.evicted.total() > 0,
        "the flood was too small"
    );
}

#[test]
fn a_connection_that_sends_rubbish_holds_no_more_than_it_may() {
    let settings = narrow();
    let mut drive = Drive::new(settings.clone());
    let mut random = Random::new(70);
    let mut scene = Scene::new();
    let phone = Phone::new(7);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    for _ in 0..2_000 {
        let length = 1 + random.below(1_400);
        let bytes = random.bytes(length);
        // Holes of every size, which never close.
        if random.once_in(2) {
            let hole = u32::try_from(random.below(3_000)).unwrap();
            connection.phone_next = connection.phone_next.wrapping_add(hole);
        }
        connection.phone_sends(&mut scene, &bytes);
    }
    for (number, entry) in scene.entries.iter().enumerate() {
        drive.take(entry);
        if number % 100 == 0 {
            assert_within_limits(&mut drive, &settings.limits);
        }
    }
    let outcome = drive.finish(None);
    assert!(outcome.snapshot.totals.stream_gaps > 0);
}

#[test]
fn fragments_that_never_end_hold_no_more_than_they_may() {
    let settings = narrow();
    let mut drive = Drive::new(settings.clone());
    let mut random = Random::new(80);
    let mut at = Scene::BEGIN;
    for number in 0..5_000_u16 {
        let from = Host::new([2, 0, 0, 0, 0, random.byte()], [10, 3, random.byte(), 1]);
        let ip = Ipv4 {
            identification: number,
            ..Ipv4::new(from.address, PRIMARY.address)
        };
        let offset = u16::try_from(random.below(180)).unwrap() * 8;
        let piece = EthernetFrame::new(from.mac, MacAddr([2, 0, 0, 0, 0, 0])).ipv4_fragment(
            &ip,
            17,
            offset,
            true,
            &[0x41; 1024],
        );
        at = at + std::time::Duration::from_millis(1);
        drive.take(&Entry::Frame(Captured::ethernet(at, piece)));
        if number % 200 == 0 {
            assert_within_limits(&mut drive, &settings.limits);
        }
    }
    assert_eq!(drive.finish(None).labels(), [""; 0]);
}

#[test]
fn hostile_captures_are_borne() {
    let Some(dir) = support::captures_dir() else {
        return;
    };
    let mut paths: Vec<_> = std::fs::read_dir(dir.join("hostile"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() > 100, "{} hostile captures", paths.len());
    for path in paths {
        let (entries, _) = load_path(&path);
        for settings in [Settings::default(), narrow()] {
            let limits = settings.limits;
            let mut drive = Drive::new(settings);
            for entry in &entries {
                drive.take(entry);
            }
            assert_within_limits(&mut drive, &limits);
            let outcome = drive.finish(None);
            // None of them holds a phone.
            let named: Vec<String> = outcome
                .shown()
                .iter()
                .filter(|device| device.registration.registrations > 0)
                .map(|device| device.label())
                .collect();
            assert!(named.is_empty(), "{}: {named:?}", path.display());
            let servers: Vec<IpAddr> = outcome
                .snapshot
                .callmanagers
                .iter()
                .filter(|server| server.registered > 0)
                .map(|server| server.address)
                .collect();
            assert!(servers.is_empty(), "{}: {servers:?}", path.display());
        }
    }
}
