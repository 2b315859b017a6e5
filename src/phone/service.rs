//! What is known of a DNS or TFTP server that phones ask: whether it serves anybody.

use std::collections::BTreeSet;

use super::turned_down::TurnedDown;
use crate::time::Timestamp;

/// What a server does for phones.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum ServiceKind {
    /// It finds names.
    Dns,
    /// It has files.
    Tftp,
}

/// A server that phones asked.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Service {
    /// When it last served anybody.
    pub served: Option<Timestamp>,
    /// Whom it refused or ignored since.
    pub turned_down: Option<Box<TurnedDown>>,
    /// When its host first said, since it last served anybody, that nobody listens at its port.
    pub port_closed: Option<Timestamp>,
    /// The capture sources on which its answers were seen, at most [`Self::SOURCES`]: a later run sees them there too,
    /// though it may be long until the server is asked again.
    pub seen_on: BTreeSet<u16>,
}

impl Service {
    /// More sources are not remembered.
    pub const SOURCES: usize = 64;

    /// Its answer was seen on this source.
    pub fn note_seen(&mut self, source: u16) {
        if self.seen_on.len() < Self::SOURCES {
            self.seen_on.insert(source);
        }
    }

    /// It served somebody; whether anybody could have thought before that it does not.
    pub fn note_served(&mut self, at: Timestamp) -> bool {
        self.served = Some(at);
        self.port_closed.take().is_some() | self.turned_down.take().is_some()
    }
}
