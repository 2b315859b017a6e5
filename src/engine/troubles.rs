//! What goes wrong on the way to a registration, as facts of the devices and of their servers.

use std::net::IpAddr;
use std::time::Duration;

use super::connection::Connection;
use super::registrations::Subject;
use super::world::World;
use crate::event::EventKind;
use crate::net::FlowKey;
use crate::phone::attempts::{Failed, Outcome};
use crate::phone::history::{Happening, History, Marks};
use crate::phone::pace::SlowBoot;
use crate::phone::registration::{Current, EndCause, Proof, RegistrationKind};
use crate::phone::session::Session;
use crate::phone::turned_down::Denial;
use crate::phone::{Device, DeviceId};
use crate::time::Timestamp;
use crate::wire::sccp::{RegisterReject, ResetReason};

/// A keepalive that was under way when the device registered elsewhere shows nobody beside it.
const UNDER_WAY: Duration = Duration::from_secs(5);

/// A device that registers again within this time was not registered elsewhere in between.
const BACK_AT_ONCE: Duration = Duration::from_secs(10);

/// A connection attempt that has ended.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    /// When its first SYN was sent.
    pub(super) asked: Timestamp,
    /// From its last SYN to the answer.
    pub(super) delay: Option<Duration>,
}

impl World {
    /// A connection attempt has ended; counted where a device made it, since anybody may knock at a port.
    pub(super) fn connect_ended(
        &mut self,
        device: Option<DeviceId>,
        key: FlowKey,
        attempt: Attempt,
        at: Timestamp,
    ) {
        let is_proven = device.is_some_and(|id| self.is_proven(id));
        let callmanager = key.server.ip;
        if !is_proven && !self.servers.contains_key(&callmanager) {
            return;
        }
        let outcome = attempt.outcome;
        if let Some(server) = self.server(callmanager, at) {
            server.tcp_connects.add(outcome.label());
            if outcome == Outcome::Established {
                if let Some(turned_down) = &mut server.turned_down
                    && turned_down.connects()
                {
                    server.turned_down = None;
                }
            } else if let Some(id) = device.filter(|_| is_proven) {
                let turned_down = server.turned_down.get_or_insert_default();
                turned_down.add(id, Denial::Connection(outcome), at);
            }
        }
        self.site_changed(at);
        let Some(id) = device else { return };
        if outcome == Outcome::Established {
            return self.could_connect(id, callmanager);
        }
        self.with(id, |device| {
            match outcome {
                Outcome::Refused => device.tcp_refused += 1,
                Outcome::Unanswered | Outcome::Unreachable | Outcome::Established => {
                    device.tcp_unanswered += 1;
                }
            }
            turned_away(device).attempts.failed(Failed {
                callmanager,
                port: key.server.port,
                outcome,
                first: attempt.asked,
                last: at,
                times: 1,
                delay: attempt.delay,
            });
        });
        self.tell(
            id,
            at,
            EventKind::ConnectFailed {
                callmanager,
                result: outcome.label(),
            },
        );
    }

    fn could_connect(&mut self, id: DeviceId, callmanager: IpAddr) {
        let is_news = self
            .devices
            .device(id)
            .and_then(|device| device.history.as_ref())
            .is_some_and(|history| !history.attempts.is_empty());
        if is_news {
            self.with(id, |device| {
                if let Some(history) = &mut device.history {
                    history.attempts.established(callmanager);
                }
                device.tidy();
            });
        }
    }

    /// The server says something to somebody, so it serves.
    pub(super) fn served(&mut self, callmanager: IpAddr, at: Timestamp) {
        let was_doubted = self
            .servers
            .get(&callmanager)
            .is_some_and(|server| server.turned_down.is_some());
        if !was_doubted {
            return;
        }
        if let Some(server) = self.server(callmanager, at) {
            server.turned_down = None;
        }
        self.site_changed(at);
    }

    fn denied(&mut self, callmanager: IpAddr, id: DeviceId, how: Denial, at: Timestamp) {
        if let Some(server) = self.server(callmanager, at) {
            let turned_down = server.turned_down.get_or_insert_default();
            turned_down.add(id, how, at);
            self.site_changed(at);
        }
    }

