//! Series of single phones: as many as are wanted, those that call for attention first.

use std::fmt::{self, Display};
use std::net::IpAddr;

use super::MetricsSettings;
use super::page::Page;
use crate::config::PerPhone;
use crate::phone::keepalive::GapDirection;
use crate::phone::{Device, Role};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;

pub(super) fn add(page: &mut Page, snapshot: &Snapshot, settings: &MetricsSettings) {
    let selection = Selection::of(snapshot, settings);
    page.gauge(
        "phonewatch_phone_series_omitted",
        "Phones that should have series of their own and have none: they are above the limit, or another phone goes by \
         the same name.",
        |family| family.number(&[], selection.omitted),
    );
    add_state(page, &selection, snapshot);
    add_counts(page, &selection);
    add_words(page, &selection);
}

/// Where each phone is, and what is wrong with it.
fn add_state(page: &mut Page, selection: &Selection<'_>, snapshot: &Snapshot) {
    page.many_gauges(
        "phonewatch_phone_up",
        "Whether the phone is registered (1) or not (0), with its CallManager, or the last it was registered with.",
        |family| {
            for (phone, device) in selection.phones() {
                let (callmanager, role) = server(device, snapshot);
                let labels: [(&str, &dyn Display); 3] = [
                    ("phone", &phone),
                    ("callmanager", &OrNothing(callmanager)),
                    ("role", &role.label()),
                ];
                family.number(&labels, u64::from(device.registration.current.is_some()));
            }
        },
    );
    page.many_gauges(
        "phonewatch_phone_registered_timestamp_seconds",
        "When the phone registered with the CallManager it is registered with, in seconds since the Unix epoch; absent \
         while it is not registered.",
        |family| {
            for (phone, device) in selection.phones() {
                if let Some(current) = device.registration.current {
                    let labels: [(&str, &dyn Display); 2] =
                        [("phone", &phone), ("callmanager", &current.callmanager)];
                    family.value(&labels, Milliseconds(current.since));
                }
            }
        },
    );
    page.many_gauges(
        "phonewatch_phone_stage",
        "Where the phone is now: 0 unknown, 1 link, 2 dhcp, 3 dns, 4 tftp, 5 connecting, 6 registering, 7 rejected, \
         8 registered, 9 lost.",
        |family| {
            for (phone, device) in selection.phones() {
                family.number(&[("phone", &phone)], device.stage.number().into());
            }
        },
    );
    page.many_gauges(
        "phonewatch_phone_findings",
        "Findings about the phone that hold now, by code and severity; there is no series where there is none.",
        |family| {
            for (phone, device) in selection.phones() {
                for finding in device.findings.active() {
                    let labels: [(&str, &dyn Display); 3] = [
                        ("phone", &phone),
                        ("code", &finding.code),
                        ("severity", &finding.severity.label()),
                    ];
                    family.number(&labels, 1);
                }
            }
        },
    );
}

/// How often each phone did what.
fn add_counts(page: &mut Page, selection: &Selection<'_>) {
    page.many_counters(
        "phonewatch_phone_registration_flaps_total",
        "Registrations of the phone with another CallManager than the one before.",
        |family| {
            for (phone, device) in selection.phones() {
                family.number(&[("phone", &phone)], device.registration.moves);
            }
        },
    );
    page.many_counters(
        "phonewatch_phone_keepalive_gaps_total",
        "Keepalive gaps of the phone, one for each outage, by who failed to speak.",
        |family| {
            for (phone, device) in selection.phones() {
                for direction in GapDirection::ALL {
                    let labels: [(&str, &dyn Display); 2] =
                        [("phone", &phone), ("direction", &direction.label())];
                    family.number(&labels, device.keepalives.gaps(direction).into());
                }
            }
        },
    );
    page.many_counters(
        "phonewatch_phone_dhcp_requests_total",
        "DHCP messages with which the phone asked for an address or for options.",
        |family| {
            for (phone, device) in selection.phones() {
                let requests = device.dhcp_requests();
                family.number(&[("phone", &phone)], requests);
            }
        },
    );
}

