//! The DHCP service as all phones meet it; that of IPv6 is another.

use std::net::IpAddr;

use crate::phone::DeviceId;
use crate::phone::turned_down::{Denial, TurnedDown};
use crate::time::Timestamp;

/// Which servers there are, and whom none of them answers.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct DhcpService {
    servers: Vec<IpAddr>,
    unanswered: Option<Box<TurnedDown>>,
}

impl DhcpService {
    /// More servers are not told apart: one address less or more changes nothing then.
    const SERVERS: usize = 16;

    /// A server spoke, or a client names it.
    pub fn heard(&mut self, server: Option<IpAddr>) {
        if let Some(server) = server
            && self.servers.len() < Self::SERVERS
            && !self.servers.contains(&server)
        {
            self.servers.push(server);
        }
    }

    /// Somebody was given an address, or goes on as one that was. Whether anybody was waiting.
    pub fn served(&mut self) -> bool {
        self.unanswered.take().is_some()
    }

    /// This device asks and is not answered.
    pub fn left_waiting(&mut self, device: DeviceId, at: Timestamp) {
        self.unanswered
            .get_or_insert_default()
            .add(device, Denial::NoAnswer, at);
    }

    /// Who was left waiting since anybody was last served.
    pub fn waiting(&self) -> Option<&TurnedDown> {
        self.unanswered.as_deref()
    }

    /// Those that are known.
    pub fn servers(&self) -> impl Iterator<Item = IpAddr> {
        self.servers.iter().copied()
    }

    /// The server, where only one was ever heard of.
    pub fn only_server(&self) -> Option<IpAddr> {
        match self.servers.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}
