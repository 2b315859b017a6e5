//! Simulated fleets: phones that boot, register, fail over, are refused, as frames at their times, and the truth about
//! each of them.
//!
//! ```text
//! Scenario -> acts                 acts, phone  what befalls one phone, act by act
//!   -> frames and facts            script       of one act; the next is written down when they are gone
//!   -> Fleet, by time over all     this module  one heap, so that a large fleet needs little memory
//!   -> Mirror                      mirror       with calls, in the form in which a mirror port shows it
//!   -> frames                      a file, or an engine
//!   -> facts                       truth        what an observer of the frames should find
//! ```
//!
//! The same plan gives the same bytes: numbers come from its seed, and there is no clock. The truth is counted from what
//! each phone does, never from what the engine makes of it.

mod acts;
mod boot;
mod calls;
mod connection;
mod dhcpv6;
mod failover;
mod headers;
mod ipv6;
mod keepalives;
mod mirror;
mod nat;
mod outage;
mod phone;
mod random;
mod rejects;
mod router;
mod scenario;
mod script;
mod sessions;
mod signalling;
mod speed;
mod together;
mod truth;
mod tunnel;
mod view;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::net::MacAddr;
use crate::time::Timestamp;
use phone::SimulatedPhone;
use random::Random;
use script::{Host, Item, Script};

pub use mirror::Mirror;
pub use scenario::{ParseShareError, Scenario, Share};
pub use speed::{ParseSpeedError, Speed};
pub use truth::{FleetTruth, Gaps, PhoneTruth, ServerFinding, Stage, Totals};
pub use view::{Erspan, ParseViewError, Percent, Side, View, Vlans};

/// When every simulation begins: 2026-01-05T08:00:00Z, a Monday.
pub const BEGIN: Timestamp = Timestamp::from_secs(1_767_600_000);

/// What is to be simulated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What befalls the phones, in which proportion.
    pub shares: Vec<Share>,
    /// How many phones there are.
    pub phones: u32,
    /// How long it lasts.
    pub length: Duration,
    /// Where the random numbers begin.
    pub seed: u64,
}

impl Plan {
    /// What befalls the phone of this number: every weight gets its part of any row of phones, as evenly as it goes.
    fn scenario(&self, number: u32) -> Option<Scenario> {
        let total: u64 = self
            .shares
            .iter()
            .map(|share| u64::from(share.weight))
            .sum();
        // A step that shares no divisor with the total visits every place once, so that kinds do not stand in blocks.
        let step = (0..total)
            .map(|more| total / 2 + 1 + more)
            .find(|step| greatest_common_divisor(*step, total) == 1)?;
        let mut place = (u64::from(number) * step).checked_rem(total)?;
        self.shares.iter().find_map(|share| {
            let weight = u64::from(share.weight);
            if place < weight {
                return Some(share.scenario);
            }
            place -= weight;
            None
        })
    }
}

fn greatest_common_divisor(first: u64, second: u64) -> u64 {
    match first.checked_rem(second) {
        Some(rest) => greatest_common_divisor(second, rest),
        None => first,
    }
}

/// A fleet in motion: gives its frames in the order of their time.
#[derive(Debug)]
pub struct Fleet {
    phones: Vec<SimulatedPhone>,
    background: Background,
    /// When each phone does something next, by its number; the background has the number behind the last.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
    end: Timestamp,
}

/// One frame of a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetFrame {
    /// When it is on the wire.
    pub at: Timestamp,
    /// The whole Ethernet frame.
    pub bytes: Vec<u8>,
}

impl Fleet {
    /// The fleet of this plan, before its first frame.
    pub fn new(plan: &Plan) -> Self {
        let span = (BEGIN, plan.length);
        let phones: Vec<SimulatedPhone> = (0..plan.phones)
            .filter_map(|number| {
                let scenario = plan.scenario(number)?;
                Some(SimulatedPhone::new(number, scenario, plan.seed, span))
            })
            .collect();
        let mut fleet = Self {
            background: Background::new(plan.seed),
            next: BinaryHeap::with_capacity(phones.len() + 1),
            phones,
            end: BEGIN + plan.length,
        };
        for number in 0..=fleet.phones.len() {
            fleet.schedule(number);
        }
        fleet
    }

