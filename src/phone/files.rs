//! What stands in the way of a phone's names and files: only phones that met with something have this record.

use std::net::IpAddr;
use std::time::Duration;

use super::dns::FailedName;
use crate::time::Timestamp;
use crate::wire::icmp::UnreachableCode;

/// What became of a phone's lookups and files that calls for a word. All of it is taken back when the contrary is seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Files {
    /// Names that were not found, the oldest first; at most [`Self::MOST_NAMES`].
    pub failed_names: Vec<FailedName>,
    /// Requests that nothing answered, since a TFTP server last answered this phone.
    pub unanswered: Option<Unanswered>,
    /// What a server sent and the phone never acknowledged.
    pub one_way: Option<OneWay>,
    /// Its own configuration is not on the server.
    pub missing: Option<MissingConfig>,
    /// A load that is not on the server.
    pub missing_load: Option<MissingLoad>,
    /// Its last restart was for its load, by its own word.
    pub load_error: Option<LoadError>,
    /// The load that it last fetched.
    pub loaded: Option<ServedLoad>,
    /// It asks a server that DHCP did not offer.
    pub elsewhere: Option<Elsewhere>,
    /// It asked for the configuration of another phone.
    pub foreign: Option<ForeignFile>,
    /// A configuration that it could not use.
    pub corrupt: Option<CorruptConfig>,
}

/// A file of a server, and when it was at stake.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileSeen {
    /// When.
    pub at: Timestamp,
    /// Its name, safe to show.
    pub file: Box<str>,
    /// The server.
    pub server: IpAddr,
}

/// Requests without an answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unanswered {
    /// The first of them.
    pub first: FileSeen,
    /// The last of them.
    pub last: FileSeen,
    /// How many there were, repetitions included.
    pub tries: u32,
    /// What a router or the server said of the last one, where any did.
    pub unreachable: Option<UnreachableCode>,
    /// Whether the sensor shows what the server answers; else only the phone's repetitions tell that nothing reaches it.
    #[serde(default = "is_usual")]
    pub is_shown: bool,
}

/// What was stored before it was told apart.
const fn is_usual() -> bool {
    true
}

/// A transfer of which only one direction arrives.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OneWay {
    /// The request.
    pub first: FileSeen,
    /// When it last went wrong.
    pub last: Timestamp,
    /// How often the phone asked.
    pub requests: u32,
    /// How often the server sent what was not acknowledged.
    pub sent: u32,
}

/// The server does not have the phone's own configuration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MissingConfig {
    /// When it was first refused.
    pub since: Timestamp,
    /// In how many passes it was refused.
    pub passes: u32,
    /// The names under which the phone asked for it in the present pass; at most [`Files::MOST_REFUSED`].
    pub refused: Vec<FileSeen>,
    /// The default configuration that was refused in the present pass.
    pub default_refused: Option<FileSeen>,
    /// The default configuration that was served in the present pass.
    pub default_served: Option<FileSeen>,
}

/// A load that the server does not have.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MissingLoad {
    /// When it was first refused.
    pub since: Timestamp,
    /// The last file that was refused.
    pub last: FileSeen,
    /// How many were refused.
    pub times: u32,
}

/// A phone says that its load made it restart.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LoadError {
    /// When it said so.
    pub at: Timestamp,
    /// Its words, or what its number means; safe to show.
    pub text: Box<str>,
}

/// A load that was delivered whole.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ServedLoad {
    /// The file, at the time when its last block came.
    pub file: FileSeen,
    /// Its size in bytes, as far as it was seen.
    pub bytes: u64,
    /// How long it took.
    pub took: Duration,
}

/// A server that the phone asks though DHCP offered others.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Elsewhere {
    /// The first file that it asked for there.
    pub first: FileSeen,
    /// When it last did.
    pub last: Timestamp,
    /// When DHCP offered the others.
    pub leased: Timestamp,
    /// The servers that DHCP offered.
    pub offered: Box<[IpAddr]>,
}

/// The configuration of another phone.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ForeignFile {
    /// The first request.
    pub first: FileSeen,
    /// When it was last asked for.
    pub last: Timestamp,
    /// In how many of its twelve digits the hardware address in the file's name is another one.
    pub digits: u32,
    /// When DHCP gave this phone its address, which shows whose hardware address it is.
    pub leased: Timestamp,
}

/// A configuration that is broken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CorruptConfig {
    /// The file, at the time when its last block came.
    pub file: FileSeen,
    /// Its size in bytes.
    pub bytes: usize,
    /// What is wrong with it.
    pub what: Box<str>,
}

impl Files {
    /// As many failed names are kept.
    pub const MOST_NAMES: usize = 4;

    /// As many names of a missing configuration are kept.
    pub const MOST_REFUSED: usize = 4;

    /// A phone asks for the forms of its configuration one right after the other; what comes later is another pass.
    const PASS: Duration = Duration::from_secs(15);

    /// Whether nothing is left to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Requests for one file that nothing answered.
    pub fn note_unanswered(&mut self, unanswered: Unanswered) {
        match &mut self.unanswered {
            Some(known) if known.last.server == unanswered.last.server => {
                known.tries = known.tries.saturating_add(unanswered.tries);
                known.last = unanswered.last;
                known.unreachable = unanswered.unreachable.or(known.unreachable);
                known.is_shown |= unanswered.is_shown;
            }
            _ => self.unanswered = Some(unanswered),
        }
    }

