//! Makes the bytes of a message: for tests and simulated phones.

use std::net::Ipv4Addr;

use crate::net::MacAddr;

use super::{MessageType, code};

/// A message in the making; [`Self::build`] gives its bytes.
#[derive(Clone, Debug)]
pub struct DhcpBuilder {
    op: u8,
    hops: u8,
    transaction: u32,
    seconds: u16,
    broadcast: bool,
    client_address: Ipv4Addr,
    your_address: Ipv4Addr,
    server_address: Ipv4Addr,
    relay_address: Ipv4Addr,
    hardware: MacAddr,
    server_name: Vec<u8>,
    boot_file: Vec<u8>,
    options: Vec<u8>,
}

impl DhcpBuilder {
    /// A message of this type, with nothing else in it.
    pub fn new(message_type: MessageType, transaction: u32, hardware: MacAddr) -> Self {
        let builder = Self {
            op: if message_type.is_from_client() { 1 } else { 2 },
            hops: 0,
            transaction,
            seconds: 0,
            broadcast: false,
            client_address: Ipv4Addr::UNSPECIFIED,
            your_address: Ipv4Addr::UNSPECIFIED,
            server_address: Ipv4Addr::UNSPECIFIED,
            relay_address: Ipv4Addr::UNSPECIFIED,
            hardware,
            server_name: Vec::new(),
            boot_file: Vec::new(),
            options: Vec::new(),
        };
        builder.option(code::MESSAGE_TYPE, &[message_type.number()])
    }

    /// Sets `secs`.
    #[must_use]
    pub const fn seconds(mut self, seconds: u16) -> Self {
        self.seconds = seconds;
        self
    }

    /// Asks for a broadcast answer.
    #[must_use]
    pub const fn broadcast(mut self) -> Self {
        self.broadcast = true;
        self
    }

    /// Sets `ciaddr`.
    #[must_use]
    pub const fn client_address(mut self, address: Ipv4Addr) -> Self {
        self.client_address = address;
        self
    }

    /// Sets `yiaddr`.
    #[must_use]
    pub const fn your_address(mut self, address: Ipv4Addr) -> Self {
        self.your_address = address;
        self
    }

    /// Sets `siaddr`.
    #[must_use]
    pub const fn server_address(mut self, address: Ipv4Addr) -> Self {
        self.server_address = address;
        self
    }

    /// Sets `giaddr` and counts one hop, as a relay does.
    #[must_use]
    pub const fn relayed_by(mut self, relay: Ipv4Addr) -> Self {
        self.relay_address = relay;
        self.hops = self.hops.saturating_add(1);
        self
    }

    /// Sets `sname`, of which 64 bytes are sent.
    #[must_use]
    pub fn server_name(mut self, bytes: &[u8]) -> Self {
        self.server_name = bytes.to_vec();
        self
    }

    /// Sets `file`, of which 128 bytes are sent.
    #[must_use]
    pub fn boot_file(mut self, bytes: &[u8]) -> Self {
        self.boot_file = bytes.to_vec();
        self
    }

    /// Adds an option; one above 255 bytes goes out in several parts (RFC 3396).
    #[must_use]
    pub fn option(mut self, code: u8, value: &[u8]) -> Self {
        if value.is_empty() {
            self.options.extend([code, 0]);
        }
        for part in value.chunks(255) {
            self.options.push(code);
            self.options.push(u8::try_from(part.len()).unwrap_or(255));
            self.options.extend_from_slice(part);
        }
        self
    }

    /// Adds an option that is a list of addresses.
    #[must_use]
    pub fn addresses(self, code: u8, addresses: &[Ipv4Addr]) -> Self {
        let value: Vec<u8> = addresses.iter().flat_map(Ipv4Addr::octets).collect();
        self.option(code, &value)
    }

    /// The bytes: at least the 300 that BOOTP asks for.
    pub fn build(self) -> Vec<u8> {
        let mut bytes = vec![self.op, 1, 6, self.hops];
        bytes.extend(self.transaction.to_be_bytes());
        bytes.extend(self.seconds.to_be_bytes());
        bytes.extend((u16::from(self.broadcast) << 15).to_be_bytes());
        for address in [
            self.client_address,
            self.your_address,
            self.server_address,
            self.relay_address,
        ] {
            bytes.extend(address.octets());
        }
        bytes.extend(self.hardware.0);
        bytes.resize(44, 0);
        bytes.extend(self.server_name.iter().take(64));
        bytes.resize(108, 0);
        bytes.extend(self.boot_file.iter().take(128));
        bytes.resize(236, 0);
        bytes.extend([0x63, 0x82, 0x53, 0x63]);
        bytes.extend(self.options);
        bytes.push(code::END);
        if bytes.len() < 300 {
            bytes.resize(300, 0);
        }
        bytes
    }
}
