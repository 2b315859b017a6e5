//! The configuration that CallManager gives a phone: `SEP<MAC>.cnf.xml`, or `XMLDefault.cnf.xml` for unknown phones.
//!
//! It names the CallManagers in the order in which the phone tries them, and the load the phone should run. The format
//! is not published; the elements read here are those that CallManager 4 and its successors are known to write.
//! Passwords, user names and certificates, which such a file can hold, are never read.

mod document;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use roxmltree::{Document, Node};

use crate::net::safe_text;

/// A phone's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SepConfig {
    /// Whether it is the one for phones without their own (`<Default>`).
    pub is_default: bool,
    /// What the phone is to speak; CallManager 4 does not say.
    pub protocol: Option<DeviceProtocol>,
    /// The device pool's name.
    pub device_pool: Option<String>,
    /// The CallManagers, by priority: the primary first. At most sixteen.
    pub members: Vec<Member>,
    /// Where the phone registers when no CallManager answers, in order.
    pub srst: Vec<SrstReference>,
    /// Whether there is such a place (`srstOption`), as the file words it: `Disable`, or how it is chosen.
    pub srst_option: Option<String>,
    /// The load the phone should run (`loadInformation`).
    pub load: Option<String>,
    /// In the default configuration, the load for each model. At most 512.
    pub default_loads: Vec<DefaultLoad>,
    /// The server that has the load, where it is not the TFTP server (`loadServer`).
    pub load_server: Option<Host>,
    /// Changes whenever the phone's configuration does.
    pub version_stamp: Option<String>,
    /// How far signalling is protected.
    pub device_security: Option<DeviceSecurity>,
    /// How long a CallManager must be back before the phone returns to it (`connectionMonitorDuration`).
    pub connection_monitor: Option<Duration>,
    /// Whether the phone takes its time to notice a lost CallManager (`detectCMConnectionFailure`).
    pub detect_delayed: Option<bool>,
    /// The type-of-service byte of signalling to CallManager (`dscpForCm2Dvce`): 96 is CS3, 104 AF31.
    pub signalling_tos: Option<u8>,
}

/// A CallManager of the phone's group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// 0 is the primary, 1 the secondary, 2 the tertiary.
    pub priority: u32,
    /// Where it is.
    pub host: Host,
    /// Its name in the database.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its TCP port for SCCP (`ethernetPhonePort`).
    pub port: u16,
    /// Its TCP port for SCCP over TLS (`securedEthernetPhonePort`), where the file names one.
    pub secure_port: Option<u16>,
}

/// A router that takes phones over when no CallManager answers (SRST).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrstReference {
    /// Where it is.
    pub host: Host,
    /// Its TCP port for SCCP.
    pub port: u16,
}

/// The load for one model, of the default configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultLoad {
    /// The model's number, the device type of SCCP.
    pub device_type: u32,
    /// The model in words.
    pub model: Option<String>,
    /// The load.
    pub load: String,
}

/// A server as the file names it.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Host {
    /// By address.
    Address(IpAddr),
    /// By a name that the phone must look up.
    Name(String),
}

/// The signalling protocol of a phone.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DeviceProtocol {
    /// SCCP.
    Sccp,
    /// SIP.
    Sip,
    /// Something else, as the file words it.
    Other(String),
}

/// How far a phone's signalling is protected (`deviceSecurityMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceSecurity {
    /// 1: not at all.
    NonSecure,
    /// 2: the ends prove who they are (TLS).
    Authenticated,
    /// 3: nobody else can read it (TLS).
    Encrypted,
    /// Any other number.
    Unknown(u32),
}

/// Why a file gave no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is XML, or means to be, and is wrong.
    #[error("line {line}, column {column}: {what}")]
    Corrupt {
        /// The line, from 1, counted from where the XML begins.
        line: u32,
        /// The column, from 1, in characters.
        column: u32,
        /// What is wrong.
        what: String,
    },
    /// It is signed and what follows the signature is encrypted.
    #[error("the file is encrypted")]
    Encrypted,
    /// It is something else: the compiled `SEP<MAC>.cnf` of CallManager 3, for one.
    #[error("the file is not XML")]
    NotXml,
    /// It is larger, or has more elements or attributes, than any such file.
    #[error("the file is too large: more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        limit: usize,
    },
}

/// The largest file that is read, in bytes; real ones have 2 to 30 thousand.
pub const MAX_FILE: usize = 256 * 1024;

/// The TCP port of SCCP where the file names none.
const DEFAULT_PORT: u16 = 2000;
const MAX_MEMBERS: usize = 16;
const MAX_LOADS: usize = 512;
/// How many characters of a text are kept.
const MAX_TEXT: usize = 128;
/// How many characters of a host name are kept: as many as the DNS allows.
const MAX_HOST: usize = 255;

/// Reads a file as it was served, signature and padding included.
pub fn parse(file: &[u8]) -> Result<SepConfig, ConfigError> {
    if file.len() > MAX_FILE {
        return Err(ConfigError::TooLarge {
            what: "bytes",
            limit: MAX_FILE,
        });
    }
    let text = document::text(file)?;
    document::read(&text, SepConfig::from_document)
}

