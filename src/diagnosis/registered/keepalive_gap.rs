//! Keepalives without an answer, or a phone that falls silent.

use std::time::Duration;

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::keepalive::GapDirection;
use crate::phone::quality::{Gap, GapEnd};

/// `keepalive_gap`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "keepalive_gap",
    stage: "registered",
    severity: Severity::Warning,
    title: "keepalives missed",
    meaning: "Phone and CallManager tell each other every half minute that they are there. For a while one of them did \
              not: CallManager left the phone's keepalives without an answer, or the phone itself was silent. After \
              three of them the phone gives its CallManager up, or CallManager the phone, and it cannot be used until \
              it is registered again. The cause is a busy CallManager, a line that drops packets, or a phone that lost \
              its power or its network.",
    concluded: "A KeepAlive of the registered connection was not answered before the next one was due, the way this \
                CallManager is known to answer, and the phone's next segment shows that it received nothing either; or \
                the phone was silent for more than one and a half intervals. A silence is told when the phone's stream \
                goes on without a hole, when its registration ends, or 5 seconds after three intervals; after five where \
                the mirror lost something without telling in the last 10 minutes. It is taken back when the phone goes \
                on as if nothing had been and bytes of it are missing. Nothing is concluded where frames were lost or \
                one direction is not shown. Holds while the gap is open and for thresholds.tell_events after it.",
    remedy: &[
        "See how many phones have it at the same time. Many phones of one CallManager: look at that server's CPU and at \
         its services. All phones of one place: look at the line to that place. One phone: its cable, port and power.",
        "On the switch ports of the phone and of the CallManager, look for errors, drops and a duplex mismatch \
         (show interfaces counters errors).",
        "Let the switches trust the marking of the signalling (mls qos trust dscp), so that keepalives do not wait behind \
         data.",
        "Phones behind a slow or long line: open Service > Service Parameters > Cisco CallManager, and raise \
         StationKeepaliveInterval from 30 to 90 seconds. It may be up to 1000; a dead CallManager is noticed later then.",
    ],
    reference: "Passage du principal au secondaire",
    explained_by: &["callmanager_down", "qos_not_trusted"],
    rules: &[Rule::Device(judge)],
};

const SILENT_PHONE: &[&str] = &[
    "See who else was silent at the same time: all phones of one switch or place point at the switch, its power or the \
     line; one phone alone at its own cable, port, power supply or the phone itself.",
    "On the phone's switch port, look for errors, a duplex mismatch and links that go down and up (show interfaces, show \
     logging), and whether its power over Ethernet was cut (show power inline).",
    "Ask whether the phone was unplugged or restarted at that time.",
    "Phones behind a slow or long line: open Service > Service Parameters > Cisco CallManager, and raise \
     StationKeepaliveInterval from 30 to 90 seconds (1000 at most).",
];

fn judge(case: &Case<'_>) -> Verdict {
    let Some(quality) = &case.device.quality else {
        return Verdict::No;
    };
    // What an open silence is, its end tells.
    let told = quality.gaps().filter(|gap| gap.is_proven);
    let Some(latest) = told.clone().next_back() else {
        return Verdict::No;
    };
    let server = case.site.callmanager(latest.server);
    let mut conclusion =
        Conclusion::new(latest.since, summary(latest, &server)).server(latest.server);
    if latest.direction == GapDirection::Phone {
        conclusion = conclusion.remedy(SILENT_PHONE);
    }
    for gap in told {
        conclusion = evidence_of(gap, conclusion, &case.site.callmanager(gap.server));
    }
    match latest.until {
        None => Verdict::holds(conclusion),
        Some(ended) => {
            let until = ended + case.site.thresholds.tell_events;
            Verdict::holds_until(until, case.now(), conclusion)
        }
    }
}

fn summary(gap: &Gap, server: &str) -> String {
    let interval = seconds(gap.interval);
    let lasted = gap.until.map(|until| seconds(until.since(gap.since)));
    match (gap.direction, lasted) {
        (GapDirection::CallManager, None) => format!(
            "{server} leaves keepalives without an answer: {} missed so far, one is sent every {interval}",
            gap.missed
        ),
        (GapDirection::CallManager, Some(lasted)) => format!(
            "{server} left {} in a row without an answer, for {lasted}; one is sent every {interval}",
            keepalives(gap.missed)
        ),
        (GapDirection::Phone, None) => {
            format!("the phone fell silent; it should speak to {server} every {interval}")
        }
        (GapDirection::Phone, Some(lasted)) => {
            format!(
                "the phone was silent for {lasted}; it should speak to {server} every {interval}"
            )
        }
    }
}

fn evidence_of(gap: &Gap, conclusion: Conclusion, server: &str) -> Conclusion {
    let mut conclusion = match gap.direction {
        GapDirection::CallManager => conclusion,
        GapDirection::Phone => conclusion.evidence(
            gap.since,
            format!("last sign of life before the silence, to {server}"),
        ),
    };
    for (place, &at) in gap.times.iter().enumerate() {
        let before = match gap.took_before {
            Some(took) if place == 0 => {
                format!("; the answer before it took {} ms", milliseconds(took))
            }
            _ => String::new(),
        };
        let text = format!(
            "KeepAlive to {server}: no answer within {}{before}",
            seconds(gap.interval)
        );
        conclusion = conclusion.evidence(at, text);
    }
    let (Some(until), Some(end)) = (gap.until, gap.end) else {
        return conclusion;
    };
    let text = match (end, gap.direction) {
        (GapEnd::Unregistered | GapEnd::Replaced, _) => "the registration ended",
        (_, GapDirection::CallManager) => "a keepalive was answered again",
        (_, GapDirection::Phone) => "the phone spoke again",
    };
    conclusion.evidence(until, text)
}

fn keepalives(number: u32) -> String {
    match number {
        1 => String::from("one keepalive"),
        _ => format!("{number} keepalives"),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.0} s", duration.as_secs_f64())
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}
