//! Time as data: a [`Timestamp`] comes with each frame and is passed as an argument.
//!
//! Nothing from `wire` to `engine` reads a clock. Durations are [`std::time::Duration`]; sums and differences saturate,
//! since a capture file can carry any number where a time should be.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

/// Nanoseconds since the Unix epoch, as the capture gave them.
///
/// Kept as one more than they are: nothing is zero, so an `Option<Timestamp>` takes no more room than the time itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

impl Timestamp {
    /// The epoch itself: earlier than any frame.
    pub const EPOCH: Self = Self(NonZeroU64::MIN);
    /// Later than any frame.
    pub const FAR_FUTURE: Self = Self(NonZeroU64::MAX);

    /// The time `nanoseconds` after the Unix epoch.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(nanoseconds))
    }

    /// The time `seconds` after the Unix epoch.
    pub const fn from_secs(seconds: u64) -> Self {
        Self::from_nanos(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0.get() - 1
    }

    /// Seconds since the Unix epoch, with their fraction.
    #[expect(
        clippy::cast_precision_loss,
        reason = "shown to people and to Prometheus, both of which read a float"
    )]
    pub fn as_secs_f64(self) -> f64 {
        self.as_nanos() as f64 / 1e9
    }

    /// How long after `earlier` this is; zero where it is not after it (a clock that was set back).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }

    /// How far apart the two are, whichever comes first.
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_nanos(self.0.get().abs_diff(other.0.get()))
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::EPOCH
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::from_nanos(self.as_nanos().saturating_sub(nanos(duration)))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with microseconds: `2026-01-02T03:04:05.123456Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = i128::from(self.as_nanos());
        // A u64 of nanoseconds ends in the year 2554, inside what jiff can show.
        match jiff::Timestamp::from_nanosecond(nanoseconds) {
            Ok(timestamp) => write!(formatter, "{timestamp:.6}"),
            Err(_) => write!(formatter, "{nanoseconds}ns"),
        }
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time: write 2026-01-02T03:04:05Z")]
pub struct ParseTimestampError;

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// Reads RFC 3339 with any zone; what is before the epoch is the epoch.
    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| ParseTimestampError)?;
        let nanoseconds = u64::try_from(timestamp.as_nanosecond().max(0)).unwrap_or(u64::MAX);
        Ok(Self::from_nanos(nanoseconds))
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_rfc_3339_with_microseconds() {
        assert_eq!(
            Timestamp::from_nanos(1_700_000_000_123_456_789).to_string(),
            "2023-11-14T22:13:20.123456Z"
        );
        assert_eq!(Timestamp::EPOCH.to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            Timestamp::FAR_FUTURE.to_string(),
            "2554-07-21T23:34:33.709551Z"
        );
    }

    #[test]
    fn reads_what_it_shows() {
        let at = Timestamp::from_nanos(1_700_000_000_123_456_000);
        let stored = serde_json::to_string(&at).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&stored).unwrap(), at);
        for (text, seconds) in [
            ("2023-11-14T23:13:20+01:00", 1_700_000_000),
            ("1890-01-01T00:00:00Z", 0),
        ] {
            let read: Timestamp = serde_json::from_value(text.into()).unwrap();
            assert_eq!(read, Timestamp::from_secs(seconds), "{text}");
        }
        serde_json::from_str::<Timestamp>("\"yesterday\"").unwrap_err();
    }

    #[test]
    fn sums_and_differences_saturate() {
        let at = Timestamp::from_secs(10);
        assert_eq!(at.since(Timestamp::from_secs(12)), Duration::ZERO);
        assert_eq!(
            at.distance(Timestamp::from_secs(12)),
            Duration::from_secs(2)
        );
        assert_eq!(at - Duration::from_secs(11), Timestamp::EPOCH);
        assert_eq!(Timestamp::FAR_FUTURE + Duration::MAX, Timestamp::FAR_FUTURE);
    }
}
