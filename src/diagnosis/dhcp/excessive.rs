//! A phone asks DHCP far too often.

use super::{bad_tftp_server, no_answer, no_tftp_server, only_server};
use crate::diagnosis::{Case, Entry, Rule, Verdict, boot_loop};
use crate::finding::{Conclusion, Severity};
use crate::phone::boot::PassEnd;

/// `dhcp_excessive`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "dhcp_excessive",
    stage: "dhcp",
    severity: Severity::Warning,
    title: "too many DHCP requests",
    meaning: "The phone starts over and over and asks DHCP each time. That is a symptom: something further on ends each \
              try, which the evidence names, and the phone begins anew. Many such phones load the DHCP server. Often \
              they are phones that lie around unused and that CallManager does not know.",
    concluded: "More than dhcp.requests DISCOVERs, REQUESTs and INFORMs within dhcp.window; copies of a relay count once. \
                Of a phone that was not seen to use IPv4, the messages of DHCP for IPv6 by which it asks. \
                It is for information only where boot_loop, dhcp_no_answer or a finding about the TFTP server in the lease tells the cause. Cleared when \
                so many no longer lie within dhcp.window.",
    remedy: &[
        "Read in the evidence what ended each try, and mend that first: a file that TFTP does not have, a refused \
         connection, an address that was refused.",
        "If nobody uses the phone, unplug it, or shut its switch port (shutdown).",
        "If it is to be used, add it in CallManager (Device > Phone), or turn on auto-registration.",
        "Check the CallManager group of the phone's device pool, and that the phone can reach TCP port 2000 of each \
         server in it.",
    ],
    reference: "Téléphones Cisco entraînant des requêtes DHCP excessives",
    explained_by: &[no_answer::CODE],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let Some(dhcp) = device.needed_dhcp().filter(|dhcp| dhcp.is_excessive) else {
        return Verdict::No;
    };
    let times: Vec<_> = dhcp.recent().collect();
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return Verdict::No;
    };
    let ends: Vec<&PassEnd> = device
        .boot
        .ends()
        .iter()
        .filter(|end| end.at >= first)
        .collect();
    let span = last.since(first).as_secs().max(1);
    let summary = format!(
        "{} DHCP requests in {span} s{}",
        times.len(),
        reasons(&ends)
    );
    let conclusion = Conclusion::new(first, summary)
        .evidence(first, "DHCP request")
        .evidence(last, "DHCP request");
    let mut conclusion = ends.iter().fold(conclusion, |conclusion, end| {
        conclusion.evidence(end.at, format!("a try ended: {}", boot_loop::ending(end)))
    });
    let says_the_same = [
        boot_loop::judge,
        no_answer::judge,
        bad_tftp_server::judge,
        no_tftp_server::judge,
    ];
    if says_the_same.iter().any(|judge| judge(case).is_positive()) {
        conclusion.severity = Some(Severity::Info);
    }
    conclusion.server = only_server(case);
    Verdict::holds(conclusion)
}

/// What ended the tries, the most frequent first: `; its tries ended 3 times: a CallManager refused its connection`.
fn reasons(ends: &[&PassEnd]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for end in ends {
        let words = boot_loop::ending(end);
        match counts.iter_mut().find(|(known, _)| *known == words) {
            Some((_, count)) => *count += 1,
            None => counts.push((words, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words: Vec<_> = counts
        .iter()
        .map(|(words, count)| format!("{count} x {words}"))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!("; its tries ended: {}", words.join(", "))
    }
}
