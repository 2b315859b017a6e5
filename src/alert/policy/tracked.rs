//! A map that knows what changed in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

/// A map that knows which of its entries changed since that was last asked for. Whoever can change an entry is taken to
/// have changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tracked<K, V> {
    entries: BTreeMap<K, V>,
    changed: BTreeSet<K>,
}

impl<K: Copy + Ord, V> Tracked<K, V> {
    pub(super) const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.changed.insert(key);
        self.entries.insert(key, value);
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let value = self.entries.get_mut(key)?;
        self.changed.insert(*key);
        Some(value)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.entries.remove(key)?;
        self.changed.insert(*key);
        Some(value)
    }

    /// What changed, with what it is now; `None` where it is no more.
    pub(super) fn changes(&self) -> impl Iterator<Item = (K, Option<&V>)> {
        let changed = self.changed.iter();
        changed.map(|key| (*key, self.entries.get(key)))
    }

    /// From now on nothing has changed; `each` is given what had.
    pub(super) fn settle(&mut self, mut each: impl FnMut(&mut V)) {
        for key in std::mem::take(&mut self.changed) {
            if let Some(value) = self.entries.get_mut(&key) {
                each(value);
            }
        }
    }
}

impl<K, V> Default for Tracked<K, V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }
}

/// For looking only.
impl<K, V> Deref for Tracked<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        &self.entries
    }
}
