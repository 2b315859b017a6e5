//! What the bodies begin from: the frames of simulated phones, and files as people write them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use phonewatch::net::MacAddr;
use phonewatch::record::LinkType;
use phonewatch::simulate::{Erspan, Fleet, FleetFrame, Mirror, Plan, Scenario, Share, View, Vlans};
use phonewatch::wire::dhcpv6::{Dhcpv6Builder, MessageType, code};
use phonewatch::wire::lldp::Lldp;
use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};
use phonewatch::wire::packet::{self, Content, Transport, UdpDatagram};
use phonewatch::wire::{dhcp, dhcpv6, dns};

use super::decoders::LINKS;
use super::input;

/// Frames that go into one input of the engine.
const FRAMES: usize = 60;

/// How many inputs a body begins from at most.
const MOST: usize = 400;

/// The inputs that each body begins from, by its name in [`TARGETS`](super::TARGETS); those that `more` frames give too.
pub fn with<'a>(
    more: impl Iterator<Item = (LinkType, &'a [u8])>,
) -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let fleet = fleet(Scenario::ALL, &View::default());
    let mut seeds = Seeds::default();
    for (link, bytes) in more {
        seeds.frame(link, bytes);
    }
    for frame in &fleet {
        seeds.frame(LinkType::Ethernet, &frame.bytes);
    }
    for view in views() {
        let frames = fleet_in(&view);
        for frame in &frames {
            seeds.add("packet", with_link(LinkType::Ethernet, &frame.bytes));
        }
        seeds.add("engine", as_records(&frames));
    }
    for frames in fleet.chunks(FRAMES) {
        seeds.add("engine", as_records(frames));
    }
    seeds.beside_the_fleet();
    seeds.0
}

/// Two phones for each scenario, for so long that most of what befalls them has begun.
fn fleet(scenarios: &[Scenario], view: &View) -> Vec<FleetFrame> {
    let shares = scenarios.iter().map(|&scenario| Share {
        scenario,
        weight: 1,
    });
    let plan = Plan {
        shares: shares.collect(),
        phones: u32::try_from(2 * scenarios.len()).unwrap_or(u32::MAX),
        length: Duration::from_secs(20 * 60),
        seed: 1,
    };
    Mirror::new(Fleet::new(&plan), view, plan.seed).collect()
}

fn fleet_in(view: &View) -> Vec<FleetFrame> {
    let mut frames = fleet(&[Scenario::Boot, Scenario::Failover], view);
    frames.truncate(2 * FRAMES);
    frames
}

/// How a mirror may show frames.
fn views() -> Vec<View> {
    let plain = View::default();
    vec![
        View {
            vlans: Some(Vlans {
                outer: Some(110),
                inner: 100,
            }),
            ..plain.clone()
        },
        View {
            erspan: Some(Erspan::Two),
            ..plain.clone()
        },
        View {
            erspan: Some(Erspan::Three),
            calls: 1,
            ..plain.clone()
        },
        View {
            behind_router: true,
            ..plain.clone()
        },
        View {
            ipv6: true,
            ..plain
        },
    ]
}

