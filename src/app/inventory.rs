//! The file with the phones that should be there.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};

use crate::config::Config;
use crate::inventory::{Inventory, MAX_BYTES};

/// Reads the list that the configuration names, if it names one. `config_path` is where the configuration stands.
pub fn load(config: &Config, config_path: &Path) -> anyhow::Result<Option<Arc<Inventory>>> {
    let Some(file) = &config.inventory.file else {
        return Ok(None);
    };
    let path = resolved(file, config_path);
    let named = || format!("the list of phones {}", path.display());
    let bytes = read(&path)
        .with_context(|| format!("cannot read {}: is inventory.file right?", named()))?;
    let inventory =
        Inventory::parse(&bytes).map_err(|error| anyhow!("cannot use {}: {error}", named()))?;
    Ok(Some(Arc::new(inventory)))
}

/// What is wrong with rows of the list, one line each; none where every row is used.
pub fn complaints(inventory: &Inventory, config: &Config) -> Vec<String> {
    let file = config.inventory.file.clone().unwrap_or_default();
    let mut lines: Vec<String> = inventory
        .problems()
        .iter()
        .map(|problem| format!("{}: {problem}: the row is left out", file.display()))
        .collect();
    let more = inventory.unused().saturating_sub(lines.len());
    if more > 0 {
        lines.push(format!("{}: {more} more rows are left out", file.display()));
    }
    lines
}

/// A relative path starts where the configuration stands.
pub(super) fn resolved(file: &Path, config_path: &Path) -> PathBuf {
    match config_path.parent() {
        Some(folder) => folder.join(file),
        None => file.to_owned(),
    }
}

/// Reads no more of it than shows that it is too large.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
