//! The page for Prometheus of simulated fleets, whatever befalls them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/fleet.rs"]
mod fleet;
#[path = "rules/tool.rs"]
mod tool;

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use fleet::Simulated;
use phonewatch::config::PerPhone;
use phonewatch::metrics::{MetricsSettings, SensorState, render};
use phonewatch::simulate::{Fleet, Plan, Scenario};
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;
use tool::tool;

/// A mix of which each phone meets with something else.
const MIX: [&str; 8] = [
    "healthy",
    "failover",
    "flapping",
    "rejected-licence",
    "dhcp-silent",
    "tftp-silent",
    "dns-failure",
    "qos-zero",
];

#[test]
fn the_page_of_a_mix() {
    let text = page(&watch(&MIX, 16));
    let shown: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("phonewatch_") && !line.contains("_bucket{"))
        .filter(|line| !line.ends_with(" 0") && !line.starts_with("phonewatch_build_info"))
        .collect();
    insta::assert_snapshot!("mix", shown.join("\n"));
}

#[test]
fn promtool_has_nothing_to_say_of_any_scenario() {
    let all: Vec<&str> = Scenario::ALL.iter().copied().map(Scenario::label).collect();
    let snapshot = watch(&all, 260);
    let text = page(&snapshot);
    // It is worth the while only where everything has a value.
    let codes: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("phonewatch_findings_raised_total{code=\""))
        .filter(|line| !line.ends_with(" 0"))
        .filter_map(|line| line.split('"').next())
        .collect();
    assert!(codes.len() > 30, "{codes:?}");
    let Some(mut promtool) = tool("promtool") else {
        return;
    };
    let mut promtool = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = promtool.wait_with_output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    assert!(output.status.success() && words.is_empty(), "{words}");
}

/// What the engine knows of such a fleet after half an hour.
fn watch(scenarios: &[&str], phones: u32) -> Arc<Snapshot> {
    let fleet = Fleet::new(&Plan {
        shares: scenarios.iter().map(|name| name.parse().unwrap()).collect(),
        phones,
        length: Duration::from_secs(30 * 60),
        seed: 4,
    });
    let end = fleet.end();
    fleet::watch(&mut Simulated::new(fleet, end))
}

fn page(snapshot: &Snapshot) -> String {
    let sensor = SensorState::starting(Timestamp::from_secs(1_700_000_000));
    let settings = MetricsSettings {
        per_phone: PerPhone::All,
        per_phone_limit: 1000,
    };
    render(snapshot, &sensor, &settings).unwrap()
}
