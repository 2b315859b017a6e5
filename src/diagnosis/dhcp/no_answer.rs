//! Nobody gives a phone an address.

use std::net::IpAddr;
use std::time::Duration;

use super::{Words, has_no_ipv4_from, list, only_server, server, span, would_have_been_seen};
use crate::diagnosis::{Case, Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};
use crate::phone::Stage;
use crate::phone::dhcp::{Asks, DhcpService, Exchange, Unanswered};

/// The code: the engine counts the phones that wait by it.
pub const CODE: &str = "dhcp_no_answer";

/// `dhcp_no_answer`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: CODE,
    stage: "dhcp",
    severity: Severity::Critical,
    title: "DHCP does not answer",
    meaning: "The phone asks for an address again and again and gets none, so it shows Configuring IP and goes no \
              further. The DHCP service may be stopped, its range of addresses used up, the router may not pass \
              requests on to it (helper address), or the switch port may keep the phone out (802.1X, wrong VLAN).",
    concluded: "dhcp.unanswered DISCOVERs over at least dhcp.unanswered_for, and the phone took no OFFER; or as \
                many REQUESTs without ACK or NAK: those of one transaction, or to a server whose answers are seen. Of DHCP for IPv6 the same of SOLICITs, and of REQUESTs and RENEWs without REPLY, \
                but only where the phone was seen to begin to ask, and never to use IPv4: with both versions it asks \
                for as long as it is up, and does without. A phone that asks again has got nothing, even where the mirror \
                does not show the servers. Not concluded where frames were lost meanwhile, nor of a phone that goes \
                on to fetch files. A warning only where the phone wants to renew an address that it still has. For \
                the DHCP service as a whole: server.phones phones are left waiting and nobody was given an address \
                in between, nor went on as one that was. Cleared by an ACK or NAK, or when the phone goes on.",
    remedy: &[
        "On the DHCP server, check that the service runs, that the scope for the phone's network is active and that it \
         has free addresses (Windows: DHCP console > Scope > Address Leases).",
        "On the router of the phone's VLAN, check the helper address: show running-config interface vlan <number> must \
         show ip helper-address <DHCP server>.",
        "On the switch, check that the port is in the right VLAN and not blocked: show interfaces <port> switchport, \
         show authentication sessions interface <port>; set spanning-tree portfast.",
        "On the phone, look at Settings > Network Configuration: DHCP Enabled must be Yes.",
        "To tell the phone from the network, give one phone fixed values by hand (address, mask, router, TFTP server). \
         If it registers then, the fault lies with DHCP.",
    ],
    reference: "Étape 2a : le téléphone envoie une requête DHCP; Étape 2b : le serveur DHCP envoie une réponse DHCP",
    explained_by: &[CODE],
    rules: &[Rule::Device(judge), Rule::Site(judge_service)],
};

/// The last message may still be answered for so long.
const ANSWER: Duration = Duration::from_secs(2);

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let dhcp = case.device.needed_dhcp();
    let Some(exchange) = dhcp.and_then(|dhcp| dhcp.exchange.as_deref()) else {
        return Verdict::No;
    };
    let thresholds = case.site.thresholds;
    let Some((what, asks)) =
        exchange.unanswered(thresholds.dhcp_unanswered, thresholds.dhcp_unanswered_for)
    else {
        return Verdict::No;
    };
    let is_elsewhere = what != Unanswered::Renewals && case.device.stage != Stage::Dhcp;
    if is_elsewhere || !would_have_been_seen(case, CODE, asks.first) {
        return Verdict::No;
    }
    let is_v6 = case.device.needs_dhcpv6();
    let sight = case.site.sight;
    let sees_servers = if is_v6 {
        sight.shows_dhcpv6_servers(exchange.source)
    } else {
        sight.shows_dhcp_servers(exchange.source)
    };
    // Requests of several transactions may each have been answered where answers of that server are not seen.
    if what != Unanswered::Discovers && !asks.is_one_transaction && !sees_asked(case, exchange) {
        return Verdict::No;
    }
    let was_raised = case
        .device
        .findings
        .of(CODE)
        .is_some_and(|finding| finding.is_active());
    let from = (asks.last + ANSWER).max(has_no_ipv4_from(case, asks.first));
    if !was_raised && case.now() < from {
        return Verdict::NotBefore(from);
    }
    let mut conclusion = conclude(exchange, (what, asks), sees_servers, Words::of(case.device));
    conclusion.server = only_server(case);
    Verdict::holds(conclusion)
}

