//! How the engine saves what it knows, and goes on with it after a restart.
//!
//! While the program was away it was blind. So the time between is one long loss of frames: nothing is concluded from
//! what was not seen in it. A phone that was registered stays so, as far as is known; its connection is followed from
//! the next segment on. If it speaks elsewhere instead, and not where it was, it moved unseen: it is shown where it
//! is, and no move is counted, since none was seen.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::connection::{Connection, Phase};
use super::connections::Connections;
use super::saved::{RestoredState, SavedFinding, SavedState, Site};
use super::world::World;
use crate::diagnosis::News;
use crate::finding::{Finding, Subject};
use crate::phone::keepalive::Intervals;
use crate::phone::registration::Current;
use crate::phone::service::Service;
use crate::phone::{CallManager, Device, DeviceId, Pulse, Stage};
use crate::time::Timestamp;

/// So long after a restart nothing is known yet of the mirror port as a whole, nor who is absent, nor what is over.
const GETTING_AN_OVERVIEW: Duration = Duration::from_secs(300);

/// What is left to be confirmed of what an earlier run knew.
#[derive(Debug, Default)]
pub(super) struct Restart {
    /// When this run began; `None` where nothing was restored.
    at: Option<Timestamp>,
    /// Devices whose registered connection has not been seen yet, with the time at which it should have been.
    unconfirmed: HashMap<DeviceId, Timestamp>,
}

impl Restart {
    /// The device is seen on its registered connection.
    pub(super) fn confirm(&mut self, id: DeviceId) {
        if !self.unconfirmed.is_empty() {
            self.unconfirmed.remove(&id);
        }
    }

    /// Whether the device has not been seen on its registered connection since the restart.
    pub(super) fn is_unconfirmed(&self, id: DeviceId) -> bool {
        self.unconfirmed.contains_key(&id)
    }

    /// Whether the device should have been seen on its registered connection since the restart, and was not.
    pub(super) fn is_overdue(&self, id: DeviceId, now: Timestamp) -> bool {
        self.unconfirmed.get(&id).is_some_and(|due| now >= *due)
    }

    /// Whether nothing new may be concluded about a device: what is known of it is from before the restart.
    pub(super) fn is_old_news(&self, last_seen: Timestamp) -> bool {
        self.at.is_some_and(|at| last_seen < at)
    }

    /// Until when what was found before is not taken back for want of evidence, if that is still so.
    pub(super) fn overview_at(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.at? + GETTING_AN_OVERVIEW;
        (now < at).then_some(at)
    }
}

impl World {
    /// Whether it is too early for such news about the site: what took place while nobody watched may make it wrong.
    pub(super) fn is_too_early(&self, about: &Subject, news: News, now: Timestamp) -> bool {
        if self.restart.overview_at(now).is_none() {
            return false;
        }
        match (about, news) {
            // It has served somebody since.
            (Subject::CallManager(address), News::Cleared) => self
                .servers
                .get(address)
                .is_some_and(|server| server.turned_down.is_some()),
            (
                Subject::Sensor
                | Subject::DhcpServer(_)
                | Subject::DnsServer(_)
                | Subject::TftpServer(_),
                News::Cleared,
            )
            | (Subject::Configured(_), News::Raised) => true,
            (_, News::Raised | News::Updated | News::Cleared) => false,
        }
    }

    /// Whether a finding of this device may still hold though nothing shows it now: the proof may have been missed.
    pub(super) fn may_still_hold(&self, id: DeviceId, finding: &Finding, now: Timestamp) -> bool {
        let is_older = self.restart.is_old_news(finding.raised);
        let is_seen_registered = || {
            self.devices.device(id).is_some_and(|device| {
                device.stage == Stage::Registered && !self.restart.is_unconfirmed(id)
            })
        };
        is_older && self.restart.overview_at(now).is_some() && !is_seen_registered()
    }
}

impl Engine {
    /// What is known, to be saved; it shares the records, so it costs no more than a snapshot.
    pub fn save(&self) -> SavedState {
        let world = &self.world;
        let findings = world.site_findings.all().iter();
        let services = world.services.iter();
        SavedState {
            at: self.now,
            devices: world.devices.table.clone(),
            site: Site {
                watching_since: world.sight.watching_since(),
                callmanagers: world.servers.values().cloned().collect(),
                services: services
                    .map(|((kind, address), service)| (*kind, *address, service.clone()))
                    .collect(),
                names: world
                    .names
                    .iter()
                    .map(|(name, address)| (name.clone(), *address))
                    .collect(),
                dhcp: world.dhcp_service.clone(),
                dhcpv6: world.dhcpv6_service.clone(),
                findings: findings
                    .map(|(subject, finding)| (subject.clone(), SavedFinding::of(finding)))
                    .collect(),
            },
        }
    }

