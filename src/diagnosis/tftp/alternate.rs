//! A phone asks another TFTP server than DHCP offered.

use std::net::IpAddr;

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `alternate_tftp`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "alternate_tftp",
    stage: "tftp",
    severity: Severity::Warning,
    title: "asks another TFTP server than DHCP offers",
    meaning: "DHCP told the phone where its files are, and the phone asks somewhere else. Most often an Alternate TFTP \
              server was typed in on the phone itself, which counts more than what DHCP says. The phone may then get an \
              old configuration, or none.",
    concluded: "The phone asked a server for its configuration that is in none of option 150, option 66, siaddr and sname \
                of the lease it holds. Not concluded where the lease was not seen, where DHCP offered a name whose address \
                is unknown, or for firmware, which may lie elsewhere. Cleared when the phone asks an offered server.",
    remedy: &[
        "On the phone press Settings, then Network Configuration, and look at Alternate TFTP.",
        "Unlock the settings with **#, set Alternate TFTP to No and press Save.",
        "If nobody knows who set it, reset the phone to its factory settings, so that DHCP counts again.",
        "If the other server is meant, put its address into option 150 of the DHCP scope instead.",
    ],
    reference: "Étape 2a, remarque",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(elsewhere) = case
        .device
        .files
        .as_deref()
        .and_then(|files| files.elsewhere.as_ref())
    else {
        return Verdict::No;
    };
    let first = &elsewhere.first;
    let offered = elsewhere
        .offered
        .iter()
        .map(IpAddr::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let summary = format!(
        "asks {} for its files, while DHCP offers {offered}",
        first.server
    );
    let conclusion = Conclusion::new(first.at, summary)
        .evidence(
            elsewhere.leased,
            format!("DHCP ACK offers TFTP server {offered}"),
        )
        .evidence(
            first.at,
            format!("asked {} for {}", first.server, first.file),
        )
        .server(first.server);
    Verdict::holds(if elsewhere.last > first.at {
        conclusion.evidence(elsewhere.last, format!("asked {} again", first.server))
    } else {
        conclusion
    })
}
