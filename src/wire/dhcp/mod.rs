//! DHCP for IPv4 (RFC 2131, options of RFC 2132, 3396, 5859): how a phone gets its address and its TFTP server.
//!
//! ```text
//! op htype hlen hops | xid | secs flags | ciaddr | yiaddr | siaddr | giaddr | chaddr[16] | sname[64] | file[128] |
//! 63 82 53 63 | code length value ... FF
//! ```
//!
//! Options are read one by one: a bad one costs itself and what its length swallows, never those before it. Where
//! option 52 says so, `file` and `sname` hold options too.

mod encode;
mod options;
mod phone_class;
#[cfg(test)]
mod tests;
mod tftp_offer;
mod tftp_suboption;

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::net::{MacAddr, safe_text};
use crate::wire::{DecodeError, Reader};

pub use encode::DhcpBuilder;
pub use options::{Anomalies, Anomaly, Options, OptionsIter, code};
pub use phone_class::{PhoneClass, phone_model};
pub use tftp_offer::{Option66, Option150, TftpOffer, TftpServer};
pub use tftp_suboption::TftpSuboption;

/// The UDP port on which servers and relays listen.
pub const SERVER_PORT: u16 = 67;
/// The UDP port on which clients listen.
pub const CLIENT_PORT: u16 = 68;

/// How many addresses of a list option are kept.
const MAX_ADDRESSES: usize = 16;
/// How many characters of a text option are kept: a name of the DNS fits.
const MAX_TEXT: usize = 255;

/// One DHCP (or BOOTP) message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dhcp<'a> {
    /// 1 from a client, 2 from a server (`op`).
    pub op: u8,
    /// How many relays passed it on (`hops`).
    pub hops: u8,
    /// The number the client chose for this exchange (`xid`).
    pub transaction: u32,
    /// Seconds since the client began (`secs`), as the client counts them.
    pub seconds: u16,
    /// Whether the client asks for a broadcast answer (the first bit of `flags`).
    pub broadcast: bool,
    /// The address the client already has (`ciaddr`), or `0.0.0.0`.
    pub client_address: Ipv4Addr,
    /// The address the server gives (`yiaddr`), or `0.0.0.0`.
    pub your_address: Ipv4Addr,
    /// The next server of the boot (`siaddr`), or `0.0.0.0`.
    pub server_address: Ipv4Addr,
    /// The first relay (`giaddr`), or `0.0.0.0`.
    pub relay_address: Ipv4Addr,
    /// The client's hardware address (`chaddr`), where it is an Ethernet one: `htype` 1 and `hlen` 6.
    pub hardware: Option<MacAddr>,
    /// The `sname` field, where it holds a name and no options; NUL padding included.
    pub server_name: &'a [u8],
    /// The `file` field, where it holds a name and no options; NUL padding included.
    pub boot_file: &'a [u8],
    /// The options, wherever in the message they stand.
    pub options: Options<'a>,
    /// What was odd about the message.
    pub anomalies: Anomalies,
}

/// What a message is for (option 53).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessageType {
    /// 1: a client looks for servers.
    Discover,
    /// 2: a server offers an address.
    Offer,
    /// 3: a client asks for an address, or to keep the one it has.
    Request,
    /// 4: a client found the address in use by another.
    Decline,
    /// 5: a server grants the address.
    Ack,
    /// 6: a server refuses the address.
    Nak,
    /// 7: a client gives its address back.
    Release,
    /// 8: a client with an address of its own asks for the rest.
    Inform,
    /// Any other number (9 to 18 belong to reconfiguration and lease query).
    Unknown(u8),
}

impl<'a> Dhcp<'a> {
    /// Reads the payload of a UDP datagram to or from port 67.
    ///
    /// What is needed is the part up to and with `chaddr`; anything that is missing after it shows in `anomalies`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let op = reader.u8("dhcp op")?;
        if !matches!(op, 1 | 2) {
            return Err(DecodeError::Malformed { field: "dhcp op" });
        }
        let hardware_type = reader.u8("dhcp htype")?;
        let hardware_length = reader.u8("dhcp hlen")?;
        let hops = reader.u8("dhcp hops")?;
        let transaction = reader.u32_be("dhcp xid")?;
        let seconds = reader.u16_be("dhcp secs")?;
        let flags = reader.u16_be("dhcp flags")?;
        let client_address = reader.ipv4("dhcp ciaddr")?;
        let your_address = reader.ipv4("dhcp yiaddr")?;
        let server_address = reader.ipv4("dhcp siaddr")?;
        let relay_address = reader.ipv4("dhcp giaddr")?;
        let mac = reader.mac("dhcp chaddr")?;
        reader.take("dhcp chaddr", 10)?;

