//! A phone that has its address from its user, not from DHCP.

use std::time::Duration;

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::registration::Proof;
use crate::time::Timestamp;

/// `static_address`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "static_address",
    stage: "dhcp",
    severity: Severity::Info,
    title: "address set by hand",
    meaning: "The phone started and registered without asking DHCP: its address, router and TFTP server were typed into \
              it. It works, but what is set by hand replaces what DHCP would give, and goes on doing so when the network \
              changes.",
    concluded: "The phone says that it was started anew (Last=Initialized), fetched its configuration and registered, and \
                not one DHCP message of it was seen, though every capture source has shown DHCP clients since two minutes \
                before, and nothing was lost. A phone that only restarts its software asks nobody and is not meant, nor \
                is one that registers over IPv6, which may make its address itself. \
                Cleared when it speaks DHCP.",
    remedy: &[
        "If that is meant, note the address down and keep it out of the DHCP scope (exclusion).",
        "If not, on the phone: Settings, unlock with **#, Network Configuration, DHCP Enabled: Yes, Save.",
        "Also look at Alternate TFTP there: set to Yes it overrides option 150.",
    ],
    reference: "Étape 2a, remarque : tous les paramètres IP codés en dur remplacent ceux du serveur DHCP",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

/// From link up to the configuration a phone takes less, and asks DHCP within it.
const BOOT: Duration = Duration::from_secs(120);

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    if device.dhcp.is_some() || !device.is_phone() {
        return Verdict::No;
    }
    let (Some(configured), Some(current)) = (device.tftp.configured, device.registration.current)
    else {
        return Verdict::No;
    };
    if current.callmanager.is_ipv6() {
        return Verdict::No;
    }
    let is_cold_start = device
        .last_reset_reason
        .as_deref()
        .is_some_and(|reason| reason.label() == "initialized");
    let is_one_boot = current.proof == Proof::Acknowledged
        && current.since >= configured
        && current.since.since(configured) < BOOT;
    let began = before(configured, BOOT);
    let sight = case.site.sight;
    if !is_cold_start
        || !is_one_boot
        || !sight.shows_dhcp_clients_since(began)
        || !sight.lost_nothing_since(began)
    {
        return Verdict::No;
    }
    let address = device.address.map_or_else(
        || String::from("its address"),
        |address| address.to_string(),
    );
    let conclusion = Conclusion::new(configured, format!("booted with {address} without DHCP"))
        .evidence(configured, "fetched its configuration; no DHCP before")
        .evidence(current.since, "registered after a start (Last=Initialized)");
    Verdict::holds(conclusion)
}

/// So long before `at`.
fn before(at: Timestamp, span: Duration) -> Timestamp {
    let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    Timestamp::from_nanos(at.as_nanos().saturating_sub(span))
}
