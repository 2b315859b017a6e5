//! What DHCP gave a phone, as the report words it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use crate::phone::dhcp::Lease;
use crate::time::Timestamp;
use crate::wire::dhcp::{Option66, Option150, TftpOffer, TftpServer, TftpSuboption};

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeaseEntry {
    /// When it was given.
    pub at: Timestamp,
    /// The address.
    pub address: IpAddr,
    /// The server that gave it.
    pub server: Option<IpAddr>,
    /// The subnet mask.
    pub mask: Option<Ipv4Addr>,
    /// The routers.
    pub routers: Vec<Ipv4Addr>,
    /// The DNS servers.
    pub dns_servers: Vec<IpAddr>,
    /// The TFTP servers that a phone can use, in the order in which it asks them.
    pub tftp_servers: Vec<String>,
    /// What was said of the TFTP server, right or wrong.
    pub tftp_offer: TftpOfferEntry,
    /// How long it lasts, in seconds.
    pub duration_seconds: Option<u64>,
}

/// Where a DHCP message names the TFTP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TftpOfferEntry {
    /// Option 150.
    pub option_150: Option<Option150Entry>,
    /// Option 66.
    pub option_66: Option<Option66Entry>,
    /// The field `siaddr`.
    pub siaddr: Option<Ipv4Addr>,
    /// The field `sname`.
    pub sname: Option<String>,
    /// Suboption 1 of Cisco's vendor options in DHCP for IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suboption: Option<SuboptionEntry>,
}

/// What the suboption of DHCP for IPv6 holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SuboptionEntry {
    /// Addresses, as it should.
    Addresses(Vec<Ipv6Addr>),
    /// Text, where addresses belong.
    Text(String),
    /// Neither: this many bytes.
    WrongLength(usize),
}

/// What option 150 holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Option150Entry {
    /// Addresses, as it should.
    Addresses(Vec<Ipv4Addr>),
    /// Text, which phones misread as addresses.
    Text(String),
    /// Neither: this many bytes.
    WrongLength(usize),
}

/// What option 66 holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Option66Entry {
    /// An address.
    Address(Ipv4Addr),
    /// A host name.
    Name(String),
    /// Nothing a phone could use.
    Unreadable,
}

impl LeaseEntry {
    /// The report of `lease`.
    pub fn new(lease: &Lease) -> Self {
        Self {
            at: lease.at,
            address: lease.address,
            server: lease.server,
            mask: lease.mask,
            routers: lease.routers.clone(),
            dns_servers: lease.dns_servers.clone(),
            tftp_servers: lease
                .tftp
                .usable()
                .into_iter()
                .map(|server| match server {
                    TftpServer::Address(address) => address.to_string(),
                    TftpServer::Name(name) => name,
                })
                .collect(),
            tftp_offer: TftpOfferEntry::new(&lease.tftp),
            duration_seconds: lease.duration.map(|duration| duration.as_secs()),
        }
    }
}

impl TftpOfferEntry {
    fn new(offer: &TftpOffer) -> Self {
        Self {
            option_150: offer.option_150.as_ref().map(|option| match option {
                Option150::Addresses(addresses) => Option150Entry::Addresses(addresses.clone()),
                Option150::Text(text) => Option150Entry::Text(text.clone()),
                Option150::WrongLength(length) => Option150Entry::WrongLength(*length),
            }),
            option_66: offer.option_66.as_ref().map(|option| match option {
                Option66::Address(address) => Option66Entry::Address(*address),
                Option66::Name(name) => Option66Entry::Name(name.clone()),
                Option66::Unreadable => Option66Entry::Unreadable,
            }),
            siaddr: offer.server_address,
            sname: offer.server_name.clone(),
            suboption: offer.suboption.as_ref().map(|suboption| match suboption {
                TftpSuboption::Addresses(addresses) => SuboptionEntry::Addresses(addresses.clone()),
                TftpSuboption::Text(text) => SuboptionEntry::Text(text.clone()),
                TftpSuboption::WrongLength(length) => SuboptionEntry::WrongLength(*length),
            }),
        }
    }
}
