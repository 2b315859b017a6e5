//! ICMP errors (RFC 792, RFC 4443): a server or router says that a phone's packet did not arrive.
//!
//! Of both versions "destination unreachable" is read further: it quotes the packet it is about, so that a refused TFTP,
//! DNS or CallManager port can be charged to the right conversation. Of ICMPv6, neighbour discovery is read too.

use std::fmt;
use std::net::SocketAddr;

use super::neighbour_discovery::NeighbourDiscovery;
use super::packet::IpHeader;
use super::{DecodeError, Reader};

/// One ICMP message of either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpMessage {
    /// A packet could not be delivered.
    Unreachable(Unreachable),
    /// Who has an IPv6 address.
    Neighbour(NeighbourDiscovery),
    /// Any other message.
    Other {
        /// The message type of its version.
        kind: u8,
        /// The code within that type.
        code: u8,
    },
}

/// Why a packet could not be delivered, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unreachable {
    /// The reason.
    pub code: UnreachableCode,
    /// The conversation of the packet that is quoted, where the quote reaches as far as its ports.
    pub original: Option<OriginalFlow>,
}

/// Whose packet an ICMP error quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OriginalFlow {
    /// The IP protocol: 6 TCP, 17 UDP.
    pub protocol: u8,
    /// Who had sent it; port 0 where the protocol has no ports.
    pub source: SocketAddr,
    /// Whom it did not reach; port 0 where the protocol has no ports.
    pub destination: SocketAddr,
}

/// Why a destination is unreachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum UnreachableCode {
    /// No route to the network (ICMP 0, ICMPv6 0).
    Net,
    /// The host does not answer on its link (ICMP 1, ICMPv6 3).
    Host,
    /// The host does not speak the protocol (ICMP 2).
    Protocol,
    /// Nobody listens on the port (ICMP 3, ICMPv6 4).
    Port,
    /// The packet is too large and may not be fragmented (ICMP 4).
    FragmentationNeeded,
    /// A filter forbids it (ICMP 9, 10, 13, ICMPv6 1).
    AdministrativelyProhibited,
    /// Any other code of the version it came in.
    Other(u8),
}

impl UnreachableCode {
    const fn from_v4(code: u8) -> Self {
        match code {
            0 => Self::Net,
            1 => Self::Host,
            2 => Self::Protocol,
            3 => Self::Port,
            4 => Self::FragmentationNeeded,
            9 | 10 | 13 => Self::AdministrativelyProhibited,
            other => Self::Other(other),
        }
    }

    const fn from_v6(code: u8) -> Self {
        match code {
            0 => Self::Net,
            1 => Self::AdministrativelyProhibited,
            3 => Self::Host,
            4 => Self::Port,
            other => Self::Other(other),
        }
    }
}

impl IcmpMessage {
    /// Reads an ICMP message for IPv4.
    pub fn parse_v4(bytes: &[u8]) -> Result<Self, DecodeError> {
        /// RFC 792: destination unreachable.
        const UNREACHABLE: u8 = 3;
        Self::parse(bytes, UNREACHABLE, UnreachableCode::from_v4)
    }

    /// Reads an ICMP message for IPv6.
    pub fn parse_v6(bytes: &[u8]) -> Result<Self, DecodeError> {
        /// RFC 4443 section 3.1: destination unreachable.
        const UNREACHABLE: u8 = 1;
        if let Some(message) = NeighbourDiscovery::parse(bytes)? {
            return Ok(Self::Neighbour(message));
        }
        Self::parse(bytes, UNREACHABLE, UnreachableCode::from_v6)
    }

    fn parse(
        bytes: &[u8],
        unreachable: u8,
        reason: fn(u8) -> UnreachableCode,
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8("ICMP type")?;
        let code = reader.u8("ICMP code")?;
        if kind != unreachable {
            return Ok(Self::Other { kind, code });
        }
        // Checksum, and four bytes that are unused or hold a next-hop MTU.
        reader.take_up_to(6);
        Ok(Self::Unreachable(Unreachable {
            code: reason(code),
            original: original_flow(reader.rest()),
        }))
    }
}

