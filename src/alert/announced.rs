//! One alert, as a message tells of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Fingerprint;
use crate::finding::{Evidence, Severity};
use crate::time::Timestamp;

/// Whether what an alert or a message speaks of holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Firing,
    /// It held and is over.
    Resolved,
}

impl Status {
    /// The word of the message.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// One alert, as a message tells of it. Its serialised form is an entry of `alerts` in the body of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// The same for this finding of this subject, whenever and wherever it is told.
    pub fingerprint: Fingerprint,
    /// Whether it holds.
    pub status: Status,
    /// The code of its finding.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// Whom it is about: a device by its name, `CallManager 10.0.0.11`, `sensor`.
    pub subject: String,
    /// What tells it from others: `alertname` (the code), `severity`, and as far as known `phone` or `server`, `mac`,
    /// `address`, `site`, `callmanager`, `device_pool`, `stage`, `switch`, `sensor`.
    pub labels: BTreeMap<String, String>,
    /// What people read: `title`, `summary`, `remedy` (a step on each line), `reference`, `page_url`, `evidence_url`.
    pub annotations: BTreeMap<String, String>,
    /// When that of which it speaks began.
    pub starts_at: Timestamp,
    /// When it was over; `None` while it holds.
    pub ends_at: Option<Timestamp>,
    /// What shows it, in the order of time. Empty for an alert that was restored and not seen again since.
    pub evidence: Vec<Evidence>,
    /// The file in which the frames that prove it are kept, where there is one.
    #[serde(default)]
    pub evidence_file: Option<String>,
}
