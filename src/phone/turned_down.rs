//! Whom a server turned down since it last served anybody.

use std::collections::HashSet;

use super::DeviceId;
use crate::time::Timestamp;

/// Devices that a server refused or ignored, each once, the first ones with their times.
#[derive(Clone, Debug, Default)]
pub struct TurnedDown {
    all: HashSet<DeviceId>,
    first: Vec<(Timestamp, DeviceId)>,
    last: Timestamp,
}

impl TurnedDown {
    /// The times and names of so many are kept; the others are counted.
    const FIRST: usize = 16;

    /// More than these are not told apart.
    const MOST: usize = 1 << 17;

    /// One more device, unless it is among them already.
    pub fn add(&mut self, device: DeviceId, at: Timestamp) {
        self.last = self.last.max(at);
        if self.all.len() < Self::MOST && self.all.insert(device) && self.first.len() < Self::FIRST
        {
            self.first.push((at, device));
        }
    }

    /// How many there are.
    pub fn number(&self) -> usize {
        self.all.len()
    }

    /// The first of them.
    pub fn first(&self) -> Option<(Timestamp, DeviceId)> {
        self.first.first().copied()
    }

    /// When the last one was turned down.
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// The first few, in the order of time.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, DeviceId)> {
        self.first.iter().copied()
    }
}
