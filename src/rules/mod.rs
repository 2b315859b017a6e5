//! Rules for a Prometheus that scrapes phonewatch: alerts about findings, made from their catalogue, and those that were
//! written by hand, about the sensors and about what several sensors see together.
//!
//! `deploy/prometheus/rules` holds what comes out of here, and a test holds it to that.

mod findings;

pub use findings::{alert_name, runbook_section};

/// Where the runbook stands unless told otherwise; its sections are those of the README.
pub const RUNBOOK: &str = "https://phonewatch.example.com/README.md";

/// A file of rules: its name, what is said at its top, and its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// How it is called.
    pub name: &'static str,
    text: String,
}

impl RuleFile {
    /// Every file, with links into the runbook at this address.
    pub fn all(runbook: &str) -> Vec<Self> {
        let by_hand = [
            (
                "recording.yml",
                include_str!("../../deploy/prometheus/rules/recording.yml"),
            ),
            (
                "sensor.yml",
                include_str!("../../deploy/prometheus/rules/sensor.yml"),
            ),
            (
                "sites.yml",
                include_str!("../../deploy/prometheus/rules/sites.yml"),
            ),
        ];
        let by_hand = by_hand.map(|(name, text)| (name, text.to_owned()));
        std::iter::once(("findings.yml", findings::file()))
            .chain(by_hand)
            .map(|(name, text)| Self {
                name,
                text: text.replace(RUNBOOK, runbook),
            })
            .collect()
    }

    /// The whole file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its groups alone, to be put behind others.
    fn groups(&self) -> &str {
        self.text
            .split_once(GROUPS)
            .map_or(self.text.as_str(), |(_, groups)| groups)
    }
}

/// The groups of all files as one file.
pub fn joined(files: &[RuleFile]) -> String {
    files
        .iter()
        .fold(GROUPS.to_owned(), |text, file| text + file.groups())
}

/// What stands above the groups of a file.
const GROUPS: &str = "groups:\n";
