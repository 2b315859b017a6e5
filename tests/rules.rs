//! The rules for Prometheus and the example of an Alertmanager, held to the catalogue and tried out by promtool, amtool, a
//! real Prometheus and a real Alertmanager.
//!
//! Where one of these programs is missing the test says so and is skipped; with `PHONEWATCH_REQUIRE_CAPTURES` set it
//! fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "rules/fired.rs"]
mod fired;
#[path = "rules/sensors.rs"]
mod sensors;
#[path = "rules/servers.rs"]
mod servers;
#[path = "rules/tool.rs"]
mod tool;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use phonewatch::diagnosis::CATALOGUE;
use phonewatch::finding::Severity;
use phonewatch::rules::{RUNBOOK, RuleFile, alert_name, joined, runbook_section};
use tool::tool;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/prometheus/rules");
const ALERTMANAGER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/deploy/alertmanager/alertmanager.yml"
);

#[test]
fn the_files_are_what_the_command_makes() {
    for file in RuleFile::all(RUNBOOK) {
        let kept = fs::read_to_string(Path::new(RULES).join(file.name)).unwrap();
        assert!(
            kept == file.text(),
            "{} differs: phonewatch rules --write deploy/prometheus/rules",
            file.name
        );
    }
}

#[test]
fn the_command_writes_them_with_links_to_another_runbook() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = "https://wiki.example.com/phones";
    let rules = |arguments: &[&str]| {
        assert_cmd::Command::cargo_bin("phonewatch")
            .unwrap()
            .arg("rules")
            .args(arguments)
            .output()
            .unwrap()
    };
    let files = folder.path().to_str().unwrap();
    let output = rules(&["--runbook", elsewhere, "--write", files]);
    assert!(output.status.success() && output.stdout.is_empty());
    let mut written = Vec::new();
    for file in RuleFile::all(elsewhere) {
        let text = fs::read_to_string(folder.path().join(file.name)).unwrap();
        assert_eq!(text, file.text());
        assert!(!text.contains(RUNBOOK));
        written.push(file);
    }
    let output = rules(&["--runbook", elsewhere]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), joined(&written));
    let output = rules(&["--runbook", "https://a/\"\n"]);
    assert!(!output.status.success());
    check(&folder.path().join("findings.yml"));
}

#[test]
fn promtool_has_nothing_to_say() {
    for file in RuleFile::all(RUNBOOK) {
        check(&Path::new(RULES).join(file.name));
    }
    let Some(mut promtool) = tool("promtool") else {
        return;
    };
    let example = Path::new(RULES).with_file_name("prometheus.yml");
    assert_succeeds(promtool.args(["check", "config"]).arg(example));
    let folder = tempfile::tempdir().unwrap();
    let all = folder.path().join("all.yml");
    fs::write(&all, joined(&RuleFile::all(RUNBOOK))).unwrap();
    check(&all);
}

/// What promtool says of one file of rules: nothing that it calls an error or a duplicate.
fn check(file: &Path) {
    if let Some(mut promtool) = tool("promtool") {
        let said = assert_succeeds(promtool.args(["check", "rules"]).arg(file));
        assert!(!said.contains("duplicate"), "{said}");
    }
}

#[test]
fn each_alert_says_what_it_is_and_links_to_a_section_that_is_there() {
    let sections = sections();
    let alerts = alerts();
    assert_eq!(alerts.len(), CATALOGUE.len() + 17);
    for (name, text) in &alerts {
        let has = |key: &str| {
            let value = text.lines().find_map(|line| line.trim().strip_prefix(key));
            value.unwrap_or_else(|| panic!("{name} has no {key}"))
        };
        for key in ["expr:", "for:", "summary:", "description:", "remedy:"] {
            assert!(!has(key).is_empty(), "{name}: {key}");
        }
        let severity = has("severity:").trim();
        let known = ["critical", "warning", "'{{ $labels.severity }}'"];
        assert!(known.contains(&severity), "{name}: {severity}");
        let link = has("runbook_url:").trim();
        let section = link.strip_prefix(RUNBOOK).unwrap().strip_prefix('#');
        let section = section.unwrap();
        assert!(
            sections.contains(section),
            "{name}: the README lacks #{section}"
        );
    }
    for entry in CATALOGUE {
        let text = &alerts[&alert_name(entry.code)];
        assert!(text.contains(runbook_section(entry)), "{}", entry.code);
    }
}

