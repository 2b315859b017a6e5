//! The page for Prometheus of simulated fleets, whatever befalls them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "rules/tool.rs"]
mod tool;

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use phonewatch::app::drive::{Outlet, drive};
use phonewatch::capture::{FrameSource, Input};
use phonewatch::config::PerPhone;
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::Event;
use phonewatch::metrics::{MetricsSettings, SensorState, render};
use phonewatch::record::{Frame, LinkType, Record};
use phonewatch::simulate::{Fleet, FleetFrame, Plan, Scenario};
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
    let end = Some(fleet.end());
    let mut last = Last::default();
    let mut source = Simulated {
        fleet,
        frame: None,
        end,
    };
    drive(
        &mut source,
        &mut Engine::new(Settings::default()),
        &mut last,
    );
    last.0
}

fn page(snapshot: &Snapshot) -> String {
    let sensor = SensorState::starting(Timestamp::from_secs(1_700_000_000));
    let settings = MetricsSettings {
        per_phone: PerPhone::All,
        per_phone_limit: 1000,
    };
    render(snapshot, &sensor, &settings).unwrap()
}

/// The frames of a fleet, and then the end of its time.
struct Simulated {
    fleet: Fleet,
    frame: Option<FleetFrame>,
    end: Option<Timestamp>,
}

impl FrameSource for Simulated {
    fn next(&mut self) -> Input<'_> {
        self.frame = self.fleet.next();
        match &self.frame {
            Some(frame) => Input::Record(Record::Frame(Frame {
                at: frame.at,
                link: LinkType::Ethernet,
                source: 0,
                original_length: u32::try_from(frame.bytes.len()).unwrap(),
                bytes: &frame.bytes,
            })),
            None => self.end.take().map_or(Input::End, Input::Idle),
        }
    }
}

#[derive(Default)]
struct Last(Arc<Snapshot>);

impl Outlet for Last {
    fn event(&mut self, _event: &Event) {}

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.0 = snapshot;
    }
}
