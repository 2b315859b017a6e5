//! The two ends of a connection in less than half the room.

use std::net::{IpAddr, Ipv4Addr};

use crate::net::{Endpoint, FlowKey};

/// A [`FlowKey`] as it is kept for each connection. Nearly all are between IPv4 addresses, so the others are boxed.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Ends {
    V4 {
        addresses: [Ipv4Addr; 2],
        ports: [u16; 2],
    },
    Other(Box<FlowKey>),
}

impl Ends {
    pub(super) fn key(&self) -> FlowKey {
        match self {
            Self::V4 {
                addresses: [client, server],
                ports: [client_port, server_port],
            } => FlowKey {
                client: Endpoint::new(IpAddr::V4(*client), *client_port),
                server: Endpoint::new(IpAddr::V4(*server), *server_port),
            },
            Self::Other(key) => **key,
        }
    }
}

impl From<FlowKey> for Ends {
    fn from(key: FlowKey) -> Self {
        match (key.client.ip, key.server.ip) {
            (IpAddr::V4(client), IpAddr::V4(server)) => Self::V4 {
                addresses: [client, server],
                ports: [key.client.port, key.server.port],
            },
            _ => Self::Other(Box::new(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_as_it_was() {
        let end = |address: &str| {
            let address: std::net::SocketAddr = address.parse().unwrap();
            Endpoint::from(address)
        };
        for (client, server) in [
            ("10.0.0.7:50000", "10.0.0.1:2000"),
            ("[fd00::7]:50000", "[fd00::1]:2000"),
            ("[::ffff:10.0.0.7]:50000", "10.0.0.1:2000"),
        ] {
            let key = FlowKey {
                client: end(client),
                server: end(server),
            };
            assert_eq!(Ends::from(key).key(), key);
        }
    }
}
