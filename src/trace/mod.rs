//! A phone's frames in words, one line each, as a sniffer would list them: when, from whom, to whom, what, how long.
//!
//! ```text
//! frame -> tunnels opened, fragments as they are -> link, DHCP, DNS, TFTP, ICMP by themselves
//!                                                -> TCP: numbers compared with those before (tcp)
//!                                                -> SCCP messages by name (sccp)
//! ```

mod sccp;
mod tcp;

use std::fmt::Write;
use std::net::IpAddr;

use serde::Serialize;

use crate::flow::tunnel;
use crate::net::Endpoint;
use crate::record::{Frame, LinkType};
use crate::time::Timestamp;
use crate::wire::icmp::{IcmpMessage, UnreachableCode};
use crate::wire::packet::{
    self, Content, Fragment, IpPacket, LinkAddresses, Transport, UdpDatagram,
};
use crate::wire::{cdp, dhcp, dhcpv6, dns, lldp, tftp};

/// Tunnels in tunnels are opened this deep.
const TUNNEL_DEPTH: u8 = 3;

/// One frame in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceLine {
    /// When the capture saw it.
    pub at: Timestamp,
    /// Who sent it: address and port, or the hardware address where that is all there is.
    pub source: String,
    /// Whom it is for.
    pub destination: String,
    /// What it says, in words.
    pub summary: String,
    /// Its length on the wire, in bytes, without the frame check sequence.
    pub length: u32,
}

/// On which ports phones speak what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// TCP ports of SCCP.
    pub sccp: Vec<u16>,
    /// TCP ports of SCCP inside TLS.
    pub secure: Vec<u16>,
}

/// Puts the frames of one phone into words, in their order: what a segment means depends on those before it.
#[derive(Debug)]
pub struct Tracer {
    ports: Ports,
    connections: tcp::Connections,
}

/// What a frame says, and between whom.
struct Said {
    source: String,
    destination: String,
    summary: String,
}

impl Tracer {
    /// A tracer that has seen nothing.
    pub fn new(ports: Ports) -> Self {
        Self {
            ports,
            connections: tcp::Connections::default(),
        }
    }

    /// The line of this frame.
    pub fn line(&mut self, frame: &Frame<'_>) -> TraceLine {
        let said = self.layer(frame.link, frame.bytes, TUNNEL_DEPTH);
        TraceLine {
            at: frame.at,
            source: said.source,
            destination: said.destination,
            summary: said.summary,
            length: frame.original_length,
        }
    }

    fn layer(&mut self, link: LinkType, bytes: &[u8], depth: u8) -> Said {
        let packet = match packet::decode(link, bytes) {
            Ok(packet) => packet,
            Err(error) => {
                return Said {
                    source: String::new(),
                    destination: String::new(),
                    summary: error.to_string(),
                };
            }
        };
        match &packet.content {
            Content::Ip(ip) => {
                if depth > 0
                    && let Ok(Some(inner)) = tunnel::open(ip)
                {
                    return self.layer(inner.link, inner.bytes, depth - 1);
                }
                self.ip(ip)
            }
            Content::Arp(arp) => on_the_link(packet.link, arp.to_string()),
            Content::Cdp(payload) => {
                on_the_link(packet.link, words(&cdp::Cdp::parse(payload), "CDP"))
            }
            Content::Lldp(payload) => {
                on_the_link(packet.link, words(&lldp::Lldp::parse(payload), "LLDP"))
            }
            Content::Other { ether_type } => {
                on_the_link(packet.link, format!("EtherType 0x{ether_type:04x}"))
            }
        }
    }

    fn ip(&mut self, ip: &IpPacket<'_>) -> Said {
        let between = |summary: String| Said {
            source: ip.source.to_string(),
            destination: ip.destination.to_string(),
            summary,
        };
        match &ip.transport {
            Transport::Tcp(segment) => {
                let from = Endpoint::new(ip.source, segment.source_port);
                let to = Endpoint::new(ip.destination, segment.destination_port);
                Said {
                    source: from.to_string(),
                    destination: to.to_string(),
                    summary: self.connections.words(from, to, segment, &self.ports),
                }
            }
            Transport::Udp(datagram) => Said {
                source: Endpoint::new(ip.source, datagram.source_port).to_string(),
                destination: Endpoint::new(ip.destination, datagram.destination_port).to_string(),
                summary: udp(datagram),
            },
            Transport::Icmp(message) => between(icmp(message)),
            Transport::Fragment(fragment) => between(piece(fragment)),
            Transport::Encapsulated { protocol, .. } | Transport::Other { protocol } => {
                between(format!("IP protocol {protocol}"))
            }
        }
    }
}

