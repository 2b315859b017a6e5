//! A dashboard as it stands in its file, and what is looked for in it.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One dashboard.
pub(crate) struct Board {
    /// The name of its file.
    pub(crate) file: String,
    pub(crate) json: Value,
}

/// One query of a panel.
pub(crate) struct Target<'b> {
    /// The dashboard's file, the panel's title and the query's letter.
    pub(crate) place: String,
    pub(crate) expression: &'b str,
    pub(crate) is_instant: bool,
}

/// Every dashboard in the folder.
pub(crate) fn boards() -> Vec<Board> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    let mut boards: Vec<Board> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| Board {
            file: path.file_name().unwrap().to_string_lossy().into_owned(),
            json: serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
        })
        .collect();
    boards.sort_by(|one, other| one.file.cmp(&other.file));
    boards
}

impl Board {
    /// Every panel that shows something.
    pub(crate) fn panels(&self) -> impl Iterator<Item = &Value> {
        list(&self.json, "panels").filter(|panel| panel["type"] != "row")
    }

    /// Every query of every panel.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.panels().flat_map(|panel| {
            list(panel, "targets").map(|target| Target {
                place: format!(
                    "{}, {:?}, {}",
                    self.file,
                    text(panel, "title"),
                    text(target, "refId")
                ),
                expression: text(target, "expr"),
                is_instant: target["instant"] == true,
            })
        })
    }

    /// Every variable.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Value> {
        list(&self.json["templating"], "list")
    }
}

/// The entries of a list; none where there is no list.
pub(crate) fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value[key].as_array().into_iter().flatten()
}

/// A text; empty where there is none.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// The series and the label of a variable's `label_values(series, label)`.
pub(crate) fn label_values(variable: &Value) -> Option<(&str, &str)> {
    let query = text(&variable["query"], "query");
    let arguments = query.strip_prefix("label_values(")?.strip_suffix(')')?;
    arguments.rsplit_once(", ")
}
