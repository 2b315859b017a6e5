//! A short name for a thing that is the same in every run of the program.

use std::fmt;
use std::str::FromStr;

/// The 64-bit FNV-1a hash of what identifies an alert; shown as sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of these texts in this order.
    pub fn of(parts: &[&str]) -> Self {
        // The offset basis and the prime of FNV-1a. What the standard library hashes with may change between releases,
        // and these are stored and compared by others.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for part in parts {
            // A byte that no text holds stands behind each part, so that "ab", "c" is not "a", "bc".
            for byte in part.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self(hash)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// The text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a fingerprint: sixteen hexadecimal digits")]
pub struct ParseFingerprintError;

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, ParseFingerprintError> {
        let digits_only = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() != 16 || !digits_only {
            return Err(ParseFingerprintError);
        }
        u64::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| ParseFingerprintError)
    }
}

impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_in_every_release() {
        assert_eq!(
            Fingerprint::of(&["registration_rejected", "SEP001380AD9E5F"]).to_string(),
            "698d9e5134f288c5"
        );
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(Fingerprint::of(&["ab", "c"]), Fingerprint::of(&["a", "bc"]));
        assert_ne!(Fingerprint::of(&["a"]), Fingerprint::of(&["a", ""]));
    }

    #[test]
    fn reads_what_it_shows_and_nothing_else() {
        let fingerprint = Fingerprint::of(&["x"]);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        for text in ["", "+123456789abcdef", "123", "0123456789abcdefg"] {
            assert_eq!(text.parse::<Fingerprint>(), Err(ParseFingerprintError));
        }
    }
}
