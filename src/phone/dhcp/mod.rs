//! One phone's DHCP: what it asked, what it was given, and whether it asks too often (RFC 2131, RFC 8415).
//!
//! Both versions go through the same tracker, each of a phone's through its own. What a message of DHCP for IPv6 is to
//! it stands in `v6`.

mod exchange;
mod service;
mod trouble;
mod v6;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub use exchange::{Asks, Exchange, Offer, Unanswered};
pub use service::DhcpService;
pub use trouble::{Decline, Nak, RequestState, Trouble};
pub use v6::Reply;

use super::window::SlidingWindow;
use crate::time::Timestamp;
use crate::wire::dhcp::{Dhcp, MessageType, TftpOffer, TftpServer};
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
    last: Option<Fingerprint>,
    #[serde(skip)]
    last_answer: Option<Fingerprint>,
}

/// What the copies of one message before and after a relay have in common, and where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    at: Timestamp,
    transaction: u32,
    message_type: MessageType,
    seconds: u16,
    path: (u8, Ipv4Addr),
}

impl Fingerprint {
    fn of(dhcp: &Dhcp<'_>, message_type: MessageType, at: Timestamp) -> Self {
        Self {
            at,
            transaction: dhcp.transaction,
            message_type,
            seconds: dhcp.seconds,
            path: (dhcp.hops, dhcp.relay_address),
        }
    }

    /// A relay answers within milliseconds; a client that asks again waits a second at least (RFC 2131, section 4.1).
    const RELAY_DELAY: Duration = Duration::from_millis(900);

    fn is_relayed_copy_of(&self, first: &Self) -> bool {
        self.at.distance(first.at) < Self::RELAY_DELAY
            && (self.transaction, self.message_type, self.seconds)
                == (first.transaction, first.message_type, first.seconds)
            && self.path != first.path
    }
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
    /// A message of the client.
    pub fn asked(
        &mut self,
        dhcp: &Dhcp<'_>,
        message_type: MessageType,
        heard: Heard,
        threshold: DhcpThreshold,
    ) -> Asked {
        let at = heard.at;
        let fingerprint = Fingerprint::of(dhcp, message_type, at);
        if self
            .last
            .is_some_and(|last| fingerprint.is_relayed_copy_of(&last))
        {
            return Asked::RelayedCopy;
        }
        self.last = Some(fingerprint);
        // What is asked anew is answered anew.
        self.last_answer = None;
        let request = (message_type == MessageType::Request)
            .then(|| request_state(dhcp, heard.is_broadcast))
            .flatten();
        let kind = match message_type {
            MessageType::Discover => Kind::Discover,
            MessageType::Request => Kind::Request(request),
            MessageType::Inform => Kind::Inform,
            MessageType::Decline => Kind::Decline,
            MessageType::Release => Kind::Release,
            MessageType::Offer | MessageType::Ack | MessageType::Nak | MessageType::Unknown(_) => {
                return Asked::Options;
            }
        };
        let own = Some(dhcp.client_address).filter(|address| !address.is_unspecified());
        let address = match kind {
            Kind::Decline => dhcp.requested_address(),
            _ => own.or_else(|| dhcp.requested_address()),
        };
        let question = Question {
            kind,
            transaction: dhcp.transaction,
            address: address.map(IpAddr::V4),
            server: dhcp.server_identifier().map(IpAddr::V4),
        };
        self.note(&question, heard, threshold)
    }

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

    /// A server's OFFER.
    pub fn offered(&mut self, dhcp: &Dhcp<'_>, at: Timestamp) {
        self.note_offer(dhcp.transaction, Offer::of(dhcp, at));
    }

    fn note_offer(&mut self, transaction: u32, offer: Option<Offer>) {
        let (Some(offer), Some(exchange)) = (offer, &mut self.exchange) else {
            return;
        };
        if exchange.offered(transaction, offer) {
            let trouble: &mut Trouble = self.trouble.get_or_insert_default();
            trouble.rivals.clone_from(&exchange.offers);
        }
    }

    /// Whether a server's message is the copy of one that was seen before or after a relay. A relay may leave both the
    /// hops and its address as they were in what it passes to the client, so any second answer of one kind counts as a
    /// copy within the time that a relay takes, except where another server gives another offer.
    pub fn is_relayed_answer(
        &mut self,
        dhcp: &Dhcp<'_>,
        message_type: MessageType,
        at: Timestamp,
    ) -> bool {
        let answer = Fingerprint {
            // The server it is from stands where a request has its path.
            path: (0, dhcp.server_identifier().unwrap_or(dhcp.server_address)),
            seconds: 0,
            ..Fingerprint::of(dhcp, message_type, at)
        };
        let is_copy = self.last_answer.is_some_and(|last| {
            answer.at.distance(last.at) < Fingerprint::RELAY_DELAY
                && Fingerprint {
                    at: last.at,
                    ..answer
                } == last
        });
        if !is_copy {
            self.last_answer = Some(answer);
        }
        is_copy
    }

    /// A server's ACK; how long the exchange took, where its beginning was seen.
    pub fn acknowledged(&mut self, dhcp: &Dhcp<'_>, at: Timestamp) -> Option<Duration> {
        // The ACK to an INFORM gives options and no address (RFC 2131, section 4.3.5).
        if dhcp.your_address.is_unspecified() {
            self.note_options(dhcp.tftp_servers());
            return None;
        }
        let lease = Lease {
            at,
            address: dhcp.your_address.into(),
            server: dhcp.server_identifier().map(IpAddr::V4),
            mask: dhcp.subnet_mask(),
            routers: dhcp.routers(),
            dns_servers: dhcp.dns_servers().into_iter().map(IpAddr::V4).collect(),
            tftp: dhcp.tftp_servers(),
            duration: dhcp.lease_time(),
            is_incomplete: dhcp.anomalies.options_incomplete(),
            asked: self.asked_in(dhcp.transaction),
        };
        self.note_lease(lease)
    }

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

