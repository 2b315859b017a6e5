//! Where the outbox is, the evidence, and the engine's state.

use std::path::PathBuf;

use crate::config::Alert as Settings;

/// Where it is if nobody says otherwise.
pub(in crate::app) const USUAL: &str = "/var/lib/phonewatch";

/// The folder of the configuration, else the one that systemd made for the service, else the usual one.
pub(in crate::app) fn of(settings: &Settings) -> PathBuf {
    let configured = settings.state_dir.clone().or_else(of_systemd);
    configured.unwrap_or_else(|| USUAL.into())
}

/// Whether systemd made one for the service.
pub(in crate::app) fn is_of_systemd() -> bool {
    of_systemd().is_some()
}

fn of_systemd() -> Option<PathBuf> {
    let folders = std::env::var("STATE_DIRECTORY").ok()?;
    // Several are separated by colons.
    let first = folders
        .split(':')
        .next()
        .filter(|first| !first.is_empty())?;
    Some(PathBuf::from(first))
}