/// The sections of the README, as links name them.
fn sections() -> BTreeSet<String> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    readme
        .lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()))
        .map(|heading| {
            heading
                .to_lowercase()
                .chars()
                .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
                .map(|letter| if letter == ' ' { '-' } else { letter })
                .collect()
        })
        .collect()
}

/// Every alert with its text.
fn alerts() -> BTreeMap<String, String> {
    let mut alerts = BTreeMap::new();
    for file in RuleFile::all(RUNBOOK) {
        for text in file.text().split("      - alert: ").skip(1) {
            let text = text.split("\n      - record: ").next().unwrap();
            let name = text.lines().next().unwrap().to_owned();
            let other = alerts.insert(name.clone(), text.to_owned());
            assert_eq!(other, None, "{name} stands twice");
        }
    }
    alerts
}

#[test]
fn each_alert_about_sensors_and_sites_fires_where_it_should_and_nowhere_else() {
    let files = ["sensor.yml", "sites.yml"].map(case_file);
    let cases = files.clone().map(|file| fs::read_to_string(file).unwrap());
    let names: Vec<&str> = cases
        .iter()
        .flat_map(|text| text.split("  - name: ").skip(1))
        .inspect(|case| {
            let expects = case.contains("exp_samples");
            let is_silent = case.lines().next().unwrap().contains(" is silent ");
            assert_ne!(expects, is_silent, "{case}");
        })
        .map(|case| case.lines().next().unwrap())
        .collect();
    let of_findings: BTreeSet<String> = CATALOGUE
        .iter()
        .map(|entry| alert_name(entry.code))
        .collect();
    for (alert, _) in alerts()
        .iter()
        .filter(|(name, _)| !of_findings.contains(*name))
    {
        for case in ["fires", "is silent"] {
            let wanted = format!("{alert} {case} ");
            let is_there = names.iter().any(|name| name.starts_with(&wanted));
            assert!(is_there, "no case: {wanted}...");
        }
    }
    if let Some(mut promtool) = tool("promtool") {
        assert_succeeds(promtool.args(["test", "rules"]).args(files));
    }
}

fn case_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/rules")
        .join(name)
}

