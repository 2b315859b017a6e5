//! One message to one receiver.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Alert, GroupKey, Status};
use crate::finding::Severity;
use crate::time::Timestamp;

/// One message to one receiver: all that a sender needs to render it, and to send the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Names this message, the same however often it is sent: a receiver can drop what it has.
    pub id: String,
    /// Names the outage, the same in all its messages: the thread of e-mails, the key of an incident.
    pub thread: String,
    /// Which message of its outage this is, from 1.
    pub sequence: u32,
    /// Whom it is for, as the configuration names it.
    pub receiver: String,
    /// When it was made.
    pub at: Timestamp,
    /// When the outage began, by its earliest alert.
    pub began: Timestamp,
    /// Why it is sent now.
    pub reason: Reason,
    /// Whether any of the outage holds.
    pub status: Status,
    /// The worst that holds; once all is over, the worst of what it tells of.
    pub severity: Severity,
    /// What its alerts share.
    pub group: GroupKey,
    /// The same as labels.
    pub group_labels: BTreeMap<String, String>,
    /// One line of at most [`Self::MOST_TITLE`] characters that says it all.
    pub title: String,
    /// How many alerts hold.
    pub firing: usize,
    /// How many alerts are over since the message before.
    pub resolved: usize,
    /// How many devices are concerned: by what holds, or once all is over, by what is over.
    pub devices: usize,
    /// The first of their names, at most [`Self::MOST_NAMES`].
    pub names: Vec<String>,
    /// The cause first, then what is new, then what is longest known, then what is over; as many as the receiver is to
    /// have.
    pub alerts: Vec<Alert>,
    /// How many more there are.
    pub truncated: usize,
}

impl Notification {
    /// A title is no longer than this, in characters: what a phone's lock screen or a list of mails shows.
    pub const MOST_TITLE: usize = 70;
    /// No more names than these are listed.
    pub const MOST_NAMES: usize = 10;
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// An outage began.
    New,
    /// More is concerned than was told, or much less.
    Update,
    /// It still holds, and was not told for long.
    Repeat,
    /// It is over.
    Resolved,
    /// It was found to be part of another outage, under whose name it goes on. For its own thread it is over.
    Joined,
}
