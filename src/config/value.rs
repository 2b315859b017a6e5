//! Durations and sizes as people write them, and how they are shown to them.
//!
//! A number too large for its type becomes the largest one, so that the range check says "too large" of it rather
//! than that it could not be read.

use std::fmt;
use std::time::Duration;

/// Units of time with their length in microseconds, longest first.
const TIME_UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Units of size with their length in bytes, and whether sizes are shown in them.
const SIZE_UNITS: [(&str, u64, bool); 7] = [
    ("GiB", 1 << 30, true),
    ("MiB", 1 << 20, true),
    ("KiB", 1 << 10, true),
    ("GB", 1_000_000_000, false),
    ("MB", 1_000_000, false),
    ("kB", 1_000, false),
    ("B", 1, true),
];

/// Reads `30s`, `500ms`, `1h30m` and `0`; `None` where the text is no duration.
///
/// Units go from long to short, each at most once.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = 0_u64;
    let mut previous = u64::MAX;
    loop {
        let (count, unit, after) = number_and_word(rest)?;
        let (_, length) = TIME_UNITS.into_iter().find(|(name, _)| *name == unit)?;
        if length >= previous {
            return None;
        }
        previous = length;
        total = total.saturating_add(count.saturating_mul(length));
        rest = after;
        if rest.is_empty() {
            return Some(Duration::from_micros(total));
        }
    }
}

/// Reads `16MiB`, `8 MB` and `4096`, in either case; `None` where the text is no size.
pub(super) fn size(text: &str) -> Option<u64> {
    let (count, unit, after) = number_and_word(text.trim())?;
    let length = match unit {
        "" => 1,
        unit => {
            SIZE_UNITS
                .into_iter()
                .find(|(name, ..)| name.eq_ignore_ascii_case(unit))?
                .1
        }
    };
    after.is_empty().then_some(count.saturating_mul(length))
}

/// Reads `1%` and `0.5 %`, with one decimal at most, as thousandths; `None` where the text is no such share.
pub(super) fn permille(text: &str) -> Option<u32> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || tenths.len() != 1 || !is_number(whole) || !is_number(tenths) {
        return None;
    }
    let whole: u32 = whole.parse().unwrap_or(u32::MAX);
    Some(
        whole
            .saturating_mul(10)
            .saturating_add(tenths.parse().ok()?),
    )
}

/// The number and the word that `text` begins with, and what follows them.
fn number_and_word(text: &str) -> Option<(u64, &str, &str)> {
    let (digits, rest) = split_where(text, |character| !character.is_ascii_digit());
    if digits.is_empty() {
        return None;
    }
    let (word, rest) = split_where(rest.trim_start(), |character| {
        !character.is_ascii_alphabetic()
    });
    // Nothing but digits: the one thing that can be wrong is that they are too many.
    Some((digits.parse().unwrap_or(u64::MAX), word, rest.trim_start()))
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// A duration in the longest unit that shows it exactly: `90m`, `30s`, `0`.
#[derive(Clone, Copy)]
pub(super) struct ShownDuration(pub(super) Duration);

impl fmt::Display for ShownDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        // A day is never clearer than its hours in a range such as "from 1m to 24h".
        match TIME_UNITS
            .into_iter()
            .skip(1)
            .find(|(_, unit)| length.is_multiple_of(*unit))
        {
            Some((name, unit)) if length > 0 => write!(formatter, "{}{name}", length / unit),
            _ => formatter.write_str("0"),
        }
    }
}

/// A share in percent, of thousandths: `0.5%`, `10%`.
#[derive(Clone, Copy)]
pub(super) struct ShownShare(pub(super) u32);

impl fmt::Display for ShownShare {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(formatter, "{}%", self.0 / 10),
            tenths => write!(formatter, "{}.{tenths}%", self.0 / 10),
        }
    }
}

/// A size in the largest binary unit that shows it exactly: `16MiB`, `1000B`.
#[derive(Clone, Copy)]
pub(super) struct ShownSize(u64);

impl ShownSize {
    pub(super) fn of(bytes: usize) -> Self {
        Self(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for ShownSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SIZE_UNITS
            .into_iter()
            .find(|(_, unit, shown)| *shown && self.0.is_multiple_of(*unit))
        {
            Some((name, unit, _)) if self.0 > 0 => {
                write!(formatter, "{}{name}", self.0 / unit)
            }
            _ => formatter.write_str("0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_durations() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("30s", 30_000),
            (" 30 s ", 30_000),
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("0h5m", 300_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        assert_eq!(duration("250us"), Some(Duration::from_micros(250)));
        assert!(duration("99999999999999999999h") > duration("24h"));
        for text in [
            "", " ", "30", "s", "30x", "30S", "30m1h", "5m5m", "1.5h", "-5s", "+5s", "30s!", "0 0",
            "٣s", "5 ", "min",
        ] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("4096B", 4096),
            ("16MiB", 16 << 20),
            ("16 mib", 16 << 20),
            ("8 MB", 8_000_000),
            ("3kB", 3000),
            ("1GiB", 1 << 30),
            ("99999999999999999999", u64::MAX),
            ("99999999999GiB", u64::MAX),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in [
            "", "MiB", "16M", "16 MiB x", "1.5MiB", "-1", "16MiB2", "½MB",
        ] {
            assert_eq!(size(text), None, "{text:?}");
        }
    }

    #[test]
    fn reads_shares() {
        for (text, permille_of) in [
            ("0%", 0),
            ("0.5%", 5),
            (" 1 % ", 10),
            ("12.3%", 123),
            ("100%", 1000),
        ] {
            assert_eq!(permille(text), Some(permille_of), "{text}");
        }
        assert_eq!(permille("99999999999%"), Some(u32::MAX));
        for text in ["", "%", "5", ".5%", "0.05%", "1.%", "-1%", "1,5%", "0x1%"] {
            assert_eq!(permille(text), None, "{text:?}");
        }
        assert_eq!(ShownShare(5).to_string(), "0.5%");
        assert_eq!(ShownShare(1000).to_string(), "100%");
    }

    proptest! {
        #[test]
        fn a_duration_shown_reads_back(micros in 0..=u64::MAX / 2) {
            let value = Duration::from_micros(micros);
            prop_assert_eq!(duration(&ShownDuration(value).to_string()), Some(value));
        }

        #[test]
        fn a_size_shown_reads_back(bytes: u64) {
            prop_assert_eq!(size(&ShownSize(bytes).to_string()), Some(bytes));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-zA-Z .é-]{0,20}") {
            let _ = (duration(&text), size(&text));
        }
    }
}