        let mut anomalies = Anomalies::default();
        let is_ethernet = hardware_type == 1 && hardware_length == 6;
        if !is_ethernet {
            anomalies.insert(Anomaly::NoHardwareAddress);
        }
        let server_name = reader.take_up_to(64);
        let boot_file = reader.take_up_to(128);
        let options = match reader.array::<4>("dhcp cookie") {
            Ok([0x63, 0x82, 0x53, 0x63]) => reader.rest(),
            Ok(_) => {
                anomalies.insert(Anomaly::NoCookie);
                &[]
            }
            Err(_) => {
                anomalies.insert(Anomaly::Cut);
                &[]
            }
        };
        let options = Options::new(options, boot_file, server_name, &mut anomalies);
        Ok(Self {
            op,
            hops,
            transaction,
            seconds,
            broadcast: flags & 0x8000 != 0,
            client_address,
            your_address,
            server_address,
            relay_address,
            hardware: is_ethernet.then_some(mac),
            server_name: options.unless_overloaded(server_name, Options::SERVER_NAME),
            boot_file: options.unless_overloaded(boot_file, Options::BOOT_FILE),
            options,
            anomalies,
        })
    }

    /// What the message is for; `None` in plain BOOTP, or where the option was cut off.
    pub fn message_type(&self) -> Option<MessageType> {
        let value = self.option(code::MESSAGE_TYPE)?;
        value.first().map(|&number| MessageType::from(number))
    }

    /// The value of an option; the parts of one that comes in several are joined (RFC 3396).
    pub fn option(&self, code: u8) -> Option<Cow<'a, [u8]>> {
        self.options.find(code)
    }

    /// Every option with its value, in the order of RFC 3396: the options field, `file`, `sname`.
    pub const fn options(&self) -> OptionsIter<'a> {
        self.options.iter()
    }

    /// The host name the client gives itself or is given (option 12); a phone's is `SEP` and its hardware address.
    pub fn host_name(&self) -> Option<String> {
        self.text(code::HOST_NAME)
    }

    /// What the client says it is (option 60).
    pub fn vendor_class(&self) -> Option<String> {
        self.text(code::VENDOR_CLASS)
    }

    /// Whether the sender is a Cisco phone, as far as its vendor class tells.
    pub fn phone_class(&self) -> PhoneClass {
        self.vendor_class()
            .map_or(PhoneClass::No, |class| phone_model(&class))
    }

    /// The domain given to the client (option 15).
    pub fn domain(&self) -> Option<String> {
        self.text(code::DOMAIN)
    }

    /// The reason a server or client gives (option 56), as with a refusal.
    pub fn reason(&self) -> Option<String> {
        self.text(code::MESSAGE)
    }

    /// The address the client asks for (option 50).
    pub fn requested_address(&self) -> Option<Ipv4Addr> {
        self.address(code::REQUESTED_ADDRESS)
    }

    /// The address by which the server names itself (option 54).
    pub fn server_identifier(&self) -> Option<Ipv4Addr> {
        self.address(code::SERVER_IDENTIFIER)
    }

    /// The mask of the client's subnet (option 1).
    pub fn subnet_mask(&self) -> Option<Ipv4Addr> {
        self.address(code::SUBNET_MASK)
    }

    /// How long the address is granted (option 51); `u32::MAX` seconds stand for ever.
    pub fn lease_time(&self) -> Option<Duration> {
        self.seconds(code::LEASE_TIME)
    }

    /// When the client asks its own server again, counted from the grant (option 58, T1).
    pub fn renewal_time(&self) -> Option<Duration> {
        self.seconds(code::RENEWAL_TIME)
    }

    /// When the client asks any server, counted from the grant (option 59, T2).
    pub fn rebinding_time(&self) -> Option<Duration> {
        self.seconds(code::REBINDING_TIME)
    }

    /// The client's routers (option 3), the first sixteen.
    pub fn routers(&self) -> Vec<Ipv4Addr> {
        self.addresses(code::ROUTERS)
    }

    /// The client's name servers (option 6), the first sixteen.
    pub fn dns_servers(&self) -> Vec<Ipv4Addr> {
        self.addresses(code::DNS_SERVERS)
    }

    /// By what the server knows the client (option 61): a type byte, then an identifier.
    pub fn client_identifier(&self) -> Option<Cow<'a, [u8]>> {
        self.option(code::CLIENT_IDENTIFIER)
    }

    /// What a relay wrote about the port the client is on (option 82), undecoded.
    pub fn relay_information(&self) -> Option<Cow<'a, [u8]>> {
        self.option(code::RELAY_INFORMATION)
    }

    /// Whether the client asks to be told an option (option 55).
    pub fn asks_for(&self, code: u8) -> bool {
        self.option(code::PARAMETER_LIST)
            .is_some_and(|list| list.contains(&code))
    }

    /// Where the client is told to fetch its files.
    pub fn tftp_servers(&self) -> TftpOffer {
        let server_name = safe_text(self.server_name, 64);
        TftpOffer {
            option_150: self
                .option(code::TFTP_SERVER_ADDRESSES)
                .map(|value| Option150::from_wire(&value)),
            option_66: self
                .option(code::TFTP_SERVER_NAME)
                .map(|value| Option66::from_wire(&value)),
            server_address: Some(self.server_address).filter(|address| !address.is_unspecified()),
            server_name: Some(server_name).filter(|name| !name.is_empty()),
            suboption: None,
        }
    }

    fn text(&self, code: u8) -> Option<String> {
        let text = safe_text(&self.option(code)?, MAX_TEXT);
        Some(text).filter(|text| !text.is_empty())
    }

    fn address(&self, code: u8) -> Option<Ipv4Addr> {
        Reader::new(&self.option(code)?).ipv4("dhcp address").ok()
    }

    fn addresses(&self, code: u8) -> Vec<Ipv4Addr> {
        self.option(code)
            .map(|value| read_addresses(&value))
            .unwrap_or_default()
    }

    fn seconds(&self, code: u8) -> Option<Duration> {
        let seconds = Reader::new(&self.option(code)?).u32_be("dhcp time").ok()?;
        Some(Duration::from_secs(u64::from(seconds)))
    }
}

