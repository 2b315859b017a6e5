//! One device name is used from two addresses at once.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};

/// `duplicate_registration`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "duplicate_registration",
    stage: "registered",
    severity: Severity::Warning,
    title: "one device name, two phones",
    meaning: "Two stations register under the same device name and both go on talking to CallManager. CallManager knows \
              one device of that name: calls reach one of the two, and sooner or later each throws the other out. A \
              cloned softphone, a phone with a wrong hardware address, or a gateway port that was configured twice does \
              that.",
    concluded: "While the device is registered from one address, at least two keepalives came from another address \
                on a connection that is registered under the same name and that a CallManager still serves. A phone \
                that moved, or was given another address, is silent at its old one; another port of the same \
                address is NAT; neither counts. Cleared when the other address has been silent for \
                findings.tell_events.",
    remedy: &[
        "Find both stations by the addresses in the evidence: the switch's or router's ARP table gives their hardware \
         addresses, show mac address-table address gives the port of each.",
        "Read the hardware address on the label of each phone, and compare it with the device name in CallManager.",
        "A softphone takes its name from its settings: give each one a name of its own.",
        "Unplug the wrong one, and reset the other from CallManager.",
    ],
    reference: "-",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

/// One keepalive may have been under way when the phone moved.
const ENOUGH: u32 = 2;

fn judge(case: &Case<'_>) -> Verdict {
    let rival = case
        .device
        .history
        .as_ref()
        .and_then(|history| history.rival.as_deref())
        .filter(|rival| rival.keepalives >= ENOUGH);
    let Some(rival) = rival else {
        return Verdict::No;
    };
    let [one, other] = rival.addresses;
    let callmanager = case.site.callmanager(rival.callmanager);
    let summary = format!("its name is in use at {one} and at {other} at the same time");
    let said = |which| {
        format!(
            "{which} keepalive on a session of this name with {callmanager} beside the registration from the other address"
        )
    };
    let conclusion = Conclusion::new(rival.first, summary)
        .evidence(rival.first, said("first"))
        .evidence(rival.last, said("last"));
    let until = rival.last + case.site.thresholds.tell_events;
    Verdict::holds_until(until, case.now(), conclusion)
}
