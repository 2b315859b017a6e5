//! Numbers that look random and are the same on every run (splitmix64: Steele, Lea and Flood, 2014).

use std::time::Duration;

/// A generator; the same seed gives the same numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A generator of its own for one of many, so that none depends on how far another has come.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        let mut first = Self(seed);
        let mut second = Self(first.next() ^ number);
        Self(second.next())
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, and without, `limit`; 0 where the limit is.
    pub(super) const fn below(&mut self, limit: u64) -> u64 {
        let number = self.next() >> 11;
        match number.checked_rem(limit) {
            Some(number) => number,
            None => 0,
        }
    }

    /// A number of 16 bits.
    pub(super) fn number16(&mut self) -> u16 {
        u16::try_from(self.below(1 << 16)).unwrap_or(0)
    }

    /// A number of 32 bits.
    pub(super) fn number32(&mut self) -> u32 {
        u32::try_from(self.below(1 << 32)).unwrap_or(0)
    }

    /// A duration from `least` up to `most`, to the microsecond.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = most.saturating_sub(least).as_micros();
        let span = u64::try_from(span).unwrap_or(u64::MAX);
        least + Duration::from_micros(self.below(span))
    }

    /// A duration between so many seconds.
    pub(super) fn seconds(&mut self, least: u64, most: u64) -> Duration {
        self.between(Duration::from_secs(least), Duration::from_secs(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_numbers_of_splitmix64() {
        // The published reference implementation, seeded with 1234567.
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn stays_below_its_limit() {
        let mut random = Random(1);
        assert!((0..1000).all(|_| random.below(7) < 7));
        assert_eq!(random.below(0), 0);
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(2));
        assert!((0..1000).all(|_| (least..most).contains(&random.between(least, most))));
    }
}
