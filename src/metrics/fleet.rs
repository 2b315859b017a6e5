//! The phones together, their servers and what they speak.

use std::collections::BTreeMap;

use super::page::Page;
use crate::phone::keepalive::GapDirection;
use crate::phone::quality::Sender;
use crate::phone::registration::{EndCause, RegistrationKind};
use crate::phone::{CallManager, Device, Role, Stage};
use crate::snapshot::{Snapshot, Totals};
use crate::wire::sccp::{RejectReason, ResetReason};

pub(super) fn add(page: &mut Page, snapshot: &Snapshot) {
    add_phones(page, snapshot);
    add_callmanagers(page, snapshot);
    add_boot_chain(page, &snapshot.totals);
}

fn add_phones(page: &mut Page, snapshot: &Snapshot) {
    let mut phones: BTreeMap<(Stage, Role), u64> = Stage::ALL
        .into_iter()
        .filter(|&stage| stage != Stage::Registered)
        .map(|stage| (stage, Role::Unknown))
        .chain(Role::ALL.map(|role| (Stage::Registered, role)))
        .map(|place| (place, 0))
        .collect();
    for phone in snapshot.shown().filter(|device| device.is_phone()) {
        *phones.entry(place(phone)).or_default() += 1;
    }
    page.gauge(
        "phonewatch_phones",
        "Phones by the stage they are at now and, once registered, by the role of their CallManager.",
        |family| {
            for ((stage, role), number) in phones {
                family.number(&[("stage", stage.label()), ("role", role.label())], number);
            }
        },
    );
}

/// Where a phone is. A role is that of the server it is registered with; elsewhere it has none.
fn place(phone: &Device) -> (Stage, Role) {
    let role = phone
        .registration
        .current
        .filter(|_| phone.stage == Stage::Registered)
        .map_or(Role::Unknown, |current| current.role);
    (phone.stage, role)
}

fn add_callmanagers(page: &mut Page, snapshot: &Snapshot) {
    let servers: Vec<(String, &CallManager)> = snapshot
        .callmanagers
        .iter()
        .map(|server| (server.address.to_string(), server.as_ref()))
        .collect();
    add_registrations(page, &servers);
    add_connections(page, &servers);
}

/// CallManagers with their addresses as labels.
type Servers<'s> = [(String, &'s CallManager)];

fn add_registrations(page: &mut Page, servers: &Servers<'_>) {
    page.gauge(
        "phonewatch_callmanager_registered_phones",
        "Phones that are registered with this CallManager now.",
        |family| {
            for (address, server) in servers {
                family.number(
                    &[("callmanager", address.as_str())],
                    server.registered_phones,
                );
            }
        },
    );
    page.counter(
        "phonewatch_registrations_total",
        "Registrations that this CallManager acknowledged, by what they were: the first of a device, again with the \
         same CallManager, or a move to another one.",
        |family| {
            for (address, server) in servers {
                let kinds = RegistrationKind::ALL.map(RegistrationKind::label);
                family.tally(&[("callmanager", address.as_str())], "kind", kinds, &server.registrations);
            }
        },
    );
    page.counter(
        "phonewatch_registration_rejects_total",
        "Registrations that this CallManager rejected, by the reason it gave.",
        |family| {
            for (address, server) in servers {
                let reasons = RejectReason::ALL.map(RejectReason::label);
                family.tally(
                    &[("callmanager", address.as_str())],
                    "reason",
                    reasons,
                    &server.rejects,
                );
            }
        },
    );
    page.counter(
        "phonewatch_unregistrations_total",
        "Registrations with this CallManager that ended, by cause.",
        |family| {
            for (address, server) in servers {
                let causes = EndCause::ALL.map(EndCause::label);
                family.tally(
                    &[("callmanager", address.as_str())],
                    "cause",
                    causes,
                    &server.unregistrations,
                );
            }
        },
    );
}

fn add_connections(page: &mut Page, servers: &Servers<'_>) {
    page.histogram(
        "phonewatch_keepalive_rtt_seconds",
        "Time from a keepalive to its acknowledgment, in the way this CallManager acknowledges.",
        |family| {
            for (address, server) in servers {
                family.buckets(&[("callmanager", address.as_str())], &server.keepalive_rtt);
            }
        },
    );
    page.counter(
        "phonewatch_keepalive_gaps_total",
        "Keepalive gaps on connections registered with this CallManager, one for each outage, by who failed to speak.",
        |family| {
            for (address, server) in servers {
                let directions = GapDirection::ALL.map(GapDirection::label);
                let labels = [("callmanager", address.as_str())];
                family.tally(&labels, "direction", directions, &server.keepalive_gaps);
            }
        },
    );
    page.gauge(
        "phonewatch_signalling_unmarked_ratio",
        "Share of the last signalling segments between this CallManager and its phones that carried DSCP 0, by who sent \
         them, from 0 to 1.",
        |family| {
            for (address, server) in servers {
                for sender in Sender::ALL {
                    if let Some(share) = server.marks.unmarked_share(sender) {
                        let labels = [("callmanager", address.as_str()), ("sender", sender.label())];
                        family.value(&labels, share);
                    }
                }
            }
        },
    );
    page.counter(
        "phonewatch_tcp_connects_total",
        "TCP connection attempts to the SCCP port of this CallManager, by how they ended.",
        |family| {
            for (address, server) in servers {
                let results = ["established", "refused", "unanswered", "unreachable"];
                family.tally(
                    &[("callmanager", address.as_str())],
                    "result",
                    results,
                    &server.tcp_connects,
                );
            }
        },
    );
}

fn add_boot_chain(page: &mut Page, totals: &Totals) {
    page.counter(
        "phonewatch_reset_reasons_total",
        "Why phones ended the session before the present one, as they say themselves.",
        |family| family.tally(&[], "reason", ResetReason::labels(), &totals.reset_reasons),
    );
    page.counter(
        "phonewatch_dhcp_requests_total",
        "DHCP messages of clients by type, copies made by relays not counted again.",
        |family| {
            let types = ["discover", "request", "inform"];
            family.tally(&[], "type", types, &totals.dhcp_requests);
        },
    );
    page.counter(
        "phonewatch_dhcp_replies_total",
        "DHCP messages of servers by type, copies made by relays not counted again.",
        |family| family.tally(&[], "type", ["offer", "ack", "nak"], &totals.dhcp_replies),
    );
    page.counter(
        "phonewatch_tftp_transfers_total",
        "TFTP transfers by server and by how they ended.",
        |family| {
            for (server, transfers) in &totals.tftp_transfers {
                let results = ["completed", "not_found", "error", "no_answer", "aborted"];
                family.tally(
                    &[("server", &*server.to_string())],
                    "result",
                    results,
                    transfers,
                );
            }
        },
    );
    page.counter(
        "phonewatch_dns_lookups_total",
        "Names that phones looked up, by how they were answered.",
        |family| {
            let results = [
                "answered",
                "name_error",
                "refused",
                "server_failure",
                "no_answer",
            ];
            family.tally(&[], "result", results, &totals.dns_lookups);
        },
    );
    page.histogram(
        "phonewatch_boot_stage_seconds",
        "How long the stages of boots took.",
        |family| {
            for (stage, durations) in &totals.boot_stages {
                family.buckets(&[("stage", *stage)], durations);
            }
        },
    );
}
