//! Sentences under each other, within the width there is.

use super::Style;
use super::grid::{Colour, shown};

/// What is read on a page without a width of its own, in characters.
const COMFORTABLE: usize = 80;
/// On a narrower terminal than this the words decide.
const LEAST: usize = 24;

/// Text for people that grows paragraph by paragraph.
pub(super) struct Prose {
    text: String,
    width: usize,
    colour: bool,
}

impl Prose {
    pub(super) fn new(style: Style) -> Self {
        Self {
            text: String::new(),
            width: style.width.unwrap_or(COMFORTABLE).max(LEAST),
            colour: style.colour,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// An empty line, unless one stands there already.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A line that stands out, `label` and a gap before it.
    pub(super) fn heading(&mut self, label: &str, text: &str, colour: Colour) {
        let label = if label.is_empty() {
            String::new()
        } else {
            format!("{label}  ")
        };
        let colour = Some(colour).filter(|_| self.colour);
        self.text.push_str(&painted(&label, colour));
        let rest = " ".repeat(label.chars().count());
        self.lines("", &rest, text, colour);
    }

    /// A paragraph whose first line begins with `first` and whose others begin with as many spaces.
    pub(super) fn paragraph(&mut self, first: &str, text: &str) {
        let rest = " ".repeat(first.chars().count());
        self.lines(first, &rest, text, None);
    }

    /// A paragraph that is read last.
    pub(super) fn aside(&mut self, first: &str, text: &str) {
        let rest = " ".repeat(first.chars().count());
        let colour = Some(Colour::Dim).filter(|_| self.colour);
        self.lines(first, &rest, text, colour);
    }

    /// What to do, step by step, each beginning with `indent`.
    pub(super) fn steps(&mut self, indent: &str, steps: &[&str]) {
        for (step, number) in steps.iter().zip(1..) {
            self.paragraph(&format!("{indent}{number}. "), step);
        }
    }

    fn lines(&mut self, first: &str, rest: &str, text: &str, colour: Option<Colour>) {
        let lines = wrapped(&shown(text), self.width, rest.chars().count());
        for (number, line) in lines.iter().enumerate() {
            self.text.push_str(if number == 0 { first } else { rest });
            self.text.push_str(&painted(line, colour));
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.text.push('\n');
        }
    }
}

fn painted(text: &str, colour: Option<Colour>) -> String {
    match colour {
        Some(colour) if !text.is_empty() => colour.paint(text),
        Some(_) | None => text.to_owned(),
    }
}

/// `text` broken between words into lines of at most `width` characters less `indent`; a word that is longer stands alone.
fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
    let room = width.saturating_sub(indent).max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > room {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prose(width: usize, colour: bool) -> Prose {
        Prose::new(Style {
            colour,
            width: Some(width),
        })
    }

    #[test]
    fn lines_break_between_words_and_stand_under_each_other() {
        let mut prose = prose(24, false);
        prose.heading("", "rejected", Colour::Red);
        prose.steps("  ", &["Look the phone up in CallManager.", "Add it."]);
        prose.gap();
        prose.gap();
        prose.paragraph("", &"x".repeat(30));
        assert_eq!(
            prose.into_text(),
            "rejected\n  1. Look the phone up\n     in CallManager.\n  2. Add it.\n\n\
             xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
        );
    }

    #[test]
    fn colours_stand_around_the_words_only() {
        let mut prose = prose(80, true);
        prose.heading("", "rejected", Colour::Red);
        prose.heading("OVER", "lost", Colour::Dim);
        prose.paragraph("  ", "plain");
        prose.aside("  ", "aside");
        assert_eq!(
            prose.into_text(),
            "\x1b[31mrejected\x1b[0m\n\x1b[2mOVER  \x1b[0m\x1b[2mlost\x1b[0m\n  plain\n  \x1b[2maside\x1b[0m\n"
        );
    }

    #[test]
    fn nothing_in_it_moves_the_cursor() {
        let mut prose = prose(80, false);
        prose.paragraph("", "a\x1b[2J\nb\u{202e}c");
        assert_eq!(prose.into_text(), "a\u{FFFD}[2J\u{FFFD}b\u{FFFD}c\n");
    }
}
