//! What went wrong between a client and its servers: refusals, addresses in use, servers that contradict each other.

use std::net::IpAddr;
use std::time::Duration;

use super::Offer;
use crate::time::Timestamp;

/// What only troubled clients have.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// The latest NAKs.
    pub naks: Vec<Nak>,
    /// The latest DECLINEs.
    pub declines: Vec<Decline>,
    /// The last OFFERs of different servers that contradict each other.
    pub rivals: Vec<Offer>,
}

/// A server's NAK; of IPv6, a REPLY that says why there is no address.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Nak {
    /// When.
    pub at: Timestamp,
    /// The server (option 54).
    pub server: Option<IpAddr>,
    /// The server's reason (option 56; the text of option 13 in IPv6), safe to show.
    pub text: Option<Box<str>>,
    /// In which state the client asked; `None` where that was not seen.
    pub state: Option<RequestState>,
    /// The address that it asked for.
    pub address: Option<IpAddr>,
    /// The age of its lease and how long that was to last, where both are known.
    pub lease: Option<(Duration, Duration)>,
}

/// A client's DECLINE: it found that somebody else uses the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decline {
    /// When.
    pub at: Timestamp,
    /// The address.
    pub address: Option<IpAddr>,
    /// The server that gave it.
    pub server: Option<IpAddr>,
}

/// In which state a client sends a REQUEST (RFC 2131, section 4.3.2), or which of its messages it is in IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RequestState {
    /// It takes a server's OFFER.
    Selecting,
    /// It has restarted and asks for the address it had.
    Rebooting,
    /// It asks its server to let it keep its address, from half of the lease on.
    Renewing,
    /// It asks any server, because its own has not answered.
    Rebinding,
}

impl Trouble {
    const MOST: usize = 6;

    pub(super) fn refused(&mut self, nak: Nak) {
        if self.naks.len() >= Self::MOST {
            self.naks.remove(0);
        }
        self.naks.push(nak);
    }

    pub(super) fn declined(&mut self, decline: Decline) {
        if self.declines.len() >= Self::MOST {
            self.declines.remove(0);
        }
        self.declines.push(decline);
    }
}

impl Nak {
    /// Whether the lease was at half of its time, give or take a tenth of it: that is when a client renews.
    pub fn is_at_half_of_the_lease(&self) -> bool {
        self.lease.is_some_and(|(age, whole)| {
            let (age, half) = (age.as_secs(), whole.as_secs() / 2);
            age.abs_diff(half) <= whole.as_secs() / 10
        })
    }
}

impl RequestState {
    /// Whether the client has an address that it wants to keep.
    pub const fn is_renewal(self) -> bool {
        matches!(self, Self::Renewing | Self::Rebinding)
    }
}
