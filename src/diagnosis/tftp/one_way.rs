//! A TFTP server's answers do not reach a phone.

use super::is_past_files;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `tftp_one_way`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "tftp_one_way",
    stage: "tftp",
    severity: Severity::Critical,
    title: "the TFTP server's answers do not arrive",
    meaning: "The phone's requests reach the TFTP server, and the server sends the file; but the phone never acknowledges \
              it and asks again. Something lets packets through in one direction only: an access list, a firewall that \
              does not know TFTP, or a route back that leads elsewhere.",
    concluded: "The phone asked at least boot.tries times for the same file, the server's first block was seen at \
                least three times, and the phone acknowledged none of it, while the sensor lost nothing. Cleared by \
                any acknowledgment, or when the phone connects to a CallManager.",
    remedy: &[
        "Compare the access lists on the way in both directions: the server answers from a new UDP port, not from 69, so \
         a rule for port 69 alone blocks the answers.",
        "On a firewall between phone and server switch on TFTP inspection (inspect tftp).",
        "Trace the way back: run tracert from the server to the phone's address. Does the server have the right default \
         gateway?",
        "Look for a network address translation between phone and server.",
    ],
    reference: "Compréhension d'un fichier de suivi réseau, remarque",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

/// A block that comes this often and is never acknowledged does not arrive.
const SENT: u32 = 3;

fn judge(case: &Case<'_>) -> Verdict {
    let Some(one_way) = case
        .device
        .files
        .as_deref()
        .and_then(|files| files.one_way.as_ref())
    else {
        return Verdict::No;
    };
    let (requests, sent) = (one_way.requests, one_way.sent);
    if requests < case.site.thresholds.tries || sent < SENT || is_past_files(case.device) {
        return Verdict::No;
    }
    let first = &one_way.first;
    let summary = format!(
        "asked {} for {} {requests} times; the server sent it {sent} times and nothing was acknowledged",
        first.server, first.file
    );
    Verdict::holds(
        Conclusion::new(first.at, summary)
            .evidence(
                first.at,
                format!("asked {} for {}", first.server, first.file),
            )
            .evidence(
                one_way.last,
                format!(
                    "{} had sent the first block {sent} times, without an acknowledgment",
                    first.server
                ),
            )
            .server(first.server),
    )
}
