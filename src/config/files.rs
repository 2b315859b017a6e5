//! The tables about files that outlive the program or come from elsewhere: `inventory`, `state` and `evidence`.

use std::path::PathBuf;
use std::time::Duration;

use super::section::Section;
use super::units::{DAY, GIB, HOUR, MIB};
use super::wording::quoted_text;
use crate::net::is_unsafe;

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
            keep_for: 14 * DAY,
            size: 256 * MIB,
            per_minute: 20,
        }
    }
}
