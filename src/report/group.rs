//! Findings that belong together: of one code, with one cause. A thousand phones with the same fault are one group.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Cause, FindingEntry};
use crate::finding::Severity;

/// Findings of one code that share their server and call for the same steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The findings, those that began first before others; never empty.
    pub findings: Vec<&'a FindingEntry>,
    /// Groups of which this one is the cause.
    pub symptoms: Vec<Self>,
}

/// What the findings of a group have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    is_over: bool,
    severity: Reverse<Severity>,
    code: &'static str,
    server: Option<IpAddr>,
    remedy: &'static [&'static str],
    cause: Option<&'a Cause>,
}

impl<'a> Group<'a> {
    /// Sorts findings into groups: those that hold before those that are over, of these the worst first, and of
    /// equally bad ones the largest. A group whose cause is among them stands with its cause.
    pub fn all(findings: impl IntoIterator<Item = &'a FindingEntry>) -> Vec<Self> {
        let mut by_key: BTreeMap<Key<'a>, Vec<&'a FindingEntry>> = BTreeMap::new();
        for finding in findings {
            by_key.entry(Key::of(finding)).or_default().push(finding);
        }
        let groups = by_key.into_values().map(|mut findings| {
            findings.sort_by(|one, other| {
                (one.since, &one.subject).cmp(&(other.since, &other.subject))
            });
            Self {
                findings,
                symptoms: Vec::new(),
            }
        });
        let (symptoms, mut causes): (Vec<Self>, Vec<Self>) =
            groups.partition(|group| group.cause().is_some());
        for symptom in symptoms {
            let cause = symptom.cause();
            let place = causes.iter().position(|group| {
                group
                    .findings
                    .iter()
                    .any(|it| cause == Some((it.code, &it.subject)))
            });
            match place.and_then(|place| causes.get_mut(place)) {
                Some(group) => group.symptoms.push(symptom),
                None => causes.push(symptom),
            }
        }
        sort(&mut causes);
        for group in &mut causes {
            sort(&mut group.symptoms);
        }
        causes
    }

    /// The one that stands for all.
    #[expect(
        clippy::indexing_slicing,
        reason = "a group is made of its first finding"
    )]
    pub fn first(&self) -> &'a FindingEntry {
        self.findings[0]
    }

    /// How many findings there are, its symptoms not counted.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Never: a group is made of its first finding.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    fn cause(&self) -> Option<(&'static str, &'a String)> {
        let cause = self.first().cause.as_ref()?;
        Some((cause.code, &cause.subject))
    }
}

impl<'a> Key<'a> {
    const fn of(finding: &'a FindingEntry) -> Self {
        Self {
            is_over: !finding.active,
            severity: Reverse(finding.severity),
            code: finding.code,
            server: finding.server,
            remedy: finding.remedy,
            cause: finding.cause.as_ref(),
        }
    }
}

fn sort(groups: &mut [Group<'_>]) {
    groups.sort_by_key(|group| {
        let first = group.first();
        (
            !first.active,
            Reverse(first.severity),
            Reverse(group.symptoms.len()),
            Reverse(group.len()),
            first.since,
            first.code,
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{PRIMARY, after, finding_entry};

    fn shape(groups: &[Group<'_>]) -> Vec<(&'static str, usize, Vec<&'static str>)> {
        groups
            .iter()
            .map(|group| {
                let symptoms = group.symptoms.iter().map(|it| it.first().code);
                (group.first().code, group.len(), symptoms.collect())
            })
            .collect()
    }

    #[test]
    fn a_thousand_phones_with_one_fault_are_one_group() {
        let findings: Vec<_> = (0..1000)
            .map(|number| FindingEntry {
                subject: format!("SEP{number:012}"),
                ..finding_entry("registration_rejected")
            })
            .collect();
        assert_eq!(
            shape(&Group::all(&findings)),
            [("registration_rejected", 1000, vec![])]
        );
    }

    #[test]
    fn a_symptom_stands_with_its_cause_and_elsewhere_alone() {
        let cause = FindingEntry {
            subject: format!("CallManager {PRIMARY}"),
            subject_kind: "callmanager",
            server: Some(PRIMARY),
            ..finding_entry("callmanager_down")
        };
        let symptom = FindingEntry {
            server: Some(PRIMARY),
            cause: Some(Cause {
                code: "callmanager_down",
                subject: cause.subject.clone(),
            }),
            ..finding_entry("registration_flapping")
        };
        assert_eq!(
            shape(&Group::all([&symptom, &cause])),
            [("callmanager_down", 1, vec!["registration_flapping"])]
        );
        assert_eq!(
            shape(&Group::all([&symptom])),
            [("registration_flapping", 1, vec![])]
        );
    }

    #[test]
    fn what_holds_comes_before_what_is_over_and_the_worst_before_the_rest() {
        let critical = finding_entry("registration_rejected");
        let over = FindingEntry {
            active: false,
            cleared: Some(after(90)),
            ..finding_entry("registration_flapping")
        };
        let warning = FindingEntry {
            severity: Severity::Warning,
            ..finding_entry("mirror_lossy")
        };
        assert_eq!(
            shape(&Group::all([&over, &warning, &critical])),
            [
                ("registration_rejected", 1, vec![]),
                ("mirror_lossy", 1, vec![]),
                ("registration_flapping", 1, vec![]),
            ]
        );
    }
}
