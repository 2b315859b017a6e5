//! CallManagers that the sensor does not show: what passes between a phone and one of them is unknown.
//!
//! A mirror port may show a phone's DHCP, DNS and TFTP and only one of its servers. A phone of which nothing is seen may
//! then be registered, and well, with another server of its list. Any frame of a server shows that the sensor sees it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::dns::is_host;
use super::{CallManager, Device};
use crate::time::Timestamp;
use crate::wire::sep_config::Host;

/// The CallManagers of which the sensor has seen anything.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// By address.
    pub callmanagers: &'a BTreeMap<IpAddr, Arc<CallManager>>,
    /// The address of a server's name, as DNS or the configuration told it.
    pub address_of: &'a dyn Fn(&str) -> Option<IpAddr>,
}

impl Shown<'_> {
    /// A server that was heard so long before a time is taken to be seen at that time too: one with nobody to serve
    /// says little.
    const LATELY: Duration = Duration::from_secs(15 * 60);

    /// The servers that the sensor sees since.
    pub fn since(&self, since: Timestamp) -> impl Iterator<Item = IpAddr> {
        let servers = self.callmanagers.values();
        let heard = servers.filter(move |server| was_heard(server, since));
        heard.map(|server| server.address)
    }

    /// Whether the sensor sees all servers that `device` tries before this one, by its list; `None` where it is not
    /// known which those are.
    pub fn all_before(
        &self,
        device: &Device,
        callmanager: IpAddr,
        since: Timestamp,
    ) -> Option<bool> {
        let by_list = device.group.as_ref().and_then(|group| {
            let rank = group.role(callmanager, self.address_of).rank()?;
            let mut before = group.members.iter().take(usize::from(rank));
            Some(before.all(|host| self.shows(device, host, since)))
        });
        by_list.or_else(|| self.all_above(callmanager, since))
    }

    /// The same by the configured roles of the servers.
    fn all_above(&self, callmanager: IpAddr, since: Timestamp) -> Option<bool> {
        let rank = |server: &CallManager| server.configured_role.rank();
        let own = rank(self.callmanagers.get(&callmanager)?)?;
        let mut above = self
            .callmanagers
            .values()
            .filter(|server| rank(server).is_some_and(|rank| rank < own));
        Some(above.all(|server| was_heard(server, since)))
    }

    /// A server of the device's list, other than those that `is_known` names, of which nothing was seen since: the
    /// device may be with it.
    pub fn another<'d>(
        &self,
        device: &'d Device,
        is_known: &dyn Fn(IpAddr) -> bool,
        since: Timestamp,
    ) -> Option<&'d Host> {
        let mut members = device.group.iter().flat_map(|group| &group.members);
        members.find(|host| {
            let is_known = self.address(host).is_some_and(is_known);
            !is_known && !self.shows(device, host, since)
        })
    }

    fn address(&self, host: &Host) -> Option<IpAddr> {
        match host {
            Host::Address(address) => Some(*address),
            Host::Name(name) => (self.address_of)(name),
        }
    }

    /// Whether the device would be seen with this server. It cannot be with one whose name it could not resolve.
    fn shows(&self, device: &Device, host: &Host, since: Timestamp) -> bool {
        let Some(address) = self.address(host) else {
            let mut failed = device.files.iter().flat_map(|files| &files.failed_names);
            return failed.any(|failed| is_host(host, &failed.name));
        };
        self.callmanagers
            .get(&address)
            .is_some_and(|server| was_heard(server, since))
    }
}

fn was_heard(server: &CallManager, since: Timestamp) -> bool {
    server.last_heard >= Some(since - Shown::LATELY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::Role;
    use crate::phone::callmanager::CallManagerGroup;

    const NOW: Timestamp = Timestamp::from_secs(100_000);

    fn server(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn device(members: &[Host]) -> Device {
        let group = CallManagerGroup {
            members: members.into(),
            srst: vec![Host::Address(server(9))],
        };
        Device {
            group: Some(Arc::new(group)),
            ..Device::default()
        }
    }

    /// The servers, each with how many seconds ago it was heard.
    fn heard(servers: &[(u8, Option<u64>)]) -> BTreeMap<IpAddr, Arc<CallManager>> {
        let record = |&(last, ago): &(u8, Option<u64>)| {
            let mut known = CallManager::new(server(last), Timestamp::EPOCH);
            known.last_heard = ago.map(|ago| NOW - Duration::from_secs(ago));
            (server(last), Arc::new(known))
        };
        servers.iter().map(record).collect()
    }

    #[test]
    fn those_that_come_before_are_seen_or_not() {
        let phone = device(&[1, 2, 3].map(|last| Host::Address(server(last))));
        for (first, second, asked, expected) in [
            (None, None, 1, Some(true)),
            (Some(5), None, 2, Some(true)),
            (Some(3600), None, 2, Some(false)),
            (None, Some(5), 2, Some(false)),
            (Some(5), Some(5), 3, Some(true)),
            (Some(5), Some(5), 9, Some(false)),
            (Some(5), Some(5), 7, None),
        ] {
            let callmanagers = heard(&[(1, first), (2, second)]);
            let shown = Shown {
                callmanagers: &callmanagers,
                address_of: &|_| None,
            };
            let found = shown.all_before(&phone, server(asked), NOW);
            assert_eq!(found, expected, "{first:?} {second:?} {asked}");
        }
    }

    #[test]
    fn without_a_list_the_configuration_tells_the_order() {
        let mut callmanagers = heard(&[(1, None), (2, Some(5))]);
        for (last, role) in [(1, Role::Primary), (2, Role::Secondary)] {
            let known = callmanagers.get_mut(&server(last)).map(Arc::make_mut);
            known.expect("it is there").configured_role = role;
        }
        let shown = Shown {
            callmanagers: &callmanagers,
            address_of: &|_| None,
        };
        let phone = Device::default();
        assert_eq!(shown.all_before(&phone, server(1), NOW), Some(true));
        assert_eq!(shown.all_before(&phone, server(2), NOW), Some(false));
        assert_eq!(shown.all_before(&phone, server(3), NOW), None);
    }

    #[test]
    fn a_phone_may_be_with_a_server_of_its_list_that_is_not_seen() {
        let names = ["cm-a", "cm-b"].map(|name| Host::Name(name.into()));
        let callmanagers = heard(&[(1, Some(5))]);
        let shown = Shown {
            callmanagers: &callmanagers,
            address_of: &|name| (name == "cm-a").then(|| server(1)),
        };
        let mut phone = device(&names);
        let nobody = |_: IpAddr| false;
        assert_eq!(shown.another(&phone, &nobody, NOW), Some(&names[1]));
        let later = NOW + Duration::from_secs(3600);
        assert_eq!(shown.another(&phone, &nobody, later), Some(&names[0]));
        let first = |address: IpAddr| address == server(1);
        assert_eq!(shown.another(&phone, &first, later), Some(&names[1]));

        let files = phone.files.get_or_insert_default();
        files.failed_names.push(crate::phone::dns::FailedName {
            name: "cm-b.example.org".into(),
            server: server(5),
            answer: crate::phone::dns::NameAnswer::NoAnswer,
            first: NOW,
            last: NOW,
            tries: 1,
        });
        assert_eq!(shown.another(&phone, &nobody, NOW), None);
        assert_eq!(shown.another(&Device::default(), &nobody, NOW), None);
    }
}
