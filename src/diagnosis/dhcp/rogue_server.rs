//! Somebody else plays DHCP server.

use super::{list, would_have_been_seen};
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::dhcp::Offer;
use crate::wire::dhcp::TftpServer;

const CODE: &str = "dhcp_rogue_server";

/// `dhcp_rogue_server`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: CODE,
    stage: "dhcp",
    severity: Severity::Critical,
    title: "DHCP servers contradict each other",
    meaning: "Several servers offered the phone an address for the same question, with different routers or TFTP servers. \
              The phone takes whichever comes first, so it works one day and not the other. One of them is most likely \
              a device that nobody meant to be a DHCP server: a home router, a PC that shares its connection.",
    concluded: "OFFERs of different servers (option 54) to one DISCOVER differ in option 3 or in the TFTP servers \
                they name; or so do ADVERTISEs to one SOLICIT, in the latter, of a phone that was not seen to use IPv4. Not concluded of servers that give the same in another order, of OFFERs through relays \
                of different networks, of a boot that moves to the voice VLAN, or of servers that give boot options \
                and no address. It is told for findings.tell_events after the last such OFFER.",
    remedy: &[
        "Compare the servers named above with your list of DHCP servers. The stranger is the one to look for.",
        "Find its port: show ip arp <server>, then show mac address-table address <hardware address> on each switch on \
         the way.",
        "Unplug it, or turn its DHCP service off.",
        "So that it does not happen again, turn on DHCP snooping: ip dhcp snooping, ip dhcp snooping vlan <number>, and \
         ip dhcp snooping trust only on the ports towards the real servers.",
        "If both servers are yours, give their scopes the same router and the same option 150.",
    ],
    reference: "-",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let trouble = case
        .device
        .needed_dhcp()
        .and_then(|dhcp| dhcp.trouble.as_deref());
    let Some(rivals) = trouble
        .map(|trouble| trouble.rivals.as_slice())
        .filter(|rivals| !rivals.is_empty())
    else {
        return Verdict::No;
    };
    let times = || rivals.iter().map(|offer| offer.at);
    let (Some(since), Some(last)) = (times().min(), times().max()) else {
        return Verdict::No;
    };
    // Where frames were lost in between, the second OFFER may answer a DISCOVER in another VLAN.
    if !would_have_been_seen(case, CODE, since) {
        return Verdict::No;
    }
    let servers: Vec<_> = rivals.iter().map(|offer| offer.server).collect();
    let summary = format!(
        "{} DHCP servers offer different things: {}",
        rivals.len(),
        list(&servers)
    );
    let conclusion = rivals
        .iter()
        .fold(Conclusion::new(since, summary), |conclusion, offer| {
            conclusion.evidence(offer.at, said(offer))
        });
    Verdict::holds_until(
        last + case.site.thresholds.tell_events,
        case.now(),
        conclusion,
    )
}

fn said(offer: &Offer) -> String {
    let tftp: Vec<_> = offer
        .tftp
        .usable()
        .iter()
        .map(TftpServer::to_string)
        .collect();
    let tftp = if tftp.is_empty() {
        String::from("none")
    } else {
        tftp.join(", ")
    };
    if offer.address.is_ipv6() {
        return format!(
            "ADVERTISE from {}: address {}, TFTP server {tftp}",
            offer.server, offer.address
        );
    }
    format!(
        "OFFER from {}: address {}, router {}, TFTP server {tftp}",
        offer.server,
        offer.address,
        list(&offer.routers)
    )
}