    /// When the simulation ends.
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// What was true at the end; complete once all frames were taken.
    pub fn truth(self) -> FleetTruth {
        FleetTruth::new(self.phones.into_iter().map(|phone| phone.truth).collect())
    }

    /// Enters the time at which this phone does something next, unless that is behind the end.
    fn schedule(&mut self, number: usize) {
        let at = match self.phones.get_mut(number) {
            Some(phone) => phone.next_at(self.end),
            None => Some(self.background.next_at()),
        };
        if let Some(at) = at.filter(|at| *at <= self.end) {
            self.next.push(Reverse((at, number)));
        }
    }
}

impl Iterator for Fleet {
    type Item = FleetFrame;

    fn next(&mut self) -> Option<FleetFrame> {
        loop {
            let Reverse((_, number)) = self.next.pop()?;
            let phone = self.phones.get_mut(number);
            let script = match phone {
                Some(phone) => &mut phone.script,
                None => &mut self.background.script,
            };
            let item = script.items.pop_front();
            let frame = match item {
                Some(Item::Frame(at, bytes)) => Some(FleetFrame { at, bytes }),
                Some(Item::Fact(_, fact)) => {
                    if let Some(phone) = self.phones.get_mut(number) {
                        phone.truth.take(fact);
                    }
                    None
                }
                None => None,
            };
            self.schedule(number);
            if frame.is_some() {
                return frame;
            }
        }
    }
}

impl SimulatedPhone {
    /// When its next item is due; `None` where none comes before the end.
    fn next_at(&mut self, end: Timestamp) -> Option<Timestamp> {
        loop {
            if let Some(item) = self.script.items.front() {
                return Some(item.at());
            }
            if self.script.now > end || !self.play() {
                return None;
            }
        }
    }
}

/// What is never silent at a mirror port: an observer that hears nothing at all, or no answer to anyone, rightly concludes
/// nothing. Two servers ask each other for the time every second, and one of them fetches a file every minute.
#[derive(Debug)]
struct Background {
    script: Script,
    seconds: u64,
}

impl Background {
    fn new(seed: u64) -> Self {
        Self {
            script: Script::new(BEGIN, Random::of(seed, u64::MAX)),
            seconds: 0,
        }
    }

    fn next_at(&mut self) -> Timestamp {
        if self.script.items.is_empty() {
            self.time();
            if self.seconds.is_multiple_of(60) {
                boot::renew(&mut self.script, &COMPUTER);
                boot::fetch(&mut self.script, &SERVERS[1], "network-confg", b"end\n");
            }
            self.seconds += 1;
            self.script.at(BEGIN + Duration::from_secs(self.seconds));
        }
        self.script.items.front().map_or(self.script.now, Item::at)
    }

    fn time(&mut self) {
        const NTP: u16 = 123;
        const VERSION_4_CLIENT: u8 = 0x23;
        const VERSION_4_SERVER: u8 = 0x24;
        let [asks, answers] = &SERVERS;
        let message = |first| {
            let mut bytes = [0; 48];
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            bytes
        };
        let script = &mut self.script;
        script.udp((asks, NTP), (answers, NTP), &message(VERSION_4_CLIENT));
        script.udp((answers, NTP), (asks, NTP), &message(VERSION_4_SERVER));
    }
}

/// A computer that asks DHCP whether it may keep its address.
const COMPUTER: Host = Host::phone(
    MacAddr([0x00, 0x1B, 0x21, 0x00, 0x00, 0x01]),
    Ipv4Addr::new(10, 63, 255, 1),
);

/// Those that are heard in the background.
const SERVERS: [Host; 2] = [Host::server(21), Host::server(22)];
