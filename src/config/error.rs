//! What is wrong with a configuration file, said so that the line can be mended without opening the manual.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::net::is_unsafe;

/// How many errors of one file are shown; a file with more is the wrong file.
const MAX_SHOWN: usize = 100;

/// How many characters of a source line are shown.
const MAX_EXCERPT: usize = 120;

/// A fault found while reading, by its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The bytes at fault; `None` where the whole file is.
    pub(super) span: Option<Range<usize>>,
    /// The key, what stands there, and what is allowed.
    pub(super) message: String,
}

/// Every error of one configuration file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    file: Arc<str>,
    errors: Vec<ConfigError>,
    total: usize,
}

impl ConfigErrors {
    /// The one error of a file that could not be read as text.
    pub(super) fn whole_file(file: &str, message: String) -> Self {
        Self::new(
            file,
            "",
            vec![Fault {
                span: None,
                message,
            }],
        )
    }

    /// The errors at these places of `text`.
    pub(super) fn new(file: &str, text: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.span.as_ref().map(|span| (span.start, span.end)));
        faults.dedup();
        let file: Arc<str> = shown_line(file).into();
        let lines = Lines::new(text);
        Self {
            errors: faults
                .iter()
                .take(MAX_SHOWN)
                .map(|fault| ConfigError {
                    file: Arc::clone(&file),
                    place: fault.span.as_ref().map(|span| lines.place(span)),
                    message: fault.message.clone(),
                })
                .collect(),
            total: faults.len(),
            file,
        }
    }

    /// The errors, first line first; of very many, the first hundred.
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }
}

impl fmt::Display for ConfigErrors {
    /// Every error, then how many there are.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            write!(formatter, "{error}\n\n")?;
        }
        let noun = if self.total == 1 { "error" } else { "errors" };
        write!(formatter, "{} {noun} in {}", self.total, self.file)?;
        if self.total > self.errors.len() {
            write!(formatter, "; the first {} are shown", self.errors.len())?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// One error: where, what stands there, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: Arc<str>,
    place: Option<Place>,
    message: String,
}

impl ConfigError {
    /// Line and column, counted from 1 in characters; `None` where the whole file is at fault.
    pub fn position(&self) -> Option<(usize, usize)> {
        let place = self.place.as_ref()?;
        Some((place.line, place.column))
    }

    /// The key, what stands there, and what is allowed.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ConfigError {
    /// `FILE:LINE:COLUMN: MESSAGE`, the source line, and a caret under what is wrong.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            place,
            message,
        } = self;
        let Some(place) = place else {
            return write!(formatter, "{file}: {message}");
        };
        let (line, column) = (place.line, place.column);
        writeln!(formatter, "{file}:{line}:{column}: {message}")?;
        writeln!(formatter, "{line:>5} | {}", place.excerpt)?;
        let (indent, carets) = (place.indent, "^".repeat(place.carets));
        write!(formatter, "{:>5} | {:indent$}{carets}", "", "")
    }
}

impl std::error::Error for ConfigError {}

/// A place in the text, and its line as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    excerpt: String,
    /// How many characters of the excerpt stand before the carets.
    indent: usize,
    carets: usize,
}

/// Where the lines of a text begin.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // An editor does not count the byte order mark as a column.
        let first = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
        let starts = std::iter::once(first)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self { text, starts }
    }

    /// The line, counted from 0, that holds this byte.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= at)
            .saturating_sub(1)
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let line = self.line(span.start);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let source = self.text.get(start..).unwrap_or_default();
        let source = source.split('\n').next().unwrap_or_default();
        let source = source.strip_suffix('\r').unwrap_or(source);
        let characters_to = |at: usize| {
            let length = at.saturating_sub(start);
            source
                .char_indices()
                .take_while(|(index, _)| *index < length)
                .count()
        };
        let before = characters_to(span.start);
        let length = characters_to(span.end).saturating_sub(before);

        // Of a long line, the part around the fault.
        let cut = if before + length.min(MAX_EXCERPT / 2) > MAX_EXCERPT {
            before.saturating_sub(MAX_EXCERPT / 3)
        } else {
            0
        };
        let mut excerpt = shown_line(
            &source
                .chars()
                .skip(cut)
                .take(MAX_EXCERPT)
                .collect::<String>(),
        );
        let shown = excerpt.chars().count();
        let mut indent = before - cut;
        let carets = length.min(shown.saturating_sub(indent)).max(1);
        if source.chars().nth(cut + MAX_EXCERPT).is_some() {
            excerpt.push_str(" ...");
        }
        if cut > 0 {
            excerpt.insert_str(0, "... ");
            indent += 4;
        }
        Place {
            line: line + 1,
            column: before + 1,
            excerpt,
            indent,
            carets,
        }
    }
}

/// A line that shows as wide as it has characters and does nothing to the terminal.
fn shown_line(line: &str) -> String {
    line.chars()
        .map(|character| match character {
            '\t' => ' ',
            character if is_unsafe(character) => char::REPLACEMENT_CHARACTER,
            character => character,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, span: Range<usize>) -> String {
        ConfigErrors::new(
            "f",
            text,
            vec![Fault {
                span: Some(span),
                message: "wrong".into(),
            }],
        )
        .to_string()
    }

    #[test]
    fn columns_are_counted_in_characters() {
        assert_eq!(
            shown("a = 1\r\n\té = 'x'\r\n", 13..16),
            "f:2:6: wrong\n    2 |  é = 'x'\n      |      ^^^\n\n1 error in f"
        );
        assert_eq!(
            shown("\u{FEFF}abc", 3..6),
            "f:1:1: wrong\n    1 | abc\n      | ^^^\n\n1 error in f"
        );
    }

    #[test]
    fn a_place_outside_the_text_is_its_end() {
        assert_eq!(
            shown("ab\n", 3..3),
            "f:2:1: wrong\n    2 | \n      | ^\n\n1 error in f"
        );
        assert_eq!(
            shown("ab", 90..99),
            "f:1:3: wrong\n    1 | ab\n      |   ^\n\n1 error in f"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_fault() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let error = shown(&text, 500..501);
        let mut lines = error.lines();
        assert_eq!(lines.next(), Some("f:1:501: wrong"));
        let (excerpt, carets) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(excerpt.find('X'), carets.find('^'));
        assert!(excerpt.starts_with("    1 | ... aaa") && excerpt.ends_with("bbb ..."));
        assert!(excerpt.len() < 150, "{excerpt}");
    }

    #[test]
    fn what_could_harm_a_terminal_is_replaced() {
        assert_eq!(
            shown("a\u{1b}[31m\0b", 1..2),
            "f:1:2: wrong\n    1 | a\u{FFFD}[31m\u{FFFD}b\n      |  ^\n\n1 error in f"
        );
    }

    #[test]
    fn of_very_many_errors_the_first_are_shown() {
        let faults = (0..500)
            .map(|at| Fault {
                span: Some(at..at + 1),
                message: at.to_string(),
            })
            .collect();
        let errors = ConfigErrors::new("f", &"x".repeat(500), faults);
        assert_eq!(errors.errors().len(), MAX_SHOWN);
        assert!(
            errors
                .to_string()
                .ends_with("\n500 errors in f; the first 100 are shown")
        );
    }
}
