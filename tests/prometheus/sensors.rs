//! Two daemons, each on a mirror port of its own and each before one CallManager: what no single one of them can know is
//! told by the rules, evaluated by a real Prometheus that scrapes both.
//!
//! Time is played faster than it passes, and the windows of the rules are those of real time: 30 minutes are more than
//! the fleet's life. So they hold all of its moves, and the rules are taken as they are. Only for the minute for which
//! the alert waits before it fires nobody waits here: that it is pending shows that the rule has found what it looks for.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use phonewatch::simulate::{Fleet, FleetTruth, Plan, Scenario};
use serde_json::Value;

use super::board::{list, text};
use super::network::{MIRROR, PHONE};
use super::peers::poll;
use super::server::Prometheus;
use super::{available, fleet, or_skip, within_network};

const SEEN_WITHIN: Duration = Duration::from_secs(100);

const FLEET: [&str; 2] = ["healthy:3", "flapping:1"];
const PHONES: u32 = 8;
const MINUTES: u32 = 20;
const SEED: u64 = 3;

/// Two sensors: their names and ports, the ends of their cables, and what their mirror ports show of the fleet. The first
/// sees one CallManager and what both share; the second sees the other CallManager, and all of one phone.
const SENSORS: [(&str, u16, [&str; 2], &str); 2] = [
    ("a", 12001, [MIRROR, PHONE], "not host 10.0.0.12"),
    (
        "b",
        12002,
        ["mirror1", "phone1"],
        "host 10.0.0.12 or ether host 00:13:80:00:00:00",
    ),
];
const SEEN_BY_BOTH: &str = "SEP001380000000";

/// Both sensors at one site, and each once more as if it were alone at another.
const SCRAPED: &str = r#"
scrape_configs:
  - job_name: phonewatch
    static_configs:
      - targets: ["127.0.0.1:12001"]
        labels: {site: paris, sensor: a}
      - targets: ["127.0.0.1:12002"]
        labels: {site: paris, sensor: b}
  - job_name: alone
    static_configs:
      - targets: ["127.0.0.1:12001"]
        labels: {site: only a, sensor: a}
      - targets: ["127.0.0.1:12002"]
        labels: {site: only b, sensor: b}
"#;

#[test]
fn what_two_sensors_see_is_put_together() {
    let laid = available().and_then(|network| {
        let (_, _, [mirror, phone], _) = SENSORS[1];
        network.add_cable(mirror, phone).map(|()| network)
    });
    let Some(network) = or_skip(laid) else {
        return;
    };
    let truth = truth();
    let folder = tempfile::tempdir().unwrap();
    within_network(&network, || {
        let _daemons = SENSORS.map(|(name, port, [mirror, _], filter)| {
            let own = folder.path().join(name);
            fs::create_dir(&own).unwrap();
            let lines =
                format!("[web]\nlisten = \"127.0.0.1:{port}\"\n[capture]\nfilter = \"{filter}\"\n");
            fleet::start_daemon_on(&network, mirror, &own, &lines)
        });
        let prometheus = Prometheus::start(&network, folder.path(), SCRAPED);
        let (phones, minutes, seed) = (PHONES.to_string(), MINUTES.to_string(), SEED.to_string());
        let size = ["--phones", &phones, "--minutes", &minutes, "--seed", &seed];
        let played = [&FLEET[..], &size].concat();
        let _players =
            SENSORS.map(|(_, _, [_, phone], _)| fleet::start_player_on(&network, phone, &played));
        prove(&prometheus, &truth);
    });
}

/// What the fleet does, told by the fleet.
fn truth() -> FleetTruth {
    let mut fleet = Fleet::new(&Plan {
        shares: FLEET.map(|share| share.parse().unwrap()).to_vec(),
        phones: PHONES,
        length: Duration::from_secs(60 * u64::from(MINUTES)),
        seed: SEED,
    });
    fleet.by_ref().for_each(drop);
    fleet.truth()
}

