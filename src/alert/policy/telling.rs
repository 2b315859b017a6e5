//! Telling: what a group that is due has to say, and why.

use super::Policy;
use super::group::Group;
use super::held::GroupNumber;
use super::message::{self, Picture};
use crate::alert::{Fingerprint, Reason};
use crate::time::Timestamp;

impl Policy {
    pub(super) fn group_is_due(&mut self, number: GroupNumber, now: Timestamp) {
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

    fn sends_resolved(&self, name: &str) -> bool {
        let mut receivers = self.settings.receiver.iter();
        receivers.any(|receiver| receiver.name == name && receiver.send_resolved)
    }
}
