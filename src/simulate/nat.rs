//! A site's router that shows all its phones under one address, told apart by ports (RFC 3022).

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

use super::headers::{
    DESTINATION, DESTINATION_PORT, SOURCE, SOURCE_PORT, UDP, address, correct, put, with_ports,
    word,
};
use crate::time::Timestamp;
use crate::wire::dhcp::{CLIENT_PORT, SERVER_PORT};

/// The phones' networks are 10.32.0.0/24 and what follows.
const PHONES: Range<u32> = 0x0A20_0000..0x0B00_0000;
/// The first site's address outside: 172.16.0.1.
const OUTSIDE: u32 = 0xAC10_0001;
const FIRST_PORT: u16 = 1024;
/// A port that was used within this time is not given to another; phones speak every minute.
const HELD: Duration = Duration::from_secs(300);

/// The ports that every site has given away.
#[derive(Debug, Default)]
pub(super) struct Nat {
    sites: HashMap<u32, Site>,
}

/// One of a site's phones and what it sends from.
type Inside = (u8, Ipv4Addr, u16);

#[derive(Debug)]
struct Site {
    /// The ports of those inside, and when they were used last; at most as many as there are ports.
    given: HashMap<Inside, (u16, Timestamp)>,
    holders: HashMap<u16, Inside>,
    next: u16,
}

impl Nat {
    /// The frame as it is outside; `false` where it never gets there.
    pub(super) fn translate(&mut self, frame: &mut [u8], at: Timestamp) -> bool {
        let Some(protocol) = with_ports(frame) else {
            return false;
        };
        if protocol == UDP && [CLIENT_PORT, SERVER_PORT].contains(&word(frame, SOURCE_PORT)) {
            // Such a site has a DHCP server of its own.
            return false;
        }
        let sites = [SOURCE, DESTINATION].map(|place| site(address(frame, place)));
        if matches!(sites, [Some(one), Some(other)] if one == other) {
            return false;
        }
        let ends = [(SOURCE, SOURCE_PORT), (DESTINATION, DESTINATION_PORT)];
        for ((place, port_place), site) in ends.into_iter().zip(sites) {
            let Some(site) = site else {
                continue;
            };
            let inside = (protocol, address(frame, place), word(frame, port_place));
            let port = self.sites.entry(site).or_default().port(inside, at);
            let outside = Ipv4Addr::from(OUTSIDE.wrapping_add(site));
            put(frame, place, &outside.octets());
            put(frame, port_place, &port.to_be_bytes());
        }
        correct(frame);
        true
    }
}

/// The number of the site that a phone is at; `None` for others.
fn site(address: Ipv4Addr) -> Option<u32> {
    let address = u32::from(address);
    let is_phone = PHONES.contains(&address);
    is_phone.then(|| (address - PHONES.start) >> 8)
}

impl Default for Site {
    fn default() -> Self {
        Self {
            given: HashMap::new(),
            holders: HashMap::new(),
            next: FIRST_PORT,
        }
    }
}

impl Site {
    fn port(&mut self, inside: Inside, at: Timestamp) -> u16 {
        if let Some((port, used)) = self.given.get_mut(&inside) {
            *used = at;
            return *port;
        }
        let port = self.free_port(at);
        if let Some(before) = self.holders.insert(port, inside) {
            self.given.remove(&before);
        }
        self.given.insert(inside, (port, at));
        port
    }

    /// The next port that nobody uses; where all are in use, any.
    fn free_port(&mut self, at: Timestamp) -> u16 {
        for _ in FIRST_PORT..=u16::MAX {
            let port = self.next;
            self.next = port.checked_add(1).unwrap_or(FIRST_PORT);
            let holder = self.holders.get(&port);
            let used = holder.and_then(|inside| self.given.get(inside));
            if used.is_none_or(|(_, used)| at.since(*used) > HELD) {
                return port;
            }
        }
        self.next
    }
}
