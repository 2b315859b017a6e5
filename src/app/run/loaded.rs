//! What is read at the start and at each reload.

use std::path::Path;
use std::sync::Arc;

use crate::app::{gate, inventory};
use crate::cli;
use crate::config::{Config, ShownConfig};
use crate::inventory::Inventory;
use crate::web::Gate;

/// The configuration with what it names.
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) shown: ShownConfig,
    /// The list of phones.
    pub(super) inventory: Option<Arc<Inventory>>,
    /// TLS and passwords.
    pub(super) gate: Gate,
}

pub(super) fn load(arguments: &cli::Run) -> anyhow::Result<Loaded> {
    let (config, shown) = arguments.load_config()?;
    let path = arguments.config.path();
    Ok(Loaded {
        inventory: inventory::load(&config, path)?,
        gate: gate::load(&config, path)?,
        config,
        shown,
    })
}

/// Rows of the list that cannot be used are no reason to stop.
pub(super) fn complain(inventory: Option<&Inventory>, config: &Config) {
    for complaint in inventory
        .into_iter()
        .flat_map(|it| inventory::complaints(it, config))
    {
        tracing::warn!("{complaint}");
    }
}

pub(super) fn no_interface(config: &Path) -> String {
    let mut names: Vec<String> = std::fs::read_dir("/sys/class/net")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| Path::new("/sys/class/net").join(name).is_dir())
        .collect();
    names.sort_unstable();
    format!(
        "no interface to listen on: name that of the mirror port with --interface, or as capture.interfaces in {}; \
         there are: {}",
        config.display(),
        names.join(", ")
    )
}
