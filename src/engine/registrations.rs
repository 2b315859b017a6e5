//! What the signs on connections mean for the devices and their servers.

use std::time::Duration;

use super::connection::{Connection, Phase};
use super::world::World;
use crate::event::EventKind;
use crate::net::FlowKey;
use crate::phone::boot::Step;
use crate::phone::keepalive::{Fate, GapDirection, OpenGap};
use crate::phone::quality::GapEnd;
use crate::phone::registration::{Current, EndCause, Proof};
use crate::phone::session::{Change, Session, Sign};
use crate::phone::{Acknowledges, DeviceId, Stage};
use crate::time::Timestamp;
use crate::wire::sccp::RegisterReject;

/// This many keepalives that TCP alone acknowledged, and it is taken for the server's way.
const TCP_ONLY: u8 = 3;

/// The same, where nothing proves that the connection is the registered one.
const TCP_ONLY_UNPROVEN: u8 = 20;

/// Why it is asked what became of a keepalive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conclude {
    /// The next one is overdue.
    ByTime,
    /// The phone sent something after it.
    AsThePhoneSpoke,
}

/// A connection with the place where it stands.
pub(super) struct Subject<'a> {
    pub(super) key: FlowKey,
    pub(super) connection: &'a mut Connection,
}

impl World {
    /// Takes a sign on a connection in.
    pub(super) fn sign(
        &mut self,
        subject: &mut Subject<'_>,
        sign: Sign,
        at: Timestamp,
        cause: EndCause,
    ) {
        let Some(id) = subject.connection.device else {
            return;
        };
        if sign == Sign::Closed {
            self.register_unanswered(subject.key, subject.connection, at, true);
        }
        // A phone is registered with one server at a time: what is seen on its connection in reserve proves nothing.
        if sign == Sign::Activity
            && self.is_registered_elsewhere(id, subject.key)
            && !self.restart.is_overdue(id, at)
        {
            return;
        }
        match subject.connection.session.observe(sign, at) {
            Change::None if sign == Sign::Closed => self.settle_stage(id, at),
            Change::None => {}
            Change::Asking => {
                self.with(id, |device| device.step(Step::Register, at));
                self.set_stage(id, Stage::Registering, at);
            }
            Change::Registered { proof, took } => self.registered(id, subject, proof, took, at),
            Change::Refused => {
                self.ended(id, subject.key, EndCause::Replaced, at);
                self.set_stage(id, Stage::Rejected, at);
                self.settle_stage(id, at);
            }
            Change::Ended => self.ended(id, subject.key, cause, at),
            Change::EndedUnseen => {
                self.registered(id, subject, Proof::Inferred, None, at);
                self.ended(id, subject.key, cause, at);
            }
        }
    }

    /// What came of asking elsewhere changes nothing for a device that is still registered where it was.
    fn settle_stage(&mut self, id: DeviceId, at: Timestamp) {
        let is_registered = self
            .devices
            .device(id)
            .is_some_and(|device| device.registration.current.is_some());
        if is_registered {
            self.set_stage(id, Stage::Registered, at);
        }
    }

    /// The device that is registered on this connection. One that registered elsewhere since, or restarted, is not.
    pub(super) fn registered_device(&self, subject: &Subject<'_>) -> Option<DeviceId> {
        let id = subject.connection.device?;
        let current = self.devices.device(id)?.registration.current?;
        (subject.connection.session.is_registered() && current.connection() == subject.key)
            .then_some(id)
    }

    /// Whether the device was registered on this connection until its next keepalive was due, and then went elsewhere.
    fn left_after_due(&self, subject: &Subject<'_>) -> bool {
        let due = subject
            .connection
            .keepalives
            .due(self.settings.keepalive.active);
        let current = subject
            .connection
            .device
            .and_then(|id| self.devices.device(id))
            .and_then(|device| device.registration.current);
        subject.connection.session.is_registered()
            && current.zip(due).is_some_and(|(current, due)| {
                current.connection() != subject.key && current.since >= due
            })
    }

    /// The device spoke on this connection: if it is the registered one, it still is.
    pub(super) fn confirm(&mut self, id: DeviceId, key: FlowKey) {
        if self.restart.is_unconfirmed(id) && !self.is_registered_elsewhere(id, key) {
            self.restart.confirm(id);
        }
    }

    fn is_registered_elsewhere(&self, id: DeviceId, key: FlowKey) -> bool {
        let current = self
            .devices
            .device(id)
            .and_then(|device| device.registration.current);
        current.is_some_and(|current| current.connection() != key)
    }

