//! A DHCP server refuses a phone its address, or the phone refuses what it was given.

use std::net::IpAddr;

use super::{Words, server, span};
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::dhcp::{Decline, Nak, RequestState};
use crate::time::Timestamp;

/// `dhcp_refused`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "dhcp_refused",
    stage: "dhcp",
    severity: Severity::Warning,
    title: "DHCP refuses the address",
    meaning: "The server refused to let the phone have or keep its address (NAK), or the phone refused the address \
              because another device uses it (DECLINE). A phone whose renewal is refused gives up its address and \
              starts again, also in the middle of the day; where that happens at half of the lease it comes back \
              with the same regularity. Often two DHCP servers do not know of each other's leases, or the lease \
              database is damaged.",
    concluded: "A NAK to a phone that takes an OFFER, renews or rebinds its address, or a DECLINE. A single NAK to \
                a phone that asks for its old address after a restart is normal (it may have moved); two without a \
                lease since are not. In DHCP for IPv6 a REPLY refuses that gives no address and a status that says why; \
                it counts for a phone that was not seen to use IPv4. It is told for findings.tell_events.",
    remedy: &[
        "On the DHCP server, look at the leases of the phone's network and at the server's log for the phone's \
         hardware address: is the address leased or reserved to another device?",
        "If there are two DHCP servers for one network, check that they share their leases (failover) or that their \
         ranges do not overlap.",
        "Repair the lease database (Windows: DHCP console > Action > Reconcile All Scopes) and restart the DHCP service.",
        "After a DECLINE, find the device with that address: show ip arp <address>, then show mac address-table address \
         <hardware address>; take addresses that were set by hand out of the scope (exclusions).",
    ],
    reference: "Étape 2b : le serveur DHCP envoie une réponse DHCP",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(dhcp) = case.device.needed_dhcp() else {
        return Verdict::No;
    };
    let Some(trouble) = dhcp.trouble.as_deref() else {
        return Verdict::No;
    };
    let words = Words::of(case.device);
    let tell = case.site.thresholds.tell_events;
    let is_recent = |at: Timestamp| case.now() < at + tell;
    let is_without_lease = dhcp.lease.is_none();
    let recent: Vec<&Nak> = trouble
        .naks
        .iter()
        .filter(|nak| is_recent(nak.at))
        .collect();
    let is_told = |nak: &Nak| match nak.state {
        Some(RequestState::Selecting | RequestState::Renewing | RequestState::Rebinding) => true,
        Some(RequestState::Rebooting) | None => is_without_lease && recent.len() >= 2,
    };
    let naks: Vec<&Nak> = recent.iter().copied().filter(|nak| is_told(nak)).collect();
    let declines: Vec<&Decline> = trouble
        .declines
        .iter()
        .filter(|decline| is_recent(decline.at))
        .collect();
    let first_nak = naks.first().map(|nak| nak.at);
    let first_decline = declines.first().map(|decline| decline.at);
    let Some(since) = [first_nak, first_decline].into_iter().flatten().min() else {
        return Verdict::No;
    };
    let last_nak = naks.last().copied();
    let last_decline = declines.last().copied();
    let summary = match (last_nak, last_decline) {
        (Some(nak), decline) if decline.is_none_or(|decline| decline.at <= nak.at) => {
            let times = match naks.len() {
                1 => String::new(),
                times => format!(", {times} times"),
            };
            format!("{}{times}", refusal(nak, words))
        }
        (_, Some(decline)) => declined(decline),
        (_, None) => return Verdict::No,
    };
    let mut conclusion = Conclusion::new(since, summary);
    for nak in &naks {
        conclusion = conclusion.evidence(nak.at, refusal(nak, words));
    }
    for decline in &declines {
        conclusion = conclusion.evidence(decline.at, declined(decline));
    }
    let by = last_nak
        .and_then(|nak| nak.server)
        .or_else(|| last_decline.and_then(|decline| decline.server));
    conclusion.server = by;
    let last = last_nak
        .map(|nak| nak.at)
        .max(last_decline.map(|decline| decline.at))
        .unwrap_or(since);
    Verdict::holds_until(last + tell, case.now(), conclusion)
}

fn refusal(nak: &Nak, words: &Words) -> String {
    let address = nak
        .address
        .map_or_else(String::new, |address| format!(" {address}"));
    let what = match nak.state {
        Some(RequestState::Selecting) => format!("the address{address} that was offered"),
        Some(RequestState::Rebooting) => format!("the address{address} that the phone had before"),
        Some(RequestState::Renewing | RequestState::Rebinding) => {
            let when = match nak.lease {
                Some((age, whole)) if nak.is_at_half_of_the_lease() => {
                    format!(" at half of the lease ({} of {})", span(age), span(whole))
                }
                Some((age, whole)) => format!(" after {} of {}", span(age), span(whole)),
                None if nak.state == Some(RequestState::Renewing) => {
                    String::from(", which phones do from half of the lease on")
                }
                None => String::new(),
            };
            format!("to renew{address}{when}")
        }
        None => String::from("the address that the phone asked for"),
    };
    let text = nak
        .text
        .as_deref()
        .map_or_else(String::new, |text| format!(": \"{text}\""));
    format!(
        "{} from {}: refuses {what}{text}",
        words.nak,
        server(nak.server)
    )
}

fn declined(decline: &Decline) -> String {
    let address = decline.address.map_or_else(
        || String::from("the address"),
        |address: IpAddr| address.to_string(),
    );
    format!(
        "DECLINE: {address}, given by {}, is in use by another device",
        server(decline.server)
    )
}
