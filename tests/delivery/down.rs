//! A receiver that is down for a day, in a time that the test makes.

use std::collections::BTreeMap;
use std::time::Duration;

use phonewatch::alert::{Notification, Policy, Reason};
use phonewatch::delivery::{Next, Outbox, wait_before};
use phonewatch::time::Timestamp;

use super::{message, now, settings};

const HOUR: Duration = Duration::from_secs(3600);
/// An outage every three hours, that is over half an hour later.
const OUTAGES: u32 = 8;
/// So long a wait is never exceeded: ten minutes, and a quarter more.
const LONGEST: Duration = Duration::from_secs(750);

/// The messages of a day, each with its time.
fn day() -> Vec<(Timestamp, Notification)> {
    let mut messages = Vec::new();
    for outage in 0..OUTAGES {
        let begun = now() + HOUR * 3 * outage;
        for (sequence, reason, at) in [
            (1, Reason::New, begun),
            (2, Reason::Resolved, begun + HOUR / 2),
        ] {
            let mut message = message();
            message.thread = format!("outage-{outage}");
            message.id = format!("outage-{outage}-{sequence}");
            message.sequence = sequence;
            message.reason = reason;
            messages.push((at, message));
        }
    }
    messages
}

#[test]
fn a_day_of_silence_is_made_up_for_in_order_and_without_haste() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let state = Policy::new(settings("kind = 'webhook'\nurl = 'http://127.0.0.1/'")).state();
    let mut coming = day().into_iter().peekable();
    let all = day().len();
    let comes_back = now() + HOUR * 24;
    let (mut time, mut attempts) = (now(), 0_usize);
    // When each message was last tried, and how often.
    let mut tried: BTreeMap<String, (Timestamp, u32)> = BTreeMap::new();
    let mut delivered: Vec<(Timestamp, Notification)> = Vec::new();
    while delivered.len() < all {
        while let Some((_, message)) = coming.next_if(|(at, _)| *at <= time) {
            assert_eq!(
                outbox.store(&state, &[message]).unwrap(),
                0,
                "there is room"
            );
        }
        let next_event = coming.peek().map(|(at, _)| *at);
        match outbox.next("it", time).unwrap() {
            Next::Message(pending) if time >= comes_back => {
                outbox.delivered(&pending, false).unwrap();
                delivered.push((time, pending.notification));
            }
            Next::Message(pending) => {
                attempts += 1;
                let id = pending.notification.id.clone();
                assert_eq!(
                    pending.notification.sequence, 1,
                    "what follows {id} waits for it"
                );
                let (last, times) = tried.get(&id).copied().unwrap_or((time, 0));
                assert!(
                    time.since(last) <= LONGEST,
                    "{id} waited {:?}",
                    time.since(last)
                );
                assert_eq!(pending.attempts, times);
                tried.insert(id, (time, times + 1));
                let wait = wait_before(pending.attempts + 1, None);
                outbox.later(pending.number, time + wait).unwrap();
            }
            Next::At(at) => time = next_event.map_or(at, |event| event.min(at)).max(time),
            Next::Nothing => time = next_event.expect("something waits, or comes"),
        }
    }
    // The oldest outage was tried for the whole day: first after seconds, then every ten minutes or so.
    let (_, most) = tried["outage-0-1"];
    assert!((115..160).contains(&most), "{most}");
    assert!(attempts < 900, "{attempts}");
    // Once it is back, it has everything within the longest wait, each message once and those of an outage in order.
    let last = delivered.last().unwrap().0;
    assert!(
        last.since(comes_back) <= LONGEST,
        "{:?}",
        last.since(comes_back)
    );
    let mut told: BTreeMap<&str, Vec<Reason>> = BTreeMap::new();
    for (_, message) in &delivered {
        told.entry(&message.thread)
            .or_default()
            .push(message.reason);
    }
    assert_eq!(told.len() * 2, all);
    for (thread, reasons) in told {
        assert_eq!(reasons, [Reason::New, Reason::Resolved], "{thread}");
    }
    assert_eq!(outbox.pending().unwrap(), 0);
}
