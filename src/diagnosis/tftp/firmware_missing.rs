//! The TFTP server does not have the firmware that a phone is to run.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `firmware_missing`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "firmware_missing",
    stage: "tftp",
    severity: Severity::Warning,
    title: "firmware is missing or does not fit",
    meaning: "The phone was told to run a firmware (a load) and could not get it, or rejected it. It goes on with the old \
              one, or tries again and again. Usual causes: the load's files were not copied to every TFTP server, the \
              load's name is misspelt in CallManager, or the phone is entered there as another model.",
    concluded: "A load file was answered with \"file not found\" and no load was served within boot.settle; or the \
                phone's own alarm gives a load error as the reason of its last restart. Cleared when a load is \
                served, when a new configuration asks for none, or when the phone restarts for another reason.",
    remedy: &[
        "In CallManager open System > Device Defaults (in later versions Device > Device Settings > Device Defaults) and \
         compare the load of this model with the file named above.",
        "Open Device > Phone for this phone: its own Load Information should be empty, and its model the right one.",
        "Copy all files of the load into the TFTP folder of every TFTP server, best by installing the load's package \
         again.",
        "Restart the Cisco TFTP service, then reset the phone.",
    ],
    reference: "Processus d'enregistrement, remarque",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(files) = case.device.files.as_deref() else {
        return Verdict::No;
    };
    if let Some(error) = &files.load_error {
        let summary = format!("restarted because of its firmware: {}", error.text);
        let conclusion =
            Conclusion::new(error.at, summary).evidence(error.at, format!("Alarm: {}", error.text));
        return Verdict::holds(match &files.missing_load {
            Some(missing) => conclusion.evidence(
                missing.last.at,
                format!("{} is not on {}", missing.last.file, missing.last.server),
            ),
            None => conclusion,
        });
    }
    let Some(missing) = &files.missing_load else {
        return Verdict::No;
    };
    let last = &missing.last;
    let settled = missing.since + case.site.thresholds.settle;
    if case.now() < settled {
        return Verdict::NotBefore(settled);
    }
    if !case.site.sight.lost_nothing_between(missing.since, settled) {
        return Verdict::No;
    }
    let summary = match missing.times {
        1 => format!("the firmware file {} is not on {}", last.file, last.server),
        times => format!(
            "the firmware file {} is not on {}, asked for {times} times",
            last.file, last.server
        ),
    };
    let conclusion = Conclusion::new(missing.since, summary)
        .evidence(
            last.at,
            format!("{} answered {}: file not found", last.server, last.file),
        )
        .server(last.server);
    // A configuration that came later may ask for another load, or none: soon it will show.
    match case.device.tftp.configured.filter(|at| *at > last.at) {
        Some(configured) => Verdict::holds_until(
            configured + case.site.thresholds.stuck,
            case.now(),
            conclusion,
        ),
        None => Verdict::holds(conclusion),
    }
}
