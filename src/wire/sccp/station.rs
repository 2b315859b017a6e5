//! What the CallManager tells a registered phone about itself: its user, its lines, the time.

use super::at;
use crate::net::{DeviceName, safe_text};
use crate::wire::{DecodeError, Reader};

/// How the device is configured.
///
/// Fixed: `name[16]`, two numbers, `user[40]`, `server[40]`, lines, speed dials. Dynamic: the name up to its NUL, two
/// numbers, lines, speed dials, user and server up to their NULs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigStat {
    /// The device name.
    pub name: Option<DeviceName>,
    /// The user to whom the device belongs.
    pub user: Option<String>,
    /// The name of the server.
    pub server: Option<String>,
    /// How many lines it has.
    pub lines: Option<u32>,
    /// How many speed dials.
    pub speed_dials: Option<u32>,
}

/// One line of the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineStat {
    /// Which line, from 1.
    pub line: u32,
    /// Its directory number.
    pub number: Option<String>,
    /// The name shown to those who are called.
    pub display_name: Option<String>,
    /// The label shown at the line's button.
    pub label: Option<String>,
}

/// The time that the phone is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeDate {
    /// The year.
    pub year: u32,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month.
    pub day: u32,
    /// The hour.
    pub hour: u32,
    /// The minute.
    pub minute: u32,
    /// The second.
    pub second: u32,
    /// The same in seconds since the Unix epoch.
    pub unix_seconds: Option<u32>,
}

impl ConfigStat {
    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let name = Reader::new(body).take("device name", DeviceName::MAX)?;
        Ok(Self {
            name: DeviceName::from_wire(name),
            user: text(at(body, 24).take_up_to(40)),
            server: text(at(body, 64).take_up_to(40)),
            lines: at(body, 104).u32_le("number of lines").ok(),
            speed_dials: at(body, 108).u32_le("number of speed dials").ok(),
        })
    }

    pub(super) fn parse_dynamic(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let name = reader.until_nul().ok_or(DecodeError::Malformed {
            field: "device name",
        })?;
        reader.take("station identifier", 8)?;
        let lines = reader.u32_le("number of lines")?;
        let speed_dials = reader.u32_le("number of speed dials")?;
        Ok(Self {
            name: DeviceName::from_wire(name),
            user: reader.until_nul().and_then(text),
            server: text(reader.until_nul().unwrap_or(reader.peek())),
            lines: Some(lines),
            speed_dials: Some(speed_dials),
        })
    }
}

impl LineStat {
    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            line: Reader::new(body).u32_le("line number")?,
            number: text(at(body, 4).take_up_to(24)),
            display_name: text(at(body, 28).take_up_to(40)),
            label: text(at(body, 68).take_up_to(40)),
        })
    }

    pub(super) fn parse_dynamic(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let line = reader.u32_le("line number")?;
        reader.u32_le("line type")?;
        Ok(Self {
            line,
            number: reader.until_nul().and_then(text),
            display_name: reader.until_nul().and_then(text),
            label: text(reader.until_nul().unwrap_or(reader.peek())),
        })
    }
}

impl TimeDate {
    pub(super) fn parse(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let year = reader.u32_le("year")?;
        let month = reader.u32_le("month")?;
        reader.u32_le("day of week")?;
        Ok(Self {
            year,
            month,
            day: reader.u32_le("day")?,
            hour: reader.u32_le("hour")?,
            minute: reader.u32_le("minute")?,
            second: reader.u32_le("second")?,
            unix_seconds: at(body, 32).u32_le("system time").ok(),
        })
    }
}

/// The longest text that is kept, in characters.
const LIMIT: usize = 64;

fn text(field: &[u8]) -> Option<String> {
    let text = safe_text(field, LIMIT);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn reads_both_forms_of_a_configuration() {
        let mut body = vec![0; 112];
        body[..15].copy_from_slice(b"SEP001380AD9E5F");
        body[24..29].copy_from_slice(b"alice");
        body[64..67].copy_from_slice(b"cm1");
        body[104] = 2;
        body[108] = 4;
        let fixed = ConfigStat::parse(&body).unwrap();
        let mut body = b"SEP001380AD9E5F\0".to_vec();
        body.extend_from_slice(&[0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0]);
        body.extend_from_slice(b"alice\0cm1\0");
        let dynamic = ConfigStat::parse_dynamic(&body).unwrap();
        assert_eq!(fixed, dynamic);
        assert_eq!(fixed.user.as_deref(), Some("alice"));
        assert_eq!((fixed.lines, fixed.speed_dials), (Some(2), Some(4)));
        assert!(ConfigStat::parse(&body[..15]).is_err());
        assert!(ConfigStat::parse_dynamic(&[b'a'; 40]).is_err());
    }

    #[test]
    fn reads_both_forms_of_a_line() {
        let mut body = vec![0; 112];
        body[0] = 1;
        body[4..8].copy_from_slice(b"2001");
        body[28..33].copy_from_slice(b"Alice");
        body[68..73].copy_from_slice(b"Front");
        let fixed = LineStat::parse(&body).unwrap();
        let dynamic = [&[1, 0, 0, 0, 0x0F, 0, 0, 0][..], b"2001\0Alice\0Front\0"].concat();
        assert_eq!(LineStat::parse_dynamic(&dynamic).unwrap(), fixed);
        assert_eq!(fixed.number.as_deref(), Some("2001"));
        assert_eq!(fixed.label.as_deref(), Some("Front"));
        // The oldest form ends after the number.
        assert_eq!(LineStat::parse(&body[..28]).unwrap().label, None);
    }

    #[test]
    fn reads_the_time() {
        let numbers: [u32; 9] = [2024, 2, 4, 29, 23, 59, 58, 0, 1_709_251_198];
        let body: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let time = TimeDate::parse(&body).unwrap();
        assert_eq!((time.year, time.month, time.day), (2024, 2, 29));
        assert_eq!((time.hour, time.minute, time.second), (23, 59, 58));
        assert_eq!(time.unix_seconds, Some(1_709_251_198));
        assert_eq!(TimeDate::parse(&body[..32]).unwrap().unix_seconds, None);
    }
}