    /// A Register is not answered: for too long, or until its connection ended.
    pub(super) fn register_unanswered(
        &mut self,
        key: FlowKey,
        connection: &Connection,
        now: Timestamp,
        has_ended: bool,
    ) {
        let Session::Asking { since } = connection.session else {
            return;
        };
        let due = since + self.settings.thresholds.registration_answer;
        let server = &connection.server;
        // Where the server's stream stands is known from its SYN on; else nothing tells whether bytes of it are missing.
        let would_be_seen = server.stream.next_sequence().is_some()
            && server.gap().is_none_or(|gap| gap < since)
            && server.unseen().is_none_or(|unseen| unseen < since)
            && self.sight.lost_nothing_since(since)
            && self.sight.sees_both_directions(connection.source)
            && (has_ended
                || self
                    .sight
                    .was_alive_at(connection.source, since + UNDER_WAY));
        let Some(id) = connection.device.filter(|_| would_be_seen) else {
            return;
        };
        if now < due && !has_ended {
            return;
        }
        let callmanager = key.server.ip;
        self.with(id, |device| {
            turned_away(device).unanswered(callmanager, since);
        });
        if self.is_proven(id) {
            self.denied(callmanager, id, Denial::NoAnswer, now);
        }
    }

    /// A keepalive on a registered connection of a device that is registered on another one. The same name from another
    /// address, with a server that goes on talking to it, is somebody else.
    pub(super) fn rival_speaks(&mut self, subject: &Subject<'_>, at: Timestamp) {
        let Some(id) = subject.connection.device else {
            return;
        };
        let current = self
            .devices
            .device(id)
            .and_then(|device| device.registration.current);
        let Some(current) = current else { return };
        let (own, other) = (current.client.ip, subject.key.client.ip);
        let is_served = subject.connection.server.heard >= Some(current.since);
        if own == other
            || !subject.connection.session.is_registered()
            || !is_served
            || at.since(current.since) < UNDER_WAY
        {
            return;
        }
        let callmanager = subject.key.server.ip;
        self.with(id, |device| {
            let history = device.history.get_or_insert_default();
            history.rival_spoke(own, other, callmanager, at);
        });
    }

    // --- registrations ---

    /// Whether a registration with this server is what somebody wanted, or may be: the device was reset, frames were
    /// lost where a reset would have been seen, or it may come back from a server that is not seen.
    pub(super) fn is_expected(&self, id: DeviceId, callmanager: IpAddr, at: Timestamp) -> bool {
        let device = self.devices.device(id);
        let history = device.and_then(|device| device.history.as_deref());
        let Some((device, history)) = device.zip(history) else {
            return false;
        };
        let may_be_missed = history
            .last_end()
            .is_some_and(|end| !self.sight.lost_nothing_since(end - UNDER_WAY));
        history.follows_a_reset(at)
            || may_be_missed
            || self.may_come_back(device, history, callmanager, at)
    }

    /// Whether the device was away from this server for so long that it may have been registered with another one of
    /// its list that is not seen.
    fn may_come_back(
        &self,
        device: &Device,
        history: &History,
        callmanager: IpAddr,
        at: Timestamp,
    ) -> bool {
        let is_again = device.registration.last_callmanager == Some(callmanager);
        let left = history
            .left(callmanager)
            .filter(|left| is_again && at.since(*left) > BACK_AT_ONCE);
        left.is_some_and(|left| {
            let is_known = |server| server == callmanager;
            self.with_shown(|shown| shown.another(device, &is_known, left).is_some())
        })
    }

    /// The device registered; what was said against it is over. Its boot, if its beginning was seen, took `total`.
    pub(super) fn registered_at_last(
        &mut self,
        id: DeviceId,
        current: &Current,
        kind: Option<RegistrationKind>,
        is_expected: bool,
        marks: Marks,
    ) {
        let has_history = self
            .devices
            .device(id)
            .is_some_and(|device| device.history.is_some());
        let is_first = kind.is_none_or(|kind| kind == RegistrationKind::New);
        if !has_history && is_first {
            return;
        }
        let at = current.since;
        self.with(id, |device| {
            let history = device.history.get_or_insert_default();
            history.settled();
            history.attempts.established(current.callmanager);
            if let Some(kind) = kind
                && (!is_first || history.moments().next().is_some())
            {
                history.note(
                    at,
                    Happening::Registered {
                        callmanager: current.callmanager,
                        client: current.client.ip,
                        kind,
                        is_expected,
                        marks,
                    },
                );
            }
        });
    }

