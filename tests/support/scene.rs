//! Frames built by hand at times given by hand.

use std::net::Ipv4Addr;
use std::time::Duration;

use phonewatch::engine::Settings;
use phonewatch::net::MacAddr;
use phonewatch::record::{Loss, LossPlace};
use phonewatch::time::Timestamp;
use phonewatch::wire::arp::{Arp, ArpOperation};
use phonewatch::wire::cdp::Cdp;
use phonewatch::wire::dns::{self, Dns, RecordType, ResponseCode};
use phonewatch::wire::packet::TcpSegment;
use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};
use phonewatch::wire::tftp::{self, ErrorCode, Request, Tftp};

use super::trial::{Captured, Entry, Outcome, run};

/// A station on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) mac: MacAddr,
    pub(crate) address: Ipv4Addr,
    /// The VLAN that tags its frames.
    pub(crate) vlan: Option<u16>,
    /// The code point of its packets.
    pub(crate) dscp: u8,
}

impl Host {
    pub(crate) const fn new(mac: [u8; 6], address: [u8; 4]) -> Self {
        let [a, b, c, d] = address;
        Self {
            mac: MacAddr(mac),
            address: Ipv4Addr::new(a, b, c, d),
            vlan: None,
            dscp: 0,
        }
    }

    /// A server with an address of the servers' network.
    pub(crate) const fn server(last: u8) -> Self {
        Self::new([0x00, 0x50, 0x56, 0, 0, last], [10, 0, 0, last])
    }

    pub(crate) const fn in_vlan(self, id: u16) -> Self {
        Self {
            vlan: Some(id),
            ..self
        }
    }

    pub(crate) const fn marking(self, dscp: u8) -> Self {
        Self { dscp, ..self }
    }

    pub(crate) const fn with_address(self, address: Ipv4Addr) -> Self {
        Self { address, ..self }
    }
}

/// Records in the making, and the time at which the next one is made.
pub(crate) struct Scene {
    pub(crate) entries: Vec<Entry>,
    now: Timestamp,
    identification: u16,
}

impl Scene {
    /// When every scene begins.
    pub(crate) const BEGIN: Timestamp = Timestamp::from_secs(1_700_000_000);

