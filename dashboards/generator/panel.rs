//! A panel: how its queries are shown.

use serde_json::{Map, Value, json};

use super::colour;
use super::query::Query;
use super::variable::datasource;

/// One panel. Its size is in cells of Grafana's grid, which is 24 wide.
pub(crate) struct Panel {
    kind: &'static str,
    title: &'static str,
    description: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    queries: Vec<Query>,
    /// What holds for each value: unit, thresholds, colours.
    defaults: Map<String, Value>,
    overrides: Vec<Value>,
    options: Value,
    transformations: Vec<Value>,
}

/// A link from a phone to the dashboard about it.
pub(crate) const TO_PHONE: &str = "/d/phonewatch-phone?${__url_time_range}&${datasource:queryparam}&${job:queryparam}\
                                   &${instance:queryparam}&${site:queryparam}&var-phone=";
/// A link from a CallManager to the dashboard about it.
pub(crate) const TO_CALLMANAGER: &str = "/d/phonewatch-callmanager?${__url_time_range}&${datasource:queryparam}\
                                         &${job:queryparam}&${instance:queryparam}&${site:queryparam}\
                                         &var-callmanager=";

impl Panel {
    /// Single numbers, coloured by thresholds.
    pub(crate) fn stat(title: &'static str, description: &'static str) -> Self {
        let options = json!({
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
            "wideLayout": true,
            "showPercentChange": false,
            "percentChangeColorMode": "standard",
        });
        Self::new("stat", title, description, options)
            .size(4, 4)
            .default("color", json!({ "mode": "thresholds" }))
            .thresholds(&[(0.0, colour::PLAIN)])
    }

    /// Lines over time.
    pub(crate) fn lines(title: &'static str, description: &'static str) -> Self {
        let options = json!({
            "legend": { "displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": ["lastNotNull", "max"] },
            "tooltip": { "mode": "multi", "sort": "desc" },
        });
        let custom = json!({
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 1,
            "fillOpacity": 10,
            "gradientMode": "none",
            "showPoints": "never",
            "pointSize": 5,
            "spanNulls": false,
            "axisPlacement": "auto",
            "axisLabel": "",
            "axisColorMode": "text",
            "axisCenteredZero": false,
            "axisBorderShow": false,
            "scaleDistribution": { "type": "linear" },
            "stacking": { "mode": "none", "group": "A" },
            "thresholdsStyle": { "mode": "off" },
            "hideFrom": { "legend": false, "tooltip": false, "viz": false },
        });
        Self::new("timeseries", title, description, options)
            .default("color", json!({ "mode": "palette-classic" }))
            .default("custom", custom)
            .default("min", json!(0))
            .thresholds(&[(0.0, colour::GOOD)])
    }

    /// Areas on top of each other, over time: parts of a whole.
    pub(crate) fn areas(title: &'static str, description: &'static str) -> Self {
        Self::lines(title, description)
            .custom("stacking", json!({ "mode": "normal", "group": "A" }))
            .custom("fillOpacity", json!(60))
    }

    /// Bars on top of each other, over time: how often something happened.
    pub(crate) fn bars(title: &'static str, description: &'static str) -> Self {
        Self::areas(title, description)
            .custom("drawStyle", json!("bars"))
            .custom("lineWidth", json!(0))
            .custom("fillOpacity", json!(80))
            .unit("short")
    }

    /// Horizontal bars, one for each series, the largest first.
    pub(crate) fn ranking(title: &'static str, description: &'static str) -> Self {
        let options = json!({
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "displayMode": "basic",
            "orientation": "horizontal",
            "valueMode": "color",
            "showUnfilled": true,
            "sizing": "auto",
            "minVizWidth": 8,
            "minVizHeight": 16,
            "maxVizHeight": 32,
            "namePlacement": "auto",
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": [] },
        });
        Self::new("bargauge", title, description, options)
            .default("color", json!({ "mode": "thresholds" }))
            .default("min", json!(0))
            .thresholds(&[(0.0, colour::PLAIN)])
    }

