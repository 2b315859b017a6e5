//! A device registers with the same CallManager again and again.

use std::collections::BTreeMap;

use super::story;
use crate::diagnosis::span::span;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::history::{Happening, History, Moment};
use crate::phone::registration::{EndCause, RegistrationKind};

/// `registration_unstable`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "registration_unstable",
    stage: "registered",
    severity: Severity::Warning,
    title: "registers again and again",
    meaning: "The phone is registered, loses that, and registers with the same CallManager again, over and over. In \
              CallManager's pages it goes to and fro between registered and unregistered, and calls fail in between. \
              Often the phone was not added correctly, or CallManager throws it out because it sends too much; a bad \
              cable or a power supply that is too weak makes it boot again and again.",
    concluded: "At least registration.unstable (4) registrations with the CallManager of the one before, within \
                registration.unstable_window (20 min). Those that follow a reset, an Unregister of the phone's own, \
                or the recovery of a server that was down for everybody do not count, nor do moves to another \
                CallManager: those are registration_flapping. Cleared when they have aged out of the window.",
    remedy: &[
        "Delete the phone in CallManager and add it again: right device name, right model, right device pool.",
        "See in the evidence who ended each registration. CallManager: read its alarms for this device (SDL traces, \
         DeviceUnregistered with its reason). The phone: read its status messages (Settings > Status).",
        "Is the name used twice? Look for a second phone, or a softphone, with the same device name.",
        "If the phone boots each time: try another cable, another switch port, and a power supply of its own.",
    ],
    reference: "Enregistrement manuel, remarque",
    explained_by: &["callmanager_down"],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(history) = case.device.history.as_deref() else {
        return Verdict::No;
    };
    let (now, thresholds) = (case.now(), case.site.thresholds);
    let window = thresholds.unstable_window;
    let again: Vec<_> = thrown_out(history)
        .filter(|moment| now.since(moment.at) < window)
        .collect();
    let enough = usize::try_from(thresholds.unstable_registrations).unwrap_or(usize::MAX);
    let Some(oldest_needed) = again.len().checked_sub(enough.max(1)) else {
        return Verdict::No;
    };
    let (Some(first), Some(last), Some(needed)) =
        (again.first(), again.last(), again.get(oldest_needed))
    else {
        return Verdict::No;
    };
    let Happening::Registered { callmanager, .. } = &last.what else {
        return Verdict::No;
    };
    let lately = || {
        history
            .moments()
            .filter(|moment| now.since(moment.at) < window)
    };
    let mut causes: BTreeMap<EndCause, u32> = BTreeMap::new();
    for moment in lately() {
        if let Happening::Ended { cause, .. } = &moment.what {
            *causes.entry(*cause).or_default() += 1;
        }
    }
    let most = causes.into_iter().max_by_key(|(_, times)| *times);
    let why = most.map_or_else(String::new, |(cause, times)| {
        format!("; {times} times before that {}", story::cause(cause))
    });
    let summary = format!(
        "registered {} times within {} with {}, where it had been before{why}",
        again.len(),
        span(last.at.since(first.at)),
        case.site.callmanager(*callmanager)
    );
    let conclusion =
        Conclusion::new(story::since(lately(), first.at), summary).server(*callmanager);
    let conclusion = story::told(conclusion, case, lately());
    Verdict::HoldsUntil(needed.at + window, Box::new(conclusion))
}

/// Registrations with the CallManager of before that nobody wanted. A device that took its leave comes back of its own
/// will.
fn thrown_out(history: &History) -> impl Iterator<Item = &Moment> {
    let mut took_leave = false;
    history.moments().filter(move |moment| match moment.what {
        Happening::Ended { cause, .. } => {
            took_leave = matches!(
                cause,
                EndCause::Unregistered | EndCause::Reset | EndCause::User
            );
            false
        }
        Happening::Registered {
            kind, is_expected, ..
        } => kind == RegistrationKind::Again && !is_expected && !took_leave,
        Happening::Told(_) | Happening::Said { .. } | Happening::Rejected { .. } => false,
    })
}
