//! How well registered connections work: what the segments show beside their messages.

use std::sync::Arc;

use super::registrations::Subject;
use super::world::World;
use crate::phone::DeviceId;
use crate::phone::keepalive::{GapDirection, OpenGap};
use crate::phone::quality::{Cut, Gap, Sender, TcpTrouble, TrafficSign, TrafficWindow};
use crate::phone::registration::Proof;
use crate::time::Timestamp;
use crate::wire::packet::TcpSegment;

/// One segment as its connection saw it.
pub(super) struct Traffic<'a> {
    pub(super) sender: Sender,
    pub(super) segment: &'a TcpSegment<'a>,
    /// Whether all of its bytes had been seen before.
    pub(super) is_repeated: bool,
    /// The code point of its packet.
    pub(super) dscp: u8,
}

impl World {
    /// A segment of a connection to a CallManager.
    pub(super) fn traffic(
        &mut self,
        subject: &mut Subject<'_>,
        traffic: &Traffic<'_>,
        at: Timestamp,
    ) {
        let segment = traffic.segment;
        if !segment.flags.syn() && !segment.flags.rst() {
            self.sight
                .directions
                .segment(subject.key, traffic.sender, segment.acknowledgment, at);
            self.count_traffic(subject, traffic, at);
        }
        if segment.payload_length > 0
            && let Some(server) = self.servers.get_mut(&subject.key.server.ip)
            && server.marks.wants(traffic.sender, at)
        {
            Arc::make_mut(server)
                .marks
                .sample(traffic.sender, traffic.dscp, at);
        }
    }

    /// Counts segments from the first one that was repeated on, and tells the device when there are too many of these.
    fn count_traffic(&mut self, subject: &mut Subject<'_>, traffic: &Traffic<'_>, at: Timestamp) {
        let connection = &mut *subject.connection;
        let segment = traffic.segment;
        let has_no_room = segment.window == 0 && !segment.flags.fin();
        let is_trouble = traffic.is_repeated || has_no_room;
        if !connection.session.is_registered() || connection.traffic.is_none() && !is_trouble {
            return;
        }
        let window = connection
            .traffic
            .get_or_insert_with(|| Box::new(TrafficWindow::new(at)));
        let limits = &self.settings.thresholds;
        let is_over = at.since(window.since()) >= limits.tcp_trouble_window;
        let is_news = !is_over
            && window.segment(
                at,
                TrafficSign {
                    sender: traffic.sender,
                    repeated: traffic.is_repeated.then_some(segment.sequence),
                    has_no_room,
                },
            );
        let (since, counts) = (window.since(), window.counts());
        if is_over {
            connection.traffic = None;
        }
        let is_excessive = counts.segments >= limits.tcp_trouble_segments
            && counts.troubles() >= limits.tcp_trouble_repeated
            && u64::from(counts.troubles()) * 1000
                >= u64::from(counts.segments) * u64::from(limits.tcp_trouble_permille);
        let Some(id) = self
            .registered_device(subject)
            .filter(|_| is_excessive && (is_news || is_over))
        else {
            return;
        };
        let trouble = TcpTrouble {
            server: subject.key.server.ip,
            since,
            until: at,
            counts,
        };
        self.with(id, |device| {
            device.quality.get_or_insert_default().tcp = Some(trouble);
        });
    }

    /// A gap in the keepalives of this device began.
    pub(super) fn gap_began(
        &mut self,
        id: DeviceId,
        subject: &Subject<'_>,
        gap: OpenGap,
        at: Timestamp,
    ) {
        let keepalives = &subject.connection.keepalives;
        let server = subject.key.server.ip;
        let interval = keepalives.interval(self.settings.keepalive.active);
        let gap = Gap::new(gap, server, interval, keepalives.last_took());
        let is_of_server = gap.direction == GapDirection::CallManager;
        self.with(id, |device| {
            device.quality.get_or_insert_default().gap_began(gap);
        });
        if is_of_server && let Some(server) = self.server(server, at) {
            server.troubles.get_or_insert_default().suffers(at, id);
        }
    }

    /// This device flaps: its server has a part in it.
    pub(super) fn flaps(&mut self, id: DeviceId, at: Timestamp) {
        let server = self.devices.device(id).and_then(|device| {
            let registration = &device.registration;
            let current = registration.current.map(|current| current.callmanager);
            current.or(registration.last_callmanager)
        });
        if let Some(server) = server.and_then(|server| self.server(server, at)) {
            server.troubles.get_or_insert_default().suffers(at, id);
        }
    }

    /// A keepalive that was sent at `sent` got no answer.
    pub(super) fn keepalive_missed(&mut self, id: DeviceId, sent: Timestamp) {
        self.with(id, |device| {
            if let Some(quality) = &mut device.quality {
                quality.keepalive_missed(sent);
            }
        });
    }

    /// A registered connection is reset. Where CallManager had not told the phone to go, and both had answered each other
    /// until then, something in between may have done it.
    pub(super) fn cut_off(&mut self, subject: &Subject<'_>, at: Timestamp) {
        let Some(id) = self
            .registered_device(subject)
            .filter(|_| !subject.connection.is_told_to_reset)
        else {
            return;
        };
        let device = self.devices.device(id);
        let current = device
            .filter(|device| device.keepalives.open_gap.is_none())
            .and_then(|device| device.registration.current)
            .filter(|current| current.proof == Proof::Acknowledged);
        let Some(current) = current else { return };
        let cut = Cut {
            at,
            age: at.since(current.since),
            server: subject.key.server.ip,
        };
        self.with(id, |device| {
            device.quality.get_or_insert_default().cut_off(cut);
        });
        if let Some(server) = self.server(cut.server, at) {
            let troubles = server.troubles.get_or_insert_default();
            troubles.cut_off(at, cut.age, id);
        }
    }
}
