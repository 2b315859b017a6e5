//! What is due when.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::connection_table::ConnectionId;
use crate::net::Endpoint;
use crate::phone::DeviceId;
use crate::time::Timestamp;

/// Whose time has come.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Connection(ConnectionId),
    Device(DeviceId),
    /// Boxed since there are few: the others are many, and half as large without it.
    Transfer(Box<Endpoint>),
    Lookups,
    Site,
}

/// Deadlines in the order of their time.
///
/// A deadline that moves to a later time stays where it is: when it fires, its owner says that it is not due and arms
/// it anew. So a phone that speaks often costs one entry and no work, and 100,000 idle ones cost nothing.
///
/// Only the deadlines of the next span of time are kept in their exact order; what is later waits unsorted, span by
/// span. A heap of all of them would be walked from end to end for each, which is far in a large fleet.
#[derive(Default)]
pub(super) struct Timers {
    /// The deadlines up to the end of the span `near`. Empty only where there is none at all.
    next: BinaryHeap<Entry>,
    near: Span,
    later: BTreeMap<Span, Vec<Entry>>,
}

type Entry = Reverse<(Timestamp, Timer)>;

/// A second, more or less, since the epoch.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Span(u64);

impl Span {
    const fn of(at: Timestamp) -> Self {
        Self(at.as_nanos() >> 30)
    }
}

impl Timers {
    /// Sees to it that `timer` fires at `deadline` at the latest; `armed` is what its owner has armed already.
    pub(super) fn arm(
        &mut self,
        timer: Timer,
        deadline: Option<Timestamp>,
        armed: &mut Option<Timestamp>,
    ) {
        let Some(deadline) = deadline else { return };
        if armed.is_none_or(|armed| deadline < armed) {
            *armed = Some(deadline);
            self.push(deadline, timer);
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.next.peek().map(|Reverse((at, _))| *at)
    }

    /// The next timer that is due at `now`, with the time it was armed for.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        if self.next()? > now {
            return None;
        }
        let entry = self.next.pop();
        if self.next.is_empty()
            && let Some((near, entries)) = self.later.pop_first()
        {
            self.near = near;
            self.next = BinaryHeap::from(entries);
        }
        entry.map(|Reverse(entry)| entry)
    }

    fn push(&mut self, deadline: Timestamp, timer: Timer) {
        let span = Span::of(deadline);
        if self.next.is_empty() {
            self.near = span;
        }
        let entry = Reverse((deadline, timer));
        if span <= self.near {
            self.next.push(entry);
        } else {
            self.later.entry(span).or_default().push(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timers_fire_in_the_order_of_their_deadlines_whenever_they_were_armed() {
        let at = |seconds, nanoseconds| {
            Timestamp::from_secs(seconds) + Duration::from_nanos(nanoseconds)
        };
        let mut timers = Timers::default();
        let arm = |timers: &mut Timers, deadline| {
            timers.arm(Timer::Lookups, Some(deadline), &mut None);
        };
        for deadline in [at(9, 0), at(500, 2), at(500, 1), at(7, 0), at(4_000, 0)] {
            arm(&mut timers, deadline);
        }
        let fired = |timers: &mut Timers, now| timers.pop(now).map(|(armed_for, _)| armed_for);
        let now = at(600, 0);
        assert_eq!(timers.next(), Some(at(7, 0)));
        assert_eq!(fired(&mut timers, at(6, 0)), None);
        assert_eq!(fired(&mut timers, now), Some(at(7, 0)));
        // One that is earlier than the next, and one between two that wait.
        arm(&mut timers, at(1, 0));
        arm(&mut timers, at(100, 0));
        for due in [at(1, 0), at(9, 0), at(100, 0), at(500, 1), at(500, 2)] {
            assert_eq!(timers.next(), Some(due));
            assert_eq!(fired(&mut timers, now), Some(due));
        }
        assert_eq!(fired(&mut timers, now), None);
        assert_eq!(fired(&mut timers, at(4_000, 0)), Some(at(4_000, 0)));
        assert_eq!(timers.next(), None);
        arm(&mut timers, at(3, 0));
        assert_eq!(timers.next(), Some(at(3, 0)), "none were left");
    }
}
