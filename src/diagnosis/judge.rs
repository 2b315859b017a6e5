//! Compares what holds with what held.

use std::sync::Arc;
use std::time::Duration;

use super::catalogue::{CATALOGUE, Entry, Rule};
use super::{Case, Site, Thresholds, Verdict};
use crate::finding::{Conclusion, Finding, Findings, Subject};
use crate::time::Timestamp;

/// What became of the findings of a device.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Findings that are new or have changed.
    pub changed: Vec<(Arc<Finding>, News)>,
    /// When time alone may change any of them.
    pub deadline: Option<Timestamp>,
}

/// What became of the findings of the site.
#[derive(Debug, Default)]
pub struct SiteJudgement {
    /// Findings that are new or have changed, with those whom they are about.
    pub changed: Vec<(Subject, Arc<Finding>, News)>,
    /// When time alone may change any of them.
    pub deadline: Option<Timestamp>,
}

/// What became of one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It holds from now on, or matters more than before.
    Raised,
    /// It held before; its facts are others.
    Updated,
    /// It no longer holds.
    Cleared,
}

impl Judgement {
    /// A time that has passed would be asked for again at once, for ever.
    fn wait(&mut self, entry: &Entry, until: Timestamp, now: Timestamp) {
        debug_assert!(until > now, "{} names a time that has passed", entry.code);
        self.at_the_latest(until.max(now + Duration::from_secs(1)));
    }

    fn at_the_latest(&mut self, until: Timestamp) {
        self.deadline = Some(self.deadline.map_or(until, |known| known.min(until)));
    }

    /// Takes what a rule says of a finding that was `known` before.
    fn take(
        &mut self,
        entry: &'static Entry,
        verdict: Verdict,
        known: Option<&Arc<Finding>>,
        thresholds: &Thresholds,
        now: Timestamp,
    ) {
        let conclusion = match verdict {
            Verdict::No => None,
            Verdict::NotBefore(at) => {
                self.wait(entry, at, now);
                None
            }
            Verdict::Holds(conclusion) => Some(conclusion),
            Verdict::HoldsUntil(until, conclusion) => {
                self.wait(entry, until, now);
                Some(conclusion)
            }
        };
        let active = known.filter(|finding| finding.is_active());
        match (conclusion, active) {
            (None, None) => {}
            (None, Some(active)) => {
                let mut ended = Finding::clone(active);
                ended.cleared = Some(now);
                self.changed.push((Arc::new(ended), News::Cleared));
            }
            (Some(conclusion), active) => {
                let finding = told(entry, *conclusion, known, thresholds, now);
                let got_worse = |active: &Arc<Finding>| finding.severity > active.severity;
                let news = if active.is_none_or(got_worse) {
                    News::Raised
                } else {
                    News::Updated
                };
                if active.is_none_or(|active| **active != finding) {
                    self.changed.push((Arc::new(finding), news));
                }
            }
        }
    }
}

/// The finding of this conclusion, with the history of the one that was `known` before.
fn told(
    entry: &'static Entry,
    conclusion: Conclusion,
    known: Option<&Arc<Finding>>,
    thresholds: &Thresholds,
    now: Timestamp,
) -> Finding {
    let Conclusion {
        summary,
        mut evidence,
        since,
        server,
        severity,
        remedy,
    } = conclusion;
    evidence.sort_by_key(|evidence| evidence.at);
    // What began it and what came last say more than what lies between.
    while evidence.len() > Conclusion::MOST_EVIDENCE {
        evidence.remove(Conclusion::MOST_EVIDENCE / 2);
    }
    let active = known.filter(|finding| finding.is_active());
    let last_seen = evidence.last().map_or(since, |evidence| evidence.at);
    Finding {
        code: entry.code,
        severity: thresholds.severity(entry.code, severity.unwrap_or(entry.severity)),
        since,
        raised: active.map_or(now, |active| active.raised),
        last_seen: last_seen.max(active.map_or(last_seen, |active| active.last_seen)),
        cleared: None,
        count: known.map_or(0, |known| known.count) + u32::from(active.is_none()),
        summary,
        evidence,
        remedy: remedy.unwrap_or(entry.remedy),
        reference: entry.reference,
        server,
        explained_by: entry.explained_by,
    }
}

/// Asks every rule of devices about this one, of which `findings` are known.
pub fn judge_device(case: &Case<'_>, findings: &Findings) -> Judgement {
    let now = case.now();
    let thresholds = case.site.thresholds;
    let mut judgement = Judgement::default();
    let gone_at = case.last_seen + thresholds.forget_device;
    let is_gone = now >= gone_at;
    for entry in CATALOGUE {
        for rule in entry.rules {
            let Rule::Device(rule) = rule else { continue };
            let verdict = if is_gone || thresholds.is_off(entry.code) {
                Verdict::No
            } else {
                rule(case)
            };
            judgement.take(entry, verdict, findings.of(entry.code), thresholds, now);
        }
    }
    let holds_any = findings.active().next().is_some() || !judgement.changed.is_empty();
    if holds_any && !is_gone {
        judgement.at_the_latest(gone_at);
    }
    judgement
}

/// Asks every rule of the site. `known` are the findings of all its subjects; what is changed comes with its subject.
pub fn judge_site(site: &Site<'_>, known: &[(Subject, Arc<Finding>)]) -> SiteJudgement {
    let mut all = Judgement::default();
    let mut changed = Vec::new();
    for entry in CATALOGUE {
        for rule in entry.rules {
            let Rule::Site(rule) = rule else { continue };
            let mut verdicts = if site.thresholds.is_off(entry.code) {
                Vec::new()
            } else {
                rule(site)
            };
            let unmentioned = known
                .iter()
                .filter(|(_, finding)| finding.code == entry.code && finding.is_active())
                .filter(|(subject, _)| verdicts.iter().all(|(named, _)| named != subject))
                .map(|(subject, _)| (subject.clone(), Verdict::No))
                .collect::<Vec<_>>();
            verdicts.extend(unmentioned);
            for (subject, verdict) in verdicts {
                let before = known
                    .iter()
                    .find(|(named, finding)| *named == subject && finding.code == entry.code)
                    .map(|(_, finding)| finding);
                all.take(entry, verdict, before, site.thresholds, site.now);
                changed.extend(
                    all.changed
                        .drain(..)
                        .map(|(finding, news)| (subject.clone(), finding, news)),
                );
            }
        }
    }
    SiteJudgement {
        changed,
        deadline: all.deadline,
    }
}
