//! The tables of the alerts: timing, routes, silences and receivers.

mod receiver;
mod silence;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::section::Section;
use super::units::{DAY, HOUR, MINUTE, SECOND};
use super::wording::{described, enumerated, quoted_text};
use crate::finding::Severity;
use crate::net::is_unsafe;
use crate::phone::Stage;

pub use receiver::{Address, Receiver, ReceiverKind, SmtpTls};
pub use silence::{Silence, SilenceTime, Weekday};

/// Who is told of what is wrong, when and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What matters less is told to nobody.
    pub min_severity: Severity,
    /// How long the first message of an outage waits for more of it.
    pub group_wait: Duration,
    /// How long a message waits after the one before of the same outage.
    pub group_interval: Duration,
    /// After this time an outage that holds is told again.
    pub repeat_interval: Duration,
    /// An alert is over when its finding was cleared and has stayed so for this time.
    pub resolve_after: Duration,
    /// After a restart, an alert of which nothing was seen for this time is over.
    pub remember: Duration,
    /// How people reach the pages of this phonewatch, without a slash at its end; `None` makes no links.
    pub external_url: Option<String>,
    /// What to call this sensor.
    pub sensor: Option<String>,
    /// Where messages that are not delivered yet are kept; `None` for where systemd says, or the usual folder.
    pub state_dir: Option<PathBuf>,
    /// Who is told what no route takes; empty for every receiver.
    pub receivers: Vec<String>,
    /// Who is told what, in this order.
    pub routes: Vec<Route>,
    /// Of what nobody is told, and when.
    pub silences: Vec<Silence>,
    /// The receivers, by names of which each stands once.
    pub receiver: Vec<Receiver>,
}

impl Alert {
    const MAX: usize = 256;

    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let receiver = Receiver::read_all(section);
        let names: Vec<&str> = receiver.iter().map(|known| known.name.as_str()).collect();
        let group_wait = section.duration(
            "group_wait",
            default.group_wait,
            Duration::ZERO..=10 * MINUTE,
        );
        let group_interval =
            section.duration("group_interval", default.group_interval, SECOND..=DAY);
        Self {
            min_severity: severity(section, "min_severity", default.min_severity),
            group_wait,
            group_interval,
            repeat_interval: section.duration(
                "repeat_interval",
                // The default gives way to a group_interval that is longer.
                default.repeat_interval.max(group_interval),
                group_interval..=30 * DAY,
            ),
            resolve_after: section.duration(
                "resolve_after",
                default.resolve_after,
                Duration::ZERO..=DAY,
            ),
            remember: section.duration("remember", default.remember, MINUTE..=7 * DAY),
            external_url: section.text(
                "external_url",
                default.external_url,
                "an address that begins with http:// or https:// (like \"https://phonewatch.example.com\"), or \"\" for \
                 no links",
                |text| match text {
                    "" => Ok(None),
                    text => http_url(text).map(|url| Some(url.trim_end_matches('/').to_owned())),
                },
            ),
            sensor: section.text(
                "sensor",
                default.sensor,
                "a name of up to 64 characters without control characters, or \"\" for none",
                |text| match text {
                    "" => Ok(None),
                    text => label(text).map(Some),
                },
            ),
            state_dir: section.text(
                "state_dir",
                default.state_dir,
                "the whole path of a folder, or \"\" for the usual one",
                |text| match text {
                    "" => Ok(None),
                    text => whole_path(text).map(Some),
                },
            ),
            receivers: receivers(section, default.receivers, 0, &names),
            routes: Route::read_all(section, &names),
            silences: Silence::read_all(section),
            receiver,
        }
    }
}

impl Default for Alert {
    fn default() -> Self {
        Self {
            min_severity: Severity::Warning,
            group_wait: 30 * SECOND,
            group_interval: 5 * MINUTE,
            repeat_interval: 4 * HOUR,
            resolve_after: 5 * MINUTE,
            remember: HOUR,
            external_url: None,
            sensor: None,
            state_dir: None,
            receivers: Vec::new(),
            routes: Vec::new(),
            silences: Vec::new(),
            receiver: Vec::new(),
        }
    }
}

/// Whom to tell of the alerts that it matches. What is empty matches every alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its finding has one of these codes.
    pub codes: Vec<Glob>,
    /// It matters at least this much.
    pub severity: Severity,
    /// It is at one of these sites.
    pub sites: Vec<Glob>,
    /// It is about one of these CallManagers, or about a device of one of them.
    pub callmanagers: Vec<IpAddr>,
    /// Its device is in one of these device pools.
    pub device_pools: Vec<Glob>,
    /// Its device is at one of these stages.
    pub stages: Vec<Stage>,
    /// Who is told, by their names; empty for nobody.
    pub receivers: Vec<String>,
    /// Whether the routes behind it are asked too.
    pub continues: bool,
}

impl Route {
    fn read_all(section: &mut Section<'_>, known: &[&str]) -> Vec<Self> {
        section.tables("route", Alert::MAX, |section| {
            let stages: Vec<_> = Stage::ALL.map(Stage::label).into();
            Some(Self {
                codes: globs(section, "codes"),
                severity: severity(section, "severity", Severity::Info),
                sites: globs(section, "sites"),
                callmanagers: addresses(section, "callmanagers"),
                device_pools: globs(section, "device_pools"),
                stages: section.list(
                    "stages",
                    Vec::new(),
                    0..=Stage::ALL.len(),
                    ("stages", &enumerated(&stages, "or")),
                    |value| {
                        let text = value.as_str().ok_or_else(|| described(value))?;
                        let stage = Stage::ALL.into_iter().find(|stage| stage.label() == text);
                        stage.ok_or_else(|| format!("{} is no stage", quoted_text(text)))
                    },
                ),
                receivers: receivers(section, Vec::new(), 0, known),
                continues: section.boolean("continue", false),
            })
        })
    }
}

