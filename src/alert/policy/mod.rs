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
mod causes;
mod group;
mod held;
mod lifecycle;
mod membership;
mod message;
mod muting;
mod state;
mod telling;
mod tracked;

use std::collections::{BTreeMap, VecDeque};

pub use state::{Row, State};

use agenda::Agenda;
use group::Group;
use held::{CauseKey, GroupNumber, Held};
use tracked::Tracked;

use super::silence::{Maintenance, NumberedSilence};
use super::{Fingerprint, GroupKey, Notification, Update};
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

    /// What there was no room for.
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }

    fn is_receiver(&self, name: &str) -> bool {
        let mut receivers = self.settings.receiver.iter();
        receivers.any(|receiver| receiver.name == name)
    }
}

#[cfg(test)]
mod tests;
