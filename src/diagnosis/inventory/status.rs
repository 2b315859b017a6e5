//! A phone that works, while CallManager's pages say that it does not.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::Stage;

/// `status_disagrees`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "status_disagrees",
    stage: "registered",
    severity: Severity::Info,
    title: "registered, though CallManager's list says otherwise",
    meaning: "On the wire the phone is registered and its keepalives are answered, but the list that was exported from \
              CallManager's pages shows it as not registered. The phone works; what is wrong is the service that \
              collects the status for the pages.",
    concluded: "inventory.file names a list with a column for the status, which says Not Found, Unregistered, Unknown \
                or None for a phone that is registered here. The list is as old as its export. Cleared when the phone \
                is no longer registered, or another list is read.",
    remedy: &[
        "Reload the phone's page in CallManager: is the status still wrong? The list may only be old.",
        "In Control Center, restart the service Cisco RIS Data Collector on the server with which the phone is \
         registered, then on the publisher.",
        "In the service parameters of Cisco RIS Data Collector, see that the Primary Collector is a server that runs.",
    ],
    reference: "Non enregistrés mais semblent fonctionner",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let current = device
        .registration
        .current
        .filter(|_| device.stage == Stage::Registered);
    let status = case.configured().and_then(|phone| phone.status.as_deref());
    let (Some(current), Some(status)) = (current, status) else {
        return Verdict::No;
    };
    if !says_unregistered(status) {
        return Verdict::No;
    }
    let server = case.site.callmanager(current.callmanager);
    let summary = format!("registered with {server}, and the list says \"{status}\"");
    let seen = format!("registered with {server}");
    Verdict::holds(
        Conclusion::new(current.since, summary)
            .evidence(current.since, seen)
            .server(current.callmanager),
    )
}

/// Whether the status, as the pages and exports of several releases write it, says that the phone is not registered.
fn says_unregistered(status: &str) -> bool {
    let status: String = status
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    matches!(
        &*status,
        "notfound" | "unregistered" | "notregistered" | "unknown" | "none"
    )
}
