#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

/// An answer for `cm1.Example.com`: an alias, its address, and an address of version 6; names compressed.
#[rustfmt::skip]
const ANSWER: &[u8] = &[
    0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0,
    3, b'c', b'm', b'1', 7, b'E', b'x', b'a', b'm', b'p', b'l', b'e', 3, b'c', b'o', b'm', 0, 0, 1, 0, 1,
    0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 6, 3, b'p', b'u', b'b', 0xC0, 16,
    0xC0, 45, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 180,
    0xC0, 45, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
];

fn header(questions: u8, answers: u8) -> Vec<u8> {
    vec![0, 1, 0x81, 0x80, 0, questions, 0, answers, 0, 0, 0, 0]
}

#[test]
fn reads_an_answer_with_its_addresses() {
    let dns = Dns::parse(ANSWER).unwrap();
    assert_eq!(dns.id, 0x1234);
    assert!(dns.response && !dns.truncated && !dns.malformed);
    assert_eq!((dns.opcode, dns.response_code), (0, ResponseCode::NO_ERROR));
    assert_eq!(
        dns.question,
        Some(Question {
            name: "cm1.example.com".into(),
            record_type: RecordType::A
        })
    );
    assert_eq!(
        dns.addresses,
        [
            IpAddr::V4(Ipv4Addr::new(10, 0, 0, 180)),
            "2001:db8::1".parse().unwrap()
        ]
    );
    assert_eq!(
        dns.to_string(),
        "DNS A cm1.example.com: 10.0.0.180, 2001:db8::1"
    );
}

#[test]
fn a_message_cut_anywhere_gives_what_there_is() {
    for length in 0..ANSWER.len() {
        let dns = Dns::parse(&ANSWER[..length]);
        if length < 12 {
            assert_eq!(dns.unwrap_err().reason(), "truncated", "{length}");
            continue;
        }
        let dns = dns.unwrap();
        assert!(dns.truncated && !dns.malformed, "{length}");
        assert_eq!(dns.question.is_some(), length >= 33, "{length}");
        assert_eq!(dns.addresses.len(), usize::from(length >= 67), "{length}");
    }
}

#[test]
fn a_name_error_is_told_from_an_answer_without_addresses() {
    let query = Dns::query(9, "CiscoCM1.cisco.com", RecordType::A);
    assert_eq!(query.to_string(), "DNS A ciscocm1.cisco.com?");
    let refused = query.answer(ResponseCode::NAME_ERROR, &[]);
    let read = Dns::parse(&refused.encode()).unwrap();
    assert_eq!(read, refused);
    assert_eq!(read.to_string(), "DNS A ciscocm1.cisco.com: Name error");
    assert_eq!(read.response_code.label(), "name_error");
    assert_eq!(ResponseCode(9).to_string(), "response code 9");
    assert_eq!(ResponseCode(9).label(), "other");
}

#[test]
fn pointers_that_do_not_lead_back_are_malformed() {
    // To itself, forward, and two that point at each other.
    for name in [
        &[0xC0, 12][..],
        &[0xC0, 14, 0, 0],
        &[0xC0, 14, 0xC0, 12],
        &[1, b'a', 0xC0, 12],
        &[0xFF, 0xFF],
        &[0x40, 1],
        &[0x80, 1],
    ] {
        let mut bytes = header(1, 0);
        bytes.extend(name);
        bytes.extend([0, 1, 0, 1, 0, 1, 0, 1]);
        assert_eq!(
            Dns::parse(&bytes),
            Err(DecodeError::Malformed { field: "dns name" }),
            "{name:?}"
        );
    }
}

#[test]
fn a_pointer_into_the_header_is_followed_once() {
    // Byte 4 is the zero of the question count's first octet: the root.
    let mut bytes = header(1, 0);
    bytes.extend([0xC0, 4, 0, 1, 0, 1]);
    let question = Dns::parse(&bytes).unwrap().question.unwrap();
    assert_eq!(question.name, ".");
}

#[test]
fn a_name_is_safe_and_has_an_end() {
    let mut bytes = header(1, 0);
    bytes.extend([5, b'A', b'.', 0x1b, 0xff, b'Z', 0, 0, 1, 0, 1]);
    let question = Dns::parse(&bytes).unwrap().question.unwrap();
    assert_eq!(question.name, "a\u{FFFD}\u{FFFD}\u{FFFD}z");

    // Labels of 63 and 61 octets: 254 with their lengths, which is the most; one more is too many.
    let labels = |last: u8| {
        let mut bytes = header(1, 0);
        for length in [63, 63, 63, last] {
            bytes.push(length);
            bytes.extend(vec![b'a'; usize::from(length)]);
        }
        bytes.extend([0, 0, 1, 0, 1]);
        bytes
    };
    let question = Dns::parse(&labels(61)).unwrap().question.unwrap();
    assert_eq!(question.name.len(), 253);
    assert!(Dns::parse(&labels(62)).is_err());
}

#[test]
fn a_bad_answer_keeps_those_before_it() {
    let mut bytes = header(0, 3);
    bytes.extend([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 1]);
    // An address of three octets is none; a label length of 0x40 is not allowed.
    bytes.extend([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 3, 10, 0, 0]);
    bytes.extend([0x40, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 2]);
    let dns = Dns::parse(&bytes).unwrap();
    assert_eq!(dns.addresses, [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))]);
    assert!(dns.malformed && !dns.truncated);
}

#[test]
fn only_so_many_addresses_are_kept() {
    let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST); 40];
    let bytes = Dns::query(1, "a", RecordType::A)
        .answer(ResponseCode::NO_ERROR, &addresses)
        .encode();
    assert_eq!(Dns::parse(&bytes).unwrap().addresses.len(), 16);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        questions in any::<u8>(),
        answers in any::<u8>(),
    ) {
        drop(Dns::parse(&bytes).map(|dns| dns.to_string()));
        let mut message = header(questions, answers);
        message.extend(&bytes);
        if let Ok(dns) = Dns::parse(&message) {
            if let Some(question) = dns.question {
                prop_assert!(question.name.chars().count() <= 255);
            }
            prop_assert!(dns.addresses.len() <= 16);
        }
    }

    #[test]
    fn pointers_never_hang(bytes in proptest::collection::vec(prop_oneof![Just(0xC0_u8), Just(1), 10_u8..60], 0..2000)) {
        let mut message = header(255, 255);
        message.extend(&bytes);
        drop(Dns::parse(&message));
    }

    #[test]
    fn a_mutated_answer_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = ANSWER.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(length.index(bytes.len() + 1));
        drop(Dns::parse(&bytes).map(|dns| dns.to_string()));
    }

    #[test]
    fn what_is_written_is_read_back(
        id in any::<u16>(),
        name in "[a-z0-9-]{1,20}(\\.[a-z0-9-]{1,20}){0,4}",
        record_type in any::<u16>(),
        code in 0_u8..16,
        addresses in proptest::collection::vec(any::<IpAddr>(), 0..16),
    ) {
        let query = Dns::query(id, &name, RecordType(record_type));
        prop_assert_eq!(Dns::parse(&query.encode()), Ok(query.clone()));
        let answer = query.answer(ResponseCode(code), &addresses);
        prop_assert_eq!(Dns::parse(&answer.encode()), Ok(answer));
    }
}
