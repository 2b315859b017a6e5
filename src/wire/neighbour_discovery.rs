//! Neighbour discovery (RFC 4861 sections 4.3 and 4.4): which hardware address claims which IPv6 address.
//!
//! ```text
//! ICMPv6 type[1] code[1] checksum[2] | flags[4] | target[16] | options: type[1], length in eights of bytes[1], value
//! ```

use std::fmt;
use std::net::Ipv6Addr;

use super::{DecodeError, Reader};
use crate::net::MacAddr;

/// A question for, or an answer about, who has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NeighbourDiscovery {
    /// Which of the two it is.
    pub kind: NeighbourKind,
    /// The address that is asked for, or that the answer is about.
    pub target: Ipv6Addr,
    /// The hardware address in the option: in a question the sender's own, in an answer that of the target.
    pub mac: Option<MacAddr>,
}

/// What a message of neighbour discovery does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeighbourKind {
    /// Who has the target address? (135)
    Solicitation,
    /// The target address is here. (136)
    Advertisement {
        /// Whether the one who says so is a router.
        router: bool,
    },
}

/// The ICMPv6 type of a neighbour solicitation.
pub const SOLICITATION: u8 = 135;
/// The ICMPv6 type of a neighbour advertisement.
pub const ADVERTISEMENT: u8 = 136;

impl NeighbourDiscovery {
    /// Reads a message of ICMPv6 from its type on; `None` where it is of another type.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        const SOURCE_LINK_LAYER: u8 = 1;
        const TARGET_LINK_LAYER: u8 = 2;

        let mut reader = Reader::new(bytes);
        let number = reader.u8("ICMPv6 type")?;
        let wanted = match number {
            SOLICITATION => SOURCE_LINK_LAYER,
            ADVERTISEMENT => TARGET_LINK_LAYER,
            _ => return Ok(None),
        };
        reader.take("ICMPv6 code and checksum", 3)?;
        let [flags, ..] = reader.array::<4>("neighbour discovery flags")?;
        let target = reader.ipv6("neighbour discovery target")?;
        if target.is_multicast() {
            return Err(DecodeError::Malformed {
                field: "neighbour discovery target",
            });
        }
        Ok(Some(Self {
            kind: if number == SOLICITATION {
                NeighbourKind::Solicitation
            } else {
                NeighbourKind::Advertisement {
                    router: flags & 0x80 != 0,
                }
            },
            target,
            mac: link_layer_address(wanted, reader),
        }))
    }
}

/// The hardware address in the first option of this type. One of length zero or one that is cut ends the options.
fn link_layer_address(wanted: u8, mut reader: Reader<'_>) -> Option<MacAddr> {
    loop {
        let number = reader.u8("neighbour discovery option").ok()?;
        let eights = usize::from(reader.u8("neighbour discovery option length").ok()?);
        let length = eights.saturating_mul(8).checked_sub(2)?;
        let mut value = reader.sub("neighbour discovery option", length).ok()?;
        if number == wanted && length == 6 {
            return value.mac("link-layer address").ok();
        }
    }
}

impl fmt::Display for NeighbourDiscovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target;
        match (self.kind, self.mac) {
            (NeighbourKind::Solicitation, Some(mac)) => {
                write!(
                    formatter,
                    "neighbour discovery: {mac} asks who has {target}"
                )
            }
            // Who has an address already tells its hardware address when it asks.
            (NeighbourKind::Solicitation, None) => {
                write!(formatter, "neighbour discovery: who has {target}?")
            }
            (NeighbourKind::Advertisement { .. }, Some(mac)) => {
                write!(formatter, "neighbour discovery: {target} is at {mac}")
            }
            (NeighbourKind::Advertisement { .. }, None) => {
                write!(formatter, "neighbour discovery: {target} is here")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use proptest::prelude::*;

    const MAC: MacAddr = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
    const TARGET: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 7);

    /// A solicited answer for `fd00::7`, with the target's hardware address.
    const ANSWER: [u8; 32] = [
        136, 0, 0, 0, 0x60, 0, 0, 0, // type, code, checksum, flags
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, // target
        2, 1, 0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f, // target link-layer address
    ];

    fn read(bytes: &[u8]) -> NeighbourDiscovery {
        NeighbourDiscovery::parse(bytes).unwrap().unwrap()
    }

    #[test]
    fn reads_an_answer_and_a_question() {
        let answer = read(&ANSWER);
        assert_eq!(
            answer,
            NeighbourDiscovery {
                kind: NeighbourKind::Advertisement { router: false },
                target: TARGET,
                mac: Some(MAC),
            }
        );
        assert_eq!(
            answer.to_string(),
            "neighbour discovery: fd00::7 is at 00:13:80:ad:9e:5f"
        );
        let mut bytes = ANSWER;
        bytes[4] = 0xe0;
        assert_eq!(
            read(&bytes).kind,
            NeighbourKind::Advertisement { router: true }
        );
        (bytes[0], bytes[4], bytes[24]) = (135, 0, 1);
        let question = read(&bytes);
        assert_eq!(question.mac, Some(MAC));
        assert_eq!(
            question.to_string(),
            "neighbour discovery: 00:13:80:ad:9e:5f asks who has fd00::7"
        );
        assert_eq!(
            read(&bytes[..24]).to_string(),
            "neighbour discovery: who has fd00::7?"
        );
        bytes[0] = 134;
        assert_eq!(NeighbourDiscovery::parse(&bytes), Ok(None));
    }

    #[test]
    fn an_option_without_length_ends_them_and_others_are_passed_over() {
        let mut bytes = [&ANSWER[..24], &[14, 1, 0, 0, 0, 0, 0, 0], &ANSWER[24..]].concat();
        assert_eq!(read(&bytes).mac, Some(MAC));
        bytes[25] = 0;
        assert_eq!(read(&bytes).mac, None);
        // A question carries the asker's address, not that of the target.
        let mut bytes = ANSWER;
        bytes[0] = 135;
        assert_eq!(read(&bytes).mac, None);
    }

    #[test]
    fn a_cut_message_is_truncated_and_a_group_has_no_neighbour() {
        for length in 0..24 {
            let error = NeighbourDiscovery::parse(&ANSWER[..length]).unwrap_err();
            assert_eq!(error.reason(), "truncated", "{length}");
        }
        let mut bytes = ANSWER;
        bytes[8] = 0xff;
        let error = NeighbourDiscovery::parse(&bytes).unwrap_err();
        assert_eq!(error.reason(), "malformed");
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_message_or_an_error(
            kind in 135_u8..137,
            bytes in proptest::collection::vec(any::<u8>(), 0..96),
        ) {
            let bytes = [&[kind], &bytes[..]].concat();
            if let Ok(Some(message)) = NeighbourDiscovery::parse(&bytes) {
                prop_assert!(!message.to_string().is_empty());
            }
        }
    }
}
