//! The alarm that a phone sends right before it registers: why its previous session ended.
//!
//! It goes to the CallManager that is being registered with and tells of the one before.

use super::at;
use super::reset_reason::ResetReason;
use crate::net::{DeviceName, safe_text};
use crate::wire::{DecodeError, Reader};

/// An alarm of a phone.
///
/// ```text
///   0 severity   4 text[80]   84 parameter 1   88 parameter 2
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// 0 critical, 1 warning, 2 informational, 4 unknown, 7 major, 8 minor, 10 marginal, 20 trace.
    pub severity: u32,
    /// The whole text.
    pub text: String,
    /// The device that the text names.
    pub name: Option<DeviceName>,
    /// The firmware load that the text names.
    pub load: Option<String>,
    /// Why the previous session ended.
    pub last: Option<ResetReason>,
    /// A status word without public meaning; 0 where absent.
    pub parameter1: u32,
    /// Usually the phone's IPv4 address; 0 where absent.
    pub parameter2: u32,
}

/// What the text of an alarm says: `25: Name=SEP001380AD9E5F Load=SCCP41.8-5-3S Last=Initialized`.
///
/// The number is absent from old firmware. SIP phones send the same behind `cisco-alarm:`, with `ActiveLoad=` in place
/// of `Load=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmText {
    /// The device.
    pub name: Option<DeviceName>,
    /// Its firmware load.
    pub load: Option<String>,
    /// Why its previous session ended.
    pub last: Option<ResetReason>,
}

impl Alarm {
    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let severity = Reader::new(body).u32_le("alarm severity")?;
        let text = safe_text(at(body, 4).take_up_to(TEXT_WIDTH), TEXT_WIDTH);
        let AlarmText { name, load, last } = AlarmText::parse(&text);
        Ok(Self {
            severity,
            text,
            name,
            load,
            last,
            parameter1: at(body, 84).u32_le("parameter 1").unwrap_or(0),
            parameter2: at(body, 88).u32_le("parameter 2").unwrap_or(0),
        })
    }
}

impl AlarmText {
    /// Reads what can be found in `text`; what cannot stays absent.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_start();
        let text = text.strip_prefix("cisco-alarm:").unwrap_or(text);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = text.split_at_checked(digits).unwrap_or(("", text));
        let code = number
            .parse()
            .ok()
            .filter(|_| after.starts_with([':', ' ']) || after.is_empty());
        let load = value(text, "load").or_else(|| value(text, "activeload"));
        // A message that firmware could not read is reported after the load, without a key.
        let said = value(text, "last").map(str::trim).or_else(|| {
            let (_, after) = load?.split_once(" : ")?;
            Some(after.trim())
        });
        Self {
            name: value(text, "name")
                .and_then(first_word)
                .and_then(|name| DeviceName::from_wire(name.as_bytes())),
            load: load.and_then(first_word).map(String::from),
            last: match said.filter(|said| !said.is_empty()) {
                None if code.is_none() => None,
                said => Some(ResetReason::from_alarm(code, said.unwrap_or("").into())),
            },
        }
    }
}

const TEXT_WIDTH: usize = 80;

/// Everything behind the `=` of `key`, which is in lower case and begins a word.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut word_begins = true;
    for (place, character) in text.char_indices() {
        if word_begins {
            let (front, value) = text
                .get(place..)
                .and_then(|rest| rest.split_at_checked(key.len()))
                .unwrap_or_default();
            if front.eq_ignore_ascii_case(key)
                && let Some(value) = value.strip_prefix('=')
            {
                return Some(value);
            }
        }
        word_begins = !character.is_alphanumeric();
    }
    None
}

