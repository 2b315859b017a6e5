//! What of the policy outlives the program.

use serde::{Deserialize, Serialize};

use super::group::Group;
use super::held::{Held, explains};
use super::{Policy, Settings};
use crate::alert::silence::{Maintenance, NumberedSilence};
use crate::time::Timestamp;

/// What was told to whom, what waits, and what is silenced: to be stored, and restored after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    alerts: Vec<Held>,
    groups: Vec<Group>,
    silences: Vec<NumberedSilence>,
    next_silence: u64,
    maintenance: Option<Maintenance>,
}

impl Policy {
    /// What is to be stored. Messages that were not polled yet are not part of it.
    pub fn state(&self) -> State {
        State {
            alerts: self.alerts.values().cloned().collect(),
            groups: self.groups.values().cloned().collect(),
            silences: self.silences.clone(),
            next_silence: self.next_silence,
            maintenance: self.maintenance.clone(),
        }
    }

    /// Goes on where another run of the program ended. What it told is not told again; what is not seen again within
    /// `remember` is over.
    pub fn restore(settings: Settings, state: State, now: Timestamp) -> Self {
        let mut policy = Self::new(settings.clone());
        policy.silences = state.silences;
        policy.next_silence = state.next_silence;
        policy.maintenance = state.maintenance;
        for mut held in state.alerts.into_iter().take(Self::MOST_ALERTS) {
            held.confirm_by = Some(now + settings.remember);
            if let Some(cause) = explains(&held.facts).filter(|_| !held.is_over) {
                policy.causes.insert(cause, held.fingerprint);
            }
            policy.alerts.insert(held.fingerprint, held);
        }
        for group in state.groups.into_iter().take(Self::MOST_GROUPS) {
            policy.restore_group(group);
        }
        policy.reconfigure(settings, now);
        policy
    }

    /// Takes in a group; its counts are made anew, as what is stored may have been changed by hand.
    fn restore_group(&mut self, stored: Group) {
        let number = self.next_group;
        let place = (stored.receiver.clone(), stored.key.clone());
        if self.places.contains_key(&place) {
            return;
        }
        self.next_group += 1;
        let mut group = Group::new(stored.receiver, stored.key);
        for (alert, told) in stored.members {
            if let Some(held) = self.alerts.get_mut(&alert) {
                held.groups.push(number);
                group.join(
                    alert,
                    told,
                    held.is_over,
                    false,
                    stored.pending_since.unwrap_or_default(),
                );
            }
        }
        group.outage = stored.outage;
        group.last_firing = stored.last_firing;
        group.ended_since = stored.ended_since.or(group.ended_since);
        group.cause = stored.cause;
        self.places.insert(place, number);
        self.groups.insert(number, group);
    }
}
