//! What Grafana's linter for dashboards asks of them, in our own words, and what we ask beside that.

use std::collections::BTreeSet;

use serde_json::Value;

use super::board::{Board, label_values, list, text};
use super::promql::{Selector, selectors, words};

/// One rule: its name, and the faults it finds.
pub(crate) type Rule = (&'static str, fn(&Board) -> Vec<String>);

/// Every rule. The first fifteen have the names that the linter gives them.
pub(crate) const RULES: [Rule; 21] = [
    ("template-datasource", template_datasource),
    ("template-job", |board| template(board, "job", "Job")),
    ("template-instance", |board| {
        template(board, "instance", "Instance")
    }),
    ("template-label-promql", template_label),
    ("template-on-time-change-reload", template_reload),
    ("panel-datasource", panel_datasource),
    ("panel-title-description", panel_title_description),
    ("panel-units", panel_units),
    ("panel-no-targets", panel_no_targets),
    ("target-rate-interval", target_rate_interval),
    ("target-job", |board| matcher(board, "job")),
    ("target-instance", |board| matcher(board, "instance")),
    ("target-counter-agg", target_counter_agg),
    ("target-histogram", target_histogram),
    ("uneditable-dashboard", uneditable),
    ("site", site),
    ("identity", identity),
    ("links", links),
    ("grid", grid),
    ("legends", legends),
    ("variables", variables),
];

/// Units of Grafana that are in use here.
const UNITS: [&str; 9] = [
    "Bps",
    "bytes",
    "cps",
    "dateTimeFromNow",
    "percentunit",
    "pps",
    "s",
    "short",
    "string",
];

fn template_datasource(board: &Board) -> Vec<String> {
    let sources: Vec<&Value> = of_type(board, "datasource").collect();
    let [source] = sources[..] else {
        return vec![format!("{} variables for data sources", sources.len())];
    };
    let expected = [
        ("name", "datasource"),
        ("label", "Data source"),
        ("query", "prometheus"),
    ];
    differences("the data source", source, &expected)
}

fn template(board: &Board, name: &str, label: &str) -> Vec<String> {
    let Some(variable) = board.variables().find(|variable| variable["name"] == name) else {
        return vec![format!("no variable {name}")];
    };
    let expected = [("type", "query"), ("label", label), ("allValue", ".+")];
    let mut faults = differences(name, variable, &expected);
    if variable["datasource"]["uid"] != "${datasource}" {
        faults.push(format!("{name} does not ask the chosen data source"));
    }
    if variable["multi"] != true {
        faults.push(format!("of {name} only one can be chosen"));
    }
    faults
}

fn template_label(board: &Board) -> Vec<String> {
    of_type(board, "query")
        .filter(|variable| {
            let series = label_values(variable).map(|(series, _)| selectors(series));
            series.is_none_or(|series| series.len() > 1)
        })
        .map(|variable| format!("{} does not ask for values of a label", variable["name"]))
        .collect()
}

fn template_reload(board: &Board) -> Vec<String> {
    const ON_TIME_RANGE_CHANGE: i32 = 2;
    of_type(board, "query")
        .filter(|variable| variable["refresh"] != ON_TIME_RANGE_CHANGE)
        .map(|variable| format!("{} keeps the values of another time", variable["name"]))
        .collect()
}

fn panel_datasource(board: &Board) -> Vec<String> {
    board
        .panels()
        .flat_map(|panel| {
            let targets = list(panel, "targets");
            std::iter::once(panel)
                .chain(targets)
                .filter(|part| part["datasource"]["uid"] != "${datasource}")
                .map(move |_| fault(panel, "does not use the chosen data source"))
        })
        .collect()
}

fn panel_title_description(board: &Board) -> Vec<String> {
    let is_said = |panel: &Value| {
        !text(panel, "title").is_empty() && text(panel, "description").ends_with('.')
    };
    faulty(board, "is not described", is_said)
}

fn panel_units(board: &Board) -> Vec<String> {
    faulty(board, "has no known unit", |panel| {
        UNITS.contains(&text(&panel["fieldConfig"]["defaults"], "unit"))
    })
}

fn panel_no_targets(board: &Board) -> Vec<String> {
    faulty(board, "asks nothing", |panel| {
        list(panel, "targets").all(|target| !text(target, "expr").is_empty())
            && list(panel, "targets").next().is_some()
    })
}

fn target_rate_interval(board: &Board) -> Vec<String> {
    // A total of the time shown has that for its range, and is asked once; a line over time must not have it.
    with_selectors(
        board,
        "has a range of its own",
        |selector, is_instant| match selector.range {
            None => true,
            Some("$__rate_interval") => !is_instant,
            Some("$__range") => is_instant && selector.call == "increase",
            Some(_) => false,
        },
    )
}

fn matcher(board: &Board, label: &str) -> Vec<String> {
    let wanted = format!(r#"{label}=~"${label}""#);
    let mut faults = with_selectors(board, &format!("lacks {wanted}"), |selector, _| {
        has_matcher(selector, &wanted)
    });
    faults.extend(bare_metrics(board));
    faults
}

/// Metrics without any matcher, which [`selectors`] does not see.
fn bare_metrics(board: &Board) -> Vec<String> {
    let is_metric = |word: &&str| {
        ["phonewatch_", "process_"]
            .iter()
            .any(|prefix| word.starts_with(prefix))
            || *word == "up"
    };
    let targets = board.targets();
    targets
        .filter(|target| words(target.expression).iter().any(is_metric))
        .map(|target| format!("{} selects without matchers", target.place))
        .collect()
}

fn target_counter_agg(board: &Board) -> Vec<String> {
    with_selectors(board, "shows a counter as it is", |selector, _| {
        let suffixes = ["_total", "_bucket", "_count", "_sum"];
        let is_counter = suffixes
            .iter()
            .any(|suffix| selector.metric.ends_with(suffix));
        !is_counter || (["rate", "increase"].contains(&selector.call) && selector.range.is_some())
    })
}

fn target_histogram(board: &Board) -> Vec<String> {
    let is_drawn = |panel: &Value| {
        list(panel, "targets").all(|target| {
            let expression = text(target, "expr");
            let is_buckets = expression.contains("_bucket{");
            let is_heat_map = panel["type"] == "heatmap" && target["format"] == "heatmap";
            !is_buckets || is_heat_map || expression.contains("histogram_quantile(")
        })
    };
    faulty(board, "shows buckets as they are", is_drawn)
}

fn uneditable(board: &Board) -> Vec<String> {
    let is_editable = board.json["editable"] != false;
    is_editable
        .then(|| "it can be edited".to_owned())
        .into_iter()
        .collect()
}

/// A sensor may have no label for its site: "all" has to find it all the same.
fn site(board: &Board) -> Vec<String> {
    let variable = board
        .variables()
        .find(|variable| variable["name"] == "site");
    let all = variable.map_or("", |variable| text(variable, "allValue"));
    let mut faults = matcher(board, "site");
    if all != ".*" {
        faults.push(format!("all sites are {all:?}"));
    }
    faults
}

fn identity(board: &Board) -> Vec<String> {
    let json = &board.json;
    let stem = board.file.trim_end_matches(".json");
    let mut faults = Vec::new();
    if json.get("id").is_some() {
        faults.push("it has an id, which is that of one Grafana".to_owned());
    }
    if text(json, "uid") != format!("phonewatch-{stem}") {
        faults.push(format!("its uid is {}", json["uid"]));
    }
    if !list(json, "tags").any(|tag| tag == "phonewatch") {
        faults.push("it has no tag".to_owned());
    }
    if text(json, "title").is_empty() || text(json, "description").is_empty() {
        faults.push("it is not described".to_owned());
    }
    faults
}

fn links(board: &Board) -> Vec<String> {
    let is_kept = |link: &&Value| {
        link["includeVars"] == true && link["keepTime"] == true && link["type"] == "dashboards"
    };
    let mut faults = Vec::new();
    if list(&board.json, "links").find(is_kept).is_none() {
        faults.push("it does not lead to the others".to_owned());
    }
    let known = super::board::boards();
    for panel in board.panels() {
        for part in panel["fieldConfig"].to_string().split("/d/").skip(1) {
            let uid = part.split(['?', '"']).next().unwrap_or_default();
            if !known.iter().any(|board| text(&board.json, "uid") == uid) {
                faults.push(fault(panel, "leads nowhere"));
            }
            let variables = ["datasource", "job", "instance", "site"];
            if !variables
                .iter()
                .all(|name| part.contains(&format!("${{{name}:queryparam}}")))
            {
                faults.push(fault(panel, "leads to another choice"));
            }
        }
    }
    faults
}

/// Panels stand in the grid, none on top of another, and each has a number of its own.
fn grid(board: &Board) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut faults = Vec::new();
    for panel in list(&board.json, "panels") {
        let [x, y, width, height] =
            ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap_or_default());
        let cells = (y..y + height).flat_map(|row| (x..x + width).map(move |column| (column, row)));
        let is_free = cells.into_iter().all(|cell| taken.insert(cell));
        if !is_free || x + width > 24 || width == 0 || height == 0 {
            faults.push(fault(panel, "has no place"));
        }
        if !ids.insert(panel["id"].as_u64()) {
            faults.push(fault(panel, "has another one's number"));
        }
    }
    faults
}

