use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::capture::ring::{Producer, ring};
use crate::record::{ClockStep, Frame, LinkType, Loss, LossPlace, Record};

const BOUND: Duration = Duration::from_millis(150);

/// A source over some rings whose clock stands where it is put, and which does not sleep.
struct Bench {
    source: LiveSource,
    producers: Vec<Producer>,
    clock: Arc<AtomicU64>,
    steady: Arc<AtomicU64>,
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
            steady: Arc::default(),
        }
    }

    /// The same with a steady clock beside the other.
    fn with_steady_clock(self) -> Self {
        let read = Arc::clone(&self.steady);
        let steady = move || Duration::from_nanos(read.load(Ordering::Relaxed));
        Self {
            source: self.source.with_steady_clock(Box::new(steady)),
            ..self
        }
    }

    fn set_clocks(&self, at: Timestamp, steady: Timestamp) {
        self.set_clock(at);
        self.steady.store(steady.as_nanos(), Ordering::Relaxed);
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

/// Both clocks are at 1000 s; then the wall clock is set, and goes on for 10 ms before anybody looks.
#[test]
fn a_step_comes_after_all_that_was_captured_before_it() {
    let start = 1_000_000;
    for after in [1_002_000, 998_000, 4_600_000, 2_000, 31_536_000_000] {
        let mut bench = Bench::new(2).with_steady_clock();
        bench.set_clocks(millis(start), millis(start));
        bench.push(0, millis(start - 20));
        bench.push(1, millis(start - 30));
        assert_eq!(bench.next(), Ok((millis(start - 30), 1)));
        let from = millis(start + 10);
        let at = millis(after + 10);
        bench.set_clocks(at, from);
        bench.push(0, millis(after + 2));
        assert_eq!(bench.next(), Ok((millis(start - 20), 0)), "{after}");
        bench.push(1, millis(start - 1));
        assert_eq!(bench.next(), Ok((millis(start - 1), 1)), "{after}");
        assert_eq!(bench.next(), Err(millis(start - 1)), "more may come");
        bench.set_clocks(millis(after + 160), millis(start + 160));
        let step = ClockStep { from, at };
        let given = bench.source.next();
        assert_eq!(given, Input::Record(Record::ClockStep(step)));
        bench.push(1, millis(after + 150));
        assert_eq!(bench.next(), Ok((millis(after + 2), 0)), "{after}");
        assert_eq!(bench.next(), Err(millis(after + 10)), "{after}");
    }
}

#[test]
fn a_frame_stamped_by_the_new_clock_before_anybody_looks_does_not_come_first() {
    let mut bench = Bench::new(1).with_steady_clock();
    bench.set_clocks(millis(1_000_000), millis(0));
    assert_eq!(bench.next(), Err(millis(999_850)));
    // The clock is set while the source waits.
    let (wall, steady) = (Arc::clone(&bench.clock), Arc::clone(&bench.steady));
    let mut looks = 0;
    bench.source.clock = Box::new(move || {
        looks += 1;
        if looks == 2 {
            wall.store(millis(1_003_010).as_nanos(), Ordering::Relaxed);
            steady.store(millis(10).as_nanos(), Ordering::Relaxed);
        }
        Timestamp::from_nanos(wall.load(Ordering::Relaxed))
    });
    bench.push(0, millis(1_003_009));
    assert_eq!(bench.next(), Err(millis(999_850)));
    bench.set_clocks(millis(1_003_170), millis(170));
    let given = bench.source.next();
    assert!(
        matches!(given, Input::Record(Record::ClockStep(_))),
        "{given:?}"
    );
    assert_eq!(bench.next(), Ok((millis(1_003_009), 0)));
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
