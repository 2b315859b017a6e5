use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn frame(number: u64, bytes: &[u8]) -> Frame<'_> {
    Frame {
        at: Timestamp::from_nanos(number),
        link: LINKS[usize::try_from(number).unwrap() % LINKS.len()],
        source: u16::try_from(number % 7).unwrap(),
        original_length: u32::try_from(bytes.len()).unwrap() + 1,
        bytes,
    }
}

fn new_ring(capacity: usize) -> (Producer, Consumer) {
    ring(capacity, Arc::new(Waker::new()))
}

fn lost(record: Option<Record<'_>>) -> Loss {
    match record {
        Some(Record::Loss(loss)) => loss,
        other => panic!("no loss: {other:?}"),
    }
}

#[test]
fn nothing_is_seen_before_the_commit() {
    let (mut producer, mut consumer) = new_ring(1000);
    let sent = frame(3, b"abc");
    assert!(producer.push(&sent));
    assert_eq!(consumer.peek_time(), None);
    assert_eq!(consumer.pop(), None);
    producer.commit();
    assert!(consumer.used_ratio() > 0.0);
    assert_eq!(consumer.peek_time(), Some(sent.at));
    assert_eq!(consumer.pop(), Some(Record::Frame(sent)));
    assert_eq!(consumer.pop(), None);
    assert!(consumer.used_ratio().abs() < f64::EPSILON);
}

#[test]
fn a_full_ring_drops_and_tells_before_the_next_frame() {
    let (mut producer, mut consumer) = new_ring(2 * HEADER + 20 + LOSS_LENGTH);
    assert!(producer.push(&frame(1, &[1; 20])));
    assert!(!producer.push(&frame(2, &[2; 100])), "larger than the room");
    assert!(!producer.push(&frame(3, &[3; 100])));
    assert!(
        producer.push(&frame(4, &[])),
        "the loss and this fit exactly"
    );
    producer.commit();
    assert!(!producer.push(&frame(5, &[])));
    producer.commit();

    assert_eq!(consumer.pop(), Some(Record::Frame(frame(1, &[1; 20]))));
    let loss = lost(consumer.pop());
    assert_eq!((loss.place, loss.frames), (LossPlace::Ring, 2));
    assert_eq!((loss.at, loss.source), (Timestamp::from_nanos(3), 3));
    assert_eq!(consumer.pop(), Some(Record::Frame(frame(4, &[]))));
    assert_eq!(consumer.pop(), None);

    producer.commit();
    assert_eq!(lost(consumer.pop()).frames, 1, "told without a next frame");
}

#[test]
fn a_frame_larger_than_the_ring_is_a_loss() {
    let (mut producer, mut consumer) = new_ring(100);
    assert!(!producer.push(&frame(1, &[0; 101])));
    producer.commit();
    assert_eq!(lost(consumer.pop()).frames, 1);
    let (mut producer, mut consumer) = new_ring(0);
    assert!(!producer.push(&frame(1, &[])));
    producer.commit();
    assert_eq!(consumer.pop(), None);
    assert!(consumer.used_ratio().abs() < f64::EPSILON);
}

#[test]
fn a_frame_larger_than_a_batch_comes_through() {
    let (mut producer, mut consumer) = new_ring(4 * BATCH);
    let large: Vec<u8> = (0..=255).cycle().take(2 * BATCH).collect();
    for number in 0..5 {
        assert!(producer.push(&frame(number, &large)));
        producer.commit();
        assert_eq!(consumer.pop(), Some(Record::Frame(frame(number, &large))));
    }
}

#[test]
fn losses_of_each_place_are_kept_apart() {
    let (mut producer, mut consumer) = new_ring(1000);
    for (place, frames) in [
        (LossPlace::Interface, 0),
        (LossPlace::Kernel, 5),
        (LossPlace::Kernel, 6),
    ] {
        producer.push_loss(Loss {
            at: Timestamp::from_secs(frames),
            source: 2,
            place,
            frames,
        });
    }
    producer.commit();
    let loss = lost(consumer.pop());
    assert_eq!((loss.place, loss.frames), (LossPlace::Kernel, 11));
    assert_eq!(loss.at, Timestamp::from_secs(6));
    let loss = lost(consumer.pop());
    assert_eq!((loss.place, loss.frames), (LossPlace::Interface, 0));
    assert_eq!(consumer.pop(), None);
}

#[test]
fn a_producer_that_goes_leaves_all_it_pushed_and_wakes_the_consumer() {
    let waker = Arc::new(Waker::new());
    let (mut producer, mut consumer) = ring(1000, Arc::clone(&waker));
    producer.push(&frame(1, b"last"));
    assert!(!consumer.is_abandoned());
    let sleeper = thread::spawn(move || {
        while !consumer.is_abandoned() {
            waker.sleep_unless(|| consumer.is_abandoned(), Duration::from_secs(600));
        }
        assert_eq!(consumer.pop(), Some(Record::Frame(frame(1, b"last"))));
        assert_eq!(consumer.pop(), None);
    });
    thread::sleep(Duration::from_millis(20));
    drop(producer);
    sleeper.join().unwrap();
}

