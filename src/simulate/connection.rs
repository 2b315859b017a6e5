//! One TCP connection of a simulated phone to a CallManager, which counts its bytes on both sides.

use std::time::Duration;

use super::script::{Host, Script};
use super::truth::Fact;
use crate::time::Timestamp;
use crate::wire::packet::{TcpFlags, TcpSegment};
use crate::wire::sccp::encode;

/// The TCP port of SCCP.
const SCCP: u16 = 2000;
/// What a phone can take before it acknowledges.
const WINDOW: u16 = 1400;
const DATA: TcpFlags = TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0);
/// When TCP repeats what nobody acknowledged.
const REPEAT_AFTER: Duration = Duration::from_millis(1500);

/// How a CallManager answers the keepalives of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// With a `KeepAliveAck`: on the registered connection.
    Sccp,
    /// With TCP alone: on a standby connection, or where CallManager itself hangs.
    Tcp,
    /// Not at all: the machine is gone.
    Nothing,
    /// With a `KeepAliveAck`, once TCP has repeated what was lost on the way there.
    LostOnTheWayThere,
    /// With a `KeepAliveAck` that was lost on the way back and is repeated by TCP.
    LostOnTheWayBack,
    /// With a `KeepAliveAck`, while most segments are sent twice and the phone has no room for more now and then.
    WithTrouble,
}

/// A TCP connection with the numbers of both sides.
#[derive(Debug)]
pub(super) struct Connection {
    phone: Host,
    pub(super) server: Host,
    port: u16,
    /// The number of the next byte of each side.
    phone_next: u32,
    server_next: u32,
    pub(super) answers: Answers,
    /// When the next keepalive is due, and how long after that the one that follows it.
    pub(super) due: Timestamp,
    pub(super) interval: Duration,
    /// When it was opened, when the phone last sent anything on it, and when its last keepalive.
    pub(super) opened: Timestamp,
    pub(super) spoke: Timestamp,
    asked: Timestamp,
    /// Keepalives of a registered phone in a row that were not answered.
    unanswered: u32,
}

impl Connection {
    /// A connection from its first segment on, with a keepalive each minute.
    pub(super) fn open(script: &mut Script, phone: Host, port: u16, server: Host) -> Self {
        let mut connection = Self::attempt(script, phone, port, server);
        connection.server_segment(script, 1, TcpFlags::SYN | TcpFlags::ACK, &[]);
        connection.phone_next = connection.phone_next.wrapping_add(1);
        connection.server_next = connection.server_next.wrapping_add(1);
        connection.phone_acks(script);
        connection.due = script.now + connection.interval;
        connection
    }

    /// A connection that is not answered yet.
    pub(super) fn attempt(script: &mut Script, phone: Host, port: u16, server: Host) -> Self {
        let connection = Self::new(script, phone, port, server);
        connection.syn(script);
        connection
    }

    /// The server refuses a connection: SYN, answered by RST.
    pub(super) fn refused(script: &mut Script, phone: Host, port: u16, server: Host) {
        let mut connection = Self::attempt(script, phone, port, server);
        connection.server_next = 0;
        connection.server_segment(script, 1, TcpFlags::RST | TcpFlags::ACK, &[]);
        script.fact(Fact::Refused);
    }

    fn new(script: &mut Script, phone: Host, port: u16, server: Host) -> Self {
        Self {
            phone,
            server,
            port,
            phone_next: script.random.number32(),
            server_next: script.random.number32(),
            answers: Answers::Tcp,
            due: script.now,
            interval: Duration::from_secs(60),
            opened: script.now,
            spoke: script.now,
            asked: script.now,
            unanswered: 0,
        }
    }

    /// The phone asks for the connection, for the first time or again.
    pub(super) fn syn(&self, script: &mut Script) {
        let mut segment = self.phone_segment(TcpFlags::SYN, &[]);
        segment.acknowledgment = None;
        script.tcp(&self.phone, &self.server, &segment);
        script.fact(Fact::Connecting);
    }

