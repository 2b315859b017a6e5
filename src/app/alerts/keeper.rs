//! The thread that owns the policy and the outbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::Counts;
use super::feed::{Happened, Happening};
use super::mutes::{Change, Muted};
use crate::alert::{Alert, Dropped, Notification, Policy, Update};
use crate::app::alerts::known::KnownDevices;
use crate::app::clock::{self, Stopwatch};
use crate::config::{Alert as Settings, Receiver};
use crate::delivery::{Next, Outbox, OutboxError, Pending};
use crate::time::Timestamp;
use crate::web::MuteAnswer;

/// What the thread is told and asked.
pub(super) enum Command {
    /// Findings were raised and cleared.
    Happened(Happened),
    /// The configuration was read again; the outbox where there was none before.
    Reconfigure(Box<Settings>, Option<Outbox>),
    /// What is this receiver to be sent next?
    Next(String, oneshot::Sender<Next>),
    /// Which alerts was this receiver told of that hold?
    Standing(String, oneshot::Sender<Vec<Alert>>),
    /// This became of a message.
    Settle(Settled),
    /// Change what is told of, store that and answer.
    Change(Change, oneshot::Sender<MuteAnswer>),
    /// Store everything and end.
    Stop(oneshot::Sender<()>),
}

/// What became of a message.
pub(super) enum Settled {
    Delivered {
        pending: Box<Pending>,
        keeps_alerts: bool,
    },
    Later(i64, Timestamp),
    /// Its receiver, of this name, answers again.
    Answered(String),
    Refused(i64),
}

/// Owns the policy and the outbox.
pub(super) struct Keeper {
    policy: Policy,
    /// None as long as there is no receiver.
    outbox: Option<Outbox>,
    counts: Arc<Counts>,
    bell: watch::Sender<u64>,
    /// By the name of each receiver of which there are several peers: all of them.
    peers: BTreeMap<String, Vec<String>>,
    /// Messages that could not be stored yet.
    unstored: Vec<Notification>,
    /// What became of messages, where that could not be stored yet. As long as there is any, nothing is given out: it
    /// would be sent again and again.
    unsettled: Vec<Settled>,
    /// Whether the policy knows more than what is stored.
    is_changed: bool,
    stored: Stopwatch,
    /// How long to wait until what changed is stored again.
    store_every: Duration,
    is_failing: bool,
    dropped: Dropped,
}

/// A kill loses no more than this of what is not told yet; and a restart sees that again, if it holds.
const STORE_EVERY: Duration = Duration::from_secs(1);
/// Storing takes no more than this part of the time.
const SHARE: u32 = 20;
/// How long to wait after the disk has failed.
const TRY_AGAIN: Duration = Duration::from_secs(5);
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

impl Keeper {
    /// Goes on where the outbox ended.
    pub(super) fn new(
        settings: &Settings,
        outbox: Option<Outbox>,
        counts: Arc<Counts>,
        bell: watch::Sender<u64>,
    ) -> Self {
        let mut keeper = Self {
            policy: Policy::new(settings.clone()),
            outbox: None,
            counts,
            bell,
            peers: peers(settings),
            unstored: Vec::new(),
            unsettled: Vec::new(),
            is_changed: false,
            stored: Stopwatch::start(),
            store_every: STORE_EVERY,
            is_failing: false,
            dropped: Dropped::default(),
        };
        if let Some(outbox) = outbox {
            match outbox.state() {
                Ok(Some(state)) => {
                    keeper.policy = Policy::restore(settings.clone(), state, clock::now());
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(
                        "what was told before is forgotten, and may be told again: {error}"
                    );
                }
            }
            keeper.take(outbox, settings);
        }
        keeper.counts.set_muted(Muted::of(&keeper.policy));
        keeper
    }

