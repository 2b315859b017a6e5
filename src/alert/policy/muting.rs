//! Silences and maintenance: who is not told now, and of what.

use super::Policy;
use super::group::Group;
use super::held::{GroupNumber, Held};
use crate::alert::Facts;
use crate::alert::silence::{self, Maintenance, NumberedSilence, Silence};
use crate::time::Timestamp;

impl Policy {
    /// Silences what matches; the number by which to end it, or `None` where there are too many.
    pub fn silence(&mut self, silence: Silence, now: Timestamp) -> Option<u64> {
        self.handle_timeout(now);
        if self.silences.len() >= Self::MOST_SILENCES {
            return None;
        }
        let number = self.next_silence;
        self.next_silence += 1;
        self.silences.push(NumberedSilence { number, silence });
        self.is_muting_changed = true;
        self.muting_changed(now);
        Some(number)
    }

    /// Ends a silence; whether there was one of this number.
    pub fn end_silence(&mut self, number: u64, now: Timestamp) -> bool {
        self.handle_timeout(now);
        let before = self.silences.len();
        self.silences.retain(|silence| silence.number != number);
        self.is_muting_changed = true;
        self.muting_changed(now);
        self.silences.len() < before
    }

    /// Sends nothing up to the end of this; then what still holds is told. `None` ends it now.
    pub fn maintenance(&mut self, maintenance: Option<Maintenance>, now: Timestamp) {
        self.handle_timeout(now);
        self.maintenance = maintenance.filter(|it| it.until > now);
        self.is_muting_changed = true;
        self.muting_changed(now);
    }

    /// The silences that were asked for and have not ended.
    pub fn silences(&self) -> &[NumberedSilence] {
        &self.silences
    }

    /// The time in which nothing is sent, if it is now.
    pub const fn in_maintenance(&self) -> Option<&Maintenance> {
        self.maintenance.as_ref()
    }

    /// Whether nobody is to hear of this alert now; what is part of an outage is silent when its cause is.
    pub(super) fn is_silenced(&self, held: &Held, now: Timestamp) -> bool {
        let cause = || {
            self.cause_of(&held.facts)
                .filter(|cause| cause.key == held.key)
        };
        self.is_matched(&held.facts, now)
            || cause().is_some_and(|cause| self.is_matched(&cause.facts, now))
    }

    fn is_matched(&self, facts: &Facts, now: Timestamp) -> bool {
        let mut configured = self.settings.silences.iter();
        let mut asked_for = self.silences.iter();
        configured.any(|silence| silence::mutes(silence, facts, now))
            || asked_for.any(|numbered| numbered.silence.mutes(facts, now))
    }

    /// When anything that is silenced may no longer be.
    pub(super) fn muting_changes(&self, now: Timestamp) -> Timestamp {
        let configured = self.settings.silences.iter();
        let configured = configured.filter_map(|silence| silence::next_change(silence, now));
        let asked_for = self.silences.iter().flat_map(|numbered| {
            let silence = &numbered.silence;
            [silence.start, silence.end]
        });
        let next = configured.chain(asked_for).filter(|at| *at > now).min();
        next.unwrap_or(Timestamp::FAR_FUTURE)
    }

    /// Other silences hold now: every group is looked at anew.
    pub(super) fn muting_changed(&mut self, now: Timestamp) {
        let numbers: Vec<GroupNumber> = self.groups.keys().copied().collect();
        for number in numbers {
            if self.groups.get(&number).is_some_and(Group::is_muted)
                && let Some(group) = self.groups.get_mut(&number)
            {
                group.unmute();
            }
            self.schedule_group(number);
        }
        self.handle_timeout(now);
    }
}
