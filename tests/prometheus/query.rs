//! What is asked, with its variables filled in, and when the answer counts as data.

use std::fmt;

use phonewatch::diagnosis::CATALOGUE;
use phonewatch::finding::Severity;
use serde_json::Value;

use super::board::{self, Board, label_values, list, text};
use super::promql::selectors;
use super::server::{Prometheus, Rule};

/// What is scraped, as somebody chooses it at the top of a dashboard: the one sensor by its site, or all of those that
/// have no site. "All" is what the dashboard itself says it is.
const CHOICES: [[(&str, &str); 3]; 2] = [
    [
        ("job", "phonewatch"),
        ("instance", "127\\\\.0\\\\.0\\\\.1:12000"),
        ("site", "lab"),
    ],
    [("job", "elsewhere"), ("instance", ".+"), ("site", ".*")],
];

/// How long the time shown is: all that was seen so far, and no less than the fleet needs.
const RANGE: &str = "150s";

/// Metrics that stay 0 in this fleet: nothing is lost on a cable between two namespaces, and there is room for all.
const STAY_ZERO: [(&str, &str); 13] = [
    ("phonewatch_capture_lost_frames_total", "nothing is lost"),
    ("phonewatch_capture_blind_total", "no interface goes down"),
    (
        "phonewatch_capture_interface_reopened_total",
        "no interface goes down",
    ),
    (
        "phonewatch_capture_truncated_frames_total",
        "no frame is long",
    ),
    ("phonewatch_decode_errors_total", "every frame is well made"),
    ("phonewatch_stream_gaps_total", "nothing is lost"),
    ("phonewatch_evicted_total", "there is room for all"),
    ("phonewatch_phone_series_omitted", "there is room for all"),
    ("phonewatch_alerts_dropped_total", "there is room for all"),
    ("phonewatch_ring_used_ratio", "the engine is quick enough"),
    ("count(up{", "no sensor is down"),
    ("count(phonewatch_capture_up{", "no interface is down"),
    ("mirror_", "the mirror is whole; its copies are few"),
];

