//! The catalogue of the findings, for people and for programs.

use serde::Serialize;

use super::Style;
use super::grid::{Cell, Colour, Column, Grid};
use super::notes::colour;
use super::prose::Prose;
use crate::diagnosis::{CATALOGUE, Entry};
use crate::finding::Severity;

/// What a finding means, as programs read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its name for programs.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The step of the boot chain at which it strikes.
    pub stage: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means to the people concerned, and its likely causes.
    pub meaning: &'static str,
    /// When it is concluded, and when it is not.
    pub concluded: &'static str,
    /// What to do, step by step.
    pub remedy: &'static [&'static str],
    /// The sections of the troubleshooting guide.
    pub reference: &'static str,
    /// Codes of findings of which it may be a symptom.
    pub explained_by: &'static [&'static str],
}

impl Explanation {
    /// The words of an entry of the catalogue.
    pub const fn of(entry: &'static Entry) -> Self {
        Self {
            code: entry.code,
            severity: entry.severity,
            stage: entry.stage,
            title: entry.title,
            meaning: entry.meaning,
            concluded: entry.concluded,
            remedy: entry.remedy,
            reference: entry.reference,
            explained_by: entry.explained_by,
        }
    }

    /// Everything that can be found, in the order in which a phone meets it.
    pub fn all() -> Vec<Self> {
        CATALOGUE.iter().copied().map(Self::of).collect()
    }
}

/// Every finding in a line of its own.
pub fn catalogue(style: Style) -> String {
    let columns = vec![
        Column::text("Code", 26),
        Column::text("Severity", 8),
        Column::text("Stage", 11).spare(1),
        Column::text("What it is", 20),
    ];
    let rows = CATALOGUE
        .iter()
        .map(|entry| {
            vec![
                Cell::new(entry.code),
                Cell::new(entry.severity.label()).painted(colour(entry.severity)),
                Cell::new(entry.stage),
                Cell::new(entry.title),
            ]
        })
        .collect();
    let mut out = String::new();
    Grid::new(columns, rows).render(style, &mut out);
    out.push_str("\nphonewatch explain CODE tells what it means and what to do.\n");
    out
}

/// One finding in full.
pub fn explanation(entry: &'static Entry, style: Style) -> String {
    let mut prose = Prose::new(style);
    prose.heading(
        "",
        &format!("{}: {}", entry.code, entry.title),
        colour(entry.severity),
    );
    let severity = entry.severity.label();
    let stage = match entry.stage {
        "any" => String::from("at any stage"),
        "server" => String::from("about a server"),
        "sensor" => String::from("about the sensor"),
        stage => format!("at the stage {stage}"),
    };
    prose.paragraph("", &format!("{severity}, {stage}"));
    for (heading, text) in [
        ("What it means", entry.meaning),
        ("How it is concluded", entry.concluded),
    ] {
        prose.gap();
        prose.heading("", heading, Colour::Bold);
        prose.paragraph("  ", text);
    }
    prose.gap();
    prose.heading("", "What to do", Colour::Bold);
    prose.steps("  ", entry.remedy);
    if !entry.explained_by.is_empty() {
        prose.gap();
        prose.heading("", "May be a symptom of", Colour::Bold);
        prose.paragraph("  ", &entry.explained_by.join(", "));
    }
    if has_section(entry.reference) {
        prose.gap();
        prose.heading("", "In the troubleshooting guide", Colour::Bold);
        prose.paragraph("  ", entry.reference);
    }
    prose.into_text()
}

/// Whether the guide has anything on it: not all that is found stands there.
pub(super) fn has_section(reference: &str) -> bool {
    !matches!(reference, "" | "-")
}
