//! A TCP connection that counts its bytes on both sides.

use phonewatch::wire::packet::{TcpFlags, TcpSegment};
use phonewatch::wire::sccp::encode;

use super::scene::{Host, Scene};

/// One TCP connection of a phone to a server.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) phone: Host,
    pub(crate) server: Host,
    pub(crate) phone_port: u16,
    pub(crate) server_port: u16,
    /// The number of the next byte of each side.
    pub(crate) phone_next: u32,
    pub(crate) server_next: u32,
    pub(crate) window: u16,
    /// What the phone sent last, with its number.
    pub(crate) last: (u32, Vec<u8>),
}

const DATA: TcpFlags = TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0);

impl Connection {
    /// A connection of which the beginning is not shown.
    pub(crate) fn established(phone: Host, phone_port: u16, server: Host) -> Self {
        Self {
            phone,
            server,
            phone_port,
            server_port: 2000,
            phone_next: u32::from(phone_port) * 65_537,
            server_next: u32::from(phone_port) * 31_337,
            window: 8192,
            last: (0, Vec::new()),
        }
    }

    pub(crate) const fn on_port(mut self, server_port: u16) -> Self {
        self.server_port = server_port;
        self
    }

    /// A connection from its first segment on.
    pub(crate) fn open(scene: &mut Scene, phone: Host, phone_port: u16, server: Host) -> Self {
        let mut connection = Self::established(phone, phone_port, server);
        connection.shake_hands(scene);
        connection
    }

    pub(crate) fn shake_hands(&mut self, scene: &mut Scene) {
        self.syn(scene);
        self.server_segment(
            scene,
            self.server_next,
            true,
            TcpFlags::SYN | TcpFlags::ACK,
            &[],
        );
        self.phone_next = self.phone_next.wrapping_add(1);
        self.server_next = self.server_next.wrapping_add(1);
        self.phone_acks(scene);
    }

    /// The phone asks for a connection.
    pub(crate) fn syn(&self, scene: &mut Scene) {
        let mut segment = self.phone_segment(self.phone_next, TcpFlags::SYN, &[]);
        segment.acknowledgment = None;
        scene.tcp(&self.phone, &self.server, &segment);
    }

    /// The server refuses a connection: SYN, answered by RST.
    pub(crate) fn refuse(scene: &mut Scene, phone: Host, phone_port: u16, server: Host) {
        let connection = Self::established(phone, phone_port, server);
        connection.syn(scene);
        connection.server_segment(scene, 0, true, TcpFlags::RST | TcpFlags::ACK, &[]);
    }

    /// The phone sends bytes.
    pub(crate) fn phone_sends(&mut self, scene: &mut Scene, bytes: &[u8]) {
        let segment = self.phone_segment(self.phone_next, DATA, bytes);
        scene.tcp(&self.phone, &self.server, &segment);
        self.last = (self.phone_next, bytes.to_vec());
        self.phone_next = self.phone_next.wrapping_add(length(bytes));
    }

    /// The phone sends what it sent last once more.
    pub(crate) fn phone_repeats(&self, scene: &mut Scene) {
        let (sequence, bytes) = &self.last;
        let segment = self.phone_segment(*sequence, DATA, bytes);
        scene.tcp(&self.phone, &self.server, &segment);
    }

    /// The server sends bytes.
    pub(crate) fn server_sends(&mut self, scene: &mut Scene, bytes: &[u8]) {
        self.server_segment(scene, self.server_next, false, DATA, bytes);
        self.server_next = self.server_next.wrapping_add(length(bytes));
    }

    /// The server sends bytes that reach the phone and that the mirror does not show.
    pub(crate) fn server_sends_unseen(&mut self, bytes: &[u8]) {
        self.server_next = self.server_next.wrapping_add(length(bytes));
    }

    /// The server sends what it sent last once more: `bytes`.
    pub(crate) fn server_repeats(&self, scene: &mut Scene, bytes: &[u8]) {
        let sequence = self.server_next.wrapping_sub(length(bytes));
        self.server_segment(scene, sequence, false, DATA, bytes);
    }

    pub(crate) fn phone_acks(&self, scene: &mut Scene) {
        let segment = self.phone_segment(self.phone_next, TcpFlags::ACK, &[]);
        scene.tcp(&self.phone, &self.server, &segment);
    }

