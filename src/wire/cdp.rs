//! Cisco Discovery Protocol, versions 1 and 2: who hangs on a switch port, and which VLANs it was told.
//!
//! ```text
//!  0        1        2                 4
//! | version | TTL s  | checksum        | elements ...
//!
//!  0                 2                 4
//! | type            | length, with    | value ...
//! |                 | these 4 bytes   |
//! ```
//!
//! Numbers are big-endian. The layout was confirmed on captures of phones and switches. The checksum is not verified: a
//! neighbour that sends a wrong one is still a neighbour, and phones have been seen to differ in how they pad it.

mod encode;

use std::fmt;
use std::net::IpAddr;

use super::{DecodeError, Reader};
use crate::net::{DeviceName, safe_text};

/// One CDP message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cdp {
    /// 1 or 2.
    pub version: u8,
    /// For how many seconds the receiver should remember this; 0 takes the neighbour back.
    pub ttl: u8,
    /// `SEP` + hardware address of a phone, the host name of a switch (0x0001).
    pub device_id: Option<String>,
    /// The port it was sent from: `Port 1` is a phone's network port, `Port 2` its PC port (0x0003).
    pub port_id: Option<String>,
    /// The model: `Cisco IP Phone 8851` (0x0006).
    pub platform: Option<String>,
    /// A phone's load, the first line of a switch's version text (0x0005).
    pub software_version: Option<String>,
    /// Its addresses (0x0002 and 0x0016), each once, at most eight.
    pub addresses: Vec<IpAddr>,
    /// What it can do (0x0004); see [`Cdp::CAPABILITY_PHONE`].
    pub capabilities: Option<u32>,
    /// The VLAN of untagged frames on this port (0x000A).
    pub native_vlan: Option<u16>,
    /// The VLAN a switch tells phones to use (0x000E).
    pub voice_vlan: Option<u16>,
    /// Whether a phone asks for its voice VLAN (0x000F).
    pub voice_vlan_query: bool,
    /// The duplex of the port (0x000B).
    pub duplex: Option<Duplex>,
    /// What the phone draws, in milliwatts (0x0010).
    pub power_consumption: Option<u16>,
    /// What the phone asks for, in milliwatts: its first choice (0x0019).
    pub power_requested: Option<u32>,
    /// What the switch can give, in milliwatts (0x001A).
    pub power_available: Option<u32>,
    /// What was odd about the message.
    pub anomalies: Anomalies,
}

/// The duplex of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duplex {
    /// One direction at a time: beside a full-duplex partner a cause of loss.
    Half,
    /// Both directions at once.
    Full,
}

/// What was odd about a message of elements; what could be read was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Anomalies {
    /// The bytes ended inside an element.
    pub truncated: bool,
    /// How many elements had a length or value that makes no sense; they were left out.
    pub malformed_elements: u16,
}

impl Anomalies {
    /// Whether there was nothing odd.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    pub(super) fn count_malformed(&mut self) {
        self.malformed_elements = self.malformed_elements.saturating_add(1);
    }
}

impl Cdp {
    /// The capability bit of an IP phone; phones with a PC port usually show 0x490.
    pub const CAPABILITY_PHONE: u32 = 0x80;

    const MAX_ADDRESSES: usize = 8;

