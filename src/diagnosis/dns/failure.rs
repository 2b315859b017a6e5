//! The name of a CallManager or TFTP server is not found.

use std::net::IpAddr;

use crate::diagnosis::{Case, Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};
use crate::phone::dns::{FailedName, NameAnswer, Purpose};
use crate::phone::service::{Service, ServiceKind};
use crate::phone::{Device, Stage};
use crate::time::Timestamp;

/// `dns_failure`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "dns_failure",
    stage: "dns",
    severity: Severity::Critical,
    title: "a server's name is not found",
    meaning: "The phone needs the address of a CallManager or TFTP server, knows only its name, and DNS gives it none. It \
              cannot go on. The name is missing in DNS, the phone adds the wrong domain to it, or the DNS server that DHCP \
              gave is not reachable.",
    concluded: "A lookup of such a name, or of any name after which the phone goes no further for boot.stuck, was \
                answered with an error or without an address, or boot.tries lookups stayed without an answer. Not \
                concluded when the same name is found under another domain or by another server, nor for IPv6 \
                addresses (AAAA) and service records. Of a DNS server: server.phones phones needed such a name and \
                it gave none. Cleared when the name is found, or when the phone registers.",
    remedy: &[
        "In CallManager open System > Server: is there an IP address, not a name? If not, put the address in, restart the \
         CallManager and TFTP services and reset the phones.",
        "On the CallManager server check that the file hosts pairs the server's name with the right address.",
        "If names must stay: ask the DNS server named above with nslookup NAME SERVER, and add the missing record there.",
        "Compare DNS server (option 6) and domain name (option 15) of the DHCP scope with what the phone shows under \
         Settings, then Network Configuration.",
        "To test one phone, switch DHCP off on it and type its addresses in by hand, the TFTP server's included; if it \
         then registers, DHCP or DNS is at fault.",
    ],
    reference: "Désactivation de DHCP et de DNS pour tester un téléphone",
    explained_by: &["dns_failure"],
    rules: &[Rule::Device(judge), Rule::Site(judge_servers)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(files) = case.device.files.as_deref() else {
        return Verdict::No;
    };
    if files.failed_names.is_empty() || case.device.registration.current.is_some() {
        return Verdict::No;
    }
    let mut concluded = Vec::new();
    let mut earliest: Option<Timestamp> = None;
    for failed in &files.failed_names {
        match holds_from(case, failed) {
            Some(at) if at <= case.now() => concluded.push(failed),
            Some(at) => earliest = Some(earliest.map_or(at, |known| known.min(at))),
            None => {}
        }
    }
    match (told(case.device, &concluded), earliest) {
        (Some(conclusion), Some(at)) => Verdict::HoldsUntil(at, Box::new(conclusion)),
        (Some(conclusion), None) => Verdict::holds(conclusion),
        (None, Some(at)) => Verdict::NotBefore(at),
        (None, None) => Verdict::No,
    }
}

/// From when on it is a fault that this name was not found, if ever.
fn holds_from(case: &Case<'_>, failed: &FailedName) -> Option<Timestamp> {
    let thresholds = case.site.thresholds;
    let device = case.device;
    if failed.answer == NameAnswer::NoAnswer && failed.tries < thresholds.tries {
        return None;
    }
    // From its first failure on: a phone that begins anew fails again, and that makes nothing up.
    let settled = failed.first + thresholds.settle;
    let from = match Purpose::of(device, &failed.name) {
        // It is done with looking names up, so no other domain and no other server will be tried.
        Purpose::CallManager if device.stage == Stage::Tftp && device.stage_since > failed.last => {
            failed.last.min(settled)
        }
        // It found a TFTP server by other means.
        Purpose::Tftp if device.tftp.answered > Some(failed.first) => return None,
        Purpose::CallManager | Purpose::Tftp => settled,
        // Any name may be one that it needs; whether it does shows when it is stuck in the middle of its boot.
        Purpose::Unknown if device.stage == Stage::Dns && boots(device) => {
            failed.last + thresholds.stuck
        }
        Purpose::Unknown => return None,
    };
    // A phone that was first seen in the middle of things may be registered; its keepalives would soon show it.
    let from = if last_fetched(device).is_some() {
        from
    } else {
        from.max(device.first_seen + thresholds.stuck)
    };
    // What made up for the failure may have been lost.
    let is_seen = case.site.sight.lost_nothing_between(failed.first, settled);
    is_seen.then_some(from)
}

/// Whether the phone was seen to begin anew, and is not done yet.
fn boots(device: &Device) -> bool {
    let began = device.boot.began;
    began.is_some() && last_fetched(device) >= began
}

/// When the phone last got an address or its configuration.
fn last_fetched(device: &Device) -> Option<Timestamp> {
    let leased = device
        .all_dhcp()
        .filter_map(|dhcp| dhcp.lease.as_deref())
        .map(|lease| lease.at)
        .max();
    leased.max(device.tftp.configured)
}

fn told(device: &Device, failed: &[&FailedName]) -> Option<Conclusion> {
    let (first, last) = (failed.first()?, failed.last()?);
    let whose = match Purpose::of(device, &last.name) {
        Purpose::CallManager => "its CallManager",
        Purpose::Tftp => "its TFTP server",
        Purpose::Unknown => "a server",
    };
    let names = failed
        .iter()
        .map(|failed| &*failed.name)
        .collect::<Vec<_>>()
        .join(", ");
    let summary = format!(
        "cannot find {whose} by name: {} {} for {names}",
        last.server, last.answer
    );
    let conclusion = failed.iter().fold(
        Conclusion::new(first.first, summary),
        |conclusion, failed| {
            let times = match failed.tries {
                1 => String::new(),
                tries => format!(" ({tries} times)"),
            };
            conclusion.evidence(
                failed.last,
                format!(
                    "looked up {}: {} {}{times}",
                    failed.name, failed.server, failed.answer
                ),
            )
        },
    );
    Some(conclusion.server(last.server))
}

fn judge_servers(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    site.services
        .iter()
        .filter(|((kind, _), _)| *kind == ServiceKind::Dns)
        .filter_map(|((_, address), service)| {
            Some((Subject::DnsServer(*address), down(site, *address, service)?))
        })
        .collect()
}

fn down(site: &Site<'_>, address: IpAddr, service: &Service) -> Option<Verdict> {
    let turned_down = service.turned_down.as_deref()?;
    let phones = u32::try_from(turned_down.number()).unwrap_or(u32::MAX);
    if phones < site.thresholds.server_phones {
        return None;
    }
    let since = turned_down.first()?.at;
    // The first domain that a phone tries is not always the right one.
    let enough = usize::try_from(site.thresholds.server_phones)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let reached = turned_down
        .iter()
        .nth(enough)
        .map_or(turned_down.last(), |turned| turned.at);
    let settled = reached + site.thresholds.settle;
    if site.now < settled {
        return Some(Verdict::NotBefore(settled));
    }
    if !site.sight.lost_nothing_between(since, settled) {
        return None;
    }
    let summary =
        format!("{phones} phones asked for the address of a server that they need and got none");
    let conclusion = turned_down
        .iter()
        .take(Conclusion::MOST_EVIDENCE)
        .fold(Conclusion::new(since, summary), |conclusion, turned| {
            let label = site.label(turned.device);
            conclusion.evidence(turned.at, format!("{label} got no address"))
        })
        .server(address);
    let until = turned_down.last() + site.thresholds.forget_device;
    Some(Verdict::holds_until(until, site.now, conclusion))
}
