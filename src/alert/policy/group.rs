//! The alerts of one cause, as one receiver was told of them.

use serde::{Deserialize, Serialize};

use super::tracked::Tracked;
use crate::alert::{Fingerprint, GroupKey};
use crate::config::Alert as Settings;
use crate::time::Timestamp;

/// The alerts of one cause for one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) receiver: String,
    pub(super) key: GroupKey,
    /// Its alerts, and whether the receiver was told of each. They are stored each for itself: there may be many.
    #[serde(skip)]
    pub(super) members: Tracked<Fingerprint, bool>,
    /// How many of them hold.
    pub(super) firing: usize,
    /// How many of those that were told hold.
    pub(super) told_firing: usize,
    /// How many were not told.
    pub(super) untold: usize,
    /// What the receiver knows of; `None` while it knows nothing.
    pub(super) outage: Option<Outage>,
    /// When it was last told that something holds; kept after the end, so that the next outage does not come too soon.
    pub(super) last_firing: Option<Timestamp>,
    /// Since when something waits to be told.
    pub(super) pending_since: Option<Timestamp>,
    /// Since when something that was told is over, and that is not told.
    pub(super) ended_since: Option<Timestamp>,
    /// All that is not told is silenced, at least until then.
    pub(super) muted_until: Option<Timestamp>,
    /// All that was told and holds is silenced, at least until then.
    pub(super) quiet_until: Option<Timestamp>,
    /// What the cause is called, where the group is about a server or the sensor.
    pub(super) cause: Option<Box<str>>,
}

/// What a receiver knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outage {
    /// Its name in all messages.
    pub(super) thread: String,
    /// How many messages there were.
    pub(super) sequence: u32,
    /// When it began.
    pub(super) began: Timestamp,
    /// How many alerts held at the last message.
    pub(super) told: usize,
    /// How many devices were concerned at most.
    pub(super) most_devices: usize,
}

impl Group {
    pub(super) const fn new(receiver: String, key: GroupKey) -> Self {
        Self {
            receiver,
            key,
            members: Tracked::new(),
            firing: 0,
            told_firing: 0,
            untold: 0,
            outage: None,
            last_firing: None,
            pending_since: None,
            ended_since: None,
            muted_until: None,
            quiet_until: None,
            cause: None,
        }
    }

    /// Takes in an alert, of which the receiver was told before, in another group, or was not.
    pub(super) fn join(
        &mut self,
        alert: Fingerprint,
        told: bool,
        is_over: bool,
        is_muted: bool,
        now: Timestamp,
    ) {
        if self.members.contains_key(&alert) {
            return;
        }
        self.members.insert(alert, told);
        self.firing += usize::from(!is_over);
        self.told_firing += usize::from(told && !is_over);
        if told {
            if is_over {
                self.ended_since.get_or_insert(now);
            }
        } else {
            self.untold += 1;
            self.pending_since.get_or_insert(now);
            if !is_muted {
                self.muted_until = None;
            }
        }
    }

    /// Lets an alert go; whether the receiver was told of it.
    pub(super) fn leave(&mut self, alert: Fingerprint, is_over: bool) -> Option<bool> {
        let told = self.members.remove(&alert)?;
        self.firing -= usize::from(!is_over);
        self.told_firing -= usize::from(told && !is_over);
        self.untold -= usize::from(!told);
        if self.untold == 0 {
            self.pending_since = None;
            self.muted_until = None;
        }
        Some(told)
    }

    /// An alert that held is over.
    pub(super) fn ended(&mut self, alert: Fingerprint, now: Timestamp) {
        if let Some(told) = self.members.get(&alert) {
            self.firing -= 1;
            if *told {
                self.told_firing -= 1;
                self.ended_since.get_or_insert(now);
            }
        }
    }

    /// An alert that was over holds again before that was told.
    pub(super) fn returned(&mut self, alert: Fingerprint) {
        if let Some(told) = self.members.get(&alert) {
            self.firing += 1;
            self.told_firing += usize::from(*told);
        }
    }

    /// The receiver was told of this alert, which holds.
    pub(super) fn tell(&mut self, alert: Fingerprint) {
        if self.members.get(&alert) == Some(&false) {
            self.members.insert(alert, true);
            self.untold -= 1;
            self.told_firing += 1;
            if self.untold == 0 {
                self.pending_since = None;
            }
        }
    }

    /// Whether any alert was told.
    pub(super) fn is_told(&self) -> bool {
        self.members.len() > self.untold
    }

    /// Whether it found anything silenced.
    pub(super) const fn is_muted(&self) -> bool {
        self.muted_until.is_some() || self.quiet_until.is_some()
    }

    /// Forgets what it found silenced.
    pub(super) const fn unmute(&mut self) {
        self.muted_until = None;
        self.quiet_until = None;
    }

    /// When it is to be looked at: there is something to tell, or it can be dropped.
    pub(super) fn due(&self, settings: &Settings) -> Option<Timestamp> {
        let spaced = |at: Timestamp| {
            let earliest = self.last_firing.map(|last| last + settings.group_interval);
            earliest.map_or(at, |earliest| earliest.max(at))
        };
        if self.members.is_empty() {
            // Its outage became part of another one.
            let at = Timestamp::EPOCH;
            return Some(if self.outage.is_some() {
                at
            } else {
                spaced(at)
            });
        }
        let rest_is_muted = self.untold == 0 || self.muted_until.is_some();
        if self.is_told() && self.told_firing == 0 && rest_is_muted {
            return Some(Timestamp::EPOCH);
        }
        let pending = self.pending_since.map(|since| {
            let due = spaced(since + settings.group_wait);
            self.muted_until.map_or(due, |until| until.max(due))
        });
        let quiet = |due: Timestamp| self.quiet_until.map_or(due, |until| until.max(due));
        let ended = self
            .ended_since
            .filter(|_| self.has_shrunk())
            .map(|since| quiet(spaced(since + settings.group_wait)));
        let repeat = self.last_firing.filter(|_| self.told_firing > 0);
        let repeat = repeat.map(|last| quiet(last + settings.repeat_interval));
        [pending, ended, repeat].into_iter().flatten().min()
    }

    /// Whether another outage could be told at once, so that nothing needs to be kept of this one.
    pub(super) fn is_rested(&self, settings: &Settings, now: Timestamp) -> bool {
        self.last_firing
            .is_none_or(|last| now >= last + settings.group_interval)
    }

    /// Whether so much less is concerned than was told that it is worth a message: not each phone that comes back.
    pub(super) fn has_shrunk(&self) -> bool {
        self.outage
            .as_ref()
            .is_some_and(|outage| self.firing * 2 <= outage.told)
    }
}
