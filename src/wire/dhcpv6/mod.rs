//! DHCP for IPv6 (RFC 8415), as far as phones use it: how a phone gets its IPv6 address and its TFTP servers.
//!
//! ```text
//! client and server:  type[1] transaction[3] | options
//! relay:              type[1] hops[1] link[16] peer[16] | options, of which option 9 holds the message it relays
//! option:             code[2] length[2] value
//! ```
//!
//! Relays wrap what they pass on, and wrap one another; what the client or server said is the innermost message.

mod duid;
mod encode;
mod message_type;
mod options;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::Ipv6Addr;

use super::dhcp::{PhoneClass, TftpOffer, TftpSuboption, phone_model};
use super::{DecodeError, Reader};
use crate::net::{MacAddr, safe_text};

pub use duid::Duid;
pub use encode::Dhcpv6Builder;
pub use message_type::MessageType;
pub use options::{Options, code};

/// The UDP port on which clients listen.
pub const CLIENT_PORT: u16 = 546;
/// The UDP port on which servers and relays listen.
pub const SERVER_PORT: u16 = 547;

/// How many relays may have wrapped a message: the hop count limit of RFC 8415, section 7.6.
pub const MAX_RELAYS: usize = 8;
/// Cisco's enterprise number, in vendor classes and vendor options.
pub const CISCO: u32 = 9;

/// How many addresses of a list are kept.
const MAX_ADDRESSES: usize = 16;
/// How many characters of a text are kept: a name of the DNS fits.
const MAX_TEXT: usize = 255;

/// One message of a client or server, out of what relays wrapped it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dhcpv6<'a> {
    /// What it is for.
    pub message_type: MessageType,
    /// The number that the client chose for this exchange, of 24 bits.
    pub transaction: u32,
    /// The relays that wrapped it, the outermost first.
    pub relays: Vec<Relay>,
    /// The options of the message itself.
    pub options: Options<'a>,
}

/// One relay's wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay {
    /// How many relays had wrapped the message before this one.
    pub hops: u8,
    /// An address of the link that the client is on, or `::`.
    pub link: Ipv6Addr,
    /// Who sent the message to this relay, or gets it from it: the client, or the next relay.
    pub peer: Ipv6Addr,
    /// The client's hardware address, where the relay tells it (option 79, RFC 6939).
    pub client: Option<MacAddr>,
}

/// An address that a server gives, or a client asks for (option 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeasedAddress {
    /// The address.
    pub address: Ipv6Addr,
    /// For how many seconds it is preferred.
    pub preferred: u32,
    /// For how many seconds it is valid: 0 takes it back, `u32::MAX` is for ever.
    pub valid: u32,
}

impl<'a> Dhcpv6<'a> {
    /// Reads the payload of a UDP datagram to or from one of the two ports.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        const RELAY_FORWARD: u8 = 12;
        const RELAY_REPLY: u8 = 13;

