//! The tables of the capture: interfaces, buffers, the kernel's filter, and the copies that a mirror makes.

use std::time::Duration;

use super::error::ConfigErrors;
use super::section::Section;
use super::units::MIB;
use super::wording::{described, quoted_text};

/// When frames are compared with those before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyMode {
    /// Each, as long as there are copies; else some.
    Auto,
    /// Each.
    On,
    /// None.
    Off,
}

/// Where frames come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The interfaces to listen on, at most 16, none twice.
    pub interfaces: Vec<String>,
    /// Whether frames that are not for this host are asked of the interface, as a mirror port needs.
    pub promiscuous: bool,
    /// How many bytes of a frame are kept.
    pub snaplen: u32,
    /// The kernel's capture buffer of each interface, in bytes.
    pub kernel_buffer: usize,
    /// The ring between each capture thread and the engine, in bytes.
    pub ring: usize,
    /// How long the merge of several interfaces waits for an earlier frame of another one.
    pub reorder: Duration,
    /// What the kernel lets through.
    pub filter: Filter,
    /// Whether the mirror's tunnels (ERSPAN, GRE and the like) are opened.
    pub tunnels: bool,
}

/// What the kernel lets through to the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// What phonewatch decodes, generated from the other settings.
    Auto,
    /// Every frame.
    Everything,
    /// What this pcap-filter(7) expression matches. It compiles for Ethernet.
    Expression(String),
}

impl Capture {
    const MAX_INTERFACES: usize = 16;

    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            interfaces: section.list(
                "interfaces",
                default.interfaces,
                0..=Self::MAX_INTERFACES,
                (
                    "interfaces",
                    "a name of 1 to 15 characters without spaces or '/' (like \"eth1\")",
                ),
                |value| interface_name(value.as_str().ok_or_else(|| described(value))?),
            ),
            promiscuous: section.boolean("promiscuous", default.promiscuous),
            snaplen: section.integer("snaplen", default.snaplen, 256..=262_144),
            kernel_buffer: section.size("kernel_buffer", default.kernel_buffer, MIB..=1024 * MIB),
            ring: section.size("ring", default.ring, MIB..=1024 * MIB),
            reorder: section.duration(
                "reorder",
                default.reorder,
                Duration::ZERO..=Duration::from_secs(5),
            ),
            filter: section.text(
                "filter",
                default.filter,
                "\"auto\", \"none\" or a pcap-filter(7) expression (like \"host 10.1.1.10\")",
                filter,
            ),
            tunnels: section.boolean("tunnels", default.tunnels),
        }
    }
}

impl Capture {
    /// Interfaces of the command line, in place of those of the file; one named twice counts once.
    pub(crate) fn interfaces_named(names: &[String]) -> Result<Vec<String>, ConfigErrors> {
        let mut distinct: Vec<String> = Vec::new();
        for name in names {
            if !distinct.contains(name) {
                distinct.push(name.clone());
            }
        }
        if distinct.len() <= Self::MAX_INTERFACES {
            return Ok(distinct);
        }
        let message = format!(
            "{} interfaces are named: up to {} are allowed",
            distinct.len(),
            Self::MAX_INTERFACES
        );
        Err(ConfigErrors::whole_file("--interface", message))
    }
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            promiscuous: true,
            // TFTP blocks and XML alarms are not to be cut, and a mirror's merged segments are longer than a frame.
            snaplen: 4096,
            kernel_buffer: 16 * MIB,
            ring: 16 * MIB,
            reorder: Duration::from_millis(150),
            filter: Filter::Auto,
            tunnels: true,
        }
    }
}

/// The name, where the kernel could have an interface of that name; else what is wrong with it.
pub fn interface_name(name: &str) -> Result<String, String> {
    // IFNAMSIZ of linux/if.h, which counts the NUL.
    if (1..16).contains(&name.len())
        && name.chars().all(|character| {
            character != '/' && !character.is_whitespace() && !character.is_control()
        })
    {
        Ok(name.to_owned())
    } else {
        Err(format!("{} is no interface's name", quoted_text(name)))
    }
}

fn filter(text: &str) -> Result<Filter, String> {
    // Far more than a person writes; the time libpcap takes to compile grows much faster than the text.
    const MAX_EXPRESSION: usize = 4096;
    match text.trim() {
        "auto" => return Ok(Filter::Auto),
        "none" => return Ok(Filter::Everything),
        "" => return Err("this is empty".to_owned()),
        expression if expression.len() > MAX_EXPRESSION => {
            return Err(format!("this is longer than {MAX_EXPRESSION} characters"));
        }
        _ => {}
    }
    let compiled = pcap::Capture::dead(pcap::Linktype::ETHERNET)
        .and_then(|capture| capture.compile(text, false).map(|_| ()));
    match compiled {
        Ok(()) => Ok(Filter::Expression(text.to_owned())),
        Err(error) => Err(format!("{} does not compile ({error})", quoted_text(text))),
    }
}

/// How copies made by the mirror are recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// When frames are compared.
    pub mode: CopyMode,
    /// Within this time an equal packet is a copy; zero switches the search off.
    pub window: Duration,
}

impl Copies {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            mode: section.one_of(
                "mode",
                default.mode,
                &[
                    ("auto", CopyMode::Auto),
                    ("on", CopyMode::On),
                    ("off", CopyMode::Off),
                ],
            ),
            window: section.duration(
                "window",
                default.window,
                Duration::ZERO..=Duration::from_secs(1),
            ),
        }
    }
}

impl Default for Copies {
    fn default() -> Self {
        Self {
            mode: CopyMode::Auto,
            window: Duration::from_millis(20),
        }
    }
}
