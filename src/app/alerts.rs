//! Alerts in the running daemon: from the engine's events to receivers.
//!
//! One thread owns the policy and the outbox, and is told everything through one channel. For each receiver a task asks
//! it for the next message, sends that, and says what became of it.

mod feed;
mod keeper;
mod known;
mod mutes;
pub(super) mod state_dir;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(super) use feed::Feed;
pub(super) use mutes::Mutes;

use super::clock;
use crate::config::{Alert as Settings, Receiver};
use crate::delivery::{Client, Outbox, Sender};
use crate::metrics::AlertState;
use keeper::{Command, Keeper};
use mutes::Muted;

/// Alerts in the running daemon.
pub(super) struct Alerts {
    commands: mpsc::Sender<Command>,
    bell: watch::Sender<u64>,
    workers: Vec<JoinHandle<()>>,
    counts: Arc<Counts>,
    has_outbox: bool,
    /// Answers when the thread ends; an error where it panicked.
    ended: oneshot::Receiver<()>,
}

/// What goes on with a configuration: everything that can fail is done.
pub(super) struct Prepared {
    settings: Settings,
    senders: Vec<Sender>,
    outbox: Option<Outbox>,
}

/// Storing takes milliseconds, unless the disk is busy.
const STOP_WITHIN: Duration = Duration::from_secs(2);

impl Prepared {
    /// Reads what the receivers need, and opens the outbox if there are any.
    ///
    /// `evidence` is the folder of what proves findings, where it is kept.
    pub(super) fn new(
        settings: &Settings,
        evidence: Option<&Path>,
        has_outbox: bool,
    ) -> anyhow::Result<Self> {
        let mut senders = Vec::new();
        let mut outbox = None;
        if !settings.receiver.is_empty() {
            let client = Client::new()?;
            for peer in settings.receiver.iter().flat_map(Receiver::peers) {
                let sender = Sender::prepare(&peer, settings, &client)?;
                senders.push(sender.with_evidence(evidence.map(Path::to_owned)));
            }
            if !has_outbox {
                outbox = Some(Outbox::open(&state_dir::of(settings))?);
            }
        }
        Ok(Self {
            settings: settings.clone(),
            senders,
            outbox,
        })
    }
}

impl Alerts {
    /// Starts the thread and the tasks.
    pub(super) fn start(prepared: Prepared) -> anyhow::Result<Self> {
        let (commands, received) = mpsc::channel();
        let (bell, _) = watch::channel(0);
        let counts = Arc::new(Counts::default());
        let has_outbox = prepared.outbox.is_some();
        let (ends, ended) = oneshot::channel();
        let keeper = Keeper::new(
            &prepared.settings,
            prepared.outbox,
            Arc::clone(&counts),
            bell.clone(),
        );
        std::thread::Builder::new()
            .name("alerts".to_owned())
            .spawn(move || {
                keeper.run(&received);
                // Nobody waits for it where stopping took too long.
                ends.send(()).ok();
            })
            .context("start the alerts' thread")?;
        let mut alerts = Self {
            commands,
            bell,
            workers: Vec::new(),
            counts,
            has_outbox,
            ended,
        };
        alerts.employ(prepared.senders);
        Ok(alerts)
    }

    /// Waits until the thread ends, which it does not do by itself.
    pub(super) async fn failure(&mut self) -> anyhow::Error {
        // Whether it ended or panicked, there are no alerts any more.
        (&mut self.ended).await.ok();
        anyhow::anyhow!("alerts failed: please report what stands above")
    }

    /// For the engine's thread: what happens goes in there.
    pub(super) fn feed(&self) -> Feed {
        Feed::new(self.commands.clone(), Arc::clone(&self.counts))
    }

    /// What became of the messages so far.
    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// For the web: silences and maintenance are asked for there.
    pub(super) fn mutes(&self) -> Mutes {
        Mutes::new(self.commands.clone(), Arc::clone(&self.counts))
    }

    /// Whether an outbox is open already.
    pub(super) const fn has_outbox(&self) -> bool {
        self.has_outbox
    }

    /// Goes on with another configuration.
    pub(super) fn reconfigure(&mut self, prepared: Prepared) {
        // A message that is under way is sent once more by its successor, as nobody knows whether it arrived.
        for worker in self.workers.drain(..) {
            worker.abort();
        }
        self.has_outbox |= prepared.outbox.is_some();
        let settings = Box::new(prepared.settings);
        // A thread that has ended has said so.
        self.commands
            .send(Command::Reconfigure(settings, prepared.outbox))
            .ok();
        self.employ(prepared.senders);
    }