    /// Goes on at `now` with what an earlier run knew, without the devices that were not seen for `keep_for` before it
    /// ended. To be called before the first record.
    pub fn restore(&mut self, state: RestoredState, now: Timestamp, keep_for: Duration) {
        self.now = self.now.max(now);
        self.world.restore_site(state.at, state.site, now);
        self.world
            .restore_devices(state.devices, &state.pulses, state.at, now, keep_for);
        self.world.restore_registrations(&mut self.connections, now);
        self.world.settle(now);
    }
}

impl World {
    fn restore_site(&mut self, saved_at: Timestamp, site: Site<CallManager>, now: Timestamp) {
        self.restart.at = Some(now);
        self.sight.was_blind(saved_at, now);
        if let Some(began) = site.watching_since {
            self.sight.watched_since(began);
        }
        for mut saved in site.callmanagers {
            let Some(server) = self.server(saved.address, saved.first_seen) else {
                continue;
            };
            // What the configuration says today counts.
            saved.configured_role = server.configured_role;
            saved.name = server.name.take().or(saved.name);
            *server = saved;
        }
        for (kind, address, saved) in site.services {
            for source in saved.seen_on.iter().take(Service::SOURCES) {
                self.sight.server_was_seen(*source, address);
            }
            if let Some(service) = self.service(kind, address) {
                *service = saved;
            }
        }
        let room = self.settings.limits.dns_names;
        self.names.extend(site.names.into_iter().take(room));
        self.dhcp_service = site.dhcp;
        self.dhcpv6_service = site.dhcpv6;
        for (subject, finding) in site.findings {
            if let Some(finding) = finding.restored() {
                self.site_findings.restore(subject, Arc::new(finding));
            }
        }
    }

    fn restore_devices(
        &mut self,
        mut devices: Vec<(DeviceId, Device)>,
        pulses: &HashMap<u32, Pulse>,
        saved_at: Timestamp,
        now: Timestamp,
        keep_for: Duration,
    ) {
        // Who came first may go first.
        devices.sort_by_key(|(id, device)| (device.first_seen, *id));
        for (id, mut device) in devices {
            let mut pulse = pulses.get(&id.index).copied().unwrap_or(Pulse {
                last_seen: device.first_seen,
                keepalives: 0,
            });
            // A clock that was set back since must not keep it for ever.
            pulse.last_seen = pulse.last_seen.min(now);
            // What passed while nobody watched makes nobody older.
            if saved_at.min(now).since(pulse.last_seen) >= keep_for {
                continue;
            }
            if let Some(group) = device.group.take() {
                device.group = Some(self.shared_group(Arc::unwrap_or_clone(group)));
            }
            if self.devices.restore(id, device, pulse) {
                self.touch(id);
            }
        }
        self.devices.restored();
    }

    /// Follows the connections that carried the registrations, as if joined late.
    fn restore_registrations(&mut self, connections: &mut Connections, now: Timestamp) {
        let registered: Vec<(DeviceId, Current)> = self
            .devices
            .table
            .iter()
            .filter_map(|(id, device)| Some((id, device.registration.current?)))
            .collect();
        for (id, current) in registered {
            let key = current.connection();
            let is_secure = self.settings.secure_ports.contains(&key.server.port);
            let connection = Connection::restored(id, &current, is_secure, now);
            let due = now + due_within(&connection, self.settings.keepalive);
            if !connections.restore(self, connection) {
                self.quietly(id, |device| device.registration.current = None);
                continue;
            }
            self.restart.unconfirmed.insert(id, due);
            if let Some(server) = self.server(current.callmanager, now) {
                server.count_in(&current);
            }
        }
    }
}

/// Within which time a phone speaks on its registered connection.
fn due_within(connection: &Connection, configured: Intervals) -> Duration {
    debug_assert_eq!(connection.phase, Phase::Joined, "it is joined late");
    connection
        .keepalives
        .interval(configured.active)
        .max(configured.active)
        .mul_f32(1.5)
}
