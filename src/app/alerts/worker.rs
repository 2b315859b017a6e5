//! Sends to one receiver, one message after the other.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::keeper::{Command, Settled};
use super::{Counts, Fate};
use crate::app::clock::{self, Stopwatch};
use crate::delivery::{Next, Outcome, Pending, Rest, Sender};

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
    let mut rest = Rest::default();
    loop {
        bell.borrow_and_update();
        let until_told_again = sender.again_after().map(|every| {
            told_again.map_or(Duration::ZERO, |told| every.saturating_sub(told.elapsed()))
        });
        if until_told_again.is_some_and(|left| left.is_zero()) {
            told_again = Some(Stopwatch::start());
            let Some(is_up) = tell_again(&sender, &commands).await else {
                return;
            };
            if is_up && rest.answered(0) {
                let answered = Settled::Answered(sender.name().to_owned());
                if commands.send(Command::Settle(answered)).is_err() {
                    return;
                }
            }
            continue;
        }
        let resting = rest.left(clock::now());
        let wait = if resting.is_zero() {
            let name = sender.name().to_owned();
            let Some(next) = ask(&commands, |answer| Command::Next(name, answer)).await else {
                return;
            };
            match next {
                Next::Message(pending) => {
                    let outcome = sender.send(&pending.notification, clock::now()).await;
                    for settled in settle(&sender, pending, outcome, &mut rest, &counts) {
                        if commands.send(Command::Settle(settled)).is_err() {
                            return;
                        }
                    }
                    continue;
                }
                Next::At(time) => time.since(clock::now()),
                Next::Nothing => LOOK_AGAIN,
            }
        } else {
            resting
        };
        let wait = wait
            .min(LOOK_AGAIN)
            .min(until_told_again.unwrap_or(LOOK_AGAIN));
        // The bell rings when there is something new.
        if let Ok(Err(_)) = timeout(wait, bell.changed()).await {
            return;
        }
    }
}

/// Tells again what holds, if anything does; whether the receiver took it. `None` where the alerts' thread has ended.
async fn tell_again(sender: &Sender, commands: &mpsc::Sender<Command>) -> Option<bool> {
    let name = sender.name().to_owned();
    let alerts = ask(commands, |answer| Command::Standing(name, answer)).await?;
    if alerts.is_empty() {
        return Some(false);
    }
    let outcome = sender.send_again(&alerts, clock::now()).await;
    match &outcome {
        Some(Outcome::Later { reason, .. } | Outcome::Refused(reason)) => {
            tracing::warn!(
                receiver = sender.name(),
                reason,
                "cannot tell again what holds"
            );
        }
        Some(Outcome::Delivered(_)) | None => {}
    }
    Some(matches!(outcome, Some(Outcome::Delivered(_))))
}

async fn ask<T>(
    commands: &mpsc::Sender<Command>,
    question: impl FnOnce(oneshot::Sender<T>) -> Command,
) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    commands.send(question(answer)).ok()?;
    answered.await.ok()
}

/// Notes and logs what became of a message, and what that says of its receiver.
fn settle(
    sender: &Sender,
    pending: Box<Pending>,
    outcome: Outcome,
    rest: &mut Rest,
    counts: &Counts,
) -> Vec<Settled> {
    let receiver = sender.name();
    let title = &*pending.notification.title;
    let attempts = pending.attempts;
    let settled = match outcome {
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
            let now = clock::now();
            let again_at = rest.failed(pending.attempts.saturating_add(1), after, now);
            let again_in = again_at.since(now).as_secs();
            tracing::warn!(receiver, title, reason, again_in, "alert not delivered yet");
            return vec![Settled::Later(pending.number, again_at)];
        }
        Outcome::Refused(reason) => {
            counts.count(sender.channel(), Fate::Failed);
            tracing::error!(receiver, title, reason, "alert refused, and given up");
            Settled::Refused(pending.number)
        }
    };
    let is_up_again = rest
        .answered(attempts)
        .then(|| Settled::Answered(receiver.to_owned()));
    is_up_again.into_iter().chain([settled]).collect()
}

#[cfg(test)]
mod tests;
