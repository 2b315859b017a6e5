//! The diagnosis through the engine: every finding in both polarities.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeSet;

use phonewatch::diagnosis::{CATALOGUE, Override};
use phonewatch::engine::Reconfiguration;
use phonewatch::finding::Severity;

use support::cases::{self, Case};
use support::{Drive, Outcome};

/// The codes of the findings that were raised, with their severities.
fn raised(outcome: &Outcome) -> BTreeSet<(&'static str, Severity)> {
    outcome
        .raised()
        .map(|(_, finding)| (finding.code, finding.severity))
        .collect()
}

/// The codes of the findings that hold at the end.
fn holding(outcome: &Outcome) -> BTreeSet<&'static str> {
    let devices = outcome
        .snapshot
        .shown()
        .flat_map(|device| device.findings.active());
    let site = outcome.snapshot.findings.iter().map(|(_, finding)| finding);
    devices
        .chain(site.filter(|finding| finding.is_active()))
        .map(|finding| finding.code)
        .collect()
}

fn complaint(case: &Case) -> Option<String> {
    let outcome = case.run();
    let raised = raised(&outcome);
    let holding = holding(&outcome);
    let is_raised = raised.iter().any(|(code, _)| *code == case.code);
    let others: Vec<_> = raised
        .iter()
        .filter(|(code, severity)| {
            *severity > Severity::Info && *code != case.code && !case.besides.contains(code)
        })
        .collect();
    let is_as_bad = !case.is_info
        || raised
            .iter()
            .all(|(code, severity)| *code != case.code || *severity == Severity::Info);
    let is_right = is_as_bad
        && is_raised == case.raises()
        && holding.contains(case.code) == case.holds()
        && others.is_empty();
    (!is_right).then(|| {
        format!(
            "{}, {}: expected raised {}, holding {}; raised {raised:?}, holding {holding:?}",
            case.code,
            case.name,
            case.raises(),
            case.holds()
        )
    })
}

#[test]
fn every_case_is_concluded_as_it_should_be() {
    let complaints: Vec<_> = cases::all().iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_finding_has_a_case_that_raises_it_and_one_that_does_not() {
    let cases = cases::all();
    let lacking: Vec<_> = CATALOGUE
        .iter()
        .filter(|entry| {
            let has = |raises| {
                cases
                    .iter()
                    .any(|case| case.code == entry.code && case.raises() == raises)
            };
            !has(true) || !has(false)
        })
        .map(|entry| entry.code)
        .collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}

#[test]
fn what_is_raised_carries_its_evidence_and_what_to_do() {
    for case in cases::all().iter().filter(|case| case.raises()) {
        let outcome = case.run();
        for (event, finding) in outcome.raised() {
            let told = format!("{}, {}: {finding:?}", case.code, case.name);
            assert!(!finding.summary.is_empty(), "{told}");
            assert!(!finding.evidence.is_empty(), "no evidence: {told}");
            assert!(!finding.remedy.is_empty(), "no remedy: {told}");
            assert!(
                finding.evidence.is_sorted_by_key(|evidence| evidence.at),
                "{told}"
            );
            assert!(finding.since <= finding.last_seen, "{told}");
            assert!(
                finding
                    .evidence
                    .iter()
                    .all(|evidence| evidence.at <= event.at),
                "{told}"
            );
        }
    }
}

#[test]
fn other_thresholds_judge_what_is_known_already_and_forget_nothing() {
    let cases = cases::all();
    let case = cases
        .iter()
        .find(|case| case.code == "registration_rejected" && case.holds())
        .unwrap();
    let mut drive = Drive::new(case.settings.clone());
    for entry in &case.entries {
        drive.take(entry);
    }
    let told = |drive: &mut Drive| {
        let snapshot = drive.snapshot();
        let device = snapshot
            .shown()
            .find(|device| device.findings.of(case.code).is_some());
        let device = device.unwrap();
        let finding = device.findings.of(case.code).unwrap();
        (
            finding.is_active(),
            finding.severity,
            device.registration.rejects,
        )
    };
    let (_, _, rejects) = told(&mut drive);
    let mut change = |what| {
        let mut settings = case.settings.clone();
        settings.thresholds.overrides.extend([(case.code, what)]);
        drive.reconfigure(Reconfiguration {
            thresholds: settings.thresholds,
            inventory: None,
            sites: std::sync::Arc::default(),
        });
        told(&mut drive)
    };
    assert_eq!(
        change(Override::Severity(Severity::Info)),
        (true, Severity::Info, rejects)
    );
    assert_eq!(
        change(Override::Off),
        (false, Severity::Info, rejects),
        "it is cleared"
    );
    assert_eq!(
        change(Override::Severity(Severity::Critical)),
        (true, Severity::Critical, rejects),
        "and raised again"
    );
}
