//! By what alerts are grouped.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// What the alerts of one group share. One outage is one group at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKey {
    /// The code of their finding, or of the finding that explains them.
    pub code: String,
    /// Where their cause lies.
    pub cause: Cause,
}

impl GroupKey {
    /// The labels that all alerts of the group have in common.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([("alertname".to_owned(), self.code.clone())]);
        let (name, value) = match &self.cause {
            Cause::Server(address) => ("server", address.to_string()),
            Cause::Switch(switch) => ("switch", switch.clone()),
            Cause::Subnet(subnet) => ("subnet", subnet.to_string()),
            Cause::Sensor => ("cause", "sensor".to_owned()),
            Cause::Unknown => return labels,
        };
        labels.insert(name.to_owned(), value);
        labels
    }
}

impl fmt::Display for GroupKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.code, self.cause)
    }
}

/// Where the cause of a group of alerts lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// This server has a part in all of them.
    Server(IpAddr),
    /// They are behind this switch.
    Switch(String),
    /// They are in this subnet.
    Subnet(Subnet),
    /// The sensor itself.
    Sensor,
    /// Nothing tells.
    Unknown,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(address) => write!(formatter, "server {address}"),
            Self::Switch(switch) => write!(formatter, "switch {switch}"),
            Self::Subnet(subnet) => write!(formatter, "subnet {subnet}"),
            Self::Sensor => formatter.write_str("sensor"),
            Self::Unknown => formatter.write_str("all"),
        }
    }
}

/// The neighbourhood of an address: its /24 or /64. How the site really divides its networks is not seen on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subnet(IpAddr);

impl Subnet {
    /// The subnet of this address.
    pub const fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [first, second, third, _] = address.octets();
                Self(IpAddr::V4(Ipv4Addr::new(first, second, third, 0)))
            }
            IpAddr::V6(address) => {
                let [first, second, third, fourth, ..] = address.segments();
                Self(IpAddr::V6(Ipv6Addr::new(
                    first, second, third, fourth, 0, 0, 0, 0,
                )))
            }
        }
    }
}

impl fmt::Display for Subnet {
    /// `10.1.2.0/24`, `2001:db8::/64`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.0.is_ipv4() { 24 } else { 64 };
        write!(formatter, "{}/{bits}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_the_beginning_of_an_address() {
        for (address, subnet) in [
            ("10.1.2.3", "10.1.2.0/24"),
            ("::ffff:10.1.2.3", "10.1.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(Subnet::of(address).to_string(), subnet);
        }
    }

    #[test]
    fn a_key_is_stored_and_read_back() {
        for cause in [
            Cause::Server(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Cause::Switch("sw1".into()),
            Cause::Subnet(Subnet::of(IpAddr::V4(Ipv4Addr::LOCALHOST))),
            Cause::Sensor,
            Cause::Unknown,
        ] {
            let key = GroupKey {
                code: "any".into(),
                cause,
            };
            let stored = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<GroupKey>(&stored).unwrap(), key);
        }
    }
}