    /// Reads a message from its version byte on. Elements behind one that cannot be read are lost, not those before it.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8("CDP version")?;
        if !matches!(version, 1 | 2) {
            return Err(DecodeError::Malformed {
                field: "CDP version",
            });
        }
        let mut cdp = Self {
            version,
            ttl: reader.u8("CDP time to live")?,
            ..Self::default()
        };
        reader.u16_be("CDP checksum")?;
        while reader.any_left() {
            match element(&mut reader) {
                Ok((kind, value)) => {
                    if cdp.read_element(kind, value).is_err() {
                        cdp.anomalies.count_malformed();
                    }
                }
                Err(DecodeError::Truncated { .. }) => {
                    cdp.anomalies.truncated = true;
                    break;
                }
                Err(DecodeError::Malformed { .. }) => {
                    cdp.anomalies.count_malformed();
                    break;
                }
            }
        }
        Ok(cdp)
    }

    fn read_element(&mut self, kind: u16, mut value: Reader<'_>) -> Result<(), DecodeError> {
        match kind {
            element::DEVICE_ID => self.device_id = text(value),
            element::ADDRESSES | element::MANAGEMENT_ADDRESSES => self.read_addresses(value)?,
            element::PORT_ID => self.port_id = text(value),
            element::CAPABILITIES => {
                self.capabilities = Some(value.u32_be("CDP capabilities")?);
            }
            element::SOFTWARE_VERSION => {
                // A switch's text has several lines; the first one names the software.
                self.software_version = value
                    .peek()
                    .split(|&byte| byte == b'\n' || byte == b'\r')
                    .next()
                    .and_then(|line| text(Reader::new(line)));
            }
            element::PLATFORM => self.platform = text(value),
            element::NATIVE_VLAN => self.native_vlan = Some(value.u16_be("CDP native VLAN")?),
            element::DUPLEX => {
                self.duplex = Some(match value.u8("CDP duplex")? {
                    0 => Duplex::Half,
                    _ => Duplex::Full,
                });
            }
            element::VOICE_VLAN_REPLY => {
                value.u8("CDP voice VLAN kind")?;
                self.voice_vlan = Some(value.u16_be("CDP voice VLAN")?);
            }
            element::VOICE_VLAN_QUERY => self.voice_vlan_query = true,
            element::POWER_CONSUMPTION => {
                self.power_consumption = Some(value.u16_be("CDP power consumption")?);
            }
            element::POWER_REQUESTED => {
                value.take("CDP power request ids", 4)?;
                self.power_requested = Some(value.u32_be("CDP power requested")?);
            }
            element::POWER_AVAILABLE => {
                value.take("CDP power request ids", 4)?;
                self.power_available = Some(value.u32_be("CDP power available")?);
            }
            _ => {}
        }
        Ok(())
    }

    /// A count, then per address: protocol type and length, protocol, address length, address.
    fn read_addresses(&mut self, mut value: Reader<'_>) -> Result<(), DecodeError> {
        /// The ISO number of IP as a one-byte network layer protocol identifier.
        const IPV4: &[u8] = &[0xcc];
        /// SNAP with the EtherType of IPv6.
        const IPV6: &[u8] = &[0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00, 0x86, 0xdd];

        let count = value.u32_be("CDP address count")?;
        for _ in 0..count {
            // The bytes bound the loop, whatever the count claims.
            value.u8("CDP address protocol type")?;
            let length = value.u8("CDP address protocol length")?;
            let protocol = value.take("CDP address protocol", usize::from(length))?;
            let length = value.u16_be("CDP address length")?;
            let mut address = value.sub("CDP address", usize::from(length))?;
            let address = match (protocol, length) {
                (IPV4, 4) => IpAddr::from(address.ipv4("CDP address")?),
                (IPV6, 16) => IpAddr::from(address.ipv6("CDP address")?),
                _ => continue,
            };
            if !self.addresses.contains(&address) && self.addresses.len() < Self::MAX_ADDRESSES {
                self.addresses.push(address);
            }
        }
        Ok(())
    }

    /// The phone's name: `SEP` + hardware address, with or without a domain behind it.
    pub fn device_name(&self) -> Option<DeviceName> {
        phone_name(self.device_id.as_deref()?)
    }

    /// Whether a phone says this, by its name, its platform or its capabilities.
    pub fn is_phone(&self) -> bool {
        self.device_name().is_some()
            || self.capabilities.unwrap_or(0) & Self::CAPABILITY_PHONE != 0
            || self.model().is_some()
    }

    /// The phone's model as CallManager names it: `Cisco 8851`.
    pub fn model(&self) -> Option<String> {
        cisco_model(self.platform.as_deref()?)
    }
}

