//! A device is registered below a CallManager that would have it.

use std::net::IpAddr;
use std::time::Duration;

use crate::diagnosis::span::span;
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::Role;
use crate::phone::history::{Happening, History};
use crate::phone::registration::Proof;
use crate::wire::sep_config::Host;

/// `registered_out_of_order`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "registered_out_of_order",
    stage: "registered",
    severity: Severity::Warning,
    title: "registered with the wrong CallManager of its list",
    meaning: "The phone works, but it is registered with a CallManager that its own list names second or later, while a \
              better one is up and serves others. All such phones load the wrong server, and nobody notices until that \
              one fails. Often the phone cannot resolve the better server's name, or its group has another order than \
              you think.",
    concluded: "The phone has been registered for registration.out_of_order_after (10 min) with a server that its \
                list ranks below one with which other phones are registered now; for registration.failback_within \
                (60 min) where the phone had lost the better one, or cannot reach it, since it may have to wait for \
                its way back, and where nobody saw it boot or register. Cleared when it goes there.",
    remedy: &[
        "In CallManager, System > Server: write the servers' IP addresses instead of their host names, then restart the \
         phones.",
        "System > Cisco CallManager Group: is the order the one that you want? Device > Device Pool: does the phone's \
         pool use that group?",
        "On the phone, Settings > Network: compare CallManager 1 to 5 with the group; erase the phone's configuration if \
         it keeps an old list.",
        "If the list is right, look for what keeps the phone from the first server: access lists, DNS, a rejected \
         registration.",
    ],
    reference: "Téléphone IP Cisco toujours enregistré auprès du serveur d'abonné",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

/// A mirror that shows nothing for so long may be gone.
const ALIVE: Duration = Duration::from_secs(60);

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let Some(current) = device.registration.current else {
        return Verdict::No;
    };
    if matches!(current.role, Role::Primary | Role::Unknown) {
        return Verdict::No;
    }
    let Some(rank) = case.role(current.callmanager).rank() else {
        return Verdict::No;
    };
    let history = device.history.as_deref();
    let thresholds = case.site.thresholds;
    let mut better = better_ones(case, rank).peekable();
    if better.peek().is_none() {
        return Verdict::No;
    }
    // Of one that began unseen nobody knows why it is there, nor where a phone was before that nobody saw boot.
    let has_a_reason = current.role == Role::Srst
        || current.proof == Proof::Inferred
        || device.boot.passes == 0
        || better_ones(case, rank)
            .any(|server| history.is_some_and(|history| speaks_against(history, server)));
    let patience = if has_a_reason {
        thresholds.failback_within
    } else {
        thresholds.out_of_order_after
    };
    let now = case.now();
    // What began before the clock was set may not have lasted so long.
    let due = current.since.max(case.site.sight.unbroken_since()) + patience;
    if now < due {
        return Verdict::NotBefore(due);
    }
    // While the mirror shows nothing at all, nobody knows where the phone is.
    if !case.site.sight.is_alive_at(now - ALIVE) {
        return Verdict::NotBefore(now + thresholds.out_of_order_after);
    }
    // Whether others are served there changes without a change of this device.
    let again = now + thresholds.out_of_order_after;
    let serving = better.find_map(|server| {
        let server = case.site.callmanagers.get(&server)?;
        // A few whom it turns away now are those whose own configuration is wrong.
        let turns_away_many = server.turned_down.as_ref().is_some_and(|turned| {
            u32::try_from(turned.denied()).is_ok_and(|number| number >= thresholds.server_phones)
        });
        let has_others = server.registered_phones > 0 && !turns_away_many;
        has_others.then_some(server)
    });
    let Some(serving) = serving else {
        return Verdict::NotBefore(again);
    };
    let own = case.site.callmanager(current.callmanager);
    let other = case.site.callmanager(serving.address);
    let summary = format!(
        "registered with {own}, its {}, for {}, while {other}, its {}, serves {} phones",
        current.role.label(),
        span(now.since(current.since)),
        case.role(serving.address).label(),
        serving.registered_phones
    );
    let conclusion = Conclusion::new(current.since, summary)
        .evidence(current.since, format!("registered with {own}"))
        .evidence(
            now,
            format!(
                "{other} has {} phones registered",
                serving.registered_phones
            ),
        );
    Verdict::HoldsUntil(again, Box::new(conclusion))
}

/// The addresses in the phone's list that stand before the place `rank`.
fn better_ones<'a>(case: &'a Case<'_>, rank: u8) -> impl Iterator<Item = IpAddr> + 'a {
    let members = case.device.group.iter().flat_map(|group| &group.members);
    members
        .take(usize::from(rank))
        .filter_map(|host| match host {
            Host::Address(address) => Some(*address),
            Host::Name(name) => (case.site.address_of)(name),
        })
}

/// Whether the phone has lost this server, or cannot get in there.
fn speaks_against(history: &History, server: IpAddr) -> bool {
    let is_closed = history
        .attempts
        .iter()
        .any(|failed| failed.callmanager == server);
    is_closed
        || history.moments().any(|moment| match &moment.what {
            Happening::Ended { callmanager, .. } | Happening::Rejected { callmanager, .. } => {
                *callmanager == server
            }
            Happening::Registered { .. } | Happening::Told(_) | Happening::Said { .. } => false,
        })
}
