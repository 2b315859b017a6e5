//! What both kinds of resets have in common.

use crate::diagnosis::registration::story;
use crate::diagnosis::{Case, Verdict};
use crate::finding::Conclusion;
use crate::phone::history::{Happening, Moment};

/// Holds for `tell_events` after the last such moment; `tell` makes the summary of the latest ones.
pub(super) fn judge(
    case: &Case<'_>,
    is_such: fn(&Happening) -> bool,
    tell: fn(&Case<'_>, &[&Moment]) -> String,
) -> Verdict {
    let Some(history) = case.device.history.as_deref() else {
        return Verdict::No;
    };
    let (now, told_for) = (case.now(), case.site.thresholds.tell_events);
    let mut such: Vec<_> = Vec::new();
    let mut told_until = now;
    for moment in history.moments().rev() {
        if !is_such(&moment.what) {
            continue;
        }
        if told_until.since(moment.at) >= told_for {
            break;
        }
        told_until = moment.at;
        such.insert(0, moment);
    }
    let (Some(first), Some(last)) = (such.first(), such.last()) else {
        return Verdict::No;
    };
    let conclusion = Conclusion::new(first.at, tell(case, &such));
    let until = last.at + told_for;
    let conclusion = story::told(conclusion, case, such.iter().copied());
    Verdict::HoldsUntil(until, Box::new(conclusion))
}
