//! The findings as a colleague would note them down: the facts, the likely cause, what to do, where to read on.

use std::collections::HashSet;

use super::explain::has_section;
use super::grid::Colour;
use super::group::Group;
use super::prose::Prose;
use super::wording::{clock, counted, first_few, number, time};
use super::{FindingEntry, Style};
use crate::diagnosis;
use crate::finding::{Evidence, Severity};

/// Of a group so many names are given.
const NAMES: usize = 4;
/// So many pieces of evidence are shown where there may be many findings; the first and the last of them say most.
const PIECES: usize = 6;

/// How a severity looks.
pub(super) const fn colour(severity: Severity) -> Colour {
    match severity {
        Severity::Critical => Colour::Red,
        Severity::Warning => Colour::Yellow,
        Severity::Info => Colour::Bold,
    }
}

/// Everything that was found, as text with a line break at its end.
pub fn notes<'a>(findings: impl IntoIterator<Item = &'a FindingEntry>, style: Style) -> String {
    let findings: Vec<&FindingEntry> = findings.into_iter().collect();
    let mut prose = Prose::new(style);
    prose.paragraph("", &tally(&findings));
    let mut told = HashSet::new();
    for group in Group::all(findings) {
        prose.gap();
        note(&group, &mut told, &mut prose);
    }
    prose.into_text()
}

/// The findings of one device, each with all its evidence and steps.
pub(super) fn in_full(findings: &[FindingEntry], prose: &mut Prose) {
    for finding in findings {
        prose.gap();
        heading(finding, title(finding), prose);
        prose.paragraph("  ", &facts(finding));
        evidence(finding.evidence.iter(), 0, prose);
        advice(finding, prose);
    }
}