fn udp(datagram: &UdpDatagram<'_>) -> String {
    let ports = [datagram.source_port, datagram.destination_port];
    let payload = datagram.payload;
    let is_of = |wanted: &[u16]| ports.iter().any(|port| wanted.contains(port));
    if is_of(&[dhcp::SERVER_PORT, dhcp::CLIENT_PORT]) {
        words(&dhcp::Dhcp::parse(payload), "DHCP")
    } else if is_of(&[dhcpv6::SERVER_PORT, dhcpv6::CLIENT_PORT]) {
        words(&dhcpv6::Dhcpv6::parse(payload), "DHCPv6")
    } else if is_of(&[dns::PORT]) {
        words(&dns::Dns::parse(payload), "DNS")
    } else if let Ok(message) = tftp::parse(payload) {
        // A server answers from a port of its own choice, and only frames of the phone's transfers are asked for.
        message.to_string()
    } else {
        format!("UDP, {} bytes", payload.len())
    }
}

fn on_the_link(link: Option<LinkAddresses>, summary: String) -> Said {
    let (source, destination) = link.map_or_else(Default::default, |link| {
        (link.source.to_string(), link.destination.to_string())
    });
    Said {
        source,
        destination,
        summary,
    }
}

fn words<T: ToString, E: ToString>(read: &Result<T, E>, protocol: &str) -> String {
    match read {
        Ok(message) => message.to_string(),
        Err(error) => format!("{protocol}: {}", error.to_string()),
    }
}

fn icmp(message: &IcmpMessage) -> String {
    match message {
        IcmpMessage::Unreachable(unreachable) => {
            let what = match unreachable.code {
                UnreachableCode::Net => String::from("network unreachable"),
                UnreachableCode::Host => String::from("host unreachable"),
                UnreachableCode::Protocol => String::from("protocol unreachable"),
                UnreachableCode::Port => String::from("port unreachable"),
                UnreachableCode::FragmentationNeeded => String::from("fragmentation needed"),
                UnreachableCode::AdministrativelyProhibited => {
                    String::from("prohibited by a filter")
                }
                UnreachableCode::Other(code) => format!("unreachable, code {code}"),
            };
            match &unreachable.original {
                Some(original) => format!(
                    "ICMP {what}: {} to {}",
                    show(original.source.ip(), original.source.port()),
                    show(original.destination.ip(), original.destination.port())
                ),
                None => format!("ICMP {what}"),
            }
        }
        IcmpMessage::Neighbour(message) => message.to_string(),
        IcmpMessage::Other { kind, code } => format!("ICMP type {kind}, code {code}"),
    }
}

fn show(ip: IpAddr, port: u16) -> String {
    Endpoint::new(ip, port).to_string()
}

fn piece(fragment: &Fragment<'_>) -> String {
    let last = if fragment.more { "" } else { ", the last one" };
    format!(
        "IP fragment at byte {}, {} bytes{last}",
        fragment.offset,
        fragment.payload.len()
    )
}

/// The lines as aligned columns, the time since the first in front.
pub fn table(lines: &[TraceLine]) -> String {
    let width = |column: fn(&TraceLine) -> &str, heading: &str| {
        let widths = lines.iter().map(|line| column(line).chars().count());
        widths.max().unwrap_or(0).max(heading.len())
    };
    let from = width(|line| &line.source, "source");
    let to = width(|line| &line.destination, "destination");
    let first = lines.first().map(|line| line.at);
    let mut table = format!(
        "{:>10}  {:from$}  {:to$}  {:>6}  summary\n",
        "seconds", "source", "destination", "bytes"
    );
    for line in lines {
        let since = first.map_or(0.0, |first| line.at.since(first).as_secs_f64());
        let written = writeln!(
            table,
            "{since:>10.4}  {:from$}  {:to$}  {:>6}  {}",
            line.source, line.destination, line.length, line.summary
        );
        debug_assert!(written.is_ok(), "a string takes any text");
    }
    if let Some(first) = first {
        let written = writeln!(table, "{} frames from {first} on", lines.len());
        debug_assert!(written.is_ok(), "a string takes any text");
    }
    table
}
