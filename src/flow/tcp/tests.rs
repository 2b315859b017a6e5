use proptest::prelude::*;

use super::*;

const AT: Timestamp = Timestamp::from_secs(1_000);

/// Feeds segments of a stream whose first byte has the number `START`, and keeps what comes out.
struct Harness {
    stream: Stream,
    bytes: Vec<u8>,
    gaps: usize,
}

/// Close to the wrap, so that every test crosses it.
const START: u32 = u32::MAX - 5;

impl Harness {
    fn new() -> Self {
        let mut stream = Stream::new();
        stream.begin(START.wrapping_sub(1));
        Self {
            stream,
            bytes: Vec::new(),
            gaps: 0,
        }
    }

    fn deliver(
        &mut self,
        act: impl FnOnce(&mut Stream, &mut dyn FnMut(Delivery<'_>)) -> Placement,
    ) -> Placement {
        let Self {
            stream,
            bytes,
            gaps,
        } = self;
        act(stream, &mut |delivery| match delivery {
            Delivery::Bytes(new) => bytes.extend_from_slice(new),
            Delivery::Gap => *gaps += 1,
        })
    }

    fn segment(&mut self, at: Timestamp, offset: u32, payload: &[u8]) -> Placement {
        let length = u32::try_from(payload.len()).unwrap();
        self.deliver(|stream, sink| {
            stream.segment(
                at,
                START.wrapping_add(offset),
                payload,
                length,
                StreamLimits::default(),
                sink,
            )
        })
    }

    /// A segment of this length, of which the capture kept less.
    fn cut(&mut self, at: Timestamp, offset: u32, payload: &[u8], length: u32) -> Placement {
        self.deliver(|stream, sink| {
            let sequence = START.wrapping_add(offset);
            stream.segment(at, sequence, payload, length, StreamLimits::default(), sink)
        })
    }

    fn expire(&mut self, now: Timestamp) {
        self.deliver(|stream, sink| {
            stream.expire(now, sink);
            Placement::InOrder
        });
    }
}

#[test]
fn in_order_segments_pass_through_and_repeats_do_not() {
    let mut harness = Harness::new();
    assert_eq!(harness.segment(AT, 0, b"hello "), Placement::InOrder);
    assert_eq!(harness.segment(AT, 0, b"hello "), Placement::Retransmission);
    assert_eq!(harness.segment(AT, 2, b"llo world"), Placement::InOrder);
    assert_eq!(
        (harness.bytes.as_slice(), harness.gaps),
        (&b"hello world"[..], 0)
    );
    assert_eq!(harness.stream.held_bytes(), 0);
}

#[test]
fn a_segment_that_overtook_another_waits_for_it() {
    let mut harness = Harness::new();
    assert_eq!(harness.segment(AT, 6, b"world"), Placement::OutOfOrder);
    assert_eq!(harness.bytes, b"");
    assert_eq!(harness.segment(AT, 0, b"hello "), Placement::InOrder);
    assert_eq!(
        (harness.bytes.as_slice(), harness.gaps),
        (&b"hello world"[..], 0)
    );
    assert_eq!(harness.stream.deadline(), None);
}

#[test]
fn a_hole_is_a_gap_after_its_time_and_sooner_once_the_receiver_acknowledged_it() {
    let mut harness = Harness::new();
    harness.segment(AT, 6, b"world");
    assert_eq!(harness.stream.deadline(), Some(AT + HOLE_TIMEOUT));
    harness.stream.acknowledged(AT, START.wrapping_add(3));
    assert_eq!(
        harness.stream.deadline(),
        Some(AT + HOLE_TIMEOUT),
        "the hole itself is not acknowledged"
    );
    harness.stream.acknowledged(AT, START.wrapping_add(11));
    assert_eq!(
        harness.stream.deadline(),
        Some(AT + ACKNOWLEDGED_HOLE_TIMEOUT)
    );
    harness.expire(AT + ACKNOWLEDGED_HOLE_TIMEOUT);
    assert_eq!((harness.bytes.as_slice(), harness.gaps), (&b"world"[..], 1));
    assert_eq!(
        harness.segment(AT, 0, b"hello "),
        Placement::Retransmission,
        "too late: its place is passed"
    );
}

#[test]
fn a_hole_is_given_up_when_too_much_is_held_behind_it() {
    let mut harness = Harness::new();
    let limits = StreamLimits::default();
    for number in 0..=u32::try_from(limits.segments).unwrap() {
        harness.segment(AT, 10 + 2 * number, b"ab");
    }
    assert_eq!(harness.gaps, 1);
    assert_eq!(harness.bytes.len(), 2 * (limits.segments + 1));
    assert_eq!(harness.stream.held_bytes(), 0);
}

#[test]
fn a_stream_joined_in_its_middle_stands_where_its_first_segment_is() {
    let mut stream = Stream::new();
    let mut seen = Vec::new();
    let placement = stream.segment(
        AT,
        77,
        b"abc",
        3,
        StreamLimits::default(),
        &mut |delivery| match delivery {
            Delivery::Bytes(bytes) => seen.extend_from_slice(bytes),
            Delivery::Gap => {
                panic!("nothing is missing after the place where the stream was joined")
            }
        },
    );
    assert_eq!(
        (placement, seen.as_slice()),
        (Placement::InOrder, &b"abc"[..])
    );
}

#[test]
fn a_segment_cut_by_the_capture_is_followed_by_a_gap() {
    let mut harness = Harness::new();
    assert_eq!(harness.cut(AT, 0, b"abc", 10), Placement::InOrder);
    assert_eq!(harness.cut(AT, 0, b"ab", 10), Placement::Retransmission);
    let next = AT + Duration::from_millis(20);
    assert_eq!(harness.segment(next, 10, b"next"), Placement::OutOfOrder);
    assert_eq!(harness.stream.deadline(), Some(AT + CUT_TIMEOUT));
    harness.expire(AT + CUT_TIMEOUT);
    assert_eq!(
        (harness.bytes.as_slice(), harness.gaps),
        (&b"abcnext"[..], 1)
    );
    assert_eq!(harness.stream.deadline(), None);
    // The same where it waited behind a hole.
    harness.cut(AT, 16, b"ef", 6);
    harness.segment(AT, 14, b"cd");
    harness.expire(AT + CUT_TIMEOUT);
    assert_eq!(
        (harness.bytes.as_slice(), harness.gaps),
        (&b"abcnextcdef"[..], 2)
    );
}

#[test]
fn ends_of_cut_segments_are_held_within_the_limits() {
    let mut harness = Harness::new();
    for number in 1..=1000 {
        let payload = vec![b'x'; usize::try_from(number).unwrap()];
        harness.cut(AT, 0, &payload, 2000 + number);
        let held = harness.stream.waiting.as_ref().unwrap().segments.len();
        assert!(held <= StreamLimits::default().segments);
    }
}

#[test]
fn a_whole_copy_fills_what_the_capture_cut_from_another() {
    for is_next_between in [false, true] {
        let mut harness = Harness::new();
        harness.cut(AT, 0, b"hel", 6);
        if is_next_between {
            harness.cut(AT, 6, b"wo", 5);
        }
        assert_eq!(harness.segment(AT, 0, b"hello "), Placement::InOrder);
        assert_eq!(harness.segment(AT, 6, b"world"), Placement::InOrder);
        assert_eq!(
            (harness.bytes.as_slice(), harness.gaps),
            (&b"hello world"[..], 0)
        );
        assert_eq!(harness.stream.deadline(), None);
    }
}

#[test]
fn a_connection_that_reuses_the_ports_is_taken_up_after_two_strays() {
    let mut harness = Harness::new();
    harness.segment(AT, 0, b"old");
    assert_eq!(harness.segment(AT, 1 << 30, b"new"), Placement::Stray);
    assert_eq!(harness.segment(AT, (1 << 30) + 3, b"er"), Placement::Stray);
    assert_eq!((harness.bytes.as_slice(), harness.gaps), (&b"older"[..], 1));
    assert_eq!(harness.segment(AT, (1 << 30) + 5, b"!"), Placement::InOrder);
}

#[test]
fn a_syn_that_comes_after_its_data_loses_nothing() {
    let mut stream = Stream::new();
    let mut seen = 0;
    let mut count = |delivery: Delivery<'_>| {
        if let Delivery::Bytes(bytes) = delivery {
            seen += bytes.len();
        }
    };
    stream.segment(AT, 101, b"abc", 3, StreamLimits::default(), &mut count);
    stream.begin(100);
    assert_eq!(
        stream.segment(AT, 104, b"de", 2, StreamLimits::default(), &mut count),
        Placement::InOrder
    );
    assert_eq!(seen, 5);
}

/// Cuts of `0..length` into overlapping segments that cover it, in any order.
fn shuffled_cover(length: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
    let extra = prop::collection::vec((0..length, 1..40usize), 0..20);
    (prop::collection::vec(1..30usize, length), extra)
        .prop_map(move |(sizes, extra)| {
            let mut segments = Vec::new();
            let mut start = 0;
            for size in sizes {
                if start >= length {
                    break;
                }
                segments.push((start, size.min(length - start)));
                start += size;
            }
            segments.extend(
                extra
                    .into_iter()
                    .map(|(start, size)| (start, size.min(length - start))),
            );
            segments
        })
        .prop_shuffle()
}

proptest! {
    /// However a stream is cut, repeated and reordered, each byte comes once and in order.
    #[test]
    fn any_cover_in_any_order_gives_the_stream(segments in shuffled_cover(200)) {
        let data: Vec<u8> = (0..200u8).collect();
        let mut harness = Harness::new();
        let limits = StreamLimits { bytes: usize::MAX, segments: usize::MAX };
        for (start, length) in segments {
            let payload = &data[start..start + length];
            let sequence = START.wrapping_add(u32::try_from(start).unwrap());
            let size = u32::try_from(length).unwrap();
            harness.deliver(|stream, sink| stream.segment(AT, sequence, payload, size, limits, sink));
        }
        prop_assert_eq!(harness.bytes, data);
        prop_assert_eq!(harness.gaps, 0);
        prop_assert_eq!(harness.stream.held_bytes(), 0);
        prop_assert_eq!(harness.stream.deadline(), None);
    }

    /// Whatever comes, memory stays within the limits and no byte comes twice for one place.
    #[test]
    fn arbitrary_segments_keep_the_limits(
        segments in prop::collection::vec((any::<u32>(), 0..64usize, 0..128u32, 0..10u64), 0..200)
    ) {
        let mut harness = Harness::new();
        let limits = StreamLimits { bytes: 256, segments: 8 };
        let mut given = 0;
        for (sequence, length, cut, seconds) in segments {
            let payload = vec![1; length];
            given += length;
            let size = u32::try_from(length).unwrap() + cut;
            // Half of them lie near the stream, the others anywhere.
            let sequence = if sequence % 2 == 0 { START.wrapping_add(sequence % 512) } else { sequence };
            harness.deliver(|stream, sink| stream.segment(AT + Duration::from_secs(seconds), sequence, &payload, size, limits, sink));
            prop_assert!(harness.stream.held_bytes() <= limits.bytes);
        }
        harness.expire(Timestamp::FAR_FUTURE);
        prop_assert_eq!(harness.stream.held_bytes(), 0);
        prop_assert!(harness.bytes.len() <= given);
    }
}
