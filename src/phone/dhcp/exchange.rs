//! An exchange under way: what a client asks, and what was offered and not granted yet.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::RequestState;
use crate::time::Timestamp;
use crate::wire::dhcp::{Dhcp, TftpOffer};
use crate::wire::packet::VlanTags;

/// What a client has asked since it was last answered with an ACK or a NAK.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Exchange {
    /// DISCOVERs since it last took an OFFER.
    pub discovers: Asks,
    /// REQUESTs that nothing answered.
    pub requests: Asks,
    /// In which state it sent the last REQUEST.
    pub state: Option<RequestState>,
    /// The server that the last REQUEST names (option 54).
    pub server: Option<IpAddr>,
    /// OFFERs to its last DISCOVER, one for each server.
    pub offers: Vec<Offer>,
    /// The capture source on which it was last heard.
    pub source: u16,
    tags: VlanTags,
    transaction: u32,
}

/// One message that is sent again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Asks {
    /// How often.
    pub count: u32,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// Whether all were of one transaction: that is a repetition, and no other exchange went on unseen in between.
    pub is_one_transaction: bool,
    /// The latest times and transactions.
    latest: Vec<(Timestamp, u32)>,
}

/// What a server offered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Offer {
    /// When.
    pub at: Timestamp,
    /// The server (option 54); of IPv6, who sent it.
    pub server: IpAddr,
    /// The address.
    pub address: IpAddr,
    /// The routers (option 3).
    pub routers: Vec<Ipv4Addr>,
    /// What it says of TFTP.
    pub tftp: TftpOffer,
    /// The relay that it went through; unspecified where it went through none.
    pub relay: IpAddr,
    /// Whether options may be missing because the message was cut.
    pub is_incomplete: bool,
}

/// What goes without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// DISCOVERs.
    Discovers,
    /// REQUESTs of a client that has no address it may use.
    Requests,
    /// REQUESTs of a client that wants to keep its address.
    Renewals,
}

impl Exchange {
    /// OFFERs of more servers than these are not told apart.
    const OFFERS: usize = 4;

    /// A client that was silent for so long begins anew.
    const QUIET: Duration = Duration::from_secs(300);

    /// Whether this is another transaction than the last one.
    pub const fn is_another(&self, transaction: u32) -> bool {
        self.transaction != transaction
    }

    pub(super) fn discover(&mut self, transaction: u32, tags: VlanTags, at: Timestamp) {
        // A phone that was told its voice VLAN begins anew there.
        if tags != self.tags || at.since(self.discovers.last) >= Self::QUIET {
            self.discovers = Asks::default();
        }
        if tags != self.tags || transaction != self.transaction {
            self.offers.clear();
        }
        (self.tags, self.transaction) = (tags, transaction);
        self.discovers.note(transaction, at);
    }

    pub(super) fn request(&mut self, transaction: u32, state: Option<RequestState>, at: Timestamp) {
        self.discovers = Asks::default();
        let is_renewal = state.is_some_and(RequestState::is_renewal);
        let was_renewal = self.state.is_some_and(RequestState::is_renewal);
        let is_another = is_renewal && self.transaction != transaction;
        if is_renewal != was_renewal
            || is_another
            || !is_renewal && at.since(self.requests.last) >= Self::QUIET
        {
            self.requests = Asks::default();
        }
        self.state = state;
        self.transaction = transaction;
        self.requests.note(transaction, at);
    }

    /// Whether the client, which now does something else, was answered as far as it shows: a REQUEST that is not answered
    /// is sent again, and of more than one it cannot be told which was the last.
    pub fn seems_answered(&self) -> bool {
        self.discovers.count == 0 && self.requests.count > 0 && !self.requests.is_repeated()
    }

    /// Takes an OFFER. Whether it contradicts another server's.
    pub(super) fn offered(&mut self, transaction: u32, offer: Offer) -> bool {
        // The DISCOVER to which it belongs was not seen.
        if transaction != self.transaction {
            self.offers.clear();
            self.transaction = transaction;
        }
        let place = self
            .offers
            .iter()
            .position(|known| known.server == offer.server);
        if let Some(place) = place {
            self.offers.remove(place);
        }
        if self.offers.len() < Self::OFFERS {
            self.offers.push(offer);
        }
        self.offers.iter().enumerate().any(|(place, one)| {
            self.offers
                .iter()
                .skip(place + 1)
                .any(|other| one.contradicts(other))
        })
    }

    /// What goes without an answer: asked at least `times`, over at least `span`.
    pub fn unanswered(&self, times: u32, span: Duration) -> Option<(Unanswered, &Asks)> {
        let is_enough =
            |asks: &Asks| asks.count >= times.max(2) && asks.last.since(asks.first) >= span;
        if is_enough(&self.discovers) {
            return Some((Unanswered::Discovers, &self.discovers));
        }
        let is_renewal = self.state.is_some_and(RequestState::is_renewal);
        let what = if is_renewal {
            Unanswered::Renewals
        } else {
            Unanswered::Requests
        };
        is_enough(&self.requests).then_some((what, &self.requests))
    }
}

impl Asks {
    const LATEST: usize = 6;

    fn note(&mut self, transaction: u32, at: Timestamp) {
        if self.count == 0 {
            self.first = at;
        }
        self.is_one_transaction = self.count == 0
            || self.is_one_transaction
                && self
                    .latest
                    .last()
                    .is_some_and(|(_, last)| *last == transaction);
        self.count = self.count.saturating_add(1);
        self.last = at;
        if self.latest.len() >= Self::LATEST {
            self.latest.remove(1);
        }
        self.latest.push((at, transaction));
    }

    /// Whether the last one repeats the one before.
    fn is_repeated(&self) -> bool {
        let mut latest = self.latest.iter().rev().map(|(_, transaction)| transaction);
        let last = latest.next();
        last.is_some() && last == latest.next()
    }

    /// The first one and the latest, with their transactions.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, u32)> {
        self.latest.iter().copied()
    }
}

impl Offer {
    /// The offer in a message; none where it gives no address, as of a server that only adds boot options.
    pub(super) fn of(dhcp: &Dhcp<'_>, at: Timestamp) -> Option<Self> {
        if dhcp.your_address.is_unspecified() {
            return None;
        }
        Some(Self {
            at,
            server: dhcp.server_identifier()?.into(),
            address: dhcp.your_address.into(),
            routers: dhcp.routers(),
            tftp: dhcp.tftp_servers(),
            relay: dhcp.relay_address.into(),
            is_incomplete: dhcp.anomalies.options_incomplete(),
        })
    }

    /// Whether two servers of one network send the client to different routers or TFTP servers. Servers that back each
    /// other up give the same, in whatever order.
    pub fn contradicts(&self, other: &Self) -> bool {
        let is_of_another_network = self.relay != other.relay
            && !self.relay.is_unspecified()
            && !other.relay.is_unspecified();
        if is_of_another_network || self.is_incomplete || other.is_incomplete {
            return false;
        }
        let sorted = |addresses: &[Ipv4Addr]| {
            let mut addresses = addresses.to_vec();
            addresses.sort_unstable();
            addresses
        };
        let tftp = |offer: &Self| {
            let mut servers = offer.tftp.usable();
            servers.sort_unstable();
            servers
        };
        sorted(&self.routers) != sorted(&other.routers) || tftp(self) != tftp(other)
    }
}