/// The flow of a quoted packet: its IP header and at least eight bytes, both often cut (RFC 1812 section 4.3.2.3).
fn original_flow(quote: &[u8]) -> Option<OriginalFlow> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;

    let ip = IpHeader::parse(quote).ok()?;
    let (source_port, destination_port) = match ip.protocol {
        // The ports are in the first fragment alone.
        TCP | UDP if ip.fragment.is_some_and(|fragment| fragment.offset > 0) => return None,
        TCP | UDP => {
            let mut reader = Reader::new(ip.payload);
            (
                reader.u16_be("quoted source port").ok()?,
                reader.u16_be("quoted destination port").ok()?,
            )
        }
        _ => (0, 0),
    };
    Some(OriginalFlow {
        protocol: ip.protocol,
        source: SocketAddr::new(ip.source, source_port),
        destination: SocketAddr::new(ip.destination, destination_port),
    })
}

impl fmt::Display for UnreachableCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Net => "network unreachable",
            Self::Host => "host unreachable",
            Self::Protocol => "protocol unreachable",
            Self::Port => "port unreachable",
            Self::FragmentationNeeded => "fragmentation needed",
            Self::AdministrativelyProhibited => "administratively prohibited",
            Self::Other(code) => return write!(formatter, "unreachable (code {code})"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use proptest::prelude::*;

    /// Port unreachable about UDP 10.1.2.3:51000 -> 10.0.0.180:69.
    const PORT_UNREACHABLE: [u8; 36] = [
        3, 3, 0, 0, 0, 0, 0, 0, // type, code, checksum, unused
        0x45, 0, 0, 50, 0, 1, 0, 0, 64, 17, 0, 0, // IPv4, 50 bytes in all, UDP
        10, 1, 2, 3, 10, 0, 0, 180, // addresses
        0xc7, 0x38, 0, 69, 0, 30, 0, 0, // UDP header
    ];

    fn flow(source: &str, destination: &str) -> OriginalFlow {
        OriginalFlow {
            protocol: 17,
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
        }
    }

    #[test]
    fn a_refused_port_names_the_conversation() {
        assert_eq!(
            IcmpMessage::parse_v4(&PORT_UNREACHABLE),
            Ok(IcmpMessage::Unreachable(Unreachable {
                code: UnreachableCode::Port,
                original: Some(flow("10.1.2.3:51000", "10.0.0.180:69")),
            }))
        );
    }

    #[test]
    fn ipv6_has_its_own_numbers() {
        let mut bytes = vec![1, 4, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 30, 17, 64];
        bytes.extend_from_slice(&[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend_from_slice(&[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        bytes.extend_from_slice(&[0xc7, 0x38, 0, 69]);
        assert_eq!(
            IcmpMessage::parse_v6(&bytes),
            Ok(IcmpMessage::Unreachable(Unreachable {
                code: UnreachableCode::Port,
                original: Some(flow("[fd00::1]:51000", "[fd00::2]:69")),
            }))
        );
        assert_eq!(
            IcmpMessage::parse_v4(&bytes),
            Ok(IcmpMessage::Other { kind: 1, code: 4 })
        );
    }

    #[test]
    fn a_quote_cut_before_its_ports_leaves_the_reason() {
        for length in 2..32 {
            assert_eq!(
                IcmpMessage::parse_v4(&PORT_UNREACHABLE[..length]),
                Ok(IcmpMessage::Unreachable(Unreachable {
                    code: UnreachableCode::Port,
                    original: None,
                })),
                "{length}"
            );
        }
        assert!(IcmpMessage::parse_v4(&PORT_UNREACHABLE[..1]).is_err());
    }

    #[test]
    fn a_quoted_later_fragment_has_no_ports() {
        let mut bytes = PORT_UNREACHABLE;
        bytes[15] = 1;
        assert_eq!(
            IcmpMessage::parse_v4(&bytes),
            Ok(IcmpMessage::Unreachable(Unreachable {
                code: UnreachableCode::Port,
                original: None,
            }))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_message_or_an_error(
            kind in prop_oneof![Just(1_u8), Just(3), Just(135), any::<u8>()],
            rest in proptest::collection::vec(any::<u8>(), 0..96),
            version in prop_oneof![Just(0x45_u8), Just(0x60), any::<u8>()],
        ) {
            let mut bytes = vec![kind];
            bytes.extend(rest);
            if let Some(byte) = bytes.get_mut(8) {
                *byte = version;
            }
            prop_assert_eq!(IcmpMessage::parse_v4(&bytes).is_ok(), bytes.len() >= 2);
            // Neighbour discovery is about the one address that it has.
            let is_whole = match kind {
                135 | 136 => bytes.len() >= 24 && bytes[8] != 0xff,
                _ => bytes.len() >= 2,
            };
            prop_assert_eq!(IcmpMessage::parse_v6(&bytes).is_ok(), is_whole);
        }
    }
}
