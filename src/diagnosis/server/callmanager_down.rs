//! A CallManager that serves nobody.

use std::time::Duration;

use crate::diagnosis::{Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};
use crate::phone::CallManager;
use crate::phone::attempts::Outcome;
use crate::phone::turned_down::{Denial, TurnedDown};

/// `callmanager_down`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "callmanager_down",
    stage: "server",
    severity: Severity::Critical,
    title: "CallManager serves nobody",
    meaning: "Several phones turned to this CallManager and every one of them was refused, got no answer, or was thrown \
              out. The fault is the server's, or that of the network in front of it, not the phones'. Phones that have \
              another CallManager in their list go there; the others are dead.",
    concluded: "At least server.phones (3) phones were refused, unanswered when they connected, or left without an answer \
                to Register, and nobody was served in between, for 45 s where anybody may be registered with it still; or the server closed the sessions of all its phones, at \
                least as many, within server.closes_within (10 s), and served nobody in the next 45 s. Sessions \
                that end after a Reset do not count. Cleared when it serves somebody: a connection for those who could \
                not connect, a message for the others; or when nobody has turned to it for findings.forget_device.",
    remedy: &[
        "Open Control Center in CallManager's serviceability pages: is the Cisco CallManager service activated and \
         running? Start it.",
        "Read the server's Event Viewer (later: its alarms and core dumps) for the time given below: did the service \
         crash, was the server restarted?",
        "If nothing answers at all: is the server up? Look at its switch port, its cable and its address.",
        "If other networks reach it: look at the access lists and firewalls in front of it, for TCP 2000 and 2443.",
        "If it takes connections and answers no Register: look at its load and at its database.",
    ],
    reference: "Services non exécutés",
    explained_by: &[],
    rules: &[Rule::Site(judge)],
};

/// A server that throws its phones out and takes them back, as after a change, is not down. Whoever is still registered
/// with it says so by a keepalive within this time.
const TAKES_THEM_BACK: Duration = Duration::from_secs(45);

fn judge(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    site.callmanagers
        .values()
        .filter_map(|server| {
            let turned_down = server.turned_down.as_deref()?;
            let verdict = verdict(site, server, turned_down);
            (verdict != Verdict::No).then_some((Subject::CallManager(server.address), verdict))
        })
        .collect()
}

fn verdict(site: &Site<'_>, server: &CallManager, turned_down: &TurnedDown) -> Verdict {
    let thresholds = site.thresholds;
    let is_many = |number: usize| {
        u32::try_from(number).map_or(true, |number| number >= thresholds.server_phones)
    };
    let denies = is_many(turned_down.denied());
    let throws_out = !denies
        && is_many(turned_down.number())
        && server.registered == 0
        && turned_down.at_once(thresholds.server_closes_within);
    if !denies && !throws_out {
        return Verdict::No;
    }
    let back_until = turned_down.last() + TAKES_THEM_BACK;
    if !denies && site.now < back_until {
        return Verdict::NotBefore(back_until);
    }
    let Some(first) = turned_down.first() else {
        return Verdict::No;
    };
    if !denies && !site.sight.lost_nothing_since(first.at) {
        return Verdict::No;
    }
    // Whoever is registered with it, known to the sensor or not yet, is served with the next keepalive; where all that
    // were registered have left, there is nobody to wait for.
    let have_left = server.registered == 0 && server.unregistrations.total() > 0;
    let served_by = first.at + TAKES_THEM_BACK;
    if denies && !have_left && site.now < served_by {
        return Verdict::NotBefore(served_by);
    }
    let number = turned_down.number();
    let summary = if denies {
        format!(
            "{number} phones turned to it and none was served: the first one {}",
            tell(first.how)
        )
    } else {
        format!("it closed the sessions of all its {number} phones at once and took none back")
    };
    let conclusion = turned_down
        .iter()
        .take(Conclusion::MOST_EVIDENCE)
        .fold(Conclusion::new(first.at, summary), |conclusion, turned| {
            let text = format!("{} {}", site.label(turned.device), tell(turned.how));
            conclusion.evidence(turned.at, text)
        })
        .server(server.address);
    let until = turned_down.last() + thresholds.forget_device;
    Verdict::holds_until(until, site.now, conclusion)
}

const fn tell(how: Denial) -> &'static str {
    match how {
        Denial::Connection(Outcome::Refused) => "was refused (RST)",
        Denial::Connection(Outcome::Unreachable) => "could not reach it (ICMP unreachable)",
        Denial::Connection(Outcome::Unanswered | Outcome::Established) => {
            "got no answer to its SYN"
        }
        Denial::NoAnswer => "got no answer to its Register",
        Denial::Closed => "had its session closed",
    }
}
