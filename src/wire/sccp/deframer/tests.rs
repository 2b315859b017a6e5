#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::*;
use crate::wire::sccp::encode;

/// What one push or several handed out.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    messages: Vec<(u32, MessageId, Vec<u8>)>,
    malformed: usize,
    skipped: usize,
}

impl Heard {
    fn push(&mut self, deframer: &mut Deframer, bytes: &[u8]) {
        deframer.push(bytes, &mut |deframed| match deframed {
            Deframed::Message(pdu) => {
                self.messages.push((pdu.version, pdu.id, pdu.body.to_vec()));
            }
            Deframed::Malformed(_) => self.malformed += 1,
            Deframed::Skipped(bytes) => self.skipped += bytes,
        });
    }

    fn ids(&self) -> Vec<MessageId> {
        self.messages.iter().map(|&(_, id, _)| id).collect()
    }

    /// The bytes of the messages.
    fn length(&self) -> usize {
        self.messages
            .iter()
            .map(|(_, _, body)| body.len() + Header::SIZE)
            .sum()
    }
}

fn hear(deframer: &mut Deframer, segments: &[&[u8]]) -> Heard {
    let mut heard = Heard::default();
    for segment in segments {
        heard.push(deframer, segment);
    }
    heard
}

/// A Register of 124 bytes of body, all of them 0x41.
fn register() -> Vec<u8> {
    encode::pdu(0, MessageId::REGISTER, &[0x41; 124])
}

#[test]
fn an_idle_stream_costs_little_and_nothing_on_the_heap() {
    assert!(size_of::<Deframer>() <= 40);
    let mut deframer = Deframer::new();
    let heard = hear(&mut deframer, &[&encode::keep_alive(0), &register()]);
    assert_eq!(heard.messages.len(), 2);
    assert_eq!(deframer.heap_bytes(), 0);
    // What is kept of an incomplete message is what came of it.
    hear(&mut deframer, &[&register()[..100]]);
    assert_eq!(deframer.heap_bytes(), 100);
    hear(&mut deframer, &[&register()[100..]]);
    assert_eq!(deframer.heap_bytes(), 0);
}

#[test]
fn seven_messages_in_one_segment_and_one_message_in_four() {
    let burst = [
        encode::register_ack(
            0,
            &crate::wire::sccp::RegisterAck {
                keepalive: None,
                standby_keepalive: None,
                protocol_version: Some(20),
            },
        ),
        encode::pdu(20, MessageId::CAPABILITIES_REQ, &[]),
        encode::pdu(20, MessageId::SET_LAMP, &[0; 12]),
        encode::keep_alive_ack(0),
        encode::pdu(20, MessageId::CLEAR_NOTIFY, &[]),
        encode::pdu(20, MessageId::STOP_TONE, &[0; 8]),
        encode::keep_alive_ack(0),
    ]
    .concat();
    let heard = hear(&mut Deframer::new(), &[&burst]);
    assert_eq!(heard.messages.len(), 7);
    assert_eq!((heard.malformed, heard.skipped), (0, 0));

    let long = encode::pdu(0, MessageId::XML_ALARM, &[b'x'; 2000]);
    let heard = hear(
        &mut Deframer::new(),
        &[
            &long[..536],
            &long[536..1072],
            &long[1072..1608],
            &long[1608..],
        ],
    );
    assert_eq!(heard.ids(), [MessageId::XML_ALARM]);
    assert_eq!(heard.messages[0].2.len(), 2000);
}

#[test]
fn unknown_versions_and_ids_are_no_reason_to_lose_a_synchronised_stream() {
    let stream = [
        // A version of tomorrow on the very first message, and a strange one later.
        encode::pdu(23, MessageId::ALARM, &[0; 92]),
        encode::pdu(0xDEAD_BEEF, MessageId::KEEP_ALIVE, &[]),
        // An id of tomorrow.
        encode::pdu(22, MessageId(0x0177), &[1, 2, 3]),
        encode::keep_alive(0),
    ]
    .concat();
    let heard = hear(&mut Deframer::new(), &[&stream]);
    assert_eq!(
        heard.ids(),
        [
            MessageId::ALARM,
            MessageId::KEEP_ALIVE,
            MessageId(0x0177),
            MessageId::KEEP_ALIVE
        ]
    );
    assert_eq!((heard.malformed, heard.skipped), (0, 0));
}

