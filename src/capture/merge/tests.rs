use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::capture::ring::{Producer, ring};
use crate::record::{Frame, LinkType, Loss, LossPlace, Record};

const BOUND: Duration = Duration::from_millis(150);

/// A source over some rings whose clock stands where it is put, and which does not sleep.
struct Bench {
    source: LiveSource,
    producers: Vec<Producer>,
    clock: Arc<AtomicU64>,
}

impl Bench {
    fn new(rings: usize) -> Self {
        let waker = Arc::new(Waker::new());
        let (producers, consumers): (Vec<_>, Vec<_>) = (0..rings)
            .map(|_| ring(1 << 20, Arc::clone(&waker)))
            .unzip();
        let clock = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&clock);
        let now = move || Timestamp::from_nanos(read.load(Ordering::Relaxed));
        let mut source = LiveSource::new(consumers, waker, Box::new(now)).with_reorder(BOUND);
        source.tick = Duration::ZERO;
        Self {
            source,
            producers,
            clock,
        }
    }

    fn set_clock(&self, at: Timestamp) {
        self.clock.store(at.as_nanos(), Ordering::Relaxed);
    }

    fn push(&mut self, ring: usize, at: Timestamp) {
        let source = u16::try_from(ring).unwrap();
        let pushed = self.producers[ring].push(&Frame {
            at,
            link: LinkType::Ethernet,
            source,
            original_length: 0,
            bytes: &[],
        });
        assert!(pushed);
        self.producers[ring].commit();
    }

    /// The time and source of the next frame, or the time it is quiet until.
    fn next(&mut self) -> Result<(Timestamp, u16), Timestamp> {
        match self.source.next() {
            Input::Record(Record::Frame(frame)) => Ok((frame.at, frame.source)),
            Input::Idle(at) => Err(at),
            other @ (Input::Record(_) | Input::End) => panic!("{other:?}"),
        }
    }
}

fn millis(milliseconds: u64) -> Timestamp {
    Timestamp::from_nanos(milliseconds * 1_000_000)
}

#[test]
fn one_ring_is_not_held_back() {
    let mut bench = Bench::new(1);
    bench.set_clock(millis(1000));
    bench.push(0, millis(999));
    bench.push(0, millis(998));
    assert_eq!(bench.next(), Ok((millis(999), 0)));
    assert_eq!(
        bench.next(),
        Ok((millis(998), 0)),
        "late, with its own time"
    );
    assert_eq!(bench.next(), Err(millis(998)));
    bench.set_clock(millis(1200));
    assert_eq!(bench.next(), Err(millis(1050)));
}

#[test]
fn a_frame_waits_for_the_other_ring_or_for_its_age() {
    let mut bench = Bench::new(2);
    bench.set_clock(millis(1000));
    bench.push(0, millis(990));
    assert_eq!(
        bench.next(),
        Err(millis(850)),
        "the other may have an earlier one"
    );
    bench.push(1, millis(980));
    assert_eq!(bench.next(), Ok((millis(980), 1)));
    assert_eq!(bench.next(), Err(millis(980)), "the quiet never goes back");
    bench.set_clock(millis(1139));
    assert_eq!(bench.next(), Err(millis(989)));
    bench.set_clock(millis(1140));
    assert_eq!(bench.next(), Ok((millis(990), 0)));
    bench.push(1, millis(970));
    assert_eq!(
        bench.next(),
        Ok((millis(970), 1)),
        "later than the bound allows"
    );
}

#[test]
fn a_clock_set_back_holds_nothing_back() {
    let mut bench = Bench::new(2);
    bench.set_clock(millis(10_000_000));
    bench.push(0, millis(9_999_999));
    bench.set_clock(millis(1000));
    assert_eq!(bench.next(), Ok((millis(9_999_999), 0)));
    assert_eq!(bench.next(), Err(millis(850)));
    assert_eq!(bench.next(), Err(millis(850)));
}

#[test]
fn a_ring_without_its_producer_holds_nobody_up() {
    let mut bench = Bench::new(2);
    bench.set_clock(millis(1000));
    bench.push(0, millis(990));
    bench.push(0, millis(991));
    bench.push(1, millis(989));
    bench.producers.remove(1);
    assert_eq!(bench.next(), Ok((millis(989), 1)));
    assert_eq!(bench.next(), Ok((millis(990), 0)));
    bench.producers.remove(0);
    assert_eq!(bench.next(), Ok((millis(991), 0)));
    assert_eq!(bench.source.next(), Input::End);
    assert_eq!(bench.source.next(), Input::End);
}

