//! What was concluded: how much of it holds now, of which servers, and how often it was raised.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::page::Page;
use crate::diagnosis::CATALOGUE;
use crate::finding::{Finding, Severity};
use crate::snapshot::Snapshot;

pub(super) fn add(page: &mut Page, snapshot: &Snapshot) {
    add_active(page, snapshot);
    add_by_server(page, snapshot);
    page.counter(
        "phonewatch_findings_raised_total",
        "How often each finding was raised.",
        |family| {
            let codes = CATALOGUE.iter().map(|entry| entry.code);
            family.tally(&[], "code", codes, &snapshot.totals.findings_raised);
        },
    );
}

fn add_active(page: &mut Page, snapshot: &Snapshot) {
    let mut active: BTreeMap<(&str, Severity), u64> = CATALOGUE
        .iter()
        .map(|entry| ((entry.code, entry.severity), 0))
        .collect();
    for (_, finding) in findings(snapshot) {
        *active.entry((finding.code, finding.severity)).or_default() += 1;
    }
    page.gauge(
        "phonewatch_findings",
        "Findings that hold now, by code and severity: see phonewatch explain.",
        |family| {
            for ((code, severity), number) in active {
                family.number(&[("code", code), ("severity", severity.label())], number);
            }
        },
    );
}

/// So many servers have series of their own here. Whoever sends frames may pretend to be any number of them.
const SERVERS: usize = 256;

/// Where findings about servers above [`SERVERS`] are counted.
const OTHERS: &str = "other";

fn add_by_server(page: &mut Page, snapshot: &Snapshot) {
    type Counts = BTreeMap<(&'static str, Severity), u64>;
    let mut by_server: BTreeMap<Option<IpAddr>, Counts> = BTreeMap::new();
    for (server, finding) in findings(snapshot) {
        let counts = by_server.entry(server).or_default();
        *counts.entry((finding.code, finding.severity)).or_default() += 1;
    }
    let mut servers: Vec<(u64, IpAddr)> = by_server
        .iter()
        .filter_map(|(server, counts)| Some((counts.values().sum(), (*server)?)))
        .collect();
    servers.sort_by_key(|&(number, server)| (Reverse(number), server));
    let named: BTreeSet<IpAddr> = servers
        .into_iter()
        .take(SERVERS)
        .map(|(_, server)| server)
        .collect();
    let mut series: BTreeMap<String, Counts> = BTreeMap::new();
    for (server, counts) in by_server {
        let label = match server {
            None => String::new(),
            Some(server) if named.contains(&server) => server.to_string(),
            Some(_) => OTHERS.to_owned(),
        };
        let sums = series.entry(label).or_default();
        for (of, number) in counts {
            *sums.entry(of).or_default() += number;
        }
    }
    page.gauge(
        "phonewatch_server_findings",
        "Findings that hold now, by the server that has a part in them (CallManager, DHCP, DNS or TFTP), if one has; \
         there is no series where there is none.",
        |family| {
            for (server, counts) in &series {
                for ((code, severity), number) in counts {
                    let labels = [
                        ("server", server.as_str()),
                        ("code", code),
                        ("severity", severity.label()),
                    ];
                    family.number(&labels, *number);
                }
            }
        },
    );
}

/// Every finding that holds, with the server that has a part in it.
fn findings(snapshot: &Snapshot) -> impl Iterator<Item = (Option<IpAddr>, &Finding)> {
    let of_devices = snapshot
        .shown()
        .flat_map(|device| device.findings.active())
        .map(|finding| (finding.server, finding.as_ref()));
    let of_the_site = snapshot
        .findings
        .iter()
        .filter(|(_, finding)| finding.is_active())
        .map(|(subject, finding)| (subject.address().or(finding.server), finding.as_ref()));
    of_devices.chain(of_the_site)
}