#[test]
fn another_protocol_on_the_port_is_given_up_at_its_first_header() {
    let others: [&[u8]; 6] = [
        // A TLS handshake record.
        &[
            0x16, 0x03, 0x01, 0x00, 0xC5, 0x01, 0x00, 0x00, 0xC1, 0x03, 0x03, 0x00,
        ],
        b"GET / HTTP/1.1\r\n",
        b"hello\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &[0; 64],
        // A plausible length, an unknown id.
        &[8, 0, 0, 0, 0, 0, 0, 0, 0x99, 0x99, 0, 0, 1, 2, 3, 4],
    ];
    for bytes in others {
        let mut deframer = Deframer::new();
        let heard = hear(&mut deframer, &[bytes, &register()]);
        assert!(deframer.is_opaque(), "{bytes:?}");
        // Not an error of SCCP, and nothing made of it, not even of what looks right later.
        assert_eq!(heard, Heard::default());
        assert_eq!(deframer.heap_bytes(), 0);
    }
    // Three bytes say nothing yet.
    let mut deframer = Deframer::new();
    hear(&mut deframer, &[b"GET"]);
    assert!(!deframer.is_opaque());
    hear(&mut deframer, &[b" "]);
    assert!(deframer.is_opaque());
}

#[test]
fn a_bad_length_is_said_once_and_the_next_header_is_found() {
    for bad in [0, 3, 16 * 1024, u32::MAX] {
        let mut deframer = Deframer::new();
        let mut broken = bad.to_le_bytes().to_vec();
        broken.extend_from_slice(&[0xEE; 30]);
        let heard = hear(
            &mut deframer,
            &[&encode::keep_alive(0), &broken, &register(), &register()],
        );
        assert_eq!(
            heard.ids(),
            [
                MessageId::KEEP_ALIVE,
                MessageId::REGISTER,
                MessageId::REGISTER
            ]
        );
        assert_eq!((heard.malformed, heard.skipped), (1, 34), "{bad}");
        assert!(deframer.is_synchronised());
    }
    // The longest that is believed.
    let longest = encode::pdu(0, MessageId(0x0177), &[7; MAX_MESSAGE - 12]);
    let heard = hear(&mut Deframer::new(), &[&encode::keep_alive(0), &longest]);
    assert_eq!(heard.messages.len(), 2);
}

#[test]
fn a_stream_joined_at_a_boundary_is_read_at_once() {
    let mut deframer = Deframer::mid_stream();
    let heard = hear(&mut deframer, &[&encode::keep_alive(17)]);
    assert_eq!(heard.ids(), [MessageId::KEEP_ALIVE]);
    assert_eq!(heard.skipped, 0);
    // In several segments, each of which says where it begins and ends.
    let heard = hear(
        &mut Deframer::mid_stream(),
        &[&register()[..60], &register()[60..]],
    );
    assert_eq!(heard.ids(), [MessageId::REGISTER]);
}

#[test]
fn a_stream_joined_inside_a_message_begins_with_the_next() {
    let stream = [register(), register(), encode::keep_alive(0)].concat();
    let heard = hear(&mut Deframer::mid_stream(), &[&stream[50..]]);
    assert_eq!(heard.ids(), [MessageId::REGISTER, MessageId::KEEP_ALIVE]);
    assert_eq!(heard.skipped, register().len() - 50);
    // Alone behind the rest of another message, confirmed by the segment's end.
    let heard = hear(&mut Deframer::mid_stream(), &[&stream[50..272]]);
    assert_eq!(heard.ids(), [MessageId::REGISTER]);
}

#[test]
fn numbers_inside_a_message_are_not_taken_for_messages() {
    // The rest of a message that ends like a KeepAlive does: 4, 0, 0.
    let mut rest = vec![0x41; 40];
    rest.extend_from_slice(&encode::keep_alive(0));
    let mut deframer = Deframer::mid_stream();
    let mut heard = hear(&mut deframer, &[&rest]);
    assert_eq!(heard.ids(), []);
    // The next segment begins with a message, and only that one is handed out.
    heard.push(&mut deframer, &register());
    assert_eq!(heard.ids(), [MessageId::REGISTER]);
    assert_eq!(heard.skipped, rest.len());
    // The same where both come in one segment.
    let joined = [rest, register()].concat();
    let heard = hear(&mut Deframer::mid_stream(), &[&joined]);
    assert_eq!(heard.ids(), [MessageId::REGISTER]);
    // A table of small numbers is none either: a KeepAlive has no body, a Register a longer one.
    let table: Vec<u8> = [16u32, 0, 0, 2, 20, 0, 1, 2, 8, 0, 0, 4, 40]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let heard = hear(&mut Deframer::mid_stream(), &[&table, &table]);
    assert_eq!(heard.ids(), []);
}

