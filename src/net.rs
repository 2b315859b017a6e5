//! Addresses and names as the rest of the crate speaks of them.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// An IEEE 802 hardware address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// Whether it names a group (the I/G bit): never one phone.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Whether it is all zeros, as where a field was left empty.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }

    /// The address written as twelve hexadecimal digits without separators, in either case.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut address = [0; 6];
        if digits.len() != 12 || !digits.is_ascii() {
            return None;
        }
        for (byte, pair) in address.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let high = char::from(*pair.first()?).to_digit(16)?;
            let low = char::from(*pair.last()?).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(address))
    }
}

impl fmt::Display for MacAddr {
    /// `00:13:80:ad:9e:5f`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for byte in self.0 {
            write!(formatter, "{separator}{byte:02x}")?;
            separator = ":";
        }
        Ok(())
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The text is no hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hardware address: write 00:13:80:ad:9e:5f, 0013.80ad.9e5f or 001380AD9E5F")]
pub struct ParseMacError;

impl FromStr for MacAddr {
    type Err = ParseMacError;

    /// Reads `00:13:80:ad:9e:5f`, `00-13-80-AD-9E-5F`, `0013.80ad.9e5f` and `001380AD9E5F`.
    fn from_str(text: &str) -> Result<Self, ParseMacError> {
        let bytes = text.as_bytes();
        let separators_stand_right = match bytes.len() {
            12 => true,
            14 => [4, 9].iter().all(|&at| bytes.get(at) == Some(&b'.')),
            17 => [b':', b'-'].iter().any(|separator| {
                [2, 5, 8, 11, 14]
                    .iter()
                    .all(|&at| bytes.get(at) == Some(separator))
            }),
            _ => false,
        };
        if !separators_stand_right {
            return Err(ParseMacError);
        }
        let digits: String = text
            .chars()
            .filter(|character| !matches!(character, ':' | '-' | '.'))
            .collect();
        Self::from_hex(&digits).ok_or(ParseMacError)
    }
}

/// The name under which a device registers: at most 16 characters of `A-Z a-z 0-9 . _ -`.
///
/// Anything else that a message carries in its place is not a name, so a name can be shown, logged and used as a label
/// as it is. Names that begin with `SEP` are kept in upper case, as CallManager shows them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceName {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl DeviceName {
    /// The width of the name in SCCP's station identifier.
    pub const MAX: usize = 16;

    /// Reads a name field: it ends at its first NUL; `None` where what stands there is no name.
    pub fn from_wire(field: &[u8]) -> Option<Self> {
        let text = field.split(|&byte| byte == 0).next()?;
        if text.is_empty() || text.len() > Self::MAX {
            return None;
        }
        if !text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        {
            return None;
        }
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let mut name = Self {
            bytes,
            length: u8::try_from(text.len()).ok()?,
        };
        if name.mac_after_prefix().is_some() {
            name.bytes.make_ascii_uppercase();
        }
        Some(name)
    }

    /// The name of the phone with this hardware address: `SEP001380AD9E5F`.
    pub fn from_mac(mac: MacAddr) -> Self {
        let mut name = Self {
            bytes: [0; Self::MAX],
            length: 15,
        };
        let text = mac.0.iter().fold(String::from("SEP"), |mut text, byte| {
            for nibble in [byte >> 4, byte & 15] {
                text.push(
                    char::from_digit(u32::from(nibble), 16)
                        .unwrap_or('0')
                        .to_ascii_uppercase(),
                );
            }
            text
        });
        for (to, from) in name.bytes.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        name
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.length))
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    /// The hardware address in a name of the form `SEP` + twelve digits.
    pub fn mac(&self) -> Option<MacAddr> {
        self.mac_after_prefix()
    }

    fn mac_after_prefix(&self) -> Option<MacAddr> {
        let (prefix, digits) = self.as_str().split_at_checked(3)?;
        if prefix.eq_ignore_ascii_case("SEP") {
            MacAddr::from_hex(digits)
        } else {
            None
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.as_str())
    }
}

impl FromStr for DeviceName {
    type Err = ParseDeviceNameError;

    fn from_str(text: &str) -> Result<Self, ParseDeviceNameError> {
        if text.contains('\0') {
            None
        } else {
            Self::from_wire(text.as_bytes())
        }
        .ok_or(ParseDeviceNameError)
    }
}

/// The text is no device name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a device name: 1 to 16 letters, digits, '.', '_' or '-', like SEP001380AD9E5F")]
pub struct ParseDeviceNameError;

