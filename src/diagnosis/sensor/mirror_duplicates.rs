//! The mirror shows many frames twice.

use crate::diagnosis::{Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};
use crate::phone::sight::{FrameCounts, Sight};

/// `mirror_duplicates`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "mirror_duplicates",
    stage: "sensor",
    severity: Severity::Info,
    title: "the mirror shows frames twice",
    meaning: "Many frames come more than once, because the mirror takes them up at several ports or VLANs that they pass. \
              phonewatch knows copies and leaves them out, so nothing is counted twice; but they load the mirror port and \
              this host, and where these are full, other frames are lost.",
    concluded: "More than thresholds.copies_permille (200) in a thousand frames of the last minute, and at least 100, were \
                copies of others. A warning where frames were lost in that minute too, otherwise for information.",
    remedy: &[
        "Mirror each frame once: name only the ports of the CallManagers, DHCP and TFTP servers as sources (monitor \
         session 1 source interface ... both), not the phones' ports as well.",
        "Where a VLAN is the source, mirror one direction of it: monitor session 1 source vlan ... rx.",
        "Do not mirror the uplinks between switches of which the ports are mirrored too.",
        "Where one sensor reads several interfaces, check under capture.interfaces that none is named beside its bridge \
         or bond.",
    ],
    reference: "",
    explained_by: &[],
    rules: &[Rule::Site(judge)],
};

/// A share of fewer copies than this means nothing.
const LEAST: u64 = 100;

fn judge(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    let limit = u64::from(site.thresholds.copies_permille);
    let is_much = |counts: FrameCounts| {
        counts.copies >= LEAST
            && counts.copies.saturating_mul(1000) > counts.seen.saturating_mul(limit)
    };
    let counts = site.sight.recent(site.now);
    let Some(since) = site.sight.recent_since().filter(|_| is_much(counts)) else {
        return Vec::new();
    };
    let FrameCounts { seen, copies, lost } = counts;
    let summary = format!("{copies} of {seen} frames of the last minute were copies of others");
    let severity = if lost > 0 {
        Severity::Warning
    } else {
        Severity::Info
    };
    let conclusion = site
        .sight
        .recent_of_sources(site.now)
        .filter(|(_, counts)| counts.copies > 0)
        .take(Conclusion::MOST_EVIDENCE)
        .fold(
            Conclusion::new(since, summary).severity(severity),
            |conclusion, (source, counts)| {
                let text = format!(
                    "capture source {}: {} copies among {} frames",
                    source + 1,
                    counts.copies,
                    counts.seen
                );
                conclusion.evidence(since, text)
            },
        );
    vec![(
        Subject::Sensor,
        Verdict::holds_until(site.now + Sight::RECENT, site.now, conclusion),
    )]
}
