//! The mirror port: a fleet's frames with what surrounds them there, and in the form in which it shows them.
//!
//! A frame goes through these in this order; each is off unless the view asks for it:
//!
//! ```text
//! one-way     the other side's frames are left out
//! nat, router the frame as it is where the mirror stands, if it gets there
//! copies      it is seen a second time, soon after
//! ipv6        everything has other addresses, and DHCP is another protocol
//! vlan        tags
//! loss        each copy may be missing
//! erspan      what is left is numbered and wrapped
//! ```
//!
//! Memory holds one frame and the copies of the last moments.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::calls::Calls;
use super::headers::{ETHER_TYPE, is_ipv4, is_to_many, untag};
use super::ipv6::{Neighbours, confirmation, over_ipv6, second_lookup};
use super::nat::Nat;
use super::random::Random;
use super::router;
use super::tunnel::Session;
use super::view::{Percent, Side, View, Vlans};
use super::{Fleet, FleetFrame, FleetTruth};
use crate::time::Timestamp;

/// A fleet as the mirror port shows it: gives the frames in the order of their time.
#[derive(Debug)]
pub struct Mirror {
    fleet: Fleet,
    calls: Calls,
    /// The fleet's next frame, and the next of all, once they are known.
    next_of_fleet: Option<FleetFrame>,
    next: Option<FleetFrame>,
    view: View,
    nat: Nat,
    neighbours: Neighbours,
    /// Frames that were seen and are not shown yet, by their time and then in the order in which they were seen.
    shown: BinaryHeap<Reverse<(Timestamp, u64, Shown)>>,
    seen: u64,
    session: Option<Session>,
    random: Random,
}

/// A frame with its tags.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    bytes: Vec<u8>,
    vlan: Option<u16>,
}

impl Mirror {
    /// The fleet in this view, before its first frame; the numbers of what surrounds it begin at `seed`.
    pub fn new(fleet: Fleet, view: &View, seed: u64) -> Self {
        Self {
            fleet,
            calls: Calls::new(view.calls, seed),
            next_of_fleet: None,
            next: None,
            view: view.clone(),
            nat: Nat::default(),
            neighbours: Neighbours::default(),
            shown: BinaryHeap::new(),
            seen: 0,
            session: view.erspan.map(Session::new),
            random: Random::of(seed, u64::MAX - 2),
        }
    }

    /// When the simulation ends.
    pub const fn end(&self) -> Timestamp {
        self.fleet.end()
    }

    /// What was true of the phones at the end; complete once all frames were taken.
    pub fn truth(self) -> FleetTruth {
        self.fleet.truth()
    }

    /// The next frame of the phones, their servers and their calls.
    fn sent(&mut self) -> Option<FleetFrame> {
        if self.next_of_fleet.is_none() {
            self.next_of_fleet = self.fleet.next();
        }
        let next = self.next_of_fleet.as_ref();
        let until = next.map_or(self.fleet.end(), |frame| frame.at);
        while self.calls.next_at().is_some_and(|at| at < until) {
            if let Some(frame) = self.calls.next(&self.fleet.phones) {
                return Some(frame);
            }
        }
        self.next_of_fleet.take()
    }

    /// The mirror sees a frame, and what goes along with it.
    fn see(&mut self, frame: FleetFrame) {
        /// So long a server takes to answer.
        const MOMENT: Duration = Duration::from_micros(700);
        let at = frame.at;
        let more = self.view.ipv6.then(|| {
            let second = second_lookup(&frame.bytes).map(|bytes| (at, bytes));
            second.or_else(|| Some((at + MOMENT, confirmation(&frame.bytes)?)))
        });
        self.see_one(frame);
        if let Some((at, bytes)) = more.flatten().filter(|(at, _)| *at <= self.end()) {
            self.see_one(FleetFrame { at, bytes });
        }
    }