/// `41 findings hold: 34 critical, 7 warning. 3 are over.`
pub(super) fn tally(findings: &[&FindingEntry]) -> String {
    if findings.is_empty() {
        return String::from("No findings.");
    }
    let count = |is_counted: &dyn Fn(&FindingEntry) -> bool| {
        let counted = findings.iter().filter(|finding| is_counted(finding));
        u64::try_from(counted.count()).unwrap_or(u64::MAX)
    };
    let active = count(&|finding| finding.active);
    let over = count(&|finding| !finding.active);
    let by_severity: Vec<String> = Severity::ALL
        .iter()
        .rev()
        .map(|severity| (count(&|it| it.active && it.severity == *severity), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| format!("{} {}", number(count), severity.label()))
        .collect();
    let holding = match active {
        0 => String::from("No finding holds at the end."),
        1 => format!("1 finding holds: {}.", by_severity.join(", ")),
        _ => format!(
            "{} findings hold: {}.",
            number(active),
            by_severity.join(", ")
        ),
    };
    match over {
        0 => holding,
        1 => format!("{holding} 1 is over."),
        _ => format!("{holding} {} are over.", number(over)),
    }
}

/// What was advised for a code already.
type Told = HashSet<(&'static str, &'static [&'static str])>;

fn note(group: &Group<'_>, told: &mut Told, prose: &mut Prose) {
    let first = group.first();
    let heading_text = if group.len() == 1 {
        format!("{}: {}", title(first), subject(first))
    } else {
        format!("{}: {}", title(first), who(group))
    };
    heading(first, &heading_text, prose);
    if group.len() == 1 {
        prose.paragraph("  ", &facts(first));
    } else {
        let names = names(group);
        prose.paragraph("  ", &format!("{names}."));
        let is_said_of_all = group.findings.iter().all(|it| it.summary == first.summary);
        if is_said_of_all {
            prose.paragraph("  ", &facts(first));
        } else {
            prose.paragraph("  ", &format!("{}: {}", subject(first), facts(first)));
        }
    }
    evidence(first.evidence.iter(), PIECES, prose);
    if first.severity == Severity::Info {
        let more = format!("phonewatch explain {} says more.", first.code);
        prose.aside("  ", &more);
    } else if told.insert((first.code, first.remedy)) {
        advice(first, prose);
    } else {
        prose.aside("  ", "Likely cause and what to do: as above.");
    }
    if let Some(cause) = &first.cause {
        prose.paragraph(
            "  ",
            &format!(
                "It is a symptom of: {} ({}).",
                cause_title(cause.code),
                cause.subject
            ),
        );
    }
    for symptom in &group.symptoms {
        let first = symptom.first();
        let names = names(symptom);
        let is_over = if first.active { "" } else { ", over by now" };
        prose.paragraph(
            "  It explains: ",
            &format!("{} ({}{is_over}): {names}.", title(first), who(symptom)),
        );
    }
}

/// `CRITICAL registration rejected: SEP001380AD9E0D`.
fn heading(finding: &FindingEntry, text: &str, prose: &mut Prose) {
    let label = finding.severity.label().to_uppercase();
    if finding.active {
        prose.heading(&label, text, colour(finding.severity));
    } else {
        prose.heading(&format!("{label}, over"), text, Colour::Dim);
    }
}

/// The summary as a sentence, with its times.
fn facts(finding: &FindingEntry) -> String {
    let when = match finding.cleared {
        None => format!("Since {}", time(finding.since)),
        Some(cleared) => format!("From {} to {}", time(finding.since), time(cleared)),
    };
    let times = match finding.count {
        0 | 1 => String::new(),
        many => format!(" For the {} time.", ordinal(many)),
    };
    format!("{when}: {}.{times}", finding.summary.trim_end_matches('.'))
}

fn ordinal(number: u32) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

/// What shows it; `most` 0 is everything.
fn evidence<'a>(
    pieces: impl ExactSizeIterator<Item = &'a Evidence> + Clone,
    most: usize,
    prose: &mut Prose,
) {
    let day = |at| time(at).chars().take(10).collect::<String>();
    let mut days = pieces.clone().map(|piece| day(piece.at));
    let is_one_day = days
        .next()
        .is_none_or(|first| days.all(|other| other == first));
    let total = pieces.len();
    let left_out = if most == 0 {
        0
    } else {
        total.saturating_sub(most)
    };
    let hole = total.saturating_sub(left_out) / 2;
    for (place, piece) in pieces.enumerate() {
        if left_out > 0 && place == hole {
            let left_out = u64::try_from(left_out).unwrap_or(u64::MAX);
            prose.aside("    ", &format!("… {} more", number(left_out)));
        }
        if (hole..hole + left_out).contains(&place) {
            continue;
        }
        let at = if is_one_day {
            clock(piece.at)
        } else {
            time(piece.at)
        };
        prose.paragraph(&format!("    {at}  "), &piece.text);
    }
}

/// The likely cause, what to do and where to read on.
fn advice(finding: &FindingEntry, prose: &mut Prose) {
    if let Some(entry) = diagnosis::entry(finding.code) {
        prose.paragraph("  ", &format!("Likely cause: {}", entry.meaning));
    }
    prose.paragraph("  ", "What to do:");
    prose.steps("  ", finding.remedy);
    if has_section(finding.reference) {
        prose.aside("  ", &format!("Guide: {}", finding.reference));
    }
}

/// What the code means in a few words.
pub(super) fn title(finding: &FindingEntry) -> &'static str {
    cause_title(finding.code)
}

fn cause_title(code: &'static str) -> &'static str {
    diagnosis::entry(code).map_or(code, |entry| entry.title)
}

/// Whom it is about, with what the inventory calls it.
fn subject(finding: &FindingEntry) -> String {
    match &finding.description {
        Some(description) => format!("{} ({description})", finding.subject),
        None => finding.subject.clone(),
    }
}

/// Those whom it is about, or the first few of them.
fn names(group: &Group<'_>) -> String {
    let subjects: Vec<String> = group.findings.iter().copied().map(subject).collect();
    first_few(subjects.iter().map(String::as_str), NAMES)
}

/// `12 phones`: of how many.
fn who(group: &Group<'_>) -> String {
    let count = u64::try_from(group.len()).unwrap_or(u64::MAX);
    match group.first().subject_kind {
        "device" => counted(count, "device", "devices"),
        "sensor" => counted(count, "sensor", "sensors"),
        _ => counted(count, "server", "servers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Cause;
    use crate::report::fixture::{PRIMARY, after, finding_entry};

    const PLAIN: Style = Style {
        colour: false,
        width: None,
    };

    #[test]
    fn many_phones_with_one_fault_read_like_one_note() {
        let mut findings: Vec<_> = (0..1_000)
            .map(|number| FindingEntry {
                subject: format!("SEP{number:012}"),
                ..finding_entry("registration_rejected")
            })
            .collect();
        findings.push(FindingEntry {
            active: false,
            cleared: Some(after(120)),
            count: 22,
            evidence: (60..72)
                .map(|second| Evidence::new(after(second), format!("piece {second}")))
                .collect(),
            ..finding_entry("registration_rejected")
        });
        insta::assert_snapshot!(notes(&findings, PLAIN));
    }

    #[test]
    fn a_cause_names_what_it_explains() {
        let cause = FindingEntry {
            subject: format!("CallManager {PRIMARY}"),
            subject_kind: "callmanager",
            server: Some(PRIMARY),
            ..finding_entry("callmanager_down")
        };
        let symptoms = (0..20).map(|number| FindingEntry {
            subject: format!("SEP{number:012}"),
            cause: Some(Cause {
                code: "callmanager_down",
                subject: cause.subject.clone(),
            }),
            ..finding_entry("registration_flapping")
        });
        let findings: Vec<_> = symptoms.chain([cause.clone()]).collect();
        let text = notes(&findings, PLAIN);
        assert_eq!(text.matches("What to do").count(), 1, "{text}");
        assert!(
            text.contains(
                "It explains: flapping between CallManagers (20 devices): SEP000000000000,"
            ),
            "{text}"
        );
    }

    #[test]
    fn colour_marks_what_is_bad_and_changes_no_word() {
        let findings = [finding_entry("registration_rejected")];
        let coloured = notes(
            &findings,
            Style {
                colour: true,
                width: None,
            },
        );
        assert!(coloured.contains("\x1b[31mCRITICAL"), "{coloured:?}");
        let mut stripped = coloured;
        for code in ["\x1b[31m", "\x1b[2m", "\x1b[0m"] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, notes(&findings, PLAIN));
    }

    #[test]
    fn the_sum_is_a_sentence() {
        assert_eq!(tally(&[]), "No findings.");
        let holds = finding_entry("registration_rejected");
        let over = FindingEntry {
            active: false,
            ..holds.clone()
        };
        assert_eq!(tally(&[&holds]), "1 finding holds: 1 critical.");
        assert_eq!(
            tally(&[&over, &over]),
            "No finding holds at the end. 2 are over."
        );
        assert_eq!(
            tally(&[&holds, &holds, &over]),
            "2 findings hold: 2 critical. 1 is over."
        );
    }
}
