//! Connections to CallManagers that a device asked for and did not get.

use std::net::IpAddr;
use std::time::Duration;

use crate::time::Timestamp;

/// How an attempt to connect ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// The connection was opened.
    Established,
    /// The SYN was answered by RST.
    Refused,
    /// Nothing answered the SYN, though it was repeated.
    Unanswered,
    /// ICMP said that the server cannot be reached.
    Unreachable,
}

impl Outcome {
    /// The metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Unreachable => "unreachable",
        }
    }
}

/// Servers that a device could not connect to since it last could.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Attempts {
    failed: Vec<Failed>,
}

/// Attempts to connect to one server, all in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failed {
    /// The server.
    pub callmanager: IpAddr,
    /// Its port.
    pub port: u16,
    /// How the last attempt ended.
    pub outcome: Outcome,
    /// When the first SYN was sent.
    pub first: Timestamp,
    /// When the last attempt was seen to fail.
    pub last: Timestamp,
    /// How many attempts there were.
    pub times: u32,
    /// From the last SYN to its answer, where there was one.
    pub delay: Option<Duration>,
}

impl Attempts {
    /// A phone has three CallManagers and a router at most.
    const SERVERS: usize = 4;

    /// One more attempt in vain; those before it that failed with the same server are counted with it.
    pub fn failed(&mut self, mut failed: Failed) {
        let place = self
            .failed
            .iter()
            .position(|known| known.callmanager == failed.callmanager);
        if let Some(place) = place {
            let known = self.failed.remove(place);
            failed.first = known.first;
            failed.times = failed.times.saturating_add(known.times);
        } else if self.failed.len() >= Self::SERVERS {
            self.failed.remove(0);
        }
        self.failed.push(failed);
    }

    /// A connection to this server was opened. Whether that is news.
    pub fn established(&mut self, callmanager: IpAddr) -> bool {
        let before = self.failed.len();
        self.failed
            .retain(|failed| failed.callmanager != callmanager);
        self.failed.len() < before
    }

    /// The servers, that of the last attempt last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Failed> {
        self.failed.iter()
    }

    /// Whether every server can be reached, as far as is known.
    pub const fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }

    /// Takes over what was known under another record of the same device.
    pub(super) fn absorb(&mut self, other: Self) {
        for failed in other.failed {
            self.failed(failed);
        }
        self.failed.sort_by_key(|failed| failed.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_server_until_one_succeeds() {
        let mut attempts = Attempts::default();
        let failed = |last: u8, second| Failed {
            callmanager: IpAddr::from([10, 0, 0, last]),
            port: 2000,
            outcome: Outcome::Refused,
            first: Timestamp::from_secs(second),
            last: Timestamp::from_secs(second),
            times: 1,
            delay: None,
        };
        for (server, second) in [(1, 1), (2, 2), (1, 3)] {
            attempts.failed(failed(server, second));
        }
        let told: Vec<_> = attempts
            .iter()
            .map(|failed| (failed.callmanager, failed.times, failed.first))
            .collect();
        let expected = [(2, 1, 2), (1, 2, 1)].map(|(server, times, first)| {
            let server = IpAddr::from([10, 0, 0, server]);
            (server, times, Timestamp::from_secs(first))
        });
        assert_eq!(told, expected);
        assert!(attempts.established(IpAddr::from([10, 0, 0, 1])));
        assert!(!attempts.established(IpAddr::from([10, 0, 0, 1])));
        for server in 10..30 {
            attempts.failed(failed(server, 9));
        }
        assert_eq!(attempts.iter().count(), Attempts::SERVERS);
    }
}
