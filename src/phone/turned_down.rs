//! Whom a server turned away since it last served anybody.

use std::collections::HashMap;
use std::time::Duration;

use super::DeviceId;
use super::attempts::Outcome;
use crate::time::Timestamp;

/// How a server turned a device away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Denial {
    /// It could not connect.
    Connection(Outcome),
    /// It could, and its Register was not answered.
    NoAnswer,
    /// The server closed its session.
    Closed,
}

/// One device that was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TurnedAway {
    /// When it first was.
    pub at: Timestamp,
    /// The device.
    pub device: DeviceId,
    /// How.
    pub how: Denial,
}

/// Devices that a server turned away, each once, the first ones with their times.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct TurnedDown {
    #[serde(with = "pairs")]
    all: HashMap<DeviceId, Denial>,
    first: Vec<TurnedAway>,
    last: Timestamp,
}

impl TurnedDown {
    /// The times and names of so many are kept; the others are counted.
    const FIRST: usize = 16;

    /// More than these are not told apart.
    const MOST: usize = 1 << 17;

    /// One more device, unless it is among them already. What is worse than before replaces what was before: one whose
    /// session was closed may be refused when it comes back.
    pub fn add(&mut self, device: DeviceId, how: Denial, at: Timestamp) {
        self.last = self.last.max(at);
        if self.all.len() >= Self::MOST && !self.all.contains_key(&device) {
            return;
        }
        let known = self.all.get(&device).copied();
        if known.is_some_and(|known| known != Denial::Closed) {
            return;
        }
        self.all.insert(device, how);
        if known.is_some() {
            self.first.retain(|turned| turned.device != device);
        }
        if self.first.len() < Self::FIRST {
            self.first.push(TurnedAway { at, device, how });
        }
    }

    /// The server accepts connections: what speaks against that is over. Whether nobody is left.
    pub fn connects(&mut self) -> bool {
        self.all
            .retain(|_, how| !matches!(how, Denial::Connection(_)));
        self.first
            .retain(|turned| !matches!(turned.how, Denial::Connection(_)));
        self.all.is_empty()
    }

    /// How many there are.
    pub fn number(&self) -> usize {
        self.all.len()
    }

    /// How many were turned away in a way that speaks for itself: a session that is closed may be taken up again.
    pub fn denied(&self) -> usize {
        self.all
            .values()
            .filter(|how| **how != Denial::Closed)
            .count()
    }

    /// Whether all of them were turned away within this time.
    pub fn at_once(&self, within: Duration) -> bool {
        self.first()
            .is_some_and(|first| self.last.since(first.at) <= within)
    }

    /// The first of them.
    pub fn first(&self) -> Option<TurnedAway> {
        self.iter().min_by_key(|turned| turned.at)
    }

    /// When the last one was turned away.
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// The first few.
    pub fn iter(&self) -> impl Iterator<Item = TurnedAway> {
        self.first.iter().copied()
    }
}

/// A map whose keys are no texts, stored as a list.
mod pairs {
    use std::collections::HashMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Denial, DeviceId, TurnedDown};

    pub(super) fn serialize<S: Serializer>(
        all: &HashMap<DeviceId, Denial>,
        into: S,
    ) -> Result<S::Ok, S::Error> {
        // In one order, so that the same is stored alike.
        let mut all: Vec<_> = all.iter().collect();
        all.sort_unstable_by_key(|(device, _)| **device);
        into.collect_seq(all)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        source: D,
    ) -> Result<HashMap<DeviceId, Denial>, D::Error> {
        let all = Vec::<(DeviceId, Denial)>::deserialize(source)?;
        Ok(all.into_iter().take(TurnedDown::MOST).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_turned_away_counts_once_and_connections_clear_what_they_disprove() {
        let device = |index| DeviceId {
            index,
            generation: 0,
        };
        let at = Timestamp::from_secs;
        let refused = Denial::Connection(Outcome::Refused);
        let mut turned = TurnedDown::default();
        turned.add(device(1), Denial::Closed, at(1));
        turned.add(device(2), Denial::Closed, at(3));
        assert!(turned.at_once(Duration::from_secs(2)));
        assert_eq!((turned.number(), turned.denied()), (2, 0));
        turned.add(device(1), refused, at(9));
        turned.add(device(1), Denial::NoAnswer, at(10));
        turned.add(device(3), Denial::NoAnswer, at(11));
        assert_eq!((turned.number(), turned.denied()), (3, 2));
        assert_eq!(turned.first().map(|first| first.at), Some(at(3)));
        assert!(!turned.at_once(Duration::from_secs(2)));
        assert!(!turned.connects());
        assert_eq!((turned.number(), turned.denied()), (2, 1));
    }
}
