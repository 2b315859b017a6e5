//! The options of a message: where they stand, how they are walked, what can be odd about them.

use std::borrow::Cow;

use crate::wire::Reader;

/// The options that are read here (RFC 2132 unless stated).
pub mod code {
    /// Subnet mask.
    pub const SUBNET_MASK: u8 = 1;
    /// Routers, in order of preference.
    pub const ROUTERS: u8 = 3;
    /// Domain name servers.
    pub const DNS_SERVERS: u8 = 6;
    /// Host name.
    pub const HOST_NAME: u8 = 12;
    /// Domain name.
    pub const DOMAIN: u8 = 15;
    /// The address the client asks for.
    pub const REQUESTED_ADDRESS: u8 = 50;
    /// Lease time, seconds.
    pub const LEASE_TIME: u8 = 51;
    /// Which of `file` and `sname` hold options.
    pub const OVERLOAD: u8 = 52;
    /// Message type.
    pub const MESSAGE_TYPE: u8 = 53;
    /// Server identifier.
    pub const SERVER_IDENTIFIER: u8 = 54;
    /// The options the client asks for.
    pub const PARAMETER_LIST: u8 = 55;
    /// A message in words.
    pub const MESSAGE: u8 = 56;
    /// Renewal time T1, seconds.
    pub const RENEWAL_TIME: u8 = 58;
    /// Rebinding time T2, seconds.
    pub const REBINDING_TIME: u8 = 59;
    /// Vendor class identifier.
    pub const VENDOR_CLASS: u8 = 60;
    /// Client identifier.
    pub const CLIENT_IDENTIFIER: u8 = 61;
    /// TFTP server name.
    pub const TFTP_SERVER_NAME: u8 = 66;
    /// Relay agent information (RFC 3046).
    pub const RELAY_INFORMATION: u8 = 82;
    /// TFTP server addresses of VoIP devices (RFC 5859).
    pub const TFTP_SERVER_ADDRESSES: u8 = 150;

    /// Fills a gap; has no length.
    pub(in super::super) const PAD: u8 = 0;
    /// Ends the options of a field; has no length.
    pub(in super::super) const END: u8 = 255;
}

/// The options of one message, as bytes: nothing is copied until an option is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// The options field, then `file` and `sname` where they are overloaded: the order of RFC 3396, section 5.
    fields: [&'a [u8]; 3],
    overload: u8,
}

impl<'a> Options<'a> {
    /// The bit of option 52 for the `file` field.
    pub(super) const BOOT_FILE: u8 = 1;
    /// The bit of option 52 for the `sname` field.
    pub(super) const SERVER_NAME: u8 = 2;

    /// Finds where the options stand, and notes what is odd about them.
    pub(super) fn new(
        options: &'a [u8],
        boot_file: &'a [u8],
        server_name: &'a [u8],
        anomalies: &mut Anomalies,
    ) -> Self {
        let mut overload = 0;
        let mut walk = Walk::new(options);
        while let Some((option, value)) = walk.next_option() {
            // Only the options field itself can say so (RFC 2131, section 4.1).
            if option == code::OVERLOAD {
                match *value {
                    [fields @ 1..=3] => overload |= fields,
                    _ => anomalies.insert(Anomaly::OverloadOdd),
                }
            }
        }
        let whole = !anomalies.contains(Anomaly::NoCookie) && !anomalies.contains(Anomaly::Cut);
        if whole {
            anomalies.note(walk.end);
        }
        let mut found = Self {
            fields: [options, &[], &[]],
            overload,
        };
        for (field, bytes, bit) in [
            (1, boot_file, Self::BOOT_FILE),
            (2, server_name, Self::SERVER_NAME),
        ] {
            if overload & bit == 0 {
                continue;
            }
            if let Some(place) = found.fields.get_mut(field) {
                *place = bytes;
            }
            let mut walk = Walk::new(bytes);
            while walk.next_option().is_some() {}
            anomalies.note(walk.end);
        }
        found
    }

    /// Every option with its value.
    pub const fn iter(&self) -> OptionsIter<'a> {
        let [options, boot_file, server_name] = self.fields;
        OptionsIter {
            walk: Walk::new(options),
            later: [boot_file, server_name],
        }
    }

    /// The value of an option, its parts joined.
    pub fn find(&self, code: u8) -> Option<Cow<'a, [u8]>> {
        let mut parts = self
            .iter()
            .filter(|&(option, _)| option == code)
            .map(|(_, value)| value);
        let mut value = Cow::Borrowed(parts.next()?);
        for part in parts {
            value.to_mut().extend_from_slice(part);
        }
        Some(value)
    }

    /// `field`, or nothing where option 52 makes options of it.
    pub(super) const fn unless_overloaded(&self, field: &'a [u8], bit: u8) -> &'a [u8] {
        if self.overload & bit == 0 { field } else { &[] }
    }
}