/// Each line has a name, and that names what tells the lines apart.
fn legends(board: &Board) -> Vec<String> {
    let mut faults = Vec::new();
    for panel in board.panels().filter(|panel| panel["type"] != "table") {
        for target in list(panel, "targets") {
            let legend = text(target, "legendFormat");
            let grouped = text(target, "expr")
                .split(" by (")
                .nth(1)
                .and_then(|rest| rest.split_once(')'))
                .map_or("", |(labels, _)| labels);
            let is_named = grouped
                .split(", ")
                .filter(|label| !label.is_empty())
                .filter(|label| *label != "le" || target["format"] == "heatmap")
                .all(|label| legend.contains(&format!("{{{{{label}}}}}")));
            if legend.is_empty() || !is_named {
                faults.push(fault(panel, "has lines without a name"));
            }
        }
    }
    faults
}

/// Each variable is asked for somewhere.
fn variables(board: &Board) -> Vec<String> {
    board
        .variables()
        .map(|variable| text(variable, "name"))
        .filter(|name| *name != "datasource")
        .filter(|name| {
            let used = format!("\"${name}\"");
            !board
                .targets()
                .any(|target| target.expression.contains(&used))
        })
        .map(|name| format!("nothing depends on {name}"))
        .collect()
}

fn of_type<'b>(board: &'b Board, kind: &'b str) -> impl Iterator<Item = &'b Value> {
    board
        .variables()
        .filter(move |variable| variable["type"] == kind)
}

fn differences(what: &str, value: &Value, expected: &[(&str, &str)]) -> Vec<String> {
    expected
        .iter()
        .filter(|(key, wanted)| text(value, key) != *wanted)
        .map(|(key, wanted)| format!("{what}: {key} is {}, not {wanted:?}", value[*key]))
        .collect()
}

fn faulty(board: &Board, what: &str, is_good: impl Fn(&Value) -> bool) -> Vec<String> {
    board
        .panels()
        .filter(|panel| !is_good(panel))
        .map(|panel| fault(panel, what))
        .collect()
}

fn with_selectors(
    board: &Board,
    what: &str,
    is_good: impl Fn(&Selector<'_>, bool) -> bool,
) -> Vec<String> {
    let mut faults = Vec::new();
    for target in board.targets() {
        for selector in selectors(target.expression) {
            if !is_good(&selector, target.is_instant) {
                faults.push(format!("{}: {} {what}", target.place, selector.metric));
            }
        }
    }
    faults
}

fn has_matcher(selector: &Selector<'_>, matcher: &str) -> bool {
    selector.matchers.split(", ").any(|part| part == matcher)
}

fn fault(panel: &Value, what: &str) -> String {
    format!("{:?} {what}", text(panel, "title"))
}
