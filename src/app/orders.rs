//! What other threads ask of the engine, which its own thread owns.
//!
//! An order is a function that is given the engine between two frames; its answer comes back through a channel of its
//! own. Orders wait until the next picture is taken, so an answer takes up to [`PUBLISH_EVERY`](super::drive::PUBLISH_EVERY).

use std::sync::mpsc;

use tokio::sync::oneshot;

use crate::engine::{Engine, Reconfiguration};
use crate::time::Timestamp;

type Order = Box<dyn FnOnce(&mut Engine, Timestamp) + Send>;

/// So many orders may wait; whoever asks beyond that is told so.
const WAITING: usize = 64;

/// Both ends of a new queue.
pub(super) fn orders() -> (EngineHandle, Orders) {
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    (EngineHandle(sender), Orders(receiver))
}

/// The engine, for those who do not own it.
#[derive(Clone, Debug)]
pub(super) struct EngineHandle(mpsc::SyncSender<Order>);

/// The engine's end of the queue.
pub(super) struct Orders(mpsc::Receiver<Order>);

/// Why the engine did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    /// Too many orders wait already.
    #[error("the engine has too much to do: try again in a few seconds")]
    Busy,
    /// Its thread has ended.
    #[error("the engine has stopped")]
    Stopped,
}

impl EngineHandle {
    /// What `question` finds in the engine.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let (answer, answered) = oneshot::channel();
        self.order(Box::new(move |engine, _now| {
            // Whoever asked may have gone away.
            answer.send(question(engine)).ok();
        }))?;
        answered.await.map_err(|_| NoAnswer::Stopped)
    }

    /// Has the engine go on with other settings.
    pub(super) fn reconfigure(&self, change: Reconfiguration) -> Result<(), NoAnswer> {
        self.order(Box::new(move |engine, now| engine.reconfigure(change, now)))
    }

    fn order(&self, order: Order) -> Result<(), NoAnswer> {
        self.0.try_send(order).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => NoAnswer::Busy,
            mpsc::TrySendError::Disconnected(_) => NoAnswer::Stopped,
        })
    }
}

impl Orders {
    /// Does what was asked for so far.
    pub(super) fn carry_out(&self, engine: &mut Engine, now: Timestamp) {
        for order in self.0.try_iter().take(WAITING) {
            order(engine, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Settings;

    #[tokio::test]
    async fn questions_are_answered_between_two_frames() {
        let (handle, orders) = orders();
        let asked = tokio::spawn({
            let handle = handle.clone();
            async move { handle.ask(Engine::poll_timeout).await }
        });
        let mut engine = Engine::new(Settings::default());
        while !asked.is_finished() {
            orders.carry_out(&mut engine, Timestamp::EPOCH);
            tokio::task::yield_now().await;
        }
        assert_eq!(asked.await.unwrap(), Ok(None));

        drop(orders);
        assert_eq!(handle.ask(|_| ()).await, Err(NoAnswer::Stopped));
    }

    #[tokio::test]
    async fn who_asks_too_much_is_told_so() {
        let (handle, orders) = orders();
        for _ in 0..WAITING {
            handle.order(Box::new(|_, _| {})).unwrap();
        }
        assert_eq!(handle.ask(|_| ()).await, Err(NoAnswer::Busy));
        orders.carry_out(&mut Engine::new(Settings::default()), Timestamp::EPOCH);
        handle.order(Box::new(|_, _| {})).unwrap();
    }
}
