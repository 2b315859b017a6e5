//! Link Layer Discovery Protocol (IEEE 802.1AB) with the extensions for media endpoints (ANSI/TIA-1057, LLDP-MED).
//!
//! ```text
//!  0       7         16
//! | type  | length  | value ...        the first three: chassis, port, time to live
//! | 7 bit | 9 bit   |
//! | 127   | length  | organization (3) | subtype | value ...
//! ```
//!
//! A switch tells a phone its voice VLAN in the network policy; the phone tells what it is in the inventory.

mod encode;

use std::fmt;
use std::net::IpAddr;

use super::cdp::{Anomalies, cisco_model, phone_name};
use super::{DecodeError, Reader};
use crate::net::{DeviceName, MacAddr, safe_text};

/// One LLDP data unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lldp {
    /// Which device (type 1).
    pub chassis: Option<Identifier>,
    /// Which of its ports (type 2).
    pub port: Option<Identifier>,
    /// For how many seconds the receiver should remember this; 0 takes the neighbour back (type 3).
    pub ttl: u16,
    /// The port in words: `SW PORT`, `PC Port` (type 4).
    pub port_description: Option<String>,
    /// `SEP` + hardware address of a phone, with or without its domain (type 5).
    pub system_name: Option<String>,
    /// Model and load of a phone, the first line of a switch's version text (type 6).
    pub system_description: Option<String>,
    /// What it can do and what of that is on (type 7).
    pub capabilities: Option<Capabilities>,
    /// Its addresses (type 8), at most eight.
    pub management_addresses: Vec<IpAddr>,
    /// The VLAN of untagged frames on this port (IEEE 802.1, subtype 1).
    pub native_vlan: Option<u16>,
    /// What kind of media endpoint it is (MED subtype 1).
    pub device_class: Option<DeviceClass>,
    /// How media is to be sent on this port (MED subtype 2), at most eight.
    pub policies: Vec<NetworkPolicy>,
    /// The device's own data (MED subtypes 5 to 10).
    pub inventory: Inventory,
    /// What was odd about the data unit.
    pub anomalies: Anomalies,
}

/// What names a chassis or a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// A hardware address.
    Mac(MacAddr),
    /// A network address.
    Address(IpAddr),
    /// A name: of an interface, a component, or one the device made up.
    Text(String),
}

/// What a system can do (IEEE 802.1AB 8.5.8); the same bits in both fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities {
    /// What it is able to do.
    pub system: u16,
    /// What of that is switched on.
    pub enabled: u16,
}

impl Capabilities {
    /// It forwards frames: switches, and phones with a PC port.
    pub const BRIDGE: u16 = 0x0004;
    /// It is a telephone.
    pub const TELEPHONE: u16 = 0x0020;
}

/// The kind of a media endpoint (TIA-1057 10.2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// Class I: a generic endpoint, such as a server.
    Generic,
    /// Class II: it sends or receives media, such as a conference bridge.
    Media,
    /// Class III: it serves a person, such as a phone.
    Communication,
    /// A switch or router.
    NetworkConnectivity,
    /// Any other number.
    Other(u8),
}

impl DeviceClass {
    /// The class with this number.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Generic,
            2 => Self::Media,
            3 => Self::Communication,
            4 => Self::NetworkConnectivity,
            other => Self::Other(other),
        }
    }

    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Generic => 1,
            Self::Media => 2,
            Self::Communication => 3,
            Self::NetworkConnectivity => 4,
            Self::Other(code) => code,
        }
    }
}

/// How one kind of media is to be sent (TIA-1057 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetworkPolicy {
    /// The kind: 1 voice, 2 voice signalling, and six more.
    pub application: u8,
    /// The endpoint does not know the policy yet and asks for it; the other fields mean nothing.
    pub unknown: bool,
    /// Whether frames carry a VLAN tag.
    pub tagged: bool,
    /// The VLAN in the tag; 0 for a priority tag.
    pub vlan: u16,
    /// The IEEE 802.1p priority, 0 to 7.
    pub priority: u8,
    /// The differentiated services code point, 0 to 63.
    pub dscp: u8,
}

impl NetworkPolicy {
    /// The application type of voice.
    pub const VOICE: u8 = 1;
}

