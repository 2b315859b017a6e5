//! Where a DHCP server sends the phone for its files: options 150 (RFC 5859) and 66 (RFC 2132), `siaddr` and `sname`; in
//! DHCP for IPv6 a suboption of Cisco's.
//!
//! Option 150 is a list of addresses. Administrators do type it as text, and a phone then takes the characters for
//! octets and asks nobody: `10.1.2.3` becomes `49.48.46.49`. So text is kept as text here: it is the diagnosis.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::net::safe_text;

use super::{TftpSuboption, read_addresses};

/// Everything a message says about the TFTP server, right or wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct TftpOffer {
    /// Option 150.
    pub option_150: Option<Option150>,
    /// Option 66.
    pub option_66: Option<Option66>,
    /// `siaddr`, where it is not `0.0.0.0`.
    pub server_address: Option<Ipv4Addr>,
    /// `sname`, where it is not empty and holds no options.
    pub server_name: Option<String>,
    /// The suboption of DHCP for IPv6, which has none of the others.
    pub suboption: Option<TftpSuboption>,
}

/// What option 150 holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Option150 {
    /// Addresses in order of preference, `0.0.0.0` among them where it was sent; the first sixteen.
    Addresses(Vec<Ipv4Addr>),
    /// Text, where addresses belong.
    Text(String),
    /// Neither: this many bytes, which is no multiple of four, or nothing.
    WrongLength(usize),
}

/// What option 66 holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Option66 {
    /// An address, as text or, as some servers send it, as four octets.
    Address(Ipv4Addr),
    /// A host name.
    Name(String),
    /// Nothing a phone could use: empty, no host name, several names.
    Unreadable,
}

/// A TFTP server as a phone would ask it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TftpServer {
    /// By address.
    Address(IpAddr),
    /// By a name that the phone must look up.
    Name(String),
}

impl TftpOffer {
    /// The servers a phone can use, in the order in which a Cisco phone does: 150, 66, `siaddr`, `sname`; each once.
    pub fn usable(&self) -> Vec<TftpServer> {
        let by_address = |address: Ipv4Addr| TftpServer::Address(address.into());
        let mut servers = Vec::new();
        if let Some(Option150::Addresses(addresses)) = &self.option_150 {
            servers.extend(addresses.iter().copied().map(by_address));
        }
        match &self.option_66 {
            Some(Option66::Address(address)) => servers.push(by_address(*address)),
            Some(Option66::Name(name)) => servers.push(TftpServer::Name(name.clone())),
            Some(Option66::Unreadable) | None => {}
        }
        servers.extend(self.server_address.map(by_address));
        if let Some(name) = &self.server_name {
            match Option66::from_wire(name.as_bytes()) {
                Option66::Address(address) => servers.push(by_address(address)),
                Option66::Name(name) => servers.push(TftpServer::Name(name)),
                Option66::Unreadable => {}
            }
        }
        if let Some(suboption) = &self.suboption {
            servers.extend(
                suboption
                    .usable()
                    .map(|address| TftpServer::Address(address.into())),
            );
        }
        let mut usable: Vec<TftpServer> = Vec::with_capacity(servers.len());
        for server in servers {
            if server.is_usable() && !usable.contains(&server) {
                usable.push(server);
            }
        }
        usable
    }

    /// Whether what should be a list of addresses is something that no phone can use.
    pub fn is_wrong(&self) -> bool {
        self.option_150
            .as_ref()
            .is_some_and(|option| !option.is_usable())
            || self
                .suboption
                .as_ref()
                .is_some_and(|suboption| !suboption.is_usable())
    }

    /// Whether the message names no server at all, in any of its places.
    pub const fn is_empty(&self) -> bool {
        self.option_150.is_none()
            && self.option_66.is_none()
            && self.server_address.is_none()
            && self.server_name.is_none()
            && self.suboption.is_none()
    }
}

impl Option150 {
    /// How many characters of a text in the place of addresses are kept.
    const MAX_TEXT: usize = 64;

    /// Decides what the value of the option is.
    ///
    /// A length that is a multiple of four proves nothing (`10.0.0.1` is eight characters), nor do octets that happen
    /// to be printable: such a value is text only where the whole of it reads as dotted addresses.
    pub fn from_wire(value: &[u8]) -> Self {
        let is_list_of_addresses = !value.is_empty() && value.len().is_multiple_of(4);
        if is_dotted_text(value) || (!is_list_of_addresses && is_printable(value)) {
            return Self::Text(safe_text(value, Self::MAX_TEXT));
        }
        if is_list_of_addresses {
            Self::Addresses(read_addresses(value))
        } else {
            Self::WrongLength(value.len())
        }
    }

    /// Whether a phone can use any of it.
    pub fn is_usable(&self) -> bool {
        match self {
            Self::Addresses(addresses) => addresses.iter().any(|address| is_host(*address)),
            Self::Text(_) | Self::WrongLength(_) => false,
        }
    }
}

impl Option66 {
    /// Decides what the value of the option is.
    pub fn from_wire(value: &[u8]) -> Self {
        let text = safe_text(value, 255);
        if let Ok(address) = text.parse() {
            return Self::Address(address);
        }
        let is_host_name = !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        match *value {
            _ if is_host_name => Self::Name(text),
            [a, b, c, d] => Self::Address(Ipv4Addr::new(a, b, c, d)),
            _ => Self::Unreadable,
        }
    }
}

impl TftpServer {
    fn is_usable(&self) -> bool {
        match self {
            Self::Address(IpAddr::V4(address)) => is_host(*address),
            // Its suboption gives usable ones alone.
            Self::Address(IpAddr::V6(_)) => true,
            Self::Name(name) => !name.is_empty(),
        }
    }
}

impl fmt::Display for TftpServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Name(name) => formatter.pad(name),
        }
    }
}

impl fmt::Display for Option150 {
    /// For a sentence: `10.1.2.3, 10.1.2.4`, `the text "10.1.2.3"`, `5 bytes`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(addresses) => write_list(formatter, addresses),
            Self::Text(text) => write!(formatter, "the text \"{text}\""),
            Self::WrongLength(length) => write!(formatter, "{length} bytes"),
        }
    }
}

/// Writes `10.1.2.3, 10.1.2.4`.
pub(super) fn write_list<A: fmt::Display>(
    formatter: &mut fmt::Formatter<'_>,
    addresses: &[A],
) -> fmt::Result {
    let mut separator = "";
    for address in addresses {
        write!(formatter, "{separator}{address}")?;
        separator = ", ";
    }
    Ok(())
}

/// Whether an address can be one server's.
const fn is_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified()
        && !address.is_broadcast()
        && !address.is_multicast()
        && !address.is_loopback()
}

/// Whether the whole value is one or more dotted addresses as characters, between separators or quotes.
fn is_dotted_text(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let mut words = text
        .split(['\0', ' ', ',', ';', '"', '\''])
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek().is_some() && words.all(is_dotted_address)
}

/// Whether a word is four numbers up to 255 between dots, `010.001.002.003` included.
fn is_dotted_address(word: &str) -> bool {
    word.split('.').count() == 4
        && word.split('.').all(|number| {
            number.bytes().all(|byte| byte.is_ascii_digit()) && number.parse::<u8>().is_ok()
        })
}

/// Whether the value is visible characters, apart from NULs at its end.
fn is_printable(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let text = text.trim_end_matches('\0');
    !text.is_empty() && !text.chars().any(char::is_control)
}
