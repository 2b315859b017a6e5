//! A device's user resets it.

use super::lately;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::Severity;
use crate::phone::history::{Happening, Moment};

/// `user_reset`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "user_reset",
    stage: "any",
    severity: Severity::Info,
    title: "reset by its user",
    meaning: "Somebody reset the phone at its keypad, with the keys **#**. The phone unregisters, boots and registers \
              again; nothing is wrong with it for that reason. People do it when something else bothered them: ask.",
    concluded: "The keys **#** and an Unregister within 15 s, or an alarm of the phone that gives its keypad as the \
                reason (Last=Phone-Keypad). Told for findings.tell_events.",
    remedy: &[
        "Nothing needs to be done. If it happens often, ask the user what was wrong before.",
        "Look at this phone's other findings from before the reset.",
    ],
    reference: "Suivi réseau",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    lately::judge(case, Happening::is_user_reset, tell)
}

fn tell(case: &Case<'_>, moments: &[&Moment]) -> String {
    let ended = moments.iter().rev().find_map(|moment| match &moment.what {
        Happening::Ended { callmanager, .. } => Some(*callmanager),
        Happening::Registered { .. }
        | Happening::Told(_)
        | Happening::Said { .. }
        | Happening::Rejected { .. } => None,
    });
    match ended {
        Some(callmanager) => format!(
            "its user reset it with **#**; it was registered with {} until then, and unregistered",
            case.site.callmanager(callmanager)
        ),
        None => String::from("its user reset it at its keypad, as the phone itself says"),
    }
}
