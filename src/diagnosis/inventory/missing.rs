//! A phone of the list that was never seen.

use crate::diagnosis::{Entry, Rule, Site, Verdict};
use crate::finding::{Conclusion, Severity, Subject};

/// `inventory_missing`.
pub(in crate::diagnosis) static ENTRY: Entry = Entry {
    code: "inventory_missing",
    stage: "any",
    severity: Severity::Info,
    title: "configured phone was never seen",
    meaning: "CallManager has this phone in its list, and nothing of it was seen since the capture began. It may be \
              unplugged or in a drawer, at a place that the mirror does not show, or added with a wrong MAC address.",
    concluded: "inventory.file names a list, the capture has been watching for inventory.missing_after, other phones \
                of the list were seen, and this one was not. Of very many, the first 500 by name are told. Cleared \
                when it is seen.",
    remedy: &[
        "Find the phone: is it plugged in, and does its display light up?",
        "Does the mirror show the place where it is? Other phones of its device pool tell.",
        "Compare its name in CallManager with the MAC address on the phone itself.",
        "Delete it in CallManager (Device > Phone) if it is no longer used: unused phones that are plugged in again \
         keep asking DHCP and TFTP.",
    ],
    reference: "Suppression",
    explained_by: &[],
    rules: &[Rule::Site(judge)],
};

/// Of more than these nobody reads the names.
const MOST: usize = 500;

fn judge(site: &Site<'_>) -> Vec<(Subject, Verdict)> {
    let (Some(inventory), Some(began)) = (site.inventory, site.sight.watching_since()) else {
        return Vec::new();
    };
    if site.now.since(began) < site.thresholds.inventory_missing_after {
        return Vec::new();
    }
    let mut is_any_here = false;
    let mut missing = Vec::new();
    for (name, phone) in inventory.iter() {
        if site.devices.named(name).is_some() {
            is_any_here = true;
        } else if missing.len() < MOST {
            let what = [
                &phone.description,
                &phone.model,
                &phone.device_pool,
                &phone.directory_number,
            ];
            let what: Vec<&str> = what.into_iter().flatten().map(AsRef::as_ref).collect();
            let listed = if what.is_empty() {
                String::from("the list has it")
            } else {
                format!("the list has it: {}", what.join(", "))
            };
            let conclusion = Conclusion::new(began, "never seen since the capture began")
                .evidence(began, listed);
            missing.push((Subject::Configured(name), Verdict::holds(conclusion)));
        }
    }
    // Where not one of them is here, it is another site's list, or a mirror that shows no phones.
    if is_any_here { missing } else { Vec::new() }
}
