//! The other tables of the configuration: their keys, defaults, ranges and units.
//!
//! What a key is for, and when to change it, is said to the user in `config.example.toml`; a test holds that file to
//! the defaults and the keys of this one.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::section::{Section, allowed_integer, integer};
use super::wording::quoted_text;
use crate::net::is_unsafe;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Where SCCP is spoken. No port is in both lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sccp {
    /// The TCP ports on which CallManager answers in clear.
    pub ports: Vec<u16>,
    /// The TCP ports on which it answers with TLS: connections are seen, messages are not.
    pub secure_ports: Vec<u16>,
}

impl Sccp {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        const RANGE: RangeInclusive<u16> = 1..=u16::MAX;
        const COUNT: RangeInclusive<usize> = 1..=16;
        let default = Self::default();
        let allowed = allowed_integer("a port", &RANGE);
        let items = ("ports", allowed.as_str());
        let ports = section.list("ports", default.ports, COUNT, items, |value| {
            integer(value, &RANGE)
        });
        let secure_ports = section.list(
            "secure_ports",
            // The default gives way to what the user says of the other list.
            default
                .secure_ports
                .into_iter()
                .filter(|port| !ports.contains(port))
                .collect(),
            COUNT,
            ("ports", &format!("{allowed} that is not in sccp.ports")),
            |value| {
                let port = integer(value, &RANGE)?;
                if ports.contains(&port) {
                    Err(format!("{port} stands in sccp.ports too"))
                } else {
                    Ok(port)
                }
            },
        );
        Self {
            ports,
            secure_ports,
        }
    }
}

impl Default for Sccp {
    fn default() -> Self {
        Self {
            ports: vec![2000],
            secure_ports: vec![2443],
        }
    }
}

/// Where TFTP is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tftp {
    /// The UDP port of the first request; the answer comes from another one.
    pub port: u16,
}

impl Tftp {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            port: section.integer("port", default.port, 1..=u16::MAX),
        }
    }
}

impl Default for Tftp {
    fn default() -> Self {
        Self { port: 69 }
    }
}

/// How often phones send keepalives, until a `RegisterAck` has told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Between two keepalives to the server at which the phone is registered.
    pub interval: Duration,
    /// Between two keepalives to the server in reserve.
    pub standby: Duration,
}

impl Keepalive {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let range = 5 * SECOND..=1000 * SECOND;
        Self {
            interval: section.duration("interval", default.interval, range.clone()),
            standby: section.duration("standby", default.standby, range),
        }
    }
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: 30 * SECOND,
            standby: 60 * SECOND,
        }
    }
}

/// When a phone is flapping: this many moves within this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flap {
    /// How many moves from one server to another.
    pub moves: u32,
    /// Within which time.
    pub window: Duration,
}

impl Flap {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            moves: section.integer("moves", default.moves, 2..=100),
            window: section.duration("window", default.window, MINUTE..=24 * HOUR),
        }
    }
}

impl Default for Flap {
    fn default() -> Self {
        Self {
            moves: 3,
            window: 30 * MINUTE,
        }
    }
}

/// When a phone asks for addresses too often: more than this many requests within this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dhcp {
    /// How many requests are still usual.
    pub requests: u32,
    /// Within which time.
    pub window: Duration,
}

impl Dhcp {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            requests: section.integer("requests", default.requests, 1..=10_000),
            window: section.duration("window", default.window, 10 * SECOND..=24 * HOUR),
        }
    }
}

impl Default for Dhcp {
    fn default() -> Self {
        Self {
            requests: 12,
            window: 10 * MINUTE,
        }
    }
}

/// The list of the phones that should be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InventoryFile {
    /// The file, as CallManager exports it; `None` where there is none.
    pub file: Option<PathBuf>,
}

impl InventoryFile {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            file: section.text(
                "file",
                None,
                "the path of a CSV file, or \"\" for none",
                |text| match text.trim() {
                    "" => Ok(None),
                    text if text.chars().any(is_unsafe) => {
                        Err(format!("{} is no path", quoted_text(text)))
                    }
                    text => Ok(Some(text.into())),
                },
            ),
        }
    }
}

