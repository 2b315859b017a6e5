//! A CallManager refuses to register a device.

use super::{remedies, story};
use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::phone::history::Happening;
use crate::wire::sccp::RejectReason;

/// `registration_rejected`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "registration_rejected",
    stage: "rejected",
    severity: Severity::Critical,
    title: "registration rejected",
    meaning: "The phone reached a CallManager and asked to be registered; the CallManager said no. The phone shows the \
              text of the refusal and asks again every few seconds. The cause is in CallManager's database or licences, \
              not in the network.",
    concluded: "A RegisterReject was the last answer to this phone's Register; its text says why, also where it is only \
                the number of a phrase that the phone knows. It holds while the phone asks again. Cleared when it \
                registers.",
    remedy: remedies::UNKNOWN,
    reference: "Rejet d'enregistrement; message « version error »; téléphone 7961G",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let Some((reason, text)) = device.registration.last_reject.as_deref() else {
        return Verdict::No;
    };
    let run = device
        .history
        .as_ref()
        .and_then(|history| history.rejects.as_deref())
        .filter(|_| device.registration.current.is_none());
    let (Some(run), Some(history)) = (run, device.history.as_deref()) else {
        return Verdict::No;
    };
    let callmanager = case.site.callmanager(run.callmanager);
    let times = match run.times {
        1 => String::from("rejected"),
        times => format!("rejected {times} times"),
    };
    let mut summary = format!(
        "{times}, last by {callmanager}: \"{text}\": {}",
        meaning(*reason)
    );
    let is_of_the_model = matches!(reason, RejectReason::Mismatch | RejectReason::VersionError);
    if let Some(model) = device.model().filter(|_| is_of_the_model) {
        summary = format!("{summary}; the phone says that it is a {model}");
    }
    let rejects = || {
        history
            .moments()
            .filter(|moment| matches!(moment.what, Happening::Rejected { .. }))
            .filter(|moment| moment.at >= run.first)
    };
    let conclusion =
        Conclusion::new(run.first, summary).remedy(remedies::of(*reason, device.model()));
    let conclusion = story::told(conclusion, case, rejects());
    Verdict::holds(conclusion.server(run.callmanager))
}

/// What a reason says of the phone.
const fn meaning(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::DatabaseConfig => {
            "it is not in CallManager's database and does not register by itself, or its entry is damaged"
        }
        RejectReason::Database => "CallManager could not ask its database",
        RejectReason::MaxPhones => "no more phones fit on that server",
        RejectReason::Mismatch => "it is configured as another model",
        RejectReason::NoLicense => "CallManager has no licence left for it",
        RejectReason::NotAuthorized => "it is not allowed to register there",
        RejectReason::PassLimit => "CallManager has had enough of its attempts",
        RejectReason::Security => "its security settings are not those of CallManager",
        RejectReason::Unknown => "the text names no known reason",
        RejectReason::UnknownDevice => "CallManager does not know its name",
        RejectReason::VersionError => {
            "it is configured as another model, or its firmware does not fit"
        }
    }
}
