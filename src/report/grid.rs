//! Columns of text under each other, made to fit the width there is.
//!
//! Where they do not fit, long texts are shortened first, then columns in which nothing stands are left out, then those
//! that can best be spared. Numbers are never shortened: half a number is a wrong one.

use super::Style;
use crate::net::is_unsafe;

/// What stands where there is nothing to say.
pub(super) const NOTHING: &str = "–";

const SEPARATOR: &str = "  ";
const ELLIPSIS: char = '…';

/// A table.
pub(super) struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A column of a table.
pub(super) struct Column {
    title: &'static str,
    kind: Kind,
    /// Whether the table is still of use without it; of several, the one with the lowest number goes first.
    spare: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Aligned to the left; `least` characters stay when it is shortened.
    Text { least: usize },
    /// Aligned to the right, never shortened.
    Number,
}

/// One field of a table.
pub(super) struct Cell {
    text: String,
    colour: Option<Colour>,
}

/// How urgent something is, or how much it stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// A heading.
    Bold,
    /// What is read last.
    Dim,
    /// Something is broken.
    Red,
    /// Something is under way, or not as it should be.
    Yellow,
    /// All is well.
    Green,
}

impl Column {
    pub(super) const fn text(title: &'static str, least: usize) -> Self {
        Self {
            title,
            kind: Kind::Text { least },
            spare: None,
        }
    }

    pub(super) const fn number(title: &'static str) -> Self {
        Self {
            title,
            kind: Kind::Number,
            spare: None,
        }
    }

    pub(super) const fn spare(mut self, order: u8) -> Self {
        self.spare = Some(order);
        self
    }
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = shown(&text.into());
        Self {
            text: if text.is_empty() {
                NOTHING.into()
            } else {
                text
            },
            colour: None,
        }
    }

    pub(super) const fn painted(mut self, colour: Colour) -> Self {
        self.colour = Some(colour);
        self
    }

    fn says_something(&self) -> bool {
        !matches!(self.text.as_str(), NOTHING | "0")
    }
}

/// `text` without anything that a terminal would obey.
pub(super) fn shown(text: &str) -> String {
    text.replace(is_unsafe, "\u{FFFD}")
}

impl Grid {
    /// A table whose every row has one cell for each column.
    pub(super) const fn new(columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self { columns, rows }
    }

