//! What is asked, with its variables filled in, and when the answer counts as data.

use std::fmt;

use serde_json::Value;

use super::board::{self, Board, label_values, list, text};
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
const STAY_ZERO: [(&str, &str); 14] = [
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
    (
        r#"code=~"mirror_.*""#,
        "the mirror is whole; its copies are few",
    ),
    (
        r#"phonewatch_findings{code="boot_loop""#,
        "a loop takes longer in real time",
    ),
];

/// Alerts that hold their peace in this fleet, each with the reason.
const QUIET_ALERTS: [(&str, &str); 0] = [];

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
    /// The values of a label.
    Values { series: String, label: String },
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
                },
            }
        });
    in_panels.chain(of_variables)
}

fn wanted(expression: &str) -> Wanted {
    let stays_zero = STAY_ZERO.iter().any(|(part, _)| expression.contains(part));
    if stays_zero {
        Wanted::Zero
    } else {
        Wanted::Something
    }
}

/// Each rule. What a rule compares is not there when the comparison does not hold, so 0 is as good as anything.
pub(crate) fn of_rules(rules: &[Rule]) -> impl Iterator<Item = Check> {
    for (name, _) in QUIET_ALERTS {
        let is_there = rules.iter().any(|rule| rule.name == name);
        assert!(is_there, "there is no alert {name} any more");
    }
    rules.iter().map(|rule| {
        let is_quiet = QUIET_ALERTS.iter().any(|(name, _)| *name == rule.name);
        Check {
            place: format!("rule {}", rule.name),
            question: Question::Now {
                expression: rule.expression.clone(),
                wanted: if rule.is_alert && is_quiet {
                    Wanted::Valid
                } else {
                    Wanted::Zero
                },
            },
        }
    })
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
            Question::Values { series, label } => {
                let path = format!("/api/v1/label/{label}/values");
                let values = prometheus.ask(&path, &[("match[]", series)])?;
                let is_empty = values.as_array().is_none_or(Vec::is_empty);
                if is_empty {
                    return Err("no value".to_owned());
                }
                Ok(())
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
        Wanted::Something if numbers.is_empty() => Err("no data".to_owned()),
        Wanted::Zero if numbers.is_empty() => Err("no data".to_owned()),
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
            Question::Values { series, label } => write!(formatter, " ({label} of {series})"),
        }
    }
}
