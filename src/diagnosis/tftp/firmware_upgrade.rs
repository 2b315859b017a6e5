//! A phone fetches new firmware.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `firmware_upgrade`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "firmware_upgrade",
    stage: "tftp",
    severity: Severity::Info,
    title: "fetches firmware",
    meaning: "The phone fetches the firmware (load) that CallManager names for it. It restarts afterwards, once or more; \
              with a whole site upgrading at a time this can take long and load the lines.",
    concluded: "A load file was served whole. Told for findings.tell_events.",
    remedy: &[
        "Nothing: wait until the phone has restarted. Do not take its power away meanwhile.",
        "If nobody meant to upgrade, look at System > Device Defaults in CallManager for who changed the load.",
    ],
    reference: "Processus d'enregistrement, remarque",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(loaded) = case
        .device
        .files
        .as_deref()
        .and_then(|files| files.loaded.as_ref())
    else {
        return Verdict::No;
    };
    let file = &loaded.file;
    let (bytes, took) = (loaded.bytes, loaded.took.as_secs_f64());
    let summary = format!(
        "fetched the firmware file {} from {}",
        file.file, file.server
    );
    let conclusion = Conclusion::new(file.at, summary)
        .evidence(
            file.at,
            format!(
                "{} served {}: {bytes} bytes in {took:.1} s",
                file.server, file.file
            ),
        )
        .server(file.server);
    let until = file.at + case.site.thresholds.tell_events;
    Verdict::holds_until(until, case.now(), conclusion)
}