    /// The phone asked again, or gave up, though the server had sent something.
    pub fn note_unheard(&mut self, first: FileSeen, at: Timestamp, requests: u32, sent: u32) {
        let known = self.one_way.get_or_insert(OneWay {
            first,
            last: at,
            requests: 0,
            sent: 0,
        });
        known.last = at;
        known.requests = known.requests.saturating_add(requests);
        known.sent = known.sent.saturating_add(sent);
    }

    /// The server does not have the phone's own configuration under this name.
    pub fn note_refused(&mut self, file: FileSeen) {
        let missing = self.missing.get_or_insert_with(|| MissingConfig {
            since: file.at,
            passes: 0,
            refused: Vec::new(),
            default_refused: None,
            default_served: None,
        });
        let goes_on = missing
            .refused
            .last()
            .is_some_and(|last| file.at.since(last.at) < Self::PASS);
        if !goes_on {
            missing.passes = missing.passes.saturating_add(1);
            missing.refused.clear();
            missing.default_refused = None;
            missing.default_served = None;
        }
        if missing.refused.len() < Self::MOST_REFUSED {
            missing.refused.push(file);
        }
    }

    /// The server does not have this load.
    pub fn note_missing_load(&mut self, file: FileSeen) {
        match &mut self.missing_load {
            Some(known) => {
                known.times = known.times.saturating_add(1);
                known.last = file;
            }
            None => {
                self.missing_load = Some(MissingLoad {
                    since: file.at,
                    last: file,
                    times: 1,
                });
            }
        }
    }

    /// A name was not found: it takes the place of what was known of the same name.
    pub fn note_failed_name(&mut self, failed: FailedName) {
        if let Some(known) = self
            .failed_names
            .iter_mut()
            .find(|known| known.name == failed.name)
        {
            known.tries = known.tries.saturating_add(failed.tries);
            known.last = failed.last;
            known.server = failed.server;
            known.answer = failed.answer;
            return;
        }
        if self.failed_names.len() >= Self::MOST_NAMES {
            self.failed_names.remove(0);
        }
        self.failed_names.push(failed);
    }

    /// A name was found: whatever domain stood behind it when it was not, it is found.
    pub fn note_found_name(&mut self, name: &str) {
        self.failed_names
            .retain(|failed| !super::dns::same_host(&failed.name, name));
    }

    /// Takes over what was known under another record of the same device.
    pub(super) fn absorb(&mut self, other: Self) {
        for failed in other.failed_names {
            self.note_failed_name(failed);
        }
        self.unanswered = self.unanswered.take().or(other.unanswered);
        self.one_way = self.one_way.take().or(other.one_way);
        self.missing = self.missing.take().or(other.missing);
        self.missing_load = self.missing_load.take().or(other.missing_load);
        self.load_error = self.load_error.take().or(other.load_error);
        self.loaded = self.loaded.take().or(other.loaded);
        self.elsewhere = self.elsewhere.take().or(other.elsewhere);
        self.foreign = self.foreign.take().or(other.foreign);
        self.corrupt = self.corrupt.take().or(other.corrupt);
    }
}

impl MissingConfig {
    /// When the present pass began.
    pub fn pass(&self) -> Timestamp {
        self.refused.first().map_or(self.since, |file| file.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::dns::NameAnswer;

    fn seen(second: u64, file: &str) -> FileSeen {
        FileSeen {
            at: Timestamp::from_secs(second),
            file: file.into(),
            server: IpAddr::from([10, 0, 0, 5]),
        }
    }

    #[test]
    fn another_pass_begins_with_the_next_refusal_after_a_while() {
        let mut files = Files::default();
        files.note_refused(seen(1, "a.cnf.xml.sgn"));
        files.note_refused(seen(2, "a.cnf.xml"));
        files.missing.as_mut().unwrap().default_served = Some(seen(3, "XMLDefault.cnf.xml"));
        let missing = files.missing.as_ref().unwrap();
        assert_eq!((missing.passes, missing.refused.len()), (1, 2));
        assert_eq!(missing.pass(), Timestamp::from_secs(1));
        files.note_refused(seen(60, "a.cnf.xml"));
        let missing = files.missing.as_ref().unwrap();
        assert_eq!((missing.passes, missing.refused.len()), (2, 1));
        assert_eq!(missing.default_served, None, "that was the pass before");
        assert_eq!(missing.since, Timestamp::from_secs(1));
    }

    #[test]
    fn a_name_that_is_found_under_another_domain_is_found() {
        let mut files = Files::default();
        for number in 0..6 {
            files.note_failed_name(FailedName {
                name: format!("cm{number}.here.example").into(),
                server: IpAddr::from([10, 0, 0, 53]),
                answer: NameAnswer::NoAnswer,
                first: Timestamp::from_secs(1),
                last: Timestamp::from_secs(1),
                tries: 1,
            });
        }
        assert_eq!(files.failed_names.len(), Files::MOST_NAMES);
        files.note_found_name("CM5.there.example");
        assert!(
            files
                .failed_names
                .iter()
                .all(|failed| !failed.name.starts_with("cm5"))
        );
        assert_eq!(files.failed_names.len(), Files::MOST_NAMES - 1);
    }
}
