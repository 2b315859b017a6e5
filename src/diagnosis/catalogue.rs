//! Every finding there is.

use super::{
    Case, Site, Verdict, boot_loop, config, connecting, dhcp, dns, inventory, link, registered,
    registration, reset, sensor, server, tftp,
};
use crate::finding::{Severity, Subject};

/// One finding: what it is called, what it means, when it is concluded and what to do.
#[derive(Debug)]
pub struct Entry {
    /// Its name for programs.
    pub code: &'static str,
    /// The step of the boot chain at which it strikes: a stage's word, `any`, `server` or `sensor`.
    pub stage: &'static str,
    /// How much it matters.
    pub severity: Severity,
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
    /// Codes of findings about its server, or about the sensor, that explain it.
    pub explained_by: &'static [&'static str],
    /// How it is concluded.
    pub rules: &'static [Rule],
}

/// How a finding is concluded.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Of each device.
    Device(fn(&Case<'_>) -> Verdict),
    /// Of servers, the mirror and what is missing: every subject for which it holds, or may hold later.
    Site(fn(&Site<'_>) -> Vec<(Subject, Verdict)>),
}

/// Every finding, in the order in which a phone meets them.
pub static CATALOGUE: &[&Entry] = &[
    &link::voice_vlan_mismatch::ENTRY,
    &dhcp::no_answer::ENTRY,
    &dhcp::rogue_server::ENTRY,
    &dhcp::refused::ENTRY,
    &dhcp::duplicate_address::ENTRY,
    &dhcp::bad_tftp_server::ENTRY,
    &dhcp::no_tftp_server::ENTRY,
    &dhcp::bad_lease::ENTRY,
    &dhcp::static_address::ENTRY,
    &dhcp::excessive::ENTRY,
    &dns::failure::ENTRY,
    &tftp::alternate::ENTRY,
    &tftp::no_answer::ENTRY,
    &tftp::one_way::ENTRY,
    &tftp::config_missing::ENTRY,
    &tftp::config_foreign::ENTRY,
    &tftp::firmware_missing::ENTRY,
    &tftp::firmware_upgrade::ENTRY,
    &tftp::service_down::ENTRY,
    &config::corrupt::ENTRY,
    &config::uses_names::ENTRY,
    &config::auto_registered::ENTRY,
    &connecting::refused::ENTRY,
    &connecting::no_answer::ENTRY,
    &registration::no_answer::ENTRY,
    &registration::rejected::ENTRY,
    &registration::out_of_order::ENTRY,
    &registration::flapping::ENTRY,
    &registration::unstable::ENTRY,
    &registration::duplicate::ENTRY,
    &registration::slow::ENTRY,
    &registered::keepalive_gap::ENTRY,
    &registered::qos_not_trusted::ENTRY,
    &registered::tcp_trouble::ENTRY,
    &registered::firewall_timeout::ENTRY,
    &reset::user::ENTRY,
    &reset::callmanager::ENTRY,
    &inventory::status::ENTRY,
    &inventory::model::ENTRY,
    &inventory::unknown::ENTRY,
    &inventory::missing::ENTRY,
    &boot_loop::ENTRY,
    &server::callmanager_down::ENTRY,
    &sensor::mirror_one_way::ENTRY,
    &sensor::mirror_lossy::ENTRY,
    &sensor::mirror_duplicates::ENTRY,
];

/// The entry of this code.
pub fn entry(code: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().copied().find(|entry| entry.code == code)
}

/// The codes that look like `code`, the likest first; none where it is like nothing.
pub fn codes_like(code: &str) -> Vec<&'static str> {
    /// Below this two words share little more than some letters.
    const LIKE: f64 = 0.75;
    const MOST: usize = 3;
    const LONGEST: usize = 64;
    if code.len() > LONGEST {
        return Vec::new();
    }
    let code = code.to_lowercase().replace('-', "_");
    let mut like: Vec<_> = CATALOGUE
        .iter()
        .map(|entry| (strsim::jaro_winkler(&code, entry.code), entry))
        .filter(|(likeness, entry)| *likeness > LIKE || is_part(&code, entry.code))
        .map(|(likeness, entry)| (likeness, entry.code))
        .collect();
    like.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    like.truncate(MOST);
    like.into_iter().map(|(_, code)| code).collect()
}

/// Whether `word` is a part of `code` that is long enough to mean it.
fn is_part(word: &str, code: &str) -> bool {
    const TELLING: usize = 3;
    word.len() >= TELLING && code.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_misspelt_is_recognised() {
        for (code, first) in [
            ("registration_rejeced", Some("registration_rejected")),
            ("Registration-Flapping", Some("registration_flapping")),
            ("callmanagerdown", Some("callmanager_down")),
            ("flappin", Some("registration_flapping")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(codes_like(code).first().copied(), first, "{code}");
        }
        assert!(codes_like(&"x".repeat(1 << 20)).is_empty());
    }

    #[test]
    fn codes_are_words_and_stand_once() {
        let mut codes: Vec<_> = CATALOGUE.iter().map(|entry| entry.code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all, "a code stands twice");
        for code in codes {
            let is_word = code
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '_');
            assert!(is_word, "{code}");
        }
    }

    #[test]
    fn every_entry_can_be_concluded_and_explained() {
        for entry in CATALOGUE {
            assert!(!entry.rules.is_empty(), "{}", entry.code);
            assert!(!entry.remedy.is_empty(), "{}", entry.code);
            for text in [entry.title, entry.meaning, entry.concluded] {
                assert!(!text.is_empty(), "{}", entry.code);
                assert!(
                    !text.contains("  "),
                    "a broken line in {}: {text}",
                    entry.code
                );
            }
            for code in entry.explained_by {
                assert!(super::entry(code).is_some(), "{}: {code}", entry.code);
            }
        }
    }
}
