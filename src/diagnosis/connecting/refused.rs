//! A CallManager's host refuses a device's connection.

use std::time::Duration;

use super::failing;
use crate::diagnosis::span::span;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::Severity;
use crate::phone::attempts::{Failed, Outcome};

/// `tcp_refused`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "tcp_refused",
    stage: "connecting",
    severity: Severity::Critical,
    title: "connection refused by CallManager",
    meaning: "The phone has its address and its list of CallManagers, but the server turns its connection away at once: \
              the host is up and nothing listens on the port, or something in front of the server rejects the \
              connection. The phone boots over and over and nobody can use it. Likely causes: the CallManager service \
              is stopped, the phone's list names the wrong server, or the phone is left over from another installation.",
    concluded: "A SYN to a CallManager was answered by RST, and no CallManager has registered the phone for \
                registration.connect_patience (10 s) since. While the phone is registered elsewhere it is told as \
                info, for as long as it is tried again. Cleared when the server accepts a connection.",
    remedy: &[
        "Open Control Center in CallManager's serviceability pages: is the Cisco CallManager service activated and \
         running on that server? Start it if it is not.",
        "Compare the server's address with the phone's list (Settings > Network > CallManager 1 to 5 on the phone) and \
         with its group (System > Cisco CallManager Group): is it the server that you mean?",
        "Look at the delay in the evidence: under 1 ms the host itself refused. Longer than that, look at firewalls and \
         access lists in between as well (TCP 2000, or 2443 for secure phones).",
        "Is the phone still in use? Delete one that is not from CallManager, and unplug it: it asks for ever.",
    ],
    reference: "Requêtes DHCP excessives",
    explained_by: &["callmanager_down"],
    rules: &[Rule::Device(judge)],
};

/// A refusal that comes sooner was not waited for: the host itself gave it.
const AT_ONCE: Duration = Duration::from_millis(1);

fn judge(case: &Case<'_>) -> Verdict {
    failing::judge(case, |outcome| outcome == Outcome::Refused, tell)
}

fn tell(failed: &Failed) -> String {
    let times = match failed.times {
        1 => String::from("SYN answered by RST"),
        times => format!("{times} SYNs answered by RST"),
    };
    match failed.delay {
        Some(delay) if delay < AT_ONCE => {
            format!("{times} after {}: the host itself refuses", span(delay))
        }
        Some(delay) => format!("{times} after {}", span(delay)),
        None => times,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_refusal_within_a_millisecond_is_the_hosts_own() {
        let failed = |times, delay| Failed {
            callmanager: [10, 0, 0, 11].into(),
            port: 2000,
            outcome: Outcome::Refused,
            first: Timestamp::EPOCH,
            last: Timestamp::EPOCH,
            times,
            delay: Some(Duration::from_micros(delay)),
        };
        assert_eq!(
            tell(&failed(1, 400)),
            "SYN answered by RST after 0.4 ms: the host itself refuses"
        );
        assert_eq!(
            tell(&failed(3, 21_000)),
            "3 SYNs answered by RST after 21 ms"
        );
    }
}
