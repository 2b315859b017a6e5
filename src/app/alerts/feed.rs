//! From the engine's thread to the alerts'.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::Counts;
use super::keeper::Command;
use crate::event::{Event, EventKind};
use crate::evidence::EvidenceName;
use crate::snapshot::Snapshot;

/// Gathers the events about findings, and hands them over with the picture that says more of their devices. It never
/// waits.
pub(in crate::app) struct Feed {
    commands: mpsc::Sender<Command>,
    counts: Arc<Counts>,
    events: Vec<Happening>,
    /// Batches that were handed over and not taken yet.
    waiting: Arc<AtomicUsize>,
}

/// Each keeps a picture alive, so few may wait.
const MOST_WAITING: usize = 8;
/// More events than any outage has phones.
const MOST_EVENTS: usize = 200_000;

impl Feed {
    pub(super) fn new(commands: mpsc::Sender<Command>, counts: Arc<Counts>) -> Self {
        Self {
            commands,
            counts,
            events: Vec::new(),
            waiting: Arc::default(),
        }
    }

    /// Something happened, which this file will show.
    pub(in crate::app) fn event(&mut self, event: &Event, evidence: Option<EvidenceName>) {
        let is_about_a_finding = matches!(
            event.kind,
            EventKind::FindingRaised { .. } | EventKind::FindingCleared { .. }
        );
        if !is_about_a_finding {
            return;
        }
        if self.events.len() < MOST_EVENTS {
            self.events.push(Happening {
                event: event.clone(),
                evidence,
            });
        } else {
            self.counts.add_dropped(1);
        }
    }

    /// Hands over what was gathered.
    pub(in crate::app) fn publish(&mut self, snapshot: &Arc<Snapshot>) {
        if self.events.is_empty() || self.waiting.load(Ordering::Acquire) >= MOST_WAITING {
            return;
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let happened = Command::Happened(Happened {
            events: std::mem::take(&mut self.events),
            snapshot: Arc::clone(snapshot),
            waiting: Arc::clone(&self.waiting),
        });
        // A thread that has ended has said so.
        self.commands.send(happened).ok();
    }
}

/// Something that happened.
pub(super) struct Happening {
    pub(super) event: Event,
    /// The file that shows it, where there is one.
    pub(super) evidence: Option<EvidenceName>,
}

/// What happened up to a picture.
pub(super) struct Happened {
    pub(super) events: Vec<Happening>,
    pub(super) snapshot: Arc<Snapshot>,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Happened {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