    fn registered(
        &mut self,
        id: DeviceId,
        subject: &Subject<'_>,
        proof: Proof,
        took: Option<Duration>,
        at: Timestamp,
    ) {
        let key = subject.key;
        let callmanager = key.server.ip;
        if subject.connection.is_given_up && proof == Proof::Inferred {
            self.take_silence_back(id, subject);
        }
        let began_unseen = self.restart.is_unconfirmed(id);
        // An answer that overtook its question says where the phone is before the question says how it came there.
        if proof == Proof::Acknowledged && took.is_none_or(|took| took.is_zero()) {
            self.forget_inferred(id, key, at);
        }
        self.end_current(id, None, EndCause::Replaced, at);
        let role = self.role(id, callmanager);
        let Some(device) = self.devices.device(id) else {
            return;
        };
        let role_before = device
            .registration
            .last_callmanager
            .map_or(role, |last| self.role(id, last));
        let current = Current {
            callmanager,
            role,
            since: at,
            proof,
            client: key.client,
            port: key.server.port,
            keepalive: subject.connection.keepalives.told(),
            counted_as_phone: device.is_phone(),
        };
        if proof == Proof::Inferred {
            let before = device.registration.last_callmanager;
            self.last_inferred.note(id, before, at);
        }
        let flap = self.settings.flap;
        let is_expected = began_unseen || self.is_expected(id, callmanager, at);
        let kind = self.with(id, |device| match proof {
            Proof::Acknowledged => Some(device.registration.acknowledged(
                current,
                role_before,
                is_expected,
                flap,
            )),
            Proof::Inferred => {
                device.registration.inferred(current);
                None
            }
        });
        let kind = kind.flatten();
        if let Some(server) = self.server(callmanager, at) {
            server.count_in(&current);
            if let Some(kind) = kind {
                server.registrations.add(kind.label());
            }
        }
        if let Some(took) = took {
            self.stage_took("registering", took);
        }
        let marks = subject.connection.marks;
        self.registered_at_last(id, &current, kind, is_expected, marks);
        if let Some(total) = self.boot_ended(id, &current) {
            self.stage_took("total", total);
        }
        self.set_stage(id, Stage::Registered, at);
        self.tell(
            id,
            at,
            EventKind::Registered {
                callmanager,
                kind,
                proof,
            },
        );
    }

    /// What was inferred of this connection a moment ago, if it is where the device is registered, is not counted.
    fn forget_inferred(&mut self, id: DeviceId, key: FlowKey, at: Timestamp) {
        let current = self
            .devices
            .device(id)
            .and_then(|device| device.registration.current);
        let Some(current) = current
            .filter(|current| current.proof == Proof::Inferred && current.connection() == key)
        else {
            return;
        };
        let Some(inferred) = self.last_inferred.of(id, at) else {
            return;
        };
        self.restart.confirm(id);
        self.with(id, |device| {
            device.registration.forget_inferred(inferred.before);
        });
        if let Some(server) = self.server(current.callmanager, at) {
            server.count_out(&current);
        }
    }

    /// The device's kind may have changed after it was counted.
    pub(super) fn recount(&mut self, id: DeviceId) {
        let Some(device) = self.devices.device(id) else {
            return;
        };
        let is_phone = device.is_phone();
        let Some(current) = device
            .registration
            .current
            .filter(|current| current.counted_as_phone != is_phone)
        else {
            return;
        };
        self.with(id, |device| {
            if let Some(current) = &mut device.registration.current {
                current.counted_as_phone = is_phone;
            }
        });
        if let Some(server) = self.server(current.callmanager, current.since) {
            let counted = server.registered_phones;
            server.registered_phones = if is_phone {
                counted + 1
            } else {
                counted.saturating_sub(1)
            };
        }
    }

    /// The registration that this connection carries has ended.
    pub(super) fn ended(&mut self, id: DeviceId, key: FlowKey, cause: EndCause, at: Timestamp) {
        if self.end_current(id, Some(key), cause, at) {
            self.set_stage(id, Stage::Lost, at);
        }
    }