/// The types of elements that are read.
mod element {
    pub(super) const DEVICE_ID: u16 = 0x0001;
    pub(super) const ADDRESSES: u16 = 0x0002;
    pub(super) const PORT_ID: u16 = 0x0003;
    pub(super) const CAPABILITIES: u16 = 0x0004;
    pub(super) const SOFTWARE_VERSION: u16 = 0x0005;
    pub(super) const PLATFORM: u16 = 0x0006;
    pub(super) const NATIVE_VLAN: u16 = 0x000a;
    pub(super) const DUPLEX: u16 = 0x000b;
    pub(super) const VOICE_VLAN_REPLY: u16 = 0x000e;
    pub(super) const VOICE_VLAN_QUERY: u16 = 0x000f;
    pub(super) const POWER_CONSUMPTION: u16 = 0x0010;
    pub(super) const MANAGEMENT_ADDRESSES: u16 = 0x0016;
    pub(super) const POWER_REQUESTED: u16 = 0x0019;
    pub(super) const POWER_AVAILABLE: u16 = 0x001a;
}

/// The name in a phone's device id or system name: what stands before the first dot, where that is `SEP` + twelve digits.
pub(super) fn phone_name(text: &str) -> Option<DeviceName> {
    let host = text.split('.').next()?;
    DeviceName::from_wire(host.as_bytes()).filter(|name| name.mac().is_some())
}

/// The model in a text that a Cisco phone uses for itself, as CallManager names it.
///
/// `Cisco IP Phone 8851` and `CP-8851-K9` are `Cisco 8851`, `Cisco IP Phone CP-7911G,V2, SCCP11.8-4-3S` is
/// `Cisco 7911`, `CP-7961G-GE` is `Cisco 7961G-GE` (a model of its own, with its own loads). `None` where the text names
/// no phone.
pub fn cisco_model(text: &str) -> Option<String> {
    let mut after_phone = false;
    for word in text.split([' ', ',', ';']).filter(|word| !word.is_empty()) {
        let product = word.strip_prefix("CP-");
        if let Some(number) = product
            .or(after_phone.then_some(word))
            .and_then(model_number)
        {
            return Some(format!("Cisco {number}"));
        }
        after_phone = ["phone", "station"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name));
    }
    None
}

/// A product number without its colour, region and power variants.
fn model_number(product: &str) -> Option<&str> {
    /// The longest one known is `7961G-GE`.
    const LONGEST: usize = 12;

    let (number, variant) = product.split_once('-').unwrap_or((product, ""));
    let number = number.trim_end_matches('=');
    let known = number.len() <= LONGEST
        && number.bytes().filter(u8::is_ascii_digit).count() >= 3
        && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !known {
        return None;
    }
    match number.strip_suffix('G') {
        // The gigabit 7941 and 7961 are device types beside the plain ones; every 7971 is a gigabit one.
        Some("7941" | "7961") if variant == "GE" => product.get(..number.len().saturating_add(3)),
        Some(plain) if plain.bytes().all(|byte| byte.is_ascii_digit()) => Some(plain),
        Some(_) | None => Some(number),
    }
}

/// One element: its type and a reader of its value.
fn element<'a>(reader: &mut Reader<'a>) -> Result<(u16, Reader<'a>), DecodeError> {
    let kind = reader.u16_be("CDP element type")?;
    let length = usize::from(reader.u16_be("CDP element length")?);
    let length = length.checked_sub(4).ok_or(DecodeError::Malformed {
        field: "CDP element length",
    })?;
    Ok((kind, reader.sub("CDP element", length)?))
}

/// The text of an element; `None` where it is empty. CDP bounds no text, so this does.
fn text(value: Reader<'_>) -> Option<String> {
    const LIMIT: usize = 128;
    let text = safe_text(value.peek(), LIMIT);
    (!text.is_empty()).then_some(text)
}

