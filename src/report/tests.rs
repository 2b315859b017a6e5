use serde_json::Value;

use super::fixture::{PRIMARY, SECONDARY, add, after, facts, phone, snapshot};
use super::{CaptureFacts, Report, Style, table};
use crate::net::DeviceName;
use crate::phone::{Device, Role, Stage};
use crate::snapshot::Snapshot;
use crate::wire::sccp::{RejectReason, ResetReason};
use crate::wire::sep_config::Host;

const PLAIN: Style = Style {
    colour: false,
    width: None,
};

fn report() -> Report {
    Report::new(&snapshot(), facts())
}

fn json(report: &Report) -> Value {
    serde_json::to_value(report).unwrap()
}

#[test]
fn the_table_shows_the_worst_first() {
    insta::assert_snapshot!(table(&report(), PLAIN));
}

#[test]
fn the_table_fits_a_narrow_terminal() {
    let within = |width| {
        table(
            &report(),
            Style {
                width: Some(width),
                ..PLAIN
            },
        )
    };
    insta::assert_snapshot!(within(80));
    for width in 80..200 {
        let text = within(width);
        let tables = text.lines().skip_while(|line| !line.is_empty());
        for line in tables.filter(|line| line.contains("  ")) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn the_table_has_colours_only_when_asked() {
    let plain = table(&report(), PLAIN);
    let coloured = table(
        &report(),
        Style {
            colour: true,
            ..PLAIN
        },
    );
    assert!(!plain.contains('\x1b'));
    for (code, state) in [
        (31, "rejected"),
        (31, "lost"),
        (33, "connecting"),
        (33, "registered"),
        (32, "registered"),
    ] {
        let painted = format!("\x1b[{code}m{state}\x1b[0m");
        assert!(coloured.contains(&painted), "{painted:?} in {coloured}");
    }
    let mut stripped = coloured;
    for code in [
        "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m",
    ] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn the_json_has_a_key_for_everything() {
    let mut report = report();
    report
        .devices
        .retain(|device| device.name.as_deref() == Some("SEP001380AD9E0A"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}

/// Programs rely on these keys, so a renamed field has to fail here.
#[test]
fn the_json_has_the_keys_that_stay() {
    let report = report();
    let keys = |value: &str, wanted: &[&str]| {
        let mut rest = value;
        for key in wanted {
            let quoted = format!("\"{key}\":");
            let place = rest.find(&quoted);
            assert!(place.is_some(), "{key} is missing or out of order");
            rest = &rest[place.unwrap() + quoted.len()..];
        }
    };
    keys(
        &serde_json::to_string(&report).unwrap(),
        &["schema", "capture", "callmanagers", "devices", "findings"],
    );
    keys(
        &serde_json::to_string(&report.capture).unwrap(),
        &[
            "files",
            "frames",
            "first",
            "last",
            "lost",
            "duplicates",
            "truncated",
            "malformed",
            "sccp",
            "stream_gaps",
            "elapsed_seconds",
        ],
    );
    for callmanager in &report.callmanagers {
        keys(
            &serde_json::to_string(callmanager).unwrap(),
            &[
                "address",
                "name",
                "priority",
                "registered",
                "registrations",
                "rejects",
                "keepalive_rtt_seconds",
                "p50",
                "p99",
                "acknowledges",
            ],
        );
    }
    for device in &report.devices {
        keys(
            &serde_json::to_string(device).unwrap(),
            &[
                "name",
                "kind",
                "mac",
                "address",
                "model",
                "load",
                "stage",
                "callmanager",
                "role",
                "registrations",
                "moves",
                "rejects",
                "unregistrations",
                "keepalive_gaps",
                "keepalives_missed",
                "dhcp_requests",
                "tcp_refused",
                "tftp_not_found",
                "boots",
                "last_reset_reason",
                "findings",
            ],
        );
    }
}

#[test]
fn devices_come_named_first_and_strangers_not_at_all() {
    let labels: Vec<_> = report()
        .devices
        .into_iter()
        .map(|device| device.name.or(device.mac).unwrap_or_default())
        .collect();
    assert_eq!(
        labels,
        [
            "NONSECURE_CONF",
            "SEP001380AD9E0A",
            "SEP001380AD9E0C",
            "SEP001380AD9E0D",
            "SEP001380AD9E0F",
            "SEP001380AD9E11",
            "00:13:80:ad:9e:0b",
            "",
        ]
    );
}

#[test]
fn a_device_is_told_as_it_is_at_the_end() {
    let json = json(&report());
    let device = |name: &str| {
        let devices = json["devices"].as_array().unwrap();
        devices.iter().find(|it| it["name"] == name).unwrap()
    };
    let lost = device("SEP001380AD9E11");
    assert_eq!(lost["stage"], "lost");
    assert_eq!(lost["callmanager"], Value::Null);
    assert_eq!(lost["role"], "unknown");
    assert_eq!(lost["last_callmanager"], PRIMARY.to_string());
    assert_eq!(lost["last_reset_reason"], "TCP-timeout");

    let flapping = device("SEP001380AD9E0F");
    assert_eq!(flapping["callmanager"], SECONDARY.to_string());
    assert_eq!(flapping["role"], "secondary");
    assert_eq!(flapping["keepalive_gaps"], 6);
    assert_eq!(flapping["last_reset_reason"], "14 (cm_closed_tcp)");

    let rejected = device("SEP001380AD9E0D");
    assert_eq!(rejected["last_reject"]["reason"], "no_license");
    assert_eq!(rejected["last_reject"]["text"], "Error: No License");
    assert_eq!(device("NONSECURE_CONF")["kind"], "media");
    assert_eq!(device("SEP001380AD9E0C")["inferred"], true);
    let looping = &json["devices"][6];
    let offer = &looping["lease"]["tftp_offer"];
    assert_eq!(offer["option_150"]["text"], "10.0.0.180");
    assert_eq!(looping["lease"]["tftp_servers"], serde_json::json!([]));
}

#[test]
fn a_servers_priority_is_what_all_lists_agree_on_unless_it_is_configured() {
    let priorities = |snapshot: &Snapshot| {
        let report = Report::new(snapshot, facts());
        let priorities = report.callmanagers.iter().map(|entry| entry.priority);
        priorities.collect::<Vec<_>>()
    };
    // The list names the second by its name, in another case.
    let mut snapshot = snapshot();
    assert_eq!(priorities(&snapshot), [Role::Primary, Role::Secondary]);

    let mut reversed = phone(50);
    let mut list = (*reversed.group.take().unwrap()).clone();
    list.members.reverse();
    reversed.registration.current = None;
    reversed.group = Some(list.into());
    add(&mut snapshot, reversed);
    assert_eq!(priorities(&snapshot), [Role::Unknown, Role::Unknown]);

    std::sync::Arc::make_mut(&mut snapshot.callmanagers[1]).configured_role = Role::Tertiary;
    assert_eq!(priorities(&snapshot), [Role::Unknown, Role::Tertiary]);
}

#[test]
fn a_capture_without_devices_says_what_to_check() {
    let nothing = Report::new(&Snapshot::default(), CaptureFacts::default());
    assert_eq!(
        table(&nothing, PLAIN),
        "Read no frames from no file in 0 s.\n\nThere is nothing in it to report on.\n"
    );
    let malformed = &json(&nothing)["capture"]["malformed"];
    for protocol in ["cdp", "dhcp", "dns", "lldp", "packet", "sccp", "tftp"] {
        assert_eq!(malformed[protocol], 0, "{protocol}");
    }

    let mut snapshot = Snapshot::default();
    snapshot.totals.frames = 81;
    snapshot.totals.first = Some(after(0));
    snapshot.totals.last = Some(after(1_446));
    insta::assert_snapshot!(table(&Report::new(&snapshot, facts()), PLAIN), @r"
    Read 81 frames from morning.pcapng in 340 ms.
    24 min 6 s long, from 2026-02-25 06:13:20 to 2026-02-25 06:37:26 UTC.
    Problem: morning.pcapng ends in the middle of a frame

    No phone was seen, and not one SCCP message.
    Check that
      - the mirror port copies the ports of the CallManagers, or the voice VLAN, in both directions
      - the capture filter lets TCP ports 2000 and 2443 and all of UDP pass, also with VLAN tags
      - the capture is long enough: a registered phone speaks every 30 seconds, a booting one needs minutes
      - the phones speak SCCP: phones with SIP firmware do not
      - the configuration names the SCCP ports that are in use here
    ");
}

#[test]
fn of_many_devices_only_those_that_call_for_attention_are_listed() {
    let mut snapshot = Snapshot::default();
    for place in 0..1_300_u32 {
        let mut device = phone(1);
        device.name = format!("SEPX{place:05}").parse().ok();
        if place == 700 {
            device.stage = Stage::Lost;
        }
        if place == 900 {
            device.registration.flapping_episodes = 1;
        }
        add(&mut snapshot, device);
    }
    let report = Report::new(&snapshot, facts());
    let text = table(&report, PLAIN);
    assert!(text.contains("1,300 phones: 1 lost, 1,299 registered.\n"));
    assert!(text.contains("SEPX00700") && text.contains("SEPX00900"));
    assert!(!text.contains("SEPX00701"));
    assert!(text.ends_with("… and 1,298 devices; --json lists all.\n"));
    assert_eq!(report.devices.len(), 1_300);
}

#[test]
fn hostile_texts_stay_texts() {
    let text = r#""}],<script>alert('x')</script>\ \u0000 "#.to_owned() + &"A".repeat(5_000);
    let mut device: Device = phone(66);
    device.name = DeviceName::from_wire(b"..-_..");
    device.device_type = None;
    device.model = Some(text.clone().into());
    device.load = Some(text.clone().into());
    device.last_reset_reason = Some(Box::new(ResetReason::from_alarm(None, text.clone())));
    device.stage = Stage::Rejected;
    device.registration.rejected(RejectReason::Unknown, &text);
    if let Some(group) = &mut device.group {
        std::sync::Arc::make_mut(group).members = vec![Host::Name(text.clone())];
    }
    let mut snapshot = snapshot();
    add(&mut snapshot, device);
    let facts = CaptureFacts {
        files: vec!["a\x1b[2J\nforged line".into()],
        ..facts()
    };
    let report = Report::new(&snapshot, facts);

    let read: Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let devices = read["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 9);
    assert!(devices.iter().any(|it| it["model"] == text.as_str()));

    for width in [None, Some(0), Some(40), Some(80), Some(200)] {
        let shown = table(
            &report,
            Style {
                colour: false,
                width,
            },
        );
        assert!(!shown.contains('\x1b'));
        assert!(!shown.contains("\nforged line"));
        let rows = shown.lines().filter(|it| it.starts_with("..-_.."));
        assert_eq!(rows.count(), 1);
        if width == Some(200) {
            let longest = shown.lines().map(|line| line.chars().count()).max();
            assert!(longest <= width, "{longest:?}");
        }
    }
}
