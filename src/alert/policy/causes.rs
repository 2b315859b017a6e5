//! Causes: an alert that explains others takes them into its own group.

use std::collections::BTreeSet;

use super::Policy;
use super::group::Group;
use super::held::{GroupNumber, Held, explained_by, explains};
use crate::alert::{Facts, Fingerprint, GroupKey};
use crate::time::Timestamp;

impl Policy {
    /// The alert that explains this one.
    pub(super) fn cause_of(&self, facts: &Facts) -> Option<&Held> {
        explained_by(facts)
            .filter_map(|cause| self.causes.get(&cause))
            .find_map(|alert| self.alerts.get(alert))
    }

    /// If the alert can explain others it does so from now on, those that came before it included.
    pub(super) fn note_cause(&mut self, alert: Fingerprint, now: Timestamp) {
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
    pub(super) fn take_over(
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
}
