//! Cases of what CallManager's list says and the wire does not.

use std::sync::Arc;
use std::time::Duration;

use phonewatch::engine::Settings;
use phonewatch::inventory::Inventory;

use super::Case;
use crate::support::{Phone, Scene, stories};

pub(super) fn cases() -> Vec<Case> {
    let scene = || stories::boot(50);
    let name = Phone::new(50).name;
    let near = Phone::new(51).name;
    let itself = format!("Device Name,Model,Status\n{name},,Registered\n");
    let with_other = format!("{itself}SEP0000000000FF,,\n");
    vec![
        Case::raised("inventory_unknown", "a digit was misread", &scene())
            .with(listing(&format!("Device Name\n{near}\n"))),
        Case::harmless("inventory_unknown", "it is in the list", &scene()).with(listing(&itself)),
        Case::harmless("inventory_unknown", "there is no list", &scene()),
        Case::raised("inventory_missing", "one of two was not seen", &scene())
            .with(listing(&with_other))
            .with(after_seconds(1)),
        Case::harmless("inventory_missing", "it may still come", &scene())
            .with(listing(&with_other)),
        Case::harmless("inventory_missing", "another site's list", &scene())
            .with(listing("Device Name\nSEP0000000000FF\n"))
            .with(after_seconds(1)),
        Case::raised("inventory_model", "another model", &scene())
            .with(listing(&format!("Name,Model\n{name},Cisco 7985\n"))),
        Case::harmless("inventory_model", "no model is listed", &scene()).with(listing(&itself)),
        Case::raised("status_disagrees", "it is registered", &scene())
            .with(listing(&format!("Name,Status\n{name},Not Found\n"))),
        Case::harmless("status_disagrees", "the list agrees", &scene()).with(listing(&itself)),
    ]
}

fn listing(text: &str) -> impl FnOnce(&mut Settings) {
    let inventory = Inventory::parse(text.as_bytes()).unwrap();
    move |settings| settings.inventory = Some(Arc::new(inventory))
}

fn after_seconds(seconds: u64) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.thresholds.inventory_missing_after = Duration::from_secs(seconds);
    }
}
