//! Numbers, durations and times as people write them.

use std::time::Duration;

use crate::time::Timestamp;

/// `4,321`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 frame`, `4,321 frames`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// `3.5 ms`, `420 ms`, `3.5 s`, `42 s`, `3 min 5 s`, `1 h 49 min`, `3 d 4 h`: two units at most, cut, not rounded.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let pair = |large: u64, large_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{} {large_unit}", number(large))
        } else {
            format!("{} {large_unit} {small} {small_unit}", number(large))
        }
    };
    match seconds {
        0 => milliseconds(duration),
        1..10 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds / 60 % 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds / 3_600 % 24, "h"),
    }
}

fn milliseconds(duration: Duration) -> String {
    let tenths = duration.as_micros() / 100;
    match tenths {
        0 if duration.is_zero() => String::from("0 s"),
        0 => String::from("<0.1 ms"),
        1..100 => format!("{}.{} ms", tenths / 10, tenths % 10),
        _ => format!("{} ms", tenths / 10),
    }
}

/// `2026-01-02 03:04:05`, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    let text = at.to_string();
    let whole_seconds = text.split('.').next().unwrap_or_default();
    whole_seconds.replace('T', " ")
}

/// `03:04:05.678`, in UTC.
pub(super) fn clock(at: Timestamp) -> String {
    let text = at.to_string();
    let clock = text.split('T').nth(1).unwrap_or_default();
    clock.chars().take("03:04:05.678".len()).collect()
}

/// `a, b, c and 9 more`: the first few of them.
pub(super) fn first_few<'a>(mut names: impl Iterator<Item = &'a str>, few: usize) -> String {
    let mut shown: Vec<&str> = names.by_ref().take(few).collect();
    match (names.count(), shown.pop()) {
        (0, Some(last)) if !shown.is_empty() => format!("{} and {last}", shown.join(", ")),
        (0, last) => last.unwrap_or_default().to_owned(),
        (more, last) => {
            shown.extend(last);
            let more = u64::try_from(more).unwrap_or(u64::MAX);
            format!("{} and {} more", shown.join(", "), number(more))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(number(count), text);
        }
        assert_eq!(counted(1, "copy", "copies"), "1 copy");
        assert_eq!(counted(0, "copy", "copies"), "0 copies");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (microseconds, text) in [
            (0, "0 s"),
            (99, "<0.1 ms"),
            (150, "0.1 ms"),
            (9_999, "9.9 ms"),
            (10_000, "10 ms"),
            (999_999, "999 ms"),
            (1_500_000, "1.5 s"),
            (69_050_000, "1 min 9 s"),
            (120_000_000, "2 min"),
            (6_585_216_000, "1 h 49 min"),
            (86_400_000_000, "1 d"),
            (273_600_000_000, "3 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_micros(microseconds)), text);
        }
        assert_eq!(duration(Duration::MAX), "213,503,982,334,601 d 7 h");
    }

    #[test]
    fn of_many_names_the_first_are_given() {
        for (names, text) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "b"], "a and b"),
            (&["a", "b", "c"], "a, b and c"),
            (&["a", "b", "c", "d"], "a, b, c and 1 more"),
        ] {
            assert_eq!(first_few(names.iter().copied(), 3), text);
        }
    }

    #[test]
    fn a_clock_shows_milliseconds() {
        assert_eq!(
            clock(Timestamp::from_nanos(1_700_000_000_999_999_999)),
            "22:13:20.999"
        );
        assert_eq!(clock(Timestamp::from_secs(1_700_000_000)), "22:13:20.000");
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(
            time(Timestamp::from_nanos(1_700_000_000_999_999_999)),
            "2023-11-14 22:13:20"
        );
        assert_eq!(time(Timestamp::FAR_FUTURE), "2554-07-21 23:34:33");
    }
}
