//! What was concluded: one fault, or one fact worth telling, of a device, of a server or of the sensor itself.
//!
//! A finding is level-triggered: it is raised when its condition holds and cleared when it no longer does. It states
//! facts, and carries the evidence for them. What its code means stands in the catalogue of [`crate::diagnosis`].

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::net::DeviceName;
use crate::time::Timestamp;

/// How much it matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nobody suffers.
    Info,
    /// Somebody will suffer, or suffers now and then.
    Warning,
    /// Somebody cannot make calls.
    Critical,
}

impl Severity {
    /// Every severity, from the least to the worst.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word of the report, the configuration and the metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Whom a finding is about, where it is not about a device that was seen.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Subject {
    /// A CallManager.
    CallManager(IpAddr),
    /// A DHCP server; `None` where none was ever heard.
    DhcpServer(Option<IpAddr>),
    /// A DNS server.
    DnsServer(IpAddr),
    /// A TFTP server.
    TftpServer(IpAddr),
    /// A device that should be there and was never seen.
    Configured(DeviceName),
    /// The sensor: its mirror port as a whole.
    Sensor,
}

impl Subject {
    /// What kind of thing it is, as one of a fixed set of words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::CallManager(_) => "callmanager",
            Self::DhcpServer(_) => "dhcp_server",
            Self::DnsServer(_) => "dns_server",
            Self::TftpServer(_) => "tftp_server",
            Self::Configured(_) => "device",
            Self::Sensor => "sensor",
        }
    }

    /// The address of a server.
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::CallManager(address) | Self::DnsServer(address) | Self::TftpServer(address) => {
                Some(*address)
            }
            Self::DhcpServer(address) => *address,
            Self::Configured(_) | Self::Sensor => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallManager(address) => write!(formatter, "CallManager {address}"),
            Self::DhcpServer(Some(address)) => write!(formatter, "DHCP server {address}"),
            Self::DhcpServer(None) => formatter.write_str("DHCP service"),
            Self::DnsServer(address) => write!(formatter, "DNS server {address}"),
            Self::TftpServer(address) => write!(formatter, "TFTP server {address}"),
            Self::Configured(name) => write!(formatter, "{name}"),
            Self::Sensor => formatter.write_str("sensor"),
        }
    }
}

/// One thing that was seen, and when.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// When.
    pub at: Timestamp,
    /// What, in words and safe to show.
    pub text: String,
}

impl Evidence {
    /// `text` was seen at `at`.
    pub fn new(at: Timestamp, text: impl Into<String>) -> Self {
        Self {
            at,
            text: text.into(),
        }
    }
}

/// What a rule concludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// One sentence with the facts, without the name of the subject.
    pub summary: String,
    /// What shows it, in the order of time; at most [`Self::MOST_EVIDENCE`] entries are kept.
    pub evidence: Vec<Evidence>,
    /// When that of which it speaks began.
    pub since: Timestamp,
    /// The server that has a part in it: a finding about that server may explain this one.
    pub server: Option<IpAddr>,
    /// How much it matters in this case, where that differs from what the catalogue says.
    pub severity: Option<Severity>,
    /// What to do in this case, where that differs from what the catalogue says.
    pub remedy: Option<&'static [&'static str]>,
}

impl Conclusion {
    /// More evidence than this proves nothing more.
    pub const MOST_EVIDENCE: usize = 12;

    /// A conclusion that began at `since`.
    pub fn new(since: Timestamp, summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            evidence: Vec::new(),
            since,
            server: None,
            severity: None,
            remedy: None,
        }
    }

    /// With one more piece of evidence.
    #[must_use]
    pub fn evidence(mut self, at: Timestamp, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence::new(at, text));
        self
    }

    /// With the server that has a part in it.
    #[must_use]
    pub const fn server(mut self, server: IpAddr) -> Self {
        self.server = Some(server);
        self
    }

    /// With a severity of its own.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// With a remedy of its own.
    #[must_use]
    pub const fn remedy(mut self, remedy: &'static [&'static str]) -> Self {
        self.remedy = Some(remedy);
        self
    }
}

/// A conclusion with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which of the catalogue's.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// When that of which it speaks began, the last time it did.
    pub since: Timestamp,
    /// When it was raised, the last time it was.
    pub raised: Timestamp,
    /// When anything was last seen that shows it.
    pub last_seen: Timestamp,
    /// When it was cleared; `None` while it holds.
    pub cleared: Option<Timestamp>,
    /// How often it was raised.
    pub count: u32,
    /// One sentence with the facts.
    pub summary: String,
    /// What shows it, in the order of time.
    pub evidence: Vec<Evidence>,
    /// What to do, step by step.
    pub remedy: &'static [&'static str],
    /// The section of the troubleshooting guide.
    pub reference: &'static str,
    /// The server that has a part in it.
    pub server: Option<IpAddr>,
    /// Codes of findings about that server, or the sensor, that would explain this one.
    pub explained_by: &'static [&'static str],
}

impl Finding {
    /// Whether it holds now.
    pub const fn is_active(&self) -> bool {
        self.cleared.is_none()
    }
}

/// What was concluded about one device: at most one finding of each code.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::box_collection,
    reason = "most devices have none, and every device has this field"
)]
pub struct Findings(Option<Box<Vec<Arc<Finding>>>>);

impl Findings {
    /// All of them, those that no longer hold included, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Finding>> {
        self.0.iter().flat_map(|findings| findings.iter())
    }

    /// Those that hold now.
    pub fn active(&self) -> impl Iterator<Item = &Arc<Finding>> {
        self.iter().filter(|finding| finding.is_active())
    }

    /// Whether there is none, not even one of the past.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The one of this code.
    pub fn of(&self, code: &str) -> Option<&Arc<Finding>> {
        self.iter().find(|finding| finding.code == code)
    }

    /// Whether this one holds now.
    pub fn is_active(&self, code: &str) -> bool {
        self.of(code).is_some_and(|finding| finding.is_active())
    }

    /// The worst that holds now.
    pub fn worst(&self) -> Option<Severity> {
        self.active().map(|finding| finding.severity).max()
    }

    /// Takes a finding in; it replaces the one of the same code.
    pub fn put(&mut self, finding: Arc<Finding>) {
        let all = self.0.get_or_insert_default();
        match all.binary_search_by_key(&finding.code, |known| known.code) {
            Ok(place) => {
                if let Some(known) = all.get_mut(place) {
                    *known = finding;
                }
            }
            Err(place) => all.insert(place, finding),
        }
    }

    /// Keeps those that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&Finding) -> bool) {
        if let Some(all) = &mut self.0 {
            all.retain(|finding| keep(finding));
            if all.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Takes over the findings of another record of the same device; of two with one code the own one stays.
    pub fn absorb(&mut self, other: Self) {
        for finding in other.0.into_iter().flat_map(|findings| *findings) {
            if self.of(finding.code).is_none() {
                self.put(finding);
            }
        }
    }
}
