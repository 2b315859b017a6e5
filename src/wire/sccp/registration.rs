//! Registering, being acknowledged or rejected, asking to come back, leaving and being reset.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::at;
use super::device_type::DeviceType;
use super::display::display_text;
use crate::net::{DeviceName, MacAddr, safe_text};
use crate::wire::{DecodeError, Reader};

/// A phone asks to be registered.
///
/// ```text
///   0 name[16]  16 user  20 instance  24 IPv4  28 device type  32 streams  36 active streams  40 protocol version
///  42 features  44 conferences  48 active conferences  52 hardware address[12]  64 scope  68 lines  72 IPv6[16]
///  88 scope  92 load[32]  124 configuration stamp[48]
/// ```
///
/// Bodies of 36 to 172 bytes and more are seen: the oldest phones end after the streams, the 7940 after the first scope
/// (with junk in its tail), today's after the load or the stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The device name; `None` where what stands there is none.
    pub name: Option<DeviceName>,
    /// What the phone takes for its own IPv4 address; another one than the packet's where NAT is between.
    pub address: Option<Ipv4Addr>,
    /// What kind of device it is.
    pub device_type: DeviceType,
    /// The highest protocol version that the phone speaks; absent from the oldest phones.
    pub protocol_version: Option<u8>,
    /// The hardware address: the name's where it has one, else the message's own field where it looks like one. The field
    /// holds six bytes, twelve digits or junk, by the model.
    pub mac: Option<MacAddr>,
    /// The phone's own IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// The firmware load that runs, as `SCCP41.8-5-3S`.
    pub load: Option<String>,
    /// The version stamp of the configuration file in use (firmware of the CallManager 11.5 era and later).
    pub config_version_stamp: Option<String>,
}

/// The CallManager accepts a registration.
///
/// Bodies of 12 bytes (CallManager 2) and 20: keepalive interval, date template\[8\], standby interval, protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterAck {
    /// How often the phone is to send a KeepAlive on this connection.
    pub keepalive: Option<Duration>,
    /// How often on its standby connection.
    pub standby_keepalive: Option<Duration>,
    /// The highest protocol version that the CallManager speaks, or the one it chose.
    pub protocol_version: Option<u8>,
}

/// The CallManager refuses a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterReject {
    /// What the phone shows.
    pub text: String,
    /// What it means.
    pub reason: RejectReason,
}

/// Why a registration was refused, as far as the text says it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum RejectReason {
    /// `Error DBConfig`: the device is not configured and does not register by itself.
    DatabaseConfig,
    /// `Error Database`: the CallManager could not ask its database.
    Database,
    /// `Max Phones Exceeded`: no more phones fit (SRST, CallManager Express).
    MaxPhones,
    /// `Error Mismatch`: configured as another model.
    Mismatch,
    /// `Error No License`.
    NoLicense,
    /// `Device Not Authorized`, `IP Not Authorized`, `No Authority`.
    NotAuthorized,
    /// `Error Pass Limit`.
    PassLimit,
    /// `Security Error`.
    Security,
    /// The text says none of these.
    Unknown,
    /// `Device Unknown`.
    UnknownDevice,
    /// A text about a version.
    VersionError,
}

/// A phone asks a CallManager of higher priority whether it may come back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The device name.
    pub name: Option<DeviceName>,
    /// What the phone takes for its own IPv4 address.
    pub address: Option<Ipv4Addr>,
    /// What kind of device it is.
    pub device_type: DeviceType,
}

/// What the CallManager says to an Unregister.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnregisterStatus {
    /// 0: the phone is unregistered.
    Ok,
    /// 1.
    Error,
    /// 2: refused, as during a call.
    Nak,
    /// Any other number.
    Unknown(u32),
}

/// What the CallManager wants the phone to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResetType {
    /// 1: boot again, with load and configuration.
    Reset,
    /// 2: register again with the configuration read anew.
    Restart,
    /// 3: apply a changed configuration.
    ApplyConfig,
    /// Any other number.
    Unknown(u32),
}

impl RejectReason {
    /// Every reason, in the order of their labels.
    pub const ALL: [Self; 11] = [
        Self::Database,
        Self::DatabaseConfig,
        Self::MaxPhones,
        Self::Mismatch,
        Self::NoLicense,
        Self::NotAuthorized,
        Self::PassLimit,
        Self::Security,
        Self::Unknown,
        Self::UnknownDevice,
        Self::VersionError,
    ];