/// What a device says of itself (TIA-1057 10.2.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The hardware revision.
    pub hardware: Option<String>,
    /// The firmware revision: a phone's boot loader.
    pub firmware: Option<String>,
    /// The software revision: a phone's load.
    pub software: Option<String>,
    /// The serial number.
    pub serial: Option<String>,
    /// `Cisco Systems, Inc.`
    pub manufacturer: Option<String>,
    /// `CP-7961G`
    pub model: Option<String>,
}

impl Lldp {
    const MAX_ADDRESSES: usize = 8;
    const MAX_POLICIES: usize = 8;

    /// Reads a data unit. It must begin with chassis, port and time to live (IEEE 802.1AB 8.2); of the rest, elements
    /// behind one that cannot be read are lost, not those before it.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut lldp = Self {
            chassis: Some(chassis(&mut mandatory(&mut reader, element::CHASSIS)?)?),
            port: Some(port(&mut mandatory(&mut reader, element::PORT)?)?),
            ttl: mandatory(&mut reader, element::TTL)?.u16_be("LLDP time to live")?,
            ..Self::default()
        };
        while reader.any_left() {
            let Ok((kind, value)) = element(&mut reader) else {
                lldp.anomalies.truncated = true;
                break;
            };
            if kind == element::END {
                break;
            }
            if lldp.read_element(kind, value).is_err() {
                lldp.anomalies.count_malformed();
            }
        }
        Ok(lldp)
    }

    fn read_element(&mut self, kind: u8, mut value: Reader<'_>) -> Result<(), DecodeError> {
        match kind {
            element::PORT_DESCRIPTION => self.port_description = text(value.peek()),
            element::SYSTEM_NAME => self.system_name = text(value.peek()),
            element::SYSTEM_DESCRIPTION => {
                // A switch's text has several lines; the first one names the software.
                self.system_description = value
                    .peek()
                    .split(|&byte| byte == b'\n' || byte == b'\r')
                    .next()
                    .and_then(text);
            }
            element::CAPABILITIES => {
                self.capabilities = Some(Capabilities {
                    system: value.u16_be("LLDP capabilities")?,
                    enabled: value.u16_be("LLDP enabled capabilities")?,
                });
            }
            element::MANAGEMENT_ADDRESS => {
                let length = value.u8("LLDP management address length")?;
                let address = value.take("LLDP management address", usize::from(length))?;
                if let Some(address) = network_address(address)
                    && self.management_addresses.len() < Self::MAX_ADDRESSES
                {
                    self.management_addresses.push(address);
                }
            }
            element::ORGANIZATION => {
                let organization = value.array::<3>("LLDP organization")?;
                let subtype = value.u8("LLDP organization subtype")?;
                match organization {
                    organization::IEEE_802_1 if subtype == PORT_VLAN => {
                        self.native_vlan = Some(value.u16_be("LLDP port VLAN")?);
                    }
                    organization::TIA => self.read_med(subtype, value)?,
                    _ => {}
                }
            }
            // The mandatory three may not come again (IEEE 802.1AB 9.2.7.7.1).
            element::CHASSIS | element::PORT | element::TTL => {
                return Err(DecodeError::Malformed {
                    field: "LLDP element",
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn read_med(&mut self, subtype: u8, mut value: Reader<'_>) -> Result<(), DecodeError> {
        match subtype {
            med::CAPABILITIES => {
                value.u16_be("LLDP-MED capabilities")?;
                let class = value.u8("LLDP-MED device class")?;
                self.device_class = Some(DeviceClass::from_code(class));
            }
            med::NETWORK_POLICY => {
                let application = value.u8("LLDP-MED application type")?;
                let [high, middle, low] = value.array("LLDP-MED network policy")?;
                if self.policies.len() < Self::MAX_POLICIES {
                    self.policies.push(NetworkPolicy::from_bits(
                        application,
                        u32::from_be_bytes([0, high, middle, low]),
                    ));
                }
            }
            med::HARDWARE => self.inventory.hardware = text(value.peek()),
            med::FIRMWARE => self.inventory.firmware = text(value.peek()),
            med::SOFTWARE => self.inventory.software = text(value.peek()),
            med::SERIAL => self.inventory.serial = text(value.peek()),
            med::MANUFACTURER => self.inventory.manufacturer = text(value.peek()),
            med::MODEL => self.inventory.model = text(value.peek()),
            _ => {}
        }
        Ok(())
    }

    /// Whether the sender takes back what it said before (time to live 0): its port goes down.
    pub const fn is_shutdown(&self) -> bool {
        self.ttl == 0
    }

    /// The phone's name: `SEP` + hardware address, without its domain.
    pub fn device_name(&self) -> Option<DeviceName> {
        phone_name(self.system_name.as_deref()?)
    }

    /// Whether a phone says this, by its name, its model or its capabilities.
    pub fn is_phone(&self) -> bool {
        self.device_name().is_some()
            || self
                .capabilities
                .is_some_and(|bits| bits.enabled & Capabilities::TELEPHONE != 0)
            || self.model().is_some()
    }

    /// The phone's model as CallManager names it: `Cisco 7911`.
    pub fn model(&self) -> Option<String> {
        let inventory = self.inventory.model.as_deref().and_then(cisco_model);
        inventory.or_else(|| self.system_description.as_deref().and_then(cisco_model))
    }

    /// The phone's load: its software revision, else what ends its system description
    /// (`Cisco IP Phone CP-7911G,V2, SCCP11.8-4-3S`).
    pub fn load(&self) -> Option<&str> {
        self.inventory.software.as_deref().or_else(|| {
            let description = self.system_description.as_deref()?;
            cisco_model(description)?;
            let (_, load) = description.rsplit_once(',')?;
            Some(load.trim()).filter(|load| !load.is_empty())
        })
    }

    /// The sender's hardware address: that of its name, else of its port, else of its chassis. A phone's PC port shows
    /// the address of the phone.
    pub fn mac(&self) -> Option<MacAddr> {
        let named = self.device_name().and_then(|name| name.mac());
        named
            .or_else(|| self.port.as_ref().and_then(Identifier::mac))
            .or_else(|| self.chassis.as_ref().and_then(Identifier::mac))
    }

    /// The VLAN in which a phone on this port is to send voice, where the policy says a tagged one.
    pub fn voice_vlan(&self) -> Option<u16> {
        self.policies
            .iter()
            .find(|policy| policy.application == NetworkPolicy::VOICE)
            .filter(|policy| !policy.unknown && policy.tagged && (1..=4094).contains(&policy.vlan))
            .map(|policy| policy.vlan)
    }
}

impl NetworkPolicy {
    /// `U T X vlan:12 priority:3 dscp:6` in the low 24 bits.
    fn from_bits(application: u8, bits: u32) -> Self {
        let [_, _, _, low] = bits.to_be_bytes();
        Self {
            application,
            unknown: bits & 0x80_0000 != 0,
            tagged: bits & 0x40_0000 != 0,
            vlan: u16::try_from((bits >> 9) & 0x0fff).unwrap_or(0),
            priority: u8::try_from((bits >> 6) & 0x07).unwrap_or(0),
            dscp: low & 0x3f,
        }
    }
}

impl Identifier {
    /// The hardware address it is or begins with: a phone's local port names are `001B54945A8B:P1`.
    pub fn mac(&self) -> Option<MacAddr> {
        match self {
            Self::Mac(mac) => Some(*mac),
            Self::Address(_) => None,
            Self::Text(text) => MacAddr::from_hex(text.split(':').next()?),
        }
    }
}

/// The types of elements (IEEE 802.1AB table 8-1).
mod element {
    pub(super) const END: u8 = 0;
    pub(super) const CHASSIS: u8 = 1;
    pub(super) const PORT: u8 = 2;
    pub(super) const TTL: u8 = 3;
    pub(super) const PORT_DESCRIPTION: u8 = 4;
    pub(super) const SYSTEM_NAME: u8 = 5;
    pub(super) const SYSTEM_DESCRIPTION: u8 = 6;
    pub(super) const CAPABILITIES: u8 = 7;
    pub(super) const MANAGEMENT_ADDRESS: u8 = 8;
    pub(super) const ORGANIZATION: u8 = 127;
}

/// Whose elements of type 127 are read.
mod organization {
    pub(super) const IEEE_802_1: [u8; 3] = [0x00, 0x80, 0xc2];
    pub(super) const TIA: [u8; 3] = [0x00, 0x12, 0xbb];
}

/// The subtypes of LLDP-MED (TIA-1057 table 6).
mod med {
    pub(super) const CAPABILITIES: u8 = 1;
    pub(super) const NETWORK_POLICY: u8 = 2;
    pub(super) const HARDWARE: u8 = 5;
    pub(super) const FIRMWARE: u8 = 6;
    pub(super) const SOFTWARE: u8 = 7;
    pub(super) const SERIAL: u8 = 8;
    pub(super) const MANUFACTURER: u8 = 9;
    pub(super) const MODEL: u8 = 10;
}

/// The IEEE 802.1 subtype of the port VLAN.
const PORT_VLAN: u8 = 1;
/// Subtypes of the chassis (IEEE 802.1AB table 8-2) and the port (table 8-3) that are not text.
const CHASSIS_MAC: u8 = 4;
const CHASSIS_ADDRESS: u8 = 5;
const PORT_MAC: u8 = 3;
const PORT_ADDRESS: u8 = 4;
/// The subtype of a name the device made up, for both.
const LOCALLY_ASSIGNED: u8 = 7;

fn chassis(value: &mut Reader<'_>) -> Result<Identifier, DecodeError> {
    let subtype = value.u8("LLDP chassis subtype")?;
    Ok(identifier(
        value.peek(),
        subtype == CHASSIS_MAC,
        subtype == CHASSIS_ADDRESS,
    ))
}

fn port(value: &mut Reader<'_>) -> Result<Identifier, DecodeError> {
    let subtype = value.u8("LLDP port subtype")?;
    Ok(identifier(
        value.peek(),
        subtype == PORT_MAC,
        subtype == PORT_ADDRESS,
    ))
}

/// A value that does not have the length of what its subtype says is kept as text.
fn identifier(value: &[u8], is_mac: bool, is_address: bool) -> Identifier {
    if is_mac && let Ok(mac) = <[u8; 6]>::try_from(value) {
        return Identifier::Mac(MacAddr(mac));
    }
    if is_address && let Some(address) = network_address(value) {
        return Identifier::Address(address);
    }
    Identifier::Text(text(value).unwrap_or_default())
}

/// An address with its IANA family number before it: 1 IPv4, 2 IPv6.
fn network_address(value: &[u8]) -> Option<IpAddr> {
    let (family, address) = value.split_first()?;
    match family {
        1 => Some(IpAddr::from(<[u8; 4]>::try_from(address).ok()?)),
        2 => Some(IpAddr::from(<[u8; 16]>::try_from(address).ok()?)),
        _ => None,
    }
}

/// The value of an element that must stand here.
fn mandatory<'a>(reader: &mut Reader<'a>, expected: u8) -> Result<Reader<'a>, DecodeError> {
    let (kind, value) = element(reader)?;
    if kind == expected {
        Ok(value)
    } else {
        Err(DecodeError::Malformed {
            field: "LLDP element order",
        })
    }
}

/// One element: its type and a reader of its value.
fn element<'a>(reader: &mut Reader<'a>) -> Result<(u8, Reader<'a>), DecodeError> {
    let [first, second] = reader.array("LLDP element header")?;
    let length = u16::from_be_bytes([first & 1, second]);
    let value = reader.sub("LLDP element", usize::from(length))?;
    Ok((first >> 1, value))
}

/// Text as it may be shown; `None` where it is empty.
fn text(value: &[u8]) -> Option<String> {
    const LIMIT: usize = 128;
    let text = safe_text(value, LIMIT);
    (!text.is_empty()).then_some(text)
}

impl fmt::Display for Identifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => fmt::Display::fmt(mac, formatter),
            Self::Address(address) => fmt::Display::fmt(address, formatter),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

impl fmt::Display for Lldp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LLDP")?;
        if let Some(name) = &self.system_name {
            write!(formatter, " {name}")?;
        } else if let Some(chassis) = &self.chassis {
            write!(formatter, " {chassis}")?;
        }
        if let Some(port) = &self.port {
            write!(formatter, " port {port}")?;
        }
        if let Some(vlan) = self.voice_vlan() {
            write!(formatter, " voice VLAN {vlan}")?;
        }
        if self.is_shutdown() {
            formatter.write_str(" shutdown")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
