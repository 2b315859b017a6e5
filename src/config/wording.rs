//! The words in which errors speak of values and keys.

use toml::de::DeValue;

/// How many characters of a wrong value are repeated in the message; its line is shown below.
const MAX_QUOTED: usize = 60;

/// A value of a type that is not allowed here.
pub(super) fn described(value: &DeValue<'_>) -> String {
    let is_a = match value {
        DeValue::String(_) => "is text",
        DeValue::Integer(_) => "is a whole number",
        DeValue::Float(_) => "is a decimal number",
        DeValue::Boolean(_) => "is a truth value",
        DeValue::Datetime(_) => "is a date or time",
        DeValue::Array(_) => "is a list",
        DeValue::Table(_) => "is a table",
    };
    format!("{} {is_a}", quoted(value))
}

/// A value as it can stand in a message.
pub(super) fn quoted(value: &DeValue<'_>) -> String {
    let shown = match value {
        DeValue::String(text) => return quoted_text(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => "this".to_owned(),
    };
    cut(&shown)
}

/// Text in quotes, cut where it is long, control characters escaped.
pub(super) fn quoted_text(text: &str) -> String {
    format!("{:?}", cut(text))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn enumerated(items: &[impl AsRef<str>], conjunction: &str) -> String {
    let mut sentence = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 && index + 1 == items.len() {
            sentence.push(' ');
            sentence.push_str(conjunction);
            sentence.push(' ');
        } else if index > 0 {
            sentence.push_str(", ");
        }
        sentence.push_str(item.as_ref());
    }
    sentence
}

/// The known key that was probably meant.
pub(super) fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    // Below this two words share little more than some letters.
    const LIKE: f64 = 0.8;
    if name.len() > MAX_QUOTED {
        return None;
    }
    let name = name.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|known| (strsim::jaro_winkler(&name, known), *known))
        .filter(|(likeness, _)| *likeness > LIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_key_that_was_meant() {
        let known = ["moves", "window", "per_phone", "per_phone_limit", "listen"];
        for (name, meant) in [
            ("move", Some("moves")),
            ("Window", Some("window")),
            ("windwo", Some("window")),
            ("window_size", Some("window")),
            ("per-phone", Some("per_phone")),
            ("per_phone_limits", Some("per_phone_limit")),
            ("listen_address", Some("listen")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
        assert_eq!(nearest(&"moves".repeat(1000), &known), None);
    }

    #[test]
    fn enumerates_like_a_sentence() {
        assert_eq!(enumerated(&[""; 0], "or"), "");
        assert_eq!(enumerated(&["a"], "or"), "a");
        assert_eq!(enumerated(&["a", "b"], "or"), "a or b");
        assert_eq!(enumerated(&["a", "b", "c"], "and"), "a, b and c");
    }
}
