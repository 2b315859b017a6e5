//! The policy: what is told, to whom, and when.
//!
//! ```text
//! raised -> holds -> cleared -> (resolve_after) -> over -> told -> forgotten
//!             ^---------'  it came back: one alert, not two
//! ```
//!
//! Alerts of one cause make a group for each receiver. The first message of a group waits `group_wait`, each further
//! one that something holds at least `group_interval`; that all is over is told at once. A finding that explains others
//! takes them into its own group, also those that came before it: the outage goes on under the name of its cause.
//!
//! Inputs run what is due by their own time; then [`Policy::poll_notification`] gives what is to be sent, and
//! [`Policy::poll_timeout`] says when to call [`Policy::handle_timeout`].

mod agenda;
mod group;
mod held;
mod message;
mod state;
#[cfg(test)]
mod tests;
mod tracked;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use state::{Row, State};

use agenda::Agenda;
use group::Group;
use held::{CauseKey, GroupNumber, Held, explained_by, explains, own_key};
use message::Picture;
use tracked::Tracked;

use super::route;
use super::silence::{self, Maintenance, NumberedSilence, Silence};
use super::{Facts, Fingerprint, GroupKey, Notification, Reason, SubjectKind, Update};
use crate::config::Alert as Settings;
use crate::time::Timestamp;

/// Makes messages of findings.
#[derive(Debug)]
pub struct Policy {
    settings: Settings,
    alerts: Tracked<Fingerprint, Held>,
    /// The alerts that can explain others and hold.
    causes: BTreeMap<CauseKey, Fingerprint>,
    groups: Tracked<GroupNumber, Group>,
    places: BTreeMap<(String, GroupKey), GroupNumber>,
    next_group: GroupNumber,
    silences: Vec<NumberedSilence>,
    next_silence: u64,
    /// Nothing is sent before its end.
    maintenance: Option<Maintenance>,
    alerts_due: Agenda<Fingerprint>,
    groups_due: Agenda<GroupNumber>,
    /// What is to be sent. It is drained after each input, and an input adds at most two for each group.
    outgoing: VecDeque<Notification>,
    dropped: Dropped,
    /// Whether all but what changed since is stored.
    is_stored: bool,
    /// Whether silences or maintenance have changed since.
    is_muting_changed: bool,
}

/// What there was no room for since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Alerts of which nobody was told.
    pub alerts: u64,
    /// Groups that could not be made: a receiver was not told of an alert.
    pub groups: u64,
}

impl Policy {
    /// Alerts held at one time.
    pub const MOST_ALERTS: usize = 200_000;
    /// Alerts in one group.
    pub const MOST_IN_GROUP: usize = 100_000;
    /// Groups of all receivers.
    pub const MOST_GROUPS: usize = 20_000;
    /// Silences asked for at run time.
    pub const MOST_SILENCES: usize = 1000;