impl<'a> IntoIterator for &Options<'a> {
    type Item = (u8, &'a [u8]);
    type IntoIter = OptionsIter<'a>;

    fn into_iter(self) -> OptionsIter<'a> {
        self.iter()
    }
}

/// The options of a message one after the other: the code and the value.
#[derive(Clone, Debug)]
pub struct OptionsIter<'a> {
    walk: Walk<'a>,
    later: [&'a [u8]; 2],
}

impl<'a> Iterator for OptionsIter<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(option) = self.walk.next_option() {
                return Some(option);
            }
            let field = self.later.iter_mut().find(|field| !field.is_empty())?;
            self.walk = Walk::new(std::mem::take(field));
        }
    }
}

/// A walk over one field of options.
#[derive(Clone, Debug)]
struct Walk<'a> {
    reader: Reader<'a>,
    end: End,
}

/// How the options of a field ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With the end marker.
    Marked,
    /// With the last byte of an option, no marker after it.
    Unmarked,
    /// Inside an option.
    Truncated,
}

impl<'a> Walk<'a> {
    const fn new(field: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(field),
            end: End::Unmarked,
        }
    }

    fn next_option(&mut self) -> Option<(u8, &'a [u8])> {
        loop {
            let code = self.reader.u8("dhcp option").ok()?;
            if code == code::PAD {
                continue;
            }
            if code == code::END {
                self.end = End::Marked;
                self.reader.rest();
                return None;
            }
            let length = self.reader.u8("dhcp option length").map(usize::from);
            // Half a list of addresses would be a wrong one: what is cut is left out, and said.
            let Ok(value) = length.and_then(|length| self.reader.take("dhcp option", length))
            else {
                self.end = End::Truncated;
                self.reader.rest();
                return None;
            };
            return Some((code, value));
        }
    }
}

/// What was odd about a message that could be read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anomaly {
    /// The message ends before its options begin.
    Cut,
    /// No magic cookie: BOOTP without options (RFC 951).
    NoCookie,
    /// An option says it is longer than what is left: what it and any later one said is unknown.
    OptionsTruncated,
    /// The options end without an end marker: later ones may have been cut off.
    NoEnd,
    /// Option 52 has a length or a value that says nothing.
    OverloadOdd,
    /// `htype` and `hlen` are not those of Ethernet.
    NoHardwareAddress,
}

impl Anomaly {
    const ALL: [Self; 6] = [
        Self::Cut,
        Self::NoCookie,
        Self::OptionsTruncated,
        Self::NoEnd,
        Self::OverloadOdd,
        Self::NoHardwareAddress,
    ];

    /// The name in metrics and reports.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::NoCookie => "no_cookie",
            Self::OptionsTruncated => "options_truncated",
            Self::NoEnd => "no_end",
            Self::OverloadOdd => "overload_odd",
            Self::NoHardwareAddress => "no_hardware_address",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Cut => 1,
            Self::NoCookie => 2,
            Self::OptionsTruncated => 4,
            Self::NoEnd => 8,
            Self::OverloadOdd => 16,
            Self::NoHardwareAddress => 32,
        }
    }
}

/// The anomalies of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Anomalies(u8);

impl Anomalies {
    /// Whether this one was met.
    pub const fn contains(self, anomaly: Anomaly) -> bool {
        self.0 & anomaly.bit() != 0
    }

    /// Whether the message was read without any.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that were met.
    pub fn iter(self) -> impl Iterator<Item = Anomaly> {
        Anomaly::ALL
            .into_iter()
            .filter(move |&anomaly| self.contains(anomaly))
    }

    /// Whether options may be missing, so that the absence of one proves nothing.
    pub const fn options_incomplete(self) -> bool {
        self.contains(Anomaly::Cut)
            || self.contains(Anomaly::OptionsTruncated)
            || self.contains(Anomaly::NoEnd)
    }

    pub(super) const fn insert(&mut self, anomaly: Anomaly) {
        self.0 |= anomaly.bit();
    }

    const fn note(&mut self, end: End) {
        match end {
            End::Marked => {}
            End::Unmarked => self.insert(Anomaly::NoEnd),
            End::Truncated => self.insert(Anomaly::OptionsTruncated),
        }
    }
}
