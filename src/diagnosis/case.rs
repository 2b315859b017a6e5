//! What a rule may look at.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::Thresholds;
use crate::inventory::{Configured, Inventory};
use crate::net::DeviceName;
use crate::phone::dhcp::DhcpService;
use crate::phone::service::{Service, ServiceKind};
use crate::phone::sight::Sight;
use crate::phone::unseen::Shown;
use crate::phone::{CallManager, Device, DeviceId, Role};
use crate::time::Timestamp;
use crate::wire::sep_config::Host;

/// One device, in its surroundings, at one time.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The device.
    pub device: &'a Device,
    /// When a frame of it was last seen.
    pub last_seen: Timestamp,
    /// Everything around it.
    pub site: Site<'a>,
}

/// What all devices share.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The time at which it is asked.
    pub now: Timestamp,
    /// When things are too often, too long or too many.
    pub thresholds: &'a Thresholds,
    /// The CallManagers by address.
    pub callmanagers: &'a BTreeMap<IpAddr, Arc<CallManager>>,
    /// The DNS and TFTP servers that phones asked.
    pub services: &'a BTreeMap<(ServiceKind, IpAddr), Service>,
    /// What the sensor could see.
    pub sight: &'a Sight,
    /// The DHCP service.
    pub dhcp: &'a DhcpService,
    /// The DHCP service of IPv6.
    pub dhcpv6: &'a DhcpService,
    /// The phones that should be there, where the user named a list of them.
    pub inventory: Option<&'a Inventory>,
    /// All devices by their places.
    pub devices: &'a dyn Directory,
    /// The address of a server's name, as DNS or the configuration told it.
    pub address_of: &'a dyn Fn(&str) -> Option<IpAddr>,
}

/// Finds devices by their places.
pub trait Directory {
    /// The device at this place, if it is still there.
    fn device(&self, id: DeviceId) -> Option<&Device>;

    /// The device of this name.
    fn named(&self, name: DeviceName) -> Option<&Device>;
}

impl<'a> Case<'a> {
    /// What the user's list of phones says of this device.
    pub fn configured(&self) -> Option<&'a Configured> {
        self.site.inventory?.of(self.device.name?)
    }

    /// The time at which the rule is asked.
    pub const fn now(&self) -> Timestamp {
        self.site.now
    }

    /// A CallManager with which the device may be registered without being seen there, in words: one of its list that
    /// neither was heard since nor turned it away. Where its list is not known, any, unless several servers are seen.
    pub fn may_be_with(&self, since: Timestamp) -> Option<String> {
        let history = self.device.history.as_deref();
        let attempts = || {
            history
                .into_iter()
                .flat_map(|history| history.attempts.iter())
        };
        let has_failed = |server| attempts().any(|failed| failed.callmanager == server);
        let shown = self.site.shown();
        if self.device.group.is_some() {
            let unseen = shown.another(self.device, &has_failed, since);
            return unseen.map(Host::to_string);
        }
        let seen = shown.since(since).filter(|server| !has_failed(*server));
        let is_alone = attempts().count() + seen.count() < 2;
        is_alone.then(|| String::from("another CallManager"))
    }

    /// What `server` is to this device by its own list, else by the configuration.
    pub fn role(&self, server: IpAddr) -> Role {
        let by_list = self.device.group.as_ref().map_or(Role::Unknown, |group| {
            group.role(server, self.site.address_of)
        });
        if by_list != Role::Unknown {
            return by_list;
        }
        self.site
            .callmanagers
            .get(&server)
            .map_or(Role::Unknown, |server| server.configured_role)
    }
}

impl<'a> Site<'a> {
    /// The CallManagers of which the sensor has seen anything.
    pub fn shown(&self) -> Shown<'a> {
        Shown {
            callmanagers: self.callmanagers,
            address_of: self.address_of,
        }
    }

    /// What to call the device at this place.
    pub fn label(&self, id: DeviceId) -> String {
        self.devices
            .device(id)
            .map_or_else(|| String::from("a phone"), Device::label)
    }

    /// What people call this CallManager: its name, where it is known, with its address.
    pub fn callmanager(&self, address: IpAddr) -> String {
        let name = self
            .callmanagers
            .get(&address)
            .and_then(|server| server.name.as_deref());
        match name {
            Some(name) => format!("{name} ({address})"),
            None => address.to_string(),
        }
    }
}
