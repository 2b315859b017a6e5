//! A phone was registered on its own, with the default configuration.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `auto_registered`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "auto_registered",
    stage: "registered",
    severity: Severity::Info,
    title: "registered by auto-registration",
    meaning: "The phone was not in CallManager's database. CallManager entered it by itself and gave it a number of the \
              range for auto-registration; from now on the phone has a configuration of its own.",
    concluded: "The phone's own configuration was not found, the default configuration was served, and the phone \
                registered after that. Cleared when its own configuration is served, or when it is no longer registered.",
    remedy: &[
        "Nothing, if new phones are meant to register by themselves.",
        "Give the phone its user, number and device pool under Device > Phone in CallManager.",
        "If it should not be there, delete it and switch auto-registration off under System > Cisco CallManager.",
    ],
    reference: "Étape 3b",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(default) = case
        .device
        .files
        .as_deref()
        .and_then(|files| files.missing.as_ref())
        .and_then(|missing| missing.default_served.as_ref())
    else {
        return Verdict::No;
    };
    let Some(current) = case
        .device
        .registration
        .current
        .filter(|current| current.since >= default.at)
    else {
        return Verdict::No;
    };
    let summary = format!(
        "registered with {} after the default configuration {}",
        current.callmanager, default.file
    );
    Verdict::holds(
        Conclusion::new(current.since, summary)
            .evidence(
                default.at,
                format!("{} served {}", default.server, default.file),
            )
            .evidence(
                current.since,
                format!("registered with {}", current.callmanager),
            ),
    )
}
