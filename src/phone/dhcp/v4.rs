//! What the messages of DHCP for IPv4 are to the tracker (RFC 2131).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{Asked, DhcpThreshold, DhcpTracker, Heard, Kind, Lease, Offer, Question, RequestState};
use crate::time::Timestamp;
use crate::wire::dhcp::{Dhcp, MessageType};

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
            Kind::Discover | Kind::Request(_) | Kind::Inform | Kind::Release => {
                own.or_else(|| dhcp.requested_address())
            }
        };
        let question = Question {
            kind,
            transaction: dhcp.transaction,
            address: address.map(IpAddr::V4),
            server: dhcp.server_identifier().map(IpAddr::V4),
        };
        self.note(&question, heard, threshold)
    }

    /// A server's OFFER.
    pub fn offered(&mut self, dhcp: &Dhcp<'_>, at: Timestamp) {
        self.note_offer(dhcp.transaction, Offer::of(dhcp, at));
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

    /// A server's NAK: the client has to begin anew.
    pub fn refused(&mut self, dhcp: &Dhcp<'_>, at: Timestamp) {
        let server = dhcp.server_identifier().map(IpAddr::V4);
        self.note_refusal(dhcp.transaction, server, dhcp.reason(), at);
    }
}

/// What the copies of one message before and after a relay have in common, and where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
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
    // The option that names the server may be among those that the capture cut.
    if dhcp.server_identifier().is_none() && dhcp.anomalies.options_incomplete() {
        return None;
    }
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
