//! The registrations that were inferred last, for the moment in which their proof may still come.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use crate::phone::DeviceId;
use crate::time::Timestamp;

/// A question may come so much later than its answer, through a slower mirror port.
const OVERTAKEN: Duration = Duration::from_millis(100);

/// More are not remembered: as many are not inferred within that time but when the capture begins.
const REMEMBERED: usize = 64;

/// The last ones.
#[derive(Default)]
pub(super) struct LastInferred(VecDeque<Inferred>);

/// A registration that was inferred.
#[derive(Clone, Copy)]
pub(super) struct Inferred {
    id: DeviceId,
    at: Timestamp,
    /// With which server the device was registered before, if it was with any.
    pub(super) before: Option<IpAddr>,
}

impl LastInferred {
    /// A registration of this device is inferred, which was last registered with `before`.
    pub(super) fn note(&mut self, id: DeviceId, before: Option<IpAddr>, at: Timestamp) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(Inferred { id, at, before });
    }

    /// The registration of this device that was inferred a moment before `now`, if one was.
    pub(super) fn of(&self, id: DeviceId, now: Timestamp) -> Option<Inferred> {
        let mut latest = self.0.iter().rev();
        let inferred = latest.find(|inferred| inferred.id == id)?;
        (now.distance(inferred.at) <= OVERTAKEN).then_some(*inferred)
    }
}
