//! TCP segments to and from CallManagers: which connection each belongs to, and what comes out of its streams.

use std::collections::VecDeque;
use std::sync::Arc;

use super::connection::{Connection, Half, Phase, Side};
use super::connection_table::{ConnectionId, ConnectionTable};
use super::messages::{Incoming, Origin, take};
use super::quality::Traffic;
use super::registrations::Subject;
use super::timers::Timer;
use super::troubles::Attempt;
use super::world::World;
use crate::flow::tcp::{Delivery, Placement};
use crate::net::{Endpoint, FlowKey};
use crate::phone::Stage;
use crate::phone::attempts::Outcome;
use crate::phone::boot::Step;
use crate::phone::quality::Sender;
use crate::phone::registration::EndCause;
use crate::phone::session::Sign;
use crate::time::Timestamp;
use crate::wire::packet::{IpPacket, TcpSegment};
use crate::wire::sccp::{Deframed, Deframer, Message};

/// How many places in the queue of connections are looked at when there is no room: the work for one segment is bounded.
const EVICTION_TRIES: usize = 64;

/// All connections to CallManagers.
#[derive(Default)]
pub(super) struct Connections {
    all: ConnectionTable,
    /// Everyone, in the order of arrival, for finding who may go when there is no room.
    queue: VecDeque<ConnectionId>,
    held_bytes: usize,
    /// What the segment at hand brought; kept to be used again.
    inbox: Vec<Incoming>,
}

