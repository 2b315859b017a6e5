//! A TFTP server that serves nobody.

use std::net::IpAddr;

use crate::diagnosis::{Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};
use crate::phone::service::{Service, ServiceKind};

/// `tftp_service_down`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "tftp_service_down",
    stage: "server",
    severity: Severity::Critical,
    title: "TFTP service serves nobody",
    meaning: "No phone gets its files from this TFTP server. Phones that run go on running, but none that restarts can \
              come back. Either the service is stopped, or the network in front of the server is broken, or DHCP sends \
              phones to an address that is no TFTP server.",
    concluded: "The host itself said that nobody listens on its TFTP port, or server.phones phones asked in vain where \
                its answers were seen before; and nobody was served since. Cleared by its first answer to any phone.",
    remedy: &[
        "In CallManager open Service > Control Center: the square beside Cisco TFTP is red when it is stopped. Press \
         Start.",
        "If it does not stay up, read the server's Event Viewer (System and Application) at the time given above.",
        "Is this address a TFTP server at all? Compare it with option 150 of the DHCP scope.",
        "If nothing answers, ping the server from the phones' VLAN and look at the access lists in front of it.",
    ],
    reference: "Absence d'exécution des services Cisco CallManager et TFTP",
    explained_by: &[],
    rules: &[Rule::Site(judge)],
};

fn judge(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    site.services
        .iter()
        .filter(|((kind, _), _)| *kind == ServiceKind::Tftp)
        .filter_map(|((_, address), service)| {
            Some((
                Subject::TftpServer(*address),
                down(site, *address, service)?,
            ))
        })
        .collect()
}

fn down(site: &Site<'_>, address: IpAddr, service: &Service) -> Option<Verdict> {
    let turned_down = service.turned_down.as_deref()?;
    let phones = u32::try_from(turned_down.number()).unwrap_or(u32::MAX);
    if service.port_closed.is_none() && phones < site.thresholds.server_phones {
        return None;
    }
    let since = turned_down.first()?.at;
    let summary = match (service.port_closed, phones) {
        (Some(_), _) => String::from("nobody listens on its TFTP port"),
        (None, phones) => format!("{phones} phones asked for files and got no answer"),
    };
    let conclusion = turned_down
        .iter()
        .take(Conclusion::MOST_EVIDENCE - 1)
        .fold(Conclusion::new(since, summary), |conclusion, turned| {
            let label = site.label(turned.device);
            conclusion.evidence(turned.at, format!("no answer to {label}"))
        })
        .server(address);
    let conclusion = match service.port_closed {
        Some(at) => conclusion.evidence(at, format!("ICMP port unreachable from {address}")),
        None => conclusion,
    };
    // Once nobody asks any more, nobody knows.
    let until = turned_down.last() + site.thresholds.forget_device;
    Some(Verdict::holds_until(until, site.now, conclusion))
}
