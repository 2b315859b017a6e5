//! Counters by a label whose values are few and fixed.

/// Counts by a fixed label; the labels are string constants of this crate, so there are never many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(Vec<(&'static str, u64)>);

impl Tally {
    /// Counts one more of `label`.
    pub fn add(&mut self, label: &'static str) {
        self.add_many(label, 1);
    }

    /// Counts `number` more of `label`.
    pub fn add_many(&mut self, label: &'static str, number: u64) {
        match self.0.binary_search_by_key(&label, |entry| entry.0) {
            Ok(place) => {
                if let Some(entry) = self.0.get_mut(place) {
                    entry.1 += number;
                }
            }
            Err(place) => self.0.insert(place, (label, number)),
        }
    }

    /// How many of `label` were counted.
    pub fn count(&self, label: &str) -> u64 {
        self.iter()
            .find(|entry| entry.0 == label)
            .map_or(0, |entry| entry.1)
    }

    /// Every label that was counted, with its count, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().copied()
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.iter().map(|entry| entry.1).sum()
    }
}