/// Whether the sensor shows what the server says that the client asks: by its own word, else each that it may be.
fn sees_asked(case: &Case<'_>, exchange: &Exchange) -> bool {
    let site = &case.site;
    let is_seen = |server: IpAddr| site.sight.sees_answers_of(exchange.source, server);
    if case.device.needs_dhcpv6() {
        // A client of IPv6 names its server by no address.
        return site.sight.shows_dhcpv6_servers(exchange.source);
    }
    match exchange.server {
        Some(server) => is_seen(server),
        // A message that was cut may name one all the same.
        None => {
            exchange.state.is_some()
                && site.sight.shows_dhcp_servers(exchange.source)
                && site.dhcp.servers().all(is_seen)
        }
    }
}

fn conclude(
    exchange: &Exchange,
    (what, asks): (Unanswered, &Asks),
    sees_servers: bool,
    words: &Words,
) -> Conclusion {
    let Words {
        discover,
        offer,
        ack,
        renewal,
        ..
    } = words;
    let times = asks.count;
    let over = span(asks.last.since(asks.first));
    let (name, summary) = match what {
        Unanswered::Discovers if !exchange.offers.is_empty() => {
            let servers: Vec<_> = exchange.offers.iter().map(|offer| offer.server).collect();
            (
                *discover,
                format!(
                    "{times} {discover}s over {over}; {offer}s from {} do not reach the phone, or it does not take them",
                    list(&servers)
                ),
            )
        }
        Unanswered::Discovers if sees_servers => (
            *discover,
            format!("{times} {discover}s over {over} and no {offer}"),
        ),
        Unanswered::Discovers => (
            *discover,
            format!(
                "{times} {discover}s over {over} and the phone took no {offer} (no DHCP server is visible on this mirror)"
            ),
        ),
        Unanswered::Requests => (
            "REQUEST",
            format!(
                "{times} REQUESTs to {} over {over} and no {ack}",
                server(exchange.server)
            ),
        ),
        Unanswered::Renewals => (
            *renewal,
            format!("{times} REQUESTs to renew its address over {over} and no {ack}"),
        ),
    };
    let conclusion = asks.iter().fold(
        Conclusion::new(asks.first, summary),
        |conclusion, (at, xid)| {
            conclusion.evidence(at, format!("DHCP {name}, transaction {xid:#010x}"))
        },
    );
    let conclusion = exchange
        .offers
        .iter()
        .fold(conclusion, |conclusion, offer| {
            let text = format!(
                "{} from {}: address {}",
                words.offer, offer.server, offer.address
            );
            conclusion.evidence(offer.at, text)
        });
    if what == Unanswered::Renewals {
        conclusion.severity(Severity::Warning)
    } else {
        conclusion
    }
}

fn judge_service(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    let mut told: Vec<(Subject, Verdict)> = Vec::new();
    for service in [site.dhcp, site.dhcpv6] {
        // Where neither server was ever heard, one finding stands for both.
        if let Some((subject, verdict)) = service_is_silent(service, site)
            && !told.iter().any(|(known, _)| *known == subject)
        {
            told.push((subject, verdict));
        }
    }
    told
}

fn service_is_silent(service: &DhcpService, site: &Site<'_>) -> Option<(Subject, Verdict)> {
    let waiting = service.waiting()?;
    let phones = u32::try_from(waiting.number()).unwrap_or(u32::MAX);
    let first = waiting
        .first()
        .filter(|_| phones >= site.thresholds.server_phones)?;
    let address = service.only_server();
    let summary = format!("{phones} phones ask for an address and nobody was given one in between");
    let mut conclusion = waiting.iter().take(Conclusion::MOST_EVIDENCE).fold(
        Conclusion::new(first.at, summary),
        |conclusion, turned| {
            let label = site.label(turned.device);
            conclusion.evidence(turned.at, format!("{label} is not answered"))
        },
    );
    conclusion.server = address;
    let until = waiting.last() + site.thresholds.forget_device;
    Some((
        Subject::DhcpServer(address),
        Verdict::holds_until(until, site.now, conclusion),
    ))
}
