//! A dashboard: rows of panels under its variables.

use serde_json::{Value, json};

use super::panel::Panel;
use super::variable::variables;

/// What all of them are tagged with; their links to each other go by it.
const TAG: &str = "phonewatch";
/// Of Grafana 11; later ones read it too.
const SCHEMA_VERSION: u32 = 39;
/// How many columns Grafana's grid has.
const COLUMNS: u32 = 24;

/// One dashboard.
pub(crate) struct Dashboard {
    /// What links go by; it stays.
    pub(crate) uid: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// Variables beside those of every dashboard.
    pub(crate) variables: Vec<Value>,
    pub(crate) rows: Vec<Row>,
}

/// Panels under a common title.
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) panels: Vec<Panel>,
}

impl Dashboard {
    /// As Grafana wants it.
    pub(crate) fn into_json(self) -> Value {
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": false,
            "graphTooltip": 1,
            "fiscalYearStartMonth": 0,
            "weekStart": "",
            "timezone": "browser",
            "time": { "from": "now-6h", "to": "now" },
            "timepicker": {},
            "refresh": "30s",
            "annotations": { "list": [own_annotations()] },
            "links": [links()],
            "templating": { "list": variables(self.variables) },
            "panels": laid_out(self.rows),
        })
    }
}

/// What people write at a point of time: Grafana adds this list where it is missing.
fn own_annotations() -> Value {
    json!({
        "builtIn": 1,
        "datasource": { "type": "grafana", "uid": "-- Grafana --" },
        "enable": true,
        "hide": true,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    })
}

/// To the other dashboards, with the time shown and what was chosen.
fn links() -> Value {
    json!({
        "title": "phonewatch",
        "type": "dashboards",
        "tags": [TAG],
        "icon": "external link",
        "tooltip": "The other dashboards of phonewatch",
        "url": "",
        "asDropdown": false,
        "includeVars": true,
        "keepTime": true,
        "targetBlank": false,
    })
}

/// Gives each panel its place: from left to right, and below where there is no room.
fn laid_out(rows: Vec<Row>) -> Vec<Value> {
    let mut laid_out = Vec::new();
    let (mut id, mut y) = (0, 0);
    for row in rows {
        id += 1;
        laid_out.push(json!({
            "id": id,
            "type": "row",
            "title": row.title,
            "collapsed": false,
            "panels": [],
            "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 },
        }));
        y += 1;
        let (mut x, mut height) = (0, 0);
        for panel in row.panels {
            if x + panel.width > COLUMNS {
                y += height;
                (x, height) = (0, 0);
            }
            id += 1;
            let (width, tall) = (panel.width, panel.height);
            let place = json!({ "x": x, "y": y, "w": width, "h": tall });
            laid_out.push(panel.into_json(id, &place));
            x += width;
            height = height.max(tall);
        }
        y += height;
    }
    laid_out
}
