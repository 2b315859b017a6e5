//! A receiver that is down for a day, in a time that the test makes.

use std::collections::BTreeMap;
use std::time::Duration;

use phonewatch::alert::{Notification, Policy, Reason};
use phonewatch::delivery::{Next, Outbox, Rest, wait_before};
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

/// Fifty outages wait for one receiver that is down for an hour, as the task that sends to it sees it.
#[test]
fn a_receiver_that_is_down_is_tried_by_one_message_at_a_time() {
    const OUTAGES: usize = 50;
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let state = Policy::new(settings("kind = 'webhook'\nurl = 'http://127.0.0.1/'")).state();
    let messages = (0..OUTAGES).flat_map(|outage| {
        [1, 2].map(|sequence| {
            let mut message = message();
            message.thread = format!("outage-{outage}");
            message.id = format!("outage-{outage}-{sequence}");
            message.sequence = sequence;
            message
        })
    });
    let messages: Vec<Notification> = messages.collect();
    outbox.store(&state, &messages).unwrap();
    let comes_back = now() + HOUR;
    let (mut time, mut rest) = (now(), Rest::default());
    let mut attempts = Vec::new();
    let mut delivered: Vec<(Timestamp, String)> = Vec::new();
    while delivered.len() < messages.len() {
        time = time + rest.left(time);
        match outbox.next("it", time).unwrap() {
            Next::Message(pending) if time >= comes_back => {
                if rest.answered(pending.attempts) {
                    outbox.answered("it").unwrap();
                }
                outbox.delivered(&pending, false).unwrap();
                delivered.push((time, pending.notification.id));
            }
            Next::Message(pending) => {
                attempts.push(time);
                let again_at = rest.failed(pending.attempts + 1, None, time);
                outbox.later(pending.number, again_at).unwrap();
            }
            Next::At(at) => time = at,
            Next::Nothing => panic!("something waits"),
        }
    }
    // After 5 s, 10 s and so on, then about every minute, where fifty outages would have been tried three hundred times.
    assert!((50..70).contains(&attempts.len()), "{}", attempts.len());
    let waits = attempts.windows(2).map(|pair| pair[1].since(pair[0]));
    let least = [5, 10, 20, 40].into_iter().chain(std::iter::repeat(60));
    for (wait, least) in waits.zip(least) {
        assert!(wait >= Duration::from_secs(least), "{wait:?} {least}");
        assert!(wait <= Rest::LONGEST, "{wait:?}");
    }
    // Once it is back it has everything at once: what got through first, and then all in order.
    let (first, _) = delivered[0];
    assert!(first.since(comes_back) <= Rest::LONGEST, "{first}");
    assert!(delivered.iter().all(|(at, _)| *at == first));
    let told: Vec<&str> = delivered.iter().map(|(_, id)| &**id).collect();
    let mut expected: Vec<&str> = messages.iter().map(|message| &*message.id).collect();
    let through = expected.iter().position(|id| *id == told[0]).unwrap();
    let through = expected.remove(through);
    expected.insert(0, through);
    assert_eq!(told, expected);
}

/// A message that the receiver never takes delays those of other outages a little, once, and itself more and more.
#[test]
fn a_message_that_is_never_taken_holds_up_no_other_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let mut outbox = Outbox::open(folder.path()).unwrap();
    let state = Policy::new(settings("kind = 'webhook'\nurl = 'http://127.0.0.1/'")).state();
    let (mut time, mut rest) = (now(), Rest::default());
    let (mut never, mut delays) = (0, Vec::new());
    let message_of = |outage| {
        let mut message = message();
        message.thread = format!("outage-{outage}");
        message.id = format!("{}-1", message.thread);
        message
    };
    // This is the one that is never taken.
    outbox.store(&state, &[message_of(0)]).unwrap();
    for outage in 1..100 {
        outbox.store(&state, &[message_of(outage)]).unwrap();
        let came = time;
        loop {
            time = time + rest.left(time);
            let Next::Message(pending) = outbox.next("it", time).unwrap() else {
                panic!("it waits for a message that may go");
            };
            if pending.notification.thread == "outage-0" {
                never += 1;
                let again_at = rest.failed(pending.attempts + 1, None, time);
                outbox.later(pending.number, again_at).unwrap();
            } else {
                if rest.answered(pending.attempts) {
                    outbox.answered("it").unwrap();
                }
                outbox.delivered(&pending, false).unwrap();
                break;
            }
        }
        delays.push(time.since(came));
        time = time + Duration::from_secs(60);
    }
    assert!(never < 20, "{never}");
    assert!(
        delays.iter().max().unwrap() < &(Rest::LONGEST * 4),
        "{delays:?}"
    );
    let late = delays.iter().skip(5).max().unwrap();
    assert!(*late < Duration::from_secs(10), "{delays:?}");
}
