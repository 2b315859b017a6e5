//! What puts pieces together: messages of a stream, segments of a connection, fragments of a packet.

use std::hint::black_box;
use std::time::Duration;

use phonewatch::flow::fragments::{Limits, Reassembler};
use phonewatch::flow::tcp::{Delivery, Stream, StreamLimits};
use phonewatch::record::LinkType;
use phonewatch::time::Timestamp;
use phonewatch::wire::packet::{self, Content, Transport};
use phonewatch::wire::sccp::{Deframed, Deframer, Message};

use super::input::pieces;

/// Segments of SCCP, with gaps between some; the first byte says whether the stream is seen from its beginning.
pub fn deframer(bytes: &[u8]) {
    const MOST_KEPT: usize = 64 << 10;
    let mut deframer = if bytes.first().is_some_and(|first| first % 2 == 1) {
        Deframer::mid_stream()
    } else {
        Deframer::new()
    };
    let mut given = 0;
    let mut taken = 0;
    for ([flags, ..], piece) in pieces(bytes) {
        if flags >= 0xF0 {
            deframer.gap();
        }
        given += piece.len();
        deframer.push(piece, &mut |found| match found {
            Deframed::Message(pdu) => {
                taken += pdu.body.len() + 12;
                black_box(Message::parse(&pdu)).ok();
            }
            Deframed::Skipped(bytes) => taken += bytes,
            Deframed::Malformed(_) => {}
        });
        assert!(taken <= given, "{taken} bytes out of {given}");
        assert!(deframer.heap_bytes() <= MOST_KEPT);
    }
}

/// Segments of one direction of a connection, in any order.
pub fn reassembler(bytes: &[u8]) {
    const LIMITS: StreamLimits = StreamLimits {
        bytes: 2048,
        segments: 8,
    };
    let mut stream = Stream::new();
    let mut at = Timestamp::from_secs(1);
    let (mut given, mut taken) = (0, 0);
    let mut deliver = |delivery: Delivery<'_>| {
        if let Delivery::Bytes(bytes) = delivery {
            taken += bytes.len();
        }
    };
    for ([flags, milliseconds, low, high], piece) in pieces(bytes) {
        at = at + Duration::from_millis(u64::from(milliseconds) * 20);
        // Near the end of the numbers, which then begin anew.
        let sequence = u32::from(u16::from_le_bytes([low, high])) | u32::from(flags >> 4) << 16;
        let sequence = sequence.wrapping_sub(10_000);
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX) + u32::from(flags & 3);
        match flags & 0x0C {
            0 => stream.begin(sequence),
            4 => stream.acknowledged(at, sequence),
            _ => {
                given += piece.len();
                stream.segment(at, sequence, piece, length, LIMITS, &mut deliver);
            }
        }
        stream.expire(at, &mut deliver);
        assert!(stream.deadline().is_none_or(|deadline| deadline > at));
        assert!(stream.held_bytes() <= LIMITS.bytes);
    }
    stream.flush(&mut deliver);
    assert_eq!(stream.held_bytes(), 0);
    assert!(taken <= given, "{taken} bytes out of {given}");
}

/// Ethernet frames with fragments in them.
pub fn fragments(bytes: &[u8]) {
    const LIMITS: Limits = Limits {
        datagrams: 8,
        bytes_per_datagram: 4096,
        bytes_in_all: 8192,
        age: Duration::from_secs(30),
    };
    let mut reassembler = Reassembler::new(LIMITS);
    let mut at = Timestamp::from_secs(1);
    for ([seconds, ..], piece) in pieces(bytes) {
        at = at + Duration::from_secs(u64::from(seconds % 8));
        let Ok(packet) = packet::decode(LinkType::Ethernet, piece) else {
            continue;
        };
        if let Content::Ip(ip) = packet.content
            && let Transport::Fragment(fragment) = &ip.transport
            && let Some(whole) = reassembler.insert(&ip, fragment, at)
        {
            assert!(whole.payload.len() <= LIMITS.bytes_per_datagram);
            black_box(whole.packet(&ip)).ok();
        }
        assert!(reassembler.bytes_held() <= LIMITS.bytes_in_all);
    }
}