/// What outlives the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// A device that was not seen for so long is not taken over by the next run; zero keeps nothing.
    pub keep_for: Duration,
}

impl State {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            keep_for: section.duration("keep_for", default.keep_for, Duration::ZERO..=DAY * 366),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self { keep_for: DAY * 14 }
    }
}

/// How much is kept in memory; beyond it the oldest, and strangers before phones, give way and are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Devices that have shown a name or a registration.
    pub devices: usize,
    /// DHCP clients and addresses that have not.
    pub strangers: usize,
    /// TCP connections to SCCP ports.
    pub connections: usize,
    /// Servers, named or learned; not fewer than are named.
    pub callmanagers: usize,
    /// TFTP transfers that are under way.
    pub transfers: usize,
    /// Names that were looked up in DNS.
    pub dns_names: usize,
    /// Fragments of IP packets that wait for the rest, in bytes.
    pub fragments: usize,
    /// What came out of order in one direction of one connection, in bytes.
    pub stream_buffer: usize,
    /// What came out of order in all connections, in bytes.
    pub streams_buffer: usize,
    /// A phone's configuration file as it is put together from TFTP blocks, in bytes.
    pub config_file: usize,
    /// Events that wait for the outputs.
    pub events: usize,
    /// The last frames of all phones' signalling, in bytes.
    pub recorder: usize,
    /// The last frames of one phone's signalling.
    pub recorder_frames: u32,
}

impl Limits {
    pub(super) fn read(section: &mut Section<'_>, named_callmanagers: usize) -> Self {
        let default = Self::default();
        Self {
            devices: section.integer("devices", default.devices, 1..=10_000_000),
            strangers: section.integer("strangers", default.strangers, 1..=10_000_000),
            connections: section.integer("connections", default.connections, 1..=10_000_000),
            callmanagers: section.integer(
                "callmanagers",
                default.callmanagers,
                named_callmanagers.max(1)..=65_536,
            ),
            transfers: section.integer("transfers", default.transfers, 1..=1_000_000),
            dns_names: section.integer("dns_names", default.dns_names, 1..=1_000_000),
            fragments: section.size("fragments", default.fragments, 64 * KIB..=GIB),
            // One stream's share never exceeds that of all.
            stream_buffer: section.size("stream_buffer", default.stream_buffer, KIB..=MIB),
            streams_buffer: section.size("streams_buffer", default.streams_buffer, MIB..=GIB),
            config_file: section.size("config_file", default.config_file, KIB..=16 * MIB),
            events: section.integer("events", default.events, 1..=10_000_000),
            recorder: section.size("recorder", default.recorder, 64 * KIB..=GIB),
            recorder_frames: section.integer(
                "recorder_frames",
                default.recorder_frames,
                2..=100_000,
            ),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            devices: 120_000,
            strangers: 20_000,
            connections: 300_000,
            callmanagers: 256,
            transfers: 20_000,
            dns_names: 10_000,
            fragments: 4 * MIB,
            stream_buffer: 16 * KIB,
            streams_buffer: 64 * MIB,
            config_file: 128 * KIB,
            events: 65_536,
            recorder: 8 * MIB,
            recorder_frames: 256,
        }
    }
}

/// How the frames that prove a finding are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Whether any are kept, where there is a state directory.
    pub enabled: bool,
    /// How long a file is kept.
    pub keep_for: Duration,
    /// What all files may take, in bytes.
    pub size: usize,
    /// How many files are written in a minute at most.
    pub per_minute: u32,
}

impl Evidence {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        let default = Self::default();
        Self {
            enabled: section.boolean("enabled", default.enabled),
            keep_for: section.duration("keep_for", default.keep_for, HOUR..=365 * DAY),
            size: section.size("size", default.size, MIB..=1024 * GIB),
            per_minute: section.integer("per_minute", default.per_minute, 1..=600),
        }
    }
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            enabled: true,
            keep_for: 14 * 24 * HOUR,
            size: 256 * MIB,
            per_minute: 20,
        }
    }
}

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