/// What the engine saw of one segment.
struct Seen<'a> {
    key: FlowKey,
    side: Side,
    segment: &'a TcpSegment<'a>,
    at: Timestamp,
    source: u16,
    /// The code point of its packet.
    dscp: u8,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Takes a segment, if it is to or from a port of a CallManager.
    pub(super) fn segment(
        &mut self,
        world: &mut World,
        ip: &IpPacket<'_>,
        segment: &TcpSegment<'_>,
        at: Timestamp,
        source: u16,
    ) {
        let from = Endpoint::new(ip.source, segment.source_port);
        let to = Endpoint::new(ip.destination, segment.destination_port);
        let is_port = |port: u16| {
            world.settings.sccp_ports.contains(&port) || world.settings.secure_ports.contains(&port)
        };
        let forth = FlowKey {
            client: from,
            server: to,
        };
        let back = FlowKey {
            client: to,
            server: from,
        };
        let (key, side) = match (is_port(to.port), is_port(from.port)) {
            (true, true) if self.all.find(&back).is_some() => (back, Side::Server),
            (true, _) => (forth, Side::Client),
            (false, true) => (back, Side::Server),
            (false, false) => return,
        };
        self.observe(
            world,
            &Seen {
                key,
                side,
                segment,
                at,
                source,
                dscp: ip.dscp,
            },
        );
    }

    fn observe(&mut self, world: &mut World, seen: &Seen<'_>) {
        let Seen { key, at, .. } = *seen;
        let Some(place) = self.admit(world, seen) else {
            world.frame_is_of_address(key.client.ip);
            return;
        };
        let Some(connection) = self.all.get_mut(place) else {
            return;
        };
        let held = connection.held_bytes();
        connection.source = seen.source;
        follow_merges(world, connection);
        let mut subject = Subject { key, connection };
        let silent_since = subject.connection.client.spoke();
        let half = subject.connection.half(seen.side);
        half.heard = Some(at);
        match seen.side {
            Side::Client => subject.connection.marks.phone = Some(seen.dscp),
            Side::Server => subject.connection.marks.callmanager = Some(seen.dscp),
        }
        if subject.connection.client.heard.is_some() && subject.connection.server.heard.is_some() {
            world.sight.both_directions_seen(seen.source, key.server.ip);
        }
        if seen.side == Side::Server
            && let Some(server) = world.servers.get_mut(&key.server.ip)
            && server
                .last_heard
                .is_none_or(|last| at.since(last).as_secs() >= 1)
        {
            Arc::make_mut(server).last_heard = Some(at);
        }

        handshake(world, &mut subject, seen);
        let placement = read(&mut self.inbox, world, &mut subject, seen);
        // Where the stream's place is not known, nothing tells whether the segment goes on with it.
        let next = subject.connection.half(seen.side).stream.next_sequence();
        let is_behind_hole = next.is_none() || is_ahead(next, seen.segment.sequence);
        let nothing_missed = placement != Some(Placement::OutOfOrder)
            && !is_behind_hole
            && !self
                .inbox
                .iter()
                .any(|incoming| matches!(incoming, Incoming::Gap));
        let origin = Origin {
            side: seen.side,
            at,
            end: seen
                .segment
                .sequence
                .wrapping_add(seen.segment.payload_length),
            acknowledgment: seen.segment.acknowledgment,
        };
        for incoming in self.inbox.drain(..) {
            take(world, &mut subject, origin, incoming);
        }
        if seen.side == Side::Client {
            world.phone_spoke(&mut subject, at);
        }
        match (seen.side, silent_since) {
            (Side::Client, Some(since)) => world.phone_heard(&subject, since, nothing_missed, at),
            (Side::Server, _) => {
                if let Some(acknowledgment) = seen.segment.acknowledgment {
                    world.tcp_acknowledged(&mut subject, at, acknowledgment);
                }
            }
            (Side::Client, None) => {}
        }
        let traffic = Traffic {
            sender: match seen.side {
                Side::Client => Sender::Phone,
                Side::Server => Sender::Server,
            },
            segment: seen.segment,
            is_repeated: placement == Some(Placement::Retransmission),
            dscp: seen.dscp,
        };
        world.traffic(&mut subject, &traffic, at);
        ending(world, &mut subject, seen);
        world.frame_of = subject.connection.device;
        world.frame_is_of_address(key.client.ip);

        if let Some(id) = subject.connection.device
            && seen.side == Side::Client
        {
            world.confirm(id, key);
            world.heard(id, at);
        }
        let total = self.held_bytes + subject.connection.held_bytes() - held.min(self.held_bytes);
        self.held_bytes = total;
        if total > world.settings.limits.streams_bytes {
            self.flush(world, place, at);
        }
        self.arm(world, place);
    }

    /// The connection of this segment: one is made for a SYN, and for data of a connection that began before the capture.
    fn admit(&mut self, world: &mut World, seen: &Seen<'_>) -> Option<ConnectionId> {
        let Seen {
            key,
            side,
            segment,
            at,
            source,
            ..
        } = *seen;
        let flags = segment.flags;
        let is_opening = flags.syn() && !flags.ack() && side == Side::Client;
        if let Some(id) = self.all.find(&key)
            && let Some(known) = self.all.get(id)
        {
            let is_another = is_opening
                && match known.phase {
                    Phase::Asked { sequence, .. }
                    | Phase::Open { sequence }
                    | Phase::Unanswered { sequence, .. } => sequence != segment.sequence,
                    Phase::Joined | Phase::Failed { .. } | Phase::Closed { .. } => true,
                };
            // A SYN that overtook nothing: the ports are used again.
            if is_another
                && known
                    .client
                    .heard
                    .is_some_and(|heard| at.since(heard).as_millis() >= 100)
            {
                self.close(world, id, at);
                self.all.remove(id);
            } else {
                return Some(id);
            }
        }
        let phase = if is_opening {
            Phase::Asked {
                since: at,
                sequence: segment.sequence,
            }
        } else if flags.syn() && flags.ack() && side == Side::Server {
            // Its SYN was missed, or comes through a slower mirror port.
            Phase::Open {
                sequence: segment.acknowledgment.unwrap_or_default().wrapping_sub(1),
            }
        } else if segment.payload_length > 0 && !flags.rst() {
            Phase::Joined
        } else {
            return None;
        };
        if !self.make_room(world, at) {
            return None;
        }
        let is_secure = world.settings.secure_ports.contains(&key.server.port);
        let mut connection = Connection::new(key, phase, is_secure, source);
        connection.device = world.devices.at(key.client.ip);
        let id = self.all.insert(connection);
        self.queue.push_back(id);
        Some(id)
    }

    /// Follows a connection of an earlier run; false where there is no room for it.
    pub(super) fn restore(&mut self, world: &mut World, connection: Connection) -> bool {
        if self.all.len() >= world.settings.limits.connections
            || self.all.find(&connection.key()).is_some()
        {
            return false;
        }
        let id = self.all.insert(connection);
        self.queue.push_back(id);
        self.arm(world, id);
        true
    }

    /// The connection ends because its ports are used again.
    fn close(&mut self, world: &mut World, id: ConnectionId, at: Timestamp) {
        if let Some(connection) = self.all.get_mut(id) {
            let key = connection.key();
            follow_merges(world, connection);
            self.held_bytes = self.held_bytes.saturating_sub(connection.held_bytes());
            world.sign(
                &mut Subject { key, connection },
                Sign::Closed,
                at,
                EndCause::Replaced,
            );
        }
    }

    /// Sees to it that there is a place for one more. Whether there is: none goes for it that carries a registration.
    fn make_room(&mut self, world: &mut World, at: Timestamp) -> bool {
        if self.queue.len() > 2 * self.all.len() + EVICTION_TRIES {
            let all = &self.all;
            self.queue.retain(|&id| all.get(id).is_some());
        }
        if self.all.len() < world.settings.limits.connections {
            return true;
        }
        world.totals.evicted.add("connections");
        for _ in 0..EVICTION_TRIES {
            let Some(id) = self.queue.pop_front() else {
                break;
            };
            let Some(connection) = self.all.get(id) else {
                continue;
            };
            if connection.is_over(at) {
                self.close(world, id, at);
                self.all.remove(id);
                return true;
            }
            if !connection.session.is_registered() {
                // It is no longer followed, which does not mean that it ended.
                self.held_bytes = self.held_bytes.saturating_sub(connection.held_bytes());
                self.all.remove(id);
                return true;
            }
            self.queue.push_back(id);
        }
        false
    }

    /// What is due at `now` on this connection.
    pub(super) fn timer_fired(
        &mut self,
        world: &mut World,
        id: ConnectionId,
        armed_for: Timestamp,
        now: Timestamp,
    ) {
        let Some(connection) = self.all.get_mut(id) else {
            return;
        };
        if connection.armed != Some(armed_for) {
            return;
        }
        connection.armed = None;
        if connection.is_over(now) {
            self.close(world, id, now);
            self.all.remove(id);
            return;
        }
        self.expire_streams(world, id, now, false);
        let Some(connection) = self.all.get_mut(id) else {
            return;
        };
        follow_merges(world, connection);
        let mut subject = Subject {
            key: connection.key(),
            connection,
        };
        connect_timed_out(world, &mut subject, now);
        world.register_unanswered(subject.key, subject.connection, now, false);
        let configured = world.settings.keepalive.active;
        if subject
            .connection
            .keepalives
            .deadline(configured)
            .is_some_and(|due| due <= now)
        {
            world.keepalive_overdue(&mut subject, now);
        }
        world.phone_silent(&mut subject, now);
        subject.connection.handled = now;
        self.arm(world, id);
    }

    /// Reads what is held behind holes as it is: nothing more will come.
    pub(super) fn finish(&mut self, world: &mut World, now: Timestamp) {
        let mut waiting: Vec<(FlowKey, ConnectionId)> = self
            .all
            .iter()
            .filter(|(_, connection)| connection.held_bytes() > 0)
            .map(|(id, connection)| (connection.key(), id))
            .collect();
        waiting.sort_unstable();
        for (_, id) in waiting {
            self.flush(world, id, now);
        }
    }

    fn flush(&mut self, world: &mut World, id: ConnectionId, now: Timestamp) {
        self.expire_streams(world, id, now, true);
    }

    fn expire_streams(&mut self, world: &mut World, id: ConnectionId, now: Timestamp, all: bool) {
        let Some(connection) = self.all.get_mut(id) else {
            return;
        };
        let key = connection.key();
        let held = connection.held_bytes();
        for side in [Side::Client, Side::Server] {
            let half = connection.half(side);
            let Half {
                stream, deframer, ..
            } = half;
            let inbox = &mut self.inbox;
            let mut deliver = |delivery: Delivery<'_>| deframe(deframer, delivery, inbox);
            if all {
                stream.flush(&mut deliver);
            } else {
                stream.expire(now, &mut deliver);
            }
            let end = stream.next_sequence().unwrap_or_default();
            let origin = Origin {
                side,
                at: now,
                end,
                acknowledgment: None,
            };
            for incoming in self.inbox.drain(..) {
                take(world, &mut Subject { key, connection }, origin, incoming);
            }
        }
        self.held_bytes = (self.held_bytes + connection.held_bytes()).saturating_sub(held);
    }

    /// Deadlines may be others, by other settings.
    pub(super) fn arm_all(&mut self, world: &mut World) {
        let all: Vec<ConnectionId> = self.all.iter().map(|(id, _)| id).collect();
        for id in all {
            self.arm(world, id);
        }
    }

    fn arm(&mut self, world: &mut World, id: ConnectionId) {
        if let Some(connection) = self.all.get_mut(id) {
            let deadline = connection.deadline(
                world.settings.keepalive.active,
                world.settings.thresholds.registration_answer,
            );
            world
                .timers
                .arm(Timer::Connection(id), deadline, &mut connection.armed);
        }
    }

    /// ICMP says that a connection attempt cannot reach its server.
    pub(super) fn unreachable(&mut self, world: &mut World, key: FlowKey, at: Timestamp) {
        if let Some(id) = self.all.find(&key)
            && let Some(connection) = self.all.get_mut(id)
            && let Phase::Asked { since, .. } = connection.phase
        {
            connection.phase = Phase::Failed { at };
            let attempt = Attempt {
                outcome: Outcome::Unreachable,
                asked: since,
                delay: None,
            };
            world.connect_ended(connection.device, key, attempt, at);
        }
    }
}

