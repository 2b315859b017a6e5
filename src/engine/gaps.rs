//! Keepalive gaps: when the silence of a phone or of its CallManager begins, and what it was once it ends.

use std::net::IpAddr;

use super::registrations::Subject;
use super::world::World;
use crate::event::EventKind;
use crate::phone::keepalive::{GapDirection, OpenGap};
use crate::phone::quality::GapEnd;
use crate::phone::registration::EndCause;
use crate::phone::session::Sign;
use crate::phone::{DeviceId, Stage};
use crate::time::Timestamp;

impl World {
    pub(super) fn open_gap(
        &mut self,
        id: DeviceId,
        subject: &Subject<'_>,
        gap: OpenGap,
        at: Timestamp,
    ) {
        if self.with(id, |device| device.keepalives.open(gap)) != Some(true) {
            return;
        }
        self.gap_began(id, subject, gap, at);
        // What the silence of a phone was, its end tells.
        if gap.direction == GapDirection::CallManager {
            self.count_gap(id, gap.direction, subject.key.server.ip, at);
        }
        self.tell(
            id,
            at,
            EventKind::KeepaliveGap {
                direction: gap.direction,
                began: true,
            },
        );
    }

    fn count_gap(
        &mut self,
        id: DeviceId,
        direction: GapDirection,
        callmanager: IpAddr,
        at: Timestamp,
    ) {
        self.with(id, |device| device.keepalives.count(direction));
        if let Some(server) = self.server(callmanager, at) {
            server.keepalive_gaps.add(direction.label());
        }
    }

    /// The server on whose connection the gap is that is open.
    fn gap_with(&self, id: DeviceId) -> Option<IpAddr> {
        let quality = self.devices.device(id)?.quality.as_ref()?;
        let last = quality.gaps().next_back();
        last.filter(|gap| gap.until.is_none()).map(|gap| gap.server)
    }

    /// The gap that is open ends, if it is in this direction.
    pub(super) fn close_gap(
        &mut self,
        id: DeviceId,
        direction: Option<GapDirection>,
        end: GapEnd,
        at: Timestamp,
    ) {
        let open = self
            .devices
            .device(id)
            .and_then(|device| device.keepalives.open_gap);
        let Some(gap) =
            open.filter(|gap| direction.is_none_or(|direction| direction == gap.direction))
        else {
            return;
        };
        if gap.direction == GapDirection::Phone
            && end != GapEnd::HeardWithHole
            && let Some(callmanager) = self.gap_with(id)
        {
            self.count_gap(id, gap.direction, callmanager, at);
        }
        self.with(id, |device| {
            device.keepalives.open_gap = None;
            if let Some(quality) = &mut device.quality {
                quality.gap_ended(at, end);
            }
        });
        self.tell(
            id,
            at,
            EventKind::KeepaliveGap {
                direction: gap.direction,
                began: false,
            },
        );
    }

    /// A phone that was given up is still registered. Where bytes of it were missed, it was never silent.
    pub(super) fn take_silence_back(&mut self, id: DeviceId, subject: &Subject<'_>) {
        let client = &subject.connection.client;
        let Some(missed) = client.gap().max(client.unseen()) else {
            return;
        };
        self.with(id, |device| {
            if let Some(quality) = &mut device.quality {
                quality.take_silence_back(missed);
            }
        });
    }

    /// The phone is heard again on its registered connection after `silent_since`; `nothing_missed` where its stream
    /// goes on without a hole, so that nothing was sent in between.
    pub(super) fn phone_heard(
        &mut self,
        subject: &Subject<'_>,
        silent_since: Timestamp,
        nothing_missed: bool,
        at: Timestamp,
    ) {
        let Some(id) = self.registered_device(subject) else {
            return;
        };
        let configured = self.settings.keepalive.active;
        let was_silent = subject
            .connection
            .keepalives
            .is_silent(silent_since, at, configured);
        let is_proven = was_silent && nothing_missed && self.sight.lost_nothing_since(silent_since);
        if is_proven {
            let gap = OpenGap {
                direction: GapDirection::Phone,
                since: silent_since,
            };
            self.open_gap(id, subject, gap, at);
        }
        let end = if is_proven {
            GapEnd::Heard
        } else {
            GapEnd::HeardWithHole
        };
        self.close_gap(id, Some(GapDirection::Phone), end, at);
    }

    /// Nothing was heard of a registered phone for so long that it is a gap, or that its CallManager gives it up.
    pub(super) fn phone_silent(&mut self, subject: &mut Subject<'_>, now: Timestamp) {
        let configured = self.settings.keepalive.active;
        let Some(deadlines) = subject.connection.silence_deadlines(configured) else {
            return;
        };
        let (Some(id), Some(heard)) = (
            self.registered_device(subject),
            subject.connection.client.spoke(),
        ) else {
            return;
        };
        if now < deadlines.gap || !self.sight.lost_nothing_since(heard) {
            return;
        }
        // A mirror that shows nothing at all shows nobody's silence.
        let interval = subject.connection.keepalives.interval(configured);
        if !self
            .sight
            .was_alive_at(subject.connection.source, heard + interval)
        {
            return;
        }
        let gap = OpenGap {
            direction: GapDirection::Phone,
            since: heard,
        };
        self.open_gap(id, subject, gap, now);
        let source = subject.connection.source;
        let given_up_at = if self.sight.misses_unnoticed(source, now) {
            deadlines.given_up_unsure
        } else {
            deadlines.given_up
        };
        let is_watched = self
            .sight
            .was_alive_at(source, heard + interval.saturating_mul(2));
        if now >= given_up_at && is_watched {
            // One that asked another server has left this one, and was not silent.
            let has_asked_elsewhere = self
                .devices
                .device(id)
                .is_some_and(|device| device.stage == Stage::Registering);
            if has_asked_elsewhere {
                self.close_gap(id, Some(GapDirection::Phone), GapEnd::HeardWithHole, now);
            }
            subject.connection.is_given_up = true;
            self.sign(subject, Sign::Silent, now, EndCause::Silent);
        }
    }
}
