//! Putting the consumer of rings to sleep without losing a wake-up, at the price of one fence per commit.

use std::time::Duration;

use super::sync::{AtomicBool, OnceLock, Ordering, Thread, current, fence, park_timeout};

/// Where one consumer sleeps until one of its producers has something for it.
///
/// The consumer says that it sleeps and then looks once more; a producer publishes and then looks whether the consumer
/// sleeps. With a sequentially consistent fence between the two steps on either side, at least one of them sees what
/// the other did. In the usual case, a consumer that is awake, a producer makes no system call.
#[derive(Debug)]
pub struct Waker {
    sleeping: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Waker {
    /// A waker on which nobody sleeps yet.
    pub fn new() -> Self {
        Self {
            sleeping: AtomicBool::new(false),
            sleeper: OnceLock::new(),
        }
    }

    /// Sleeps until [`Self::wake`] or for `timeout`, unless `ready` finds something now. May return early.
    ///
    /// The thread that sleeps here first is the one that will be woken.
    pub fn sleep_unless(&self, ready: impl FnOnce() -> bool, timeout: Duration) {
        self.sleeper.get_or_init(current);
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !ready() {
            park_timeout(timeout);
        }
        self.sleeping.store(false, Ordering::Relaxed);
    }

    /// Wakes the consumer where it sleeps. To be called after publishing.
    pub fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed)
            && let Some(sleeper) = self.sleeper.get()
        {
            sleeper.unpark();
        }
    }
}

impl Default for Waker {
    fn default() -> Self {
        Self::new()
    }
}