    /// The metrics label of this reason.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::DatabaseConfig => "database_config",
            Self::MaxPhones => "max_phones",
            Self::Mismatch => "mismatch",
            Self::NoLicense => "no_license",
            Self::NotAuthorized => "not_authorized",
            Self::PassLimit => "pass_limit",
            Self::Security => "security",
            Self::Unknown => "unknown",
            Self::UnknownDevice => "unknown_device",
            Self::VersionError => "version_error",
        }
    }

    /// The reason that a reject's text gives, whatever its case and spelling.
    pub fn from_text(text: &str) -> Self {
        // "Error: No License", "Error DBConfig", "Database Config" alike; the more special words stand first.
        const WORDS: [(&str, RejectReason); 13] = [
            ("nolicense", RejectReason::NoLicense),
            ("dbconfig", RejectReason::DatabaseConfig),
            ("databaseconfig", RejectReason::DatabaseConfig),
            ("database", RejectReason::Database),
            ("passlimit", RejectReason::PassLimit),
            ("mismatch", RejectReason::Mismatch),
            ("maxphones", RejectReason::MaxPhones),
            ("notauthorized", RejectReason::NotAuthorized),
            ("noauthority", RejectReason::NotAuthorized),
            ("security", RejectReason::Security),
            ("version", RejectReason::VersionError),
            ("deviceunknown", RejectReason::UnknownDevice),
            ("unknowndevice", RejectReason::UnknownDevice),
        ];
        let letters: String = text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        WORDS
            .iter()
            .find(|(word, _)| letters.contains(word))
            .map_or(Self::Unknown, |&(_, reason)| reason)
    }
}

impl UnregisterStatus {
    /// The status with this number.
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Ok,
            1 => Self::Error,
            2 => Self::Nak,
            other => Self::Unknown(other),
        }
    }

    /// The number on the wire.
    pub const fn number(self) -> u32 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::Nak => 2,
            Self::Unknown(other) => other,
        }
    }
}

impl ResetType {
    /// The type with this number.
    pub const fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Reset,
            2 => Self::Restart,
            3 => Self::ApplyConfig,
            other => Self::Unknown(other),
        }
    }

    /// The number on the wire.
    pub const fn number(self) -> u32 {
        match self {
            Self::Reset => 1,
            Self::Restart => 2,
            Self::ApplyConfig => 3,
            Self::Unknown(other) => other,
        }
    }
}

impl Register {
    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let station = Station::parse(body)?;
        let text = |offset, width| {
            let text = safe_text(at(body, offset).take_up_to(width), width);
            (!text.is_empty()).then_some(text)
        };
        Ok(Self {
            name: station.name,
            address: station.address,
            device_type: station.device_type,
            protocol_version: at(body, 40)
                .u8("protocol version")
                .ok()
                .filter(|&version| version != 0),
            mac: station
                .name
                .and_then(|name| name.mac())
                .or_else(|| mac_field(&at(body, 52).array("hardware address").ok()?)),
            ipv6: at(body, 72)
                .ipv6("IPv6 address")
                .ok()
                .filter(|address| !address.is_unspecified()),
            load: text(92, 32),
            config_version_stamp: text(124, 48),
        })
    }
}

impl RegisterAck {
    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let keepalive = Reader::new(body).u32_le("keepalive interval")?;
        Ok(Self {
            keepalive: interval(keepalive),
            standby_keepalive: at(body, 12)
                .u32_le("standby keepalive interval")
                .ok()
                .and_then(interval),
            protocol_version: at(body, 16)
                .u8("protocol version")
                .ok()
                .filter(|&version| version != 0),
        })
    }
}

impl RegisterReject {
    pub(super) fn parse(body: &[u8]) -> Self {
        let text = display_text(body, 64);
        Self {
            reason: RejectReason::from_text(&text),
            text,
        }
    }
}

impl TokenRequest {
    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let station = Station::parse(body)?;
        Ok(Self {
            name: station.name,
            address: station.address,
            device_type: station.device_type,
        })
    }
}

/// What every request of a device begins with.
struct Station {
    name: Option<DeviceName>,
    address: Option<Ipv4Addr>,
    device_type: DeviceType,
}

impl Station {
    fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let name = DeviceName::from_wire(reader.take("device name", DeviceName::MAX)?);
        reader.take("station identifier", 8)?;
        let address = reader.ipv4("station address")?;
        let device_type = DeviceType(reader.u32_le("device type")?);
        Ok(Self {
            name,
            address: (!address.is_unspecified()).then_some(address),
            device_type,
        })
    }
}

/// Six bytes with zeros behind them, or twelve digits; anything else is what was in the phone's memory before.
fn mac_field(field: &[u8; 12]) -> Option<MacAddr> {
    if let Some(mac) = std::str::from_utf8(field).ok().and_then(MacAddr::from_hex) {
        return credible(mac);
    }
    let (address, padding) = field.split_first_chunk::<6>()?;
    if padding.iter().any(|&byte| byte != 0) {
        return None;
    }
    credible(MacAddr(*address))
}

fn credible(mac: MacAddr) -> Option<MacAddr> {
    (!mac.is_zero() && !mac.is_multicast()).then_some(mac)
}

fn interval(seconds: u32) -> Option<Duration> {
    (seconds != 0).then(|| Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests;