/// What alerts that hold their peace in this fleet ask for, each with the reason. Others are those that ask for what
/// stays 0, and for findings that are mere information.
const QUIET: [(&str, &str); 18] = [
    ("up{job=", "the daemon runs, and only once"),
    ("process_start_time_seconds", "the daemon is started once"),
    ("phonewatch_capture_up", "the interface is up"),
    ("phonewatch_blind", "the interface is up"),
    (
        "phonewatch_capture_lag_seconds",
        "the engine is quick enough",
    ),
    (
        "phonewatch_config_last_reload_successful",
        "the configuration is right",
    ),
    (
        "phonewatch_alert_outbox_pending",
        "its messages have to wait for longer",
    ),
    (
        r#"phonewatch_alerts_total{result="failed""#,
        "nobody refuses a message",
    ),
    ("phonewatch_phone_moves", "one sensor sees all CallManagers"),
    (r#"code="callmanager_down""#, TAKES_TIME),
    (r#"code="dhcp_no_tftp_server""#, TAKES_TIME),
    (r#"code="firewall_timeout""#, TAKES_TIME),
    (r#"code="inventory_model""#, "there is no inventory"),
    (r#"code="qos_not_trusted""#, TAKES_TIME),
    (r#"code="registered_out_of_order""#, TAKES_TIME),
    (r#"code="registration_no_answer""#, TAKES_TIME),
    (r#"code="slow_registration""#, TAKES_TIME),
    (r#"code="tcp_no_answer""#, TAKES_TIME),
];

/// Time is played too fast for what is concluded from time itself.
const TAKES_TIME: &str = "it is concluded after a while of real time";

/// Something that has to find data.
pub(crate) struct Check {
    place: String,
    question: Question,
}

enum Question {
    /// The value at this moment.
    Now { expression: String, wanted: Wanted },
    /// The values since the beginning, one a second.
    OverTime { expression: String, wanted: Wanted },
    /// The values of a label. All of these have to be there, and one at least.
    Values {
        series: String,
        label: String,
        expected: Vec<String>,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    /// A number that is not 0.
    Something,
    /// Any number.
    Zero,
    /// An answer, be it empty.
    Valid,
}

/// Each query of each panel, and each variable.
pub(crate) fn of_dashboards() -> Vec<Check> {
    board::boards()
        .iter()
        .flat_map(|board| {
            CHOICES
                .iter()
                .flat_map(|choice| of_dashboard(board, choice))
        })
        .collect()
}

fn of_dashboard<'b>(
    board: &'b Board,
    choice: &'b [(&str, &str)],
) -> impl Iterator<Item = Check> + use<'b> {
    let all = |name: &str| {
        let variable = board.variables().find(|variable| variable["name"] == name);
        variable.map_or(".+", |variable| match text(variable, "allValue") {
            "" => ".+",
            all => all,
        })
    };
    let values: Vec<(String, String)> = board
        .variables()
        .map(|variable| text(variable, "name"))
        .map(|name| {
            let chosen = choice.iter().find(|(chosen, _)| *chosen == name);
            let value = match chosen {
                Some((_, value)) if *value != ".+" && *value != ".*" => value,
                _ => all(name),
            };
            (format!("${name}"), value.to_owned())
        })
        .chain([
            ("$__rate_interval".to_owned(), "10s".to_owned()),
            ("$__interval".to_owned(), "1s".to_owned()),
            ("$__range".to_owned(), RANGE.to_owned()),
        ])
        .collect();
    let filled_in = move |expression: &str| {
        let filled = values
            .iter()
            .fold(expression.to_owned(), |filled, (variable, value)| {
                filled.replace(variable, value)
            });
        assert!(!filled.contains('$'), "unknown variable: {filled}");
        filled
    };
    let job = choice[0].1;
    let in_panels = board.targets().map({
        let filled_in = filled_in.clone();
        move |target| {
            let wanted = wanted(target.expression);
            let expression = filled_in(target.expression);
            Check {
                place: format!("{} of {job}", target.place),
                question: if target.is_instant {
                    Question::Now { expression, wanted }
                } else {
                    Question::OverTime { expression, wanted }
                },
            }
        }
    });
    let of_variables = board
        .variables()
        .filter(|variable| variable["type"] == "query")
        // There is none to be found.
        .filter(move |variable| job == "phonewatch" || variable["name"] != "site")
        .map(move |variable| {
            let (series, label) = label_values(variable).unwrap();
            Check {
                place: format!("{}, variable {label} of {job}", board.file),
                question: Question::Values {
                    series: filled_in(series),
                    label: label.to_owned(),
                    expected: Vec::new(),
                },
            }
        });
    let of_matchers = board.targets().flat_map(|target| named_values(&target));
    in_panels.chain(of_variables).chain(of_matchers)
}

/// The values that a query names: a word that no series has would go unnoticed among others. Where findings have their
/// server, only those that hold are there; without it, all.
fn named_values(target: &board::Target<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for selector in selectors(target.expression) {
        for matcher in selector.matchers.split(", ") {
            let (label, rest) = matcher.split_once(['=', '!']).unwrap();
            let values = rest.trim_start_matches(['=', '~']).trim_matches('"');
            if values.starts_with('$') {
                continue;
            }
            checks.push(Check {
                place: target.place.clone(),
                question: Question::Values {
                    series: selector.metric.replace("server_findings", "findings"),
                    label: label.to_owned(),
                    expected: values.split('|').map(str::to_owned).collect(),
                },
            });
        }
    }
    checks
}

fn wanted(expression: &str) -> Wanted {
    if stays_zero(expression) {
        Wanted::Zero
    } else {
        Wanted::Something
    }
}

fn stays_zero(expression: &str) -> bool {
    STAY_ZERO.iter().any(|(part, _)| expression.contains(part))
}

/// Each rule. What a rule compares is not there when the comparison does not hold, so 0 is as good as anything.
pub(crate) fn of_rules(rules: &[Rule]) -> impl Iterator<Item = Check> {
    rules.iter().map(|rule| {
        let expression = rule.expression.clone();
        let wanted = if rule.is_alert && is_quiet(&expression) {
            Wanted::Valid
        } else {
            Wanted::Zero
        };
        Check {
            place: format!("rule {}", rule.name),
            // Over time: some of what is alerted of is soon over.
            question: Question::OverTime { expression, wanted },
        }
    })
}

fn is_quiet(expression: &str) -> bool {
    let is_information = CATALOGUE
        .iter()
        .filter(|entry| entry.severity == Severity::Info)
        .any(|entry| expression.contains(&format!("code=\"{}\"", entry.code)));
    is_information
        || stays_zero(expression)
        || QUIET.iter().any(|(part, _)| expression.contains(part))
}

impl Check {
    /// Whether there is data now; else what is there instead.
    pub(crate) fn ask(&self, prometheus: &Prometheus) -> Result<(), String> {
        match &self.question {
            Question::Now { expression, wanted } => {
                let data = prometheus.ask("/api/v1/query", &[("query", expression)])?;
                judge(&data, *wanted)
            }
            Question::OverTime { expression, wanted } => {
                let now = prometheus.ask("/api/v1/query", &[("query", "time()")])?;
                let end = now["result"][0].as_f64().unwrap_or_default();
                let data = prometheus.ask(
                    "/api/v1/query_range",
                    &[
                        ("query", expression),
                        ("start", &(end - 150.0).to_string()),
                        ("end", &end.to_string()),
                        ("step", "1"),
                    ],
                )?;
                judge(&data, *wanted)
            }
            Question::Values {
                series,
                label,
                expected,
            } => {
                let path = format!("/api/v1/label/{label}/values");
                let values = prometheus.ask(&path, &[("match[]", series)])?;
                let values: Vec<&str> = values
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                let is_there = |wanted: &&String| match wanted.strip_suffix(".*") {
                    Some(start) => values.iter().any(|value| value.starts_with(start)),
                    None => values.contains(&wanted.as_str()),
                };
                match expected.iter().find(|wanted| !is_there(wanted)) {
                    Some(wanted) => Err(format!("no {wanted}")),
                    None if values.is_empty() => Err("no value".to_owned()),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Whether an answer holds a number, or one that is not 0.
fn judge(data: &Value, wanted: Wanted) -> Result<(), String> {
    let samples = list(data, "result").flat_map(|series| {
        let last = series.get("value").into_iter();
        last.chain(list(series, "values"))
    });
    // A scalar is a sample by itself.
    let scalar = (data["resultType"] == "scalar").then(|| &data["result"]);
    let numbers: Vec<f64> = samples
        .chain(scalar)
        .filter_map(|sample| sample[1].as_str()?.parse().ok())
        .filter(|number: &f64| !number.is_nan())
        .collect();
    match wanted {
        Wanted::Something | Wanted::Zero if numbers.is_empty() => Err("no data".to_owned()),
        Wanted::Something if numbers.iter().all(|number| *number == 0.0) => {
            Err("nothing but 0".to_owned())
        }
        Wanted::Something | Wanted::Zero | Wanted::Valid => Ok(()),
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.place)?;
        match &self.question {
            Question::Now { expression, .. } | Question::OverTime { expression, .. } => {
                write!(formatter, " ({expression})")
            }
            Question::Values { series, label, .. } => write!(formatter, " ({label} of {series})"),
        }
    }
}