    /// The phone sends a message, which the server's TCP acknowledges.
    pub(super) fn says(&mut self, script: &mut Script, message: &[u8]) {
        self.phone_sends(script, message);
        self.server_segment(script, 0, TcpFlags::ACK, &[]);
    }

    pub(super) fn phone_sends(&mut self, script: &mut Script, message: &[u8]) {
        let segment = self.phone_segment(DATA, message);
        script.tcp(&self.phone, &self.server, &segment);
        self.phone_next = self.phone_next.wrapping_add(length(message));
        self.spoke = script.now;
    }

    /// The phone's TCP sends its last message again.
    fn phone_repeats(&mut self, script: &mut Script, message: &[u8]) {
        self.phone_next = self.phone_next.wrapping_sub(length(message));
        self.phone_sends(script, message);
    }

    pub(super) fn server_sends(&mut self, script: &mut Script, message: &[u8]) {
        self.server_segment(script, 0, DATA, message);
        self.server_next = self.server_next.wrapping_add(length(message));
    }

    /// The server's TCP sends its last message again.
    fn server_repeats(&mut self, script: &mut Script, message: &[u8]) {
        self.server_next = self.server_next.wrapping_sub(length(message));
        self.server_sends(script, message);
    }

    pub(super) fn phone_acks(&mut self, script: &mut Script) {
        self.phone_acks_with_room(script, WINDOW);
    }

    /// An acknowledgment that says how much more the phone can take.
    fn phone_acks_with_room(&mut self, script: &mut Script, window: u16) {
        let mut segment = self.phone_segment(TcpFlags::ACK, &[]);
        segment.window = window;
        script.tcp(&self.phone, &self.server, &segment);
        self.spoke = script.now;
    }

    pub(super) fn server_acks(&self, script: &mut Script) {
        self.server_segment(script, 0, TcpFlags::ACK, &[]);
    }

    /// A question and its answer.
    pub(super) fn asks(&mut self, script: &mut Script, question: &[u8], answer: &[u8]) {
        self.phone_sends(script, question);
        self.server_sends(script, answer);
        self.phone_acks(script);
    }

    /// The keepalive that is due.
    pub(super) fn keepalive(&mut self, script: &mut Script) {
        self.tell_missed(script);
        script.at(self.due);
        let next = self.due + self.interval;
        // The phone's timer is not quite exact.
        let late = script
            .random
            .between(Duration::ZERO, Duration::from_millis(20));
        self.due = next + late;
        let (message, answer) = (encode::keep_alive(0), encode::keep_alive_ack(0));
        self.phone_sends(script, &message);
        self.asked = script.now;
        match self.answers {
            Answers::Sccp => {
                self.server_sends(script, &answer);
                self.phone_acks(script);
            }
            Answers::Tcp => self.server_segment(script, 0, TcpFlags::ACK, &[]),
            Answers::Nothing => {
                script.pass(REPEAT_AFTER);
                self.phone_repeats(script, &message);
            }
            Answers::LostOnTheWayThere => {
                for times in [1, 2] {
                    script.pass(REPEAT_AFTER * times);
                    self.phone_repeats(script, &message);
                }
                self.server_sends(script, &answer);
                self.phone_acks(script);
            }
            Answers::LostOnTheWayBack => {
                self.server_sends(script, &answer);
                script.pass(REPEAT_AFTER);
                self.server_repeats(script, &answer);
                self.phone_acks(script);
            }
            Answers::WithTrouble => self.keepalive_with_trouble(script, &message, &answer),
        }
        let is_answered = !matches!(self.answers, Answers::Tcp | Answers::Nothing);
        if is_answered {
            self.unanswered = 0;
        } else if self.interval < Duration::from_secs(60) {
            self.unanswered += 1;
        }
    }

    /// The first keepalive that stays without an answer until the next is due begins a gap.
    fn tell_missed(&self, script: &mut Script) {
        if self.unanswered == 1 {
            script.at(self.asked + self.interval);
            script.fact(Fact::CallManagerGap);
        }
    }

