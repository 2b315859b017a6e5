//! The options of a message, and those inside another option.

use crate::wire::Reader;

/// The numbers of the options that are read.
pub mod code {
    /// By what the client is known.
    pub const CLIENT_ID: u16 = 1;
    /// By what the server is known.
    pub const SERVER_ID: u16 = 2;
    /// Addresses for good.
    pub const IA_NA: u16 = 3;
    /// Temporary addresses.
    pub const IA_TA: u16 = 4;
    /// One address, inside options 3 and 4.
    pub const IA_ADDRESS: u16 = 5;
    /// Which options the client wants.
    pub const OPTION_REQUEST: u16 = 6;
    /// For how long the client has been trying.
    pub const ELAPSED_TIME: u16 = 8;
    /// What a relay wraps.
    pub const RELAY_MESSAGE: u16 = 9;
    /// The result, of the whole or of what it stands in.
    pub const STATUS_CODE: u16 = 13;
    /// What the client is.
    pub const VENDOR_CLASS: u16 = 16;
    /// Options of one vendor.
    pub const VENDOR_OPTIONS: u16 = 17;
    /// Name servers.
    pub const DNS_SERVERS: u16 = 23;
    /// The client's name.
    pub const CLIENT_NAME: u16 = 39;
    /// What to boot.
    pub const BOOT_FILE: u16 = 59;
    /// The client's hardware address, as a relay saw it.
    pub const CLIENT_LINK_LAYER_ADDRESS: u16 = 79;
}

/// Options with their numbers, in the order in which they stand. One that is cut ends the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    bytes: &'a [u8],
}

impl<'a> Options<'a> {
    /// The options that these bytes are.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Each option: its number and its value.
    pub fn all(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || {
            let option = next(&mut reader);
            if option.is_none() {
                reader.rest();
            }
            option
        })
    }

    /// The value of the first option with this number.
    pub fn find(self, wanted: u16) -> Option<&'a [u8]> {
        self.each(wanted).next()
    }

    /// The values of all options with this number.
    pub fn each(self, wanted: u16) -> impl Iterator<Item = &'a [u8]> {
        let wanted = move |(number, value)| (number == wanted).then_some(value);
        self.all().filter_map(wanted)
    }

    /// The result among these options (option 13), 0 being success, and what is said of it.
    pub fn status(self) -> Option<(u16, &'a [u8])> {
        let mut reader = Reader::new(self.find(code::STATUS_CODE)?);
        let status = reader.u16_be("dhcpv6 status").ok()?;
        Some((status, reader.rest()))
    }

    /// Whether the last one ends where the bytes end.
    pub fn are_whole(self) -> bool {
        let mut reader = Reader::new(self.bytes);
        while reader.left() > 0 {
            if next(&mut reader).is_none() {
                return false;
            }
        }
        true
    }
}

fn next<'a>(reader: &mut Reader<'a>) -> Option<(u16, &'a [u8])> {
    let number = reader.u16_be("dhcpv6 option").ok()?;
    let length = reader.u16_be("dhcpv6 option length").ok()?;
    let value = reader.take("dhcpv6 option", usize::from(length)).ok()?;
    Some((number, value))
}
