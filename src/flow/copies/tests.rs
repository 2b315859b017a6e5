//! The filter of copies, fed with frames.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::net::Ipv4Addr;

use super::*;
use crate::net::MacAddr;
use crate::record::LinkType;
use crate::wire::packet::encode::{EthernetFrame, Ipv4};
use crate::wire::packet::{TcpFlags, TcpSegment, decode};
use proptest::prelude::*;

const WINDOW: Duration = Duration::from_millis(20);
const AT: Timestamp = Timestamp::from_secs(100);

type Filter = CopyFilter<BuildHasherDefault<DefaultHasher>>;

fn filter(capacity: usize) -> Filter {
    Filter::new(CopyMode::On, WINDOW, capacity, BuildHasherDefault::new())
}

fn is_copy(filter: &mut Filter, frame: &[u8], at: Timestamp) -> bool {
    filter.is_copy(&decode(LinkType::Ethernet, frame).unwrap(), at)
}

fn ethernet(last: u8) -> EthernetFrame {
    EthernetFrame::new(
        MacAddr([2, 0, 0, 0, 0, last]),
        MacAddr([2, 0, 0, 0, 1, last]),
    )
}

fn ipv4(identification: u16) -> Ipv4 {
    Ipv4 {
        identification,
        ..Ipv4::new(Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::new(10, 0, 0, 1))
    }
}

fn segment(sequence: u32, payload: &[u8]) -> TcpSegment<'_> {
    TcpSegment {
        source_port: 50_000,
        destination_port: 2000,
        sequence,
        acknowledgment: Some(1),
        flags: TcpFlags::ACK,
        window: 8192,
        payload,
        payload_length: 0,
    }
}

#[test]
fn a_copy_behind_a_router_or_in_a_vlan_is_a_copy() {
    let mut filter = filter(64);
    let original = ethernet(1).tcp(&ipv4(7), &segment(1, b"keepalive"));
    let routed = Ipv4 {
        hop_limit: 63,
        dscp: 24,
        ..ipv4(7)
    };
    let copy = ethernet(9)
        .vlan(110)
        .tcp(&routed, &segment(1, b"keepalive"));
    assert!(!is_copy(&mut filter, &original, AT));
    assert!(is_copy(&mut filter, &copy, AT + Duration::from_millis(3)));
    // The other mirror port may have been quicker.
    assert!(is_copy(&mut filter, &copy, AT - Duration::from_millis(3)));
    assert_eq!((filter.copies(), filter.overflowed()), (2, 0));
}

#[test]
fn a_retransmission_is_not_a_copy() {
    let mut filter = filter(64);
    let sent = ethernet(1).tcp(&ipv4(7), &segment(1, b"keepalive"));
    let again = ethernet(1).tcp(&ipv4(8), &segment(1, b"keepalive"));
    assert!(!is_copy(&mut filter, &sent, AT));
    // Another identification, however soon; the same one, where the sender numbers nothing, after its timer.
    assert!(!is_copy(&mut filter, &again, AT + Duration::from_millis(1)));
    assert!(!is_copy(
        &mut filter,
        &sent,
        AT + Duration::from_millis(200)
    ));
    // And that one has a copy of its own.
    assert!(is_copy(&mut filter, &sent, AT + Duration::from_millis(201)));
}

#[test]
fn a_request_that_is_repeated_every_second_is_not_a_copy() {
    let mut filter = filter(64);
    let request = ethernet(1).udp(
        &ipv4(0),
        50_000,
        69,
        b"\0\x01SEP001380AD9E5F.cnf.xml\0octet\0",
    );
    for second in 0..5 {
        assert!(!is_copy(
            &mut filter,
            &request,
            Timestamp::from_secs(second)
        ));
    }
}

