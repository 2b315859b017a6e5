//! By what clients and servers know each other (RFC 8415 section 11, RFC 6355).

use std::fmt;

use crate::net::MacAddr;
use crate::wire::Reader;

/// A DHCP unique identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duid {
    /// 1: a hardware address and when the identifier was made, in seconds since 2000.
    LinkLayerTime {
        /// The Ethernet address of one of its interfaces.
        mac: MacAddr,
        /// Seconds since the beginning of 2000.
        time: u32,
    },
    /// 2: a number that the vendor gave, of which only the vendor is kept.
    Enterprise(u32),
    /// 3: a hardware address.
    LinkLayer(MacAddr),
    /// 4: a UUID.
    Uuid([u8; 16]),
    /// Any other kind, or hardware that is not Ethernet, or one that is cut.
    Other(u16),
}

impl Duid {
    /// Decides what the value of an identifier's option is.
    pub fn from_wire(value: &[u8]) -> Self {
        let kind = Reader::new(value).u16_be("duid kind").unwrap_or(0);
        let body = value.get(2..).unwrap_or_default();
        Self::known(kind, body).unwrap_or(Self::Other(kind))
    }

    fn known(kind: u16, body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        match kind {
            1 => {
                let hardware = reader.u16_be("duid hardware").ok()?;
                let time = reader.u32_be("duid time").ok()?;
                let mac = ethernet(hardware, reader)?;
                Some(Self::LinkLayerTime { mac, time })
            }
            2 => reader.u32_be("duid enterprise").ok().map(Self::Enterprise),
            3 => hardware_address(body).map(Self::LinkLayer),
            4 => reader.array("duid uuid").ok().map(Self::Uuid),
            _ => None,
        }
    }

    /// The Ethernet address in it.
    pub const fn mac(self) -> Option<MacAddr> {
        match self {
            Self::LinkLayerTime { mac, .. } | Self::LinkLayer(mac) => Some(mac),
            Self::Enterprise(_) | Self::Uuid(_) | Self::Other(_) => None,
        }
    }
}

/// The Ethernet address behind its kind of hardware.
pub(super) fn hardware_address(value: &[u8]) -> Option<MacAddr> {
    let mut reader = Reader::new(value);
    let hardware = reader.u16_be("hardware type").ok()?;
    ethernet(hardware, reader)
}

/// The address that is left, where it is an Ethernet one: hardware type 1, and six bytes.
fn ethernet(hardware: u16, mut reader: Reader<'_>) -> Option<MacAddr> {
    (hardware == 1 && reader.left() == 6)
        .then(|| reader.mac("hardware address").ok())
        .flatten()
}

impl fmt::Display for Duid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkLayerTime { mac, .. } | Self::LinkLayer(mac) => mac.fmt(formatter),
            Self::Enterprise(number) => write!(formatter, "an identifier of enterprise {number}"),
            Self::Uuid(uuid) => write!(formatter, "UUID {:032x}", u128::from_be_bytes(*uuid)),
            Self::Other(kind) => write!(formatter, "an identifier of kind {kind}"),
        }
    }
}
