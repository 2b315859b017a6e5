//! The file with TLS and passwords.

use std::path::Path;

use super::inventory::resolved;
use crate::config::Config;
use crate::web::{Gate, GateError};

/// Reads the file that the configuration names, if it names one; else everybody is let in. `config_path` is where the
/// configuration stands.
pub fn load(config: &Config, config_path: &Path) -> Result<Gate, GateError> {
    match &config.web.config_file {
        Some(file) => Gate::load(&resolved(file, config_path)),
        None => Ok(Gate::default()),
    }
}