impl fmt::Display for Cdp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".into());
        write!(
            formatter,
            "CDP {} port {} platform {}",
            shown(&self.device_id),
            shown(&self.port_id),
            shown(&self.platform)
        )?;
        if let Some(vlan) = self.voice_vlan {
            write!(formatter, " voice VLAN {vlan}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use proptest::prelude::*;

    /// A phone: version 2, 180 s, its name, its capabilities, its platform, a query for its VLAN, a power request.
    const PHONE: &[u8] = b"\x02\xb4\0\0\
        \x00\x01\x00\x13SEP001380AD9E5F\
        \x00\x02\x00\x11\0\0\0\x01\x01\x01\xcc\0\x04\x0a\x01\x02\x03\
        \x00\x03\x00\x0aPort 1\
        \x00\x04\x00\x08\0\0\x04\x90\
        \x00\x05\x00\x0dP0030801\0\
        \x00\x06\x00\x17Cisco IP Phone 8851\
        \x00\x0f\x00\x06\x20\x00\
        \x00\x19\x00\x0c\xf0\xf3\0\x04\0\0\x26\x3f\
        \x00\x0b\x00\x05\x01\
        \x00\x10\x00\x06\x18\x9c";

    #[test]
    fn reads_what_a_phone_says_of_itself() {
        let cdp = Cdp::parse(PHONE).unwrap();
        assert_eq!(
            cdp,
            Cdp {
                version: 2,
                ttl: 180,
                device_id: Some("SEP001380AD9E5F".into()),
                port_id: Some("Port 1".into()),
                platform: Some("Cisco IP Phone 8851".into()),
                software_version: Some("P0030801".into()),
                addresses: vec!["10.1.2.3".parse().unwrap()],
                capabilities: Some(0x490),
                voice_vlan_query: true,
                duplex: Some(Duplex::Full),
                power_consumption: Some(6300),
                power_requested: Some(9791),
                ..Cdp::default()
            }
        );
        assert!(cdp.is_phone());
        assert_eq!(cdp.model().as_deref(), Some("Cisco 8851"));
        assert_eq!(
            cdp.device_name().map(|name| name.to_string()).as_deref(),
            Some("SEP001380AD9E5F")
        );
        assert_eq!(
            cdp.to_string(),
            "CDP SEP001380AD9E5F port Port 1 platform Cisco IP Phone 8851"
        );
    }

    #[test]
    fn reads_the_vlans_a_switch_tells() {
        let bytes = b"\x02\xb4\0\0\
            \x00\x01\x00\x0eS1.example\
            \x00\x05\x00\x19Cisco IOS, C3560\nCopy\
            \x00\x06\x00\x17cisco WS-C3560-24TS\
            \x00\x04\x00\x08\0\0\0\x28\
            \x00\x0a\x00\x06\0\x0a\
            \x00\x0e\x00\x07\x01\x00\x6e";
        let cdp = Cdp::parse(bytes).unwrap();
        assert_eq!(cdp.software_version.as_deref(), Some("Cisco IOS, C3560"));
        assert_eq!(cdp.native_vlan, Some(10));
        assert_eq!(cdp.voice_vlan, Some(110));
        assert!(!cdp.is_phone());
        assert_eq!((cdp.device_name(), cdp.model()), (None, None));
        assert!(cdp.anomalies.is_none());
    }

    #[test]
    fn a_cut_message_keeps_what_was_read() {
        let cdp = Cdp::parse(&PHONE[..30]).unwrap();
        assert_eq!(cdp.device_id.as_deref(), Some("SEP001380AD9E5F"));
        assert!(cdp.anomalies.truncated);
        assert_eq!(cdp.anomalies.malformed_elements, 0);
        assert_eq!(Cdp::parse(&PHONE[..3]).unwrap_err().reason(), "truncated");
    }

    #[test]
    fn a_bad_element_is_counted_and_the_others_are_kept() {
        let cdp = Cdp::parse(b"\x02\xb4\0\0\x00\x0a\x00\x05\x01\x00\x0b\x00\x05\x00").unwrap();
        assert_eq!((cdp.native_vlan, cdp.duplex), (None, Some(Duplex::Half)));
        assert_eq!(cdp.anomalies.malformed_elements, 1);
        let cdp = Cdp::parse(b"\x01\xb4\0\0\x00\x0b\x00\x05\x00\x00\x03\x00\x03xx").unwrap();
        assert_eq!((cdp.version, cdp.duplex), (1, Some(Duplex::Half)));
        assert_eq!(cdp.anomalies.malformed_elements, 1);
        assert_eq!(
            Cdp::parse(b"\x03\xb4\0\0").unwrap_err().reason(),
            "malformed"
        );
    }

    #[test]
    fn an_address_count_claims_nothing() {
        let cdp = Cdp::parse(
            b"\x02\xb4\0\0\x00\x02\x00\x11\xff\xff\xff\xff\x01\x01\xcc\0\x04\x0a\x01\x02\x03",
        )
        .unwrap();
        assert_eq!(cdp.addresses, ["10.1.2.3".parse::<IpAddr>().unwrap()]);
        assert_eq!(cdp.anomalies.malformed_elements, 1);
    }

    #[test]
    fn models_have_one_name_each() {
        for (text, model) in [
            ("Cisco IP Phone 8851", Some("Cisco 8851")),
            ("Cisco IP Phone 7940", Some("Cisco 7940")),
            ("CP-7911G", Some("Cisco 7911")),
            ("CP-8851-K9=", Some("Cisco 8851")),
            ("CP-6921-C-K9", Some("Cisco 6921")),
            ("CP-7961G-GE", Some("Cisco 7961G-GE")),
            ("CP-7971G-GE", Some("Cisco 7971")),
            ("CP-8865NR-K9", Some("Cisco 8865NR")),
            ("CP-DX650-K9", Some("Cisco DX650")),
            (
                "Cisco IP Phone CP-7911G,V2, SCCP11.8-4-3S",
                Some("Cisco 7911"),
            ),
            ("Cisco IP Conference Station 7936", Some("Cisco 7936")),
            ("cisco WS-C3560-24TS", None),
            ("cisco 1601", None),
            ("Cisco IP Phone", None),
            ("CP-", None),
            ("CP-<script>7911", None),
            ("", None),
        ] {
            assert_eq!(cisco_model(text).as_deref(), model, "{text}");
        }
    }

    fn message() -> impl Strategy<Value = Cdp> {
        let text = || proptest::option::of("[A-Za-z0-9/._-]{1,40}");
        (
            (text(), text(), text(), text()),
            proptest::collection::btree_set(any::<[u8; 4]>(), 0..4),
            proptest::option::of(any::<u32>()),
            (
                proptest::option::of(any::<u16>()),
                proptest::option::of(any::<u16>()),
            ),
            any::<bool>(),
            proptest::option::of(prop_oneof![Just(Duplex::Half), Just(Duplex::Full)]),
            (
                proptest::option::of(any::<u16>()),
                proptest::option::of(any::<u32>()),
                proptest::option::of(any::<u32>()),
            ),
        )
            .prop_map(
                |(texts, addresses, capabilities, vlans, query, duplex, power)| Cdp {
                    version: 2,
                    ttl: 180,
                    device_id: texts.0,
                    port_id: texts.1,
                    platform: texts.2,
                    software_version: texts.3,
                    addresses: addresses.into_iter().map(IpAddr::from).collect(),
                    capabilities,
                    native_vlan: vlans.0,
                    voice_vlan: vlans.1,
                    voice_vlan_query: query,
                    duplex,
                    power_consumption: power.0,
                    power_requested: power.1,
                    power_available: power.2,
                    anomalies: Anomalies::default(),
                },
            )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(cdp in message()) {
            let bytes = cdp.to_bytes();
            prop_assert_eq!(Cdp::parse(&bytes), Ok(cdp));
        }

        #[test]
        fn any_bytes_give_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let addresses = Cdp::parse(&bytes).map_or(0, |cdp| cdp.addresses.len());
            prop_assert!(addresses <= Cdp::MAX_ADDRESSES);
        }

        #[test]
        fn a_damaged_message_is_read_within_its_bounds(
            at in 0..PHONE.len(), byte in any::<u8>(), length in 0..=PHONE.len(),
        ) {
            let mut bytes = PHONE.to_vec();
            bytes[at] = byte;
            if let Ok(cdp) = Cdp::parse(&bytes[..length]) {
                prop_assert!(cdp.addresses.len() <= Cdp::MAX_ADDRESSES);
                let _ = (cdp.model(), cdp.device_name(), cdp.is_phone());
            }
        }
    }
}
