//! A phone's configuration is broken.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `config_corrupt`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "config_corrupt",
    stage: "tftp",
    severity: Severity::Warning,
    title: "the configuration file is broken",
    meaning: "The TFTP server delivered the phone's configuration whole, and it makes no sense: it is no well-formed XML, \
              or it names no CallManager. The phone cannot use it and does not know where to register. The phone's entry \
              in CallManager's database is damaged, or the TFTP server serves an old or half-written file.",
    concluded: "All blocks of the file were seen and it does not parse, or the phone's own file has no CallManager in it. \
                Encrypted files and the compiled files of CallManager 3 are not judged. Cleared when a good one is \
                delivered.",
    remedy: &[
        "Restart the Cisco TFTP service in Service > Control Center, so that it makes all configuration files anew.",
        "In CallManager open Device > Phone for this phone, press Update and then Reset Phone: its file is written again.",
        "Does its device pool have a Cisco CallManager group with at least one server in it?",
        "If it is still broken, delete the phone in CallManager and add it again.",
    ],
    reference: "Rejet d'enregistrement; Suppression et nouvelle création d'un téléphone",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(corrupt) = case
        .device
        .files
        .as_deref()
        .and_then(|files| files.corrupt.as_ref())
    else {
        return Verdict::No;
    };
    let (file, bytes, what) = (&corrupt.file, corrupt.bytes, &corrupt.what);
    let summary = format!("{} from {} is broken: {what}", file.file, file.server);
    Verdict::holds(
        Conclusion::new(file.at, summary)
            .evidence(
                file.at,
                format!(
                    "{} served {}: {bytes} bytes, {what}",
                    file.server, file.file
                ),
            )
            .server(file.server),
    )
}