#[test]
fn a_header_shifted_into_the_next_one_is_none() {
    // SpeedDialStatReq for the places 3 to 8: from its second word on the first reads as "length 20, version 10, id 3".
    let requests: Vec<u8> = (3u8..=8)
        .flat_map(|place| encode::pdu(20, MessageId::SPEED_DIAL_STAT_REQ, &[place, 0, 0, 0]))
        .collect();
    for start in 1..16 {
        let heard = hear(&mut Deframer::mid_stream(), &[&requests[start..]]);
        assert_eq!(heard.ids(), [MessageId::SPEED_DIAL_STAT_REQ; 5], "{start}");
    }
}

#[test]
fn a_wrong_candidate_does_not_hold_back_what_comes_in_segments_of_its_own() {
    let mut deframer = Deframer::mid_stream();
    // The rest of a message, in which something claims to be 8000 bytes long.
    let mut rest = vec![0x41; 20];
    rest.extend_from_slice(&encode::pdu(0, MessageId::UPDATE_CAPABILITIES, &[0; 8000])[..100]);
    let mut heard = hear(&mut deframer, &[&rest]);
    assert_eq!(heard.ids(), []);
    heard.push(&mut deframer, &encode::keep_alive(0));
    assert_eq!(heard.ids(), [MessageId::KEEP_ALIVE]);
    assert_eq!(heard.skipped, rest.len());
}

#[test]
fn after_a_gap_the_rest_of_a_message_is_passed_over() {
    let mut deframer = Deframer::new();
    let long = encode::pdu(0, MessageId::XML_ALARM, &[b'x'; 1500]);
    let mut heard = hear(&mut deframer, &[&encode::keep_alive(0), &long[..500]]);
    assert!(deframer.heap_bytes() > 0);
    deframer.gap();
    assert_eq!(deframer.heap_bytes(), 0);
    heard.push(&mut deframer, &[&long[1000..], &register()[..]].concat());
    assert_eq!(heard.ids(), [MessageId::KEEP_ALIVE, MessageId::REGISTER]);
    assert_eq!((heard.malformed, heard.skipped), (0, 512));
    // A gap does not make another protocol SCCP.
    let mut deframer = Deframer::new();
    hear(&mut deframer, &[b"GET / HTTP/1.1\r\n"]);
    deframer.gap();
    assert!(deframer.is_opaque());
}

#[test]
fn a_stream_without_messages_is_given_up_after_a_while() {
    let mut deframer = Deframer::mid_stream();
    let mut heard = Heard::default();
    let mut pushed = 0;
    while !deframer.is_opaque() {
        heard.push(&mut deframer, &[0x17; 1400]);
        pushed += 1400;
    }
    assert!((MAX_SOUGHT as usize..MAX_SOUGHT as usize + 2800).contains(&pushed));
    assert_eq!(heard.ids(), []);
    assert_eq!(deframer.heap_bytes(), 0);
}

#[test]
fn a_length_that_never_comes_costs_only_what_came() {
    let mut deframer = Deframer::new();
    let long = encode::pdu(0, MessageId::UPDATE_CAPABILITIES, &[1; 8000]);
    let mut heard = Heard::default();
    for (place, byte) in long.iter().enumerate() {
        heard.push(&mut deframer, &[*byte]);
        assert!(deframer.heap_bytes() <= 2 * (place + 1));
    }
    assert_eq!(heard.messages.len(), 1);
    assert_eq!(deframer.heap_bytes(), 0);
}

/// A valid message, most of them short.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<MessageId> = MessageId::known().collect();
    (
        prop_oneof![Just(0u32), Just(11), Just(17), Just(20), Just(22), Just(99)],
        proptest::sample::select(known),
        prop_oneof![
            4 => proptest::collection::vec(any::<u8>(), 0..64),
            1 => proptest::collection::vec(any::<u8>(), 0..3000),
        ],
    )
        .prop_map(|(version, id, body)| encode::pdu(version, id, &body))
}

/// `bytes` cut at the places in `cuts`.
fn cut<'a>(bytes: &'a [u8], cuts: &[proptest::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect()
}

