//! What of the policy outlives the program.
//!
//! It is stored as rows, each with a key of its own, so that only what changed is written again:
//!
//! ```text
//! alert/FINGERPRINT          an alert
//! group/NUMBER               a group
//! group/NUMBER/FINGERPRINT   that the alert is in the group, and whether that was told
//! muting                     silences and maintenance
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::group::Group;
use super::held::{GroupNumber, Held, explains};
use super::{Policy, Settings};
use crate::alert::Fingerprint;
use crate::alert::silence::{Maintenance, NumberedSilence};
use crate::time::Timestamp;

/// What was told to whom, what waits, and what is silenced: to be stored, and restored after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it is everything, in the place of what was stored before; else only what has changed since.
    pub is_whole: bool,
    /// In the order of their keys.
    pub rows: Vec<Row>,
}

/// A part of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which one.
    pub key: String,
    /// What to store, as JSON; `None` where it is no more, and with it all rows whose keys go on from this one after a
    /// slash.
    pub body: Option<String>,
}

/// The row `muting`.
#[derive(Default, Serialize, Deserialize)]
struct Muting {
    silences: Vec<NumberedSilence>,
    next_silence: u64,
    maintenance: Option<Maintenance>,
}

const MUTING: &str = "muting";

impl Policy {
    /// Everything that is to be stored. Messages that were not polled yet are not part of it.
    pub fn state(&self) -> State {
        let mut rows = Vec::new();
        for (alert, held) in self.alerts.iter() {
            rows.push(row(alert_key(*alert), Some(held)));
        }
        for (number, group) in self.groups.iter() {
            rows.push(row(group_key(*number), Some(group)));
            for (alert, told) in group.members.iter() {
                rows.push(row(member_key(*number, *alert), Some(told)));
            }
        }
        rows.push(self.muting_row());
        State {
            is_whole: true,
            rows,
        }
    }

    /// What has changed since [`Self::stored`].
    pub fn changes(&self) -> State {
        if !self.is_stored {
            return self.state();
        }
        let mut rows = Vec::new();
        for (alert, held) in self.alerts.changes() {
            rows.push(row(alert_key(alert), held));
        }
        for (number, group) in self.groups.changes() {
            rows.push(row(group_key(number), group));
            for (alert, told) in group.into_iter().flat_map(|group| group.members.changes()) {
                rows.push(row(member_key(number, alert), told));
            }
        }
        if self.is_muting_changed {
            rows.push(self.muting_row());
        }
        State {
            is_whole: false,
            rows,
        }
    }

    /// What has changed so far is stored.
    pub fn stored(&mut self) {
        self.alerts.settle(|_| {});
        self.groups.settle(|group| group.members.settle(|_| {}));
        self.is_muting_changed = false;
        self.is_stored = true;
    }

    /// Nothing is stored: the changes are everything.
    pub const fn store_anew(&mut self) {
        self.is_stored = false;
    }

    fn muting_row(&self) -> Row {
        let muting = Muting {
            silences: self.silences.clone(),
            next_silence: self.next_silence,
            maintenance: self.maintenance.clone(),
        };
        row(MUTING.to_owned(), Some(&muting))
    }

    /// Goes on where another run of the program ended. What it told is not told again; what is not seen again within
    /// `remember` is over. What cannot be read is forgotten.
    pub fn restore(settings: Settings, state: State, now: Timestamp) -> Self {
        let mut policy = Self::new(settings.clone());
        let mut groups: BTreeMap<GroupNumber, Group> = BTreeMap::new();
        let mut is_sound = true;
        for row in state.rows {
            let body = row.body.unwrap_or_default();
            is_sound &= policy
                .restore_row(&row.key, &body, &mut groups, now)
                .is_some();
        }
        for (number, group) in groups {
            is_sound &= policy.restore_group(number, group);
        }
        if is_sound {
            policy.stored();
            // Of a group the counts and what waits were made anew, and may differ from what is stored.
            let groups: Vec<GroupNumber> = policy.groups.keys().copied().collect();
            for number in groups {
                policy.groups.get_mut(&number);
            }
        }
        policy.reconfigure(settings, now);
        policy
    }

    /// Takes in a row; groups are gathered until all their members are known.
    fn restore_row(
        &mut self,
        key: &str,
        body: &str,
        groups: &mut BTreeMap<GroupNumber, Group>,
        now: Timestamp,
    ) -> Option<()> {
        let mut parts = key.split('/');
        match (parts.next()?, parts.next(), parts.next()) {
            (MUTING, None, None) => {
                let muting: Muting = serde_json::from_str(body).ok()?;
                self.silences = muting.silences;
                self.silences.truncate(Self::MOST_SILENCES);
                self.next_silence = muting.next_silence;
                self.maintenance = muting.maintenance;
            }
            ("alert", Some(_), None) => {
                let mut held: Held = serde_json::from_str(body).ok()?;
                if self.alerts.len() >= Self::MOST_ALERTS {
                    return None;
                }
                held.confirm_by = Some(now + self.settings.remember);
                if let Some(cause) = explains(&held.facts).filter(|_| !held.is_over) {
                    self.causes.insert(cause, held.fingerprint);
                }
                self.alerts.insert(held.fingerprint, held);
            }
            ("group", Some(number), None) => {
                let group = serde_json::from_str(body).ok()?;
                groups.insert(number_of(number)?, group);
            }
            ("group", Some(number), Some(alert)) => {
                let group = groups.get_mut(&number_of(number)?)?;
                let told = serde_json::from_str(body).ok()?;
                group.members.insert(alert.parse().ok()?, told);
            }
            _ => return None,
        }
        Some(())
    }

    /// Takes in a group, if that is possible as a whole; its counts are made anew, as what is stored may have been
    /// changed by hand.
    fn restore_group(&mut self, number: GroupNumber, stored: Group) -> bool {
        let place = (stored.receiver.clone(), stored.key.clone());
        if self.places.contains_key(&place) || self.groups.len() >= Self::MOST_GROUPS {
            return false;
        }
        self.next_group = self.next_group.max(number.saturating_add(1));
        let mut group = Group::new(stored.receiver, stored.key);
        let mut is_sound = true;
        for (alert, told) in stored.members.iter() {
            if let Some(held) = self.alerts.get_mut(alert) {
                held.groups.push(number);
                let since = stored.pending_since.unwrap_or_default();
                group.join(*alert, *told, held.is_over, false, since);
            } else {
                is_sound = false;
            }
        }
        group.outage = stored.outage;
        group.last_firing = stored.last_firing;
        group.ended_since = stored.ended_since.or(group.ended_since);
        group.cause = stored.cause;
        self.places.insert(place, number);
        self.groups.insert(number, group);
        is_sound
    }
}

fn alert_key(alert: Fingerprint) -> String {
    format!("alert/{alert}")
}

fn group_key(number: GroupNumber) -> String {
    format!("group/{number:016x}")
}

fn member_key(number: GroupNumber, alert: Fingerprint) -> String {
    format!("group/{number:016x}/{alert}")
}

fn number_of(text: &str) -> Option<GroupNumber> {
    GroupNumber::from_str_radix(text, 16).ok()
}

fn row(key: String, value: Option<&impl Serialize>) -> Row {
    // Numbers, texts, and maps whose keys are texts: all of them are JSON.
    let body = value.and_then(|value| serde_json::to_string(value).ok());
    Row { key, body }
}
