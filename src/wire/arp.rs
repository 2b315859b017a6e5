//! ARP for IPv4 over Ethernet (RFC 826, RFC 5227): which hardware address claims which IP address.

use std::fmt;
use std::net::Ipv4Addr;

use super::{DecodeError, Reader};
use crate::net::MacAddr;

/// One ARP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arp {
    /// What is asked or said.
    pub operation: ArpOperation,
    /// Who speaks.
    pub sender_mac: MacAddr,
    /// The address the speaker claims; 0.0.0.0 in a probe, which claims none yet.
    pub sender_address: Ipv4Addr,
    /// Who is spoken to; all zeros in most requests.
    pub target_mac: MacAddr,
    /// The address that is asked for.
    pub target_address: Ipv4Addr,
}

impl Arp {
    /// The bytes of a message for IPv4 over Ethernet.
    pub const LENGTH: usize = 28;

    /// Reads a message from its hardware type on; padding may follow.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let hardware = reader.u16_be("ARP hardware type")?;
        // 1 is Ethernet; 6 is IEEE 802, which some stacks write for the same thing.
        if hardware != ETHERNET && hardware != IEEE_802 {
            return Err(DecodeError::Malformed {
                field: "ARP hardware type",
            });
        }
        if reader.u16_be("ARP protocol type")? != IPV4 {
            return Err(DecodeError::Malformed {
                field: "ARP protocol type",
            });
        }
        if reader.array("ARP address lengths")? != ADDRESS_LENGTHS {
            return Err(DecodeError::Malformed {
                field: "ARP address lengths",
            });
        }
        Ok(Self {
            operation: ArpOperation::from_code(reader.u16_be("ARP operation")?),
            sender_mac: reader.mac("ARP sender hardware address")?,
            sender_address: reader.ipv4("ARP sender address")?,
            target_mac: reader.mac("ARP target hardware address")?,
            target_address: reader.ipv4("ARP target address")?,
        })
    }

    /// The message as bytes, without padding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.extend_from_slice(&ETHERNET.to_be_bytes());
        bytes.extend_from_slice(&IPV4.to_be_bytes());
        bytes.extend_from_slice(&ADDRESS_LENGTHS);
        bytes.extend_from_slice(&self.operation.code().to_be_bytes());
        bytes.extend_from_slice(&self.sender_mac.0);
        bytes.extend_from_slice(&self.sender_address.octets());
        bytes.extend_from_slice(&self.target_mac.0);
        bytes.extend_from_slice(&self.target_address.octets());
        bytes
    }

    /// Whether the sender announces its own address unasked (RFC 5227 section 2.3).
    pub fn is_gratuitous(&self) -> bool {
        self.sender_address == self.target_address && !self.sender_address.is_unspecified()
    }

    /// Whether the sender asks if an address is free before it takes it (RFC 5227 section 2.1.1).
    pub fn is_probe(&self) -> bool {
        self.operation == ArpOperation::Request
            && self.sender_address.is_unspecified()
            && !self.target_address.is_unspecified()
    }
}

/// What an ARP message does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArpOperation {
    /// Who has the target address? (1)
    Request,
    /// The sender address is at the sender's hardware address. (2)
    Reply,
    /// Any other number (reverse and inverse ARP).
    Other(u16),
}

impl ArpOperation {
    /// The operation with this number.
    pub const fn from_code(code: u16) -> Self {
        match code {
            1 => Self::Request,
            2 => Self::Reply,
            other => Self::Other(other),
        }
    }

    /// Its number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Request => 1,
            Self::Reply => 2,
            Self::Other(code) => code,
        }
    }
}

const ETHERNET: u16 = 1;
const IEEE_802: u16 = 6;
const IPV4: u16 = 0x0800;
/// Of a hardware address and of a protocol address, in bytes.
const ADDRESS_LENGTHS: [u8; 2] = [6, 4];

impl fmt::Display for Arp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sender_mac,
            sender_address,
            target_address,
            ..
        } = self;
        match self.operation {
            ArpOperation::Request if self.is_probe() => {
                write!(
                    formatter,
                    "ARP {sender_mac} asks whether {target_address} is free"
                )
            }
            ArpOperation::Request | ArpOperation::Reply if self.is_gratuitous() => {
                write!(formatter, "ARP {sender_mac} announces {sender_address}")
            }
            ArpOperation::Request => {
                write!(
                    formatter,
                    "ARP {sender_address} asks who has {target_address}"
                )
            }
            ArpOperation::Reply => write!(formatter, "ARP {sender_address} is at {sender_mac}"),
            ArpOperation::Other(code) => {
                write!(formatter, "ARP operation {code} from {sender_mac}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use proptest::prelude::*;

    /// A probe for 10.1.2.3 with four bytes of Ethernet padding.
    const PROBE: [u8; 32] = [
        0, 1, 8, 0, 6, 4, 0, 1, // request, Ethernet, IPv4
        0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f, 0, 0, 0, 0, // sender
        0, 0, 0, 0, 0, 0, 10, 1, 2, 3, // target
        0, 0, 0, 0,
    ];

    #[test]
    fn reads_a_probe() {
        let probe = Arp::parse(&PROBE).unwrap();
        assert_eq!(
            probe,
            Arp {
                operation: ArpOperation::Request,
                sender_mac: MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]),
                sender_address: Ipv4Addr::UNSPECIFIED,
                target_mac: MacAddr([0; 6]),
                target_address: Ipv4Addr::new(10, 1, 2, 3),
            }
        );
        assert!(probe.is_probe());
        assert!(!probe.is_gratuitous());
        assert_eq!(probe.to_bytes(), PROBE[..28]);
        assert_eq!(
            probe.to_string(),
            "ARP 00:13:80:ad:9e:5f asks whether 10.1.2.3 is free"
        );
    }

    #[test]
    fn an_announcement_names_one_address_twice() {
        let mut bytes = PROBE;
        bytes[14..18].copy_from_slice(&[10, 1, 2, 3]);
        let announcement = Arp::parse(&bytes).unwrap();
        assert!(announcement.is_gratuitous());
        assert!(!announcement.is_probe());
    }

    #[test]
    fn other_hardware_is_malformed_and_a_cut_message_truncated() {
        let mut bytes = PROBE;
        bytes[1] = 15;
        assert_eq!(Arp::parse(&bytes).unwrap_err().reason(), "malformed");
        bytes = PROBE;
        bytes[4] = 8;
        assert_eq!(Arp::parse(&bytes).unwrap_err().reason(), "malformed");
        for length in 0..28 {
            assert_eq!(
                Arp::parse(&PROBE[..length]).unwrap_err().reason(),
                "truncated"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(arp) = Arp::parse(&bytes) {
                prop_assert_eq!(Arp::parse(&arp.to_bytes()), Ok(arp));
            }
        }
    }
}
