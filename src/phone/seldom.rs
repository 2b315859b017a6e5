//! Facts that most devices have none of.

use std::ops::{Deref, DerefMut};

/// Facts that read like none until one is written: until then they take the room of a pointer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seldom<T>(Option<Box<T>>);

/// Facts of which none are known.
pub trait Nothing: Default + 'static {
    /// The same as the default, for reading.
    const NOTHING: &'static Self;
}

impl<T> Default for Seldom<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> From<T> for Seldom<T> {
    fn from(facts: T) -> Self {
        Self(Some(Box::new(facts)))
    }
}

impl<T> Seldom<T> {
    /// Takes over what was known under another record, joined by `absorb` where both know something.
    pub(super) fn absorb(&mut self, other: Self, absorb: impl FnOnce(&mut T, T)) {
        match (&mut self.0, other.0) {
            (Some(own), Some(others)) => absorb(own, *others),
            (own, others) => *own = own.take().or(others),
        }
    }
}

impl<T: Nothing> Deref for Seldom<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::NOTHING)
    }
}

impl<T: Nothing> DerefMut for Seldom<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::tftp::TftpFacts;

    #[test]
    fn what_is_written_is_read_and_joined() {
        let mut own = Seldom::<TftpFacts>::default();
        assert_eq!(*own, TftpFacts::default());
        let mut other = Seldom::<TftpFacts>::default();
        other.requests += 2;
        own.absorb(other.clone(), TftpFacts::absorb);
        assert_eq!(own, other);
        own.absorb(other, TftpFacts::absorb);
        own.absorb(Seldom::default(), TftpFacts::absorb);
        assert_eq!(own.requests, 4);
    }
}
