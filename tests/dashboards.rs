//! The dashboards: their files are what the generator makes, and they keep to the rules of Grafana's linter.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "dashboards/board.rs"]
mod board;
#[path = "../dashboards/generator/mod.rs"]
mod generator;
#[path = "dashboards/promql.rs"]
mod promql;
#[path = "dashboards/rules.rs"]
mod rules;

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use board::{Board, boards};
use promql::{Selector, selectors, words};
use rules::RULES;
use serde_json::json;

#[test]
fn the_files_are_what_the_generator_makes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    let made = generator::dashboards();
    for (name, text) in &made {
        let path = folder.join(name);
        let written = fs::read_to_string(&path).unwrap();
        assert!(
            written == *text,
            "{} is another one: cargo run --example dashboards",
            path.display()
        );
    }
    assert_eq!(
        boards().len(),
        made.len(),
        "there are files of no generator"
    );
}

#[test]
fn every_dashboard_keeps_to_every_rule() {
    for board in boards() {
        for (name, rule) in RULES {
            let faults = rule(&board);
            assert!(
                faults.is_empty(),
                "{name}: {}: {}",
                board.file,
                faults.join("\n")
            );
        }
    }
}

/// What breaks each rule: a place in the fleet's dashboard, and what is put there.
#[test]
fn every_rule_sees_what_breaks_it() {
    let query = "/panels/1/targets/0/expr";
    let counter = "phonewatch_x_total{%}";
    let breaks = [
        (
            "template-datasource",
            "/templating/list/0/label",
            json!("Source"),
        ),
        ("template-job", "/templating/list/1/allValue", json!(".*")),
        (
            "template-instance",
            "/templating/list/2/multi",
            json!(false),
        ),
        (
            "template-label-promql",
            "/templating/list/2/query/query",
            json!("up"),
        ),
        (
            "template-on-time-change-reload",
            "/templating/list/1/refresh",
            json!(1),
        ),
        (
            "panel-datasource",
            "/panels/1/targets/0/datasource/uid",
            json!("mine"),
        ),
        (
            "panel-title-description",
            "/panels/1/description",
            json!(""),
        ),
        (
            "panel-units",
            "/panels/1/fieldConfig/defaults/unit",
            json!("apples"),
        ),
        ("panel-no-targets", "/panels/1/targets", json!([])),
        (
            "target-rate-interval",
            query,
            json!(format!("rate({counter}[5m])")),
        ),
        ("target-job", query, json!("up")),
        ("target-instance", query, json!(r#"up{job=~"$job"}"#)),
        ("target-counter-agg", query, json!(counter)),
        (
            "target-histogram",
            query,
            json!("rate(x_bucket{}[$__rate_interval])"),
        ),
        ("uneditable-dashboard", "/editable", json!(true)),
        ("site", "/templating/list/3/allValue", json!(".+")),
        ("identity", "/uid", json!("fleet")),
        ("links", "/links/0/includeVars", json!(false)),
        ("grid", "/panels/2/gridPos/x", json!(0)),
        ("legends", "/panels/1/targets/0/legendFormat", json!("")),
        ("variables", "/templating/list/1/name", json!("nobody")),
    ];
    let names = breaks.each_ref().map(|(name, ..)| *name);
    assert_eq!(names, RULES.map(|(name, _)| name));
    for ((name, place, value), (_, rule)) in breaks.into_iter().zip(RULES) {
        let mut board = fleet();
        *board.json.pointer_mut(place).unwrap() = value;
        assert!(!rule(&board).is_empty(), "{name} sees nothing");
    }
}

fn fleet() -> Board {
    let fleet = boards()
        .into_iter()
        .find(|board| board.file == "fleet.json");
    fleet.unwrap()
}

/// promtool reads every query as a rule. Whether it finds anything is for `tests/prometheus.rs`.
#[test]
fn every_query_is_valid() {
    let mut file = "groups:\n  - name: queries\n    rules:\n".to_owned();
    for board in boards() {
        for (number, target) in board.targets().enumerate() {
            let query = target
                .expression
                .replace("$__rate_interval", "1m")
                .replace("$__range", "1h");
            let stem = board.file.trim_end_matches(".json").replace('-', "_");
            writeln!(file, "      - record: {stem}:{number}").unwrap();
            writeln!(file, "        expr: '{query}'").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queries.yml");
    fs::write(&path, file).unwrap();
    let output = Command::new("promtool")
        .args(["check", "rules"])
        .arg(path)
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let required = env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_some();
            assert!(!required, "promtool is not installed");
            let told = b"SKIPPED: promtool is not installed (Debian: apt-get install prometheus)\n";
            return std::io::Write::write_all(&mut std::io::stderr(), told).unwrap();
        }
        output => output.unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let found = String::from_utf8_lossy(&output.stdout);
    let queries: usize = boards().iter().map(|board| board.targets().count()).sum();
    assert!(
        found.contains(&format!("SUCCESS: {queries} rules found")),
        "{found}"
    );
}

#[test]
fn selectors_are_found_with_their_calls_and_ranges() {
    let expression = r#"sum by (le) (rate(a_total{x=~"{}", y="1"}[5m])) / b{} > up"#;
    let found = selectors(expression);
    let expected = [
        Selector {
            metric: "a_total",
            matchers: r#"x=~"{}", y="1""#,
            range: Some("5m"),
            call: "rate",
        },
        Selector {
            metric: "b",
            matchers: "",
            range: None,
            call: "",
        },
    ];
    assert_eq!(found, expected);
    assert_eq!(words(expression), ["sum", "by", "le", "rate", "5m", "up"]);
}