/// The addresses in a list, the first [`MAX_ADDRESSES`]; bytes of an unfinished one are left out.
fn read_addresses(bytes: &[u8]) -> Vec<Ipv4Addr> {
    let (addresses, _) = bytes.as_chunks::<4>();
    addresses
        .iter()
        .take(MAX_ADDRESSES)
        .map(|&octets| Ipv4Addr::from(octets))
        .collect()
}

impl MessageType {
    /// The name in metrics and reports: lower case, no number, so that labels stay few.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Offer => "offer",
            Self::Request => "request",
            Self::Decline => "decline",
            Self::Ack => "ack",
            Self::Nak => "nak",
            Self::Release => "release",
            Self::Inform => "inform",
            Self::Unknown(_) => "other",
        }
    }

    /// Whether a client sends it.
    pub const fn is_from_client(self) -> bool {
        matches!(
            self,
            Self::Discover | Self::Request | Self::Decline | Self::Release | Self::Inform
        )
    }

    /// The number in option 53.
    pub const fn number(self) -> u8 {
        match self {
            Self::Discover => 1,
            Self::Offer => 2,
            Self::Request => 3,
            Self::Decline => 4,
            Self::Ack => 5,
            Self::Nak => 6,
            Self::Release => 7,
            Self::Inform => 8,
            Self::Unknown(number) => number,
        }
    }
}

impl From<u8> for MessageType {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Discover,
            2 => Self::Offer,
            3 => Self::Request,
            4 => Self::Decline,
            5 => Self::Ack,
            6 => Self::Nak,
            7 => Self::Release,
            8 => Self::Inform,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for MessageType {
    /// `DISCOVER`, or `type 13` for a number without a name here.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(number) => write!(formatter, "type {number}"),
            Self::Discover
            | Self::Offer
            | Self::Request
            | Self::Decline
            | Self::Ack
            | Self::Nak
            | Self::Release
            | Self::Inform => formatter.pad(&self.label().to_ascii_uppercase()),
        }
    }
}

impl fmt::Display for Dhcp<'_> {
    /// One line for a trace: `DHCP OFFER xid 0x3903f326 for 00:13:80:ad:9e:5f: 10.1.2.3`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message_type() {
            Some(message_type) => write!(formatter, "DHCP {message_type}")?,
            None => write!(formatter, "BOOTP op {}", self.op)?,
        }
        write!(formatter, " xid {:#010x}", self.transaction)?;
        if let Some(hardware) = self.hardware {
            write!(formatter, " for {hardware}")?;
        }
        let address = [self.your_address, self.client_address]
            .into_iter()
            .find(|address| !address.is_unspecified())
            .or_else(|| self.requested_address());
        match address {
            Some(address) => write!(formatter, ": {address}"),
            None => Ok(()),
        }
    }
}