/// An address and a port: one end of a connection, in half the room of a [`SocketAddr`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Endpoint {
    /// The network address.
    pub ip: IpAddr,
    /// The TCP or UDP port.
    pub port: u16,
}

impl Endpoint {
    /// The end at this address and port.
    pub const fn new(ip: IpAddr, port: u16) -> Self {
        Self { ip, port }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip(), address.port())
    }
}

impl From<Endpoint> for SocketAddr {
    fn from(endpoint: Endpoint) -> Self {
        Self::new(endpoint.ip, endpoint.port)
    }
}

impl fmt::Display for Endpoint {
    /// `10.1.2.3:2000`, `[fd00::1]:2000`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::from(*self).fmt(formatter)
    }
}

/// A TCP connection or UDP conversation, seen from the side that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    /// Who opened it: the phone.
    pub client: Endpoint,
    /// Who answers: the server.
    pub server: Endpoint,
}

/// Text off the wire made safe to show anywhere: cut at the first NUL and at `limit` characters, trimmed, control
/// characters and what is not UTF-8 replaced by `\u{FFFD}`.
///
/// What remains may still hold markup: HTML is escaped where HTML is made.
pub fn safe_text(bytes: &[u8], limit: usize) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    // A character takes at most four bytes, so no more than these can be shown.
    let text = text.get(..limit.saturating_mul(4)).unwrap_or(text);
    let text: Cow<'_, str> = String::from_utf8_lossy(text);
    let text = text.trim();
    // Nearly every text is plain and short: it is taken as it is.
    if text.len() <= limit && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars()
        .map(|character| {
            if is_unsafe(character) {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .take(limit)
        .collect()
}

/// Control characters, and the marks that reorder or hide the text around them.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Stored as the text that people read.
macro_rules! stored_as_text {
    ($($name:ident)*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

stored_as_text! { MacAddr DeviceName }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_a_hardware_address() {
        let mac = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
        for text in [
            "00:13:80:ad:9e:5f",
            "00-13-80-AD-9E-5F",
            "0013.80ad.9e5f",
            "001380AD9E5F",
        ] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        for text in [
            "",
            "00:13:80:ad:9e",
            "00:13-80:ad:9e:5f",
            "0013:80ad:9e5f",
            "001380AD9E5G",
            "00é380AD9E5",
            "+01380AD9E5F",
        ] {
            assert_eq!(text.parse::<MacAddr>(), Err(ParseMacError), "{text}");
        }
        assert_eq!(mac.to_string(), "00:13:80:ad:9e:5f");
    }

    #[test]
    fn a_device_name_ends_at_its_nul_and_holds_nothing_that_could_harm() {
        assert_eq!(
            DeviceName::from_wire(b"SEP001380AD9E5F\0").map(|name| name.to_string()),
            Some("SEP001380AD9E5F".into())
        );
        assert_eq!(
            DeviceName::from_wire(b"pyskinny01\0\x07\x07\x07").map(|name| name.to_string()),
            Some("pyskinny01".into())
        );
        for field in [
            &b""[..],
            b"\0SEP",
            b"<b>",
            b"a b",
            b"a\nb",
            b"\xff",
            b"seventeen-letters",
        ] {
            assert_eq!(DeviceName::from_wire(field), None, "{field:?}");
        }
    }

    #[test]
    fn one_phone_has_one_name_whatever_the_case() {
        let lower = DeviceName::from_wire(b"SEP001380ad9e5f").unwrap();
        assert_eq!(lower, DeviceName::from_wire(b"SEP001380AD9E5F").unwrap());
        assert_eq!(
            lower.mac(),
            Some(MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]))
        );
        assert_eq!(DeviceName::from_mac(lower.mac().unwrap()), lower);
        assert_eq!(DeviceName::from_wire(b"SEPsomething").unwrap().mac(), None);
    }

    #[test]
    fn safe_text_has_no_control_characters_and_an_end() {
        assert_eq!(
            safe_text(b"Error: No License\0junk", 32),
            "Error: No License"
        );
        assert_eq!(
            safe_text(b"a\r\nb\x1b[31m", 32),
            "a\u{FFFD}\u{FFFD}b\u{FFFD}[31m"
        );
        assert_eq!(
            safe_text("caf\u{e9} \u{202e}x".as_bytes(), 32),
            "caf\u{e9} \u{FFFD}x"
        );
        assert_eq!(safe_text(b"\xff\xfe", 32), "\u{FFFD}\u{FFFD}");
        assert_eq!(safe_text(&[b'a'; 5000], 10), "a".repeat(10));
    }
}
