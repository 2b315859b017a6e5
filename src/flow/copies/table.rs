//! The table of the packets that were seen within the window.

use std::time::Duration;

use crate::time::Timestamp;

/// The hashes of the packets of the last moments.
///
/// The table is 4-way set-associative: a packet's hash names a set, and in it one that is too old to matter makes room.
/// Where all of a set are still needed, the table becomes twice as large, so that it is as small as the feed lets it be
/// and stays in the processor's cache: each look at it would wait for memory otherwise. Only where it is as large as it
/// may be does one that was needed make way, the farthest in time; a copy then passes unseen, and
/// [`Table::overflowed`] counts.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// In nanoseconds: a duration is two numbers, and costs a division each time.
    window: u64,
    /// A power of two of them.
    sets: Vec<[Entry; WAYS]>,
    most_sets: usize,
    overflowed: u64,
}

/// How many entries share a set: one cache line.
const WAYS: usize = 4;

/// The hash of a packet and when it was seen; hash 0 is an empty entry.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    hash: u64,
    at: Timestamp,
}

impl Entry {
    /// In nanoseconds.
    const fn distance(&self, at: Timestamp) -> u64 {
        self.at.as_nanos().abs_diff(at.as_nanos())
    }
}

impl Table {
    /// The largest table: 2^24 entries, 256 MiB.
    const MAX_CAPACITY: usize = 1 << 24;

    /// How many sets there are at first, at most: 16 KiB.
    const FIRST_SETS: usize = 256;

    pub(super) fn new(window: Duration, capacity: usize) -> Self {
        let sets = capacity
            .clamp(1, Self::MAX_CAPACITY)
            .div_ceil(WAYS)
            .next_power_of_two();
        Self {
            window: nanos(window),
            sets: vec![[Entry::default(); WAYS]; sets.min(Self::FIRST_SETS)],
            most_sets: sets,
            overflowed: 0,
        }
    }

    /// Whether the window lets nothing be a copy.
    pub(super) const fn is_closed(&self) -> bool {
        self.window == 0
    }

    pub(super) fn set_window(&mut self, window: Duration) {
        self.window = nanos(window);
    }

    /// How many entries were forgotten within their window.
    pub(super) const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    #[cfg(test)]
    pub(super) const fn sets(&self) -> usize {
        self.sets.len()
    }

    /// Whether this hash was remembered within the window before or after `at`.
    pub(super) fn knows(&mut self, hash: u64, at: Timestamp) -> bool {
        let window = self.window;
        self.set(hash)
            .iter()
            .any(|entry| entry.hash == hash && entry.distance(at) <= window)
    }

    /// Remembers the hash; false where it is known.
    pub(super) fn remember(&mut self, hash: u64, at: Timestamp) -> bool {
        let window = self.window;
        loop {
            let mut is_known = false;
            // The farthest in time rather than the oldest: a time far ahead, as a broken clock gives, must not hold its
            // place. An empty one is farther than all.
            let mut farthest = (0, None);
            for entry in self.set(hash) {
                let distance = entry.distance(at);
                is_known |= distance <= window && entry.hash == hash;
                let distance = if entry.hash == 0 { u64::MAX } else { distance };
                if distance >= farthest.0 {
                    farthest = (distance, Some(entry));
                }
            }
            if is_known {
                return false;
            }
            if let (distance, Some(entry)) = farthest
                && (distance > window || entry.hash == 0)
            {
                *entry = Entry { hash, at };
                return true;
            }
            if !self.grow() {
                self.replace_farthest(hash, at);
                return true;
            }
        }
    }

    /// Makes the table twice as large, where it may become so. All that is in it stays in it: what shared a set then
    /// shares one or two.
    #[cold]
    fn grow(&mut self) -> bool {
        if self.sets.len() >= self.most_sets {
            return false;
        }
        let larger = vec![[Entry::default(); WAYS]; self.sets.len() * 2];
        let smaller = std::mem::replace(&mut self.sets, larger);
        for entry in smaller.into_iter().flatten() {
            let set = self.set(entry.hash);
            if let Some(free) = set.iter_mut().find(|place| place.hash == 0) {
                *free = entry;
            }
        }
        true
    }

    #[cold]
    fn replace_farthest(&mut self, hash: u64, at: Timestamp) {
        let set = self.set(hash).iter_mut();
        if let Some(entry) = set.max_by_key(|entry| entry.distance(at)) {
            *entry = Entry { hash, at };
            self.overflowed += 1;
        }
    }

    /// The set of this hash.
    fn set(&mut self, hash: u64) -> &mut [Entry] {
        // The lowest bits name the set; the table is no longer than what fits into them.
        let index =
            usize::try_from(hash & u64::from(u32::MAX)).unwrap_or(0) & (self.sets.len() - 1);
        self.sets
            .get_mut(index)
            .map_or(&mut [], |set| set.as_mut_slice())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