    fn end_current(
        &mut self,
        id: DeviceId,
        only: Option<FlowKey>,
        cause: EndCause,
        at: Timestamp,
    ) -> bool {
        let Some(current) = self
            .devices
            .device(id)
            .and_then(|device| device.registration.current)
        else {
            return false;
        };
        if only.is_some_and(|key| key != current.connection()) {
            return false;
        }
        self.restart.confirm(id);
        self.with(id, |device| device.registration.ended());
        self.registration_ended(id, &current, cause, at);
        if let Some(server) = self.server(current.callmanager, at) {
            server.count_out(&current);
            server.unregistrations.add(cause.label());
        }
        self.tell(
            id,
            at,
            EventKind::Unregistered {
                callmanager: current.callmanager,
                cause,
            },
        );
        let end = match cause {
            EndCause::Replaced => GapEnd::Replaced,
            EndCause::Silent => GapEnd::Unregistered,
            EndCause::Unregistered
            | EndCause::Reset
            | EndCause::User
            | EndCause::ClosedByCallManager
            | EndCause::ClosedByPhone
            | EndCause::Restarted => {
                // What went before, such as the end of its connection, may have been missed.
                if self.sight.misses_any_unnoticed(at) {
                    GapEnd::HeardWithHole
                } else {
                    GapEnd::Unregistered
                }
            }
        };
        self.close_gap(id, None, end, at);
        true
    }

    /// The device has restarted, though its connection may still be open: nothing of its registration holds.
    pub(super) fn restarted(&mut self, id: DeviceId, at: Timestamp) {
        if self.end_current(id, None, EndCause::Restarted, at) {
            self.set_stage(id, Stage::Lost, at);
        }
    }

    pub(super) fn rejected(
        &mut self,
        subject: &mut Subject<'_>,
        reject: &RegisterReject,
        at: Timestamp,
    ) {
        let callmanager = subject.key.server.ip;
        if let Some(server) = self.server(callmanager, at) {
            server.rejects.add(reject.reason.label());
        }
        if let Some(id) = subject.connection.device {
            self.rejected_by(id, callmanager, reject, at);
            self.tell(
                id,
                at,
                EventKind::Rejected {
                    callmanager,
                    text: reject.text.clone(),
                },
            );
        }
        self.sign(subject, Sign::Refused, at, EndCause::ClosedByCallManager);
    }

    // --- keepalives ---

    /// The phone sent a keepalive whose segment ends at the sequence number `end`.
    pub(super) fn keepalive_sent(&mut self, subject: &mut Subject<'_>, at: Timestamp, end: u32) {
        self.conclude_keepalive(subject, at);
        let already_acknowledged = subject.connection.keepalives.sent(at, end);
        let Some(id) = self.registered_device(subject) else {
            self.doubt_the_end(subject, at);
            self.rival_speaks(subject, at);
            return;
        };
        if let Some(pulse) = self.devices.table.pulse_mut(id) {
            pulse.keepalives += 1;
        }
        if already_acknowledged {
            self.keepalive_answered(subject, Duration::ZERO, at);
        }
    }

    /// The device speaks on the connection on which it was registered until something said that it had restarted, such
    /// as a DISCOVER in its name. Where its CallManager answers, it is registered there still.
    fn doubt_the_end(&self, subject: &mut Subject<'_>, at: Timestamp) {
        let Subject { connection, .. } = subject;
        let is_nowhere = connection
            .device
            .and_then(|id| self.devices.device(id))
            .is_some_and(|device| device.registration.current.is_none());
        if is_nowhere && connection.session.is_registered() {
            connection.session.observe(Sign::Silent, at);
            connection.is_given_up = true;
        }
    }

    /// The server sent a `KeepAliveAck`.
    pub(super) fn keepalive_acknowledged(
        &mut self,
        subject: &mut Subject<'_>,
        at: Timestamp,
        acknowledgment: Option<u32>,
    ) {
        if let Some(server) = self.server(subject.key.server.ip, at) {
            server.acknowledges = Some(Acknowledges::Sccp);
        }
        let took = subject
            .connection
            .keepalives
            .acknowledged(at, acknowledgment);
        if subject.connection.may_have_missed() {
            self.sign(subject, Sign::Activity, at, EndCause::Silent);
        }
        if let Some(took) = took {
            self.keepalive_answered(subject, took, at);
        }
    }

    /// The server's TCP acknowledged everything before `acknowledgment`.
    pub(super) fn tcp_acknowledged(
        &mut self,
        subject: &mut Subject<'_>,
        at: Timestamp,
        acknowledgment: u32,
    ) {
        if subject.connection.keepalives.open_since().is_none() {
            return;
        }
        let is_enough = self.acknowledges(subject.key) == Some(Acknowledges::Tcp);
        if let Some(took) =
            subject
                .connection
                .keepalives
                .tcp_acknowledged(at, acknowledgment, is_enough)
        {
            self.keepalive_answered(subject, took, at);
        }
    }

    fn acknowledges(&self, key: FlowKey) -> Option<Acknowledges> {
        self.servers
            .get(&key.server.ip)
            .and_then(|server| server.acknowledges)
    }