/// A device that was known by its address may have become part of a named one since.
fn follow_merges(world: &World, connection: &mut Connection) {
    if connection
        .device
        .is_some_and(|id| world.devices.device(id).is_none())
    {
        connection.device = world.devices.at(connection.key().client.ip);
    }
}

fn handshake(world: &mut World, subject: &mut Subject<'_>, seen: &Seen<'_>) {
    let Seen {
        key,
        side,
        segment,
        at,
        ..
    } = *seen;
    let connection = &mut *subject.connection;
    let flags = segment.flags;
    if flags.syn() {
        connection.half(side).stream.begin(segment.sequence);
        if side == Side::Client
            && !flags.ack()
            && let Some(id) = connection.device
        {
            world.step(id, Step::Connect, Stage::Connecting, at);
        }
    }
    let last_asked = connection.client.heard;
    let attempt = |outcome, asked| Attempt {
        outcome,
        asked,
        delay: last_asked.map(|last| at.since(last)),
    };
    match (connection.phase, side) {
        (Phase::Asked { since, sequence }, Side::Server) if flags.syn() && flags.ack() => {
            connection.phase = Phase::Open { sequence };
            let attempt = attempt(Outcome::Established, since);
            world.connect_ended(connection.device, key, attempt, at);
            if connection.device.is_some() {
                world.stage_took("connecting", at.since(since));
            }
        }
        // Late, but it answers.
        (
            Phase::Unanswered {
                at: since,
                sequence,
            },
            Side::Server,
        ) if flags.syn() && flags.ack() => {
            connection.phase = Phase::Open { sequence };
            let attempt = attempt(Outcome::Established, since);
            world.connect_ended(connection.device, key, attempt, at);
        }
        // RFC 9293, section 3.5.2: a host that has nobody listening answers a SYN with RST and ACK.
        // One that acknowledges more than the SYN ends a connection whose beginning was not seen.
        (Phase::Asked { since, sequence }, Side::Server)
            if flags.rst()
                && segment
                    .acknowledgment
                    .is_none_or(|number| number == sequence.wrapping_add(1)) =>
        {
            connection.phase = Phase::Failed { at };
            world.connect_ended(connection.device, key, attempt(Outcome::Refused, since), at);
        }
        // Its answer was missed, but it goes on.
        (Phase::Asked { since, sequence }, _) if flags.ack() && !flags.syn() && !flags.rst() => {
            connection.phase = Phase::Open { sequence };
            let attempt = attempt(Outcome::Established, since);
            world.connect_ended(connection.device, key, attempt, at);
        }
        _ => {}
    }
}

