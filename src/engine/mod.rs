//! The engine: frames and time in, knowledge out. No thread, socket, file, lock or clock.
//!
//! Four verbs: [`Engine::handle`] takes a record, [`Engine::poll_timeout`] tells when time alone would change anything,
//! [`Engine::handle_timeout`] lets it, [`Engine::poll_event`] gives what happened. [`Engine::snapshot`] gives everyone
//! else a picture to read.

mod admission;
mod claims;
mod connection;
mod connection_table;
mod connections;
mod device_index;
mod devices;
mod ends;
mod files;
mod gaps;
mod judgement;
mod last_inferred;
mod leases;
mod leases_v6;
mod lookups;
mod messages;
mod neighbours;
mod quality;
mod recorder;
mod registrations;
mod restore;
mod saved;
mod second_addresses;
mod settings;
mod timers;
mod transfers;
mod troubles;
mod world;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use recorder::KeptFrame;
pub use saved::{RestoredState, SavedState, StateError, VERSION};
pub use settings::{KnownServer, Limits, Reconfiguration, Settings};

use self::connections::Connections;
use self::leases::Seen;
use self::lookups::Lookups;
use self::neighbours::Neighbour;
use self::recorder::Recorder;
use self::timers::Timer;
use self::transfers::Transfers;
use self::world::World;
use crate::event::{Event, EventKind};
use crate::flow::copies::CopyFilter;
use crate::flow::fragments::{self, Reassembler};
use crate::flow::keyed::Keyed;
use crate::flow::tunnel;
use crate::net::FlowKey;
use crate::phone::claims::Place;
use crate::phone::sight::TimeBreak;
use crate::phone::{CallManager, DeviceId};
use crate::record::{ClockStep, Frame, LinkType, Loss, LossPlace, Record};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::wire::icmp::IcmpMessage;
use crate::wire::packet::{self, Content, IpPacket, Packet, Transport, UdpDatagram};
use crate::wire::tftp::{self, Tftp};
use crate::wire::{DecodeError, dhcp, dhcpv6, dns};

/// Tunnels in tunnels are opened this deep.
const TUNNEL_DEPTH: u8 = 3;

/// Frames that the copy filter remembers: more than a full mirror port delivers within its window.
const COPY_CAPACITY: usize = 1 << 16;

/// Datagrams that may be put together at a time.
const FRAGMENTED_DATAGRAMS: usize = 1024;

/// How long fragments wait for the rest of their datagram (RFC 791, section 3.2, asks for 15 seconds at least).
const FRAGMENT_AGE: Duration = Duration::from_secs(15);

/// Everything that is known, and the machines that come to know it.
pub struct Engine {
    world: World,
    connections: Connections,
    transfers: Transfers,
    lookups: Lookups,
    copies: CopyFilter,
    fragments: Reassembler,
    recorder: Recorder,
    now: Timestamp,
}

impl Engine {
    /// An engine that knows nothing but its settings.
    pub fn new(settings: Settings) -> Self {
        let limits = settings.limits;
        let copies = CopyFilter::new(
            settings.copy_mode,
            settings.copy_window,
            COPY_CAPACITY,
            Keyed::default(),
        );
        let fragments = Reassembler::new(fragments::Limits {
            datagrams: FRAGMENTED_DATAGRAMS,
            bytes_per_datagram: 1 << 16,
            bytes_in_all: limits.fragment_bytes,
            age: FRAGMENT_AGE,
        });
        Self {
            world: World::new(settings),
            connections: Connections::default(),
            transfers: Transfers::default(),
            lookups: Lookups::default(),
            copies,
            fragments,
            recorder: Recorder::new(limits.recorder_bytes, limits.recorder_frames),
            now: Timestamp::EPOCH,
        }
    }

    /// Takes one record. Records come in the order of their time, as far as their sources allow.
    ///
    /// Timers due before the record are the caller's to fire first, with [`Self::handle_timeout`]; not so before a step of
    /// the clock, by which those in between have no time of their own.
    pub fn handle(&mut self, record: &Record<'_>) {
        if let Record::Frame(frame) = record {
            self.notice_time(frame.at);
        }
        if let Record::ClockStep(step) = record
            && step.at < step.from
        {
            self.now = step.at;
        }
        self.now = self.now.max(record.at());
        match record {
            Record::Frame(frame) => self.frame(frame),
            Record::Loss(loss) => self.loss(loss),
            Record::ClockStep(step) => self.clock_step(*step),
        }
        self.world.settle(self.now);
        for (from, into) in self.world.devices.merged.drain(..) {
            self.recorder.merged(from, into);
        }
    }

