//! Sends to one receiver, one message after the other.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::keeper::{Command, Settled};
use super::{Counts, Fate};
use crate::app::clock::{self, Stopwatch};
use crate::delivery::{Next, Outcome, Pending, Sender, wait_before};

/// However long nothing is due: a clock that is set must not stop the sending.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Sends until the alerts' thread ends.
pub(super) async fn work(
    sender: Sender,
    commands: mpsc::Sender<Command>,
    mut bell: watch::Receiver<u64>,
    counts: Arc<Counts>,
) {
    // What holds is told at once after a start, as the receiver may have forgotten it meanwhile.
    let mut told_again: Option<Stopwatch> = None;
    loop {
        bell.borrow_and_update();
        let until_told_again = sender.again_after().map(|every| {
            told_again.map_or(Duration::ZERO, |told| every.saturating_sub(told.elapsed()))
        });
        if until_told_again.is_some_and(|left| left.is_zero()) {
            told_again = Some(Stopwatch::start());
            if tell_again(&sender, &commands).await.is_none() {
                return;
            }
            continue;
        }
        let name = sender.name().to_owned();
        let Some(next) = ask(&commands, |answer| Command::Next(name, answer)).await else {
            return;
        };
        let wait = match next {
            Next::Message(pending) => {
                let outcome = sender.send(&pending.notification, clock::now()).await;
                let settled = settle(&sender, pending, outcome, &counts);
                if commands.send(Command::Settle(settled)).is_err() {
                    return;
                }
                continue;
            }
            Next::At(time) => time.since(clock::now()).min(LOOK_AGAIN),
            Next::Nothing => LOOK_AGAIN,
        };
        let wait = wait.min(until_told_again.unwrap_or(LOOK_AGAIN));
        // The bell rings when there is something new.
        if let Ok(Err(_)) = timeout(wait, bell.changed()).await {
            return;
        }
    }
}

async fn tell_again(sender: &Sender, commands: &mpsc::Sender<Command>) -> Option<()> {
    let name = sender.name().to_owned();
    let alerts = ask(commands, |answer| Command::Standing(name, answer)).await?;
    if alerts.is_empty() {
        return Some(());
    }
    match sender.send_again(&alerts, clock::now()).await {
        Some(Outcome::Later { reason, .. } | Outcome::Refused(reason)) => {
            tracing::warn!(
                receiver = sender.name(),
                reason,
                "cannot tell again what holds"
            );
        }
        Some(Outcome::Delivered(_)) | None => {}
    }
    Some(())
}

async fn ask<T>(
    commands: &mpsc::Sender<Command>,
    question: impl FnOnce(oneshot::Sender<T>) -> Command,
) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    commands.send(question(answer)).ok()?;
    answered.await.ok()
}

/// Notes and logs what became of a message.
fn settle(sender: &Sender, pending: Box<Pending>, outcome: Outcome, counts: &Counts) -> Settled {
    let receiver = sender.name();
    let title = &*pending.notification.title;
    match outcome {
        Outcome::Delivered(said) => {
            counts.count(sender.channel(), Fate::Delivered);
            tracing::info!(receiver, title, "alert delivered");
            tracing::debug!(receiver, said, "answer to an alert");
            Settled::Delivered {
                keeps_alerts: sender.again_after().is_some(),
                pending,
            }
        }
        Outcome::Later { reason, after } => {
            counts.count(sender.channel(), Fate::Retried);
            let wait = wait_before(pending.attempts.saturating_add(1), after);
            let again_in = wait.as_secs();
            tracing::warn!(receiver, title, reason, again_in, "alert not delivered yet");
            Settled::Later(pending.number, clock::now() + wait)
        }
        Outcome::Refused(reason) => {
            counts.count(sender.channel(), Fate::Failed);
            tracing::error!(receiver, title, reason, "alert refused, and given up");
            Settled::Refused(pending.number)
        }
    }
}