#[test]
fn other_ports_numbers_payloads_or_lengths_are_other_packets() {
    let mut filter = filter(64);
    let long = [0x5a; 400];
    let frames = [
        ethernet(1).tcp(&ipv4(0), &segment(1, b"")),
        ethernet(1).tcp(&ipv4(0), &segment(2, b"")),
        ethernet(1).tcp(
            &ipv4(0),
            &TcpSegment {
                acknowledgment: Some(2),
                ..segment(1, b"")
            },
        ),
        ethernet(1).tcp(
            &ipv4(0),
            &TcpSegment {
                window: 0,
                ..segment(1, b"")
            },
        ),
        ethernet(1).tcp(
            &ipv4(0),
            &TcpSegment {
                flags: TcpFlags::ACK | TcpFlags::FIN,
                ..segment(1, b"")
            },
        ),
        ethernet(1).tcp(&ipv4(0), &segment(1, b"x")),
        ethernet(1).udp(&ipv4(0), 50_000, 2000, b"x"),
        ethernet(1).udp(&ipv4(0), 50_001, 2000, b"x"),
        ethernet(1).udp(&ipv4(0), 50_001, 2000, &long),
        ethernet(1).udp(&ipv4(0), 50_001, 2000, &long[1..]),
        ethernet(1).cdp(b"\x02\xb4\0\0"),
        ethernet(1).lldp(b"\x02\xb4\0\0"),
        ethernet(1).ipv4_fragment(&ipv4(0), 17, 8, true, b"01234567"),
        ethernet(1).ipv4_fragment(&ipv4(0), 17, 16, true, b"01234567"),
    ];
    for frame in &frames {
        assert!(!is_copy(&mut filter, frame, AT));
    }
    for frame in &frames {
        assert!(is_copy(&mut filter, frame, AT));
    }
}

#[test]
fn what_is_not_read_is_never_a_copy_and_a_window_of_zero_finds_none() {
    let spanning_tree = ethernet(1).frame(38, &[0x42; 38]);
    let mut filter = filter(64);
    assert!(!is_copy(&mut filter, &spanning_tree, AT));
    assert!(!is_copy(&mut filter, &spanning_tree, AT));

    for (mode, window) in [(CopyMode::On, Duration::ZERO), (CopyMode::Off, WINDOW)] {
        let mut off = Filter::new(mode, window, 64, BuildHasherDefault::new());
        let frame = ethernet(1).tcp(&ipv4(7), &segment(1, b""));
        assert!(!is_copy(&mut off, &frame, AT));
        assert!(!is_copy(&mut off, &frame, AT));
    }
}

#[test]
fn a_whole_segment_passes_though_a_cut_one_came_before_and_not_the_other_way_round() {
    let payload = [7; 200];
    let whole = ethernet(1).tcp(&ipv4(7), &segment(1, &payload));
    let cut = whole[..whole.len() - 100].to_vec();
    let shorter = whole[..whole.len() - 120].to_vec();
    let headers = whole[..whole.len() - 199].to_vec();
    for (frames, copies) in [
        ([&whole, &cut, &whole], [false, true, true]),
        ([&cut, &whole, &cut], [false, false, true]),
        ([&cut, &shorter, &whole], [false, true, false]),
        ([&whole, &headers, &cut], [false, true, true]),
    ] {
        let mut filter = filter(64);
        assert_eq!(frames.map(|frame| is_copy(&mut filter, frame, AT)), copies);
    }
}

/// A feed without copies, then one in which each frame comes twice, then one without again.
#[test]
fn what_the_feed_shows_is_learned_in_both_directions() {
    let mut auto = Filter::new(CopyMode::Auto, WINDOW, 1024, BuildHasherDefault::new());
    let mut at = AT;
    let mut sequence: u32 = 0;
    let mut come = |auto: &mut Filter, times| {
        at = at + Duration::from_millis(1);
        sequence += 12;
        let frame = ethernet(1).tcp(&ipv4(7), &segment(sequence, b"keepalive"));
        (0..times).filter(|_| is_copy(auto, &frame, at)).count()
    };
    let is_sampling = |auto: &Filter| auto.learning.is_sampling();
    while !is_sampling(&auto) {
        assert_eq!(come(&mut auto, 1), 0);
    }
    // Nothing but segments is passed over.
    let arp_like = ethernet(1).lldp(b"\x02\xb4\0\0");
    assert!(!is_copy(&mut auto, &arp_like, AT));
    let mut passed = 0;
    while is_sampling(&auto) {
        passed += 1;
        assert!(passed < 100, "a copy should have been among them");
        come(&mut auto, 2);
    }
    for _ in 0..1000 {
        assert_eq!(come(&mut auto, 2), 1, "each is compared");
    }
    for _ in 0..QUIET {
        assert_eq!(come(&mut auto, 1), 0);
    }
    assert!(is_sampling(&auto));
    assert!(!is_copy(
        &mut auto,
        &ethernet(1).udp(&ipv4(7), 68, 67, b"x"),
        AT
    ));
    assert!(is_copy(
        &mut auto,
        &ethernet(2).udp(&ipv4(7), 68, 67, b"x"),
        AT
    ));
    assert!(!is_sampling(&auto), "any other copy is found at once");
}

