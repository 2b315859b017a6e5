//! Of what nobody is told for a while.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::route::any_matches;
use super::update::{Facts, SubjectKind};
use crate::config::{Glob, Silence as Configured, SilenceTime, Weekday};
use crate::time::Timestamp;

/// A silence that somebody asked for while the program runs. What it holds must all match; what is empty matches every
/// alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The code of the finding is one of these.
    #[serde(default)]
    pub codes: Vec<Glob>,
    /// The device has one of these names.
    #[serde(default)]
    pub phones: Vec<Glob>,
    /// One of these servers has a part in it.
    #[serde(default)]
    pub servers: Vec<IpAddr>,
    /// The device is at one of these sites.
    #[serde(default)]
    pub sites: Vec<Glob>,
    /// From this time on.
    pub start: Timestamp,
    /// Up to this time.
    pub end: Timestamp,
    /// Why, in the words of whoever asked.
    pub comment: String,
    /// Who asked.
    pub author: String,
}

/// A silence by the number under which it can be ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberedSilence {
    /// Its number, which no other silence had before it.
    #[serde(rename = "id")]
    pub number: u64,
    /// What it silences.
    #[serde(flatten)]
    pub silence: Silence,
}

/// A time in which nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Since when.
    pub since: Timestamp,
    /// Up to this time.
    pub until: Timestamp,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who asked.
    pub author: String,
}

impl Silence {
    /// Whether it silences this alert at this time.
    pub(super) fn mutes(&self, facts: &Facts, now: Timestamp) -> bool {
        let matchers = Matchers {
            codes: &self.codes,
            phones: &self.phones,
            servers: &self.servers,
            sites: &self.sites,
        };
        self.start <= now && now < self.end && matchers.match_all(facts)
    }
}

/// Of which alerts a silence speaks, whoever made it. What is empty matches every alert.
struct Matchers<'a> {
    codes: &'a [Glob],
    phones: &'a [Glob],
    servers: &'a [IpAddr],
    sites: &'a [Glob],
}

impl Matchers<'_> {
    fn match_all(&self, facts: &Facts) -> bool {
        let is_device = facts.subject.kind == SubjectKind::Device;
        (self.codes.is_empty() || any_matches(self.codes, Some(&facts.code)))
            && (self.phones.is_empty()
                || is_device && any_matches(self.phones, Some(&facts.subject.label)))
            && (self.sites.is_empty() || any_matches(self.sites, facts.known.site.as_deref()))
            && (self.servers.is_empty()
                || facts
                    .server
                    .is_some_and(|server| self.servers.contains(&server)))
    }
}

/// Whether a silence of the configuration silences this alert at this time.
pub(super) fn mutes(silence: &Configured, facts: &Facts, now: Timestamp) -> bool {
    let matchers = Matchers {
        codes: &silence.codes,
        phones: &silence.phones,
        servers: &silence.servers,
        sites: &silence.sites,
    };
    matchers.match_all(facts)
        && windows(&silence.time, now).any(|(start, end)| start <= now && now < end)
}

/// When a silence of the configuration next begins or ends after `now`.
pub(super) fn next_change(silence: &Configured, now: Timestamp) -> Option<Timestamp> {
    windows(&silence.time, now)
        .flat_map(|(start, end)| [start, end])
        .filter(|at| *at > now)
        .min()
}

/// The windows of a silence that may hold at `now` or come next.
fn windows(time: &SilenceTime, now: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    const DAY: u64 = 86_400;
    let (once, weekly) = match time {
        SilenceTime::Once { start, end } => (Some((*start, *end)), None),
        SilenceTime::Weekly { days, from, to } => (None, Some((days, *from, *to))),
    };
    let today = now.as_nanos() / 1_000_000_000 / DAY;
    let weekly = weekly.into_iter().flat_map(move |(days, from, to)| {
        let minutes = if to > from {
            to - from
        } else {
            to + 1440 - from
        };
        let length = Duration::from_secs(u64::from(minutes) * 60);
        // Yesterday's may last until today; that of a week ahead is the next of one day in the week.
        (today.saturating_sub(1)..=today + 7)
            .filter(|day| days.contains(&weekday(*day)))
            .map(move |day| {
                let start = Timestamp::from_secs(day * DAY + u64::from(from) * 60);
                (start, start + length)
            })
    });
    once.into_iter().chain(weekly)
}

/// The day of the week, of so many days after the epoch, which was a Thursday.
fn weekday(day: u64) -> Weekday {
    let place = usize::try_from((day + 3) % 7).unwrap_or_default();
    Weekday::ALL.get(place).copied().unwrap_or(Weekday::Monday)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly(days: &[Weekday], from: u16, to: u16) -> Configured {
        Configured {
            codes: Vec::new(),
            phones: Vec::new(),
            servers: Vec::new(),
            sites: Vec::new(),
            time: SilenceTime::Weekly {
                days: days.into(),
                from,
                to,
            },
        }
    }

    #[test]
    fn a_weekly_silence_holds_over_midnight() {
        let nights = weekly(&[Weekday::Saturday], 22 * 60, 4 * 60);
        // 28 February 2026 is a Saturday.
        for (now, holds, next) in [
            ("2026-02-28T21:59:59Z", false, "2026-02-28T22:00:00Z"),
            ("2026-02-28T22:00:00Z", true, "2026-03-01T04:00:00Z"),
            ("2026-03-01T03:59:59Z", true, "2026-03-01T04:00:00Z"),
            ("2026-03-01T04:00:00Z", false, "2026-03-07T22:00:00Z"),
            ("2026-03-01T22:00:00Z", false, "2026-03-07T22:00:00Z"),
        ] {
            let now = at(now);
            let inside = windows(&nights.time, now).any(|(from, to)| from <= now && now < to);
            assert_eq!(inside, holds, "{now}");
            assert_eq!(next_change(&nights, now), Some(at(next)), "{now}");
        }
    }

    #[test]
    fn from_and_to_at_the_same_time_is_a_whole_day() {
        let sundays = weekly(&[Weekday::Sunday], 0, 0);
        let now = at("2026-03-01T12:00:00Z");
        assert_eq!(next_change(&sundays, now), Some(at("2026-03-02T00:00:00Z")));
    }

    #[test]
    fn a_silence_in_the_past_changes_nothing_any_more() {
        let mut once = weekly(&[], 0, 0);
        once.time = SilenceTime::Once {
            start: Timestamp::from_secs(10),
            end: Timestamp::from_secs(20),
        };
        let next = |seconds| next_change(&once, Timestamp::from_secs(seconds));
        assert_eq!(next(9), Some(Timestamp::from_secs(10)));
        assert_eq!(next(10), Some(Timestamp::from_secs(20)));
        assert_eq!(next(20), None);
    }
}