    fn employ(&mut self, senders: Vec<Sender>) {
        for sender in senders {
            let commands = self.commands.clone();
            let work = worker::work(
                sender,
                commands,
                self.bell.subscribe(),
                Arc::clone(&self.counts),
            );
            self.workers.push(tokio::spawn(work));
        }
    }

    /// Stores everything. What was not delivered is sent by the next run.
    pub(super) async fn stop(self) {
        for worker in &self.workers {
            worker.abort();
        }
        let (done, stored) = oneshot::channel();
        let is_running = self.commands.send(Command::Stop(done)).is_ok();
        if is_running && timeout(STOP_WITHIN, stored).await.is_err() {
            tracing::error!("what is known of alerts was not stored in time");
        }
    }
}

/// Every way of sending, as the configuration calls it.
const CHANNELS: [&str; 7] = [
    "alertmanager",
    "email",
    "pagerduty",
    "slack",
    "teams",
    "template",
    "webhook",
];

/// What may become of a message.
#[derive(Clone, Copy)]
enum Fate {
    /// Its receiver has it.
    Delivered,
    /// An attempt failed, and there will be another.
    Retried,
    /// Its receiver will never take it.
    Failed,
}

impl Fate {
    const LABELS: [&str; 3] = ["delivered", "retried", "failed"];
}

/// What became of the messages so far, and what holds them back.
#[derive(Debug, Default)]
pub(super) struct Counts {
    by_channel: [[AtomicU64; Fate::LABELS.len()]; CHANNELS.len()],
    pending: AtomicU64,
    dropped: AtomicU64,
    muted: ArcSwap<Muted>,
}

impl Counts {
    fn count(&self, channel: &str, fate: Fate) {
        let channels = CHANNELS.iter().zip(&self.by_channel);
        for (_, fates) in channels.filter(|(known, _)| **known == channel) {
            if let Some(count) = fates.get(fate as usize) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn add_dropped(&self, number: u64) {
        self.dropped.fetch_add(number, Ordering::Relaxed);
    }

    fn set_pending(&self, number: u64) {
        self.pending.store(number, Ordering::Relaxed);
    }

    fn set_muted(&self, muted: Muted) {
        self.muted.store(Arc::new(muted));
    }

    fn muted(&self) -> Arc<Muted> {
        self.muted.load_full()
    }

    /// How they are now.
    pub(super) fn read(&self) -> AlertState {
        let mut results = Vec::new();
        for (channel, fates) in CHANNELS.iter().zip(&self.by_channel) {
            for (result, count) in Fate::LABELS.iter().zip(fates) {
                results.push((*channel, *result, count.load(Ordering::Relaxed)));
            }
        }
        let (muted, now) = (self.muted(), clock::now());
        AlertState {
            silences: muted.silence_counts(now),
            maintenance: muted.maintenance_state(now),
            results,
            pending: self.pending.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

/// `phonewatch alert test`: sends a message that says it is a test; what the receiver answered.
pub mod test {
    use anyhow::{Context, bail};

    use super::clock;
    use crate::cli;
    use crate::delivery::{Client, Outcome, Sender, test_message};

    /// Sends the message, past the outbox.
    pub fn test(arguments: &cli::AlertTest) -> anyhow::Result<()> {
        let settings = arguments.config.load()?.alert;
        let name = &arguments.receiver;
        let receiver = settings
            .receiver
            .iter()
            .find(|receiver| receiver.name == *name);
        let Some(receiver) = receiver else {
            let known: Vec<&str> = settings
                .receiver
                .iter()
                .map(|it| it.name.as_str())
                .collect();
            let path = arguments.config.path().display();
            if known.is_empty() {
                bail!("{path} has no [[alert.receiver]]: README.md says how to add one");
            }
            bail!(
                "{path} has no receiver {name:?}: there are {}",
                known.join(", ")
            );
        };
        let client = Client::new()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start the sender")?;
        // Of several peers every one is tried, and one that fails is enough to fail.
        let mut failures = Vec::new();
        for peer in receiver.peers() {
            let sender = Sender::prepare(&peer, &settings, &client)?;
            let now = clock::now();
            let which = if peer.name == *name {
                String::new()
            } else {
                format!("{}: ", peer.name)
            };
            match runtime.block_on(sender.send(&test_message(name, now), now)) {
                Outcome::Delivered(said) => {
                    super::super::terminal::print(&format!("{which}delivered: {said}\n"))?;
                }
                Outcome::Later { reason, .. } => failures.push(format!(
                    "{which}not delivered: {reason}; the daemon would try again"
                )),
                Outcome::Refused(reason) => failures.push(format!(
                    "{which}refused: {reason}; the daemon would not try again"
                )),
            }
        }
        if failures.is_empty() {
            Ok(())
        } else {
            bail!(failures.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests;
