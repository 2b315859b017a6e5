//! The names that a phone looks up, and which of them it cannot do without.

use std::fmt;
use std::net::IpAddr;

use super::Device;
use crate::phone::dhcp::DhcpTracker;
use crate::time::Timestamp;
use crate::wire::dhcp::TftpServer;
use crate::wire::dns::ResponseCode;
use crate::wire::sep_config::Host;

/// A name that a phone asked for and for which it got no address.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FailedName {
    /// The name, in lower case and safe to show.
    pub name: Box<str>,
    /// The DNS server that was asked last.
    pub server: IpAddr,
    /// What it said.
    pub answer: NameAnswer,
    /// When it was first so.
    pub first: Timestamp,
    /// When it was last so.
    pub last: Timestamp,
    /// How often the phone asked in vain.
    pub tries: u32,
}

/// What a DNS server said instead of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum NameAnswer {
    /// An error.
    Error(ResponseCode),
    /// The name exists and has no address.
    NoAddress,
    /// Nothing.
    NoAnswer,
}

/// What a phone needs a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Its CallManager, by its own list or by the name that phones try on their own.
    CallManager,
    /// Its TFTP server, by DHCP.
    Tftp,
    /// Nothing tells.
    Unknown,
}

impl Purpose {
    /// What `device` needs the name for. Domains do not count: the phone may add one to a short name.
    pub fn of(device: &Device, name: &str) -> Self {
        let group = device.group.as_deref();
        let is_callmanager = group.is_some_and(|group| {
            group
                .members
                .iter()
                .chain(&group.srst)
                .any(|host| is_host(host, name))
        });
        // What a phone without any word of DHCP tries is `CiscoCM1` in its own domain.
        if is_callmanager
            || first_label(name)
                .to_ascii_lowercase()
                .starts_with("ciscocm")
        {
            return Self::CallManager;
        }
        let is_tftp = device
            .all_dhcp()
            .flat_map(DhcpTracker::tftp_servers)
            .any(|server| matches!(server, TftpServer::Name(known) if same_host(&known, name)));
        if is_tftp { Self::Tftp } else { Self::Unknown }
    }
}

impl fmt::Display for NameAnswer {
    /// For a sentence: `answered "Name error"`, `did not answer`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(code) => write!(formatter, "answered \"{}\"", code.name()),
            Self::NoAddress => formatter.write_str("answered that it has no address"),
            Self::NoAnswer => formatter.write_str("did not answer"),
        }
    }
}

/// Whether two names are one host's, whatever domains stand behind them.
pub fn same_host(one: &str, other: &str) -> bool {
    first_label(one).eq_ignore_ascii_case(first_label(other))
}

pub(super) fn is_host(host: &Host, name: &str) -> bool {
    matches!(host, Host::Name(known) if same_host(known, name))
}

fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::phone::callmanager::CallManagerGroup;

    #[test]
    fn a_phone_needs_the_names_of_its_servers() {
        let device = Device {
            group: Some(Arc::new(CallManagerGroup {
                members: vec![Host::Name("CM-Pub".into())],
                srst: Vec::new(),
            })),
            ..Device::default()
        };
        for (name, purpose) in [
            ("cm-pub.voice.example", Purpose::CallManager),
            ("cm-pub", Purpose::CallManager),
            ("ciscocm1.cisco.com", Purpose::CallManager),
            ("time.example", Purpose::Unknown),
        ] {
            assert_eq!(Purpose::of(&device, name), purpose, "{name}");
        }
    }
}