    /// Writes the table to `out`; the titles of the columns for which there was no room.
    pub(super) fn render(&self, style: Style, out: &mut String) -> Vec<&'static str> {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        let mut left_out = Vec::new();
        let widths = loop {
            let widths = self.fit(&kept, style.width);
            if style.width.is_none_or(|width| total(&widths) <= width) {
                break widths;
            }
            let Some(column) = self.least_needed(&kept) else {
                break widths;
            };
            kept.retain(|&other| other != column);
            left_out.extend(self.columns.get(column).map(|column| column.title));
        };
        let titles: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell::new(column.title))
            .collect();
        let title_line = self.line(&titles, &kept, &widths, style);
        if style.colour {
            out.push_str(&Colour::Bold.paint(&title_line));
        } else {
            out.push_str(&title_line);
        }
        out.push('\n');
        for row in &self.rows {
            out.push_str(&self.line(row, &kept, &widths, style));
            out.push('\n');
        }
        left_out
    }

    /// The widths of these columns, shortened as far as they may be where there is no room for all.
    fn fit(&self, kept: &[usize], available: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = kept
            .iter()
            .map(|&place| self.natural_width(place))
            .collect();
        let Some(available) = available else {
            return widths;
        };
        let least: Vec<usize> = kept
            .iter()
            .zip(&widths)
            .map(|(&place, &width)| self.least_width(place, width))
            .collect();
        let mut excess = total(&widths).saturating_sub(available);
        while excess > 0 {
            // The longest gives first, so that no column suffers for another one's length.
            let longest = widths
                .iter_mut()
                .zip(&least)
                .filter_map(|(width, least)| (*width > *least).then_some(width))
                .max_by_key(|width| **width);
            let Some(width) = longest else {
                break;
            };
            *width -= 1;
            excess -= 1;
        }
        widths
    }

    /// The column to leave out next: one in which nothing stands, else the first that can be spared.
    fn least_needed(&self, kept: &[usize]) -> Option<usize> {
        let spared = || {
            kept.iter()
                .filter_map(|&place| Some((self.columns.get(place)?.spare?, place)))
        };
        let empty = spared().filter(|&(_, place)| {
            !self
                .rows
                .iter()
                .any(|row| row.get(place).is_some_and(Cell::says_something))
        });
        empty.min().or_else(|| spared().min()).map(|found| found.1)
    }

    fn natural_width(&self, place: usize) -> usize {
        let title = self
            .columns
            .get(place)
            .map_or(0, |column| length(column.title));
        self.rows
            .iter()
            .filter_map(|row| row.get(place))
            .map(|cell| length(&cell.text))
            .fold(title, usize::max)
    }

    fn least_width(&self, place: usize, natural: usize) -> usize {
        match self.columns.get(place) {
            Some(Column {
                kind: Kind::Text { least },
                title,
                ..
            }) => natural.min(length(title).max(*least)),
            Some(_) | None => natural,
        }
    }

    fn line(&self, row: &[Cell], kept: &[usize], widths: &[usize], style: Style) -> String {
        let mut line = String::new();
        for (number, (&place, &width)) in kept.iter().zip(widths).enumerate() {
            let (Some(column), Some(cell)) = (self.columns.get(place), row.get(place)) else {
                continue;
            };
            if number > 0 {
                line.push_str(SEPARATOR);
            }
            let text = shorten(&cell.text, width);
            let padding = " ".repeat(width - length(&text));
            let text = match cell.colour.filter(|_| style.colour) {
                Some(colour) => colour.paint(&text),
                None => text,
            };
            if column.kind == Kind::Number {
                line.push_str(&padding);
                line.push_str(&text);
            } else {
                line.push_str(&text);
                line.push_str(&padding);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

impl Colour {
    /// `text` in this colour, as a terminal is told it.
    pub(super) fn paint(self, text: &str) -> String {
        format!("\x1b[{}m{text}\x1b[0m", self.code())
    }

    /// Its parameter of SGR (ECMA-48, section 8.3.117).
    const fn code(self) -> u8 {
        match self {
            Self::Bold => 1,
            Self::Dim => 2,
            Self::Red => 31,
            Self::Yellow => 33,
            Self::Green => 32,
        }
    }
}

/// `text` in at most `width` characters, with an ellipsis where something is missing.
fn shorten(text: &str, width: usize) -> String {
    if length(text) <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    if width > 0 {
        short.push(ELLIPSIS);
    }
    short
}

fn total(widths: &[usize]) -> usize {
    let separators = SEPARATOR.len() * widths.len().saturating_sub(1);
    widths.iter().fold(separators, |sum, width| sum + width)
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style {
        colour: false,
        width: None,
    };

    fn narrow(width: usize) -> Style {
        Style {
            width: Some(width),
            ..PLAIN
        }
    }

    fn grid() -> Grid {
        Grid::new(
            vec![
                Column::text("Name", 4),
                Column::text("Text", 6).spare(1),
                Column::number("None").spare(0),
                Column::number("Count"),
            ],
            vec![
                vec!["one", "some long text here", "0", "1,234"],
                vec!["two", "", "0", "5"],
            ]
            .into_iter()
            .map(|row| row.into_iter().map(Cell::new).collect())
            .collect(),
        )
    }

    fn rendered(style: Style) -> (String, Vec<&'static str>) {
        let mut out = String::new();
        let left_out = grid().render(style, &mut out);
        (out, left_out)
    }

    #[test]
    fn columns_stand_under_each_other() {
        let (text, left_out) = rendered(PLAIN);
        assert!(left_out.is_empty());
        insta::assert_snapshot!(text, @r"
        Name  Text                 None  Count
        one   some long text here     0  1,234
        two   –                       0      5
        ");
    }

    #[test]
    fn texts_give_first_then_empty_columns_then_what_can_be_spared() {
        let (text, left_out) = rendered(narrow(30));
        assert!(left_out.is_empty());
        insta::assert_snapshot!(text, @r"
        Name  Text         None  Count
        one   some long…      0  1,234
        two   –               0      5
        ");
        let (text, left_out) = rendered(narrow(20));
        assert_eq!(left_out, ["None"]);
        insta::assert_snapshot!(text, @r"
        Name  Text     Count
        one   some l…  1,234
        two   –            5
        ");
        assert_eq!(rendered(narrow(0)).1, ["None", "Text"]);
        assert!(rendered(narrow(0)).0.contains("1,234"));
    }

    #[test]
    fn a_line_is_never_wider_than_asked_where_the_columns_can_give() {
        for width in 13..60 {
            for line in rendered(narrow(width)).0.lines() {
                assert!(length(line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn colour_does_not_move_the_columns() {
        let row = |colour| {
            let mut out = String::new();
            Grid::new(
                vec![Column::text("A", 1), Column::text("B", 1)],
                vec![vec![Cell::new("x").painted(Colour::Red), Cell::new("y")]],
            )
            .render(
                Style {
                    colour,
                    width: None,
                },
                &mut out,
            );
            out
        };
        assert_eq!(row(true), "\x1b[1mA  B\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
        assert_eq!(row(false), "A  B\nx  y\n");
    }

    #[test]
    fn nothing_in_a_cell_moves_the_cursor() {
        let cell = Cell::new("a\x1b[2J\nb\u{202e}c");
        assert_eq!(cell.text, "a\u{FFFD}[2J\u{FFFD}b\u{FFFD}c");
    }
}
