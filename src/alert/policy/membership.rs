//! Which alert is in which group: who is told of it, and together with what.

use super::Policy;
use super::group::Group;
use super::held::{GroupNumber, Held};
use crate::alert::{Fingerprint, SubjectKind, route};
use crate::time::Timestamp;

impl Policy {
    /// Who is told of what this alert explains, and of itself.
    pub(super) fn receivers_of(&self, cause: &Held) -> Vec<String> {
        let numbers = cause.groups.iter();
        let groups = numbers.filter_map(|number| self.groups.get(number));
        groups.map(|group| group.receiver.clone()).collect()
    }

    /// Brings an alert to those who are to know of it now; those who know of it already hear of its end.
    pub(super) fn route_again(&mut self, alert: Fingerprint, now: Timestamp) {
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

    pub(super) fn join(
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
    pub(super) fn leave(&mut self, alert: Fingerprint, number: GroupNumber) -> Option<bool> {
        let held = self.alerts.get_mut(&alert)?;
        held.groups.retain(|known| *known != number);
        self.groups.get_mut(&number)?.leave(alert, held.is_over)
    }

    pub(super) fn drop_group(&mut self, number: GroupNumber) {
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

    pub(super) fn schedule_group(&mut self, number: GroupNumber) {
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

    pub(super) fn schedule_groups_of(&mut self, alert: Fingerprint) {
        let groups = self.alerts.get(&alert).map(|held| held.groups.clone());
        for number in groups.unwrap_or_default() {
            self.schedule_group(number);
        }
    }
}
