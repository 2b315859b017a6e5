//! An alert for each finding of the catalogue, in its words.

use std::fmt::Write;

use super::{GROUPS, RUNBOOK};
use crate::diagnosis::{CATALOGUE, Entry};

/// A finding holds this long before it is told of: what lasts a scrape or two is gone before anybody looks.
const HOLDS_FOR: &str = "1m";

/// It is told of this long after it was last seen, so that one that comes and goes is one alert.
const KEEPS_FOR: &str = "5m";

/// So long may a line of text be.
const WIDTH: usize = 112;

/// What the alert of a finding is called.
pub fn alert_name(code: &str) -> String {
    let mut name = String::from("Phonewatch");
    for word in code.split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The section of the runbook for a finding, as links name it.
pub fn runbook_section(entry: &Entry) -> &'static str {
    match entry.stage {
        "link" => "runbook-link",
        "dhcp" => "runbook-dhcp",
        "dns" => "runbook-dns",
        "tftp" => "runbook-tftp",
        "connecting" => "runbook-connecting",
        "registering" | "rejected" => "runbook-registering",
        "registered" => "runbook-registered",
        "server" => "runbook-servers",
        "sensor" => "runbook-mirror-port",
        _ => "runbook-any-stage",
    }
}

/// The file.
pub(super) fn file() -> String {
    let mut text = String::from(
        "# Alerts about what phonewatch finds. Made by: phonewatch rules --write deploy/prometheus/rules\n\
         #\n\
         # A finding of a phone or of a server is told of once, whichever and however many sensors of its site see it; its\n\
         # value is the most of them that any one sensor sees. The severity is that of the finding, so [findings.CODE] in\n\
         # the configuration of phonewatch changes the alert too. Findings for information are not told of.\n",
    );
    text += GROUPS;
    text += "  - name: phonewatch-findings\n    rules:\n";
    for entry in CATALOGUE {
        add(&mut text, entry);
    }
    text
}

fn add(text: &mut String, entry: &Entry) {
    let Entry {
        code, stage, title, ..
    } = entry;
    let alert = alert_name(code);
    // What is wrong with one sensor's mirror port says nothing of another's.
    let (expression, of) = if *stage == "sensor" {
        (
            format!(r#"phonewatch_findings{{code="{code}", severity!="info"}} > 0"#),
            "{{ with $labels.sensor }} of {{ . }}{{ end }}",
        )
    } else {
        (
            format!(
                r#"site:phonewatch_server_findings:max{{code="{code}", severity!="info"}} > 0"#
            ),
            "{{ with $labels.server }} ({{ . }}){{ end }}",
        )
    };
    let summary = format!(
        "{title}{of}{{{{ with $labels.site }}}} at {{{{ . }}}}{{{{ end }}}}: {{{{ $value }}}}"
    );
    let section = runbook_section(entry);
    let written = write!(
        text,
        "      - alert: {alert}\n\
         \x20       expr: {expression}\n\
         \x20       for: {HOLDS_FOR}\n\
         \x20       keep_firing_for: {KEEPS_FOR}\n\
         \x20       labels:\n\
         \x20         code: {code}\n\
         \x20         stage: {stage}\n\
         \x20         severity: '{{{{ $labels.severity }}}}'\n\
         \x20       annotations:\n\
         \x20         summary: >-\n"
    );
    debug_assert!(written.is_ok(), "writing to a text does not fail");
    add_folded(text, &summary);
    *text += "          description: >-\n";
    add_folded(text, entry.meaning);
    *text += "\n";
    add_folded(text, &format!("phonewatch explain {code} says more."));
    *text += "          remedy: >-\n";
    for (number, step) in (1..).zip(entry.remedy) {
        if number > 1 {
            *text += "\n";
        }
        add_folded(text, &format!("{number}. {step}"));
    }
    *text += "          runbook_url: ";
    *text += RUNBOOK;
    *text += "#";
    *text += section;
    *text += "\n";
}

/// Adds a paragraph of a folded YAML text.
fn add_folded(text: &mut String, paragraph: &str) {
    const INDENT: &str = "            ";
    let mut length = 0;
    for word in paragraph.split(' ') {
        // A line that begins with a blank would not be folded; no word is empty, as the catalogue's tests see to.
        if length == 0 || length + 1 + word.len() > WIDTH - INDENT.len() {
            if length > 0 {
                *text += "\n";
            }
            *text += INDENT;
            length = 0;
        } else {
            *text += " ";
            length += 1;
        }
        *text += word;
        length += word.len();
    }
    *text += "\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_named_after_its_finding() {
        assert_eq!(alert_name("dhcp_no_answer"), "PhonewatchDhcpNoAnswer");
    }

    #[test]
    fn long_texts_are_folded_at_words() {
        let mut text = String::new();
        add_folded(&mut text, &["word"; 40].join(" "));
        assert!(text.lines().count() == 2 && text.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(text.split_whitespace().count(), 40);
    }

    #[test]
    fn nothing_in_the_catalogue_is_taken_for_a_template() {
        for entry in CATALOGUE {
            for text in [entry.title, entry.meaning].iter().chain(entry.remedy) {
                assert!(!text.contains("{{"), "{}: {text}", entry.code);
            }
        }
    }
}
