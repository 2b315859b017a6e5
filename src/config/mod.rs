//! The configuration: a TOML file in which every key has a default, an unknown key is an error, and all errors are
//! told at once, each with its line and what is allowed there.
//!
//! Decoding with serde would stop at the first error, so the document is walked by a small reader of our own
//! (`section`); the tables, with their keys, defaults, ranges and units, stand in one file for each concern. What a key is
//! for, and when to change it, is said to the user in `config.example.toml`; a test holds that file to them.
//! What comes out is valid: no later part checks again.

mod alert;
mod callmanager;
mod capture;
mod error;
mod files;
mod limits;
mod outputs;
mod secret;
mod section;
mod shown;
mod signalling;
mod site;
mod thresholds;
mod units;
mod value;
mod wording;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;

use toml::de::DeTable;

pub use alert::{
    Address, Alert, Glob, Receiver, ReceiverKind, Route, Silence, SilenceTime, SmtpTls, Weekday,
};
pub use callmanager::CallManager;
pub use capture::{Capture, Copies, CopyMode, Filter, interface_name};
pub use error::{ConfigError, ConfigErrors};
pub use files::{Evidence, InventoryFile, State};
pub use limits::Limits;
pub use outputs::{Log, LogFormat, Metrics, PerPhone, Web};
pub use secret::{Secret, SecretError, SecretSource};
pub use shown::ShownConfig;
pub use signalling::{Dhcp, Flap, Keepalive, Sccp, Tftp};

pub(crate) use thresholds::differing_thresholds;
pub(crate) use value::duration as parse_duration;

use crate::diagnosis::Thresholds;
use crate::site::Site;
use error::{Fault, Lines};
use section::{Reading, Section};
use wording::quoted_text;

/// Larger than any configuration, in bytes: what is above it is another kind of file.
const MAX_FILE: usize = 1 << 20;

/// Every setting of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where frames come from.
    pub capture: Capture,
    /// How copies made by the mirror are recognised.
    pub copies: Copies,
    /// Where SCCP is spoken.
    pub sccp: Sccp,
    /// Where TFTP is spoken.
    pub tftp: Tftp,
    /// The servers that are known beforehand; others are learned from the traffic.
    pub callmanager: Vec<CallManager>,
    /// How often phones send keepalives until a server has said so.
    pub keepalive: Keepalive,
    /// When a phone is flapping.
    pub flap: Flap,
    /// When a phone asks for addresses too often.
    pub dhcp: Dhcp,
    /// When the diagnosis finds something too often, too long or too many, and what it keeps to itself.
    pub thresholds: Thresholds,
    /// The list of the phones that should be there.
    pub inventory: InventoryFile,
    /// What outlives the program.
    pub state: State,
    /// The places where phones stand, by their names.
    pub site: Vec<Site>,
    /// How much is kept in memory.
    pub limits: Limits,
    /// Who is told of what is wrong, when and how.
    pub alert: Alert,
    /// How the frames that prove a finding are kept.
    pub evidence: Evidence,
    /// What Prometheus is given.
    pub metrics: Metrics,
    /// Where HTTP is served.
    pub web: Web,
    /// What is logged, and how.
    pub log: Log,
}

