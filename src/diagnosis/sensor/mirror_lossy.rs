//! The sensor loses frames.

use crate::diagnosis::{Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};
use crate::phone::sight::{FrameCounts, Sight};

/// `mirror_lossy`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "mirror_lossy",
    stage: "sensor",
    severity: Severity::Warning,
    title: "the sensor loses frames",
    meaning: "Frames reached this host and were dropped before phonewatch saw them. While that goes on phonewatch \
              concludes nothing from what it did not see, so faults may go unnoticed.",
    concluded: "More than 0.5 % of the frames of the last minute were lost in the kernel, on the interface or in the ring.",
    remedy: &[
        "Mirror only the ports of the CallManagers, DHCP and TFTP servers, not whole VLANs with their voice.",
        "Leave capture.filter at its default, which drops voice in the kernel; raise capture.kernel_buffer.",
        "Give the sensor a faster core, or share the ports out among several sensors.",
    ],
    reference: "",
    explained_by: &[],
    rules: &[Rule::Site(judge)],
};

fn judge(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    let FrameCounts { seen, lost, .. } = site.sight.recent(site.now);
    let all = seen.saturating_add(lost);
    let is_lossy =
        lost.saturating_mul(1000) > all.saturating_mul(site.thresholds.lossy_permille.into());
    let Some(since) = site.sight.losing_since().filter(|_| is_lossy) else {
        return Vec::new();
    };
    let summary =
        format!("{lost} of {all} frames of the last minute were lost before they were seen");
    let conclusion = Conclusion::new(since, summary.clone()).evidence(since, summary);
    vec![(
        Subject::Sensor,
        Verdict::holds_until(site.now + Sight::RECENT, site.now, conclusion),
    )]
}
