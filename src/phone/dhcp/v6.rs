//! What the messages of DHCP for IPv6 are to the tracker (RFC 8415).
//!
//! ```text
//! SOLICIT   DISCOVER                    ADVERTISE  OFFER
//! REQUEST   REQUEST that takes one      REPLY      ACK, or NAK where it says why there is no address
//! RENEW     REQUEST that renews         CONFIRM and INFORMATION-REQUEST   INFORM: an address is there already
//! REBIND    REQUEST that rebinds        DECLINE and RELEASE               the same
//! ```

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::{Asked, DhcpThreshold, DhcpTracker, Heard, Kind, Lease, Offer, Question, RequestState};
use crate::time::Timestamp;
use crate::wire::dhcpv6::{Dhcpv6, LeasedAddress, MessageType};

/// What a REPLY did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It gave an address; how long the exchange took, where its beginning was seen.
    Gave(Option<Duration>),
    /// It refused one.
    Refused,
    /// It told options, or that something was done.
    Told,
}

impl DhcpTracker {
    /// A message of the client.
    pub fn asked_v6(&mut self, dhcp: &Dhcpv6<'_>, heard: Heard, threshold: DhcpThreshold) -> Asked {
        let kind = match dhcp.message_type {
            MessageType::Solicit => Kind::Discover,
            MessageType::Request => Kind::Request(Some(RequestState::Selecting)),
            MessageType::Renew => Kind::Request(Some(RequestState::Renewing)),
            MessageType::Rebind => Kind::Request(Some(RequestState::Rebinding)),
            // A client that nobody answers keeps the address that it asks about (section 18.2.3).
            MessageType::Confirm | MessageType::InformationRequest => Kind::Inform,
            MessageType::Decline => Kind::Decline,
            MessageType::Release => Kind::Release,
            MessageType::Advertise | MessageType::Reply | MessageType::Unknown(_) => {
                return Asked::Options;
            }
        };
        let address = dhcp.addresses().first().map(|leased| leased.address);
        let question = Question {
            kind,
            transaction: dhcp.transaction,
            address: address
                .filter(|address| !address.is_unspecified())
                .map(IpAddr::V6),
            // It names the server by an identifier that is no address.
            server: None,
        };
        self.note(&question, heard, threshold)
    }

    /// A server's ADVERTISE.
    pub fn advertised(&mut self, dhcp: &Dhcpv6<'_>, from: IpAddr, at: Timestamp) {
        let relay = dhcp.relays.last().map(|relay| relay.link);
        let offer = given(dhcp).map(|leased| Offer {
            at,
            server: from,
            address: leased.address.into(),
            routers: Vec::new(),
            tftp: dhcp.tftp_servers(),
            relay: relay.unwrap_or(Ipv6Addr::UNSPECIFIED).into(),
            is_incomplete: dhcp.is_incomplete(),
        });
        self.note_offer(dhcp.transaction, offer);
    }

    /// A server's REPLY.
    pub fn replied(&mut self, dhcp: &Dhcpv6<'_>, from: IpAddr, at: Timestamp) -> Reply {
        let asked = self.asked_in(dhcp.transaction);
        if let Some(leased) = given(dhcp) {
            let dns_servers = dhcp.dns_servers().into_iter();
            return Reply::Gave(self.note_lease(Lease {
                at,
                address: leased.address.into(),
                server: Some(from),
                mask: None,
                routers: Vec::new(),
                dns_servers: dns_servers.map(IpAddr::V6).collect(),
                tftp: dhcp.tftp_servers(),
                duration: Some(Duration::from_secs(leased.valid.into())),
                is_incomplete: dhcp.is_incomplete(),
                asked,
            }));
        }
        // What is said of an address that was given back refuses nothing.
        let Some((status, text)) = dhcp.refusal().filter(|_| asked.is_some()) else {
            self.note_options(dhcp.tftp_servers());
            return Reply::Told;
        };
        let text = if text.is_empty() {
            format!("status {status}")
        } else {
            text
        };
        self.note_refusal(dhcp.transaction, Some(from), Some(text), at);
        Reply::Refused
    }
}