        let mut reader = Reader::new(bytes);
        let mut relays = Vec::new();
        loop {
            let number = reader.u8("dhcpv6 type")?;
            if !matches!(number, RELAY_FORWARD | RELAY_REPLY) {
                let [high, middle, low] = reader.array("dhcpv6 transaction")?;
                return Ok(Self {
                    message_type: MessageType::from(number),
                    transaction: u32::from_be_bytes([0, high, middle, low]),
                    relays,
                    options: Options::new(reader.rest()),
                });
            }
            if relays.len() >= MAX_RELAYS {
                return Err(DecodeError::Malformed {
                    field: "dhcpv6 relays",
                });
            }
            let hops = reader.u8("dhcpv6 hop count")?;
            let link = reader.ipv6("dhcpv6 link address")?;
            let peer = reader.ipv6("dhcpv6 peer address")?;
            let options = Options::new(reader.rest());
            relays.push(Relay {
                hops,
                link,
                peer,
                client: options
                    .find(code::CLIENT_LINK_LAYER_ADDRESS)
                    .and_then(duid::hardware_address),
            });
            let inner = options.find(code::RELAY_MESSAGE);
            reader = Reader::new(inner.ok_or(DecodeError::Malformed {
                field: "dhcpv6 relay message",
            })?);
        }
    }

    /// By what the client is known (option 1).
    pub fn client_id(&self) -> Option<Duid> {
        self.options.find(code::CLIENT_ID).map(Duid::from_wire)
    }

    /// By what the server is known (option 2).
    pub fn server_id(&self) -> Option<Duid> {
        self.options.find(code::SERVER_ID).map(Duid::from_wire)
    }

    /// The client's hardware address: as the first relay tells it, else out of the client's identifier. The one in the
    /// identifier stays what it was when the identifier was made.
    pub fn client_mac(&self) -> Option<MacAddr> {
        let by_relay = self.relays.last().and_then(|relay| relay.client);
        by_relay
            .or_else(|| self.client_id()?.mac())
            .filter(|mac| !mac.is_multicast() && !mac.is_zero())
    }

    /// The addresses in the identity associations for addresses (options 3 and 4 with 5 inside), the first sixteen.
    ///
    /// Those of an association that the server refuses are left out.
    pub fn addresses(&self) -> Vec<LeasedAddress> {
        let granted = self
            .associations()
            .filter(|association| association.status().is_none_or(|(status, _)| status == 0));
        granted
            .flat_map(|association| association.each(code::IA_ADDRESS))
            .filter_map(LeasedAddress::parse)
            .take(MAX_ADDRESSES)
            .collect()
    }

    /// What stands inside each of the identity associations for addresses.
    fn associations(&self) -> impl Iterator<Item = Options<'a>> {
        self.options.all().filter_map(|(number, value)| {
            // An identifier, and for those that are not temporary two times, before the options inside.
            let skipped = match number {
                code::IA_NA => 12,
                code::IA_TA => 4,
                _ => return None,
            };
            Some(Options::new(value.get(skipped..).unwrap_or_default()))
        })
    }

    /// The result that a server tells of the whole (option 13): 0 for success, as where there is none.
    pub fn status(&self) -> u16 {
        self.options.status().map_or(0, |(status, _)| status)
    }

    /// Why a server gives no address: the first result that is no success, of the whole or of an association, and what
    /// it says of it. One that only asks to be spoken to in another way (5, `UseMulticast`) refuses nothing.
    pub fn refusal(&self) -> Option<(u16, String)> {
        const USE_MULTICAST: u16 = 5;

        let of_associations = self.associations().filter_map(Options::status);
        let mut all = self.options.status().into_iter().chain(of_associations);
        let (status, text) = all.find(|(status, _)| ![0, USE_MULTICAST].contains(status))?;
        Some((status, safe_text(text, MAX_TEXT)))
    }

    /// Whether options may be missing because the message was cut.
    pub fn is_incomplete(&self) -> bool {
        !self.options.are_whole()
    }

    /// What the client says it is (option 16): the first text of the class.
    pub fn vendor_class(&self) -> Option<String> {
        let mut reader = Reader::new(self.options.find(code::VENDOR_CLASS)?);
        reader.u32_be("enterprise").ok()?;
        let length = usize::from(reader.u16_be("vendor class length").ok()?);
        let text = safe_text(reader.take_up_to(length), MAX_TEXT);
        Some(text).filter(|text| !text.is_empty())
    }

    /// Whether the sender is a Cisco phone, as far as its vendor class tells.
    pub fn phone_class(&self) -> PhoneClass {
        self.vendor_class()
            .map_or(PhoneClass::No, |class| phone_model(&class))
    }

    /// What it says of TFTP: suboption 1 of the vendor options (17) of enterprise 9, as [`TftpSuboption`] tells.
    pub fn tftp_servers(&self) -> TftpOffer {
        const TFTP_SERVERS: u16 = 1;

        let mut ciscos = self.options.each(code::VENDOR_OPTIONS).filter_map(|value| {
            let mut reader = Reader::new(value);
            (reader.u32_be("enterprise").ok()? == CISCO).then(|| Options::new(reader.rest()))
        });
        let value = ciscos.find_map(|options| options.find(TFTP_SERVERS));
        TftpOffer {
            suboption: value.map(TftpSuboption::from_wire),
            ..TftpOffer::default()
        }
    }

    /// The client's name servers (option 23), the first sixteen.
    pub fn dns_servers(&self) -> Vec<Ipv6Addr> {
        let list = self.options.find(code::DNS_SERVERS);
        list.into_iter()
            .flat_map(addresses)
            .take(MAX_ADDRESSES)
            .collect()
    }

    /// The client's name (option 39, RFC 4704): its labels with dots between them.
    pub fn client_name(&self) -> Option<String> {
        let mut reader = Reader::new(self.options.find(code::CLIENT_NAME)?);
        reader.u8("dhcpv6 name flags").ok()?;
        let mut name = String::new();
        while let Ok(length @ 1..) = reader.u8("label length") {
            let label = reader.take("label", usize::from(length)).ok()?;
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&safe_text(label, MAX_TEXT));
            if name.len() > MAX_TEXT {
                return None;
            }
        }
        Some(name).filter(|name| !name.is_empty())
    }

    /// Where the client is told to fetch what it boots (option 59, RFC 5970).
    pub fn boot_file(&self) -> Option<String> {
        let url = safe_text(self.options.find(code::BOOT_FILE)?, MAX_TEXT);
        Some(url).filter(|url| !url.is_empty())
    }

    /// For how many hundredths of a second the client has been trying (option 8). It grows with each repetition.
    pub fn elapsed(&self) -> Option<u16> {
        let value = self.options.find(code::ELAPSED_TIME)?;
        Reader::new(value).u16_be("dhcpv6 elapsed time").ok()
    }
}

impl LeasedAddress {
    fn parse(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        Some(Self {
            address: reader.ipv6("dhcpv6 address").ok()?,
            preferred: reader.u32_be("dhcpv6 preferred lifetime").ok()?,
            valid: reader.u32_be("dhcpv6 valid lifetime").ok()?,
        })
    }
}

/// The addresses of a list; bytes of an unfinished one are left out.
fn addresses(list: &[u8]) -> impl Iterator<Item = Ipv6Addr> {
    let (addresses, _) = list.as_chunks::<16>();
    addresses.iter().map(|&octets| Ipv6Addr::from(octets))
}

impl fmt::Display for Dhcpv6<'_> {
    /// One line for a trace: `DHCPv6 REPLY transaction 0x1f3a52 for 00:13:80:ad:9e:5f: fd00::7`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "DHCPv6 {} transaction {:#08x}",
            self.message_type, self.transaction
        )?;
        match (self.client_mac(), self.client_id()) {
            (Some(mac), _) => write!(formatter, " for {mac}")?,
            (None, Some(id)) => write!(formatter, " for {id}")?,
            (None, None) => {}
        }
        if let Some(relay) = self.relays.last() {
            write!(formatter, " by way of a relay on {}", relay.link)?;
        }
        match self.addresses().first() {
            Some(leased) => write!(formatter, ": {}", leased.address)?,
            None if self.status() != 0 => write!(formatter, ": status {}", self.status())?,
            None => {}
        }
        Ok(())
    }
}
