//! A phone of another model than the list says.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::inventory::is_same_model;

/// `inventory_model`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "inventory_model",
    stage: "any",
    severity: Severity::Warning,
    title: "phone is of another model than configured",
    meaning: "CallManager's list has this phone as another model than it says it is. Such a phone is refused with a \
              version or device type error, or works without its buttons: a 7961G-GE that was added as a 7961G is the \
              usual case.",
    concluded: "inventory.file names a list with a column for the model, and its model number differs from that which \
                the phone tells when it registers, in its alarm, by CDP or by DHCP. Names without a model number are \
                not compared.",
    remedy: &[
        "Read the model on the back of the phone.",
        "In CallManager, note the phone's settings, delete it (Device > Phone) and add it again as the model that it is: \
         the model of a phone cannot be changed.",
        "Export the list anew and reload phonewatch.",
    ],
    reference: "7961G",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let configured = case.configured().and_then(|phone| phone.model.as_deref());
    let (Some(configured), Some(model)) = (configured, device.model()) else {
        return Verdict::No;
    };
    if is_same_model(configured, model) != Some(false) {
        return Verdict::No;
    }
    let summary = format!("it is a {model} and is configured as a {configured}");
    let seen = format!("the phone says that it is a {model}");
    Verdict::holds(Conclusion::new(device.first_seen, summary).evidence(device.first_seen, seen))
}
