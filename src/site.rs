//! The places where devices stand, as people call them: by their networks and by their device pools.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A place with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// What people call it.
    pub name: String,
    /// The networks of its devices.
    pub subnets: Vec<Subnet>,
    /// The device pools of its devices, in CallManager.
    pub device_pools: Vec<String>,
}

/// A network: the addresses that begin with these bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    /// Whether its addresses are those of IPv6, and how many bits of them count. The most come first.
    kind: (bool, std::cmp::Reverse<u8>),
    /// Its first address.
    address: IpAddr,
}

/// All sites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    names: Vec<String>,
    by_subnet: BTreeMap<Subnet, usize>,
    /// The kinds of subnets that there are, the longest first.
    kinds: BTreeSet<(bool, std::cmp::Reverse<u8>)>,
    /// By their lower-case names.
    by_device_pool: BTreeMap<String, usize>,
}

impl Sites {
    /// Of two sites with the same subnet or device pool the first has it.
    pub fn new(sites: &[Site]) -> Self {
        let mut all = Self::default();
        for (place, site) in sites.iter().enumerate() {
            all.names.push(site.name.clone());
            for subnet in &site.subnets {
                all.kinds.insert(subnet.kind);
                all.by_subnet.entry(*subnet).or_insert(place);
            }
            for pool in &site.device_pools {
                all.by_device_pool
                    .entry(pool.to_lowercase())
                    .or_insert(place);
            }
        }
        all
    }

    /// Where a device stands that has this address and is in this device pool: the site of the smallest subnet that holds
    /// the address; where none does, that of the device pool. A device that was carried elsewhere keeps its pool.
    pub fn of(&self, address: Option<IpAddr>, device_pool: Option<&str>) -> Option<&str> {
        let by_subnet = || {
            let address = address?.to_canonical();
            let mut subnets = self
                .kinds
                .iter()
                .filter(|(is_ipv6, _)| *is_ipv6 == address.is_ipv6())
                .map(|(_, length)| Subnet::around(address, length.0));
            subnets.find_map(|subnet| self.by_subnet.get(&subnet))
        };
        let by_device_pool = || self.by_device_pool.get(&device_pool?.to_lowercase());
        let place = by_subnet().or_else(by_device_pool)?;
        self.names.get(*place).map(String::as_str)
    }
}

impl Subnet {
    /// The network of so many bits that holds this address.
    fn around(address: IpAddr, length: u8) -> Self {
        let masked = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length.into()));
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask.unwrap_or(0)))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length.into()));
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask.unwrap_or(0)))
            }
        };
        Self {
            kind: (address.is_ipv6(), std::cmp::Reverse(length)),
            address: masked,
        }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.kind.1.0)
    }
}

/// The text is no subnet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseSubnetError {
    /// It is written otherwise.
    #[error("this is no subnet")]
    Unreadable,
    /// It has bits behind its length.
    #[error("this is an address in {0}")]
    Inside(Subnet),
}

impl FromStr for Subnet {
    type Err = ParseSubnetError;

    /// Reads `10.1.0.0/16` and `2001:db8::/48`; an address alone is a subnet of one.
    fn from_str(text: &str) -> Result<Self, ParseSubnetError> {
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseSubnetError::Unreadable)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let is_number = |length: &&str| length.bytes().all(|digit| digit.is_ascii_digit());
        let length = match length {
            Some(length) => Some(length)
                .filter(is_number)
                .and_then(|it| it.parse().ok()),
            None => Some(most),
        };
        let length = length.filter(|length| *length <= most);
        let subnet = Self::around(address, length.ok_or(ParseSubnetError::Unreadable)?);
        if subnet.address == address {
            Ok(subnet)
        } else {
            Err(ParseSubnetError::Inside(subnet))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(name: &str, subnets: &[&str], pools: &[&str]) -> Site {
        Site {
            name: name.into(),
            subnets: subnets.iter().map(|it| it.parse().unwrap()).collect(),
            device_pools: pools.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    #[test]
    fn the_smallest_subnet_counts_before_the_device_pool() {
        let sites = Sites::new(&[
            site("France", &["10.0.0.0/8", "2001:db8::/32"], &[]),
            site("Lyon", &["10.1.0.0/16", "2001:db8:1::/48"], &["DP-Lyon"]),
            site("Lyon, lab", &["10.1.7.0/24", "10.9.9.9"], &[]),
            site("Elsewhere", &["10.1.0.0/16"], &["dp-lyon", "DP-Else"]),
        ]);
        for (address, pool, name) in [
            (Some("10.2.0.1"), None, Some("France")),
            (Some("10.1.0.1"), None, Some("Lyon")),
            (Some("::ffff:10.1.0.1"), None, Some("Lyon")),
            (Some("10.1.7.255"), Some("DP-Else"), Some("Lyon, lab")),
            (Some("10.9.9.9"), None, Some("Lyon, lab")),
            (Some("10.9.9.8"), None, Some("France")),
            (Some("2001:db8:1::1"), None, Some("Lyon")),
            (Some("2001:db8:2::1"), None, Some("France")),
            (Some("192.0.2.1"), Some("dp-LYON"), Some("Lyon")),
            (None, Some("DP-Else"), Some("Elsewhere")),
            (Some("192.0.2.1"), Some("other"), None),
            (None, None, None),
        ] {
            let address = address.map(|it| it.parse().unwrap());
            assert_eq!(sites.of(address, pool), name, "{address:?} {pool:?}");
        }
        assert_eq!(
            Sites::default().of(Some(Ipv4Addr::LOCALHOST.into()), None),
            None
        );
    }

    #[test]
    fn everything_is_a_subnet_too() {
        let sites = Sites::new(&[site("all", &["0.0.0.0/0"], &[])]);
        assert_eq!(
            sites.of(Some(Ipv4Addr::BROADCAST.into()), None),
            Some("all")
        );
        assert_eq!(sites.of(Some(Ipv6Addr::LOCALHOST.into()), None), None);
    }

    #[test]
    fn reads_a_subnet_and_shows_it() {
        for text in [
            "10.1.0.0/16",
            "0.0.0.0/0",
            "10.1.2.3/32",
            "2001:db8::/48",
            "::1/128",
        ] {
            assert_eq!(text.parse::<Subnet>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "10.1.0.0/33",
            "10.1.0.0/",
            "10.1/16",
            "::/129",
            "10.1.0.0/-1",
            "10.1.0.0/+1",
            "x/8",
        ] {
            assert_eq!(
                text.parse::<Subnet>(),
                Err(ParseSubnetError::Unreadable),
                "{text}"
            );
        }
        let inside = "10.1.2.3/16".parse::<Subnet>().unwrap_err();
        assert_eq!(inside.to_string(), "this is an address in 10.1.0.0/16");
    }
}