    /// A policy that knows of nothing yet.
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            alerts: Tracked::new(),
            causes: BTreeMap::new(),
            groups: Tracked::new(),
            places: BTreeMap::new(),
            next_group: 0,
            silences: Vec::new(),
            next_silence: 1,
            maintenance: None,
            alerts_due: Agenda::new(),
            groups_due: Agenda::new(),
            outgoing: VecDeque::new(),
            dropped: Dropped {
                alerts: 0,
                groups: 0,
            },
            is_stored: false,
            is_muting_changed: false,
        }
    }

    // --- inputs ---

    /// A finding was raised or cleared.
    pub fn handle(&mut self, update: Update, now: Timestamp) {
        self.handle_timeout(now);
        match update {
            Update::Raised(facts) => self.raised(facts, now),
            Update::Cleared(facts, at) => self.cleared(&facts, at, now),
        }
        self.handle_timeout(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let silences = self.silences.len();
        self.silences.retain(|numbered| numbered.silence.end > now);
        let has_ended = self.maintenance.take_if(|it| it.until <= now).is_some();
        self.is_muting_changed |= has_ended || self.silences.len() < silences;
        while let Some(alert) = self.alerts_due.pop(now) {
            self.alert_is_due(alert, now);
        }
        while let Some(number) = self.groups_due.pop(now) {
            self.group_is_due(number, now);
        }
    }

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

    /// Goes on with other settings. What was told stays told.
    pub fn reconfigure(&mut self, settings: Settings, now: Timestamp) {
        self.handle_timeout(now);
        self.settings = settings;
        let gone: Vec<GroupNumber> = self
            .groups
            .iter()
            .filter(|(_, group)| !self.is_receiver(&group.receiver))
            .map(|(number, _)| *number)
            .collect();
        for number in gone {
            self.drop_group(number);
        }
        let alerts: Vec<Fingerprint> = self.alerts.keys().copied().collect();
        for alert in alerts {
            self.route_again(alert, now);
            self.schedule_alert(alert);
            self.forget_if_told(alert);
        }
        self.muting_changed(now);
    }

    // --- outputs ---

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let times = [self.alerts_due.next(), self.groups_due.next()];
        times.into_iter().flatten().min()
    }

    /// The next message to send.
    pub fn poll_notification(&mut self) -> Option<Notification> {
        self.outgoing.pop_front()
    }

    /// The silences that were asked for and have not ended.
    pub fn silences(&self) -> &[NumberedSilence] {
        &self.silences
    }

    /// The time in which nothing is sent, if it is now.
    pub const fn in_maintenance(&self) -> Option<&Maintenance> {
        self.maintenance.as_ref()
    }

    /// What there was no room for.
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }

    // --- alerts ---

    fn raised(&mut self, facts: Facts, now: Timestamp) {
        let known = facts
            .fingerprints()
            .find(|alert| self.alerts.contains_key(alert));
        let alert = if let Some(alert) = known {
            self.raised_again(alert, facts, now);
            alert
        } else {
            let Some(alert) = facts.fingerprints().next() else {
                return;
            };
            if facts.severity < self.settings.min_severity {
                return;
            }
            if self.alerts.len() >= Self::MOST_ALERTS {
                self.dropped.alerts += 1;
                return;
            }
            self.hold(alert, facts, now);
            alert
        };
        self.note_cause(alert, now);
    }

    fn hold(&mut self, alert: Fingerprint, facts: Facts, now: Timestamp) {
        let cause = self.cause_of(&facts);
        let (key, receivers) = match cause {
            Some(cause) => (cause.key.clone(), self.receivers_of(cause)),
            None => (own_key(&facts), route::receivers(&self.settings, &facts)),
        };
        let held = Held {
            fingerprint: alert,
            starts_at: facts.since,
            facts,
            cleared: None,
            is_over: false,
            key,
            confirm_by: None,
            groups: Vec::new(),
        };
        self.alerts.insert(alert, held);
        for receiver in receivers {
            self.join(alert, &receiver, false, now);
        }
    }

    fn raised_again(&mut self, alert: Fingerprint, facts: Facts, now: Timestamp) {
        let Some(held) = self.alerts.get_mut(&alert) else {
            return;
        };
        held.cleared = None;
        held.confirm_by = None;
        if held.is_over {
            held.is_over = false;
            held.starts_at = facts.since;
            for number in &held.groups {
                if let Some(group) = self.groups.get_mut(number) {
                    group.returned(alert);
                }
            }
        }
        held.facts = facts;
        self.schedule_alert(alert);
        self.schedule_groups_of(alert);
        let cause = self.alerts.get(&alert).and_then(|held| {
            let cause = self.cause_of(&held.facts)?;
            let is_alone = *held.key.code == *held.facts.code && cause.key != held.key;
            is_alone.then(|| (cause.key.clone(), self.receivers_of(cause)))
        });
        match cause {
            Some((key, receivers)) => self.take_over(alert, &key, &receivers, now),
            None => self.route_again(alert, now),
        }
    }

    fn cleared(&mut self, facts: &Facts, at: Timestamp, now: Timestamp) {
        let known = facts
            .fingerprints()
            .find(|alert| self.alerts.contains_key(alert));
        let Some((alert, held)) =
            known.and_then(|alert| Some((alert, self.alerts.get_mut(&alert)?)))
        else {
            return;
        };
        if held.cleared.is_none() {
            // A clock that was set does not bring the end before the beginning, or make it come late.
            held.cleared = Some(at.max(held.starts_at).min(now));
            held.confirm_by = None;
            self.schedule_alert(alert);
        }
    }

    /// It stayed cleared for long enough, or was restored and not seen again.
    fn alert_is_due(&mut self, alert: Fingerprint, now: Timestamp) {
        let Some(held) = self.alerts.get_mut(&alert) else {
            return;
        };
        held.cleared.get_or_insert(now);
        held.confirm_by = None;
        held.is_over = true;
        if let Some(cause) = explains(&held.facts) {
            self.causes.remove(&cause);
        }
        let groups = held.groups.clone();
        let is_muted = self.maintenance.is_some()
            || (self.alerts.get(&alert)).is_some_and(|held| self.is_silenced(held, now));
        for number in groups {
            if let Some(group) = self.groups.get_mut(&number) {
                group.ended(alert, now);
                if is_muted && group.members.get(&alert) == Some(&false) {
                    self.leave(alert, number);
                }
            }
            self.schedule_group(number);
        }
        self.forget_if_told(alert);
    }

    fn schedule_alert(&mut self, alert: Fingerprint) {
        let due = self.alerts.get(&alert).and_then(|held| {
            let over = held.cleared.map(|at| at + self.settings.resolve_after);
            over.or(held.confirm_by).filter(|_| !held.is_over)
        });
        self.alerts_due.set(alert, due);
    }

    /// Nothing is left to tell of it.
    fn forget_if_told(&mut self, alert: Fingerprint) {
        let is_told = |held: &Held| held.is_over && held.groups.is_empty();
        if self.alerts.get(&alert).is_some_and(is_told) {
            self.alerts.remove(&alert);
            self.alerts_due.set(alert, None);
        }
    }

    // --- causes ---

    /// The alert that explains this one.
    fn cause_of(&self, facts: &Facts) -> Option<&Held> {
        explained_by(facts)
            .filter_map(|cause| self.causes.get(&cause))
            .find_map(|alert| self.alerts.get(alert))
    }

    /// If the alert can explain others it does so from now on, those that came before it included.
    fn note_cause(&mut self, alert: Fingerprint, now: Timestamp) {
        let Some(held) = self.alerts.get(&alert) else {
            return;
        };
        let Some(cause) = explains(&held.facts) else {
            return;
        };
        let key = held.key.clone();
        let receivers = self.receivers_of(held);
        if self.causes.insert(cause.clone(), alert) == Some(alert) {
            return;
        }
        let explained: Vec<Fingerprint> = self
            .alerts
            .values()
            .filter(|other| {
                // What is part of another outage already stays with it.
                *other.key.code == *other.facts.code
                    && other.key != key
                    && explained_by(&other.facts).any(|known| known == cause)
            })
            .map(|other| other.fingerprint)
            .collect();
        // With one that explains others come those others.
        let keys: BTreeSet<GroupKey> = (explained.iter())
            .filter_map(|alert| Some(self.alerts.get(alert)?.key.clone()))
            .collect();
        let parts: Vec<Fingerprint> = (self.alerts.values())
            .filter(|other| *other.key.code != *other.facts.code && keys.contains(&other.key))
            .map(|other| other.fingerprint)
            .collect();
        for other in explained.into_iter().chain(parts) {
            self.take_over(other, &key, &receivers, now);
        }
    }

    /// Brings an alert into the groups of what explains it.
    fn take_over(
        &mut self,
        alert: Fingerprint,
        key: &GroupKey,
        receivers: &[String],
        now: Timestamp,
    ) {
        let Some(held) = self.alerts.get_mut(&alert) else {
            return;
        };
        held.key = key.clone();
        let before = held.groups.clone();
        for receiver in receivers {
            let of_receiver = before.iter().copied().find(|number| {
                (self.groups.get(number)).is_some_and(|group| group.receiver == *receiver)
            });
            let told = of_receiver.and_then(|number| self.leave(alert, number));
            let joined = self.join(alert, receiver, told.unwrap_or(false), now);
            if let (Some(old), Some(new)) = (of_receiver, joined) {
                self.merge_if_empty(old, new);
            }
        }
        // Whoever is not told of the cause hears only of the end of what was told.
        for number in before {
            let group = self.groups.get(&number);
            if group.is_some_and(|group| group.members.get(&alert) == Some(&false)) {
                self.leave(alert, number);
            }
            self.schedule_group(number);
        }
    }

    /// The outage of a group that all have left goes on as that of the other one; where that has its own, it ends.
    fn merge_if_empty(&mut self, old: GroupNumber, new: GroupNumber) {
        let has_none = |group: &Group| group.outage.is_none();
        if !self.groups.get(&new).is_some_and(has_none) {
            return;
        }
        let left = self.groups.get_mut(&old);
        let left = left.filter(|group| group.members.is_empty());
        let outage = left.and_then(|group| group.outage.take());
        if let Some(group) = self.groups.get_mut(&new) {
            group.outage = outage;
        }
    }

    // --- groups ---

    /// Who is told of what this alert explains, and of itself.
    fn receivers_of(&self, cause: &Held) -> Vec<String> {
        let numbers = cause.groups.iter();
        let groups = numbers.filter_map(|number| self.groups.get(number));
        groups.map(|group| group.receiver.clone()).collect()
    }

    fn is_receiver(&self, name: &str) -> bool {
        let mut receivers = self.settings.receiver.iter();
        receivers.any(|receiver| receiver.name == name)
    }

    fn sends_resolved(&self, name: &str) -> bool {
        let mut receivers = self.settings.receiver.iter();
        receivers.any(|receiver| receiver.name == name && receiver.send_resolved)
    }

    /// Brings an alert to those who are to know of it now; those who know of it already hear of its end.
    fn route_again(&mut self, alert: Fingerprint, now: Timestamp) {
        let Some(held) = self.alerts.get(&alert) else {
            return;
        };
        if held.is_over || *held.key.code != *held.facts.code {
            return;
        }
        let receivers = route::receivers(&self.settings, &held.facts);
        for number in held.groups.clone() {
            let is_wrong = |group: &Group| {
                !receivers.contains(&group.receiver) && group.members.get(&alert) == Some(&false)
            };
            if self.groups.get(&number).is_some_and(is_wrong) {
                self.leave(alert, number);
                self.schedule_group(number);
            }
        }
        for receiver in receivers {
            self.join(alert, &receiver, false, now);
        }
    }

    fn join(
        &mut self,
        alert: Fingerprint,
        receiver: &str,
        told: bool,
        now: Timestamp,
    ) -> Option<GroupNumber> {
        let held = self.alerts.get(&alert)?;
        let is_silenced = self.is_silenced(held, now);
        let place = (receiver.to_owned(), held.key.clone());
        if let Some(number) = self.places.get(&place).copied()
            && held.groups.contains(&number)
        {
            self.schedule_group(number);
            return Some(number);
        }
        let number = match self.places.get(&place) {
            Some(number) => *number,
            None if self.groups.len() >= Self::MOST_GROUPS => {
                self.dropped.groups += 1;
                return None;
            }
            None => {
                let number = self.next_group;
                self.next_group += 1;
                self.groups
                    .insert(number, Group::new(place.0.clone(), place.1.clone()));
                self.places.insert(place, number);
                number
            }
        };
        let group = self.groups.get_mut(&number)?;
        let held = self.alerts.get_mut(&alert)?;
        if group.members.len() >= Self::MOST_IN_GROUP {
            self.dropped.alerts += 1;
            return None;
        }
        if held.facts.subject.kind != SubjectKind::Device && *held.facts.code == *held.key.code {
            group.cause = Some(held.facts.subject.label.clone());
        }
        group.join(alert, told, held.is_over, is_silenced, now);
        held.groups.push(number);
        self.schedule_group(number);
        Some(number)
    }

    /// Takes an alert out of a group; whether the receiver was told of it.
    fn leave(&mut self, alert: Fingerprint, number: GroupNumber) -> Option<bool> {
        let held = self.alerts.get_mut(&alert)?;
        held.groups.retain(|known| *known != number);
        self.groups.get_mut(&number)?.leave(alert, held.is_over)
    }

    fn drop_group(&mut self, number: GroupNumber) {
        let Some(group) = self.groups.remove(&number) else {
            return;
        };
        self.groups_due.set(number, None);
        for alert in group.members.keys() {
            if let Some(held) = self.alerts.get_mut(alert) {
                held.groups.retain(|known| *known != number);
            }
            self.forget_if_told(*alert);
        }
        self.places.remove(&(group.receiver, group.key));
    }

    fn schedule_group(&mut self, number: GroupNumber) {
        let due = self.groups.get(&number).and_then(|group| {
            let due = group.due(&self.settings)?;
            Some(
                self.maintenance
                    .as_ref()
                    .map_or(due, |it| it.until.max(due)),
            )
        });
        self.groups_due.set(number, due);
    }

    fn schedule_groups_of(&mut self, alert: Fingerprint) {
        let groups = self.alerts.get(&alert).map(|held| held.groups.clone());
        for number in groups.unwrap_or_default() {
            self.schedule_group(number);
        }
    }

    // --- muting ---

    /// Whether nobody is to hear of this alert now; what is part of an outage is silent when its cause is.
    fn is_silenced(&self, held: &Held, now: Timestamp) -> bool {
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
    fn muting_changes(&self, now: Timestamp) -> Timestamp {
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
    fn muting_changed(&mut self, now: Timestamp) {
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

    // --- messages ---

    fn group_is_due(&mut self, number: GroupNumber, now: Timestamp) {
        let Some(mut group) = self.groups.remove(&number) else {
            return;
        };
        let done = self.tell(&mut group, now);
        for alert in done {
            if let Some(held) = self.alerts.get_mut(&alert) {
                group.leave(alert, held.is_over);
                held.groups.retain(|known| *known != number);
            }
            self.forget_if_told(alert);
        }
        if !group.is_told() {
            group.outage = None;
            group.ended_since = None;
        }
        if group.members.is_empty() && group.is_rested(&self.settings, now) {
            self.places.remove(&(group.receiver, group.key));
        } else {
            self.groups.insert(number, group);
            self.schedule_group(number);
        }
    }

    /// Tells what there is to tell, if it is time for it; the alerts of which nothing is left to tell.
    fn tell(&mut self, group: &mut Group, now: Timestamp) -> Vec<Fingerprint> {
        let mut picture = Picture::default();
        // What ended while nobody was to hear of it.
        let mut done = Vec::new();
        let mut has_unmuted = false;
        let mut late = false;
        for (alert, told) in group.members.iter() {
            let Some(held) = self.alerts.get(alert) else {
                continue;
            };
            let is_muted = self.is_silenced(held, now);
            match (held.is_over, told) {
                (true, false) if is_muted => done.push(*alert),
                (true, told) => {
                    picture.resolved.push(held);
                    late |= !told;
                }
                (false, true) => {
                    picture.known.push(held);
                    has_unmuted |= !is_muted;
                }
                (false, false) if is_muted => {}
                (false, false) => picture.new.push(held),
            }
        }
        let has_news = late || !picture.new.is_empty();
        let reason = self.reason(group, &picture, has_news, has_unmuted, now);
        if let Some(reason) = reason {
            let over: Vec<Fingerprint> = (picture.resolved.iter())
                .map(|held| held.fingerprint)
                .collect();
            let new: Vec<Fingerprint> = picture.new.iter().map(|held| held.fingerprint).collect();
            let sends_resolved = self.sends_resolved(&group.receiver);
            let is_firing = picture.firing() > 0;
            if !sends_resolved && is_firing {
                picture.resolved.clear();
            }
            let (outage, notification) =
                message::make(group, &picture, reason, &self.settings, now);
            if is_firing || sends_resolved {
                self.outgoing.push_back(notification);
            }
            if is_firing {
                group.last_firing = Some(now);
            }
            group.outage = Some(outage);
            group.ended_since = None;
            for alert in new {
                group.tell(alert);
            }
            done.extend(over);
        }
        let is_all_told = reason.is_some() || !has_news;
        let changes = self.muting_changes(now);
        group.muted_until = (group.untold > 0 && is_all_told).then_some(changes);
        let is_quiet = group.told_firing > 0 && !has_unmuted && reason.is_none();
        group.quiet_until = is_quiet.then_some(changes);
        done
    }

    /// Why to tell something now, if there is a reason.
    fn reason(
        &self,
        group: &Group,
        picture: &Picture<'_>,
        has_news: bool,
        has_unmuted: bool,
        now: Timestamp,
    ) -> Option<Reason> {
        let has_passed = |interval| group.last_firing.is_none_or(|last| now >= last + interval);
        if group.members.is_empty() {
            return group.outage.is_some().then_some(Reason::Joined);
        }
        if picture.firing() == 0 {
            return (!picture.resolved.is_empty()).then_some(Reason::Resolved);
        }
        if !has_passed(self.settings.group_interval) {
            None
        } else if has_news && group.outage.is_none() {
            Some(Reason::New)
        } else if has_news {
            Some(Reason::Update)
        } else if !has_unmuted {
            None
        } else if group.ended_since.is_some() && group.has_shrunk() {
            Some(Reason::Update)
        } else {
            has_passed(self.settings.repeat_interval).then_some(Reason::Repeat)
        }
    }
}
