//! A device moves to and fro between its CallManagers.

use super::story;
use crate::diagnosis::span::span;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::history::{Happening, History};

/// `registration_flapping`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "registration_flapping",
    stage: "registered",
    severity: Severity::Critical,
    title: "flapping between CallManagers",
    meaning: "The phone leaves its CallManager for another one and comes back, again and again; each time it cannot be \
              used for a while. It does so when keepalives to its first CallManager get lost or are answered too late.",
    concluded: "At least flap.moves registrations with another CallManager than the one before within flap.window. A \
                connection in reserve is no move; a move after a reset is planned and does not count. Cleared when the \
                moves have aged out of the window.",
    remedy: &[
        "See in the evidence who ended each registration, and what was open then. Keepalives without acknowledgment \
         point to the path or to a busy server; a connection that the CallManager closes points to that server.",
        "Trust the marking of the signalling on the switch port of each CallManager (Catalyst: mls qos trust dscp in the \
         port's configuration): with mls qos switched on, untrusted ports mark everything down, and keepalives wait \
         behind data. DSCP 0 from the CallManager in the evidence is the sign of it.",
        "Look for errors, drops and duplex mismatch on the path between phone and CallManager: show interfaces counters \
         errors.",
        "For phones behind a slow line: Service > Service Parameters, server, Cisco CallManager, raise \
         StationKeepaliveInterval from 30 to 90 seconds (1000 is the most).",
        "Give phones of one site the same CallManager group, and the servers' addresses instead of their names.",
    ],
    reference: "Passage du principal au secondaire",
    explained_by: &["callmanager_down"],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let registration = &case.device.registration;
    if !registration.is_flapping {
        return Verdict::No;
    }
    let moves: Vec<_> = registration.recent_moves().collect();
    let since = moves.first().copied().unwrap_or(case.device.stage_since);
    let last = moves.last().copied().unwrap_or(since);
    let history = case.device.history.as_deref();
    // The registration that the first of these moves ended is a part of it.
    let lately = || {
        let from = history.and_then(|history| {
            history
                .moments()
                .rev()
                .find(|moment| moment.at <= since && matches!(moment.what, Happening::Ended { .. }))
                .map(|moment| moment.at)
        });
        history
            .into_iter()
            .flat_map(History::moments)
            .filter(move |moment| moment.at >= from.unwrap_or(since))
    };
    let ended_by = lately().rev().find_map(|moment| match &moment.what {
        Happening::Ended {
            cause, callmanager, ..
        } => Some((*cause, *callmanager)),
        Happening::Registered { .. }
        | Happening::Told(_)
        | Happening::Said { .. }
        | Happening::Rejected { .. } => None,
    });
    let mut summary = format!(
        "moved {} times within {} between CallManagers",
        moves.len(),
        span(last.since(since))
    );
    if let Some((cause, callmanager)) = ended_by {
        let callmanager = case.site.callmanager(callmanager);
        let why = story::cause(cause);
        summary = format!("{summary}; it last left {callmanager}: {why}");
    }
    let mut conclusion = Conclusion::new(since, summary);
    if let Some((_, callmanager)) = ended_by {
        conclusion = conclusion.server(callmanager);
    }
    if history.is_none() {
        conclusion = conclusion.evidence(last, "registered with another CallManager");
    }
    Verdict::holds(story::told(conclusion, case, lately()))
}