impl SepConfig {
    fn from_document(document: &Document<'_>) -> Result<Self, ConfigError> {
        let root = document.root_element();
        let is_default = match root.tag_name().name() {
            "device" => false,
            "Default" => true,
            other => {
                let position = document.text_pos_at(root.range().start);
                return Err(ConfigError::Corrupt {
                    line: position.row,
                    column: position.col,
                    what: format!(
                        "the outermost element is <{}>, not <device> or <Default>",
                        safe_text(other.as_bytes(), MAX_TEXT)
                    ),
                });
            }
        };
        let pool = child(root, "devicePool");
        // The default configuration has the group and what belongs to it without a pool around them.
        let pool_or_root = pool.unwrap_or(root);
        let vendor = child(root, "vendorConfig");
        Ok(Self {
            is_default,
            protocol: text_of(root, "deviceProtocol").map(DeviceProtocol::from_text),
            device_pool: pool.and_then(|pool| text_of(pool, "name")),
            members: child(pool_or_root, "callManagerGroup")
                .map(members)
                .unwrap_or_default(),
            srst: child(pool_or_root, "srstInfo")
                .map(srst)
                .unwrap_or_default(),
            srst_option: child(pool_or_root, "srstInfo")
                .and_then(|srst| text_of(srst, "srstOption")),
            load: text_of(root, "loadInformation"),
            default_loads: default_loads(root),
            load_server: vendor
                .and_then(|vendor| child(vendor, "loadServer"))
                .and_then(host),
            version_stamp: text_of(root, "versionStamp"),
            device_security: number_of::<u32>(root, "deviceSecurityMode").map(DeviceSecurity::from),
            connection_monitor: number_of(pool_or_root, "connectionMonitorDuration")
                .map(|seconds: u32| Duration::from_secs(u64::from(seconds))),
            detect_delayed: vendor
                .and_then(|vendor| number_of(vendor, "detectCMConnectionFailure"))
                .map(|detection: u32| detection == 1),
            signalling_tos: number_of(root, "dscpForCm2Dvce"),
        })
    }
}

/// The CallManagers of a group, those that name no host left out.
fn members(group: Node<'_, '_>) -> Vec<Member> {
    let Some(list) = child(group, "members") else {
        return Vec::new();
    };
    let mut members: Vec<Member> = elements(list, "member")
        .zip(0..)
        .filter_map(|(member, place)| {
            let priority = member
                .attribute("priority")
                .and_then(|priority| priority.trim().parse().ok());
            let callmanager = child(member, "callManager")?;
            let ports = child(callmanager, "ports");
            let port = |name| ports.and_then(|ports| port_of(ports, name));
            Some(Member {
                priority: priority.unwrap_or(place),
                host: child(callmanager, "processNodeName").and_then(host)?,
                name: text_of(callmanager, "name"),
                description: text_of(callmanager, "description"),
                port: port("ethernetPhonePort").unwrap_or(DEFAULT_PORT),
                secure_port: port("securedEthernetPhonePort").or_else(|| port("securedPhonePort")),
            })
        })
        .take(MAX_MEMBERS)
        .collect();
    members.sort_by_key(|member| member.priority);
    members
}

/// The places of an SRST element that is not switched off: `ipAddr1` and `port1` to `ipAddr3` and `port3`.
fn srst(element: Node<'_, '_>) -> Vec<SrstReference> {
    let is_off =
        text_of(element, "srstOption").is_some_and(|option| option.eq_ignore_ascii_case("Disable"));
    if is_off {
        return Vec::new();
    }
    [
        ("ipAddr1", "port1"),
        ("ipAddr2", "port2"),
        ("ipAddr3", "port3"),
    ]
    .into_iter()
    .filter_map(|(address, port)| {
        Some(SrstReference {
            host: child(element, address).and_then(host)?,
            port: port_of(element, port).unwrap_or(DEFAULT_PORT),
        })
    })
    .collect()
}

/// The elements `loadInformation7`, `loadInformation30007` and so on: the number is the model's.
fn default_loads(root: Node<'_, '_>) -> Vec<DefaultLoad> {
    root.children()
        .filter_map(|element| {
            let device_type = element.tag_name().name().strip_prefix("loadInformation")?;
            Some(DefaultLoad {
                device_type: device_type.parse().ok()?,
                model: element
                    .attribute("model")
                    .map(|model| safe_text(model.as_bytes(), MAX_TEXT)),
                load: text(element, MAX_TEXT)?,
            })
        })
        .take(MAX_LOADS)
        .collect()
}

/// The first element of this name right inside another; prefixes do not count.
fn child<'a, 'input>(parent: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    parent
        .children()
        .find(|node| node.is_element() && node.tag_name().name() == name)
}

fn elements<'a, 'input>(
    parent: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    parent
        .children()
        .filter(move |node| node.is_element() && node.tag_name().name() == name)
}

/// The text of an element, where there is any.
fn text(element: Node<'_, '_>, limit: usize) -> Option<String> {
    let text = safe_text(element.text()?.as_bytes(), limit);
    Some(text).filter(|text| !text.is_empty())
}

fn text_of(parent: Node<'_, '_>, name: &str) -> Option<String> {
    text(child(parent, name)?, MAX_TEXT)
}

fn number_of<N: std::str::FromStr>(parent: Node<'_, '_>, name: &str) -> Option<N> {
    text_of(parent, name)?.parse().ok()
}

fn port_of(parent: Node<'_, '_>, name: &str) -> Option<u16> {
    number_of(parent, name).filter(|&port| port != 0)
}

fn host(element: Node<'_, '_>) -> Option<Host> {
    let text = text(element, MAX_HOST)?;
    Some(text.parse().map_or(Host::Name(text), Host::Address))
}

impl DeviceProtocol {
    fn from_text(text: String) -> Self {
        if text.eq_ignore_ascii_case("SCCP") {
            Self::Sccp
        } else if text.eq_ignore_ascii_case("SIP") {
            Self::Sip
        } else {
            Self::Other(text)
        }
    }
}

impl From<u32> for DeviceSecurity {
    fn from(mode: u32) -> Self {
        match mode {
            1 => Self::NonSecure,
            2 => Self::Authenticated,
            3 => Self::Encrypted,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(formatter),
            Self::Name(name) => formatter.pad(name),
        }
    }
}
