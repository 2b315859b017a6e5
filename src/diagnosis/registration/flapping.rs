//! A device moves to and fro between its CallManagers.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `registration_flapping`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "registration_flapping",
    stage: "registered",
    severity: Severity::Critical,
    title: "flapping between CallManagers",
    meaning: "The phone leaves its CallManager for another one and comes back, again and again; each time it cannot be \
              used for a while. It does so when keepalives to its first CallManager get lost or are answered too late.",
    concluded: "At least flap.moves registrations with another CallManager than the one before within flap.window. A \
                connection in reserve is no move. Cleared when the moves have aged out of the window.",
    remedy: &[
        "Trust the marking of the signalling on the switch ports of the CallManagers and of the phones \
         (mls qos trust dscp): keepalives must not wait behind data.",
        "Look for errors, drops and duplex mismatch on the path between phone and CallManager.",
        "For phones behind a slow line, raise the StationKeepaliveInterval (30 s) in CallManager's service parameters.",
    ],
    reference: "Passage du principal au secondaire",
    explained_by: &["callmanager_down"],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let registration = &case.device.registration;
    if !registration.is_flapping {
        return Verdict::No;
    }
    let since = registration
        .recent_moves()
        .next()
        .unwrap_or(case.device.stage_since);
    let summary = format!("moved {} times between CallManagers", registration.moves);
    let conclusion = registration
        .recent_moves()
        .fold(Conclusion::new(since, summary), |conclusion, at| {
            conclusion.evidence(at, "registered with another CallManager")
        });
    Verdict::holds(conclusion)
}