    fn take(&mut self, outbox: Outbox, settings: &Settings) {
        self.outbox = Some(outbox);
        self.is_changed = true;
        self.keep_only(settings);
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self, commands: &mpsc::Receiver<Command>) {
        self.settle_down();
        loop {
            match commands.recv_timeout(self.sleep()) {
                Ok(Command::Stop(done)) => {
                    // What was sent before is taken first: the channel keeps the order.
                    self.store();
                    // Whoever asked may be gone.
                    done.send(()).ok();
                    return;
                }
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.settle_down();
        }
    }

    fn sleep(&self) -> Duration {
        let now = clock::now();
        let due = self.policy.poll_timeout();
        let due = due.map_or(LONGEST_SLEEP, |due| due.since(now).min(LONGEST_SLEEP));
        if self.is_changed || !self.unstored.is_empty() {
            due.min(self.store_every.saturating_sub(self.stored.elapsed()))
        } else {
            due
        }
    }

    fn obey(&mut self, command: Command) {
        let now = clock::now();
        match command {
            Command::Happened(happened) => self.happened(&happened, now),
            Command::Reconfigure(settings, outbox) => {
                self.policy.reconfigure((*settings).clone(), now);
                self.is_changed = true;
                match outbox {
                    Some(outbox) => {
                        self.policy.store_anew();
                        self.take(outbox, &settings);
                    }
                    None => self.keep_only(&settings),
                }
            }
            Command::Next(receiver, answer) => {
                let next = match (self.settle(), &self.outbox) {
                    (false, _) => None,
                    (true, None) => Some(Next::Nothing),
                    (true, Some(outbox)) => logged(outbox.next(&receiver, now)),
                };
                // A task that was ended asks no more.
                answer.send(next.unwrap_or(Next::At(now + TRY_AGAIN))).ok();
            }
            Command::Standing(receiver, answer) => {
                let alerts = self
                    .outbox
                    .as_ref()
                    .map(|outbox| outbox.standing(&receiver));
                let alerts = alerts.and_then(logged);
                answer.send(alerts.unwrap_or_default()).ok();
            }
            Command::Settle(settled) => {
                self.unsettled.push(settled);
                self.settle();
            }
            Command::Change(change, answer) => {
                let answered = change(&mut self.policy, now);
                self.is_changed = true;
                self.settle_down();
                if self.is_changed {
                    self.store();
                }
                self.counts.set_muted(Muted::of(&self.policy));
                // Whoever asked may have gone away.
                answer.send(answered).ok();
            }
            Command::Stop(_) => {}
        }
    }

    /// Stores what became of messages; whether all of it is stored.
    fn settle(&mut self) -> bool {
        let Some(outbox) = &mut self.outbox else {
            return true;
        };
        let mut has_settled = false;
        while let Some(settled) = self.unsettled.last() {
            let result = match settled {
                Settled::Delivered {
                    pending,
                    keeps_alerts,
                } => outbox.delivered(pending, *keeps_alerts),
                Settled::Later(number, at) => outbox.later(*number, *at),
                Settled::Refused(number) => outbox.refused(*number),
                Settled::Answered(receiver) => outbox.answered(receiver),
            };
            if let Err(error) = result {
                self.failed(&error);
                return false;
            }
            self.unsettled.pop();
            has_settled = true;
        }
        if has_settled {
            self.count_pending();
            self.recovered();
        }
        true
    }

    fn happened(&mut self, happened: &Happened, now: Timestamp) {
        let known = KnownDevices::of(&happened.events, &happened.snapshot);
        for Happening { event, evidence } in &happened.events {
            if let Some(update) = Update::of(event, &known.of_event(event)) {
                let evidence = evidence.as_ref().map(ToString::to_string);
                self.policy.handle(update.with_evidence(evidence), now);
                self.is_changed = true;
            }
        }
    }

    /// Lets the policy do what is due, and stores what came of it.
    fn settle_down(&mut self) {
        let now = clock::now();
        if self.policy.poll_timeout().is_some_and(|due| due <= now) {
            self.policy.handle_timeout(now);
            self.is_changed = true;
        }
        let before = self.unstored.len();
        while let Some(message) = self.policy.poll_notification() {
            self.keep(&message);
        }
        let dropped = self.policy.dropped();
        let more = dropped.alerts.saturating_sub(self.dropped.alerts)
            + dropped.groups.saturating_sub(self.dropped.groups);
        self.counts.add_dropped(more);
        self.dropped = dropped;
        let is_new = self.unstored.len() > before && !self.is_failing;
        let is_due = self.is_changed && self.stored.elapsed() >= self.store_every;
        if is_new || is_due {
            self.store();
        }
    }

    /// Keeps a message until it is stored: for each peer of its receiver its own, as each takes it at another time.
    fn keep(&mut self, message: &Notification) {
        let peers = self.peers.get(&message.receiver).cloned();
        let peers = peers.unwrap_or_else(|| vec![message.receiver.clone()]);
        for receiver in peers {
            if self.unstored.len() < Outbox::MOST_MESSAGES {
                self.unstored.push(Notification {
                    receiver,
                    ..message.clone()
                });
            } else {
                self.counts.add_dropped(1);
            }
        }
    }

    fn store(&mut self) {
        self.stored = Stopwatch::start();
        let Some(outbox) = &mut self.outbox else {
            // Without receivers there are no messages.
            self.is_changed = false;
            return;
        };
        let given_up = match outbox.store(&self.policy.changes(), &self.unstored) {
            Ok(given_up) => given_up,
            Err(error) => {
                self.is_changed = true;
                self.store_every = TRY_AGAIN;
                self.failed(&error);
                return;
            }
        };
        self.counts.add_dropped(given_up);
        if given_up > 0 {
            tracing::error!(
                given_up,
                "the outbox is full: the oldest alerts are given up"
            );
        }
        let has_messages = !self.unstored.is_empty();
        self.policy.stored();
        self.unstored.clear();
        self.is_changed = false;
        self.store_every = STORE_EVERY.max(self.stored.elapsed() * SHARE);
        if has_messages {
            self.count_pending();
            self.bell
                .send_modify(|rings| *rings = rings.wrapping_add(1));
        }
        self.recovered();
    }

    /// What is for receivers that are no more is given up.
    fn keep_only(&mut self, settings: &Settings) {
        let before = std::mem::replace(&mut self.peers, peers(settings));
        let peers = settings.receiver.iter().flat_map(Receiver::peers);
        let names: Vec<String> = peers.map(|peer| peer.name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if let Some(outbox) = &mut self.outbox {
            let result = outbox.keep_only(&names);
            if let Some(given_up) = logged(result) {
                self.counts.add_dropped(given_up);
            }
            // A peer that is new knows nothing of what its receiver was told.
            for (receiver, peers) in &self.peers {
                let had = before.get(receiver);
                let new = peers.iter().skip(1);
                for peer in new.filter(|peer| had.is_none_or(|had| !had.contains(peer))) {
                    logged(outbox.stand_like(receiver, peer));
                }
            }
        }
        self.unstored
            .retain(|message| names.contains(&&*message.receiver));
        self.count_pending();
    }

    fn count_pending(&mut self) {
        if let Some(outbox) = &self.outbox {
            let pending = outbox.pending();
            if let Some(pending) = logged(pending) {
                self.counts.set_pending(pending);
            }
        }
    }

    /// Says once that nothing can be stored.
    fn failed(&mut self, error: &OutboxError) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!("alerts wait until they can be stored: {error}");
        }
    }

    /// Says once that it works again: a small piece may find room where a large one does not.
    fn recovered(&mut self) {
        let is_all_stored = !self.is_changed && self.unsettled.is_empty();
        if is_all_stored && std::mem::take(&mut self.is_failing) {
            tracing::info!("alerts can be stored again");
        }
    }
}

/// The peers of each receiver that has several.
fn peers(settings: &Settings) -> BTreeMap<String, Vec<String>> {
    let receivers = settings.receiver.iter();
    receivers
        .map(|receiver| {
            let peers = receiver.peers().into_iter().map(|peer| peer.name).collect();
            (receiver.name.clone(), peers)
        })
        .filter(|(_, peers): &(String, Vec<String>)| peers.len() > 1)
        .collect()
}

fn logged<T>(result: Result<T, OutboxError>) -> Option<T> {
    result
        .map_err(|error| tracing::error!("alerts: {error}"))
        .ok()
}