    /// A server's NAK: the client has to begin anew.
    pub fn refused(&mut self, dhcp: &Dhcp<'_>, at: Timestamp) {
        let server = dhcp.server_identifier().map(IpAddr::V4);
        self.note_refusal(dhcp.transaction, server, dhcp.reason(), at);
    }

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

/// In which state a REQUEST is sent, by what it fills in (RFC 2131, section 4.3.2): only a client that renews or rebinds
/// has `ciaddr`, and only one that takes an OFFER names the server.
fn request_state(dhcp: &Dhcp<'_>, is_broadcast: bool) -> Option<RequestState> {
    if !dhcp.client_address.is_unspecified() {
        return Some(if is_broadcast {
            RequestState::Rebinding
        } else {
            RequestState::Renewing
        });
    }
    dhcp.requested_address()?;
    Some(if dhcp.server_identifier().is_some() {
        RequestState::Selecting
    } else {
        RequestState::Rebooting
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::MacAddr;
    use crate::wire::dhcp::DhcpBuilder;

    const CLIENT: MacAddr = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
    const THRESHOLD: DhcpThreshold = DhcpThreshold {
        requests: 12,
        window: Duration::from_secs(600),
    };

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_nanos(milliseconds * 1_000_000)
    }

    fn ask(tracker: &mut DhcpTracker, message: &[u8], at: Timestamp) -> Asked {
        let dhcp = Dhcp::parse(message).unwrap();
        let heard = Heard {
            at,
            ..Heard::default()
        };
        tracker.asked(&dhcp, dhcp.message_type().unwrap(), heard, THRESHOLD)
    }

    #[test]
    fn the_copy_behind_a_relay_is_the_same_message_and_a_repetition_is_another() {
        let discover =
            |seconds| DhcpBuilder::new(MessageType::Discover, 7, CLIENT).seconds(seconds);
        let relay = Ipv4Addr::new(10, 1, 0, 1);
        let mut tracker = DhcpTracker::default();
        assert_eq!(
            ask(&mut tracker, &discover(0).build(), at(0)),
            Asked::Address
        );
        let relayed = discover(0).relayed_by(relay).build();
        assert_eq!(ask(&mut tracker, &relayed, at(3)), Asked::RelayedCopy);
        let again = ask(&mut tracker, &discover(0).build(), at(4_000));
        assert_eq!(again, Asked::Address, "some clients leave the seconds at 0");
        assert_eq!(
            ask(
                &mut tracker,
                &discover(4).relayed_by(relay).build(),
                at(4_003)
            ),
            Asked::Address
        );
        assert_eq!(tracker.requests, 3);
        assert_eq!(tracker.asking_since, Some(at(0)));
    }

    #[test]
    fn a_renewal_is_a_request_but_no_search_for_an_address() {
        let mut tracker = DhcpTracker::default();
        let address = Ipv4Addr::new(10, 1, 2, 3);
        let renewal = DhcpBuilder::new(MessageType::Request, 8, CLIENT).client_address(address);
        assert_eq!(ask(&mut tracker, &renewal.build(), at(0)), Asked::Renewal);
        assert_eq!((tracker.requests, tracker.asking_since), (1, None));
        let release = DhcpBuilder::new(MessageType::Release, 9, CLIENT).client_address(address);
        assert_eq!(ask(&mut tracker, &release.build(), at(1)), Asked::GaveUp);
        assert_eq!(tracker.requests, 1);
    }

    #[test]
    fn an_ack_ends_the_search_and_one_without_an_address_does_not() {
        let mut tracker = DhcpTracker::default();
        ask(
            &mut tracker,
            &DhcpBuilder::new(MessageType::Discover, 7, CLIENT).build(),
            at(0),
        );
        let ack = |address| {
            DhcpBuilder::new(MessageType::Ack, 7, CLIENT)
                .your_address(address)
                .build()
        };
        let bytes = ack(Ipv4Addr::UNSPECIFIED);
        assert_eq!(
            tracker.acknowledged(&Dhcp::parse(&bytes).unwrap(), at(1_000)),
            None
        );
        assert!(tracker.lease.is_none());
        let bytes = ack(Ipv4Addr::new(10, 1, 2, 3));
        let took = tracker.acknowledged(&Dhcp::parse(&bytes).unwrap(), at(2_000));
        assert_eq!(took, Some(Duration::from_secs(2)));
        assert_eq!(
            tracker.lease.map(|lease| lease.address),
            Some(IpAddr::from([10, 1, 2, 3]))
        );
    }

    #[test]
    fn requests_are_excessive_above_the_threshold_and_no_longer_once_they_stop() {
        let mut tracker = DhcpTracker::default();
        for number in 0..13 {
            let message = DhcpBuilder::new(MessageType::Discover, number, CLIENT).build();
            let now = at(u64::from(number) * 10_000);
            ask(&mut tracker, &message, now);
            assert_eq!(
                tracker.review(now, THRESHOLD),
                (number == 12).then_some(true),
                "{number}"
            );
        }
        tracker.set_excessive(true);
        assert_eq!(tracker.deadline(THRESHOLD), Some(at(600_000)));
        assert_eq!(tracker.review(at(599_999), THRESHOLD), None);
        assert_eq!(tracker.review(at(600_000), THRESHOLD), Some(false));
    }
}
