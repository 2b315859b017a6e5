//! A CallManager leaves a device's Registers without an answer.

use crate::diagnosis::span::span;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `registration_no_answer`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "registration_no_answer",
    stage: "registering",
    severity: Severity::Critical,
    title: "no answer to Register",
    meaning: "The phone reached a CallManager, and asked to be registered; the CallManager said neither yes nor no. A \
              CallManager that is overloaded, starting up, or waiting for its database behaves like that; so does a \
              firewall that inspects the Skinny protocol and swallows a message that it does not know.",
    concluded: "At least two Registers of the phone stayed without RegisterAck and RegisterReject, each for \
                registration.answer (15 s) or until its connection ended. Not where the sensor may have missed the \
                answer. Cleared by any answer.",
    remedy: &[
        "Look at the load of that CallManager, and at its alarms for the times below: does it answer its other phones?",
        "Is its database up, and replicated? (CallManager 4: the DBLHelper tool; later: utils dbreplication runtimestate.)",
        "Is a firewall in between that inspects SCCP? Switch the inspection off for a test, or update the firewall.",
        "Restart the CallManager service on that server if other phones suffer as well.",
        "Capture the connection at the server too: does the Register arrive there whole?",
    ],
    reference: "Étape 4b",
    explained_by: &["callmanager_down"],
    rules: &[Rule::Device(judge)],
};

/// One Register may have an answer that was missed; the phone that asks again shows that there was none.
const ENOUGH: u32 = 2;

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let run = device
        .history
        .as_ref()
        .and_then(|history| history.unanswered.as_deref())
        .filter(|run| run.times >= ENOUGH && device.registration.current.is_none());
    let Some(run) = run else { return Verdict::No };
    let callmanager = case.site.callmanager(run.callmanager);
    let summary = format!(
        "{} Registers within {} stayed without an answer, the last one to {callmanager}",
        run.times,
        span(run.last.since(run.first))
    );
    let asked =
        |what| format!("{what} Register to {callmanager}: neither RegisterAck nor RegisterReject");
    Verdict::holds(
        Conclusion::new(run.first, summary)
            .evidence(run.first, asked("first"))
            .evidence(run.last, asked("last"))
            .server(run.callmanager),
    )
}