    /// The boot has ended in a registration; how long it took, if its beginning was seen.
    pub(super) fn boot_ended(&mut self, id: DeviceId, current: &Current) -> Option<Duration> {
        let at = current.since;
        let slow = self.settings.thresholds.registration_slow;
        let device = self.devices.device(id)?;
        let lost_nothing = device
            .boot
            .began
            .is_some_and(|began| self.sight.lost_nothing_since(began));
        // What passed with a server that is not seen is no part of a boot.
        let list_changed = device
            .history
            .as_ref()
            .and_then(|history| history.pace.as_ref())
            .is_some_and(|pace| pace.list_changed);
        let sees_all = device.boot.began.and_then(|began| {
            self.with_shown(|shown| {
                let is_known = |server| server == current.callmanager;
                if list_changed && shown.another(device, &is_known, began).is_some() {
                    return Some(false);
                }
                shown.all_before(device, current.callmanager, began)
            })
        });
        self.with(id, |device| {
            let total = device.boot.finish(at);
            if let Some(history) = &mut device.history {
                let pace = history.pace.take();
                if let Some((total, pace)) = total.zip(pace)
                    && total > slow
                    && current.proof == Proof::Acknowledged
                    && lost_nothing
                    && !pace.was_turned_away
                    && sees_all != Some(false)
                {
                    history.slow_boot = Some(Box::new(SlowBoot {
                        began: at - total,
                        registered: at,
                        callmanager: current.callmanager,
                        spent: pace.ended(at),
                        is_doubtful: sees_all.is_none(),
                    }));
                }
                device.tidy();
            }
            total.filter(|_| sees_all != Some(false))
        })
        .flatten()
    }

    /// The device's list has become known: so has what it may have done unseen while it booted.
    pub(super) fn settle_slow_boot(&mut self, id: DeviceId) {
        let device = self.devices.device(id);
        let boot = device
            .and_then(|device| device.history.as_ref()?.slow_boot.as_deref())
            .filter(|boot| boot.is_doubtful);
        let Some((device, boot)) = device.zip(boot) else {
            return;
        };
        let sees_all =
            self.with_shown(|shown| shown.all_before(device, boot.callmanager, boot.began));
        let Some(sees_all) = sees_all else { return };
        self.with(id, |device| {
            if let Some(history) = &mut device.history {
                history.slow_boot = history.slow_boot.take().filter(|_| sees_all);
                if let Some(boot) = &mut history.slow_boot {
                    boot.is_doubtful = false;
                }
            }
            device.tidy();
        });
    }

    /// The registration ended.
    pub(super) fn registration_ended(
        &mut self,
        id: DeviceId,
        current: &Current,
        cause: EndCause,
        at: Timestamp,
    ) {
        self.with(id, |device| {
            let gap = device.keepalives.open_gap;
            let history = device.history.get_or_insert_default();
            history.note(
                at,
                Happening::Ended {
                    callmanager: current.callmanager,
                    since: current.since,
                    cause,
                    gap,
                },
            );
        });
        if cause == EndCause::ClosedByCallManager && self.is_proven(id) {
            self.denied(current.callmanager, id, Denial::Closed, at);
        }
    }

    /// The device was rejected.
    pub(super) fn rejected_by(
        &mut self,
        id: DeviceId,
        callmanager: IpAddr,
        reject: &RegisterReject,
        at: Timestamp,
    ) {
        self.with(id, |device| {
            device.registration.rejected(reject.reason, &reject.text);
            let history = turned_away(device);
            history.rejected(callmanager, &reject.text, at);
            history.attempts.established(callmanager);
            history.unanswered = None;
        });
    }

    /// The CallManager told the device to reset.
    pub(super) fn told_to_reset(&mut self, id: DeviceId, how: &'static str, at: Timestamp) {
        self.with(id, |device| {
            let history = device.history.get_or_insert_default();
            history.note(at, Happening::Told(how));
        });
        self.tell(id, at, EventKind::Reset { kind: how });
    }

    /// The device said why its last session had ended.
    pub(super) fn said(&mut self, id: DeviceId, reason: ResetReason, at: Timestamp) {
        self.with(id, |device| {
            let said = Happening::Said {
                label: reason.label(),
                text: reason.to_string().into(),
            };
            let has_past = device
                .history
                .as_ref()
                .is_some_and(|history| history.moments().next().is_some());
            // A registered phone says it again to the server in reserve.
            if device.registration.current.is_none() && (has_past || said.is_reset()) {
                device.history.get_or_insert_default().note(at, said);
            }
            device.last_reset_reason = Some(Box::new(reason));
        });
    }
}

/// The past of a device that is turned away on its way.
fn turned_away(device: &mut Device) -> &mut History {
    let history = device.history.get_or_insert_default();
    if let Some(pace) = &mut history.pace {
        pace.was_turned_away = true;
    }
    history
}