/// A message as it may stand in a stream that nobody saw the beginning of.
fn credible_message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(encode::keep_alive(0)),
        Just(encode::keep_alive_ack(0)),
        Just(register()),
        proptest::collection::vec(0x20..0x7Fu8, 92).prop_map(|body| encode::pdu(
            0,
            MessageId::ALARM,
            &body
        )),
        proptest::collection::vec(any::<u32>(), 4..12).prop_map(|numbers| {
            let body: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            encode::pdu(17, MessageId::OPEN_RECEIVE_CHANNEL, &body)
        }),
    ]
}

/// Whether anything but a message's beginning looks like one in `stream` from `start` on.
fn holds_another_header(messages: &[Vec<u8>], stream: &[u8], start: usize) -> bool {
    let mut boundaries = Vec::new();
    let mut at = 0;
    for message in messages {
        boundaries.push(at);
        at += message.len();
    }
    (start..stream.len())
        .filter(|at| !boundaries.contains(at))
        .filter_map(|at| Header::read(&stream[at..]))
        .any(|header| header.credible().is_some())
}

#[test]
fn nothing_inside_the_messages_that_phones_send_looks_like_another() {
    let messages = [
        register(),
        encode::keep_alive(0),
        register(),
        encode::keep_alive_ack(0),
    ];
    assert!(!holds_another_header(&messages, &messages.concat(), 0));
    // A body that is a message itself does: a late listener may take it for one.
    let nested = [encode::pdu(
        17,
        MessageId::OPEN_RECEIVE_CHANNEL,
        &register(),
    )];
    assert!(holds_another_header(&nested, &nested.concat(), 1));
}

/// Bytes of which many look like parts of headers.
fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(
        prop_oneof![
            any::<[u8; 4]>(),
            (0u32..64).prop_map(u32::to_le_bytes),
            (0u32..0x161).prop_map(u32::to_le_bytes),
            Just([0; 4]),
        ],
        0..200,
    )
    .prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_messages(
        messages in proptest::collection::vec(message(), 1..12),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
    ) {
        let stream = messages.concat();
        let whole = hear(&mut Deframer::new(), &[&stream]);
        prop_assert_eq!(whole.messages.len(), messages.len());
        prop_assert_eq!(whole.length(), stream.len());
        let mut deframer = Deframer::new();
        prop_assert_eq!(&hear(&mut deframer, &cut(&stream, &cuts)), &whole);
        prop_assert_eq!(deframer.heap_bytes(), 0);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&hear(&mut Deframer::new(), &bytes), &whole);
    }

    /// Whoever joins a stream inside a body that holds the bytes of a message cannot tell it from one. Nothing else is
    /// taken for a message, and once one was found none is missed.
    #[test]
    fn a_stream_joined_anywhere_gives_only_what_is_in_it(
        messages in proptest::collection::vec(credible_message(), 1..12),
        start in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
    ) {
        let stream = messages.concat();
        let whole = hear(&mut Deframer::new(), &[&stream]);
        let start = start.index(stream.len());
        let heard = hear(&mut Deframer::mid_stream(), &cut(&stream[start..], &cuts));
        prop_assume!(!holds_another_header(&messages, &stream, start));
        prop_assert!(whole.messages.ends_with(&heard.messages), "{:?}", heard.ids());
        prop_assert_eq!(heard.malformed, 0);
    }

    #[test]
    fn no_byte_is_lost_or_counted_twice(
        bytes in hostile_bytes(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
        mid_stream: bool,
    ) {
        let mut deframer = if mid_stream { Deframer::mid_stream() } else { Deframer::new() };
        let heard = hear(&mut deframer, &cut(&bytes, &cuts));
        if deframer.is_opaque() {
            prop_assert_eq!(&heard, &Heard::default());
        } else {
            prop_assert_eq!(heard.length() + heard.skipped + deframer.kept.bytes().len(), bytes.len());
            prop_assert!(deframer.kept.bytes().len() <= MAX_MESSAGE + Header::SIZE);
        }
    }

    #[test]
    fn any_bytes_with_any_gaps_are_survived(
        segments in proptest::collection::vec(
            (prop_oneof![hostile_bytes(), message(), proptest::collection::vec(any::<u8>(), 0..64)], any::<bool>()),
            0..20,
        ),
    ) {
        let mut deframer = Deframer::new();
        let mut heard = Heard::default();
        for (segment, gap) in &segments {
            heard.push(&mut deframer, segment);
            if *gap {
                deframer.gap();
                prop_assert_eq!(deframer.heap_bytes(), 0);
            }
        }
        let pushed: usize = segments.iter().map(|(segment, _)| segment.len()).sum();
        prop_assert!(heard.length() + heard.skipped <= pushed);
    }
}