#[test]
fn nothing_is_lost_or_mixed_up_between_two_threads() {
    const FRAMES: u64 = 50_000;
    let waker = Arc::new(Waker::new());
    let (mut producer, mut consumer) = ring(8192, Arc::clone(&waker));
    let sender = thread::spawn(move || {
        let bytes: Vec<u8> = (0..200).collect();
        let mut accepted = 0;
        for number in 0..FRAMES {
            let length = usize::try_from(number % 200).unwrap();
            accepted += u64::from(producer.push(&frame(number, &bytes[..length])));
            if number % 16 == 0 {
                producer.commit();
            }
        }
        accepted
    });
    let (mut next, mut popped, mut dropped) = (0, 0, 0);
    loop {
        let abandoned = consumer.is_abandoned();
        match consumer.pop() {
            Some(Record::Frame(given)) => {
                assert_eq!(given.at.as_nanos(), next, "all between were told");
                assert!(
                    given
                        .bytes
                        .iter()
                        .copied()
                        .eq(0..u8::try_from(next % 200).unwrap())
                );
                next += 1;
                popped += 1;
            }
            Some(Record::Loss(loss)) => {
                next += loss.frames;
                dropped += loss.frames;
            }
            Some(Record::ClockStep(step)) => panic!("{step:?}"),
            None if abandoned => break,
            // Without a limit in time, so that a lost wake-up would hang.
            None => waker.sleep_unless(
                || consumer.peek_time().is_some() || consumer.is_abandoned(),
                Duration::from_secs(600),
            ),
        }
    }
    assert_eq!(popped, sender.join().unwrap());
    // What was lost at the very end may have found no room any more.
    assert!(popped + dropped <= FRAMES);
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Lose(usize, u64),
    Commit,
    Pop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..200_usize).prop_map(Step::Push),
        1 => (0..3_usize, 0..5_u64).prop_map(|(place, frames)| Step::Lose(place, frames)),
        2 => Just(Step::Commit),
        4 => Just(Step::Pop),
    ];
    proptest::collection::vec(step, 0..300)
}

/// What must come out: frames in order, each with the losses of each place that came before it.
#[derive(Default)]
struct Model {
    staged: VecDeque<(Vec<u8>, u64, [u64; 3])>,
    visible: VecDeque<(Vec<u8>, u64, [u64; 3])>,
    lost: [u64; 3],
    seen_lost: [u64; 3],
}

impl Model {
    fn check(&mut self, record: Option<Record<'_>>) {
        match record {
            Some(Record::Loss(loss)) => self.seen_lost[loss.place as usize] += loss.frames,
            Some(Record::Frame(given)) => {
                let (bytes, number, lost) =
                    self.visible.pop_front().expect("a frame that was pushed");
                assert_eq!(given, frame(number, &bytes));
                assert_eq!(self.seen_lost, lost, "told before this frame");
            }
            Some(Record::ClockStep(step)) => panic!("{step:?}"),
            None => assert!(self.visible.is_empty()),
        }
    }
}

proptest! {
    #[test]
    fn pushed_is_popped_plus_dropped_in_order(capacity in 0..2000_usize, steps in steps()) {
        let (mut producer, mut consumer) = new_ring(capacity);
        let mut model = Model::default();
        for (number, step) in (0_u64..).zip(steps) {
            match step {
                Step::Push(length) => {
                    let bytes: Vec<u8> = (0..=255).cycle().skip(length).take(length).collect();
                    if producer.push(&frame(number, &bytes)) {
                        model.staged.push_back((bytes, number, model.lost));
                    } else {
                        model.lost[LossPlace::Ring as usize] += 1;
                    }
                }
                Step::Lose(place, frames) => {
                    let place = LossPlace::ALL[place];
                    producer.push_loss(Loss { at: Timestamp::from_nanos(number), source: 0, place, frames });
                    model.lost[place as usize] += frames;
                }
                Step::Commit => {
                    producer.commit();
                    model.visible.append(&mut model.staged);
                }
                Step::Pop => {
                    let peeked = consumer.peek_time();
                    let record = consumer.pop();
                    prop_assert_eq!(peeked, record.map(|record| record.at()));
                    model.check(record);
                }
            }
        }
        for _ in 0..2 {
            producer.commit();
            model.visible.append(&mut model.staged);
            while let Some(record) = consumer.pop() {
                model.check(Some(record));
            }
        }
        prop_assert!(model.visible.is_empty());
        if capacity >= 3 * LOSS_LENGTH {
            prop_assert_eq!(model.seen_lost, model.lost);
        }
    }
}
