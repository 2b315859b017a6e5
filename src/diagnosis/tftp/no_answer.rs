//! A TFTP server does not answer a phone.

use super::is_past_files;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::wire::icmp::UnreachableCode;

/// `tftp_no_answer`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "tftp_no_answer",
    stage: "tftp",
    severity: Severity::Critical,
    title: "the TFTP server does not answer",
    meaning: "The phone asks the TFTP server for its configuration and hears nothing. The TFTP service may be stopped, \
              the address wrong, or the way there blocked: a missing gateway, a wrong VLAN, an access list.",
    concluded: "At least boot.tries requests for files of the boot stayed without an answer, and answers of this server \
                were seen before; or the phone asked three times for one file, which shows that none had come, even \
                where the mirror does not show that server; or a router or the \
                server itself said that they did not arrive; and no other TFTP server answered meanwhile. Cleared \
                when any TFTP server answers the phone, or when it connects to a CallManager with what it has \
                stored.",
    remedy: &[
        "In CallManager open Service > Control Center: is Cisco TFTP running on this server? Start it if not.",
        "Is this the address of the TFTP server? Compare it with option 150 of the phone's DHCP scope.",
        "From a computer in the phone's VLAN ping the server; if that fails, check gateway, mask and VLAN of the port.",
        "Ask for a file from there: tftp SERVER -c get XMLDefault.cnf.xml. Access lists must let UDP port 69 in and the \
         answers, which come from any other UDP port, out.",
    ],
    reference: "Étape 3a; suivi réseau",
    explained_by: &["tftp_service_down"],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(unanswered) = case
        .device
        .files
        .as_deref()
        .and_then(|files| files.unanswered.as_ref())
    else {
        return Verdict::No;
    };
    if is_past_files(case.device) {
        return Verdict::No;
    }
    let (first, last) = (&unanswered.first, &unanswered.last);
    let tries = unanswered.tries;
    let conclusion = if let Some(code) = unanswered.unreachable {
        // The phone may have another server to ask.
        let settled = first.at + case.site.thresholds.settle;
        if case.now() < settled {
            return Verdict::NotBefore(settled);
        }
        let why = reason(code);
        let summary = format!("asked {} for {} in vain: {why}", last.server, last.file);
        Conclusion::new(first.at, summary)
            .evidence(
                first.at,
                format!("asked {} for {}", first.server, first.file),
            )
            .evidence(last.at, format!("ICMP: {why}"))
    } else {
        if tries < case.site.thresholds.tries {
            return Verdict::No;
        }
        let summary = if unanswered.is_shown {
            format!(
                "asked {} for {} {tries} times and got no answer",
                last.server, last.file
            )
        } else {
            format!(
                "asked {} for {} {tries} times, so no answer reaches it (whether the server sends one is not visible on \
                 this mirror)",
                last.server, last.file
            )
        };
        Conclusion::new(first.at, summary)
            .evidence(
                first.at,
                format!("asked {} for {}", first.server, first.file),
            )
            .evidence(
                last.at,
                format!(
                    "asked {} for {} once more: no answer",
                    last.server, last.file
                ),
            )
    };
    Verdict::holds(conclusion.server(last.server))
}

const fn reason(code: UnreachableCode) -> &'static str {
    match code {
        UnreachableCode::Net => "there is no route to the server's network",
        UnreachableCode::Host => "the server does not answer on its own network",
        UnreachableCode::Protocol => "the server does not speak UDP",
        UnreachableCode::Port => "nobody listens on the server's TFTP port",
        UnreachableCode::AdministrativelyProhibited => "a filter on the way forbids it",
        UnreachableCode::FragmentationNeeded | UnreachableCode::Other(_) => {
            "the request could not be delivered"
        }
    }
}
