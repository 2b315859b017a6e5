//! Where in a frame its IP packet stands, for those who change frames and do not only read them.

use std::net::IpAddr;
use std::ops::Range;

use super::ip::IpHeader;
use super::link::{Carried, open};
use crate::record::LinkType;
use crate::wire::arp::Arp;

/// Where in a frame the payload of its IP packet stands. Found by the same code that decodes the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpPlace {
    /// The sender.
    pub source: IpAddr,
    /// The receiver.
    pub destination: IpAddr,
    /// The protocol of the payload: of a fragment, that of the whole packet.
    pub protocol: u8,
    /// Where a fragment's payload begins in that of the whole packet, in bytes; `None` where it is no fragment.
    pub fragment_offset: Option<u32>,
    /// The payload as far as it was captured, in bytes of the frame.
    pub payload: Range<usize>,
    /// Whether the frame holds all of the payload.
    pub is_whole: bool,
}

impl IpPlace {
    /// The place in this frame; `None` where it carries no IP packet, or none whose header can be read.
    pub fn of(link: LinkType, frame: &[u8]) -> Option<Self> {
        let Carried::Ip(packet) = open(link, frame).ok()?.carried else {
            return None;
        };
        let header = IpHeader::parse(packet).ok()?;
        // A payload that is empty stands where the packet ends.
        let payload = range_in(frame, header.payload).or_else(|| {
            let end = range_in(frame, packet)?.end;
            header.payload.is_empty().then_some(end..end)
        })?;
        Some(Self {
            source: header.source,
            destination: header.destination,
            protocol: header.protocol,
            fragment_offset: header.fragment.map(|fragment| fragment.offset),
            payload,
            is_whole: header.missing == 0,
        })
    }
}

/// Where the ARP message of a frame ends; `None` where it carries none.
pub fn arp_end(link: LinkType, frame: &[u8]) -> Option<usize> {
    let Carried::Arp(message) = open(link, frame).ok()?.carried else {
        return None;
    };
    range_in(frame, message)?.start.checked_add(Arp::LENGTH)
}

/// Where `part` stands in `whole`; `None` where it is not a part of it.
pub fn range_in(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let begin = part
        .as_ptr()
        .addr()
        .checked_sub(whole.as_ptr().addr())
        .filter(|begin| *begin <= whole.len())?;
    let end = begin.checked_add(part.len())?;
    (end <= whole.len()).then_some(begin..end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use std::net::Ipv4Addr;

    use super::*;
    use crate::net::MacAddr;
    use crate::wire::packet::encode::{EthernetFrame, Ipv4};
    use crate::wire::packet::{Content, Transport, decode};

    #[test]
    fn the_payload_stands_where_the_decoder_reads_it() {
        let ip = Ipv4::new(Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::new(10, 0, 0, 180));
        let link = EthernetFrame::new(MacAddr([2; 6]), MacAddr([4; 6]));
        for link in [link, link.vlan(7), link.vlan(7).vlan(8)] {
            let mut frame = link.udp(&ip, 1000, 69, b"ab");
            let end = frame.len();
            frame.extend([9; 18]);
            let place = IpPlace::of(LinkType::Ethernet, &frame).unwrap();
            assert_eq!(place.payload, end - 10..end);
            assert!(place.is_whole && place.fragment_offset.is_none());
            let Content::Ip(packet) = decode(LinkType::Ethernet, &frame).unwrap().content else {
                panic!("{frame:?}");
            };
            let Transport::Udp(datagram) = packet.transport else {
                panic!("{packet:?}");
            };
            assert_eq!(range_in(&frame, datagram.payload), Some(end - 2..end));

            let cut = IpPlace::of(LinkType::Ethernet, &frame[..end - 1]).unwrap();
            assert_eq!((cut.payload, cut.is_whole), (end - 10..end - 1, false));
        }
        let arp = link.frame(0x0806, &[0; 28]);
        assert_eq!(IpPlace::of(LinkType::Ethernet, &arp), None);
        assert_eq!(arp_end(LinkType::Ethernet, &arp), Some(14 + 28));
    }

    #[test]
    fn what_is_no_part_has_no_place() {
        let whole = [1, 2, 3, 4];
        assert_eq!(range_in(&whole, &whole[1..3]), Some(1..3));
        assert_eq!(range_in(&whole, &whole[4..]), Some(4..4));
        assert_eq!(range_in(&whole[1..], &whole), None);
        assert_eq!(range_in(&whole[..2], &whole[1..]), None);
    }
}
