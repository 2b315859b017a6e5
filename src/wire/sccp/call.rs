//! What shows that a phone is in use: keys and calls.

use super::at;
use crate::wire::{DecodeError, Reader};

/// A key of the keypad was pressed; with line and call on firmware that tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeypadButton {
    /// The number of the key.
    pub button: u32,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The call.
    pub call: Option<u32>,
}

/// A call of a line is now in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallState {
    /// The number of the state.
    pub state: u32,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The call.
    pub call: Option<u32>,
}

impl KeypadButton {
    /// What is printed on the key: a digit, `A` to `D`, `*`, `#` or `+`.
    pub fn symbol(&self) -> Option<char> {
        match self.button {
            digit @ 0..=9 => char::from_digit(digit, 10),
            10 => Some('A'),
            11 => Some('B'),
            12 => Some('C'),
            13 => Some('D'),
            14 => Some('*'),
            15 => Some('#'),
            16 => Some('+'),
            _ => None,
        }
    }

    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let (button, line, call) = number_line_call(body, "button")?;
        Ok(Self { button, line, call })
    }
}

impl CallState {
    /// The name of the state, where it is a known one.
    pub fn name(&self) -> Option<&'static str> {
        const NAMES: [&str; 18] = [
            "idle",
            "off hook",
            "on hook",
            "ring out",
            "ring in",
            "connected",
            "busy",
            "congestion",
            "hold",
            "call waiting",
            "call transfer",
            "call park",
            "proceed",
            "in use remotely",
            "invalid number",
            "hold revert",
            "whisper",
            "remote hold",
        ];
        NAMES.get(usize::try_from(self.state).ok()?).copied()
    }

    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let (state, line, call) = number_line_call(body, "call state")?;
        Ok(Self { state, line, call })
    }
}

/// A number, and the line and the call it belongs to where the body goes on so far.
fn number_line_call(
    body: &[u8],
    field: &'static str,
) -> Result<(u32, Option<u32>, Option<u32>), DecodeError> {
    Ok((
        Reader::new(body).u32_le(field)?,
        at(body, 4).u32_le("line instance").ok(),
        at(body, 8).u32_le("call reference").ok(),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn reads_a_key_with_and_without_its_call() {
        let short = KeypadButton::parse(&[14, 0, 0, 0]).unwrap();
        assert_eq!(
            (short.symbol(), short.line, short.call),
            (Some('*'), None, None)
        );
        let long = KeypadButton::parse(&[5, 0, 0, 0, 1, 0, 0, 0, 0x39, 0x30, 0, 0]).unwrap();
        assert_eq!(
            (long.symbol(), long.line, long.call),
            (Some('5'), Some(1), Some(12345))
        );
        let symbols: String = (0..20)
            .filter_map(|button| {
                KeypadButton {
                    button,
                    line: None,
                    call: None,
                }
                .symbol()
            })
            .collect();
        assert_eq!(symbols, "0123456789ABCD*#+");
        assert!(KeypadButton::parse(&[1, 0, 0]).is_err());
    }

    #[test]
    fn reads_the_state_of_a_call() {
        let state = CallState::parse(&[5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]).unwrap();
        assert_eq!(
            (state.name(), state.line, state.call),
            (Some("connected"), Some(1), Some(2))
        );
        let unknown = CallState::parse(&[99, 0, 0, 0]).unwrap();
        assert_eq!((unknown.state, unknown.name()), (99, None));
    }
}