    fn see_one(&mut self, mut frame: FleetFrame) {
        let sender = if router::is_from_server(&frame.bytes) {
            Side::Servers
        } else {
            Side::Phones
        };
        if self.view.one_way.is_some_and(|seen| seen != sender) {
            return;
        }
        let is_routed = self.view.nat || self.view.behind_router;
        // Neighbours are asked for on their own link alone.
        if self.view.ipv6
            && !is_routed
            && let Some(question) = self.neighbours.question(&frame.bytes)
        {
            self.show(frame.at, question, self.view.vlans);
        }
        let bytes = &mut frame.bytes;
        if is_routed {
            // What a router sends on has left the phones' VLAN.
            untag(bytes);
        }
        if self.view.nat && !self.nat.translate(bytes, frame.at) {
            return;
        }
        if is_routed && !router::route(bytes) {
            return;
        }
        if self.happens(self.view.copies) {
            self.see_again(&frame);
        }
        self.show(frame.at, frame.bytes, self.view.vlans);
    }

    /// The same on another port of the switch, or behind the next router.
    fn see_again(&mut self, frame: &FleetFrame) {
        const QUICK: Duration = Duration::from_micros(20);
        const SLOW: Duration = Duration::from_micros(1500);
        let mut bytes = frame.bytes.clone();
        let mut vlans = self.view.vlans;
        let is_routed = is_ipv4(&bytes) && !is_to_many(&bytes);
        if is_routed && self.random.below(2) == 0 {
            router::behind_the_next(&mut bytes);
            vlans = Some(Vlans {
                outer: vlans.and_then(|vlans| vlans.outer),
                inner: 77,
            });
        }
        let at = frame.at + self.random.between(QUICK, SLOW);
        if at <= self.end() {
            self.show(at, bytes, vlans);
        }
    }

    fn show(&mut self, at: Timestamp, bytes: Vec<u8>, vlans: Option<Vlans>) {
        if self.happens(self.view.loss) {
            return;
        }
        let bytes = if self.view.ipv6 {
            match over_ipv6(bytes) {
                Some(bytes) => bytes,
                None => return,
            }
        } else {
            bytes
        };
        let bytes = match vlans {
            Some(vlans) => tagged(&bytes, vlans),
            None => bytes,
        };
        let vlan = vlans.map(|vlans| vlans.inner);
        self.seen += 1;
        self.shown
            .push(Reverse((at, self.seen, Shown { bytes, vlan })));
    }

    fn happens(&mut self, share: Percent) -> bool {
        share.millionths() > 0 && self.random.below(1_000_000) < u64::from(share.millionths())
    }
}

impl Iterator for Mirror {
    type Item = FleetFrame;

    fn next(&mut self) -> Option<FleetFrame> {
        loop {
            if self.next.is_none() {
                self.next = self.sent();
            }
            let first = self.shown.peek().map(|Reverse((at, ..))| *at);
            // What is sent later is not seen earlier.
            if let Some(next) = self
                .next
                .take_if(|next| first.is_none_or(|at| next.at < at))
            {
                self.see(next);
                continue;
            }
            let Reverse((at, _, Shown { bytes, vlan })) = self.shown.pop()?;
            let bytes = match &mut self.session {
                Some(session) => session.wrap(&bytes, vlan, at),
                None => bytes,
            };
            return Some(FleetFrame { at, bytes });
        }
    }
}

/// The frame with its tags between its addresses and its EtherType.
fn tagged(frame: &[u8], vlans: Vlans) -> Vec<u8> {
    /// IEEE 802.1ad: the outer tag of two.
    const SERVICE: [u8; 2] = [0x88, 0xA8];
    const CUSTOMER: [u8; 2] = [0x81, 0x00];
    let (addresses, rest) = frame.split_at_checked(ETHER_TYPE).unwrap_or_default();
    let mut bytes = Vec::with_capacity(frame.len() + 8);
    bytes.extend(addresses);
    if let Some(outer) = vlans.outer {
        bytes.extend(SERVICE);
        bytes.extend(outer.to_be_bytes());
    }
    bytes.extend(CUSTOMER);
    bytes.extend(vlans.inner.to_be_bytes());
    bytes.extend(rest);
    bytes
}
