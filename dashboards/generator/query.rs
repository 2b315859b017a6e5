//! One query of a panel.

use serde_json::{Value, json};

use super::variable::datasource;

/// One query. In its expression `%sensor` stands for the matchers that choose sensors, `%server` for those and the chosen
/// CallManagers, `%phone` for those and the chosen phones.
pub(crate) struct Query {
    expression: String,
    legend: String,
    format: &'static str,
    is_instant: bool,
}

impl Query {
    /// A line over time.
    pub(crate) fn over_time(expression: &str, legend: &str) -> Self {
        Self {
            expression: with_matchers(expression),
            legend: legend.to_owned(),
            format: "time_series",
            is_instant: false,
        }
    }

    /// How often something happened, by these labels: a line over time for each of their values, named after them.
    pub(crate) fn increases(counter: &str, by: &[&str]) -> Self {
        let legend: Vec<String> = by.iter().map(|label| format!("{{{{{label}}}}}")).collect();
        Self::over_time(
            &format!(
                "sum by ({}) (increase({counter}[$__rate_interval]))",
                by.join(", ")
            ),
            &legend.join(": "),
        )
    }

    /// The same without those that did not happen.
    pub(crate) fn increases_above_zero(counter: &str, by: &[&str]) -> Self {
        let mut query = Self::increases(counter, by);
        query.expression.push_str(" > 0");
        query
    }

    /// A value as it is at the end of the time shown.
    pub(crate) fn now(expression: &str, legend: &str) -> Self {
        Self {
            is_instant: true,
            ..Self::over_time(expression, legend)
        }
    }

    /// Rows of a table as they are at the end of the time shown.
    pub(crate) fn rows(expression: &str) -> Self {
        Self {
            format: "table",
            ..Self::now(expression, "")
        }
    }

    /// The buckets of a histogram over time.
    pub(crate) fn buckets(expression: &str) -> Self {
        Self {
            format: "heatmap",
            ..Self::over_time(expression, "{{le}}")
        }
    }

    /// As Grafana wants it, with its letter.
    pub(crate) fn into_json(self, letter: char) -> Value {
        json!({
            "refId": letter.to_string(),
            "datasource": datasource(),
            "editorMode": "code",
            "expr": self.expression,
            "format": self.format,
            "instant": self.is_instant,
            "range": !self.is_instant,
            "legendFormat": self.legend,
        })
    }
}

const SENSOR: &str = r#"job=~"$job", instance=~"$instance", site=~"$site""#;

fn with_matchers(expression: &str) -> String {
    expression
        .replace("%server", r#"callmanager=~"$callmanager", %sensor"#)
        .replace("%phone", r#"phone=~"$phone", %sensor"#)
        .replace("%sensor", SENSOR)
}
