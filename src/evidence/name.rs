//! How the file of a piece of evidence is called: `20260105T080000.000000Z-registration_rejected-SEP001380AD9E5F.pcap`.

use std::fmt;
use std::str::FromStr;

use crate::time::Timestamp;

/// The name of a file of evidence: when it was taken, for which finding, of whom. It holds letters, digits, `.`, `_` and
/// `-` alone, and never begins with a dot, so it may stand in a path and in an address as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EvidenceName {
    at: Timestamp,
    code: String,
    subject: String,
}

/// The text is no name of a file of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a file of evidence")]
pub struct ParseNameError;

const EXTENSION: &str = ".pcap";
/// Of a subject so many characters stand in the name, and of a code.
const MOST: usize = 48;

impl EvidenceName {
    /// The name of what is taken at `at` for the finding `code` of `subject`, whatever that holds.
    pub fn new(at: Timestamp, code: &str, subject: &str) -> Self {
        let code = code.chars().filter(|&it| is_of_code(it)).take(MOST);
        Self {
            // Microseconds are what the name tells.
            at: Timestamp::from_nanos(at.as_nanos() / 1000 * 1000),
            code: code.collect(),
            subject: Self::subject(subject),
        }
    }

    /// How somebody is called in the names of files.
    pub fn subject(subject: &str) -> String {
        let safe = |character| {
            if is_of_subject(character) {
                character
            } else {
                '-'
            }
        };
        subject.chars().map(safe).take(MOST).collect()
    }

    /// When the evidence was taken.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The code of the finding.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it is about somebody who is called so.
    pub fn is_of(&self, subject: &str) -> bool {
        self.subject.eq_ignore_ascii_case(&Self::subject(subject))
    }
}

const fn is_of_code(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
}

const fn is_of_subject(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

impl fmt::Display for EvidenceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.to_string();
        let at: String = at.chars().filter(|it| !matches!(it, '-' | ':')).collect();
        write!(formatter, "{at}-{}-{}{EXTENSION}", self.code, self.subject)
    }
}

impl FromStr for EvidenceName {
    type Err = ParseNameError;

    /// Reads a name as it is shown, and nothing else.
    fn from_str(text: &str) -> Result<Self, ParseNameError> {
        let stem = text.strip_suffix(EXTENSION).ok_or(ParseNameError)?;
        let mut parts = stem.splitn(3, '-');
        let mut part = || parts.next().ok_or(ParseNameError);
        let (at, code, subject) = (part()?, part()?, part()?);
        let digits = |range| at.get(range).ok_or(ParseNameError);
        let at = format!(
            "{}-{}-{}:{}:{}",
            digits(0..4)?,
            digits(4..6)?,
            digits(6..11)?,
            digits(11..13)?,
            at.get(13..).ok_or(ParseNameError)?
        );
        let at = at.parse().map_err(|_| ParseNameError)?;
        let name = Self::new(at, code, subject);
        // Whatever else would give the same is no name.
        if name.to_string() == text {
            Ok(name)
        } else {
            Err(ParseNameError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_tells_when_what_and_whom() {
        let at = Timestamp::from_nanos(1_767_600_000_123_456_789);
        let name = EvidenceName::new(at, "registration_rejected", "SEP001380AD9E5F");
        let text = "20260105T080000.123456Z-registration_rejected-SEP001380AD9E5F.pcap";
        assert_eq!(name.to_string(), text);
        assert_eq!(text.parse(), Ok(name.clone()));
        assert!(name.is_of("sep001380ad9e5f") && !name.is_of("SEP001380AD9E5E"));
        assert_eq!(name.code(), "registration_rejected");
        let mac = EvidenceName::new(at, "x", "00:13:80:ad:9e:5f");
        assert!(mac.is_of("00:13:80:ad:9e:5f"), "{mac}");
        assert_eq!(mac.to_string().parse(), Ok(mac));
    }

    #[test]
    fn a_hostile_name_stays_a_plain_file() {
        let at = Timestamp::from_secs(1);
        for subject in [
            "../../etc/passwd",
            "a\0b",
            "..",
            ".",
            "",
            "-rf",
            "a/b\\c",
            "x\r\nSet-Cookie: a",
            "\u{202e}cap.exe",
            "%2e%2e%2f",
            &"A".repeat(4096),
        ] {
            let text = EvidenceName::new(at, "boot_loop", subject).to_string();
            assert!(
                text.starts_with("19700101T000001.000000Z-boot_loop-"),
                "{text}"
            );
            assert!(
                text.chars().all(is_of_subject) && text.len() < 150,
                "{text}"
            );
            text.parse::<EvidenceName>().unwrap();
        }
        for text in [
            "",
            ".pcap",
            "../19700101T000001.000000Z-a-b.pcap",
            "19700101T000001.000000Z-a-../b.pcap",
            "19700101T000001.000000Z-a-b.pcap.part",
            "19700101T000001.000000Z-a-b",
            "19700101T000001Z-a-b.pcap",
            "19701301T000001.000000Z-a-b.pcap",
            "19700101T000001.000000Z-A-b.pcap",
            "19700101T000001.000000Z-a.pcap",
            "é9700101T000001.000000Z-a-b.pcap",
            "outbox.sqlite",
        ] {
            assert_eq!(text.parse::<EvidenceName>(), Err(ParseNameError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_back(at: u64, code in ".{0,60}", subject in ".{0,60}") {
            let name = EvidenceName::new(Timestamp::from_nanos(at), &code, &subject);
            let text = name.to_string();
            prop_assert!(text.chars().all(is_of_subject));
            prop_assert_eq!(text.parse(), Ok(name));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            if let Ok(name) = text.parse::<EvidenceName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
