//! What is known of one CallManager, and the order in which phones try them.

use std::net::IpAddr;

use super::histogram::Histogram;
use super::registration::Current;
use super::role::Role;
use super::tally::Tally;
use super::troubles::{MarkSamples, Troubles};
use super::turned_down::TurnedDown;
use crate::time::Timestamp;
use crate::wire::sep_config::Host;

/// How a server acknowledges keepalives. `CallManager` 2.x never sends a `KeepAliveAck`: its TCP acknowledgment is all
/// there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acknowledges {
    /// With a `KeepAliveAck` on the registered connection.
    Sccp,
    /// With nothing but TCP.
    Tcp,
}

/// A server that answers on an SCCP port.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct CallManager {
    /// Its address.
    pub address: IpAddr,
    /// Its name, from the configuration or from what was seen on the wire.
    pub name: Option<Box<str>>,
    /// Its role for every phone, where the configuration says it.
    #[serde(skip)]
    pub configured_role: Role,
    /// How it acknowledges keepalives, once that is known.
    pub acknowledges: Option<Acknowledges>,
    /// When it was first seen to take part in anything.
    pub first_seen: Timestamp,
    /// When a frame from it was last seen.
    pub last_heard: Option<Timestamp>,
    /// How many devices are registered with it now.
    #[serde(skip)]
    pub registered: u64,
    /// How many phones among them.
    #[serde(skip)]
    pub registered_phones: u64,
    /// Registrations by kind: `new`, `re`, `failover`, `failback`, `move`.
    #[serde(skip)]
    pub registrations: Tally,
    /// Rejects by reason (the labels of [`crate::wire::sccp::RejectReason`]).
    #[serde(skip)]
    pub rejects: Tally,
    /// Ends of registrations by cause.
    #[serde(skip)]
    pub unregistrations: Tally,
    /// Keepalive gaps by direction: `callmanager`, `phone`.
    #[serde(skip)]
    pub keepalive_gaps: Tally,
    /// Ends of TCP connection attempts: `established`, `refused`, `unanswered`, `unreachable`.
    #[serde(skip)]
    pub tcp_connects: Tally,
    /// Whom it turned away since it last served anybody.
    pub turned_down: Option<Box<TurnedDown>>,
    /// What befell its devices lately, once anything did.
    pub troubles: Option<Box<Troubles>>,
    /// How its signalling and that of its phones is marked.
    pub marks: MarkSamples,
    /// From a keepalive to its acknowledgment, the way this server acknowledges.
    #[serde(skip, default = "no_keepalives")]
    pub keepalive_rtt: Histogram,
    /// Keepalives acknowledged by TCP without a `KeepAliveAck` so far, while it is not known how it acknowledges.
    pub(crate) tcp_only_keepalives: u8,
}

impl CallManager {
    /// A server of which nothing but its address is known.
    pub fn new(address: IpAddr, at: Timestamp) -> Self {
        Self {
            address,
            name: None,
            configured_role: Role::Unknown,
            acknowledges: None,
            first_seen: at,
            last_heard: None,
            registered: 0,
            registered_phones: 0,
            registrations: Tally::default(),
            rejects: Tally::default(),
            unregistrations: Tally::default(),
            keepalive_gaps: Tally::default(),
            tcp_connects: Tally::default(),
            turned_down: None,
            troubles: None,
            marks: MarkSamples::default(),
            keepalive_rtt: no_keepalives(),
            tcp_only_keepalives: 0,
        }
    }

    /// A device is registered with it from here on.
    pub(crate) fn count_in(&mut self, current: &Current) {
        self.registered += 1;
        self.registered_phones += u64::from(current.counted_as_phone);
    }

    /// A device that was counted is no longer registered with it.
    pub(crate) fn count_out(&mut self, current: &Current) {
        let phones = u64::from(current.counted_as_phone);
        self.registered = self.registered.saturating_sub(1);
        self.registered_phones = self.registered_phones.saturating_sub(phones);
    }
}

fn no_keepalives() -> Histogram {
    Histogram::new(Histogram::KEEPALIVE_BOUNDS)
}

/// The order in which a phone tries its servers: from its own configuration file or from `ServerRes`.
///
/// Phones of one device pool share one list, so it is kept once and shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct CallManagerGroup {
    /// The CallManagers, the first choice first.
    pub members: Vec<Host>,
    /// The routers that take over when none of them is reached.
    pub srst: Vec<Host>,
}

impl CallManagerGroup {
    /// The role of `server` in this list. Names in the list are looked up with `address_of`.
    ///
    /// A phone asks nobody but the servers of its list, so where all places but one are known to be others, the server
    /// stands at that one.
    pub fn role(&self, server: IpAddr, address_of: &dyn Fn(&str) -> Option<IpAddr>) -> Role {
        let address = |host: &Host| match host {
            Host::Address(address) => Some(*address),
            Host::Name(name) => address_of(name),
        };
        let is_server = |host: &Host| address(host) == Some(server);
        if let Some(place) = self.members.iter().position(is_server) {
            return Role::of_place(place);
        }
        if self.srst.iter().any(is_server) {
            return Role::Srst;
        }
        let mut nameless = self
            .members
            .iter()
            .enumerate()
            .filter(|(_, host)| address(host).is_none());
        match (nameless.next(), nameless.next()) {
            (Some((place, _)), None) if self.srst.is_empty() => Role::of_place(place),
            _ => Role::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_stands_where_the_phones_list_has_it() {
        let server = |last| IpAddr::from([10, 0, 0, last]);
        let name = |name: &str| Host::Name(name.into());
        let no_dns = |_: &str| None;
        let dns = |name: &str| (name == "cm-a").then_some(server(1));
        let group = |members: &[Host], srst: &[Host]| CallManagerGroup {
            members: members.into(),
            srst: srst.into(),
        };

        let by_address = group(
            &[Host::Address(server(1)), Host::Address(server(2))],
            &[Host::Address(server(9))],
        );
        assert_eq!(by_address.role(server(1), &no_dns), Role::Primary);
        assert_eq!(by_address.role(server(2), &no_dns), Role::Secondary);
        assert_eq!(by_address.role(server(9), &no_dns), Role::Srst);
        assert_eq!(by_address.role(server(3), &no_dns), Role::Unknown);

        let by_name = group(&[name("cm-a"), name("cm-b")], &[]);
        assert_eq!(
            by_name.role(server(1), &no_dns),
            Role::Unknown,
            "it may be either"
        );
        assert_eq!(by_name.role(server(1), &dns), Role::Primary);
        assert_eq!(
            by_name.role(server(2), &dns),
            Role::Secondary,
            "the only place that is left"
        );

        let with_srst = group(&[name("cm-a")], &[Host::Address(server(9))]);
        assert_eq!(
            with_srst.role(server(2), &no_dns),
            Role::Unknown,
            "the router may have moved"
        );
    }
}
