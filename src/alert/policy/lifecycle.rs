//! An alert from when it is raised to when nothing is left to tell of it.

use super::Policy;
use super::held::{Held, explains, own_key};
use crate::alert::{Facts, Fingerprint, route};
use crate::time::Timestamp;

impl Policy {
    pub(super) fn raised(&mut self, facts: Facts, now: Timestamp) {
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

    pub(super) fn cleared(&mut self, facts: &Facts, at: Timestamp, now: Timestamp) {
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
    pub(super) fn alert_is_due(&mut self, alert: Fingerprint, now: Timestamp) {
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

    pub(super) fn schedule_alert(&mut self, alert: Fingerprint) {
        let due = self.alerts.get(&alert).and_then(|held| {
            let over = held.cleared.map(|at| at + self.settings.resolve_after);
            over.or(held.confirm_by).filter(|_| !held.is_over)
        });
        self.alerts_due.set(alert, due);
    }

    /// Nothing is left to tell of it.
    pub(super) fn forget_if_told(&mut self, alert: Fingerprint) {
        let is_told = |held: &Held| held.is_over && held.groups.is_empty();
        if self.alerts.get(&alert).is_some_and(is_told) {
            self.alerts.remove(&alert);
            self.alerts_due.set(alert, None);
        }
    }
}
