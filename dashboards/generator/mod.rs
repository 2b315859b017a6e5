//! The dashboards as data: each is a list of rows, each row a list of panels, each panel a few queries.
//!
//! The JSON beside this folder is what comes out of here; a test holds that it is. So a change to a dashboard is a change
//! here, and what all panels share stands in one place: colours, matchers, links, the size of things.

mod boot_chain;
mod callmanager;
mod colour;
mod dashboard;
mod fleet;
mod panel;
mod phone;
mod query;
mod sensor;
mod table;
mod variable;

use dashboard::Dashboard;

/// Every dashboard: the name of its file, and its text.
pub(crate) fn dashboards() -> Vec<(&'static str, String)> {
    let dashboards = [
        ("fleet.json", fleet::dashboard()),
        ("callmanager.json", callmanager::dashboard()),
        ("phone.json", phone::dashboard()),
        ("boot-chain.json", boot_chain::dashboard()),
        ("sensor.json", sensor::dashboard()),
    ];
    dashboards
        .into_iter()
        .map(|(name, dashboard): (_, Dashboard)| (name, format!("{:#}\n", dashboard.into_json())))
        .collect()
}
