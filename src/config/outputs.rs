//! The tables about what is told, and where: `metrics`, `web` and `log`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

use super::section::Section;
use super::wording::quoted_text;

/// What Prometheus is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Which phones have series of their own.
    pub per_phone: PerPhone,
    /// How many phones have series of their own at most.
    pub per_phone_limit: usize,
}

/// Which phones have series of their own; the totals count every phone whatever stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PerPhone {
    /// Every phone.
    All,
    /// Those that have a finding or are not registered.
    Unhealthy,
    /// No phone.
    None,
}

impl Metrics {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            per_phone: section.one_of(
                "per_phone",
                default.per_phone,
                &[
                    ("all", PerPhone::All),
                    ("unhealthy", PerPhone::Unhealthy),
                    ("none", PerPhone::None),
                ],
            ),
            per_phone_limit: section.integer(
                "per_phone_limit",
                default.per_phone_limit,
                1..=1_000_000,
            ),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            per_phone: PerPhone::All,
            per_phone_limit: 20_000,
        }
    }
}

/// Where HTTP is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// The address and port; `None` serves no HTTP.
    pub listen: Option<SocketAddr>,
    /// Whether requests may change something: silences, maintenance, the configuration read again.
    pub admin: bool,
    /// TLS and passwords, as Prometheus's exporters have them; a relative path starts where the configuration stands.
    pub config_file: Option<PathBuf>,
}

impl Web {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            listen: section.text(
                "listen",
                default.listen,
                "an address and port (like \"127.0.0.1:12000\" or \"[::]:12000\") or \"\" for no HTTP",
                |text| match text {
                    "" => Ok(None),
                    text => text.parse().map(Some).map_err(|_| {
                        format!("{} is no IP address and port", quoted_text(text))
                    }),
                },
            ),
            admin: section.boolean("admin", default.admin),
            config_file: section.text(
                "config_file",
                default.config_file,
                "the path of a file (like \"web.yml\") or \"\" for none",
                |text| match text {
                    "" => Ok(None),
                    text if text.contains('\0') => {
                        Err(format!("{} is no path", quoted_text(text)))
                    }
                    text => Ok(Some(text.into())),
                },
            ),
        }
    }
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: Some((Ipv4Addr::LOCALHOST, 12_000).into()),
            // Every user of the host can reach a port of loopback.
            admin: false,
            config_file: None,
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// A level, or directives that tracing's `EnvFilter` accepts.
    pub level: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// The journal where systemd has connected it, else text.
    Auto,
    /// For people, on stderr.
    Text,
    /// For programs: one object per line, on stderr.
    Json,
    /// With its fields, to the systemd journal.
    Journald,
}

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            format: section.one_of(
                "format",
                default.format,
                &[
                    ("auto", LogFormat::Auto),
                    ("text", LogFormat::Text),
                    ("json", LogFormat::Json),
                    ("journald", LogFormat::Journald),
                ],
            ),
            level: section.text(
                "level",
                default.level,
                "a level (\"error\", \"warn\", \"info\", \"debug\" or \"trace\") or directives (like \"phonewatch=debug,info\")",
                level,
            ),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            level: "info".to_owned(),
        }
    }
}

fn level(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
    const MAX_DIRECTIVES: usize = 1024;
    let text = text.trim();
    if text.len() > MAX_DIRECTIVES {
        return Err(format!("this is longer than {MAX_DIRECTIVES} characters"));
    }
    // EnvFilter takes a misspelt level for the name of a module and logs nothing but that.
    let misspelt = text
        .split(',')
        .map(str::trim)
        // Of a span's fields it is the whole that counts.
        .filter(|_| !text.contains('['))
        .find(|directive| !directive.contains('=') && !LEVELS.contains(directive));
    if let Some(misspelt) = misspelt {
        return Err(format!("{} is no level", quoted_text(misspelt)));
    }
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("{} is not understood", quoted_text(text))),
    }
}