fn ending(world: &mut World, subject: &mut Subject<'_>, seen: &Seen<'_>) {
    let Seen {
        side, segment, at, ..
    } = *seen;
    let flags = segment.flags;
    let is_running = matches!(
        subject.connection.phase,
        Phase::Joined | Phase::Asked { .. } | Phase::Open { .. }
    );
    if !is_running || !flags.fin() && !flags.rst() {
        return;
    }
    subject.connection.phase = Phase::Closed { at };
    if flags.rst() {
        world.cut_off(subject, at);
    }
    let by_side = match side {
        Side::Client => EndCause::ClosedByPhone,
        Side::Server => EndCause::ClosedByCallManager,
    };
    let cause = if subject.connection.is_told_to_reset {
        EndCause::Reset
    } else {
        by_side
    };
    world.sign(subject, Sign::Closed, at, cause);
}

fn connect_timed_out(world: &mut World, subject: &mut Subject<'_>, now: Timestamp) {
    let Phase::Asked { since, sequence } = subject.connection.phase else {
        return;
    };
    let is_due = subject
        .connection
        .connect_deadline()
        .is_some_and(|due| due <= now);
    let source = subject.connection.source;
    let would_be_seen =
        world.sight.lost_nothing_since(since) && world.sight.sees_both_directions(source);
    // A phone that was not answered asks again; one that asks no more was refused, and that was missed.
    let has_repeated = subject.connection.client.heard > Some(since);
    if is_due && would_be_seen && has_repeated {
        subject.connection.phase = Phase::Unanswered { at: now, sequence };
        let attempt = Attempt {
            outcome: Outcome::Unanswered,
            asked: since,
            delay: None,
        };
        world.connect_ended(subject.connection.device, subject.key, attempt, now);
    }
}