/// The address that a message gives; one that is valid for no time is taken back.
fn given(dhcp: &Dhcpv6<'_>) -> Option<LeasedAddress> {
    let mut leased = dhcp
        .addresses()
        .into_iter()
        .filter(|leased| leased.valid > 0);
    leased.next().filter(|_| dhcp.status() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::MacAddr;
    use crate::wire::dhcpv6::{Dhcpv6Builder, code};

    const CLIENT: MacAddr = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
    const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 7);
    const SERVER: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
    const THRESHOLD: DhcpThreshold = DhcpThreshold {
        requests: 12,
        window: Duration::from_secs(600),
    };

    fn at(second: u64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    fn message(message_type: MessageType, transaction: u32) -> Dhcpv6Builder {
        Dhcpv6Builder::new(message_type, transaction).client(CLIENT)
    }

    fn ask(tracker: &mut DhcpTracker, message: Dhcpv6Builder, second: u64) -> Asked {
        let bytes = message.build();
        let heard = Heard {
            at: at(second),
            ..Heard::default()
        };
        tracker.asked_v6(&Dhcpv6::parse(&bytes).unwrap(), heard, THRESHOLD)
    }

    fn reply(tracker: &mut DhcpTracker, message: Dhcpv6Builder, second: u64) -> Reply {
        let bytes = message.build();
        tracker.replied(&Dhcpv6::parse(&bytes).unwrap(), SERVER, at(second))
    }

    /// A tracker of a phone that was given its address for an hour in the first second.
    fn leased() -> DhcpTracker {
        let mut tracker = DhcpTracker::default();
        assert_eq!(
            ask(&mut tracker, message(MessageType::Solicit, 1), 0),
            Asked::Address
        );
        assert_eq!(
            ask(&mut tracker, message(MessageType::Request, 2), 0),
            Asked::Address
        );
        let gave = reply(
            &mut tracker,
            message(MessageType::Reply, 2).address(ADDRESS, 3600),
            1,
        );
        assert_eq!(gave, Reply::Gave(Some(Duration::from_secs(1))));
        tracker
    }

    #[test]
    fn a_reply_that_gives_an_address_is_an_ack_to_what_was_asked() {
        let tracker = leased();
        let lease = tracker.lease.as_deref().unwrap();
        assert_eq!(lease.address, IpAddr::V6(ADDRESS));
        assert_eq!(lease.asked, Some(RequestState::Selecting));
        assert!(lease.is_complete());
        assert_eq!((tracker.requests, tracker.exchange.is_none()), (2, true));
    }

    #[test]
    fn a_renewal_leaves_out_what_is_known() {
        let mut tracker = leased();
        let renew = message(MessageType::Renew, 3).address(ADDRESS, 3600);
        assert_eq!(ask(&mut tracker, renew, 1800), Asked::Renewal);
        let gave = message(MessageType::Reply, 3).address(ADDRESS, 3600);
        assert_eq!(reply(&mut tracker, gave, 1800), Reply::Gave(None));
        assert!(!tracker.lease.as_deref().unwrap().is_complete());
    }

    #[test]
    fn a_status_refuses_what_was_asked_and_nothing_else() {
        let no_binding = |transaction| {
            message(MessageType::Reply, transaction).option(code::STATUS_CODE, b"\0\x03unknown")
        };
        let mut tracker = leased();
        assert_eq!(reply(&mut tracker, no_binding(9), 1000), Reply::Told);
        assert!(tracker.lease.is_some() && tracker.naks == 0);
        ask(&mut tracker, message(MessageType::Renew, 3), 1800);
        assert_eq!(reply(&mut tracker, no_binding(3), 1800), Reply::Refused);
        let nak = tracker.trouble.as_deref().unwrap().naks.first().unwrap();
        assert_eq!(nak.state, Some(RequestState::Renewing));
        assert_eq!(nak.text.as_deref(), Some("unknown"));
        assert!(nak.is_at_half_of_the_lease());
        assert_eq!((tracker.naks, tracker.lease), (1, None));
        assert_eq!(tracker.given, Some(IpAddr::V6(ADDRESS)));
    }

    #[test]
    fn an_address_that_is_valid_for_no_time_is_none() {
        let mut tracker = DhcpTracker::default();
        ask(&mut tracker, message(MessageType::Request, 2), 0);
        let taken_back = message(MessageType::Reply, 2).address(ADDRESS, 0);
        assert_eq!(reply(&mut tracker, taken_back, 1), Reply::Told);
        assert_eq!((tracker.lease, tracker.given), (None, None));
    }

    #[test]
    fn options_alone_tell_where_the_files_are() {
        let mut tracker = DhcpTracker::default();
        let asked = ask(&mut tracker, message(MessageType::InformationRequest, 4), 0);
        assert_eq!(asked, Asked::Options);
        let option = [&[0, 0, 0, 9, 0, 1, 0, 16][..], &ADDRESS.octets()].concat();
        let told = message(MessageType::Reply, 4).option(code::VENDOR_OPTIONS, &option);
        assert_eq!(reply(&mut tracker, told, 1), Reply::Told);
        assert_eq!(tracker.tftp_servers().count(), 1);
        assert_eq!((tracker.lease, tracker.exchange), (None, None));
    }
}
