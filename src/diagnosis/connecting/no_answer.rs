//! A CallManager does not answer a device's attempt to connect.

use super::failing;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::Severity;
use crate::phone::attempts::{Failed, Outcome};

/// `tcp_no_answer`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "tcp_no_answer",
    stage: "connecting",
    severity: Severity::Critical,
    title: "no answer from CallManager to the connection",
    meaning: "The phone has its address and its list of CallManagers, asks for a connection, and nothing comes back. The \
              server is off, its address is wrong, or the way is blocked: packets alone do not tell a server that is \
              off from a firewall that drops silently. The phone cannot be used until another CallManager takes it.",
    concluded: "A SYN to a CallManager, repeated by the phone, stayed without an answer for 10 s, or ICMP said that \
                the server cannot be reached, and no CallManager has registered the phone for \
                registration.connect_patience (10 s) since. Not concluded where the sensor sees one direction only, \
                or lost frames meanwhile. While the phone is registered elsewhere it is told as info. Cleared when \
                the server accepts a connection.",
    remedy: &[
        "Ping the CallManager from a computer in the phone's voice VLAN. No answer either: look at the server itself and \
         at its switch port.",
        "Check the default gateway that the phone was given, and the routes to the servers' network and back.",
        "Look for access lists or firewalls that drop TCP 2000 (2443 for secure phones), in each direction: on Cisco \
         routers, show ip access-lists counts what each line drops.",
        "Compare the server's address with System > Server in CallManager: an address that was changed there, or that \
         NAT changes on the way, is not what the phone can reach.",
    ],
    reference: "Suivi réseau",
    explained_by: &["callmanager_down"],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let is_such = |outcome| matches!(outcome, Outcome::Unanswered | Outcome::Unreachable);
    failing::judge(case, is_such, tell)
}

fn tell(failed: &Failed) -> String {
    let said = if failed.outcome == Outcome::Unreachable {
        "ICMP says that it cannot be reached"
    } else {
        "no answer to SYN"
    };
    match failed.times {
        1 => said.to_owned(),
        times => format!("{said}, {times} times"),
    }
}
