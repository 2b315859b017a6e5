//! When the diagnosis finds something too often, too long or too many; and what the user does not want to hear of.
//!
//! A new field of [`Thresholds`] needs its line in [`thresholds!`] and its lines in `config.example.toml`; tests name
//! the one that is missing. A table that is new is also read in `Config::read`.

use super::section::Section;
use super::units::{DAY, MINUTE, SECOND};
use super::wording::quoted_text;
use crate::diagnosis::{CATALOGUE, Override, Thresholds, codes_like};
use crate::finding::Severity;

/// The keys of each table: `key = field of Thresholds: kind of value, smallest to largest`.
macro_rules! thresholds {
    ($(fn $table:ident { $($key:ident = $field:ident: $kind:ident, $range:expr;)* })*) => {
        $(pub(super) fn $table(section: &mut Section<'_>, thresholds: &mut Thresholds) {
            $(thresholds.$field = section.$kind(stringify!($key), thresholds.$field, $range);)*
        })*

        /// The keys, and overrides, in which the two differ.
        pub(crate) fn differing_thresholds(one: &Thresholds, other: &Thresholds) -> Vec<&'static str> {
            let mut keys = Vec::new();
            $($(if one.$field != other.$field {
                keys.push(concat!(stringify!($table), ".", stringify!($key)));
            })*)*
            if one.overrides != other.overrides {
                keys.push("findings.CODE");
            }
            keys
        }

        #[cfg(test)]
        const FIELDS: &[&str] = &[$($(stringify!($field)),*),*];
    };
}

thresholds! {
    fn dhcp {
        unanswered = dhcp_unanswered: integer, 2..=100;
        unanswered_for = dhcp_unanswered_for: duration, SECOND..=60 * MINUTE;
        goes_on = dhcp_goes_on: duration, SECOND..=60 * MINUTE;
    }
    fn boot {
        voice_vlan_grace = voice_vlan_grace: duration, SECOND..=60 * MINUTE;
        tries = tries: integer, 2..=100;
        settle = settle: duration, SECOND..=60 * MINUTE;
        stuck = stuck: duration, SECOND..=60 * MINUTE;
        loop_passes = boot_loop_passes: integer, 2..=100;
        loop_window = boot_loop_window: duration, MINUTE..=DAY;
    }
    fn registration {
        slow = registration_slow: duration, SECOND..=60 * MINUTE;
        answer = registration_answer: duration, SECOND..=60 * MINUTE;
        connect_patience = connect_patience: duration, SECOND..=60 * MINUTE;
        out_of_order_after = out_of_order_after: duration, MINUTE..=DAY;
        failback_within = failback_within: duration, MINUTE..=7 * DAY;
        unstable = unstable_registrations: integer, 2..=1000;
        unstable_window = unstable_window: duration, MINUTE..=DAY;
    }
    fn quality {
        repeated = tcp_trouble_repeated: integer, 1..=10_000;
        repeated_share = tcp_trouble_permille: permille, 1..=1000;
        segments = tcp_trouble_segments: integer, 1..=100_000;
        window = tcp_trouble_window: duration, 10 * SECOND..=DAY;
        firewall_phones = firewall_phones: integer, 2..=10_000;
        firewall_sessions = firewall_sessions: integer, 2..=10_000;
        firewall_tolerance = firewall_tolerance: duration, SECOND..=10 * MINUTE;
    }
    fn server {
        phones = server_phones: integer, 2..=10_000;
        closes_within = server_closes_within: duration, SECOND..=10 * MINUTE;
    }
    fn mirror {
        loss = lossy_permille: permille, 1..=1000;
        one_way = one_way_permille: permille, 1..=1000;
        one_way_connections = one_way_connections: integer, 1..=100_000;
        copies = copies_permille: permille, 1..=1000;
    }
    fn inventory {
        missing_after = inventory_missing_after: duration, MINUTE..=30 * DAY;
    }
    fn findings {
        tell_events = tell_events: duration, SECOND..=7 * DAY;
        keep_cleared = keep_cleared: duration, MINUTE..=30 * DAY;
        forget_device = forget_device: duration, MINUTE..=30 * DAY;
    }
}

/// Reads `[findings]` with its tables `[findings.CODE]`.
pub(super) fn findings_and_overrides(section: &mut Section<'_>, thresholds: &mut Thresholds) {
    findings(section, thresholds);
    let codes: Vec<&'static str> = CATALOGUE.iter().map(|entry| entry.code).collect();
    let meant = |code: &str| {
        let like = codes_like(code);
        let meant = like
            .first()
            .map_or_else(String::new, |code| format!(" (did you mean {code}?)"));
        format!("there is no such finding{meant}: `phonewatch explain` lists all")
    };
    thresholds.overrides = section
        .tables_named(&codes, meant, |section| {
            let is_enabled = section.boolean("enabled", true);
            let severity = section.text(
                "severity",
                None,
                "\"info\", \"warning\" or \"critical\"",
                |text| severity(text).map(Some),
            );
            match (is_enabled, severity) {
                (false, _) => Some(Override::Off),
                (true, severity) => severity.map(Override::Severity),
            }
        })
        .into_iter()
        .filter_map(|(code, over)| Some((code, over?)))
        .collect();
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::ALL
        .into_iter()
        .find(|severity| severity.label() == text)
        .ok_or_else(|| format!("{} is no severity", quoted_text(text)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Config;

    #[test]
    fn every_threshold_has_a_key() {
        let shown = format!("{:#?}", Thresholds::default());
        let fields: BTreeSet<&str> = shown
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .filter(|line| !line.starts_with([' ', '}']))
            .filter_map(|line| line.split_once(": "))
            .map(|(field, _)| field)
            .filter(|field| *field != "overrides")
            .collect();
        assert!(fields.len() >= 5, "{shown}");
        assert_eq!(fields, FIELDS.iter().copied().collect());
    }

    #[test]
    fn what_is_said_of_findings_is_taken_over() {
        let text = "[mirror]\nloss = '1.5%'\n[server]\nphones = 7\n[findings]\ntell_events = '1h'\n\
                    [findings.callmanager_down]\nseverity = 'info'\n\
                    [findings.registration_flapping]\nenabled = false\nseverity = 'info'\n\
                    [findings.registration_rejected]\nenabled = true\n";
        let thresholds = Config::parse("test", text).unwrap().thresholds;
        assert_eq!(thresholds.lossy_permille, 15);
        assert_eq!(thresholds.server_phones, 7);
        assert_eq!(thresholds.tell_events, 60 * MINUTE);
        assert!(thresholds.is_off("registration_flapping"));
        assert!(!thresholds.is_off("registration_rejected"));
        let severity = thresholds.severity("callmanager_down", Severity::Critical);
        assert_eq!(severity, Severity::Info);
        assert_eq!(
            differing_thresholds(&thresholds, &Thresholds::default()),
            [
                "server.phones",
                "mirror.loss",
                "findings.tell_events",
                "findings.CODE"
            ]
        );
    }

    #[test]
    fn no_finding_is_named_like_a_key_of_its_table() {
        for entry in CATALOGUE {
            assert!(!["tell_events", "keep_cleared", "forget_device"].contains(&entry.code));
        }
    }
}