#[test]
fn messages_that_a_relay_wrapped_differ_far_behind() {
    let mut filter = filter(16);
    let relayed = |message_type| {
        let payload = [&[13][..], &[0; 37], &[message_type, 1, 2, 3]].concat();
        ethernet(1).udp(&ipv4(0), 547, 547, &payload)
    };
    assert!(!is_copy(&mut filter, &relayed(2), AT));
    assert!(!is_copy(&mut filter, &relayed(7), AT), "another message");
    assert!(is_copy(&mut filter, &relayed(7), AT));
}

#[test]
fn the_table_grows_before_it_forgets_what_is_needed_and_no_farther() {
    let mut filter = filter(1 << 18);
    let frame = |sequence| ethernet(1).tcp(&ipv4(7), &segment(sequence, b""));
    for sequence in 0..20_000 {
        let at = AT + Duration::from_millis(1 + u64::from(sequence));
        assert!(!is_copy(&mut filter, &frame(sequence), at));
    }
    assert_eq!(filter.table.sets(), 256, "twenty at a time");
    for copies in [0, 2048] {
        for sequence in 20_000..22_048 {
            is_copy(&mut filter, &frame(sequence), AT);
        }
        assert_eq!(filter.copies(), copies);
    }
    assert_eq!(filter.overflowed(), 0);
    assert!(
        (512..=16_384).contains(&filter.table.sets()),
        "{}",
        filter.table.sets()
    );
}

#[test]
fn a_table_too_small_for_the_rate_says_so_and_a_far_time_gives_way() {
    let mut filter = filter(4);
    assert_eq!(filter.table.sets(), 1);
    let frame = |sequence| ethernet(1).tcp(&ipv4(7), &segment(sequence, b""));
    assert!(!is_copy(&mut filter, &frame(0), Timestamp::FAR_FUTURE));
    for sequence in 1..=4 {
        assert!(!is_copy(&mut filter, &frame(sequence), AT));
    }
    assert_eq!(filter.overflowed(), 0);
    assert!(!is_copy(&mut filter, &frame(5), AT));
    assert_eq!(filter.overflowed(), 1);
}

proptest! {
    /// Two mirror ports, each late by its own jitter: of every packet exactly one copy passes, in whatever order
    /// they come; the same bytes after the window pass again.
    #[test]
    fn of_interleaved_copies_one_passes(
        sent in proptest::collection::vec((0_u64..5_000, 0_u64..9_000_000, 0_u64..9_000_000), 1..60),
    ) {
        let mut arrivals = Vec::new();
        for (index, (millisecond, first, second)) in sent.iter().enumerate() {
            let at = AT + Duration::from_millis(*millisecond);
            for (port, delay) in [(1, first), (2, second)] {
                arrivals.push((at + Duration::from_nanos(*delay), port, index));
            }
        }
        arrivals.sort();
        let mut filter = filter(1024);
        let mut passed = vec![0; sent.len()];
        for later in [Duration::ZERO, Duration::from_secs(60)] {
            for (at, port, index) in &arrivals {
                let sequence = u32::try_from(*index).unwrap();
                let frame = ethernet(*port).tcp(&ipv4(0), &segment(sequence, b"keepalive"));
                if !is_copy(&mut filter, &frame, *at + later) {
                    passed[*index] += 1;
                }
            }
        }
        prop_assert!(passed.iter().all(|&times| times == 2), "{passed:?}");
    }

    /// The reference: a packet is a copy where one that passed lies within the window. Times span 60 ms, in any
    /// order, so that what passes fits into one set.
    #[test]
    fn agrees_with_a_list_of_all_that_passed(arrivals in proptest::collection::vec(0_u64..60, 1..60)) {
        let mut filter = filter(1024);
        let frame = ethernet(1).tcp(&ipv4(0), &segment(1, b""));
        let mut passed: Vec<Timestamp> = Vec::new();
        for millisecond in arrivals {
            let at = AT + Duration::from_millis(millisecond);
            let expected = passed.iter().any(|seen| seen.distance(at) <= WINDOW);
            prop_assert_eq!(is_copy(&mut filter, &frame, at), expected);
            if !expected {
                passed.push(at);
            }
        }
    }
}