    /// When time alone will change something. Spurious and repeated calls are safe.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.world.timers.next()
    }

    /// Lets everything happen that is due at `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while let Some((armed_for, timer)) = self.world.timers.pop(now) {
            match timer {
                Timer::Connection(id) => {
                    self.connections
                        .timer_fired(&mut self.world, id, armed_for, now);
                }
                Timer::Device(id) => self.world.device_timer_fired(id, now),
                Timer::Transfer(client) => {
                    self.transfers
                        .timer_fired(&mut self.world, (*client).into(), armed_for, now);
                }
                Timer::Lookups => self.lookups.timer_fired(&mut self.world, now),
                Timer::Site => self.world.site_timer_fired(armed_for, now),
            }
            self.world.settle(now);
        }
    }

    /// No record will follow: what is held in the hope of missing bytes is read as it is.
    pub fn finish(&mut self) {
        self.connections.finish(&mut self.world, self.now);
        self.world.settle(self.now);
    }

    /// Takes over what can change while it runs, and judges everything by it; nothing that is known is lost.
    pub fn reconfigure(&mut self, change: Reconfiguration, now: Timestamp) {
        self.now = self.now.max(now);
        self.copies.set_window(change.copy_window);
        self.world.reconfigure(change, self.now);
        self.connections.arm_all(&mut self.world);
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.world.poll_event()
    }

    /// A picture of everything.
    pub fn snapshot(&mut self) -> Arc<Snapshot> {
        let mut callmanagers: Vec<Arc<CallManager>> =
            self.world.servers.values().cloned().collect();
        callmanagers.sort_unstable_by_key(|server| server.address);
        let mut totals = self.world.totals.clone();
        totals.duplicates = self.copies.copies();
        let fragments = self.fragments.counters();
        totals
            .evicted
            .add_many("fragments", fragments.evicted + fragments.expired);
        totals
            .evicted
            .add_many("devices", self.world.devices.evicted);
        totals
            .evicted
            .add_many("newcomers", self.world.devices.turned_away);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        totals
            .evicted
            .add_many("recorded_frames", self.recorder.dropped());
        for (what, number) in [
            ("devices", self.world.devices.table.len()),
            ("strangers", self.world.devices.strangers()),
            ("connections", self.connections.len()),
            ("stream_bytes", self.connections.held_bytes()),
            ("transfers", self.transfers.len()),
            ("dns_lookups", self.lookups.len()),
            ("dns_names", self.world.names.len()),
            ("callmanagers", self.world.servers.len()),
            ("fragment_bytes", self.fragments.bytes_held()),
            ("recorder_bytes", self.recorder.bytes()),
        ] {
            totals.tracked.add_many(what, count(number));
        }
        Arc::new(Snapshot {
            at: self.now,
            devices: self.world.devices.table.clone(),
            callmanagers,
            findings: self.world.site_findings.all().to_vec(),
            inventory: self.world.settings.inventory.clone(),
            sites: Arc::clone(&self.world.settings.sites),
            totals,
        })
    }

    /// The last frames of this device's signalling, as many as the flight recorder kept, in the order in which they came.
    pub fn recorded(&self, device: DeviceId) -> impl Iterator<Item = KeptFrame> {
        self.recorder.frames(device)
    }

    fn loss(&mut self, loss: &Loss) {
        self.world.sight.frames_lost(loss.at, loss.frames);
        self.world.site_changed(loss.at);
        let totals = &mut self.world.totals;
        let place = LossPlace::ALL.iter().position(|&place| place == loss.place);
        if let Some(count) = place.and_then(|place| totals.lost.get_mut(place)) {
            *count += loss.frames;
        }
        totals.blind += u64::from(loss.frames == 0);
        self.world.emit(
            loss.at,
            None,
            EventKind::FramesLost {
                frames: loss.frames,
                place: loss.place.label(),
            },
        );
    }

    /// Where the time of frames does not go on from the last one, nothing is concluded across the break.
    fn notice_time(&mut self, at: Timestamp) {
        let Some(broke) = self.world.sight.time_broke(at) else {
            return;
        };
        if broke == TimeBreak::Back {
            self.now = at;
        }
        self.world.site_changed(at);
        self.world.totals.blind += 1;
        self.world.emit(
            at,
            None,
            EventKind::FramesLost {
                frames: 0,
                place: broke.label(),
            },
        );
    }

    fn clock_step(&mut self, step: ClockStep) {
        self.world.sight.clock_stepped(step.from, step.at);
        self.world.site_changed(step.at);
        self.world.totals.blind += 1;
        self.world.totals.clock_steps += 1;
        self.world.emit(
            step.at,
            None,
            EventKind::FramesLost {
                frames: 0,
                place: TimeBreak::Back.label(),
            },
        );
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        let totals = &mut self.world.totals;
        totals.frames += 1;
        totals.bytes += u64::try_from(frame.bytes.len()).unwrap_or(u64::MAX);
        totals.first.get_or_insert(frame.at);
        totals.last = totals.last.max(Some(frame.at));
        totals.truncated += u64::from(
            usize::try_from(frame.original_length).is_ok_and(|length| length > frame.bytes.len()),
        );
        self.world.sight.frame_seen(frame.source, frame.at);
        self.world.site_goes_on(frame.at);
        self.world.frame_of = None;
        self.layer(frame.link, frame.bytes, frame, TUNNEL_DEPTH);
        if let Some(device) = self.world.frame_of
            && self.world.is_proven(device)
        {
            self.recorder.keep(device, frame);
        }
    }

    /// Takes what `bytes` begin with apart: the frame itself, or what a tunnel carried.
    fn layer(&mut self, link: LinkType, bytes: &[u8], frame: &Frame<'_>, depth: u8) {
        match packet::decode(link, bytes) {
            Ok(packet) => self.packet(&packet, frame, depth),
            Err(error) => self.unreadable("packet", error, frame, depth),
        }
    }

    /// Takes a packet as it came, or as it was put together from its fragments: opens it if it is a tunnel's, and passes
    /// on what is nobody's voice and no copy.
    fn packet(&mut self, packet: &Packet<'_>, frame: &Frame<'_>, depth: u8) {
        if self.world.settings.tunnels
            && let Content::Ip(ip) = &packet.content
        {
            match tunnel::open(ip) {
                Ok(None) => {}
                Ok(Some(_)) if depth == 0 => return self.world.totals.evicted.add("tunnels"),
                Ok(Some(inner)) => {
                    return self.layer(inner.link, inner.bytes, frame, depth - 1);
                }
                Err(error) => return self.unreadable("tunnel", error, frame, depth),
            }
        }
        if is_voice(packet) {
            return;
        }
        if self.copies.is_copy(packet, frame.at) {
            self.world.sight.copy_seen(frame.source, frame.at);
            return;
        }
        self.content(packet, frame, depth);
    }

    /// Counts what could not be read. Where nobody cut the frame, what it lacks was never there; what a tunnel carries may
    /// have been cut before it was put in.
    fn unreadable(&mut self, what: &'static str, error: DecodeError, frame: &Frame<'_>, depth: u8) {
        let is_whole =
            usize::try_from(frame.original_length).is_ok_and(|length| length <= frame.bytes.len());
        let error = if is_whole && depth == TUNNEL_DEPTH {
            error.of_a_whole()
        } else {
            error
        };
        self.world.decode_error(what, error);
    }

    fn content(&mut self, packet: &Packet<'_>, frame: &Frame<'_>, depth: u8) {
        let neighbour = Neighbour {
            at: frame.at,
            source: frame.source,
            tags: &packet.vlans,
        };
        let place = Place {
            source: frame.source,
            vlan: packet.vlans.vlan(),
        };
        match &packet.content {
            Content::Arp(arp) => self.world.arp(arp, place, frame.at),
            Content::Cdp(payload) => self.world.cdp(payload, neighbour),
            Content::Lldp(payload) => self.world.lldp(payload, neighbour),
            Content::Ip(ip) => self.ip(ip, packet, frame, depth),
            Content::Other { .. } => {}
        }
    }

    fn ip(&mut self, ip: &IpPacket<'_>, packet: &Packet<'_>, frame: &Frame<'_>, depth: u8) {
        match &ip.transport {
            Transport::Tcp(segment) => {
                self.connections
                    .segment(&mut self.world, ip, segment, frame.at, frame.source);
            }
            Transport::Udp(datagram) => self.udp(ip, datagram, packet, frame),
            Transport::Icmp(IcmpMessage::Neighbour(message)) => {
                self.world.neighbour_discovery(message, ip);
            }
            Transport::Icmp(message) => self.icmp(message, frame.at),
            Transport::Fragment(fragment) => {
                if let Some(whole) = self.fragments.insert(ip, fragment, frame.at) {
                    match whole.packet(ip) {
                        // A mirror session over a way too narrow for it comes in fragments.
                        Ok(ip) => {
                            let content = Content::Ip(ip);
                            self.packet(&Packet { content, ..*packet }, frame, depth);
                        }
                        Err(error) => self.world.decode_error("packet", error),
                    }
                }
            }
            Transport::Encapsulated { .. } | Transport::Other { .. } => {}
        }
    }

    fn udp(
        &mut self,
        ip: &IpPacket<'_>,
        datagram: &UdpDatagram<'_>,
        packet: &Packet<'_>,
        frame: &Frame<'_>,
    ) {
        let ends = (
            SocketAddr::new(ip.source, datagram.source_port),
            SocketAddr::new(ip.destination, datagram.destination_port),
        );
        let ports = [datagram.source_port, datagram.destination_port];
        let seen = Seen {
            at: frame.at,
            source: frame.source,
            from: ip.source,
            packet,
            is_broadcast: ip.destination == Ipv4Addr::BROADCAST,
        };
        if ports
            .iter()
            .any(|port| matches!(*port, dhcp::SERVER_PORT | dhcp::CLIENT_PORT))
        {
            self.world.dhcp(datagram.payload, seen);
        } else if ports
            .iter()
            .any(|port| matches!(*port, dhcpv6::SERVER_PORT | dhcpv6::CLIENT_PORT))
        {
            self.world.dhcpv6(datagram.payload, seen);
        } else if ports.contains(&dns::PORT) {
            self.lookups.datagram(
                &mut self.world,
                ends,
                datagram.payload,
                frame.at,
                frame.source,
            );
            self.frame_is_of_either(ip);
        } else {
            let is_of_a_transfer =
                self.transfers
                    .datagram(&mut self.world, ends, datagram, frame.at, frame.source);
            if is_of_a_transfer || is_acknowledgment(datagram) {
                self.frame_is_of_either(ip);
            }
        }
    }

    fn frame_is_of_either(&mut self, ip: &IpPacket<'_>) {
        self.world.frame_is_of_address(ip.source);
        self.world.frame_is_of_address(ip.destination);
    }

    fn icmp(&mut self, message: &IcmpMessage, at: Timestamp) {
        const TCP: u8 = 6;
        const UDP: u8 = 17;

        let IcmpMessage::Unreachable(unreachable) = message else {
            return;
        };
        let Some(original) = &unreachable.original else {
            return;
        };
        match original.protocol {
            TCP => {
                self.world.frame_is_of_address(original.source.ip());
                let key = FlowKey {
                    client: original.source.into(),
                    server: original.destination.into(),
                };
                self.connections.unreachable(&mut self.world, key, at);
            }
            UDP => {
                self.world.frame_is_of_address(original.source.ip());
                self.transfers.unreachable(
                    &mut self.world,
                    original.source,
                    original.destination,
                    unreachable.code,
                    at,
                );
            }
            _ => {}
        }
    }
}

/// Whether it is RTP or RTCP, of which nothing is read: version 2 in the two highest bits (RFC 3550, section 5.1), where
/// TFTP has an opcode of at most 6. It is the bulk of what comes without a filter, so no more is asked of it.
fn is_voice(packet: &Packet<'_>) -> bool {
    const FIRST_UNPRIVILEGED: u16 = 1024;

    let Content::Ip(ip) = &packet.content else {
        return false;
    };
    let Transport::Udp(datagram) = &ip.transport else {
        return false;
    };
    datagram.source_port >= FIRST_UNPRIVILEGED
        && datagram.destination_port >= FIRST_UNPRIVILEGED
        && datagram
            .payload
            .first()
            .is_some_and(|first| first >> 6 == 2)
}

/// Whether it may be the acknowledgment of a transfer's last block: the transfer ended with that block.
fn is_acknowledgment(datagram: &UdpDatagram<'_>) -> bool {
    datagram.payload.len() == 4 && matches!(tftp::parse(datagram.payload), Ok(Tftp::Ack { .. }))
}