    fn keepalive_answered(&mut self, subject: &mut Subject<'_>, took: Duration, at: Timestamp) {
        let Some(id) = self.registered_device(subject) else {
            return;
        };
        if let Some(server) = self.server(subject.key.server.ip, at) {
            server.keepalive_rtt.observe(took);
        }
        subject.connection.keepalives.note_took(took);
        self.close_gap(id, Some(GapDirection::CallManager), GapEnd::Heard, at);
    }

    /// The next keepalive has come, or the phone spoke after it was due: says what became of the one before.
    fn conclude_keepalive(&mut self, subject: &mut Subject<'_>, at: Timestamp) {
        self.conclude_keepalive_by(subject, Conclude::AsThePhoneSpoke, at);
    }

    /// The next keepalive is overdue.
    pub(super) fn keepalive_overdue(&mut self, subject: &mut Subject<'_>, at: Timestamp) {
        self.conclude_keepalive_by(subject, Conclude::ByTime, at);
    }

    /// The phone spoke: if its next keepalive was due already, this says what became of the one before.
    pub(super) fn phone_spoke(&mut self, subject: &mut Subject<'_>, at: Timestamp) {
        let due = subject
            .connection
            .keepalives
            .due(self.settings.keepalive.active);
        if due.is_some_and(|due| due <= at) {
            self.conclude_keepalive(subject, at);
        }
    }

    fn conclude_keepalive_by(&mut self, subject: &mut Subject<'_>, by: Conclude, at: Timestamp) {
        let Some(sent) = subject.connection.keepalives.open_since() else {
            return;
        };
        let connection = &*subject.connection;
        let seen = connection.server.heard.is_some()
            && connection.server.gap().is_none_or(|gap| gap < sent)
            && connection
                .server
                .unseen()
                .is_none_or(|unseen| unseen < sent)
            && self.sight.lost_nothing_since(sent)
            && self
                .sight
                .was_alive_at(connection.source, sent + Duration::from_secs(1));
        let way = self
            .acknowledges(subject.key)
            .map(|way| way == Acknowledges::Sccp);
        let registered = self.registered_device(subject);
        let has_left = registered.is_none() && self.left_after_due(subject);
        let Some(id) = registered.or(subject.connection.device.filter(|_| has_left)) else {
            return self.learn_from_unknown(subject, at);
        };
        let heard = connection.client.heard;
        let keepalives = &mut subject.connection.keepalives;
        let fate = match by {
            Conclude::ByTime if !has_left => keepalives.conclude_overdue(heard, way, seen),
            Conclude::ByTime | Conclude::AsThePhoneSpoke => keepalives.conclude(way, seen),
        };
        match fate {
            None | Some(Fate::Unseen) => {}
            Some(Fate::Acknowledged(took)) => self.keepalive_answered(subject, took, at),
            Some(Fate::OnlyTcp(took)) => {
                self.only_tcp(subject.key, TCP_ONLY, at);
                self.keepalive_answered(subject, took, at);
            }
            Some(Fate::Missed) => {
                self.with(id, |device| device.keepalives.missed += 1);
                let gap = OpenGap {
                    direction: GapDirection::CallManager,
                    since: sent,
                };
                self.open_gap(id, subject, gap, at);
                self.keepalive_missed(id, sent);
                if has_left {
                    self.close_gap(
                        id,
                        Some(GapDirection::CallManager),
                        GapEnd::Unregistered,
                        at,
                    );
                }
            }
        }
    }

    /// A connection of which nothing shows whether it is the registered one or the one in reserve. The one in reserve is
    /// only ever acknowledged by TCP, but phones speak on it less often.
    fn learn_from_unknown(&mut self, subject: &mut Subject<'_>, at: Timestamp) {
        let keepalives = &mut subject.connection.keepalives;
        let between = (self.settings.keepalive.active + self.settings.keepalive.standby) / 2;
        let is_of_a_registered = subject.connection.session == Session::Unknown
            && subject.connection.phase == Phase::Joined
            && keepalives.knows_interval()
            && keepalives.interval(Duration::ZERO) < between;
        let fate = keepalives.conclude(None, false);
        if is_of_a_registered && matches!(fate, Some(Fate::OnlyTcp(_))) {
            self.only_tcp(subject.key, TCP_ONLY_UNPROVEN, at);
        }
    }

    /// One more keepalive that only TCP acknowledged; after `enough` of them it is taken for the server's way.
    fn only_tcp(&mut self, key: FlowKey, enough: u8, at: Timestamp) {
        if let Some(server) = self.server(key.server.ip, at) {
            server.tcp_only_keepalives = server.tcp_only_keepalives.saturating_add(1);
            if server.tcp_only_keepalives >= enough && server.acknowledges.is_none() {
                server.acknowledges = Some(Acknowledges::Tcp);
            }
        }
    }
}
