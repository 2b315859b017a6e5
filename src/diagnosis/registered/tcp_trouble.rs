//! A registered connection on which segments have to be sent again.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `tcp_trouble`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "tcp_trouble",
    stage: "registered",
    severity: Severity::Warning,
    title: "segments are lost and sent again",
    meaning: "The connection between the phone and its CallManager loses packets, or one side cannot keep up with what \
              it is sent. Keys react late, and the phone may lose its CallManager. The cause is a full line, a bad cable \
              or port, or two ends that do not agree on duplex.",
    concluded: "Within thresholds.tcp_trouble_window (5 minutes) at least thresholds.tcp_trouble_repeated (5) segments \
                were sent again or announced a window of zero, out of at least thresholds.tcp_trouble_segments (30), and \
                these are thresholds.tcp_trouble_permille (100, a tenth) of them or more. The same bytes sent again and \
                again count once. A few repeated segments are harmless. Cleared after twice that time without.",
    remedy: &[
        "On the switch port of the phone, and on every port on the way to the CallManager, read the error counters (show \
         interfaces counters errors): CRC errors point at a cable, late collisions at a duplex mismatch.",
        "Set speed and duplex to auto on both ends, or to the same fixed values on both.",
        "Look for drops in the output queues (show interfaces | include drops), and give the signalling its share there.",
        "Announced windows of zero: the side that says so is overloaded. Look at the CPU of the CallManager; restart a \
         phone that does it.",
    ],
    reference: "Suivi du réseau",
    explained_by: &["qos_not_trusted"],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(trouble) = case.device.quality.as_ref().and_then(|quality| quality.tcp) else {
        return Verdict::No;
    };
    let until = trouble.until + case.site.thresholds.tcp_trouble_window.saturating_mul(2);
    let counts = trouble.counts;
    let server = case.site.callmanager(trouble.server);
    let lasted = trouble.until.since(trouble.since).as_secs();
    let summary = format!(
        "{} of {} segments to and from {server} within {lasted} s were sent again or said that there is no room",
        counts.troubles(),
        counts.segments,
    );
    let text = format!(
        "sent again by the phone: {}, by the CallManager: {}; windows of zero: {}",
        counts.repeated_by_phone, counts.repeated_by_server, counts.zero_windows
    );
    let conclusion = Conclusion::new(trouble.since, summary)
        .evidence(trouble.since, "the first segment that was sent again")
        .evidence(trouble.until, text)
        .server(trouble.server);
    Verdict::holds_until(until, case.now(), conclusion)
}
