//! What one simulated station is going to send: frames and facts in the order of their time.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::random::Random;
use super::truth::Fact;
use crate::net::MacAddr;
use crate::time::Timestamp;
use crate::wire::arp::Arp;
use crate::wire::cdp::Cdp;
use crate::wire::lldp::Lldp;
use crate::wire::packet::TcpSegment;
use crate::wire::packet::encode::{EthernetFrame, Ipv4};

/// A station on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) mac: MacAddr,
    pub(super) address: Ipv4Addr,
    pub(super) hop_limit: u8,
    /// The mark of the TCP segments that it sends.
    pub(super) dscp: u8,
}

impl Host {
    pub(super) const fn phone(mac: MacAddr, address: Ipv4Addr) -> Self {
        Self {
            mac,
            address,
            hop_limit: 64,
            dscp: DSCP_SIGNALLING,
        }
    }

    /// A server, with the time to live of Windows.
    pub(super) const fn server(last: u8) -> Self {
        Self {
            mac: MacAddr([0x00, 0x50, 0x56, 0x00, 0x00, last]),
            address: Ipv4Addr::new(10, 0, 0, last),
            hop_limit: 128,
            dscp: DSCP_SIGNALLING,
        }
    }

    /// Every station on the link.
    pub(super) const fn everyone() -> Self {
        Self {
            mac: EthernetFrame::BROADCAST,
            address: Ipv4Addr::BROADCAST,
            hop_limit: 64,
            dscp: 0,
        }
    }

    pub(super) const fn without_address(self) -> Self {
        Self {
            address: Ipv4Addr::UNSPECIFIED,
            ..self
        }
    }

    /// The same behind a switch port that is not trusted, which takes the marks off.
    pub(super) const fn unmarked(self) -> Self {
        Self { dscp: 0, ..self }
    }
}

/// Signalling, as phones and CallManagers mark it (CS3).
const DSCP_SIGNALLING: u8 = 24;

/// One thing that is going to happen.
#[derive(Debug)]
pub(super) enum Item {
    Frame(Timestamp, Vec<u8>),
    Fact(Timestamp, Fact),
}

impl Item {
    pub(super) const fn at(&self) -> Timestamp {
        match self {
            Self::Frame(at, _) | Self::Fact(at, _) => *at,
        }
    }
}

/// What is going to happen, and the time of what is added next.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) items: VecDeque<Item>,
    pub(super) now: Timestamp,
    pub(super) random: Random,
    /// The tag of the phone's frames.
    pub(super) vlan: Option<u16>,
    /// The identification of the last packet of the station itself, and of its servers.
    identification: [u16; 2],
}

impl Script {
    pub(super) fn new(now: Timestamp, mut random: Random) -> Self {
        let identification = [random.number16(), random.number16()];
        Self {
            items: VecDeque::new(),
            now,
            random,
            vlan: None,
            identification,
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// What follows happens at this time, or at once where that has passed.
    pub(super) fn at(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
    }

    /// What the frame before made true.
    pub(super) fn fact(&mut self, fact: Fact) {
        self.items.push_back(Item::Fact(self.now, fact));
    }

    pub(super) fn tcp(&mut self, from: &Host, to: &Host, segment: &TcpSegment<'_>) {
        let ip = self.ip(from, to, from.dscp);
        self.frame(self.ethernet(from, to).tcp(&ip, segment));
    }

    pub(super) fn udp(&mut self, from: (&Host, u16), to: (&Host, u16), payload: &[u8]) {
        let ip = self.ip(from.0, to.0, 0);
        self.frame(self.ethernet(from.0, to.0).udp(&ip, from.1, to.1, payload));
    }

    /// A host says of the last packet, which was sent to it, that nobody listens there.
    pub(super) fn port_unreachable(&mut self, from: &Host, to: &Host) {
        let Some(Item::Frame(_, last)) = self
            .items
            .iter()
            .rfind(|item| matches!(item, Item::Frame(..)))
        else {
            return;
        };
        let header = EthernetFrame::HEADER + if self.vlan.is_some() { 4 } else { 0 };
        let packet = last.get(header..).unwrap_or_default().to_vec();
        let ip = self.ip(from, to, 0);
        self.frame(self.ethernet(from, to).port_unreachable(&ip, &packet));
    }

    pub(super) fn arp(&mut self, from: &Host, to: &Host, arp: &Arp) {
        self.frame(self.ethernet(from, to).arp(arp));
    }

    pub(super) fn cdp(&mut self, from: &Host, announcement: &Cdp) {
        let header = EthernetFrame::new(from.mac, EthernetFrame::CDP_GROUP);
        self.frame(header.cdp(&announcement.to_bytes()));
    }

    pub(super) fn lldp(&mut self, from: &Host, announcement: &Lldp) {
        let header = EthernetFrame::new(from.mac, EthernetFrame::LLDP_GROUP);
        self.frame(header.lldp(&announcement.to_bytes()));
    }

    fn ethernet(&self, from: &Host, to: &Host) -> EthernetFrame {
        let header = EthernetFrame::new(from.mac, to.mac);
        self.vlan.map_or(header, |vlan| header.vlan(vlan))
    }

    /// Everybody takes a moment to answer.
    fn frame(&mut self, bytes: Vec<u8>) {
        const QUICK: Duration = Duration::from_micros(300);
        const SLOW: Duration = Duration::from_micros(2500);
        let moment = self.random.between(QUICK, SLOW);
        self.pass(moment);
        self.items.push_back(Item::Frame(self.now, bytes));
    }

    fn ip(&mut self, from: &Host, to: &Host, dscp: u8) -> Ipv4 {
        let [own, servers] = &mut self.identification;
        let counter = if from.hop_limit == 64 { own } else { servers };
        *counter = counter.wrapping_add(1);
        Ipv4 {
            hop_limit: from.hop_limit,
            dscp,
            identification: *counter,
            ..Ipv4::new(from.address, to.address)
        }
    }
}
