//! What can be chosen at the top of a dashboard.

use serde_json::{Value, json};

/// The data source that was chosen.
pub(crate) fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// The variables of every dashboard, and those of this one after them.
///
/// A label that every series has must have a value. A site is given by whoever runs several sensors: where there are no
/// sites, "all" has to match a label that is not there.
pub(crate) fn variables(own: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let chosen = r#"job=~"$job", instance=~"$instance""#;
    let mut variables = vec![
        json!({
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "regex": "",
            "hide": 0,
            "multi": false,
            "includeAll": false,
            "refresh": 1,
        }),
        several("job", "Job", "phonewatch_build_info", ".+"),
        several(
            "instance",
            "Instance",
            r#"phonewatch_build_info{job=~"$job"}"#,
            ".+",
        ),
        several(
            "site",
            "Site",
            &format!("phonewatch_build_info{{{chosen}}}"),
            ".*",
        ),
    ];
    variables.extend(own);
    variables
}

/// CallManagers that the chosen sensors see; all of them unless some are chosen.
pub(crate) fn callmanagers() -> Value {
    let series = r#"phonewatch_callmanager_registered_phones{job=~"$job", instance=~"$instance", site=~"$site"}"#;
    several("callmanager", "CallManager", series, ".+")
}

/// Phones that have series of their own. Not all at once: that may be twenty thousand.
pub(crate) fn phones() -> Value {
    let series = r#"phonewatch_phone_up{job=~"$job", instance=~"$instance", site=~"$site"}"#;
    let mut variable = several("phone", "Phone", series, "");
    variable["includeAll"] = false.into();
    if let Some(variable) = variable.as_object_mut() {
        // Grafana chooses the first one.
        variable.remove("current");
    }
    variable
}

/// Values of one label, of which several can be chosen.
fn several(label: &str, title: &str, series: &str, all: &str) -> Value {
    let query = format!("label_values({series}, {label})");
    json!({
        "name": label,
        "label": title,
        "type": "query",
        "datasource": datasource(),
        "definition": query,
        "query": { "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery", "qryType": 1, "label": label, "metric": "" },
        "regex": "",
        "sort": 1,
        // When the time range changes: what was there last week is to be found there.
        "refresh": 2,
        "hide": 0,
        "multi": true,
        "includeAll": true,
        "allValue": all,
        "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
    })
}