fn prove(prometheus: &Prometheus, truth: &FleetTruth) {
    let flapping: BTreeSet<String> = truth
        .phones
        .iter()
        .filter(|phone| phone.scenario == Scenario::Flapping)
        .map(|phone| phone.name.to_string())
        .collect();
    assert!(!flapping.is_empty() && !flapping.contains(SEEN_BY_BOTH));

    // All are registered, and one of them is seen registered by both.
    let phones = f64::from(PHONES);
    let added_up = r#"sum(phonewatch_callmanager_registered_phones{site="paris"})"#;
    when(prometheus, added_up, |answer| {
        numbers(answer) == [phones + 1.0]
    });

    let rules = prometheus.rules();
    let rule = rules
        .iter()
        .find(|rule| rule.name == "PhonewatchFlappingAcrossSensors")
        .unwrap();
    // The alert counts phones; inside of that they have their names.
    let named = rule
        .expression
        .strip_prefix("count by (site) (")
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or_else(|| panic!("{}", rule.expression));
    when(prometheus, named, |answer| {
        labels(answer, "phone") == flapping
    });
    let found = prometheus
        .ask("/api/v1/query", &[("query", named)])
        .unwrap();
    assert_eq!(labels(&found, "site"), ["paris".to_owned()].into());
    #[expect(clippy::cast_precision_loss, reason = "a few phones")]
    let number = flapping.len() as f64;
    when(prometheus, &rule.expression, |answer| {
        numbers(answer) == [number] && labels(answer, "site") == ["paris".to_owned()].into()
    });
    let pending =
        r#"ALERTS{alertname="PhonewatchFlappingAcrossSensors", alertstate=~"pending|firing"}"#;
    when(prometheus, pending, |answer| {
        labels(answer, "site") == ["paris".to_owned()].into()
    });

    // Each phone counts once, and never counted twice. A phone that moves may have left the one sensor's page a moment
    // before it is on the other's, or after that: where it is counted by server, half of the time is enough.
    for question in [
        r#"max_over_time(site:phonewatch_phone_up:sum{site="paris"}[5m])"#,
        r#"count(site:phonewatch_phone_up:max{site="paris"})"#,
    ] {
        let answer = prometheus.ask("/api/v1/query", &[("query", question)]);
        assert_eq!(numbers(&answer.unwrap()), [phones], "{question}");
    }
    let by_server = r#"quantile_over_time(0.5, site:phonewatch_callmanager_registered_phones:sum{site="paris"}[10s])"#;
    when(prometheus, by_server, |answer| numbers(answer) == [phones]);

    // Alone, neither has seen a move.
    for (question, series) in [
        (
            r#"max by (site) (site:phonewatch_phone_moves:resets30m{site=~"only .*"})"#,
            2,
        ),
        (
            r#"sum by (sensor) (phonewatch_phone_registration_flaps_total{site="paris"})"#,
            2,
        ),
        (
            r#"phonewatch_findings_raised_total{code="registration_flapping", site="paris"}"#,
            2,
        ),
    ] {
        let answer = prometheus.ask("/api/v1/query", &[("query", question)]);
        assert_eq!(numbers(&answer.unwrap()), vec![0.0; series], "{question}");
    }
}

/// Asks until the answer is as it should be.
fn when(prometheus: &Prometheus, question: &str, is_right: impl Fn(&Value) -> bool) {
    let mut last = Err("nothing was asked".to_owned());
    let met = poll(SEEN_WITHIN, || {
        last = prometheus.ask("/api/v1/query", &[("query", question)]);
        last.as_ref().is_ok_and(&is_right).then_some(())
    });
    assert!(met.is_some(), "{question}: {last:?}");
}

fn numbers(answer: &Value) -> Vec<f64> {
    list(answer, "result")
        .filter_map(|series| series["value"][1].as_str()?.parse().ok())
        .collect()
}

fn labels(answer: &Value, name: &str) -> BTreeSet<String> {
    list(answer, "result")
        .map(|series| text(&series["metric"], name).to_owned())
        .collect()
}
