//! What a file is, by the name under which a Cisco phone asks for it.
//!
//! Which names a phone asks for, and in which order, differs by model and load; that some are not found is normal
//! (trust lists, locale files). What each name means does not differ.

use crate::net::{DeviceName, MacAddr};

/// What a file is to a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A phone's own configuration: `SEP<MAC>.cnf`, `.cnf.xml`, `.cnf.xml.sgn`, `.cnf.xml.enc.sgn`.
    PhoneConfig {
        /// The phone's name.
        name: DeviceName,
    },
    /// The configuration of a device that is not named as a phone is: `ATA<MAC>.cnf.xml`, `CSFUSER.cnf.xml`.
    DeviceConfig {
        /// The device's name.
        name: DeviceName,
    },
    /// The configuration for phones that have none of their own: `XMLDefault.cnf.xml`, `SEPDEFAULT.cnf`.
    DefaultConfig,
    /// Whom the phone may trust: `CTLSEP<MAC>.tlv`, `ITLSEP<MAC>.tlv`, and for all phones `CTLFile.tlv`, `ITLFile.tlv`.
    TrustList {
        /// The phone the list is for.
        name: Option<DeviceName>,
    },
    /// `OS79XX.TXT`, in which a 7940 or 7960 finds the name of its load.
    UniversalLoad,
    /// Firmware, or the list of its parts: `.loads`, `.sbn`, `.bin`, `.zz`, `.zup`, `.cop`.
    Load,
    /// The text configuration of a 7940 or 7960 with a SIP load: `SIP<MAC>.cnf`, or `SIPDefault.cnf` for all.
    SipConfig {
        /// The phone's hardware address.
        mac: Option<MacAddr>,
    },
    /// The list of ring tones.
    Ringlist,
    /// Texts and tones of a language or country.
    Locale,
    /// Anything else.
    Other,
}

impl FileKind {
    /// The name of the device that asks, where the file's name holds it.
    pub const fn device(&self) -> Option<DeviceName> {
        match self {
            Self::PhoneConfig { name } | Self::DeviceConfig { name } => Some(*name),
            Self::TrustList { name } => *name,
            Self::DefaultConfig
            | Self::UniversalLoad
            | Self::Load
            | Self::SipConfig { .. }
            | Self::Ringlist
            | Self::Locale
            | Self::Other => None,
        }
    }

    /// The hardware address of the device that asks, where the file's name holds it.
    pub fn mac(&self) -> Option<MacAddr> {
        match self {
            Self::SipConfig { mac } => *mac,
            Self::PhoneConfig { .. }
            | Self::DeviceConfig { .. }
            | Self::DefaultConfig
            | Self::TrustList { .. }
            | Self::UniversalLoad
            | Self::Load
            | Self::Ringlist
            | Self::Locale
            | Self::Other => self.device()?.mac(),
        }
    }
}

/// Tells what a file is by its name, in either case, whatever the folder before it.
pub fn file_kind(name: &str) -> FileKind {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let lower = name.to_ascii_lowercase();
    // Only ASCII changes its case, so a cut that fits the one fits the other.
    let stem_before = |suffix: &str| {
        let stem = lower.strip_suffix(suffix)?;
        name.get(..stem.len())
    };

    match lower.as_str() {
        "os79xx.txt" => return FileKind::UniversalLoad,
        "ringlist.xml" | "ringlist.dat" | "distinctiveringlist.xml" => return FileKind::Ringlist,
        "ctlfile.tlv" | "itlfile.tlv" => return FileKind::TrustList { name: None },
        _ => {}
    }
    let xml_config = [".cnf.xml.enc.sgn", ".cnf.xml.sgn", ".cnf.xml"]
        .into_iter()
        .find_map(stem_before);
    if let Some(stem) = xml_config {
        return config_kind(stem, true);
    }
    if let Some(stem) = [".cnf.enc.sgn", ".cnf.sgn", ".cnf"]
        .into_iter()
        .find_map(stem_before)
    {
        return config_kind(stem, false);
    }
    if let Some(stem) = stem_before(".tlv") {
        let device = starts_with(stem, "ctl")
            .or_else(|| starts_with(stem, "itl"))
            .and_then(|device| DeviceName::from_wire(device.as_bytes()));
        return device.map_or(FileKind::Other, |name| FileKind::TrustList {
            name: Some(name),
        });
    }
    let load = lower.strip_suffix(".sgn").unwrap_or(&lower);
    let is_load = [".loads", ".sbn", ".bin", ".zz", ".zup", ".cop"]
        .iter()
        .any(|suffix| load.ends_with(suffix));
    if is_load {
        return FileKind::Load;
    }
    let is_locale = [
        "tones.xml",
        "-dictionary.xml",
        "-dictionary-ext.xml",
        ".jar",
    ]
    .iter()
    .any(|suffix| load.ends_with(suffix));
    if is_locale {
        return FileKind::Locale;
    }
    FileKind::Other
}

fn config_kind(stem: &str, is_xml: bool) -> FileKind {
    if stem.eq_ignore_ascii_case("XMLDefault") || stem.eq_ignore_ascii_case("SEPDEFAULT") {
        return FileKind::DefaultConfig;
    }
    if !is_xml {
        if stem.eq_ignore_ascii_case("SIPDefault") {
            return FileKind::SipConfig { mac: None };
        }
        if let Some(mac) = starts_with(stem, "sip").and_then(MacAddr::from_hex) {
            return FileKind::SipConfig { mac: Some(mac) };
        }
    }
    let Some(name) = DeviceName::from_wire(stem.as_bytes()) else {
        return FileKind::Other;
    };
    if starts_with(stem, "sep").is_some() {
        FileKind::PhoneConfig { name }
    } else if is_xml {
        FileKind::DeviceConfig { name }
    } else {
        FileKind::Other
    }
}

/// What follows `prefix`, in whatever case that is written.
fn starts_with<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
