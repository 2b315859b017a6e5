//! Which configuration is read; and whether it is valid.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::{Config, ConfigErrors, ShownConfig};

/// Where the configuration stands unless `--config` names another file.
pub const DEFAULT_CONFIG: &str = "/etc/phonewatch/phonewatch.toml";

/// Which configuration file to read.
#[derive(Args, Debug)]
pub struct ConfigFile {
    /// Read the configuration from this file [default: /etc/phonewatch/phonewatch.toml]
    #[arg(long = "config", value_name = "FILE")]
    pub named: Option<PathBuf>,
}

impl ConfigFile {
    /// The file that was named, or the default one.
    pub fn path(&self) -> &Path {
        self.named.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG))
    }

    /// Reads the configuration. A file that was named must be there; without the default one, the defaults hold.
    pub fn load(&self) -> Result<Config, ConfigErrors> {
        self.load_shown().map(|(config, _)| config)
    }

    /// Reads the configuration; with how it is shown.
    pub fn load_shown(&self) -> Result<(Config, ShownConfig), ConfigErrors> {
        match &self.named {
            Some(path) => Config::load_shown(path),
            None => Config::load_shown_or_default(self.path()),
        }
    }
}

/// Says whether the configuration at `path` is valid, or everything that is wrong with it.
///
/// Gives whether it is valid; a file that is not there is not.
pub fn check(path: &Path, out: &mut impl Write) -> io::Result<bool> {
    match Config::load(path) {
        Ok(_) => {
            writeln!(out, "{}: valid", path.display())?;
            Ok(true)
        }
        Err(errors) => {
            writeln!(out, "{errors}")?;
            Ok(false)
        }
    }
}
