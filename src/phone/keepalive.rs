//! Keepalives of one connection: which were missed, and which runs of them are a gap.
//!
//! The words are exact. A *missed keepalive* is one on the registered connection that its CallManager did not
//! acknowledge before the next one was due, the way that server is known to acknowledge. A *gap* is an unbroken run of
//! missed ones, or a registered phone silent for more than one and a half intervals. One gap per outage.

use std::time::Duration;

use crate::time::Timestamp;

/// Who failed to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GapDirection {
    /// The CallManager did not acknowledge.
    CallManager,
    /// The phone was silent.
    Phone,
}

impl GapDirection {
    /// Both.
    pub const ALL: [Self; 2] = [Self::CallManager, Self::Phone];

    /// The metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::CallManager => "callmanager",
            Self::Phone => "phone",
        }
    }
}

/// A device's keepalives over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepaliveCounts {
    /// Sent on the registered connection.
    pub sent: u64,
    /// Of these, not acknowledged in time.
    pub missed: u64,
    /// Gaps in which the CallManager did not acknowledge.
    pub callmanager_gaps: u32,
    /// Gaps in which the phone was silent.
    pub phone_gaps: u32,
    /// The gap that is open now.
    pub open_gap: Option<OpenGap>,
}

impl KeepaliveCounts {
    /// Gaps in one direction.
    pub const fn gaps(&self, direction: GapDirection) -> u32 {
        match direction {
            GapDirection::CallManager => self.callmanager_gaps,
            GapDirection::Phone => self.phone_gaps,
        }
    }
}

/// A gap that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenGap {
    /// Who fails to speak.
    pub direction: GapDirection,
    /// When the last sign of life was, or the first keepalive that stayed without acknowledgment.
    pub since: Timestamp,
}

/// Used until a `RegisterAck` tells the intervals (CallManager's defaults).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Between keepalives to the server at which the phone is registered.
    pub active: Duration,
    /// Between keepalives to the server in reserve.
    pub standby: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            active: Duration::from_secs(30),
            standby: Duration::from_secs(60),
        }
    }
}
