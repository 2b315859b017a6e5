//! The tables about what phones speak: `sccp`, `tftp`, `keepalive`, `flap` and `dhcp`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::section::{Section, allowed_integer, integer};
use super::units::{HOUR, MINUTE, SECOND};

/// Where SCCP is spoken. No port is in both lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sccp {
    /// The TCP ports on which CallManager answers in clear.
    pub ports: Vec<u16>,
    /// The TCP ports on which it answers with TLS: connections are seen, messages are not.
    pub secure_ports: Vec<u16>,
}

impl Sccp {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        const RANGE: RangeInclusive<u16> = 1..=u16::MAX;
        const COUNT: RangeInclusive<usize> = 1..=16;
        let default = Self::default();
        let allowed = allowed_integer("a port", &RANGE);
        let items = ("ports", allowed.as_str());
        let ports = section.list("ports", default.ports, COUNT, items, |value| {
            integer(value, &RANGE)
        });
        let secure_ports = section.list(
            "secure_ports",
            // The default gives way to what the user says of the other list.
            default
                .secure_ports
                .into_iter()
                .filter(|port| !ports.contains(port))
                .collect(),
            COUNT,
            ("ports", &format!("{allowed} that is not in sccp.ports")),
            |value| {
                let port = integer(value, &RANGE)?;
                if ports.contains(&port) {
                    Err(format!("{port} stands in sccp.ports too"))
                } else {
                    Ok(port)
                }
            },
        );
        Self {
            ports,
            secure_ports,
        }
    }
}

impl Default for Sccp {
    fn default() -> Self {
        Self {
            ports: vec![2000],
            secure_ports: vec![2443],
        }
    }
}

/// Where TFTP is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tftp {
    /// The UDP port of the first request; the answer comes from another one.
    pub port: u16,
}

impl Tftp {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            port: section.integer("port", default.port, 1..=u16::MAX),
        }
    }
}

impl Default for Tftp {
    fn default() -> Self {
        Self { port: 69 }
    }
}

/// How often phones send keepalives, until a `RegisterAck` has told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Between two keepalives to the server at which the phone is registered.
    pub interval: Duration,
    /// Between two keepalives to the server in reserve.
    pub standby: Duration,
}

impl Keepalive {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let range = 5 * SECOND..=1000 * SECOND;
        Self {
            interval: section.duration("interval", default.interval, range.clone()),
            standby: section.duration("standby", default.standby, range),
        }
    }
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: 30 * SECOND,
            standby: 60 * SECOND,
        }
    }
}

/// When a phone is flapping: this many moves within this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flap {
    /// How many moves from one server to another.
    pub moves: u32,
    /// Within which time.
    pub window: Duration,
}

impl Flap {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            moves: section.integer("moves", default.moves, 2..=100),
            window: section.duration("window", default.window, MINUTE..=24 * HOUR),
        }
    }
}

impl Default for Flap {
    fn default() -> Self {
        Self {
            moves: 3,
            window: 30 * MINUTE,
        }
    }
}

/// When a phone asks for addresses too often: more than this many requests within this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dhcp {
    /// How many requests are still usual.
    pub requests: u32,
    /// Within which time.
    pub window: Duration,
}

impl Dhcp {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            requests: section.integer("requests", default.requests, 1..=10_000),
            window: section.duration("window", default.window, 10 * SECOND..=24 * HOUR),
        }
    }
}

impl Default for Dhcp {
    fn default() -> Self {
        Self {
            requests: 12,
            window: 10 * MINUTE,
        }
    }
}