#[test]
fn a_loss_is_given_in_its_place() {
    let mut bench = Bench::new(2);
    bench.set_clock(millis(1000));
    let loss = Loss {
        at: millis(800),
        source: 1,
        place: LossPlace::Kernel,
        frames: 7,
    };
    bench.producers[1].push_loss(loss);
    bench.push(1, millis(801));
    bench.push(0, millis(799));
    assert!(bench.source.used_ratio() > 0.0);
    assert_eq!(bench.next(), Ok((millis(799), 0)));
    assert_eq!(bench.source.next(), Input::Record(Record::Loss(loss)));
    assert_eq!(bench.next(), Ok((millis(801), 1)));
}

#[test]
fn a_commit_wakes_it() {
    let mut bench = Bench::new(1);
    // Longer than any test may take: only the commit can end the wait.
    bench.source.tick = Duration::from_secs(3600);
    let mut producer = bench.producers.remove(0);
    let sender = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        producer.push(&Frame {
            at: millis(5),
            link: LinkType::Ethernet,
            source: 0,
            original_length: 0,
            bytes: b"x",
        });
        producer.commit();
    });
    assert_eq!(bench.next(), Ok((millis(5), 0)));
    sender.join().unwrap();
    assert_eq!(bench.source.next(), Input::End);
}

/// When each frame of each ring was captured, in order, and how long it took to reach the ring: milliseconds.
fn arrivals(longest_delay: u64) -> impl Strategy<Value = Vec<Vec<(u64, u64)>>> {
    let frame = (0..80_u64, 0..longest_delay);
    let ring = proptest::collection::vec(frame, 0..60).prop_map(|frames| {
        let mut at = 1000;
        let mut arrived = 0;
        let captured = frames.into_iter().map(|(gap, delay)| {
            at += gap;
            // One ring keeps its order.
            arrived = arrived.max(at + delay);
            (at, arrived)
        });
        captured.collect()
    });
    proptest::collection::vec(ring, 1..4)
}

/// Lets the frames arrive as the clock goes on, and returns what comes out between, in order.
fn run(arrivals: &[Vec<(u64, u64)>]) -> Vec<Result<(Timestamp, u16), Timestamp>> {
    let mut bench = Bench::new(arrivals.len());
    let mut positions = vec![0; arrivals.len()];
    let end = arrivals
        .iter()
        .flatten()
        .map(|frame| frame.1)
        .max()
        .unwrap_or(1000);
    let mut given = Vec::new();
    for now in (1000..=end + 9).step_by(9) {
        bench.set_clock(millis(now));
        for (ring, frames) in arrivals.iter().enumerate() {
            while let Some((at, arrived)) = frames.get(positions[ring])
                && *arrived <= now
            {
                bench.push(ring, millis(*at));
                positions[ring] += 1;
            }
        }
        loop {
            let next = bench.next();
            given.push(next);
            if next.is_err() {
                break;
            }
        }
    }
    bench.producers.clear();
    while let Input::Record(record) = bench.source.next() {
        let Record::Frame(frame) = record else {
            panic!("{record:?}")
        };
        given.push(Ok((frame.at, frame.source)));
    }
    given
}

fn frames_of(given: &[Result<(Timestamp, u16), Timestamp>], source: usize) -> Vec<Timestamp> {
    let frames = given.iter().filter_map(|input| input.ok());
    let of_source = frames.filter(|(_, from)| usize::from(*from) == source);
    of_source.map(|(at, _)| at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_is_right_within_the_bound_and_nothing_is_lost(arrivals in arrivals(140)) {
        let given = run(&arrivals);
        let times: Vec<_> = given.iter().map(|input| input.map_or_else(|idle| idle, |(at, _)| at)).collect();
        prop_assert!(times.is_sorted(), "neither a frame nor the quiet goes back: {:?}", given);
        for (source, frames) in arrivals.iter().enumerate() {
            let sent: Vec<_> = frames.iter().map(|(at, _)| millis(*at)).collect();
            prop_assert_eq!(frames_of(&given, source), sent);
        }
    }

    #[test]
    fn nothing_is_lost_beyond_the_bound(arrivals in arrivals(2000)) {
        let given = run(&arrivals);
        for (source, frames) in arrivals.iter().enumerate() {
            let sent: Vec<_> = frames.iter().map(|(at, _)| millis(*at)).collect();
            prop_assert_eq!(frames_of(&given, source), sent);
        }
    }
}
