//! What was concluded: how much of it holds now, and how often it was raised.

use std::collections::BTreeMap;

use super::page::Page;
use crate::diagnosis::CATALOGUE;
use crate::finding::Severity;
use crate::snapshot::Snapshot;

pub(super) fn add(page: &mut Page, snapshot: &Snapshot) {
    let mut active: BTreeMap<(&str, Severity), u64> = CATALOGUE
        .iter()
        .map(|entry| ((entry.code, entry.severity), 0))
        .collect();
    let of_devices = snapshot.shown().flat_map(|device| device.findings.active());
    let of_the_site = snapshot
        .findings
        .iter()
        .map(|(_, finding)| finding)
        .filter(|finding| finding.is_active());
    for finding in of_devices.chain(of_the_site) {
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
    page.counter(
        "phonewatch_findings_raised_total",
        "How often each finding was raised.",
        |family| {
            let codes = CATALOGUE.iter().map(|entry| entry.code);
            family.tally(&[], "code", codes, &snapshot.totals.findings_raised);
        },
    );
}
