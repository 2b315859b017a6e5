//! How fast a simulated fleet is played.

use std::str::FromStr;
use std::time::Duration;

/// How many seconds of the simulation pass in one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many.
    Times(f64),
    /// As many as it goes.
    Max,
}

/// The text is no speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number from 0.01 to 10000 is allowed, or max")]
pub struct ParseSpeedError;

impl Speed {
    /// How long after the beginning something is played that happens so long after the beginning of the simulation.
    pub fn played_after(self, simulated: Duration) -> Duration {
        match self {
            Self::Times(times) => simulated.div_f64(times),
            Self::Max => Duration::ZERO,
        }
    }
}

impl FromStr for Speed {
    type Err = ParseSpeedError;

    fn from_str(text: &str) -> Result<Self, ParseSpeedError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times = text.parse().map_err(|_| ParseSpeedError)?;
        if !(0.01..=10_000.0).contains(&times) {
            return Err(ParseSpeedError);
        }
        Ok(Self::Times(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_divided_by_the_speed() {
        let minute = Duration::from_secs(60);
        for (text, after) in [("1", 60_000), ("20", 3000), ("0.5", 120_000), ("max", 0)] {
            let speed: Speed = text.parse().unwrap();
            assert_eq!(
                speed.played_after(minute),
                Duration::from_millis(after),
                "{text}"
            );
        }
        for text in ["", "0", "-1", "NaN", "inf", "10001", "fast"] {
            assert_eq!(text.parse::<Speed>(), Err(ParseSpeedError), "{text}");
        }
    }
}
