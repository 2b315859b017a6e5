//! Which colour means what, on every dashboard: green is registered, red is lost.

use phonewatch::phone::{Role, Stage};
use serde_json::{Value, json};

pub(crate) const GOOD: &str = "green";
pub(crate) const ODD: &str = "yellow";
pub(crate) const BAD: &str = "orange";
pub(crate) const WORST: &str = "red";
pub(crate) const PLAIN: &str = "blue";
pub(crate) const PALE: &str = "text";

/// The colour of a stage.
pub(crate) const fn of_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Unknown => PALE,
        Stage::Link => "super-light-blue",
        Stage::Dhcp => "light-blue",
        Stage::Dns => "blue",
        Stage::Tftp => "semi-dark-blue",
        Stage::Connecting => "light-purple",
        Stage::Registering => "purple",
        Stage::Rejected => BAD,
        Stage::Registered => GOOD,
        Stage::Lost => WORST,
    }
}

/// The colour of a CallManager's role.
pub(crate) const fn of_role(role: Role) -> &'static str {
    match role {
        Role::Primary => GOOD,
        Role::Secondary => ODD,
        Role::Tertiary => BAD,
        Role::Srst => "purple",
        Role::Unknown => PLAIN,
    }
}

/// The colours of severities, by their labels.
pub(crate) const SEVERITIES: [(&str, &str); 3] =
    [("critical", WORST), ("warning", BAD), ("info", PLAIN)];

/// The number of a stage as its word and colour.
pub(crate) fn stage_mappings() -> Value {
    let stages = Stage::ALL.into_iter().map(|stage| {
        (
            stage.number().to_string(),
            stage.label(),
            of_stage(stage),
            stage.number(),
        )
    });
    mapping(stages)
}

/// Zero and one as words and colours.
pub(crate) fn switch_mappings(off: (&str, &str), on: (&str, &str)) -> Value {
    mapping([
        ("0".to_owned(), off.0, off.1, 0),
        ("1".to_owned(), on.0, on.1, 1),
    ])
}

/// Words that keep their text and get a colour.
pub(crate) fn word_mappings(words: &[(&str, &str)]) -> Value {
    let words = (0..)
        .zip(words)
        .map(|(index, &(word, colour))| (word.to_owned(), word, colour, index));
    mapping(words)
}

fn mapping<'t>(values: impl IntoIterator<Item = (String, &'t str, &'t str, u8)>) -> Value {
    let options: serde_json::Map<String, Value> = values
        .into_iter()
        .map(|(value, text, color, index)| {
            (
                value,
                json!({ "text": text, "color": color, "index": index }),
            )
        })
        .collect();
    json!([{ "type": "value", "options": options }])
}