    /// From one frame to the next, where no time is given.
    const STEP: Duration = Duration::from_millis(1);

    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            now: Self::BEGIN,
            identification: 0,
        }
    }

    /// The time `seconds` after the beginning.
    pub(crate) fn time(seconds: f64) -> Timestamp {
        Self::BEGIN + Duration::from_secs_f64(seconds)
    }

    /// The next frame is made `seconds` after the beginning.
    pub(crate) fn at(&mut self, seconds: f64) -> &mut Self {
        let at = Self::time(seconds);
        assert!(
            at >= self.now,
            "{seconds} s lie before the frame made last: a scene is told in order"
        );
        self.now = at;
        self
    }

    /// Seconds since the beginning.
    pub(crate) fn seconds(&self) -> f64 {
        self.now.since(Self::BEGIN).as_secs_f64()
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Nothing is made for so long.
    pub(crate) fn pass(&mut self, seconds: f64) -> &mut Self {
        self.now = self.now + Duration::from_secs_f64(seconds);
        self
    }

    pub(crate) fn frame(&mut self, bytes: Vec<u8>) {
        self.entries
            .push(Entry::Frame(Captured::ethernet(self.now, bytes)));
        self.now = self.now + Self::STEP;
    }

    /// The sensor tells that it lost frames.
    pub(crate) fn loss(&mut self, frames: u64) {
        self.entries.push(Entry::Loss(Loss {
            at: self.now,
            source: 0,
            place: LossPlace::Kernel,
            frames,
        }));
    }

    /// The frame made last went over the wire and was not captured, and nobody knows.
    pub(crate) fn miss_last(&mut self) {
        self.entries.pop();
    }

    /// The frame that was made `back` before the last one, likewise.
    pub(crate) fn miss(&mut self, back: usize) {
        let place = self.entries.len() - 1 - back;
        self.entries.remove(place);
    }

    /// What the engine makes of it, at the time the scene has reached.
    pub(crate) fn run(&self) -> Outcome {
        self.run_with(Settings::default())
    }

    pub(crate) fn run_with(&self, settings: Settings) -> Outcome {
        run(settings, &self.entries, Some(self.now))
    }

    /// The same while others talk on the wire, so that the sensor is known to be alive: only then is silence a fact.
    pub(crate) fn run_among_others(&self) -> Outcome {
        let mut entries = self.entries.clone();
        entries.extend(background(Self::BEGIN, self.now));
        entries.sort_by_key(Entry::at);
        run(Settings::default(), &entries, Some(self.now))
    }

    /// A header that no other packet of the scene has: every sender numbers its packets.
    pub(crate) const fn ip(&mut self, from: &Host, to: &Host) -> Ipv4 {
        self.identification = self.identification.wrapping_add(1);
        Ipv4 {
            identification: self.identification,
            dscp: from.dscp,
            ..Ipv4::new(from.address, to.address)
        }
    }

    pub(crate) fn tcp(&mut self, from: &Host, to: &Host, segment: &TcpSegment<'_>) {
        let ip = self.ip(from, to);
        self.frame(ethernet(from, to).tcp(&ip, segment));
    }

    pub(crate) fn udp(&mut self, from: (&Host, u16), to: (&Host, u16), payload: &[u8]) {
        let ip = self.ip(from.0, to.0);
        self.frame(ethernet(from.0, to.0).udp(&ip, from.1, to.1, payload));
    }

    /// A datagram to everyone on the link.
    pub(crate) fn broadcast(&mut self, from: (&Host, u16), to_port: u16, payload: &[u8]) {
        let everyone = Host {
            mac: EthernetFrame::BROADCAST,
            address: Ipv4Addr::BROADCAST,
            vlan: None,
            dscp: 0,
        };
        self.udp(from, (&everyone, to_port), payload);
    }

    /// `asker` asks who has the address of `owner`; `owner` answers.
    pub(crate) fn arp(&mut self, asker: &Host, owner: &Host) {
        let ask = Arp {
            operation: ArpOperation::Request,
            sender_mac: asker.mac,
            sender_address: asker.address,
            target_mac: MacAddr([0; 6]),
            target_address: owner.address,
        };
        let answer = Arp {
            operation: ArpOperation::Reply,
            sender_mac: owner.mac,
            sender_address: owner.address,
            target_mac: asker.mac,
            target_address: asker.address,
        };
        let everyone = Host {
            mac: EthernetFrame::BROADCAST,
            ..*owner
        };
        self.frame(ethernet(asker, &everyone).arp(&ask));
        self.frame(ethernet(owner, asker).arp(&answer));
    }

    pub(crate) fn cdp(&mut self, from: &Host, announcement: &Cdp) {
        let frame = EthernetFrame::new(from.mac, EthernetFrame::CDP_GROUP);
        self.frame(frame.cdp(&announcement.to_bytes()));
    }

    /// A name is looked up and answered; `None` is "no such name".
    pub(crate) fn dns(
        &mut self,
        client: (&Host, u16),
        server: &Host,
        name: &str,
        answer: Option<Ipv4Addr>,
    ) {
        let question = Dns::query(self.identification, name, RecordType::A);
        let answer = match answer {
            Some(address) => question.answer(ResponseCode::NO_ERROR, &[address.into()]),
            None => question.answer(ResponseCode::NAME_ERROR, &[]),
        };
        self.udp(client, (server, dns::PORT), &question.encode());
        self.udp((server, dns::PORT), client, &answer.encode());
    }

    /// A file is asked for and served in whole.
    pub(crate) fn tftp(
        &mut self,
        client: (&Host, u16),
        server: (&Host, u16),
        file: &str,
        content: &[u8],
    ) {
        self.tftp_request(client, server.0, file);
        let mut blocks: Vec<&[u8]> = content.chunks(512).collect();
        // The transfer ends with a block that is not full, if need be an empty one.
        if content.len().is_multiple_of(512) {
            blocks.push(&[]);
        }
        for (block, bytes) in (1..).zip(blocks) {
            self.udp(server, client, &Tftp::Data { block, bytes }.encode());
            self.udp(client, server, &Tftp::Ack { block }.encode());
        }
    }

    pub(crate) fn tftp_request(&mut self, client: (&Host, u16), server: &Host, file: &str) {
        let request = Tftp::Read(Request::octet(file));
        self.udp(client, (server, tftp::PORT), &request.encode());
    }

    /// A file is asked for and the server does not have it.
    pub(crate) fn tftp_not_found(
        &mut self,
        client: (&Host, u16),
        server: (&Host, u16),
        file: &str,
    ) {
        self.tftp_request(client, server.0, file);
        let error = Tftp::Error {
            code: ErrorCode::NOT_FOUND,
            message: String::from("File not found"),
        };
        self.udp(server, client, &error.encode());
    }
}

/// Two computers that ask each other for the time, every two seconds.
pub(crate) fn background(from: Timestamp, until: Timestamp) -> Vec<Entry> {
    const NTP: u16 = 123;
    let one = Host::new([2, 0, 0, 0, 9, 1], [10, 9, 9, 1]);
    let other = Host::new([2, 0, 0, 0, 9, 2], [10, 9, 9, 2]);
    let mut scene = Scene::new();
    scene.now = from;
    while scene.now <= until {
        scene.udp((&one, NTP), (&other, NTP), &[0x23; 48]);
        scene.udp((&other, NTP), (&one, NTP), &[0x24; 48]);
        scene.pass(2.0);
    }
    scene.entries.retain(|entry| entry.at() <= until);
    scene.entries
}

/// The Ethernet header from one station to another; the VLAN is that of either.
pub(crate) fn ethernet(from: &Host, to: &Host) -> EthernetFrame {
    let header = EthernetFrame::new(from.mac, to.mac);
    match from.vlan.or(to.vlan) {
        Some(id) => header.vlan(id),
        None => header,
    }
}
