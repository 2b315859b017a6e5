//! The configuration as it is shown: every key with what holds, and what may be a secret hidden.
//!
//! Secrets are never part of a configuration, but an address may hold one in its path.

use std::fmt;

use toml::{Table, Value};

/// The configuration as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShownConfig(Table);

/// Every key with its default; a test holds it to them.
const DEFAULTS: &str = include_str!("../../config.example.toml");

impl ShownConfig {
    /// Shows what a file says that is valid, and the defaults of what it does not say.
    pub(super) fn of(text: &str) -> Self {
        let mut shown: Table = DEFAULTS.parse().unwrap_or_default();
        overlay(&mut shown, text.parse().unwrap_or_default());
        Self(shown)
    }

    /// The command line has named other interfaces.
    pub fn set_interfaces(&mut self, names: &[String]) {
        if let Some(Value::Table(capture)) = self.0.get_mut("capture") {
            let names = names.iter().cloned().map(Value::String).collect();
            capture.insert("interfaces".to_owned(), Value::Array(names));
        }
    }

    /// The daemon goes on with what `running` has for these keys, each written with its table.
    pub fn keep(&mut self, running: &Self, keys: &[&str]) {
        for key in keys {
            let parts: Vec<&str> = key.split('.').collect();
            let old = value(&running.0, &parts).cloned();
            let Some((last, tables)) = parts.split_last() else {
                continue;
            };
            let mut table = Some(&mut self.0);
            for name in tables {
                table = table.and_then(|table| table.get_mut(*name)?.as_table_mut());
            }
            match (table, old) {
                (Some(table), Some(old)) => table.insert((*last).to_owned(), old),
                (Some(table), None) => table.remove(*last),
                (None, _) => None,
            };
        }
    }
}

impl fmt::Display for ShownConfig {
    /// As TOML.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        let receivers = shown
            .get_mut("alert")
            .and_then(|alert| alert.get_mut("receiver"));
        for receiver in receivers
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(Value::String(url)) = receiver.get_mut("url") {
                *url = without_secrets(url);
            }
        }
        let text = toml::to_string(&shown).map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}

/// What the second says goes before what the first says.
fn overlay(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => overlay(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

fn value<'a>(table: &'a Table, parts: &[&str]) -> Option<&'a Value> {
    let (first, rest) = parts.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() {
        Some(value)
    } else {
        self::value(value.as_table()?, rest)
    }
}

/// An address with no more than its host: what follows is a token at many services.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "<hidden>".to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = if matches!(path, "" | "/") {
        path
    } else {
        "/<hidden>"
    };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn without_a_file_it_shows_the_defaults() {
        let shown = ShownConfig::of("").to_string();
        assert_eq!(Config::parse("shown", &shown).unwrap(), Config::default());
        assert!(shown.contains("group_wait = \"30s\""), "{shown}");
    }

    #[test]
    fn what_it_shows_is_the_configuration_but_for_what_may_be_secret() {
        let text = "[flap]\nmoves = 7\n[[callmanager]]\naddress = '10.1.1.1'\n\
                    [findings.callmanager_down]\nenabled = false\n\
                    [[alert.receiver]]\nname = 'a'\nkind = 'alertmanager'\nurl = 'http://am:9093'\n";
        let shown = ShownConfig::of(text).to_string();
        let read = |text: &str| Config::parse("test", text).unwrap();
        assert_eq!(read(&shown), read(text));

        let hook = "kind = 'webhook'\nurl = 'https://hooks.example.com:8443/T0/secret?key=secret'";
        let shown = ShownConfig::of(&format!("[[alert.receiver]]\nname = 'b'\n{hook}\n"));
        let shown = shown.to_string();
        assert!(
            shown.contains("https://hooks.example.com:8443/<hidden>"),
            "{shown}"
        );
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_needs_a_restart_is_shown_as_it_runs() {
        let running = ShownConfig::of("[flap]\nmoves = 4\n");
        let mut new = ShownConfig::of(
            "[flap]\nmoves = 9\n[log]\nlevel = 'warn'\n[[callmanager]]\naddress = '10.1.1.1'\n",
        );
        new.keep(&running, &["flap.moves", "callmanager", "no.such"]);
        new.set_interfaces(&["eth7".to_owned()]);
        let read = |shown: &ShownConfig| Config::parse("test", &shown.to_string()).unwrap();
        let config = read(&new);
        assert_eq!((config.flap.moves, config.callmanager.len()), (4, 0));
        assert_eq!(config.log.level, "warn");
        assert_eq!(config.capture.interfaces, ["eth7"]);
    }
}
