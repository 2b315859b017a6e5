//! A CallManager refuses to register a device.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::Stage;

/// `registration_rejected`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "registration_rejected",
    stage: "rejected",
    severity: Severity::Critical,
    title: "registration rejected",
    meaning: "The phone reached a CallManager and asked to be registered; the CallManager said no. The phone shows the \
              text of the refusal and asks again every few seconds. The cause is in CallManager's database, not in \
              the network.",
    concluded: "A RegisterReject was the last answer to this phone's Register. Cleared when it registers.",
    remedy: &[
        "Look the phone up in CallManager by its device name: is it there, and of the right model?",
        "Is auto-registration off, or its range of directory numbers used up? Add the phone, or widen the range.",
        "Delete the phone in CallManager and add it again, so that its database entry is made anew.",
    ],
    reference: "Rejet d'enregistrement",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let registration = &case.device.registration;
    let Some(reject) = registration
        .last_reject
        .as_deref()
        .filter(|_| case.device.stage == Stage::Rejected)
    else {
        return Verdict::No;
    };
    let (reason, text) = reject;
    let times = registration.rejects;
    let summary = format!(
        "registration rejected {times} times: \"{text}\" ({})",
        reason.label()
    );
    let said = format!("RegisterReject \"{text}\"");
    Verdict::holds(
        Conclusion::new(case.device.stage_since, summary).evidence(case.device.stage_since, said),
    )
}