/// A text in which `*` stands for any characters and `?` for one. Case counts not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob(String);

impl Glob {
    const MAX: usize = 64;

    /// Reads it; else what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_short = (1..=Self::MAX).contains(&text.chars().count());
        if is_short && !text.chars().any(is_unsafe) {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(format!("{} cannot be matched", quoted_text(text)))
        }
    }

    /// Whether the whole of `text` is like this.
    pub fn matches(&self, text: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let (mut at, mut in_text) = (0, 0);
        // After the last star: where the pattern goes on, and up to where the star reaches.
        let mut star: Option<(usize, usize)> = None;
        while let Some(&character) = text.get(in_text) {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at + 1, in_text));
                    at += 1;
                }
                Some(&expected) if expected == '?' || expected == character => {
                    at += 1;
                    in_text += 1;
                }
                Some(_) | None => {
                    let Some((after, reach)) = star else {
                        return false;
                    };
                    star = Some((after, reach + 1));
                    at = after;
                    in_text = reach + 1;
                }
            }
        }
        pattern
            .get(at..)
            .unwrap_or_default()
            .iter()
            .all(|rest| *rest == '*')
    }
}

impl TryFrom<String> for Glob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.0
    }
}

fn receivers(
    section: &mut Section<'_>,
    default: Vec<String>,
    least: usize,
    known: &[&str],
) -> Vec<String> {
    let allowed = if known.is_empty() {
        "the name of an [[alert.receiver]], of which there is none,".to_owned()
    } else {
        format!("a receiver's name ({})", enumerated(known, "or"))
    };
    section.list(
        "receivers",
        default,
        least..=Alert::MAX,
        ("receivers", &allowed),
        |value| {
            let text = value.as_str().ok_or_else(|| described(value))?;
            if known.contains(&text) {
                Ok(text.to_owned())
            } else {
                Err(format!("there is no receiver {}", quoted_text(text)))
            }
        },
    )
}

fn globs(section: &mut Section<'_>, key: &'static str) -> Vec<Glob> {
    section.list(
        key,
        Vec::new(),
        0..=Alert::MAX,
        (
            key,
            "a text of 1 to 64 characters, in which * stands for anything,",
        ),
        |value| Glob::parse(value.as_str().ok_or_else(|| described(value))?),
    )
}

fn addresses(section: &mut Section<'_>, key: &'static str) -> Vec<IpAddr> {
    section.list(
        key,
        Vec::new(),
        0..=Alert::MAX,
        (key, "an IP address (like \"10.1.1.10\")"),
        |value| {
            let text = value.as_str().ok_or_else(|| described(value))?;
            let address = text.trim().parse::<IpAddr>();
            address
                .map(|address| address.to_canonical())
                .map_err(|_| format!("{} is no IP address", quoted_text(text)))
        },
    )
}

fn severity(section: &mut Section<'_>, key: &'static str, default: Severity) -> Severity {
    section.one_of(
        key,
        default,
        &Severity::ALL.map(|severity| (severity.label(), severity)),
    )
}

/// A text of one line that a person gives as a name.
fn label(text: &str) -> Result<String, String> {
    let name = text.trim();
    let is_short = (1..=64).contains(&name.chars().count());
    if is_short && !name.chars().any(is_unsafe) {
        Ok(name.to_owned())
    } else {
        Err(format!("{} cannot be a name", quoted_text(text)))
    }
}

fn whole_path(text: &str) -> Result<PathBuf, String> {
    if text.starts_with('/') && !text.contains('\0') {
        Ok(PathBuf::from(text))
    } else {
        Err(format!("{} is no whole path", quoted_text(text)))
    }
}

fn http_url(text: &str) -> Result<String, String> {
    const MAX: usize = 2048;
    let text = text.trim();
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    let is_written_right = text.len() <= MAX
        && text
            .chars()
            .all(|letter| letter.is_ascii_graphic() && !matches!(letter, '"' | '<' | '>' | '\\'));
    match host {
        Some(host) if host.contains('@') => {
            Err("a name or a password does not belong in it".to_owned())
        }
        Some(host) if !host.is_empty() && is_written_right => Ok(text.to_owned()),
        _ => Err(format!("{} is no such address", quoted_text(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_the_whole_text() {
        for (glob, text, matches) in [
            ("registration_rejected", "registration_rejected", true),
            ("registration", "registration_rejected", false),
            ("registration_*", "registration_rejected", true),
            ("*_rejected", "registration_rejected", true),
            ("*reg*ject*", "registration_rejected", true),
            ("*a*b", "aab", true),
            ("*a*b", "aba", false),
            ("SEP00138?*", "sep001380AD9E5F", true),
            ("?", "", false),
            ("*", "", true),
            ("e*", "École", false),
            ("É*", "école", true),
        ] {
            let glob = Glob::parse(glob).unwrap();
            assert_eq!(glob.matches(text), matches, "{glob:?} {text}");
        }
        let slow = Glob::parse(&"*a".repeat(32)).unwrap();
        assert!(!slow.matches(&"a".repeat(10_000).replace("aaa", "bab")[..0]));
        assert!(!slow.matches(&format!("{}b", "a".repeat(10_000))));
    }

    #[test]
    fn an_address_holds_no_password() {
        for (text, is_good) in [
            ("https://phonewatch.example.com/x?y=1", true),
            ("http://[::1]:9093", true),
            ("https://", false),
            ("ftp://a", false),
            ("https://me:secret@a", false),
            ("https://a b", false),
            ("https://a\nb", false),
        ] {
            assert_eq!(http_url(text).is_ok(), is_good, "{text}");
        }
    }
}
