//! What a rule says.

use crate::finding::Conclusion;
use crate::time::Timestamp;

/// Whether a finding holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does not, and only something that happens can change that.
    No,
    /// It does not hold yet; time alone may change that, then.
    NotBefore(Timestamp),
    /// It holds until something happens.
    Holds(Box<Conclusion>),
    /// It holds, and if nothing happens it no longer does then.
    HoldsUntil(Timestamp, Box<Conclusion>),
}

impl Verdict {
    /// Whether it holds now.
    pub const fn is_positive(&self) -> bool {
        matches!(self, Self::Holds(_) | Self::HoldsUntil(_, _))
    }

    /// It may hold at `at`; not at all, if that has passed at `now` and nothing happened.
    pub fn not_before(at: Timestamp, now: Timestamp) -> Self {
        if now < at {
            Self::NotBefore(at)
        } else {
            Self::No
        }
    }

    /// It holds until something happens.
    pub fn holds(conclusion: Conclusion) -> Self {
        Self::Holds(Box::new(conclusion))
    }

    /// It holds until `until`, if that is not yet over at `now`.
    pub fn holds_until(until: Timestamp, now: Timestamp, conclusion: Conclusion) -> Self {
        if now < until {
            Self::HoldsUntil(until, Box::new(conclusion))
        } else {
            Self::No
        }
    }
}

impl From<Option<Conclusion>> for Verdict {
    fn from(conclusion: Option<Conclusion>) -> Self {
        conclusion.map_or(Self::No, Self::holds)
    }
}
