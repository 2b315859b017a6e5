//! What can be told only when the whole fleet is looked at.

use std::net::Ipv4Addr;

use super::Scenario;
use super::boot::CALLMANAGERS;
use super::truth::{PhoneTruth, ServerFinding, Stage};

/// Fewer phones than this do not speak for a server or a firewall.
const MANY: usize = 3;

/// Takes back what cannot be told of single phones after all, and tells what is true of servers.
pub(super) fn conclude(phones: &mut [PhoneTruth]) -> Vec<ServerFinding> {
    let [primary, secondary] = CALLMANAGERS.map(|server| server.address);
    let serves = phones
        .iter()
        .any(|phone| phone.callmanager == Some(primary));
    let cut_off =
        |phone: &PhoneTruth| phone.scenario == Scenario::FirewallTimeout && phone.registrations > 1;
    let is_firewall = phones.iter().filter(|phone| cut_off(phone)).count() >= MANY;
    let is_unmarked = phones
        .iter()
        .all(|phone| phone.scenario == Scenario::QosZero);
    for phone in phones.iter_mut() {
        let is_told = if phone.scenario == Scenario::OutOfOrder {
            serves
        } else {
            phone.scenario != Scenario::FirewallTimeout || is_firewall && cut_off(phone)
        };
        if !is_told {
            phone.findings = &[];
        }
        // Marks that are lost on the way are lost for every phone of that server.
        if phone.scenario == Scenario::QosZero && !is_unmarked {
            phone.findings = &["keepalive_gap"];
        }
        // The last keepalive before the power failed may have been long ago.
        if phone.scenario == Scenario::PowerCut && phone.keepalive_gaps.phone > 0 {
            phone.findings = &["keepalive_gap"];
        }
    }
    let down = |subject: Ipv4Addr, scenarios: &[Scenario]| {
        is_down(phones, scenarios).then_some(ServerFinding {
            code: "callmanager_down",
            subject,
        })
    };
    let of_primary = [
        Scenario::Refused,
        Scenario::Crash,
        Scenario::CallmanagerDark,
        Scenario::RegistrationSilent,
    ];
    [
        down(primary, &of_primary),
        down(secondary, &[Scenario::Refused]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether the server that these scenarios take away was taken away from many phones, and from everyone.
fn is_down(phones: &[PhoneTruth], scenarios: &[Scenario]) -> bool {
    let (victims, others): (Vec<_>, Vec<_>) = phones
        .iter()
        .partition(|phone| scenarios.contains(&phone.scenario));
    let lost = |phone: &&&PhoneTruth| {
        phone.tcp_refused > 0 || phone.moves > 0 || phone.scenario == Scenario::RegistrationSilent
    };
    let was_served = |phone: &PhoneTruth| {
        phone.registrations > 0 || phone.rejects > 0 || phone.stage_at_end == Stage::Registering
    };
    victims.iter().filter(lost).count() >= MANY && !others.into_iter().any(was_served)
}
