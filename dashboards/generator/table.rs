//! Columns of tables.

use serde_json::{Map, Value, json};

use super::colour;
use super::panel::{Panel, TO_CALLMANAGER, TO_PHONE, link};

/// One column: the label it shows, or `Value`, and its heading.
pub(crate) type Column = (&'static str, &'static str);

impl Panel {
    /// Shows these columns in this order and no other, sorted by one of the headings, the largest first.
    ///
    /// Headings are given as display names, not by renaming: links go by the names of the fields.
    pub(crate) fn columns(self, columns: &[Column], sorted_by: &str) -> Self {
        let shown: Map<String, Value> = (0..)
            .zip(columns)
            .map(|(place, &(name, _))| (name.to_owned(), json!(place)))
            .collect();
        let names: Vec<&str> = columns.iter().map(|&(name, _)| name).collect();
        let panel = self
            .transformation(
                "filterFieldsByName",
                &json!({ "include": { "names": names } }),
            )
            .transformation(
                "organize",
                &json!({ "indexByName": shown, "excludeByName": {}, "renameByName": {} }),
            )
            .option(
                "sortBy",
                json!([{ "displayName": sorted_by, "desc": true }]),
            );
        columns.iter().fold(panel, Self::column)
    }

    fn column(self, &(name, heading): &Column) -> Self {
        let mut properties = vec![("displayName", json!(heading))];
        match name {
            "phone" => properties.push((
                "links",
                json!([
                    link(
                        "On a dashboard",
                        &format!("{TO_PHONE}${{__data.fields.phone}}")
                    ),
                    link(
                        "On the sensor's page",
                        "http://${__data.fields.instance}/phones/${__data.fields.phone}"
                    ),
                ]),
            )),
            "callmanager" => properties.push((
                "links",
                json!([link(
                    "On a dashboard",
                    &format!("{TO_CALLMANAGER}${{__data.fields.callmanager}}")
                )]),
            )),
            "Value" => properties.push(("unit", json!("short"))),
            "severity" => {
                properties.push(("mappings", colour::word_mappings(&colour::SEVERITIES)));
                properties.push(("custom.cellOptions", json!({ "type": "color-text" })));
            }
            _ => {}
        }
        if heading == STAGE {
            properties.push(("mappings", colour::stage_mappings()));
            properties.push(("custom.cellOptions", json!({ "type": "color-text" })));
        }
        self.overriding(name, &properties)
    }
}

/// The heading of a column that holds the number of a stage.
pub(crate) const STAGE: &str = "Stage";