    /// States over time, one row for each series.
    pub(crate) fn timeline(title: &'static str, description: &'static str) -> Self {
        let options = json!({
            "showValue": "auto",
            "rowHeight": 0.9,
            "mergeValues": true,
            "alignValue": "left",
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] },
            "tooltip": { "mode": "single", "sort": "none" },
        });
        let custom = json!({
            "fillOpacity": 70,
            "lineWidth": 0,
            "hideFrom": { "legend": false, "tooltip": false, "viz": false },
        });
        Self::new("state-timeline", title, description, options)
            .default("color", json!({ "mode": "thresholds" }))
            .default("custom", custom)
            .thresholds(&[(0.0, colour::PLAIN)])
            .size(24, 8)
    }

    /// A histogram over time: the darker, the more.
    pub(crate) fn heat_map(title: &'static str, description: &'static str) -> Self {
        let options = json!({
            "calculate": false,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "scale": "exponential",
                "exponent": 0.5,
                "steps": 64,
                "reverse": false,
                "fill": "dark-orange",
            },
            "exemplars": { "color": "rgba(255,0,255,0.7)" },
            // Grafana shows no cell for 0 then.
            "filterValues": { "le": 1e-9 },
            "legend": { "show": true },
            "rowsFrame": { "layout": "auto" },
            "showValue": "never",
            "tooltip": { "mode": "single", "yHistogram": true, "showColorScale": true },
            "yAxis": { "axisPlacement": "left", "reverse": false, "unit": "s" },
            "cellValues": { "unit": "short" },
        });
        let custom = json!({
            "scaleDistribution": { "type": "linear" },
            "hideFrom": { "legend": false, "tooltip": false, "viz": false },
        });
        Self::new("heatmap", title, description, options).default("custom", custom)
    }

    /// Rows of what holds at the end of the time shown.
    pub(crate) fn table(title: &'static str, description: &'static str) -> Self {
        let options = json!({
            "frameIndex": 0,
            "showHeader": true,
            "cellHeight": "sm",
            "footer": { "show": false, "reducer": ["sum"], "countRows": false, "fields": [] },
        });
        let custom = json!({ "align": "auto", "cellOptions": { "type": "auto" }, "inspect": false, "filterable": true });
        // Columns are words, and words that look like numbers stay what they are.
        Self::new("table", title, description, options)
            .unit("string")
            .default("color", json!({ "mode": "thresholds" }))
            .default("custom", custom)
            .thresholds(&[(0.0, colour::PALE)])
    }

    fn new(
        kind: &'static str,
        title: &'static str,
        description: &'static str,
        options: Value,
    ) -> Self {
        Self {
            kind,
            title,
            description,
            width: 8,
            height: 8,
            queries: Vec::new(),
            defaults: Map::new(),
            overrides: Vec::new(),
            options,
            transformations: Vec::new(),
        }
        .unit("short")
    }

    pub(crate) fn size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    pub(crate) fn query(mut self, query: Query) -> Self {
        self.queries.push(query);
        self
    }

    pub(crate) fn unit(self, unit: &str) -> Self {
        self.default("unit", json!(unit))
    }

    /// The colour from each value on; the first is the colour of everything below as well.
    pub(crate) fn thresholds(self, steps: &[(f64, &str)]) -> Self {
        let steps: Vec<Value> = (0..)
            .zip(steps)
            .map(|(index, &(from, color))| {
                let from = (index > 0).then_some(from);
                json!({ "value": from, "color": color })
            })
            .collect();
        self.default("thresholds", json!({ "mode": "absolute", "steps": steps }))
    }

    /// Words and colours for values.
    pub(crate) fn mappings(self, mappings: Value) -> Self {
        self.default("mappings", mappings)
    }

    /// The range that a value is of, where a share or the like is drawn.
    pub(crate) fn at_most(self, most: f64) -> Self {
        self.default("max", json!(most))
    }

    /// Colours of lines, by their names in the legend.
    pub(crate) fn colours<'n>(self, colours: impl IntoIterator<Item = (&'n str, &'n str)>) -> Self {
        colours.into_iter().fold(self, |panel, (name, colour)| {
            panel.overriding(
                name,
                &[("color", json!({ "mode": "fixed", "fixedColor": colour }))],
            )
        })
    }

    /// A link of every value. `${__field.labels.phone}` and the like are filled in.
    pub(crate) fn link(self, title: &str, url: &str) -> Self {
        self.default("links", json!([link(title, url)]))
    }

    /// What holds for the field of this name alone.
    pub(crate) fn overriding(mut self, name: &str, properties: &[(&str, Value)]) -> Self {
        let properties: Vec<Value> = properties
            .iter()
            .map(|(id, value)| json!({ "id": id, "value": value }))
            .collect();
        self.overrides.push(json!({
            "matcher": { "id": "byName", "options": name },
            "properties": properties,
        }));
        self
    }

    pub(crate) fn option(mut self, name: &str, value: Value) -> Self {
        self.options[name] = value;
        self
    }

    pub(crate) fn transformation(mut self, id: &str, options: &Value) -> Self {
        self.transformations
            .push(json!({ "id": id, "options": options }));
        self
    }

    /// As Grafana wants it.
    pub(crate) fn into_json(self, id: u32, place: &Value) -> Value {
        let targets: Vec<Value> = ('A'..='Z')
            .zip(self.queries)
            .map(|(letter, query)| query.into_json(letter))
            .collect();
        json!({
            "id": id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": place,
            "datasource": datasource(),
            "targets": targets,
            "fieldConfig": { "defaults": self.defaults, "overrides": self.overrides },
            "options": self.options,
            "transformations": self.transformations,
        })
    }

    fn default(mut self, name: &str, value: Value) -> Self {
        self.defaults.insert(name.to_owned(), value);
        self
    }

    fn custom(mut self, name: &str, value: Value) -> Self {
        self.defaults["custom"][name] = value;
        self
    }
}

/// One link.
pub(crate) fn link(title: &str, url: &str) -> Value {
    json!({ "title": title, "url": url, "targetBlank": false })
}