    /// The phone waits for its answer until the next keepalive would be due, and a moment longer.
    pub(super) fn wait_in_vain(&self, script: &mut Script) {
        self.tell_missed(script);
        script.at(self.due.max(self.asked + self.interval));
        script.pass(Duration::from_millis(100));
    }

    fn keepalive_with_trouble(&mut self, script: &mut Script, message: &[u8], answer: &[u8]) {
        script.pass(REPEAT_AFTER);
        self.phone_repeats(script, message);
        self.server_segment(script, 0, TcpFlags::ACK, &[]);
        self.server_sends(script, answer);
        script.pass(REPEAT_AFTER);
        self.server_repeats(script, answer);
        self.phone_acks_with_room(script, 0);
        script.pass(Duration::from_millis(400));
        self.phone_acks(script);
    }

    /// From now on the connection carries a registration.
    pub(super) fn registered(&mut self, script: &Script) {
        self.answers = Answers::Sccp;
        self.interval = Duration::from_secs(30);
        self.due = script.now + self.interval;
        self.unanswered = 0;
    }

    /// From now on it is one in reserve.
    pub(super) fn in_reserve(&mut self, script: &Script) {
        self.answers = Answers::Tcp;
        self.interval = Duration::from_secs(60);
        self.due = script.now + self.interval;
    }

    /// The phone closes and the server agrees.
    pub(super) fn phone_closes(mut self, script: &mut Script) {
        let end = TcpFlags::FIN | TcpFlags::ACK;
        let segment = self.phone_segment(end, &[]);
        script.tcp(&self.phone, &self.server, &segment);
        self.phone_next = self.phone_next.wrapping_add(1);
        self.server_segment(script, 0, end, &[]);
        self.server_next = self.server_next.wrapping_add(1);
        self.phone_acks(script);
    }

    /// The server closes and the phone agrees.
    pub(super) fn server_closes(mut self, script: &mut Script) {
        let end = TcpFlags::FIN | TcpFlags::ACK;
        self.server_segment(script, 0, end, &[]);
        self.server_next = self.server_next.wrapping_add(1);
        let segment = self.phone_segment(end, &[]);
        script.tcp(&self.phone, &self.server, &segment);
        self.phone_next = self.phone_next.wrapping_add(1);
        self.server_segment(script, 0, TcpFlags::ACK, &[]);
    }

    /// The server closes a connection of which the phone knows nothing any more.
    pub(super) fn server_closes_late(mut self, script: &mut Script) {
        self.server_segment(script, 0, TcpFlags::FIN | TcpFlags::ACK, &[]);
        self.server_next = self.server_next.wrapping_add(1);
        let mut segment = self.phone_segment(TcpFlags::RST, &[]);
        segment.acknowledgment = None;
        segment.window = 0;
        script.tcp(&self.phone, &self.server, &segment);
    }

    /// The phone gives the connection up.
    pub(super) fn phone_aborts(self, script: &mut Script) {
        let segment = self.phone_segment(TcpFlags::RST | TcpFlags::ACK, &[]);
        script.tcp(&self.phone, &self.server, &segment);
    }

    /// The server gives it up.
    pub(super) fn server_aborts(self, script: &mut Script) {
        self.server_segment(script, 0, TcpFlags::RST | TcpFlags::ACK, &[]);
    }

    fn phone_segment<'a>(&self, flags: TcpFlags, payload: &'a [u8]) -> TcpSegment<'a> {
        TcpSegment {
            source_port: self.port,
            destination_port: SCCP,
            sequence: self.phone_next,
            acknowledgment: Some(self.server_next),
            flags,
            window: WINDOW,
            payload,
            payload_length: length(payload),
        }
    }

    /// A segment of the server; one that answers a SYN acknowledges one number `more`.
    fn server_segment(&self, script: &mut Script, more: u32, flags: TcpFlags, payload: &[u8]) {
        let segment = TcpSegment {
            source_port: SCCP,
            destination_port: self.port,
            sequence: self.server_next,
            acknowledgment: Some(self.phone_next.wrapping_add(more)),
            flags,
            window: 8192,
            payload,
            payload_length: length(payload),
        };
        script.tcp(&self.server, &self.phone, &segment);
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