/// Puts the segment into its stream, and what comes out of it into the inbox.
fn read(
    inbox: &mut Vec<Incoming>,
    world: &World,
    subject: &mut Subject<'_>,
    seen: &Seen<'_>,
) -> Option<Placement> {
    let Seen {
        side, segment, at, ..
    } = *seen;
    let is_secure = subject.connection.is_secure;
    if let Some(acknowledgment) = segment.acknowledgment {
        let other = match side {
            Side::Client => &mut subject.connection.server,
            Side::Server => &mut subject.connection.client,
        };
        other.stream.acknowledged(at, acknowledgment);
        if is_ahead(other.stream.next_sequence(), acknowledgment) {
            other.note_unseen(at);
        }
    }
    // The end of a stream tells how long it was.
    if segment.flags.fin() || segment.flags.rst() {
        let own = subject.connection.half(side);
        let end = own.stream.next_sequence();
        if is_ahead(end, segment.sequence) {
            own.note_unseen(at);
        }
    }
    if segment.payload_length == 0 || is_secure {
        return None;
    }
    let half = subject.connection.half(side);
    let Half {
        stream, deframer, ..
    } = half;
    if deframer.is_opaque() {
        return None;
    }
    let first = segment
        .sequence
        .wrapping_add(u32::from(segment.flags.syn()));
    let limits = world.settings.limits.stream;
    Some(stream.segment(
        at,
        first,
        segment.payload,
        segment.payload_length,
        limits,
        &mut |delivery| {
            deframe(deframer, delivery, inbox);
        },
    ))
}

/// Whether a sequence number lies behind bytes that were not seen, where the stream stands at `next`.
fn is_ahead(next: Option<u32>, number: u32) -> bool {
    next.is_some_and(|next| (1..1 << 31).contains(&number.wrapping_sub(next)))
}

fn deframe(deframer: &mut Deframer, delivery: Delivery<'_>, inbox: &mut Vec<Incoming>) {
    match delivery {
        Delivery::Gap => {
            deframer.gap();
            inbox.push(Incoming::Gap);
        }
        Delivery::Bytes(bytes) => deframer.push(bytes, &mut |deframed| match deframed {
            Deframed::Message(pdu) => inbox.push(match Message::parse(&pdu) {
                Ok(message) => Incoming::Message(pdu.id, message),
                Err(error) => Incoming::Unreadable(error),
            }),
            Deframed::Malformed(error) => inbox.push(Incoming::Unreadable(error)),
            Deframed::Skipped(_) => {}
        }),
    }
}
