//! Which bytes of an SCCP stream may be shown: all headers, and the bodies of messages that tell of registering.
//!
//! Digits, numbers and names of calls, what a display shows of them, and keys for media are none of it.

use std::ops::Range;

use crate::wire::Reader;
use crate::wire::sccp::{KeypadButton, MAX_MESSAGE, MessageId};

/// One direction of a connection, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The number of the byte that comes next; `None` where it is not known where messages begin.
    next: Option<u32>,
    /// The front of a header whose rest is in the next segment.
    header: Vec<u8>,
    /// How much of a message's body comes yet, and whether it may be shown.
    body: (usize, bool),
}

/// What is to become of a segment's payload.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// Bodies that nobody is to see.
    pub(super) blanks: Vec<Range<usize>>,
    /// From here on nobody knows what it is.
    pub(super) not_understood_from: Option<usize>,
}

/// Length, version and id.
const HEADER: usize = 12;

/// Reads the payload of a segment that begins with the byte of number `sequence`.
pub(super) fn read(stream: &mut Stream, sequence: u32, payload: &[u8]) -> Read {
    let mut read = Read::default();
    if stream.next != Some(sequence) {
        *stream = Stream::default();
        if !is_beginning(payload) {
            read.not_understood_from = Some(0);
            return read;
        }
    }
    let mut place = 0;
    while let Some(rest) = payload.get(place..).filter(|rest| !rest.is_empty()) {
        let (left, is_shown) = stream.body;
        if left > 0 {
            let taken = left.min(rest.len());
            if !is_shown {
                read.blanks.push(place..place + taken);
            }
            stream.body.0 -= taken;
            place += taken;
            continue;
        }
        let wanted = HEADER - stream.header.len();
        let taken = rest.get(..wanted).unwrap_or(rest);
        stream.header.extend(taken);
        if stream.header.len() == HEADER {
            let Some((id, length)) = parse(&stream.header) else {
                *stream = Stream::default();
                read.not_understood_from = Some(place);
                return read;
            };
            stream.header.clear();
            stream.body = (length, is_shown_whole(id, rest.get(wanted..), length));
        }
        place += taken.len();
    }
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    stream.next = Some(sequence.wrapping_add(length));
    read
}

/// Whether a message begins here, of a stream of which nothing else is known.
fn is_beginning(payload: &[u8]) -> bool {
    const LAST_VERSION: u32 = 0x20;
    let version = || {
        let mut reader = Reader::new(payload);
        reader.u32_le("message length").ok()?;
        reader.u32_le("header version").ok()
    };
    let id = payload.get(..HEADER).and_then(parse).map(|(id, _)| id);
    id.is_some_and(MessageId::is_known) && version().is_some_and(|it| it <= LAST_VERSION)
}

/// The message's id, and the length of its body.
fn parse(header: &[u8]) -> Option<(MessageId, usize)> {
    let mut reader = Reader::new(header);
    let length = reader.u32_le("message length").ok()?;
    reader.u32_le("header version").ok()?;
    let id = MessageId(reader.u32_le("message id").ok()?);
    // The id counts as part of the body there.
    let length = usize::try_from(length).ok()?.checked_sub(4)?;
    (length <= MAX_MESSAGE).then_some((id, length))
}

/// Whether the body may be shown; `rest` is what the segment holds from its first byte on.
fn is_shown_whole(id: MessageId, rest: Option<&[u8]>, length: usize) -> bool {
    let body = || rest.and_then(|rest| rest.get(..length));
    match id {
        // The keys of a reset, and no digits.
        MessageId::KEYPAD_BUTTON => body().is_some_and(|body| {
            let button = Reader::new(body).u32_le("button");
            let key = button.map(|button| KeypadButton {
                button,
                line: None,
                call: None,
            });
            key.is_ok_and(|key| matches!(key.symbol(), Some('*' | '#')))
        }),
        // Who calls and is called is shown there too.
        MessageId::DISPLAY_TEXT
        | MessageId::DISPLAY_PROMPT_STATUS
        | MessageId::DISPLAY_NOTIFY
        | MessageId::DISPLAY_PRI_NOTIFY
        | MessageId::DISPLAY_DYNAMIC_NOTIFY
        | MessageId::DISPLAY_DYNAMIC_PRI_NOTIFY
        | MessageId::DISPLAY_DYNAMIC_PROMPT_STATUS => {
            body().is_some_and(|body| !body.iter().any(u8::is_ascii_digit))
        }
        id => SHOWN.contains(&id),
    }
}