/// The word at the front of a value; none where the value is empty and the next key follows.
fn first_word(value: &str) -> Option<&str> {
    value
        .split_whitespace()
        .next()
        .filter(|word| !word.contains('='))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    fn read(text: &str) -> (String, String, String) {
        let alarm = AlarmText::parse(text);
        (
            alarm.name.map(|name| name.to_string()).unwrap_or_default(),
            alarm.load.unwrap_or_default(),
            alarm.last.map(|last| last.to_string()).unwrap_or_default(),
        )
    }

    #[test]
    fn reads_both_grammars() {
        for (text, name, load, last) in [
            (
                "25: Name=SEPB8BEBF227D79 Load= 9.4(2SR3.1S) Last=Initialized",
                "SEPB8BEBF227D79",
                "9.4(2SR3.1S)",
                "25: Initialized",
            ),
            (
                "22: Name=SEP000B46BDE075 Load=8.0(2.0) Last=Reset-Reset",
                "SEP000B46BDE075",
                "8.0(2.0)",
                "22: Reset-Reset",
            ),
            (
                "Name=SEP001380AD9E5F Load=CP7912060000SCCP050124A Last=CM-aborted-TCP",
                "SEP001380AD9E5F",
                "CP7912060000SCCP050124A",
                "CM-aborted-TCP",
            ),
            (
                "6: Name=SEP001380AD9E5F Load=x Last=File Not Found",
                "SEP001380AD9E5F",
                "x",
                "6: File Not Found",
            ),
            (
                "cisco-alarm:23 Name=SEP001B2A893698 ActiveLoad=sip78xx.12-1.loads InactiveLoad=y last=reset-restart",
                "SEP001B2A893698",
                "sip78xx.12-1.loads",
                "23: reset-restart",
            ),
            // CallManager 3.0: parameters in place of a reason.
            (
                "Name=SEP003094C26105 Load=AJ.30 Parms=Status/IPaddr LastTime=A",
                "SEP003094C26105",
                "AJ.30",
                "",
            ),
            (
                "32: Name=SEP00215503A8FB Load= term06.default : Invalid SCCP message! : ID :87: [0/0]",
                "SEP00215503A8FB",
                "term06.default",
                "32: Invalid SCCP message! : ID :87: [0/0]",
            ),
            (
                "25: Name= Load= Last=Initialized",
                "",
                "",
                "25: Initialized",
            ),
            ("14:", "", "", "14 (cm_closed_tcp)"),
            ("99999999999: Last=", "", "", ""),
            ("Name=<b> Load=\u{FFFD}", "", "\u{FFFD}", ""),
            ("", "", "", ""),
            ("2001 was dialled", "", "", "2001 (other)"),
        ] {
            assert_eq!(
                read(text),
                (name.into(), load.into(), last.into()),
                "{text}"
            );
        }
    }

    #[test]
    fn reads_a_body_with_its_parameters() {
        let mut body = vec![2, 0, 0, 0];
        body.extend_from_slice(b"25: Name=SEP001380AD9E5F Load=L Last=Initialized\0junk");
        body.resize(84, 0x55);
        body.extend_from_slice(&[0x00, 0x09, 0, 0, 0x0A, 0x66, 0x0A, 0xD1]);
        let alarm = Alarm::parse(&body).unwrap();
        assert_eq!(
            alarm.text,
            "25: Name=SEP001380AD9E5F Load=L Last=Initialized"
        );
        assert_eq!(alarm.severity, 2);
        assert_eq!((alarm.parameter1, alarm.parameter2), (0x900, 0xD10A_660A));
        assert_eq!(alarm.last.unwrap().label(), "initialized");
        assert_eq!(
            Alarm::parse(&body[..3]).map_err(DecodeError::reason),
            Err("truncated")
        );
        // Without parameters, and cut in its text.
        assert_eq!(Alarm::parse(&body[..30]).unwrap().parameter2, 0);
    }

    #[test]
    fn a_text_cut_at_its_80_bytes_still_tells_the_reason() {
        let full = b"Name=SEP001380AD9E5F Load=CP7912080000SCCP060817A-and-longer-still Last=CM-aborted-TCP";
        assert!(full.len() > TEXT_WIDTH);
        let body = [&[2, 0, 0, 0], &full[..TEXT_WIDTH], &[0; 8]].concat();
        let alarm = Alarm::parse(&body).unwrap();
        let last = alarm.last.unwrap();
        assert_eq!(last.text, "CM-abort");
        assert_eq!(last.label(), "cm_aborted_tcp");
    }
}
