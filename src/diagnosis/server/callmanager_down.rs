//! A CallManager that serves nobody.

use crate::diagnosis::{Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};

/// `callmanager_down`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "callmanager_down",
    stage: "server",
    severity: Severity::Critical,
    title: "CallManager serves nobody",
    meaning: "Several phones tried to connect to this CallManager and every one of them was refused or got no answer. \
              The fault is the server's, or that of the network in front of it, not the phones'.",
    concluded: "At least three phones failed to connect, and nobody succeeded in between. Cleared by the first connection \
                that is established.",
    remedy: &[
        "Open Control Center in CallManager's serviceability pages: is the CallManager service activated and running?",
        "Read the server's Event Viewer, or its alarms, for the time given above.",
        "If nothing answers at all, look at the server's network port and at the access lists in front of it.",
    ],
    reference: "Services non exécutés",
    explained_by: &[],
    rules: &[Rule::Site(judge)],
};

fn judge(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    site.callmanagers
        .values()
        .filter_map(|server| {
            let turned_down = server.turned_down.as_deref()?;
            let phones = u32::try_from(turned_down.number()).unwrap_or(u32::MAX);
            if phones < site.thresholds.server_phones {
                return None;
            }
            let (since, _) = turned_down.first()?;
            let summary = format!("{phones} phones tried to connect and none was served");
            let conclusion = turned_down
                .iter()
                .take(Conclusion::MOST_EVIDENCE)
                .fold(Conclusion::new(since, summary), |conclusion, (at, id)| {
                    conclusion.evidence(at, format!("{} could not connect", site.label(id)))
                })
                .server(server.address);
            Some((
                Subject::CallManager(server.address),
                Verdict::holds(conclusion),
            ))
        })
        .collect()
}
