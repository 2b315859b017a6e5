//! Lengths of time for people.

use std::time::Duration;

/// `0.4 ms`, `21 ms`, `7.5 s`, `42 s`, `3 min`, `2 h 5 min`.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let tenths = |whole: u128, part: u128, unit| {
        if part == 0 || whole >= 10 {
            format!("{whole} {unit}")
        } else {
            format!("{whole}.{part} {unit}")
        }
    };
    if seconds == 0 {
        let micros = time.as_micros();
        return tenths(micros / 1000, micros % 1000 / 100, "ms");
    }
    if seconds < 100 {
        let millis = time.as_millis();
        return tenths(millis / 1000, millis % 1000 / 100, "s");
    }
    match (seconds / 3600, seconds / 60 % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_exact_as_people_want_it() {
        let told = [400, 21_300, 7_500_000, 42_900_000, 185_000_000]
            .map(|micros| span(Duration::from_micros(micros)));
        assert_eq!(told, ["0.4 ms", "21 ms", "7.5 s", "42 s", "3 min"]);
        let hours = [3600, 7500].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(hours, ["1 h", "2 h 5 min"]);
    }
}