/// The inputs of each body, no two of one shape.
#[derive(Default)]
struct Seeds(BTreeMap<&'static str, Vec<Vec<u8>>>, BTreeSet<Shape>);

/// What makes two inputs alike: the body, the length, the first bytes.
type Shape = (&'static str, usize, Vec<u8>);

impl Seeds {
    fn add(&mut self, target: &'static str, input: Vec<u8>) {
        let shape = (
            target,
            input.len(),
            input.iter().take(16).copied().collect(),
        );
        let inputs = self.0.entry(target).or_default();
        if inputs.len() < MOST && self.1.insert(shape) {
            inputs.push(input);
        }
    }

    /// A frame, and what it carries.
    fn frame(&mut self, link: LinkType, bytes: &[u8]) {
        self.add("packet", with_link(link, bytes));
        let Ok(packet) = packet::decode(link, bytes) else {
            return;
        };
        match packet.content {
            Content::Arp(arp) => self.add("arp", arp.to_bytes()),
            Content::Cdp(bytes) => self.add("cdp", bytes.to_vec()),
            Content::Lldp(bytes) => self.add("lldp", bytes.to_vec()),
            Content::Ip(ip) => match ip.transport {
                Transport::Tcp(segment) if !segment.payload.is_empty() => {
                    self.add("deframer", one_piece([2, 0, 0, 0], segment.payload));
                    self.add("deframer", one_piece([1, 0, 0, 0], segment.payload));
                    let [.., high, low] = segment.sequence.to_be_bytes();
                    let mut input = one_piece([8, 1, low, high], segment.payload);
                    input::push(&mut input, [8, 50, low, high], segment.payload);
                    self.add("reassembler", input);
                }
                Transport::Udp(datagram) => self.datagram(&datagram),
                _ => {}
            },
            Content::Other { .. } => {}
        }
    }

    fn datagram(&mut self, datagram: &UdpDatagram<'_>) {
        let ports = [datagram.source_port, datagram.destination_port];
        let target = if ports.contains(&dhcp::SERVER_PORT) {
            "dhcp"
        } else if ports.contains(&dhcpv6::SERVER_PORT) {
            "dhcpv6"
        } else if ports.contains(&dns::PORT) {
            "dns"
        } else {
            "tftp"
        };
        self.add(target, datagram.payload.to_vec());
        // A block of data: what is behind its number belongs to a file.
        if let Some(block) = datagram.payload.strip_prefix(&[0, 3]) {
            self.add("sep_config", block.iter().skip(2).copied().collect());
        }
    }

    /// What no simulated phone sends.
    fn beside_the_fleet(&mut self) {
        let unit = Lldp {
            system_name: Some(String::from("SEP001380AA0001")),
            ..Lldp::default()
        };
        self.add("lldp", unit.to_bytes());
        // An ICMP error quotes the packet that it is about.
        for (kind, code) in [(3, 1), (3, 3), (1, 4)] {
            let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
            let quoted = self.0.get("packet").and_then(|frames| frames.first());
            message.extend(quoted.into_iter().flatten().skip(15));
            self.add("icmp", message);
        }
        for (kind, option) in [(135, 1), (136, 2)] {
            let mut message = vec![kind, 0, 0, 0, 0, 0, 0, 0];
            message.extend(Ipv6Addr::LOCALHOST.octets());
            message.extend([option, 1, 0, 0x13, 0x80, 0, 0, 1]);
            self.add("icmp", message);
        }
        self.dhcpv6();
        self.fragments();
        self.add("sep_config", PHONE_FILE.as_bytes().to_vec());
        self.add("inventory", LIST.as_bytes().to_vec());
        let example = include_str!("../../config.example.toml");
        let keys = example.lines().map(|line| {
            let line = line.strip_prefix('#').unwrap_or(line);
            if line.starts_with(' ') { "" } else { line }
        });
        let keys: Vec<&str> = keys.filter(|line| !line.is_empty()).collect();
        self.add("config", example.as_bytes().to_vec());
        self.add("config", keys.join("\n").into_bytes());
        for keys in keys.chunks(12) {
            self.add("config", keys.join("\n").into_bytes());
        }
    }

    /// A phone and a server that gives it an address, alone and in the wrappings of relays.
    fn dhcpv6(&mut self) {
        let (link, mac) = (Ipv6Addr::LOCALHOST, MacAddr([0, 0x13, 0x80, 0, 0, 1]));
        let message = |message_type| Dhcpv6Builder::new(message_type, 1).client(mac);
        let solicit = message(MessageType::Solicit)
            .option(code::ELAPSED_TIME, &[0, 100])
            .option(code::VENDOR_CLASS, b"\0\0\0\x09\0\x13Cisco Systems, Inc.")
            .option(code::CLIENT_NAME, b"\0\x0fSEP001380000001\0");
        let reply = message(MessageType::Reply)
            .option(code::SERVER_ID, &[0, 2, 0, 0, 0, 9, 1])
            .address(link, 3600)
            .option(code::STATUS_CODE, &[0, 0])
            .option(code::DNS_SERVERS, &link.octets())
            .option(code::BOOT_FILE, b"tftp://[::1]/file")
            .option(
                code::VENDOR_OPTIONS,
                &[&[0, 0, 0, 9, 0, 1, 0, 16], &link.octets()[..]].concat(),
            );
        for (message, to_server) in [(solicit, true), (reply, false)] {
            let relayed = message.clone().relayed(to_server, 0, link, link);
            let twice = relayed.clone().relayed(to_server, 1, link, link);
            for message in [message, relayed, twice] {
                self.add("dhcpv6", message.build());
            }
        }
    }

    /// A packet in three pieces, in order, out of order, and with one that covers another.
    fn fragments(&mut self) {
        let (from, to) = (MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2]));
        let ip = Ipv4 {
            identification: 7,
            ..Ipv4::new(Ipv4Addr::new(10, 1, 0, 1), Ipv4Addr::new(10, 0, 0, 11))
        };
        let piece = |offset: u16, more: bool| {
            EthernetFrame::new(from, to).ipv4_fragment(&ip, 6, offset, more, &[0x41; 64])
        };
        let pieces = [
            piece(0, true),
            piece(64, true),
            piece(128, false),
            piece(32, true),
        ];
        for order in [[0, 1, 2], [2, 0, 1], [0, 3, 2]] {
            let mut input = Vec::new();
            for number in order {
                input::push(&mut input, [1, 0, 0, 0], &pieces[number]);
            }
            self.add("fragments", input);
        }
    }
}

fn with_link(link: LinkType, frame: &[u8]) -> Vec<u8> {
    let number = LINKS.iter().position(|known| *known == link);
    let number = number.and_then(|number| u8::try_from(number).ok());
    [&[number.unwrap_or(0)], frame].concat()
}

fn one_piece(head: [u8; 4], piece: &[u8]) -> Vec<u8> {
    let mut input = Vec::new();
    input::push(&mut input, head, piece);
    input
}

fn as_records(frames: &[FleetFrame]) -> Vec<u8> {
    let mut input = Vec::new();
    let mut last = frames.first().map(|frame| frame.at);
    for frame in frames {
        let step = last.map_or(Duration::ZERO, |last| frame.at.since(last));
        last = Some(frame.at);
        let [low, high] = u16::try_from(step.as_millis())
            .unwrap_or(u16::MAX)
            .to_le_bytes();
        input::push(&mut input, [0, low, high, 0], &frame.bytes);
    }
    input
}

const PHONE_FILE: &str = "<device><deviceProtocol>SCCP</deviceProtocol><devicePool><callManagerGroup><members>\
     <member priority=\"0\"><callManager><name>CM1</name><ports><ethernetPhonePort>2000</ethernetPhonePort></ports>\
     <processNodeName>10.0.0.11</processNodeName></callManager></member></members></callManagerGroup></devicePool>\
     <loadInformation>SCCP41.9-4-2SR3-1S</loadInformation></device>";

const LIST: &str = "Device Name,Description,Device Pool,Directory Number 1,Status\n\
     SEP001380AA0001,\"Desk, 1st floor\",DP-Lyon,2001,Registered\nSEP001380AA0002,,DP-Lyon,,\n";
