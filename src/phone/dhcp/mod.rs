//! One phone's DHCP: what it asked, what it was given, and whether it asks too often (RFC 2131, RFC 8415).
//!
//! Both versions go through the same tracker, each of a phone's through its own. What a message of DHCP for IPv6 is to
//! it stands in `v6`, and of the other in `v4`.

mod exchange;
mod service;
mod trouble;
mod v4;
mod v6;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub use exchange::{Asks, Exchange, Offer, Unanswered};
pub use service::DhcpService;
pub use trouble::{Decline, Nak, RequestState, Trouble};
pub use v6::Reply;

use super::window::SlidingWindow;
use crate::time::Timestamp;
use crate::wire::dhcp::{TftpOffer, TftpServer};
use crate::wire::packet::VlanTags;

/// When requests are excessive: more than `requests` within `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DhcpThreshold {
    /// How many requests are still usual.
    pub requests: u32,
    /// Within which time.
    pub window: Duration,
}

/// What a server gave with its ACK.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lease {
    /// When.
    pub at: Timestamp,
    /// The address.
    pub address: IpAddr,
    /// The server that gave it (option 54); of IPv6, who sent it.
    pub server: Option<IpAddr>,
    /// The subnet mask (option 1).
    pub mask: Option<Ipv4Addr>,
    /// The routers (option 3).
    pub routers: Vec<Ipv4Addr>,
    /// The DNS servers (option 6; 23 of IPv6).
    pub dns_servers: Vec<IpAddr>,
    /// What the phone was told of TFTP (options 150 and 66, siaddr, sname; a suboption of Cisco's in IPv6).
    pub tftp: TftpOffer,
    /// How long it lasts (option 51; of IPv6, for how long the address is valid).
    pub duration: Option<Duration>,
    /// Whether options may be missing because the message was cut.
    pub is_incomplete: bool,
    /// In which state the client asked for it; `None` where that was not seen.
    pub asked: Option<RequestState>,
}

impl Lease {
    /// Whether it should hold all that a phone needs. A renewal may leave out what the phone knows already.
    pub fn is_complete(&self) -> bool {
        !self.is_incomplete && self.asked.is_some_and(|state| !state.is_renewal())
    }
}

/// A client's DHCP as the wire shows it.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct DhcpTracker {
    /// DISCOVERs, REQUESTs and INFORMs; a relayed copy is not counted again.
    pub requests: u64,
    /// Whether it asks too often now.
    pub is_excessive: bool,
    /// How often that began.
    pub excessive_episodes: u32,
    /// The lease it holds, as far as is known.
    pub lease: Option<Box<Lease>>,
    /// The address that it was given last, whether it still has it or not.
    pub given: Option<IpAddr>,
    /// What it was told of TFTP when it asked for nothing but options.
    pub informed: Option<Box<TftpOffer>>,
    /// NAKs it was sent.
    pub naks: u32,
    /// DECLINEs it sent: somebody else uses the address.
    pub declines: u32,
    /// When the exchange under way began: the first DISCOVER or REQUEST without an ACK so far.
    pub asking_since: Option<Timestamp>,
    /// What it asks and nobody has granted yet.
    pub exchange: Option<Box<Exchange>>,
    /// What went wrong, where anything did.
    pub trouble: Option<Box<Trouble>>,
    #[serde(skip)]
    requested: Option<(u32, RequestState, Option<IpAddr>)>,
    recent: SlidingWindow,
    #[serde(skip)]
    last: Option<v4::Fingerprint>,
    #[serde(skip)]
    last_answer: Option<v4::Fingerprint>,
}

/// What a client asks, of either version.
#[derive(Clone, Copy, Debug)]
struct Question {
    kind: Kind,
    transaction: u32,
    /// The address that it has, wants or refuses.
    address: Option<IpAddr>,
    /// The server that it names.
    server: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Discover,
    /// In which state, where that can be told.
    Request(Option<RequestState>),
    Inform,
    Decline,
    Release,
}

/// How a client's message came by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// When.
    pub at: Timestamp,
    /// The capture source.
    pub source: u16,
    /// The VLAN tags of the frame.
    pub tags: VlanTags,
    /// Whether it went to everyone rather than to one server.
    pub is_broadcast: bool,
}

/// What a client's message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The copy of a message that was counted, before or after a relay.
    RelayedCopy,
    /// It begins to ask, or asks on: it has no address that it may use.
    Address,
    /// It renews the address it has.
    Renewal,
    /// It only wants options.
    Options,
    /// It refuses or returns its address.
    GaveUp,
}

