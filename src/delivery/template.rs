//! A body of the user's own: a text with placeholders such as `{{title}}`.

use std::fmt::Write;

use super::preset;
use super::text::plain;
use crate::alert::Notification;

/// A text in which `{{name}}` stands for a part of the message.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    escape: Escape,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// How values are written, by the type of the whole.
#[derive(Clone, Copy, Debug)]
enum Escape {
    /// As within the quotes of JSON.
    Json,
    /// As in a form that a browser sends.
    Form,
    None,
}

/// The name of a placeholder with its value.
type Placeholder = (&'static str, fn(&Notification) -> String);

/// `json` is written as it is: it stands where JSON has a value.
const JSON: &str = "json";

const PLACEHOLDERS: [Placeholder; 15] = [
    ("title", |it| it.title.clone()),
    ("text", plain),
    ("status", |it| it.status.label().to_owned()),
    ("severity", |it| it.severity.label().to_owned()),
    ("reason", |it| word(&it.reason)),
    ("code", |it| it.group.code.clone()),
    ("cause", |it| it.group.cause.to_string()),
    ("names", |it| it.names.join(", ")),
    ("devices", |it| it.devices.to_string()),
    ("firing", |it| it.firing.to_string()),
    ("id", |it| it.id.clone()),
    ("thread", |it| it.thread.clone()),
    ("at", |it| it.at.to_string()),
    ("began", |it| it.began.to_string()),
    (JSON, |it| preset::webhook(it).unwrap_or_default()),
];

impl Template {
    /// Reads a template; else what is wrong with it.
    pub(super) fn parse(text: &str, content_type: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| "a {{ stands in it without its }}".to_owned())?;
            let known = PLACEHOLDERS.into_iter();
            let placeholder = known.clone().find(|(known, _)| *known == name.trim());
            let placeholder = placeholder.ok_or_else(|| {
                let known: Vec<&str> = known.map(|(name, _)| name).collect();
                format!(
                    "{{{{{}}}}} stands for nothing: there are {}",
                    name.trim(),
                    known.join(", ")
                )
            })?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Value(placeholder));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let escape = if content_type.contains("json") {
            Escape::Json
        } else if content_type.contains("x-www-form-urlencoded") {
            Escape::Form
        } else {
            Escape::None
        };
        Ok(Self { pieces, escape })
    }

    /// The body for this message.
    pub(super) fn render(&self, message: &Notification) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value((name, value)) => {
                let value = value(message);
                match self.escape {
                    Escape::Json if *name != JSON => within_json(&value),
                    Escape::Form => in_form(&value),
                    Escape::Json | Escape::None => value,
                }
            }
        });
        pieces.collect()
    }
}

fn within_json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

fn in_form(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").ok();
        }
        out
    })
}

fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::sender::test_message;
    use crate::time::Timestamp;

    fn rendered(text: &str, content_type: &str) -> String {
        let mut message = test_message("x", Timestamp::from_secs(1));
        message.title = "a \"b\"\n&c".into();
        Template::parse(text, content_type)
            .unwrap()
            .render(&message)
    }

    #[test]
    fn values_are_written_as_the_type_wants_them() {
        let text = "x{{title}}-{{ status }}}";
        assert_eq!(
            rendered(text, "application/json"),
            "xa \\\"b\\\"\\n&c-firing}"
        );
        assert_eq!(
            rendered(text, "application/x-www-form-urlencoded"),
            "xa%20%22b%22%0A%26c-firing}"
        );
        assert_eq!(rendered(text, "text/plain"), "xa \"b\"\n&c-firing}");
        let whole = rendered("{\"t\":\"{{text}}\",\"m\":{{json}}}", "application/json");
        let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(whole["m"]["title"], "a \"b\"\n&c");
    }

    #[test]
    fn what_is_unknown_is_named() {
        let error = Template::parse("{{titel}}", "text/plain").unwrap_err();
        assert!(
            error.contains("{{titel}}") && error.contains("title, text"),
            "{error}"
        );
        assert!(Template::parse("{{title", "text/plain").is_err());
    }
}
