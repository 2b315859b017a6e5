//! Where DHCP for IPv6 names the TFTP servers of Cisco phones: suboption 1 of the vendor options (17) of enterprise 9.
//!
//! The numbers are Cisco's and stand in no RFC. The open router system `vyos/vyos-1x` writes them so into the configuration
//! of its DHCP server (`dhcpdv6.conf.j2`: `tftp-servers`, code 1, an array of IPv6 addresses, in the space of vendor 9),
//! since its pull request 1293, as what Cisco phones are provisioned with over IPv6. No page of Cisco's own was at hand.

use std::fmt;
use std::net::Ipv6Addr;

use super::tftp_offer::write_list;
use crate::net::safe_text;

/// What the suboption holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum TftpSuboption {
    /// Addresses in order of preference, `::` among them where it was sent; the first sixteen.
    Addresses(Vec<Ipv6Addr>),
    /// Text, where addresses belong.
    Text(String),
    /// Neither: this many bytes, which is no multiple of sixteen, or nothing.
    WrongLength(usize),
}

impl TftpSuboption {
    /// How many addresses are kept.
    const MAX_ADDRESSES: usize = 16;
    /// How many characters of a text in the place of addresses are kept.
    const MAX_TEXT: usize = 64;

    /// Decides what the value of the suboption is. Sixteen visible characters may be an address as well, so that such a
    /// value is text only where it reads as one: `2001:db8:0:1::10`.
    pub fn from_wire(value: &[u8]) -> Self {
        let (addresses, rest) = value.as_chunks::<16>();
        let is_list = !addresses.is_empty() && rest.is_empty();
        let text = std::str::from_utf8(value)
            .unwrap_or_default()
            .trim_matches('\0');
        let is_visible = !text.is_empty() && !text.chars().any(char::is_control);
        let words = || text.split([' ', ',', ';']).filter(|word| !word.is_empty());
        let is_written = words().all(|word| word.parse::<Ipv6Addr>().is_ok());
        if is_visible && (is_written || !is_list) {
            Self::Text(safe_text(value, Self::MAX_TEXT))
        } else if is_list {
            let addresses = addresses.iter().take(Self::MAX_ADDRESSES);
            Self::Addresses(addresses.map(|&octets| Ipv6Addr::from(octets)).collect())
        } else {
            Self::WrongLength(value.len())
        }
    }

    /// The addresses that can be one server's.
    pub fn usable(&self) -> impl Iterator<Item = Ipv6Addr> {
        let addresses = match self {
            Self::Addresses(addresses) => addresses.as_slice(),
            Self::Text(_) | Self::WrongLength(_) => &[],
        };
        addresses.iter().copied().filter(|address| {
            !address.is_unspecified() && !address.is_multicast() && !address.is_loopback()
        })
    }

    /// Whether a phone can use any of it.
    pub fn is_usable(&self) -> bool {
        self.usable().next().is_some()
    }
}

impl fmt::Display for TftpSuboption {
    /// For a sentence: `fd00::5, fd00::6`, `the text "fd00::5"`, `6 bytes`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(addresses) => write_list(formatter, addresses),
            Self::Text(text) => write!(formatter, "the text \"{text}\""),
            Self::WrongLength(length) => write!(formatter, "{length} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];

    #[test]
    fn tells_addresses_from_text_and_from_anything_else() {
        let two = [SERVER, [0; 16]].concat();
        for (value, said, is_usable) in [
            (&SERVER[..], "fd00::5", true),
            (&two, "fd00::5, ::", true),
            (&[0; 16], "::", false),
            (
                &[0xff; 16],
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                false,
            ),
            (b"fd00::5\0", "the text \"fd00::5\"", false),
            (b"2001:db8:0:1::10", "the text \"2001:db8:0:1::10\"", false),
            // Sixteen characters that are no address as text are one as octets.
            (
                b"abcdefghijklmnop",
                "6162:6364:6566:6768:696a:6b6c:6d6e:6f70",
                true,
            ),
            (b"10.0.0.5", "the text \"10.0.0.5\"", false),
            (&SERVER[..6], "6 bytes", false),
            (&[], "0 bytes", false),
        ] {
            let suboption = TftpSuboption::from_wire(value);
            assert_eq!(suboption.to_string(), said, "{value:?}");
            assert_eq!(suboption.is_usable(), is_usable, "{value:?}");
        }
        let many = TftpSuboption::from_wire(&SERVER.repeat(20));
        assert_eq!(many.usable().count(), 16);
    }
}
