//! The list of CallManagers that a phone was given: the order in which it will turn to them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::at;
use crate::net::safe_text;
use crate::wire::{DecodeError, Reader};

/// The CallManagers in order of priority.
///
/// ```text
///   0 name[48] x 5   240 port x 5   260 IPv4 x 5                       body of 280 bytes
///                                   260 (address type, address[16]) x 5   body of 360 bytes
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerList {
    /// At most five; empty places are left out.
    pub servers: Vec<Server>,
}

/// One CallManager of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name, often the address as text.
    pub name: String,
    /// Its address.
    pub address: Option<IpAddr>,
    /// The TCP port on which it listens; 0 where the list says none.
    pub port: u16,
}

impl ServerList {
    /// How many places the list has.
    pub const PLACES: usize = 5;

    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let mut names = Reader::new(body);
        // A list without a whole first name says nothing.
        names.sub("server name", NAME_WIDTH)?;
        let mut names = Reader::new(body.get(..PORTS).unwrap_or(body));
        let mut ports = at(body, PORTS);
        let mut addresses = at(body, ADDRESSES);
        let composite = addresses.left() >= COMPOSITE_WIDTH.saturating_mul(Self::PLACES);
        let servers = (0..Self::PLACES)
            .map(|_| Server {
                name: safe_text(names.take_up_to(NAME_WIDTH), NAME_WIDTH),
                port: ports
                    .u32_le("server port")
                    .ok()
                    .and_then(|port| u16::try_from(port).ok())
                    .unwrap_or(0),
                address: if composite {
                    composite_address(&mut addresses)
                } else {
                    addresses.ipv4("server address").ok().map(IpAddr::V4)
                }
                .filter(|address| !address.is_unspecified()),
            })
            .filter(|server| !server.name.is_empty() || server.address.is_some())
            .collect();
        Ok(Self { servers })
    }
}

pub(super) const NAME_WIDTH: usize = 48;
const PORTS: usize = 240;
const ADDRESSES: usize = 260;
const COMPOSITE_WIDTH: usize = 20;

/// A type (0 IPv4, 1 IPv6, 2 both, 3 invalid) and 16 bytes, in the first four of which an IPv4 address stands.
fn composite_address(reader: &mut Reader<'_>) -> Option<IpAddr> {
    let kind = reader.u32_le("address type").ok()?;
    let bytes: [u8; 16] = reader.array("address").ok()?;
    match kind {
        0 | 2 => {
            let [a, b, c, d, ..] = bytes;
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        1 => Some(Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    /// Two servers: "cm1" on 2000 and "10.0.0.2" on 2443.
    fn names_and_ports() -> Vec<u8> {
        let mut body = vec![0; ADDRESSES];
        body[..3].copy_from_slice(b"cm1");
        body[48..56].copy_from_slice(b"10.0.0.2");
        body[240..242].copy_from_slice(&[0xD0, 0x07]);
        body[244..246].copy_from_slice(&[0x8B, 0x09]);
        body
    }

    #[test]
    fn reads_plain_addresses() {
        let mut body = names_and_ports();
        body.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        body.resize(280, 0);
        assert_eq!(
            ServerList::parse(&body).unwrap().servers,
            [
                Server {
                    name: "cm1".into(),
                    address: Some(Ipv4Addr::new(10, 0, 0, 1).into()),
                    port: 2000
                },
                Server {
                    name: "10.0.0.2".into(),
                    address: Some(Ipv4Addr::new(10, 0, 0, 2).into()),
                    port: 2443
                },
            ]
        );
    }

    #[test]
    fn reads_addresses_with_their_type() {
        let mut body = names_and_ports();
        body.extend_from_slice(&[0, 0, 0, 0, 10, 0, 0, 1]);
        body.resize(280, 0);
        body.extend_from_slice(&[1, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8]);
        body.resize(299, 0);
        body.push(9);
        body.resize(360, 0);
        let list = ServerList::parse(&body).unwrap();
        let addresses: Vec<_> = list.servers.iter().map(|server| server.address).collect();
        assert_eq!(
            addresses,
            [
                Some("10.0.0.1".parse().unwrap()),
                Some("2001:db8::9".parse().unwrap())
            ]
        );
    }

    #[test]
    fn keeps_the_names_of_a_list_that_was_cut() {
        let list = ServerList::parse(&names_and_ports()[..96]).unwrap();
        assert_eq!(list.servers.len(), 2);
        assert_eq!(list.servers[1].name, "10.0.0.2");
        assert_eq!((list.servers[1].address, list.servers[1].port), (None, 0));
        assert_eq!(
            ServerList::parse(&[0; 47]).map_err(DecodeError::reason),
            Err("truncated")
        );
        assert_eq!(ServerList::parse(&[0; 280]).unwrap().servers, []);
    }
}