impl Config {
    /// Reads a configuration file.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::load_shown(path).map(|(config, _)| config)
    }

    /// Reads a configuration file; with how it is shown.
    pub fn load_shown(path: &Path) -> Result<(Self, ShownConfig), ConfigErrors> {
        Self::from_file(path, read(path))
    }

    /// Reads a configuration file; without that file every setting is at its default.
    pub fn load_or_default(path: &Path) -> Result<Self, ConfigErrors> {
        Self::load_shown_or_default(path).map(|(config, _)| config)
    }

    /// Reads a configuration file, if it is there; with how it is shown.
    pub fn load_shown_or_default(path: &Path) -> Result<(Self, ShownConfig), ConfigErrors> {
        match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok((Self::default(), ShownConfig::of("")))
            }
            bytes => Self::from_file(path, bytes),
        }
    }

    /// Reads the text of a configuration file; `file_name` is how its errors name it.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, ConfigErrors> {
        let decoded = decode(file_name, text)?;
        if decoded.faults.is_empty() {
            Ok(decoded.config)
        } else {
            Err(ConfigErrors::new(file_name, text, decoded.faults))
        }
    }

    /// Every key there is, with its table: `flap.moves`. In the order in which they are read.
    pub fn keys() -> Vec<String> {
        // One of each table of which there may be many, so that its keys are asked for.
        let repeated = "[[callmanager]]\n[[alert.route]]\n[[alert.silence]]\n[[alert.receiver]]\n[[site]]\n\
                        [findings.callmanager_down]";
        decode_here(repeated).keys
    }

    fn from_file(
        path: &Path,
        bytes: io::Result<Vec<u8>>,
    ) -> Result<(Self, ShownConfig), ConfigErrors> {
        let name = path.display().to_string();
        let bytes = bytes.map_err(|error| {
            let remedy = if error.kind() == io::ErrorKind::NotFound {
                "create it, or name another file with --config"
            } else if error.kind() == io::ErrorKind::PermissionDenied {
                "let the user that runs phonewatch read it and its folders"
            } else {
                "name a readable file with --config"
            };
            ConfigErrors::whole_file(&name, format!("cannot be read ({error}): {remedy}"))
        })?;
        let text = match str::from_utf8(&bytes) {
            Ok(text) => text,
            // The cap may have cut the file within a character.
            Err(_) if bytes.len() > MAX_FILE => return Err(too_large(&name)),
            Err(error) => {
                let readable = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let fault = Fault {
                    span: Some(readable.len()..readable.len()),
                    message: "this is not UTF-8 text: save the file with the encoding UTF-8".into(),
                };
                let text = String::from_utf8_lossy(&bytes);
                return Err(ConfigErrors::new(&name, &text, vec![fault]));
            }
        };
        Ok((Self::parse(&name, text)?, ShownConfig::of(text)))
    }

    fn read(document: &mut Section<'_>) -> Self {
        let capture = document.table("capture", Capture::read);
        let copies = document.table("copies", Copies::read);
        let sccp = document.table("sccp", Sccp::read);
        let tftp = document.table("tftp", Tftp::read);
        let callmanager = CallManager::read_all(document);
        let named = callmanager.len();
        let site = site::read_all(document);
        let mut thresholds = Thresholds::default();
        let keepalive = document.table("keepalive", Keepalive::read);
        let flap = document.table("flap", Flap::read);
        let dhcp = document.table("dhcp", |it| {
            thresholds::dhcp(it, &mut thresholds);
            Dhcp::read(it)
        });
        document.table("boot", |it| thresholds::boot(it, &mut thresholds));
        document.table("registration", |it| {
            thresholds::registration(it, &mut thresholds);
        });
        document.table("quality", |it| thresholds::quality(it, &mut thresholds));
        document.table("server", |it| thresholds::server(it, &mut thresholds));
        document.table("mirror", |it| thresholds::mirror(it, &mut thresholds));
        let inventory = document.table("inventory", |it| {
            thresholds::inventory(it, &mut thresholds);
            InventoryFile::read(it)
        });
        document.table("findings", |it| {
            thresholds::findings_and_overrides(it, &mut thresholds);
        });
        Self {
            thresholds,
            inventory,
            capture,
            copies,
            sccp,
            tftp,
            keepalive,
            flap,
            dhcp,
            state: document.table("state", State::read),
            limits: document.table("limits", |limits| Limits::read(limits, named)),
            alert: document.table("alert", Alert::read),
            evidence: document.table("evidence", Evidence::read),
            metrics: document.table("metrics", Metrics::read),
            web: document.table("web", Web::read),
            log: document.table("log", Log::read),
            callmanager,
            site,
        }
    }
}

/// Reads no more of the file than shows that it is too large.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_FILE)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn too_large(file_name: &str) -> ConfigErrors {
    ConfigErrors::whole_file(
        file_name,
        "larger than 1MiB: no configuration is, so name another file with --config".to_owned(),
    )
}

/// What reading a document gives, whether it is valid or not.
struct Decoded {
    config: Config,
    faults: Vec<Fault>,
    /// The keys that were asked for.
    keys: Vec<String>,
}

/// Decodes on a stack that no document can exhaust.
///
/// The parser bounds dotted keys and inline tables, each for itself. Dotted keys within inline tables multiply the
/// bounds, and a tree of that depth is dropped recursively.
fn decode(file_name: &str, text: &str) -> Result<Decoded, ConfigErrors> {
    const STACK: usize = 64 << 20;
    if text.len() > MAX_FILE {
        return Err(too_large(file_name));
    }
    thread::scope(|scope| {
        let decoding = thread::Builder::new()
            .name("config".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || decode_here(text));
        match decoding.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(decoded)) => Ok(decoded),
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => Err(ConfigErrors::whole_file(
                file_name,
                format!("cannot be read, as no thread could be started ({error}): try again"),
            )),
        }
    })
}

fn decode_here(text: &str) -> Decoded {
    let (document, syntax_errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading {
        incomplete: !syntax_errors.is_empty(),
        ..Reading::default()
    };
    let config = Section::document(document.get_ref(), &mut reading, Config::read);

    let lines = Lines::new(text);
    let line = |fault: &Fault| fault.span.as_ref().map(|span| lines.line(span.start));
    // What follows a syntax error on its line follows from it.
    let mut broken = BTreeSet::new();
    let mut faults: Vec<Fault> = syntax_errors
        .iter()
        .map(|error| syntax_fault(text, error))
        .filter(|fault| broken.insert(line(fault)))
        .collect();
    faults.extend(
        reading
            .faults
            .into_iter()
            .filter(|fault| !broken.contains(&line(fault))),
    );
    Decoded {
        config,
        faults,
        keys: reading.keys,
    }
}

/// An error of the parser, in plainer words where it is one that people make.
fn syntax_fault(text: &str, error: &toml::de::Error) -> Fault {
    let span = error.span();
    let source = span.clone().and_then(|span| text.get(span));
    let source = source.unwrap_or_default().trim();
    let message = match error.message() {
        "duplicate key" => format!(
            "{} stands here a second time: every key and every [table] is allowed once",
            quoted_text(source)
        ),
        message if message.starts_with("string values must be quoted") && source.is_empty() => {
            "no value stands here: text in quotes, a number, true, false or a list is allowed"
                .into()
        }
        message if message.starts_with("string values must be quoted") => format!(
            "{} is no number: text is allowed in quotes only",
            quoted_text(source)
        ),
        message
            if message.starts_with("invalid float") || message.starts_with("invalid integer") =>
        {
            "this is no number: text, and so an address, is allowed in quotes only".into()
        }
        message => format!("not TOML: {message}"),
    };
    Fault { span, message }
}