/// What each phone says of itself.
fn add_words(page: &mut Page, selection: &Selection<'_>) {
    page.many_gauges(
        "phonewatch_phone_last_reset_info",
        "Why the phone ended the session before the present one, as it says itself; always 1.",
        |family| {
            for (phone, device) in selection.phones() {
                if let Some(reason) = device.last_reset_reason.as_deref() {
                    let labels: [(&str, &dyn Display); 2] =
                        [("phone", &phone), ("reason", &reason.label())];
                    family.number(&labels, 1);
                }
            }
        },
    );
    page.many_gauges(
        "phonewatch_phone_info",
        "What is known of the phone; always 1.",
        |family| {
            for (phone, device) in selection.phones() {
                let labels: [(&str, &dyn Display); 5] = [
                    ("phone", &phone),
                    ("mac", &OrNothing(device.mac)),
                    ("address", &OrNothing(device.address)),
                    ("model", &device.model().unwrap_or_default()),
                    ("load", &device.load.as_deref().unwrap_or_default()),
                ];
                family.number(&labels, 1);
            }
        },
    );
}

/// The phones that have series, and how many should have them and have none.
#[derive(Debug, Default)]
struct Selection<'s> {
    phones: Vec<Selected<'s>>,
    omitted: u64,
}

#[derive(Debug)]
struct Selected<'s> {
    label: String,
    device: &'s Device,
}

impl<'s> Selection<'s> {
    fn of(snapshot: &'s Snapshot, settings: &MetricsSettings) -> Self {
        let is_wanted = |phone: &&Device| match settings.per_phone {
            PerPhone::All => true,
            PerPhone::Unhealthy => phone.is_unhealthy(),
            PerPhone::None => false,
        };
        let mut phones: Vec<Selected<'_>> = snapshot
            .shown()
            .map(AsRef::as_ref)
            .filter(|device| device.is_phone())
            .filter(is_wanted)
            .map(|device| Selected {
                label: device.label(),
                device,
            })
            .collect();
        let wanted = phones.len();
        // The sort is stable, so of two phones with one name it is always the same one that has the series.
        phones.sort_by(|one, other| one.label.cmp(&other.label));
        phones.dedup_by(|one, other| one.label == other.label);
        phones.sort_by_key(|phone| !phone.device.is_unhealthy());
        phones.truncate(settings.per_phone_limit);
        Self {
            omitted: u64::try_from(wanted - phones.len()).unwrap_or(u64::MAX),
            phones,
        }
    }

    fn phones(&self) -> impl Iterator<Item = (&str, &'s Device)> {
        self.phones
            .iter()
            .map(|phone| (phone.label.as_str(), phone.device))
    }
}

/// A label's value, empty where there is none.
struct OrNothing<T>(Option<T>);

impl<T: Display> Display for OrNothing<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(formatter),
            None => Ok(()),
        }
    }
}

/// A time in seconds since the epoch, to the millisecond.
struct Milliseconds(Timestamp);

impl Display for Milliseconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_nanos() / 1_000_000;
        write!(
            formatter,
            "{}.{:03}",
            milliseconds / 1000,
            milliseconds % 1000
        )
    }
}

/// The server that a phone is registered with, else the last one it was, and its role for this phone.
fn server(phone: &Device, snapshot: &Snapshot) -> (Option<IpAddr>, Role) {
    if let Some(current) = phone.registration.current {
        return (Some(current.callmanager), current.role);
    }
    let Some(last) = phone.registration.last_callmanager else {
        return (None, Role::Unknown);
    };
    let named = |name: &str| {
        let bears_it = |of: &str| of.eq_ignore_ascii_case(name);
        let server = snapshot
            .callmanagers
            .iter()
            .find(|server| server.name.as_deref().is_some_and(bears_it));
        server.map(|server| server.address)
    };
    let by_its_list = phone
        .group
        .as_ref()
        .map_or(Role::Unknown, |group| group.role(last, &named));
    if by_its_list != Role::Unknown {
        return (Some(last), by_its_list);
    }
    let configured = snapshot
        .callmanagers
        .iter()
        .find(|server| server.address == last)
        .map_or(Role::Unknown, |server| server.configured_role);
    (Some(last), configured)
}
