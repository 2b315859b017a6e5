//! CallManager resets a device.

use super::lately;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::Severity;
use crate::phone::history::{Happening, Moment};

/// `callmanager_reset`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "callmanager_reset",
    stage: "any",
    severity: Severity::Info,
    title: "reset by CallManager",
    meaning: "CallManager told the phone to reset, to restart or to apply its configuration: an administrator pressed \
              Reset, or saved a change that needs it. The phone unregisters and comes back, maybe at another \
              CallManager. That is planned; moves that follow are no flapping.",
    concluded: "A Reset message to the phone, or an alarm of the phone that gives a reset by CallManager as the \
                reason (Last=Reset-Reset, Reset-Restart). Told for findings.tell_events.",
    remedy: &[
        "Nothing needs to be done if somebody meant it: ask who changed the phone's configuration at that time.",
        "If nobody did, look for what resets phones by itself: a bulk job, a schedule, the synchronisation of a \
         directory.",
    ],
    reference: "Étape 4a",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    lately::judge(case, Happening::is_callmanager_reset, tell)
}

fn tell(_: &Case<'_>, moments: &[&Moment]) -> String {
    let told: Vec<_> = moments
        .iter()
        .filter_map(|moment| match &moment.what {
            Happening::Told(how) => Some(*how),
            Happening::Ended { .. }
            | Happening::Registered { .. }
            | Happening::Said { .. }
            | Happening::Rejected { .. } => None,
        })
        .collect();
    let what = match told.last() {
        None => return String::from("CallManager reset it, as the phone itself says"),
        Some(&"restart") => "to restart",
        Some(&"apply_config") => "to apply its configuration",
        Some(_) => "to reset",
    };
    match told.len() {
        1 => format!("CallManager told it {what}"),
        times => format!("CallManager told it {times} times to begin anew, the last time {what}"),
    }
}