    pub(crate) fn server_acks(&self, scene: &mut Scene) {
        self.server_segment(scene, self.server_next, false, TcpFlags::ACK, &[]);
    }

    /// The phone closes and the server agrees.
    pub(crate) fn phone_closes(&mut self, scene: &mut Scene) {
        self.phone_fin(scene);
        self.server_acks(scene);
        self.server_fin(scene);
        self.phone_acks(scene);
    }

    /// The server closes and the phone agrees.
    pub(crate) fn server_closes(&mut self, scene: &mut Scene) {
        self.server_fin(scene);
        self.phone_acks(scene);
        self.phone_fin(scene);
        self.server_acks(scene);
    }

    pub(crate) fn phone_fin(&mut self, scene: &mut Scene) {
        let segment = self.phone_segment(self.phone_next, TcpFlags::FIN | TcpFlags::ACK, &[]);
        scene.tcp(&self.phone, &self.server, &segment);
        self.phone_next = self.phone_next.wrapping_add(1);
    }

    /// The FIN that the phone sent before, once more.
    pub(crate) fn phone_fin_again(&self, scene: &mut Scene) {
        let sequence = self.phone_next.wrapping_sub(1);
        let segment = self.phone_segment(sequence, TcpFlags::FIN | TcpFlags::ACK, &[]);
        scene.tcp(&self.phone, &self.server, &segment);
    }

    pub(crate) fn server_fin(&mut self, scene: &mut Scene) {
        let flags = TcpFlags::FIN | TcpFlags::ACK;
        self.server_segment(scene, self.server_next, false, flags, &[]);
        self.server_next = self.server_next.wrapping_add(1);
    }

    pub(crate) fn server_resets(&self, scene: &mut Scene) {
        let flags = TcpFlags::RST | TcpFlags::ACK;
        self.server_segment(scene, self.server_next, false, flags, &[]);
    }

    pub(crate) fn phone_resets(&self, scene: &mut Scene) {
        let flags = TcpFlags::RST | TcpFlags::ACK;
        let segment = self.phone_segment(self.phone_next, flags, &[]);
        scene.tcp(&self.phone, &self.server, &segment);
    }

    /// A keepalive that the CallManager answers with a `KeepAliveAck`.
    pub(crate) fn keepalive(&mut self, scene: &mut Scene) {
        self.phone_sends(scene, &encode::keep_alive(0));
        self.server_sends(scene, &encode::keep_alive_ack(0));
        self.phone_acks(scene);
    }

    /// A keepalive that only TCP acknowledges.
    pub(crate) fn keepalive_acked_by_tcp(&mut self, scene: &mut Scene) {
        self.phone_sends(scene, &encode::keep_alive(0));
        self.server_acks(scene);
    }

    /// Keepalives with their acknowledgments, `interval` seconds apart, from now until `until` at the latest.
    pub(crate) fn keepalives(&mut self, scene: &mut Scene, interval: f64, until: f64) -> u64 {
        let mut number = 0;
        let mut at = scene.seconds() + interval;
        while at <= until {
            scene.at(at);
            self.keepalive(scene);
            number += 1;
            at += interval;
        }
        number
    }

    pub(crate) fn phone_segment<'a>(
        &self,
        sequence: u32,
        flags: TcpFlags,
        payload: &'a [u8],
    ) -> TcpSegment<'a> {
        TcpSegment {
            source_port: self.phone_port,
            destination_port: self.server_port,
            sequence,
            acknowledgment: Some(self.server_next),
            flags,
            window: self.window,
            payload,
            payload_length: length(payload),
        }
    }

    /// A segment of the server; one that answers a SYN acknowledges one number more than was sent.
    fn server_segment(
        &self,
        scene: &mut Scene,
        sequence: u32,
        answers_syn: bool,
        flags: TcpFlags,
        payload: &[u8],
    ) {
        let acknowledgment = self.phone_next.wrapping_add(u32::from(answers_syn));
        let segment = TcpSegment {
            source_port: self.server_port,
            destination_port: self.phone_port,
            sequence,
            acknowledgment: Some(acknowledgment),
            flags,
            window: self.window,
            payload,
            payload_length: length(payload),
        };
        scene.tcp(&self.server, &self.phone, &segment);
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
