//! Messages as bytes: for tests, seeds and simulated phones.

use std::net::Ipv6Addr;

use super::{CISCO, MessageType, code};
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

    /// Adds the server's identifier, made of its hardware address.
    #[must_use]
    pub fn server(self, mac: MacAddr) -> Self {
        self.option(code::SERVER_ID, &[&[0, 3, 0, 1], &mac.0[..]].concat())
    }

    /// Adds the numbers of the options that the client wants (option 6).
    #[must_use]
    pub fn requested(self, numbers: &[u16]) -> Self {
        let numbers: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect();
        self.option(code::OPTION_REQUEST, &numbers)
    }

    /// Adds what the client is, in the words of this enterprise.
    #[must_use]
    pub fn vendor_class(self, enterprise: u32, class: &[u8]) -> Self {
        let length = u16::try_from(class.len()).unwrap_or(u16::MAX);
        let head = [&enterprise.to_be_bytes()[..], &length.to_be_bytes()].concat();
        self.option(code::VENDOR_CLASS, &[&head, class].concat())
    }

    /// Adds the client's name, of one label.
    #[must_use]
    pub fn client_name(self, label: &str) -> Self {
        let length = u8::try_from(label.len()).unwrap_or(0);
        self.option(
            code::CLIENT_NAME,
            &[&[0, length], label.as_bytes()].concat(),
        )
    }

    /// Adds Cisco's suboption for TFTP servers, with any value.
    #[must_use]
    pub fn tftp_servers(self, value: &[u8]) -> Self {
        let inside = Self { bytes: Vec::new() }.option(1, value);
        let value = [&CISCO.to_be_bytes()[..], &inside.bytes].concat();
        self.option(code::VENDOR_OPTIONS, &value)
    }

    /// Adds an association without an address, as a client has that wants one.
    #[must_use]
    pub fn no_address(self) -> Self {
        self.option(code::IA_NA, &[0; 12])
    }

    /// Adds an association for which the server has no address, and why.
    #[must_use]
    pub fn refused_address(self, status: u16) -> Self {
        let mut association = vec![0; 12];
        association.extend([0, 13, 0, 2]);
        association.extend(status.to_be_bytes());
        self.option(code::IA_NA, &association)
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
