//! What one phone fetched.

use super::seldom::Nothing;
use crate::time::Timestamp;
use crate::wire::sep_config::DeviceProtocol;

/// A phone's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct TftpFacts {
    /// Read requests; one that is repeated for want of an answer counts once.
    pub requests: u32,
    /// Transfers that were completed.
    pub completed: u32,
    /// Requests answered with "file not found".
    pub not_found: u32,
    /// Requests answered with another error.
    pub errors: u32,
    /// Requests that nothing answered.
    pub unanswered: u32,
    /// When a TFTP server last answered it, whatever the answer.
    pub answered: Option<Timestamp>,
    /// When its own configuration file was last delivered whole.
    pub configured: Option<Timestamp>,
    /// Its configuration files that could not be read as what they should be.
    pub unreadable: u32,
    /// The load that its configuration names.
    pub configured_load: Option<Box<str>>,
    /// The signalling protocol that its configuration names.
    pub protocol: Option<Box<DeviceProtocol>>,
}

impl Nothing for TftpFacts {
    const NOTHING: &'static Self = &Self {
        requests: 0,
        completed: 0,
        not_found: 0,
        errors: 0,
        unanswered: 0,
        answered: None,
        configured: None,
        unreadable: 0,
        configured_load: None,
        protocol: None,
    };
}

impl TftpFacts {
    /// Takes over what was counted under another record of the same device.
    pub(super) fn absorb(&mut self, other: Self) {
        self.requests += other.requests;
        self.completed += other.completed;
        self.not_found += other.not_found;
        self.errors += other.errors;
        self.unanswered += other.unanswered;
        self.answered = self.answered.max(other.answered);
        self.configured = self.configured.max(other.configured);
        self.unreadable += other.unreadable;
        self.configured_load = self.configured_load.take().or(other.configured_load);
        self.protocol = self.protocol.take().or(other.protocol);
    }
}
