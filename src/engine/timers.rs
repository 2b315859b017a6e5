//! What is due when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, Timer)>>,
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
            self.heap.push(Reverse((deadline, timer)));
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// The next timer that is due at `now`, with the time it was armed for.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}