/// The alert of each finding fires for a warning and for what is critical, once where two sensors of a site see it. It is
/// silent for information, for other findings, and for what is over within a scrape.
#[test]
fn each_alert_about_findings_fires_where_it_should_and_nowhere_else() {
    let mut text = format!("rule_files:\n  - {RULES}/*.yml\nevaluation_interval: 15s\ntests:\n");
    for severity in [Severity::Warning, Severity::Critical] {
        for parity in [0, 1] {
            text += &case_of_every_other_finding(severity, parity);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let cases = folder.path().join("cases.yml");
    fs::write(&cases, text).unwrap();
    if let Some(mut promtool) = tool("promtool") {
        assert_succeeds(promtool.args(["test", "rules"]).arg(cases));
    }
}

/// Every other finding holds; those between hold for information, and for one scrape as something critical.
fn case_of_every_other_finding(severity: Severity, parity: usize) -> String {
    let holds = |place: &usize| place % 2 == parity;
    // Without any sensor there would be an alert about that.
    let mut series =
        String::from("      - series: 'up{job=\"phonewatch\"}'\n        values: '1x80'\n");
    let mut expected = String::new();
    for (place, entry) in CATALOGUE.iter().enumerate() {
        let is_of_sensor = entry.stage == "sensor";
        let mut add = |sensor: &str, severity: Severity, values: &str| {
            let (name, server) = if is_of_sensor {
                ("phonewatch_findings", "")
            } else {
                ("phonewatch_server_findings", ", server=\"10.0.0.1\"")
            };
            writeln!(
                series,
                "      - series: '{name}{{job=\"phonewatch\", instance=\"{sensor}:12000\", site=\"paris\", \
                 sensor=\"{sensor}\"{server}, code=\"{}\", severity=\"{}\"}}'\n        values: '{values}'",
                entry.code,
                severity.label()
            )
            .unwrap();
        };
        if holds(&place) {
            add("a", severity, "0x4 2x80");
            // Of the sensor itself, this is another matter.
            add("b", severity, if is_of_sensor { "0x80" } else { "3x80" });
            let of = if is_of_sensor {
                "instance=\"a:12000\", job=\"phonewatch\", sensor=\"a\", site=\"paris\""
            } else {
                "server=\"10.0.0.1\", site=\"paris\""
            };
            writeln!(
                expected,
                "          - labels: 'ALERTS{{alertname=\"{}\", alertstate=\"firing\", code=\"{}\", stage=\"{}\", \
                 severity=\"{}\", {of}}}'\n            value: 1",
                alert_name(entry.code),
                entry.code,
                entry.stage,
                severity.label(),
            )
            .unwrap();
        } else {
            add("a", Severity::Info, "9x80");
            add("a", Severity::Critical, "0x20 1 0x60");
        }
    }
    let mut case = format!(
        "  - interval: 15s\n    input_series:\n{series}    promql_expr_test:\n      - expr: \
         ALERTS{{alertstate=\"firing\"}}\n        eval_time: 10m\n        exp_samples:\n{expected}"
    );
    let number = (0..CATALOGUE.len()).filter(holds).count();
    for quarter in 20..30 {
        let seconds = quarter * 15;
        writeln!(
            case,
            "      - expr: count(ALERTS{{alertstate=\"firing\"}})\n        eval_time: {seconds}s\n        exp_samples:\n\
             \x20         - labels: '{{}}'\n            value: {number}"
        )
        .unwrap();
    }
    case
}

#[test]
fn the_example_of_an_alertmanager_is_valid_and_sends_alerts_where_they_belong() {
    let Some(mut amtool) = tool("amtool") else {
        return;
    };
    assert_succeeds(amtool.args(["check-config", ALERTMANAGER]));
    for (labels, receiver) in [
        (
            "alertname=PhonewatchCallmanagerDown severity=critical stage=server code=callmanager_down",
            "on-duty",
        ),
        (
            "alertname=PhonewatchKeepaliveGap severity=warning stage=registered code=keepalive_gap",
            "operators",
        ),
        (
            "alertname=PhonewatchMirrorLossy severity=warning stage=sensor code=mirror_lossy",
            "operators",
        ),
        ("alertname=PhonewatchDown severity=critical", "sensors"),
        ("alertname=PhonewatchSiteBlind severity=critical", "sensors"),
    ] {
        let mut amtool = tool("amtool").unwrap();
        amtool.args(["config", "routes", "test", "--config.file", ALERTMANAGER]);
        let said = assert_succeeds(amtool.args(labels.split(' ')));
        assert!(
            said.lines().any(|line| line == receiver),
            "{labels}: {said}"
        );
    }
}

/// The finding that explains others inhibits them, in the words of the catalogue.
#[test]
fn the_example_of_an_alertmanager_inhibits_what_another_finding_explains() {
    let example = fs::read_to_string(ALERTMANAGER).unwrap();
    let matched = |line: &str| -> BTreeSet<String> {
        let codes = line.split('"').nth(1).unwrap();
        codes.split('|').map(str::to_owned).collect()
    };
    let mut inhibited: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for rule in example.split("source_matchers: ").skip(1) {
        let mut codes = rule
            .split(['[', ']', '\n'])
            .filter(|part| part.contains("code=\"") || part.contains("code=~\""))
            .map(matched);
        if let (Some(source), Some(target)) = (codes.next(), codes.next()) {
            inhibited.insert(source.into_iter().collect(), target);
        }
    }
    let mut explained: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in CATALOGUE {
        for cause in entry
            .explained_by
            .iter()
            .filter(|cause| **cause != entry.code)
        {
            let symptoms = explained.entry((*cause).to_owned()).or_default();
            symptoms.insert(entry.code.to_owned());
        }
    }
    assert_eq!(inhibited, explained);
}

/// What a program wrote, once it ended without an error.
fn assert_succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{command:?}:\n{said}");
    said
}