impl DhcpTracker {
    /// What a client asks, of either version.
    fn note(&mut self, question: &Question, heard: Heard, threshold: DhcpThreshold) -> Asked {
        let at = heard.at;
        let state = match question.kind {
            Kind::Discover => None,
            Kind::Request(state) => state,
            Kind::Inform => {
                self.count(at, threshold);
                return Asked::Options;
            }
            Kind::Decline | Kind::Release => {
                if question.kind == Kind::Decline {
                    self.declines += 1;
                    self.trouble.get_or_insert_default().declined(Decline {
                        at,
                        address: question.address,
                        server: question.server,
                    });
                }
                self.lease = None;
                self.asking_since = None;
                self.exchange = None;
                return Asked::GaveUp;
            }
        };
        self.count(at, threshold);
        let exchange: &mut Exchange = self.exchange.get_or_insert_default();
        exchange.source = heard.source;
        if question.kind == Kind::Discover {
            exchange.discover(question.transaction, heard.tags, at);
        } else {
            exchange.request(question.transaction, state, at);
            exchange.server = question.server;
            self.requested = state.map(|state| (question.transaction, state, question.address));
        }
        if state.is_some_and(RequestState::is_renewal) {
            return Asked::Renewal;
        }
        self.asking_since.get_or_insert(at);
        Asked::Address
    }

    fn count(&mut self, at: Timestamp, threshold: DhcpThreshold) {
        self.requests += 1;
        self.recent.note(at, threshold.requests.saturating_add(1));
    }

    /// The client does what it does only with an address: what it asked was granted, though that was not seen.
    pub fn moved_on(&mut self) {
        self.exchange = None;
    }

    /// What a server offers.
    fn note_offer(&mut self, transaction: u32, offer: Option<Offer>) {
        let (Some(offer), Some(exchange)) = (offer, &mut self.exchange) else {
            return;
        };
        if exchange.offered(transaction, offer) {
            let trouble: &mut Trouble = self.trouble.get_or_insert_default();
            trouble.rivals.clone_from(&exchange.offers);
        }
    }

    /// What a server gives; how long the exchange took, where its beginning was seen.
    fn note_lease(&mut self, lease: Lease) -> Option<Duration> {
        let at = lease.at;
        self.exchange = None;
        self.given = Some(lease.address);
        self.lease = Some(Box::new(lease));
        self.asking_since.take().map(|since| at.since(since))
    }

    /// What a server tells a client that asks for nothing else.
    fn note_options(&mut self, tftp: TftpOffer) {
        if tftp.is_empty() {
            return;
        }
        if let Some(lease) = &mut self.lease
            && lease.tftp.is_empty()
        {
            lease.tftp = tftp;
        } else {
            self.informed = Some(Box::new(tftp));
        }
    }

    /// In which state the client asked in this transaction; `None` where that was not seen.
    fn asked_in(&self, transaction: u32) -> Option<RequestState> {
        let (known, state, _) = self.requested?;
        (known == transaction).then_some(state)
    }

    /// A server refuses: the client has to begin anew.
    fn note_refusal(
        &mut self,
        transaction: u32,
        server: Option<IpAddr>,
        text: Option<String>,
        at: Timestamp,
    ) {
        let asked = self.requested.filter(|(known, ..)| *known == transaction);
        let lease = self.lease.as_deref().and_then(|lease| {
            lease
                .duration
                .map(|duration| (at.since(lease.at), duration))
        });
        self.trouble.get_or_insert_default().refused(Nak {
            at,
            server,
            text: text.map(|text| text.chars().take(80).collect::<String>().into()),
            state: asked.map(|(_, state, _)| state),
            address: asked.and_then(|(_, _, address)| address),
            lease,
        });
        self.naks += 1;
        self.lease = None;
        self.exchange = None;
    }

    /// Where it was told to fetch its files, with an address and without one.
    pub fn tftp_servers(&self) -> impl Iterator<Item = TftpServer> {
        let leased = self.lease.as_deref().map(|lease| &lease.tftp);
        let informed = self.informed.as_deref();
        leased
            .into_iter()
            .chain(informed)
            .flat_map(TftpOffer::usable)
    }

    /// The latest messages by which it asked, as many as make them excessive.
    pub fn recent(&self) -> impl Iterator<Item = Timestamp> {
        self.recent.iter()
    }

    /// Whether the client asks too often at `now`, if that is news.
    pub fn review(&self, now: Timestamp, threshold: DhcpThreshold) -> Option<bool> {
        let requests = threshold.requests.saturating_add(1);
        let excessive = self.recent.reaches(requests, threshold.window, now);
        (excessive != self.is_excessive).then_some(excessive)
    }

    /// Notes that the client asks too often, or has stopped.
    pub fn set_excessive(&mut self, excessive: bool) {
        self.is_excessive = excessive;
        self.excessive_episodes += u32::from(excessive);
    }

    /// When it will no longer be excessive if nothing more is asked.
    pub fn deadline(&self, threshold: DhcpThreshold) -> Option<Timestamp> {
        self.is_excessive
            .then(|| {
                self.recent
                    .reaching_until(threshold.requests.saturating_add(1), threshold.window)
            })
            .flatten()
    }

    /// Takes over what another record of the same client counted.
    pub(super) fn absorb(&mut self, other: Self) {
        self.requests += other.requests;
        self.naks += other.naks;
        self.declines += other.declines;
        self.lease = self.lease.take().or(other.lease);
        self.given = self.given.or(other.given);
        self.informed = self.informed.take().or(other.informed);
        self.exchange = self.exchange.take().or(other.exchange);
        self.trouble = self.trouble.take().or(other.trouble);
    }
}