/// Messages of which everything may be shown.
const SHOWN: [MessageId; 61] = [
    MessageId::KEEP_ALIVE,
    MessageId::REGISTER,
    MessageId::IP_PORT,
    MessageId::OFF_HOOK,
    MessageId::ON_HOOK,
    MessageId::HOOK_FLASH,
    MessageId::FORWARD_STAT_REQ,
    MessageId::SPEED_DIAL_STAT_REQ,
    MessageId::LINE_STAT_REQ,
    MessageId::CONFIG_STAT_REQ,
    MessageId::TIME_DATE_REQ,
    MessageId::BUTTON_TEMPLATE_REQ,
    MessageId::VERSION_REQ,
    MessageId::CAPABILITIES_RES,
    MessageId::SERVER_REQ,
    MessageId::ALARM,
    MessageId::SOFT_KEY_SET_REQ,
    MessageId::UNREGISTER,
    MessageId::SOFT_KEY_TEMPLATE_REQ,
    MessageId::REGISTER_TOKEN_REQ,
    MessageId::HEADSET_STATUS,
    MessageId::REGISTER_AVAILABLE_LINES,
    MessageId::SERVICE_URL_STAT_REQ,
    MessageId::FEATURE_STAT_REQ,
    MessageId::UPDATE_CAPABILITIES,
    MessageId::UPDATE_CAPABILITIES_V2,
    MessageId::UPDATE_CAPABILITIES_V3,
    MessageId::ACCESSORY_STATUS,
    MessageId::REGISTER_ACK,
    MessageId::STOP_TONE,
    MessageId::SET_RINGER,
    MessageId::SET_LAMP,
    MessageId::SET_SPEAKER_MODE,
    MessageId::SET_MICRO_MODE,
    MessageId::LINE_STAT,
    MessageId::CONFIG_STAT,
    MessageId::DEFINE_TIME_DATE,
    MessageId::BUTTON_TEMPLATE,
    MessageId::VERSION,
    MessageId::CLEAR_DISPLAY,
    MessageId::CAPABILITIES_REQ,
    MessageId::REGISTER_REJECT,
    MessageId::SERVER_RES,
    MessageId::RESET,
    MessageId::KEEP_ALIVE_ACK,
    MessageId::SOFT_KEY_TEMPLATE_RES,
    MessageId::SOFT_KEY_SET_RES,
    MessageId::SELECT_SOFT_KEYS,
    MessageId::CALL_STATE,
    MessageId::CLEAR_PROMPT_STATUS,
    MessageId::CLEAR_NOTIFY,
    MessageId::UNREGISTER_ACK,
    MessageId::REGISTER_TOKEN_ACK,
    MessageId::REGISTER_TOKEN_REJECT,
    MessageId::CLEAR_PRI_NOTIFY,
    MessageId::CONFIG_STAT_DYNAMIC,
    MessageId::LINE_STAT_DYNAMIC,
    MessageId::XML_ALARM,
    MessageId::SPCP_REGISTER_TOKEN_REQ,
    MessageId::SPCP_REGISTER_TOKEN_ACK,
    MessageId::SPCP_REGISTER_TOKEN_REJECT,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sccp::encode;

    fn key(button: u32) -> Vec<u8> {
        encode::keypad_button(
            0,
            &KeypadButton {
                button,
                line: Some(1),
                call: Some(7),
            },
        )
    }

    #[test]
    fn digits_are_blanked_and_the_keys_of_a_reset_are_not() {
        let digit = key(7);
        let star = key(14);
        let unregister = encode::unregister(0, None);
        let segment = [&digit[..], &star, &unregister].concat();
        let read = read(&mut Stream::default(), 5, &segment);
        let [blank] = &read.blanks[..] else {
            panic!("{read:?}");
        };
        assert_eq!(*blank, HEADER..digit.len());
        assert_eq!(read.not_understood_from, None);
    }

    #[test]
    fn a_digit_is_found_however_the_stream_is_cut() {
        let stream = [&key(3)[..], &encode::keep_alive(0), &key(9), &key(15)].concat();
        let digits = [12..24, 48..60];
        for size in 1..stream.len() {
            let mut state = Stream::default();
            let mut blanked = vec![false; stream.len()];
            // The first segment says where messages begin.
            let (first, rest) = stream.split_at(size.max(HEADER));
            let mut begin = 0;
            for segment in std::iter::once(first).chain(rest.chunks(size)) {
                let sequence = u32::MAX - 20;
                let at = sequence.wrapping_add(u32::try_from(begin).unwrap());
                let read = read(&mut state, at, segment);
                assert_eq!(read.not_understood_from, None, "{size}");
                for blank in read.blanks {
                    blanked[begin + blank.start..begin + blank.end].fill(true);
                }
                begin += segment.len();
            }
            for digit in digits.clone() {
                assert!(blanked[digit].iter().all(|it| *it), "{size}: {blanked:?}");
            }
            assert!(!blanked[..12].iter().any(|it| *it));
        }
    }

    #[test]
    fn what_is_joined_in_the_middle_is_not_understood_until_a_message_begins() {
        let mut state = Stream::default();
        let message = key(5);
        let (front, tail) = message.split_at(14);
        assert_eq!(read(&mut state, 1, front).not_understood_from, None);
        // A segment is missing.
        assert_eq!(read(&mut state, 100, tail).not_understood_from, Some(0));
        assert_eq!(
            read(&mut state, 200, &encode::keep_alive(0)),
            Read::default()
        );
        let broken = [&encode::keep_alive(0)[..], &[0xFF; 20]].concat();
        assert_eq!(read(&mut state, 212, &broken).not_understood_from, Some(12));
        assert_eq!(
            read(&mut state, 244, &[1, 2, 3]).not_understood_from,
            Some(0)
        );
    }

    #[test]
    fn a_display_is_shown_where_no_digit_stands_in_it() {
        let number = MessageId::DISPLAY_TEXT;
        assert!(is_shown_whole(number, Some(b"CM Down"), 7));
        assert!(!is_shown_whole(number, Some(b"To 1005"), 7));
        assert!(
            !is_shown_whole(number, Some(b"To "), 7),
            "its end is elsewhere"
        );
        assert!(!is_shown_whole(MessageId(0x1234), Some(b"x"), 1));
        assert!(!is_shown_whole(MessageId::START_TONE, Some(&[0; 4]), 4));
    }
}
