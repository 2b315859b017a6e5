//! A phone that is not in the list.

use crate::diagnosis::{Case, Entry, Rule, Verdict};
use crate::finding::{Conclusion, Severity};
use crate::net::DeviceName;

/// `inventory_unknown`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "inventory_unknown",
    stage: "any",
    severity: Severity::Info,
    title: "phone is not in the inventory",
    meaning: "A phone is on the network that CallManager's exported list does not have. It may be new, it may have \
              registered on its own, or somebody misread the label when it was added: then the list has a name that is \
              nearly the same.",
    concluded: "inventory.file names a list, and the phone's name is not in it. The evidence gives names of the list \
                that differ in one or two digits and were not seen themselves. Cleared when a list that has it is read.",
    remedy: &[
        "Compare the name with the MAC address that the phone itself shows (Settings > Network Configuration): labels \
         can be wrong, and a 0 or B is easily misread as O, D or 8.",
        "If the list has a name that is nearly the same, correct the MAC address of that phone in CallManager.",
        "If the phone is meant to be there, add it in CallManager (Device > Phone), export the list anew and reload \
         phonewatch. If it is not, unplug it.",
    ],
    reference: "Vérification",
    explained_by: &[],
    rules: &[Rule::Device(judge)],
};

/// Of more near misses nobody reads the names.
const MOST_NEAR: usize = 3;

fn judge(case: &Case<'_>) -> Verdict {
    let device = case.device;
    let Some(inventory) = case.site.inventory else {
        return Verdict::No;
    };
    let Some(name) = device.name.filter(|_| device.is_phone()) else {
        return Verdict::No;
    };
    if inventory.of(name).is_some() {
        return Verdict::No;
    }
    let seen = format!("{name} was seen for the first time");
    // One that is here itself was not misread.
    let near: Vec<DeviceName> = inventory
        .near(name)
        .into_iter()
        .filter(|near| case.site.devices.named(*near).is_none())
        .take(MOST_NEAR)
        .collect();
    let (summary, near_miss) = match near.first() {
        None => (String::from("not in the list of phones"), None),
        Some(nearest) => {
            let names: Vec<String> = near.iter().map(ToString::to_string).collect();
            let text = format!(
                "the list has {}, which differs in one or two digits",
                names.join(" and ")
            );
            (
                format!("not in the list of phones, which has {nearest}"),
                Some(text),
            )
        }
    };
    let conclusion = Conclusion::new(device.first_seen, summary).evidence(device.first_seen, seen);
    Verdict::holds(match near_miss {
        Some(text) => conclusion.evidence(device.first_seen, text),
        None => conclusion,
    })
}
