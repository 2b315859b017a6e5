//! The waker once more, made of loom's parts: loom runs every interleaving, with every value a weak memory may show.

mod sync {
    // Set once and never waited for, so there is nothing about it to model.
    pub(super) use std::sync::OnceLock;

    pub(super) use loom::sync::atomic::{AtomicBool, Ordering, fence};
    pub(super) use loom::thread::{Thread, current};

    /// Without the timeout, so that a lost wake-up is a deadlock, which loom reports.
    pub(super) fn park_timeout(_: std::time::Duration) {
        loom::thread::park();
    }
}

#[path = "waker.rs"]
#[expect(unreachable_pub, reason = "public where it is used")]
mod waker;

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use waker::Waker;

/// Producers that publish `each` times; a consumer that sleeps until it has seen all of it.
fn no_wake_up_is_lost(producers: usize, each: usize) {
    let mut model = loom::model::Builder::new();
    // Bounds the work: this many switches away from a thread that could go on.
    model.preemption_bound = Some(3);
    model.check(move || {
        let waker = Arc::new(Waker::default());
        // In the place of the tails of the rings.
        let tails: Arc<Vec<_>> = Arc::new((0..producers).map(|_| AtomicUsize::new(0)).collect());
        for index in 0..producers {
            let (waker, tails) = (Arc::clone(&waker), Arc::clone(&tails));
            // Not joined: a late unpark would end loom's join too early. The model waits for every thread.
            thread::spawn(move || {
                for count in 1..=each {
                    tails[index].store(count, Ordering::Release);
                    waker.wake();
                }
            });
        }
        let mut seen = vec![0; producers];
        while seen.iter().sum::<usize>() < producers * each {
            let has_more = |seen: &[usize]| {
                let mut pairs = tails.iter().zip(seen);
                pairs.any(|(tail, seen)| tail.load(Ordering::Acquire) > *seen)
            };
            waker.sleep_unless(|| has_more(&seen), Duration::ZERO);
            for (tail, seen) in tails.iter().zip(&mut seen) {
                *seen = tail.load(Ordering::Acquire);
            }
        }
    });
}

#[test]
fn one_producer_that_publishes_twice() {
    no_wake_up_is_lost(1, 2);
}

#[test]
fn two_producers() {
    no_wake_up_is_lost(2, 1);
}
