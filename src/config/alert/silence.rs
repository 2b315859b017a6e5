//! Silences that stand in the configuration: of what nobody is told, and when.

use std::net::IpAddr;

use super::{Alert, Glob, addresses, globs};
use crate::config::section::Section;
use crate::config::wording::{described, quoted_text};
use crate::time::Timestamp;

/// Of what nobody is told, and when. What it holds must all match; what is empty matches every alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The code of the finding is one of these.
    pub codes: Vec<Glob>,
    /// The device has one of these names.
    pub phones: Vec<Glob>,
    /// One of these servers has a part in it.
    pub servers: Vec<IpAddr>,
    /// The device is at one of these sites.
    pub sites: Vec<Glob>,
    /// When.
    pub time: SilenceTime,
}

/// When a silence holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SilenceTime {
    /// Once.
    Once {
        /// From this time on.
        start: Timestamp,
        /// Up to this time.
        end: Timestamp,
    },
    /// On some days of each week, in UTC. Where `to` is not after `from` it ends on the day after.
    Weekly {
        /// The days on which it begins, each once.
        days: Vec<Weekday>,
        /// When it begins, in minutes after midnight.
        from: u16,
        /// When it ends, in minutes after midnight.
        to: u16,
    },
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// Every day, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The word of the configuration.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Monday => "mon",
            Self::Tuesday => "tue",
            Self::Wednesday => "wed",
            Self::Thursday => "thu",
            Self::Friday => "fri",
            Self::Saturday => "sat",
            Self::Sunday => "sun",
        }
    }
}

impl Silence {
    pub(super) fn read_all(section: &mut Section<'_>) -> Vec<Self> {
        section.tables("silence", Alert::MAX, |section| {
            let codes = globs(section, "codes");
            let phones = globs(section, "phones");
            let servers = addresses(section, "servers");
            let sites = globs(section, "sites");
            Some(Self {
                codes,
                phones,
                servers,
                sites,
                time: time(section)?,
            })
        })
    }
}

/// Reads the one way or the other to say when; `None` where that is wrong, which is noted.
fn time(section: &mut Section<'_>) -> Option<SilenceTime> {
    const MOMENT: &str = "a time with its zone (like \"2026-03-01T22:00:00Z\")";
    const CLOCK: &str = "a time of the day in UTC (like \"22:00\")";
    let read = |text: &str| {
        let moment: Result<Timestamp, _> = text.trim().parse();
        moment
            .map(Some)
            .map_err(|_| format!("{} is no such time", quoted_text(text)))
    };
    let start = section.text("start", None, MOMENT, read);
    let end = section.text("end", None, MOMENT, read);
    let days = section.list(
        "days",
        Weekday::ALL.into(),
        1..=Weekday::ALL.len(),
        ("days", "mon, tue, wed, thu, fri, sat or sun"),
        |value| {
            let text = value.as_str().ok_or_else(|| described(value))?;
            let day = Weekday::ALL.into_iter().find(|day| day.label() == text);
            day.ok_or_else(|| format!("{} is no day", quoted_text(text)))
        },
    );
    let from = section.text("from", None, CLOCK, |text| minutes(text).map(Some));
    let to = section.text("to", None, CLOCK, |text| minutes(text).map(Some));

    let is_once = ["start", "end"].iter().any(|key| section.has(key));
    let is_weekly = ["days", "from", "to"].iter().any(|key| section.has(key));
    let (missing, others) = match (is_once, is_weekly) {
        (true, true) => {
            let key = if section.has("start") { "start" } else { "end" };
            section.refuse(
                key,
                "a silence is once (start and end) or weekly (days, from and to): make two of it",
            );
            return None;
        }
        (false, false) => {
            section.refuse(
                "start",
                "missing: say when, by start and end, or for every week by days, from and to",
            );
            return None;
        }
        (true, false) => (["start", "end"], "a silence that is once has start and end"),
        (false, true) => (
            ["from", "to"],
            "a weekly silence has from and to, and on which days",
        ),
    };
    for key in missing {
        if !section.has(key) {
            section.refuse(key, &format!("missing: {others}"));
        }
    }
    if let (Some(start), Some(end)) = (start, end) {
        if start < end {
            return Some(SilenceTime::Once { start, end });
        }
        section.refuse("end", "this is not after its start");
    }
    Some(SilenceTime::Weekly {
        days,
        from: from?,
        to: to?,
    })
}

/// Reads `22:00` as minutes after midnight.
fn minutes(text: &str) -> Result<u16, String> {
    let wrong = || format!("{} is no such time", quoted_text(text));
    let (hours, minutes) = text.trim().split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str, most: u16| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse::<u16>().ok().filter(|_| is_number);
        number.filter(|number| *number <= most).ok_or_else(wrong)
    };
    Ok(number(hours, 23)? * 60 + number(minutes, 59)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_time_of_the_day() {
        for (text, read) in [
            ("00:00", Some(0)),
            ("22:05", Some(1325)),
            ("23:59", Some(1439)),
            ("24:00", None),
            ("12:60", None),
            ("1:00", None),
            ("+1:00", None),
            ("12", None),
            ("", None),
        ] {
            assert_eq!(minutes(text).ok(), read, "{text}");
        }
    }
}
