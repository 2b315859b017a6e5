//! What passes by, frame for frame: what the engine takes for granted or drops.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::flow::tunnel::{self, TunnelKind};
use crate::record::{Frame, LinkType};
use crate::wire::packet::{Content, Packet, Transport, decode};

/// The counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Census {
    sccp_ports: BTreeSet<u16>,
    tftp_port: u16,
    /// Frames as they came.
    pub(super) frames: u64,
    /// Those that were cut, by the snap length or by whoever mirrors.
    pub(super) truncated: u64,
    /// Those longer than any that a switch passes on, the longest of them, and how many.
    pub(super) merged: u64,
    pub(super) longest: u32,
    /// The VLANs of the tags, and how many frames bore one.
    pub(super) vlans: BTreeSet<u16>,
    pub(super) tagged: u64,
    /// Tunnels by kind.
    pub(super) tunnels: BTreeMap<&'static str, u64>,
    /// Segments on SCCP ports, by server.
    pub(super) servers: BTreeMap<IpAddr, Sides>,
    /// What phones do before they register.
    pub(super) dhcp: u64,
    pub(super) dns: u64,
    pub(super) tftp: u64,
    pub(super) neighbours: u64,
}

/// What was seen of a server's conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sides {
    pub(super) from_phones: u64,
    pub(super) from_server: u64,
}

/// A frame of Ethernet has up to 1518 bytes; tags and the headers of a mirror's tunnel come on top. What is longer than
/// that and no jumbo frame of one segment was put together on the way.
const LONGEST_FRAME: u32 = 1650;
/// Whoever sends from so many addresses with an SCCP port is not a CallManager.
const MOST_SERVERS: usize = 64;
const MOST_VLANS: usize = 4096;
/// As deep as the engine looks.
const DEPTH: u8 = 3;

impl Census {
    /// With nothing counted yet.
    pub(super) fn new(sccp_ports: BTreeSet<u16>, tftp_port: u16) -> Self {
        Self {
            sccp_ports,
            tftp_port,
            ..Self::default()
        }
    }

    /// Counts a frame.
    pub(super) fn frame(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        self.truncated += u64::from(
            usize::try_from(frame.original_length).is_ok_and(|length| length > frame.bytes.len()),
        );
        self.merged += u64::from(frame.original_length > LONGEST_FRAME);
        self.longest = self.longest.max(frame.original_length);
        self.layer(frame.link, frame.bytes, DEPTH);
    }

    fn layer(&mut self, link: LinkType, bytes: &[u8], depth: u8) {
        let Ok(packet) = decode(link, bytes) else {
            return;
        };
        self.tags(&packet);
        let Content::Ip(ip) = packet.content else {
            self.neighbours +=
                u64::from(matches!(packet.content, Content::Cdp(_) | Content::Lldp(_)));
            return;
        };
        if depth > 0
            && let Ok(Some(inner)) = tunnel::open(&ip)
        {
            *self.tunnels.entry(label(inner.kind)).or_default() += 1;
            self.layer(inner.link, inner.bytes, depth - 1);
            return;
        }
        match ip.transport {
            Transport::Tcp(segment) => {
                if self.sccp_ports.contains(&segment.source_port) {
                    self.server(ip.source, |sides| sides.from_server += 1);
                } else if self.sccp_ports.contains(&segment.destination_port) {
                    self.server(ip.destination, |sides| sides.from_phones += 1);
                }
            }
            Transport::Udp(datagram) => {
                for port in [datagram.source_port, datagram.destination_port] {
                    self.dhcp += u64::from(port == 67);
                    self.dns += u64::from(port == 53);
                    self.tftp += u64::from(port == self.tftp_port);
                }
            }
            Transport::Icmp(_)
            | Transport::Fragment(_)
            | Transport::Encapsulated { .. }
            | Transport::Other { .. } => {}
        }
    }

    fn tags(&mut self, packet: &Packet<'_>) {
        if let Some(vlan) = packet.vlans.vlan() {
            self.tagged += 1;
            if self.vlans.len() < MOST_VLANS {
                self.vlans.insert(vlan);
            }
        }
    }

    fn server(&mut self, address: IpAddr, count: impl FnOnce(&mut Sides)) {
        if self.servers.len() < MOST_SERVERS || self.servers.contains_key(&address) {
            count(self.servers.entry(address).or_default());
        }
    }
}

const fn label(kind: TunnelKind) -> &'static str {
    match kind {
        TunnelKind::ErspanI => "ERSPAN type I",
        TunnelKind::ErspanII => "ERSPAN type II",
        TunnelKind::ErspanIII => "ERSPAN type III",
        TunnelKind::Gre => "GRE",
        TunnelKind::IpInIp => "IP in IP",
        TunnelKind::Vxlan => "VXLAN",
        TunnelKind::Geneve => "Geneve",
    }
}
