//! What befell a device's registrations, in words.

use crate::diagnosis::Case;
use crate::finding::Conclusion;
use crate::phone::history::{Happening, Marks, Moment};
use crate::phone::keepalive::GapDirection;
use crate::phone::registration::EndCause;
use crate::time::Timestamp;

/// With these moments as evidence. Of more than are kept, the latest say the most.
pub(in crate::diagnosis) fn told<'a>(
    conclusion: Conclusion,
    case: &Case<'_>,
    moments: impl DoubleEndedIterator<Item = &'a Moment>,
) -> Conclusion {
    let latest: Vec<_> = moments.rev().take(Conclusion::MOST_EVIDENCE).collect();
    latest
        .into_iter()
        .rev()
        .fold(conclusion, |conclusion, moment| {
            conclusion.evidence(moment.at, tell(case, moment))
        })
}

/// When the first of what is told happened.
pub(in crate::diagnosis) fn since<'a>(
    mut moments: impl Iterator<Item = &'a Moment>,
    otherwise: Timestamp,
) -> Timestamp {
    moments.next().map_or(otherwise, |moment| moment.at)
}

/// Who or what ended a registration.
pub(in crate::diagnosis) const fn cause(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Unregistered => "the phone unregistered",
        EndCause::Reset => "CallManager had told the phone to reset",
        EndCause::User => "the user reset the phone (**#**)",
        EndCause::ClosedByCallManager => "the CallManager's side closed the connection",
        EndCause::ClosedByPhone => "the phone's side closed the connection",
        EndCause::Replaced => "the phone registered anew without leaving",
        EndCause::Restarted => "the phone booted",
        EndCause::Silent => "nothing was heard of the phone any more",
    }
}

fn tell(case: &Case<'_>, moment: &Moment) -> String {
    match &moment.what {
        Happening::Registered {
            callmanager,
            client,
            is_expected,
            marks,
            ..
        } => {
            let role = case.role(*callmanager).label();
            let callmanager = case.site.callmanager(*callmanager);
            let expected = if *is_expected {
                "; not counted: a reset, an outage, lost frames or a CallManager that is not seen here may explain it"
            } else {
                ""
            };
            format!(
                "registered with {callmanager} ({role}) from {client}{expected}{}",
                tell_marks(*marks)
            )
        }
        Happening::Ended {
            callmanager,
            since,
            cause: ended_by,
            gap,
        } => {
            let callmanager = case.site.callmanager(*callmanager);
            let mut told = format!(
                "registration with {callmanager} ended after {}: {}",
                crate::diagnosis::span::span(moment.at.since(*since)),
                cause(*ended_by)
            );
            if let Some(gap) = gap {
                let who = match gap.direction {
                    GapDirection::CallManager => "no keepalive acknowledged since",
                    GapDirection::Phone => "nothing heard of the phone since",
                };
                told = format!("{told}; {who} {}", gap.since);
            }
            told
        }
        Happening::Told(how) => format!("Reset message from its CallManager: {how}"),
        Happening::Said { text, .. } => format!("Alarm of the phone: Last={text}"),
        Happening::Rejected { callmanager, text } => {
            let callmanager = case.site.callmanager(*callmanager);
            format!("RegisterReject from {callmanager}: \"{text}\"")
        }
    }
}

fn tell_marks(marks: Marks) -> String {
    match (marks.phone, marks.callmanager) {
        (Some(phone), Some(callmanager)) => {
            format!("; DSCP {phone} from the phone, {callmanager} from the CallManager")
        }
        _ => String::new(),
    }
}
