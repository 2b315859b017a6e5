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

/// The devices, when it was inferred, and where each was registered before.
#[derive(Default)]
pub(super) struct LastInferred(VecDeque<(DeviceId, Timestamp, Option<IpAddr>)>);

impl LastInferred {
    /// A registration of this device is inferred, which was last registered with `before`.
    pub(super) fn note(&mut self, id: DeviceId, before: Option<IpAddr>, at: Timestamp) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((id, at, before));
    }

    /// Where this device was registered before its registration was inferred, if that was a moment before `now`.
    pub(super) fn before(&self, id: DeviceId, now: Timestamp) -> Option<Option<IpAddr>> {
        let mut latest = self.0.iter().rev();
        let (_, at, before) = latest.find(|(known, ..)| *known == id)?;
        (now.distance(*at) <= OVERTAKEN).then_some(*before)
    }
}
