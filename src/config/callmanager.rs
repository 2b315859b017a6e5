//! The servers that are named in the configuration.

use std::net::{IpAddr, Ipv4Addr};

use super::section::Section;
use super::wording::quoted_text;
use crate::net::is_unsafe;
use crate::phone::Role;

/// A server that is known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallManager {
    /// Its address; no two servers have the same one.
    pub address: IpAddr,
    /// What people call it.
    pub name: Option<String>,
    /// What it is to the phones, where their own configuration does not say so.
    pub role: Role,
}

impl CallManager {
    const MAX: usize = 256;
    const MAX_NAME: usize = 64;

    /// Reads every `[[callmanager]]` of the document.
    pub(super) fn read_all(document: &mut Section<'_>) -> Vec<Self> {
        let mut seen = Vec::new();
        document.tables("callmanager", Self::MAX, |section| {
            let address = section.required_text(
                "address",
                "an IP address that no other [[callmanager]] has (like \"10.1.1.10\")",
                |text| {
                    let address = server_address(text)?;
                    if seen.contains(&address) {
                        return Err(format!("{address} stands in another [[callmanager]] too"));
                    }
                    seen.push(address);
                    Ok(address)
                },
            );
            let name = section.text(
                "name",
                None,
                "a name of 1 to 64 characters without control characters",
                |text| server_name(text).map(Some),
            );
            let role = section.one_of(
                "role",
                Role::default(),
                &Role::ALL.map(|role| (role.label(), role)),
            );
            Some(Self {
                address: address?,
                name,
                role,
            })
        })
    }
}

fn server_address(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text
        .trim()
        .parse()
        .map_err(|_| format!("{} is no IP address", quoted_text(text)))?;
    let address = address.to_canonical();
    if address.is_unspecified() || address.is_multicast() || address == Ipv4Addr::BROADCAST {
        return Err(format!("{address} is not the address of one server"));
    }
    Ok(address)
}

fn server_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty()
        || name.chars().count() > CallManager::MAX_NAME
        || name.chars().any(is_unsafe)
    {
        return Err(format!("{} cannot be a name", quoted_text(text)));
    }
    Ok(name.to_owned())
}
