//! Messages as bytes: for tests, seeds and simulated phones.

use std::net::Ipv6Addr;

use super::{MessageType, code};
use crate::net::MacAddr;

/// A message in the making.
#[derive(Clone, Debug)]
pub struct Dhcpv6Builder {
    bytes: Vec<u8>,
}

impl Dhcpv6Builder {
    /// A message without options; of the transaction the low 24 bits count.
    pub fn new(message_type: MessageType, transaction: u32) -> Self {
        let [_, high, middle, low] = transaction.to_be_bytes();
        Self {
            bytes: vec![message_type.number(), high, middle, low],
        }
    }

    /// Adds an option; what its length cannot say is left out.
    #[must_use]
    pub fn option(mut self, number: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.bytes.extend(number.to_be_bytes());
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(value.iter().take(usize::from(length)));
        self
    }

    /// Adds the client's identifier, made of its hardware address.
    #[must_use]
    pub fn client(self, mac: MacAddr) -> Self {
        self.option(code::CLIENT_ID, &[&[0, 3, 0, 1], &mac.0[..]].concat())
    }

    /// Adds an address, valid for so many seconds.
    #[must_use]
    pub fn address(self, address: Ipv6Addr, valid: u32) -> Self {
        let mut association = vec![0; 12];
        association.extend([0, 5, 0, 24]);
        association.extend(address.octets());
        association.extend(valid.to_be_bytes());
        association.extend(valid.to_be_bytes());
        self.option(code::IA_NA, &association)
    }

    /// The message as a relay wraps it on its way to the server, or as the server wraps its answer to one that a relay
    /// wrapped. `hops` is the number of relays before this one.
    #[must_use]
    pub fn relayed(self, to_server: bool, hops: u8, link: Ipv6Addr, peer: Ipv6Addr) -> Self {
        let mut bytes = vec![if to_server { 12 } else { 13 }, hops];
        bytes.extend(link.octets());
        bytes.extend(peer.octets());
        Self { bytes }.option(code::RELAY_MESSAGE, &self.bytes)
    }

    /// The bytes.
    pub fn build(self) -> Vec<u8> {
        self.bytes
    }
}
