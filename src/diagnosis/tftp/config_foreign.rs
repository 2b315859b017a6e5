//! A phone asks for the configuration of another one.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `tftp_config_foreign`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "tftp_config_foreign",
    stage: "tftp",
    severity: Severity::Warning,
    title: "asks for another phone's configuration",
    meaning: "A phone asks for a file that is named after its own hardware (MAC) address. This one asked for a file with \
              another address. Either way CallManager knows this phone under a name that is not its own, or not at all.",
    concluded: "The hardware address with which the phone asks DHCP differs from that in the name of the \
                configuration file it asks for. Never concluded from the sender of a frame, which may be a router, \
                nor where the other phone was seen itself. Cleared when the phone asks for its own file, or \
                findings.tell_events after it last asked.",
    remedy: &[
        "Read the MAC address on the phone itself: Settings, then Network Configuration. Do not trust the label: it can \
         be wrong.",
        "On a 12 SP+ or 30 VIP press **# and then 1 until the MAC address appears.",
        "In CallManager open Device > Phone and correct the MAC address of this phone.",
        "Switch the phone off and on.",
    ],
    reference: "Vérification de l'adresse MAC incorrecte sur l'étiquette du téléphone",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let Some(foreign) = case
        .device
        .files
        .as_deref()
        .and_then(|files| files.foreign.as_ref())
    else {
        return Verdict::No;
    };
    let Some(own) = case.device.mac else {
        return Verdict::No;
    };
    let first = &foreign.first;
    let summary = format!(
        "asked for {}, while its own hardware address is {own}: {} of 12 digits differ",
        first.file, foreign.digits
    );
    let conclusion = Conclusion::new(first.at, summary)
        .evidence(
            foreign.leased,
            format!("DHCP ACK to hardware address {own}"),
        )
        .evidence(
            first.at,
            format!("asked {} for {}", first.server, first.file),
        )
        .server(first.server);
    let until = foreign.last + case.site.thresholds.tell_events;
    Verdict::holds_until(until, case.now(), conclusion)
}
