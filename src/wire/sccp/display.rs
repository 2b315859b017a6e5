//! Texts that the CallManager has a phone show, among them the one that says a phone lives on a fallback router.
//!
//! A text may carry, in place of words, a byte 0x80 or 0x1E and the index of a phrase in the phone's dictionary.

use super::at;
use crate::net::safe_text;
use crate::wire::{DecodeError, Reader};

/// A text for the phone's display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayText {
    /// For how many seconds; 0 until it is replaced. Absent from the plainest form.
    pub timeout: Option<u32>,
    /// The text, dictionary phrases written out.
    pub text: String,
}

impl DisplayText {
    /// Whether it says that a router stands in for the CallManager (SRST).
    pub fn is_fallback_service(&self) -> bool {
        self.text.contains(FALLBACK_SERVICE)
    }

    /// `text[32]` alone.
    pub(super) fn plain(body: &[u8]) -> Self {
        Self {
            timeout: None,
            text: display_text(body, LIMIT),
        }
    }

    /// A timeout and a text of up to 32 bytes (`fixed`) or to the end, at `offset`.
    pub(super) fn parse(body: &[u8], offset: usize, fixed: bool) -> Result<Self, DecodeError> {
        let timeout = Reader::new(body).u32_le("display timeout")?;
        let mut text = at(body, offset);
        let text = if fixed {
            text.take_up_to(32)
        } else {
            text.rest()
        };
        Ok(Self {
            timeout: Some(timeout),
            text: display_text(text, LIMIT),
        })
    }
}

/// The longest text that is kept, in characters.
const LIMIT: usize = 128;

const FALLBACK_SERVICE: &str = "CM Fallback Service Operating";

/// The phrases that say something of a registration, and the commonest prompts. The whole dictionary has hundreds, most
/// of them soft-key labels.
const DICTIONARY: [(u8, u8, &str); 16] = [
    (0x1E, 0x0A, FALLBACK_SERVICE),
    (0x1E, 0x0B, "Max Phones Exceeded"),
    (0x1E, 0x0C, "Waiting To Rehome"),
    (0x1E, 0x26, "Device Not Authorized"),
    (0x80, 0x13, "Your Current Options"),
    (0x80, 0x16, "Ring Out"),
    (0x80, 0x17, "From "),
    (0x80, 0x18, "Connected"),
    (0x80, 0x20, "Enter Number"),
    (0x80, 0x2E, "Error No License"),
    (0x80, 0x2F, "Error DBConfig"),
    (0x80, 0x30, "Error Database"),
    (0x80, 0x31, "Error Pass Limit"),
    (0x80, 0x32, "Error Unknown"),
    (0x80, 0x33, "Error Mismatch"),
    (0x80, 0x56, "Security Error"),
];

/// A text field as the phone shows it: up to its first NUL, phrases written out, unknown ones as `[0x802A]`.
pub(super) fn display_text(field: &[u8], limit: usize) -> String {
    let field = field.split(|&byte| byte == 0).next().unwrap_or_default();
    let mut shown = Vec::with_capacity(field.len().min(limit));
    let mut rest = field;
    // 0x80 is also a common byte inside a UTF-8 character, and no escape there.
    let mut continuation_bytes: u8 = 0;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let continues = continuation_bytes > 0 && (0x80..0xC0).contains(&byte);
        continuation_bytes = match byte {
            _ if continues => continuation_bytes.saturating_sub(1),
            0xC2..=0xDF => 1,
            0xE0..=0xEF => 2,
            0xF0..=0xF4 => 3,
            _ => 0,
        };
        match after.split_first() {
            Some((&index, after)) if !continues && matches!(byte, 0x1E | 0x80) => {
                rest = after;
                match DICTIONARY
                    .iter()
                    .find(|phrase| (phrase.0, phrase.1) == (byte, index))
                {
                    Some((_, _, phrase)) => shown.extend_from_slice(phrase.as_bytes()),
                    None => {
                        shown.extend_from_slice(format!("[0x{byte:02X}{index:02X}]").as_bytes());
                    }
                }
            }
            _ => shown.push(byte),
        }
        if shown.len() >= limit.saturating_mul(4) {
            break;
        }
    }
    safe_text(&shown, limit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn writes_out_the_phrases_of_the_dictionary() {
        assert_eq!(display_text(b"\x80\x2f\0\0junk", 32), "Error DBConfig");
        assert_eq!(
            display_text(b"Registration Rejected: \x80\x33", 64),
            "Registration Rejected: Error Mismatch"
        );
        assert_eq!(
            display_text(b"\x1e\x0a\x1e\x0c", 64),
            "CM Fallback Service OperatingWaiting To Rehome"
        );
        assert_eq!(display_text(b"\x80\x01 x", 32), "[0x8001] x");
        // An escape that was cut off is only a strange character.
        assert_eq!(display_text(b"a\x80", 32), "a\u{FFFD}");
        assert_eq!(display_text(b"a\x1e", 32), "a\u{FFFD}");
    }

    #[test]
    fn a_character_of_utf_8_is_no_escape() {
        assert_eq!(display_text("a\u{2013}/b".as_bytes(), 32), "a\u{2013}/b");
        assert_eq!(
            display_text("\u{10000}\u{c0}/".as_bytes(), 32),
            "\u{10000}\u{c0}/"
        );
    }

    #[test]
    fn reads_each_form_of_a_display_message() {
        assert_eq!(DisplayText::plain(b"Hello\0").text, "Hello");
        let mut prompt = vec![10, 0, 0, 0];
        prompt.extend_from_slice(b"\x1e\x0a");
        prompt.resize(36, 0);
        prompt.extend_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
        let prompt = DisplayText::parse(&prompt, 4, true).unwrap();
        assert_eq!(prompt.timeout, Some(10));
        assert!(prompt.is_fallback_service());
        let dynamic = [&[0; 12][..], b"Your current options\0"].concat();
        let dynamic = DisplayText::parse(&dynamic, 12, false).unwrap();
        assert_eq!(dynamic.text, "Your current options");
        assert!(!dynamic.is_fallback_service());
        assert_eq!(
            DisplayText::parse(&[1, 2], 4, true).map_err(DecodeError::reason),
            Err("truncated")
        );
        // The text is missing, the timeout is not.
        assert_eq!(
            DisplayText::parse(&[1, 0, 0, 0], 8, true).unwrap(),
            DisplayText {
                timeout: Some(1),
                text: String::new()
            }
        );
    }
}
