//! Sessions that are reset when they reach a certain age.

use std::collections::HashSet;
use std::time::Duration;

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::quality::Cut;
use crate::time::Timestamp;

const CODE: &str = "firewall_timeout";

/// `firewall_timeout`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: CODE,
    stage: "registered",
    severity: Severity::Warning,
    title: "sessions are cut off at a certain age",
    meaning: "The connections of several phones to their CallManager are reset when they have lasted for the same time, \
              again and again. Neither phones nor CallManager do that: something in between does, a firewall or a device \
              for network address translation that ends sessions when a timer runs out. The phones register again each \
              time, and calls at that moment cannot be controlled.",
    concluded: "Registered connections of at least thresholds.firewall_phones (3) phones were reset at the same age, give \
                or take thresholds.firewall_tolerance, at least thresholds.firewall_sessions (5) of them, at different \
                times, and few others at nearby ages. Resets that CallManager asked for do not count, nor those after \
                missed keepalives. Holds for twice the age after this phone's last one, and for twice as long again where \
                frames were lost in which the next one, or the registration before it, may have been missed.",
    remedy: &[
        "Find the firewall, or whatever translates addresses, between these phones and their CallManager.",
        "Raise its session timer for TCP port 2000 (2443 for secure phones) far above the age given above, for example \
         to a day; on some the setting is called session TTL or TCP idle timeout.",
        "Let it inspect SCCP, or switch the inspection off, whichever it was not: an inspection that does not know the \
         phones' version ends sessions too.",
        "Watch whether the resets stop.",
    ],
    reference: "",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

/// Cuts of other ages are looked for so many tolerances away: a timer shows as a peak, and chance does not.
const NEARBY: u32 = 10;

/// The cuts of one moment are one event, like the end of a server.
const ONE_MOMENT: Duration = Duration::from_secs(5);

/// A phone that was cut off registers again within this time.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(60);

/// A phone is asked anew after so long: others may have been cut off at the age of its own session.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

fn judge(case: &Case<'_>) -> Verdict {
    let Some(quality) = &case.device.quality else {
        return Verdict::No;
    };
    let Some(own) = quality.cuts().next_back() else {
        return Verdict::No;
    };
    let until = own.at + lasts(case, own).max(case.site.thresholds.tell_events);
    if case.now() >= until {
        return Verdict::No;
    }
    let Some((first, phones, sessions)) = same_age(case, own) else {
        let again = case.now() + LOOK_AGAIN;
        return Verdict::NotBefore(again.min(until));
    };
    let age = own.age.as_secs();
    let server = case.site.callmanager(own.server);
    let summary = format!(
        "sessions with {server} are reset after {age} s: {sessions} of {phones} phones so far"
    );
    let conclusion = Conclusion::new(first, summary).server(own.server);
    let conclusion = quality
        .cuts()
        .filter(|cut| is_same_age(case, cut.age, own.age))
        .fold(conclusion, |conclusion, cut| {
            let text = format!("reset, {} s after it registered", cut.age.as_secs());
            conclusion.evidence(cut.at, text)
        });
    Verdict::holds_until(until, case.now(), conclusion)
}

/// How long such a cut speaks for a timer. One that nobody saw, or the session after which began unseen, is followed by
/// another of which the age is not known; so the next one that counts comes three ages later.
fn lasts(case: &Case<'_>, own: &Cut) -> Duration {
    let next = own.at + own.age + COMES_BACK_WITHIN;
    let sight = case.site.sight;
    let is_seen = sight.lost_nothing_between(own.at, next.min(case.now()));
    own.age.saturating_mul(if is_seen { 2 } else { 4 })
}

fn is_same_age(case: &Case<'_>, one: Duration, other: Duration) -> bool {
    one.abs_diff(other) <= case.site.thresholds.firewall_tolerance
}

/// When the first session of this age was cut off, of how many phones, and how many sessions; if that is no chance.
fn same_age(case: &Case<'_>, own: &Cut) -> Option<(Timestamp, usize, usize)> {
    let limits = case.site.thresholds;
    let server = case.site.callmanagers.get(&own.server)?;
    let near = limits.firewall_tolerance.saturating_mul(NEARBY);
    let (mut phones, mut sessions, mut nearby) = (HashSet::new(), 0_usize, 0_usize);
    let mut times = Vec::new();
    for (at, age, phone) in server.troubles.as_deref()?.cuts() {
        if is_same_age(case, age, own.age) {
            phones.insert(phone);
            sessions += 1;
            times.push(at);
        } else if age.abs_diff(own.age) <= near {
            nearby += 1;
        }
    }
    times.sort_unstable();
    let first = *times.first()?;
    // That it was no server's end stays known, though moments that would show it again may have been missed.
    let is_known = case
        .device
        .findings
        .of(CODE)
        .is_some_and(|finding| finding.is_active());
    let number = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
    let is_no_chance = phones.len() >= number(limits.firewall_phones)
        && sessions >= number(limits.firewall_sessions)
        && sessions >= 3 * nearby
        && (is_known || moments(&times, own.age) >= number(limits.firewall_phones));
    is_no_chance.then_some((first, phones.len(), sessions))
}

/// How many moments there were within the last `age`. A server that restarts again and again ends all sessions at one
/// moment each time, and there is one moment in the time that a session lives.
fn moments(times: &[Timestamp], age: Duration) -> usize {
    let Some(&last) = times.last() else { return 0 };
    let mut number = 0;
    let mut before: Option<Timestamp> = None;
    for &at in times {
        let is_of_this_round = last.since(at) + ONE_MOMENT < age;
        if is_of_this_round && before.is_none_or(|before| at.since(before) > ONE_MOMENT) {
            number += 1;
            before = Some(at);
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_end_together_end_at_one_moment_each_time() {
        let times = |seconds: &[u64]| -> Vec<Timestamp> {
            seconds.iter().copied().map(Timestamp::from_secs).collect()
        };
        let age = Duration::from_secs(100);
        assert_eq!(moments(&times(&[100, 101, 102, 202, 203, 204]), age), 1);
        assert_eq!(moments(&times(&[100, 120, 140, 202, 222, 242]), age), 3);
        assert_eq!(moments(&[], age), 0);
    }
}
