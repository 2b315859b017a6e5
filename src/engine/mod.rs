//! The engine: frames and time in, knowledge out. No thread, socket, file, lock or clock.
//!
//! Four verbs: [`Engine::handle`] takes a record, [`Engine::poll_timeout`] tells when time alone would change anything,
//! [`Engine::handle_timeout`] lets it, [`Engine::poll_event`] gives what happened. [`Engine::snapshot`] gives everyone
//! else a picture to read.

mod settings;

use std::sync::Arc;

pub use settings::{KnownServer, Limits, Settings};

use crate::event::Event;
use crate::record::Record;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;

/// Everything that is known, and the machines that come to know it.
pub struct Engine {
    settings: Settings,
    snapshot: Snapshot,
}

impl Engine {
    /// An engine that knows nothing but its settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            snapshot: Snapshot::default(),
        }
    }

    /// Takes one record. Records come in the order of their time, as far as their sources allow.
    ///
    /// Timers due before the record are the caller's to fire first, with [`Self::handle_timeout`].
    pub fn handle(&mut self, record: &Record<'_>) {
        let _ = (record, &self.settings);
    }

    /// When time alone will change something. Spurious and repeated calls are safe.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }

    /// Lets everything happen that is due at `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let _ = now;
    }

    /// No record will follow: what is held in the hope of missing bytes is read as it is.
    pub fn finish(&mut self) {}

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// A picture of everything.
    pub fn snapshot(&mut self) -> Arc<Snapshot> {
        Arc::new(self.snapshot.clone())
    }
}
