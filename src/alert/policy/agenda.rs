//! What is to be done when.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::Timestamp;

/// At most one time for each key.
#[derive(Clone, Debug)]
pub(super) struct Agenda<K> {
    by_key: BTreeMap<K, Timestamp>,
    by_time: BTreeSet<(Timestamp, K)>,
}

impl<K: Copy + Ord> Agenda<K> {
    pub(super) const fn new() -> Self {
        Self {
            by_key: BTreeMap::new(),
            by_time: BTreeSet::new(),
        }
    }

    /// Sets when this is due, in place of any time before; `None` for never.
    pub(super) fn set(&mut self, key: K, due: Option<Timestamp>) {
        let before = match due {
            Some(due) => self.by_key.insert(key, due),
            None => self.by_key.remove(&key),
        };
        if before != due {
            if let Some(before) = before {
                self.by_time.remove(&(before, key));
            }
            if let Some(due) = due {
                self.by_time.insert((due, key));
            }
        }
    }

    /// When the first is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// Takes out the first that is due.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<K> {
        let (due, key) = *self.by_time.first()?;
        if due > now {
            return None;
        }
        self.set(key, None);
        Some(key)
    }
}
