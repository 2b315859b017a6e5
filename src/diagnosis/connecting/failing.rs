//! What both ways of not connecting have in common.

use std::time::Duration;

use crate::diagnosis::{Case, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::attempts::{Failed, Outcome};

/// Where CallManager listens for phones unless somebody changed it.
const SCCP_PORT: u16 = 2000;

/// Where a registration was missed, among lost frames or because the capture cut it, its keepalives show it within this
/// time.
const HEARD_AGAIN: Duration = Duration::from_secs(90);

/// After so long it is asked again whether a server that was not seen is seen now.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Holds for a device of which connection attempts ended in such an outcome: as soon as no CallManager has let it in for
/// a while, or as a mere fact while it is registered, or may be so with a server that is not seen. `tell` says in words what became of the attempts with one server.
pub(super) fn judge(
    case: &Case<'_>,
    is_such: fn(Outcome) -> bool,
    tell: fn(&Failed) -> String,
) -> Verdict {
    let device = case.device;
    let Some(history) = device.history.as_deref() else {
        return Verdict::No;
    };
    let such = || {
        history
            .attempts
            .iter()
            .filter(|failed| is_such(failed.outcome))
    };
    let (Some(last), Some(first)) = (such().next_back(), such().map(|failed| failed.first).min())
    else {
        return Verdict::No;
    };
    let place = |failed: &Failed| {
        let name = case.site.callmanager(failed.callmanager);
        let port = failed.port;
        if port == SCCP_PORT {
            name
        } else {
            format!("{name} port {port}")
        }
    };
    let mut summary = format!("{}: {}", place(last), tell(last));
    // What failed while it was registered elsewhere kept nobody from anything.
    let alone_since = history.last_end().map_or(first, |end| end.max(first));
    let unseen = case.may_be_with(alone_since);
    let others = such().count() - 1;
    if others > 0 {
        summary = format!("{summary}; {others} more of its CallManagers likewise");
    }
    let current = device.registration.current;
    if let Some(current) = current {
        let callmanager = case.site.callmanager(current.callmanager);
        summary = format!("{summary}; it is registered with {callmanager} all the same");
    } else if let Some(unseen) = &unseen {
        summary = format!("{summary}; it may be registered with {unseen}, which is not seen here");
    }
    let conclusion = such().fold(
        Conclusion::new(first, summary).server(last.callmanager),
        |conclusion, failed| {
            let role = case.role(failed.callmanager).label();
            let text = format!("{} ({role}): {}", place(failed), tell(failed));
            conclusion
                .evidence(failed.first, format!("first SYN to {}", place(failed)))
                .evidence(failed.last, text)
        },
    );
    if current.is_some() {
        let until = last.last + case.site.thresholds.tell_events;
        return Verdict::holds_until(until, case.now(), conclusion.severity(Severity::Info));
    }
    let patience = case.site.thresholds.connect_patience;
    let sight = case.site.sight;
    // What it said to another server before may have been cut too.
    let all_was_read = sight.lost_nothing_since(alone_since)
        && sight.missed_nothing_since(alone_since - HEARD_AGAIN);
    let due = if all_was_read {
        alone_since + patience
    } else {
        alone_since + patience.max(HEARD_AGAIN)
    };
    if case.now() < due {
        Verdict::NotBefore(due)
    } else if unseen.is_some() {
        // Others may show that server without a change of this device.
        Verdict::HoldsUntil(
            case.now() + LOOK_AGAIN,
            Box::new(conclusion.severity(Severity::Info)),
        )
    } else {
        Verdict::holds(conclusion)
    }
}
