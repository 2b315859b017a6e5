//! DNS: the names that devices look up.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::timers::Timer;
use super::world::World;
use crate::event::EventKind;
use crate::phone::boot::Step;
use crate::phone::dns::{NameAnswer, same_host};
use crate::phone::service::ServiceKind;
use crate::phone::{DeviceId, Stage};
use crate::time::Timestamp;
use crate::wire::dns::{Dns, RecordType, ResponseCode};

/// A resolver asks again within seconds and gives up after some tries; what is silent for so long has no answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Nobody asks so often for a name that was answered.
const REPETITION_PROVES: u32 = 3;

/// As many names that were found last are remembered, to tell whether another server answered instead of a silent one.
const FOUND: usize = 4096;

/// Lookups under way.
#[derive(Default)]
pub(super) struct Lookups {
    all: HashMap<(SocketAddr, u16), Lookup>,
    /// In the order of their beginning.
    queue: VecDeque<(Timestamp, (SocketAddr, u16))>,
    /// Names that were found lately.
    found: VecDeque<(Timestamp, DeviceId, String)>,
    armed: Option<Timestamp>,
}

struct Lookup {
    name: String,
    record_type: RecordType,
    server: IpAddr,
    /// How often it was asked.
    tries: u32,
    device: DeviceId,
    began: Timestamp,
    source: u16,
}

impl Lookup {
    /// It gave no address. What has none of the newer kind may well have one of the usual kind, and services are found
    /// by other means where they are not found by name.
    fn failed(&self, world: &mut World, answer: NameAnswer, at: Timestamp) {
        if self.record_type == RecordType::A {
            let name = (self.name.as_str(), self.server);
            world.name_failed(self.device, name, answer, (self.began, self.tries), at);
        }
    }
}

impl Lookups {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes a datagram to or from the port of DNS.
    pub(super) fn datagram(
        &mut self,
        world: &mut World,
        (from, to): (SocketAddr, SocketAddr),
        payload: &[u8],
        at: Timestamp,
        source: u16,
    ) {
        let (client, server) = if to.port() == crate::wire::dns::PORT {
            (from, to)
        } else {
            (to, from)
        };
        if server == from {
            world.sight.server_heard(source, server.ip());
        }
        // Servers and PCs look up names all day long; only phones matter here.
        let device = world.devices.at(client.ip());
        let Some(device) = device.filter(|&id| world.is_proven(id)) else {
            return;
        };
        let dns = match Dns::parse(payload) {
            Ok(dns) => dns,
            Err(error) => return world.decode_error("dns", error),
        };
        if dns.response {
            if self.all.contains_key(&(client, dns.id)) {
                world.answer_seen(ServiceKind::Dns, server.ip(), source);
            }
            self.answered(world, client, &dns, at);
        } else {
            self.asked(world, (client, server.ip()), device, dns, at, source);
        }
    }

    fn asked(
        &mut self,
        world: &mut World,
        (client, server): (SocketAddr, IpAddr),
        device: DeviceId,
        dns: Dns,
        at: Timestamp,
        source: u16,
    ) {
        let Some(question) = dns.question else { return };
        let is_for_an_address = matches!(
            question.record_type,
            RecordType::A | RecordType::AAAA | RecordType::SRV
        );
        let key = (client, dns.id);
        if !is_for_an_address {
            return;
        }
        if let Some(known) = self.all.get_mut(&key) {
            known.tries = known.tries.saturating_add(1);
            return;
        }
        if self.all.len() >= world.settings.limits.dns_names {
            world.totals.evicted.add("dns_lookups");
            return;
        }
        if question.record_type != RecordType::AAAA {
            world.step(device, Step::Files, Stage::Dns, at);
        }
        self.all.insert(
            key,
            Lookup {
                name: question.name,
                record_type: question.record_type,
                server,
                tries: 1,
                device,
                began: at,
                source,
            },
        );
        self.queue.push_back((at, key));
        world
            .timers
            .arm(Timer::Lookups, Some(at + TIMEOUT), &mut self.armed);
    }

    fn answered(&mut self, world: &mut World, client: SocketAddr, dns: &Dns, at: Timestamp) {
        let Some(lookup) = self.all.remove(&(client, dns.id)) else {
            return;
        };
        let code = dns.response_code;
        world.totals.dns_lookups.add(code.label());
        if code == ResponseCode::NO_ERROR {
            if let Some(address) = dns.addresses.first() {
                world.name_learned(&lookup.name, *address);
                world.refresh_role(lookup.device);
                world.name_found(lookup.device, &lookup.name, lookup.server, at);
                while self.found.len() >= FOUND {
                    self.found.pop_front();
                }
                self.found
                    .push_back((at, lookup.device, lookup.name.clone()));
            } else if !dns.truncated && !dns.malformed {
                lookup.failed(world, NameAnswer::NoAddress, at);
            }
            world.stage_took("dns", at.since(lookup.began));
        } else {
            world.with(lookup.device, |device| device.dns_failures += 1);
            lookup.failed(world, NameAnswer::Error(code), at);
            world.tell(
                lookup.device,
                at,
                EventKind::DnsFailed {
                    name: lookup.name,
                    answer: code.name(),
                },
            );
        }
    }

    pub(super) fn timer_fired(&mut self, world: &mut World, now: Timestamp) {
        self.armed = None;
        while let Some(&(began, key)) = self.queue.front() {
            if began + TIMEOUT > now {
                world
                    .timers
                    .arm(Timer::Lookups, Some(began + TIMEOUT), &mut self.armed);
                return;
            }
            self.queue.pop_front();
            let Some(lookup) = self.all.get(&key).filter(|lookup| lookup.began == began) else {
                continue;
            };
            let would_be_seen = world.sight.lost_nothing_since(began)
                && (world.sight.sees_answers_of(lookup.source, lookup.server)
                    || lookup.tries >= REPETITION_PROVES
                        && world.sight.sees_both_directions(lookup.source))
                && world
                    .sight
                    .was_alive_at(lookup.source, began + Duration::from_secs(1));
            let device = lookup.device;
            if let Some(lookup) = self.all.remove(&key).filter(|_| would_be_seen) {
                world.totals.dns_lookups.add("no_answer");
                world.with(device, |device| device.dns_failures += 1);
                let was_found = self.found.iter().any(|(at, id, name)| {
                    *id == device && *at >= began && same_host(name, &lookup.name)
                });
                if !was_found {
                    lookup.failed(world, NameAnswer::NoAnswer, now);
                }
                world.tell(
                    device,
                    now,
                    EventKind::DnsFailed {
                        name: lookup.name,
                        answer: "no answer",
                    },
                );
            }
        }
    }
}
