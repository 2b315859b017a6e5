//! What people ask for while the program runs: a silence, or maintenance. Read from JSON, and checked.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use super::{Maintenance, Silence};
use crate::config::{self, Glob};
use crate::net::is_unsafe;
use crate::time::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);
/// Of one kind of matcher no more than in the configuration.
const MOST_MATCHERS: usize = 256;
/// In characters.
const LONGEST_AUTHOR: usize = 64;
/// In characters.
const LONGEST_COMMENT: usize = 500;

/// A silence as it is asked for. Its fields are those of a silence; `for` may stand in the place of `end`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SilenceRequest {
    codes: Vec<String>,
    phones: Vec<String>,
    servers: Vec<String>,
    sites: Vec<String>,
    start: Option<String>,
    end: Option<String>,
    #[serde(rename = "for")]
    length: Option<String>,
    comment: String,
    author: String,
}

/// Maintenance as it is asked for. It begins at once.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaintenanceRequest {
    until: Option<String>,
    #[serde(rename = "for")]
    length: Option<String>,
    reason: String,
    author: String,
}

impl SilenceRequest {
    /// The longest silence: what is longer is forgotten, and belongs into the configuration.
    pub const LONGEST: Duration = Duration::from_secs(366 * 86_400);

    /// The silence; an error says what is wrong with it.
    pub fn silence(self, now: Timestamp) -> Result<Silence, String> {
        let now = whole_seconds(now);
        let start = match &self.start {
            Some(text) => moment("start", text)?.max(now),
            None => now,
        };
        let ends = [("end", self.end), ("for", self.length)];
        let silence = Silence {
            codes: globs("codes", &self.codes)?,
            phones: globs("phones", &self.phones)?,
            servers: addresses(&self.servers)?,
            sites: globs("sites", &self.sites)?,
            start,
            end: end(ends, start, now, Self::LONGEST)?,
            comment: text("comment", &self.comment, LONGEST_COMMENT)?,
            author: text("author", &self.author, LONGEST_AUTHOR)?,
        };
        if silence.codes.is_empty()
            && silence.phones.is_empty()
            && silence.servers.is_empty()
            && silence.sites.is_empty()
        {
            return Err(
                "a silence of everything is maintenance: give codes, phones, servers or sites"
                    .to_owned(),
            );
        }
        Ok(silence)
    }
}

impl MaintenanceRequest {
    /// The longest maintenance: it ends by itself, and nobody is to forget it for longer.
    pub const LONGEST: Duration = Duration::from_secs(7 * 86_400);

    /// The time of maintenance; an error says what is wrong with it.
    pub fn maintenance(self, now: Timestamp) -> Result<Maintenance, String> {
        let now = whole_seconds(now);
        let ends = [("until", self.until), ("for", self.length)];
        Ok(Maintenance {
            since: now,
            until: end(ends, now, now, Self::LONGEST)?,
            reason: text("reason", &self.reason, LONGEST_COMMENT)?,
            author: text("author", &self.author, LONGEST_AUTHOR)?,
        })
    }
}

/// The end, of the two ways to say it.
fn end(
    ends: [(&str, Option<String>); 2],
    start: Timestamp,
    now: Timestamp,
    longest: Duration,
) -> Result<Timestamp, String> {
    let [(name, end), (_, length)] = ends;
    let end = match (end, length) {
        (Some(end), None) => moment(name, &end)?,
        (None, Some(length)) => {
            let length = config::parse_duration(&length)
                .ok_or_else(|| "for: a duration is wanted (like \"2h\" or \"1h30m\")".to_owned())?;
            start + length
        }
        _ => return Err(format!("say when it ends, by {name} or by for")),
    };
    if end <= now || end <= start {
        return Err(format!("{name}: this is not after its start, or is over"));
    }
    if end > now + longest {
        let days = longest.as_secs() / DAY.as_secs();
        return Err(format!("{name}: at most {days} days from now"));
    }
    Ok(end)
}

/// People read it.
fn whole_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_secs(now.as_nanos() / 1_000_000_000)
}

fn moment(name: &str, text: &str) -> Result<Timestamp, String> {
    text.trim().parse().map_err(|_| {
        format!("{name}: a time with its zone is wanted (like \"2026-03-01T22:00:00Z\")")
    })
}

fn globs(name: &str, texts: &[String]) -> Result<Vec<Glob>, String> {
    bounded(name, texts)?;
    let globs = texts.iter().map(|text| Glob::parse(text));
    globs.collect::<Result<_, _>>().map_err(|_| {
        format!("{name}: texts of 1 to 64 characters are wanted, in which * stands for anything")
    })
}

fn addresses(texts: &[String]) -> Result<Vec<IpAddr>, String> {
    bounded("servers", texts)?;
    let addresses = texts.iter().map(|text| text.trim().parse::<IpAddr>());
    addresses
        .map(|address| address.map(|address| address.to_canonical()))
        .collect::<Result<_, _>>()
        .map_err(|_| "servers: IP addresses are wanted (like \"10.1.1.10\")".to_owned())
}

fn bounded(name: &str, texts: &[String]) -> Result<(), String> {
    if texts.len() > MOST_MATCHERS {
        return Err(format!("{name}: at most {MOST_MATCHERS} of them"));
    }
    Ok(())
}

fn text(name: &str, text: &str, longest: usize) -> Result<String, String> {
    let text = text.trim();
    if (1..=longest).contains(&text.chars().count()) && !text.chars().any(is_unsafe) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{name}: 1 to {longest} characters are wanted, in one line"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_772_366_400);

    fn silence(body: &str) -> Result<Silence, String> {
        let request: SilenceRequest = serde_json::from_str(body).map_err(|it| it.to_string())?;
        request.silence(NOW)
    }

    fn maintenance(body: &str) -> Result<Maintenance, String> {
        let request: MaintenanceRequest =
            serde_json::from_str(body).map_err(|it| it.to_string())?;
        request.maintenance(NOW)
    }

    #[test]
    fn a_silence_begins_now_or_later_and_has_an_end() {
        let read = silence(
            r#"{"codes":["dhcp_*"],"servers":["::ffff:10.0.0.1"],"for":"2h","comment":" moves ","author":"anna"}"#,
        )
        .unwrap();
        assert_eq!(
            (read.start, read.end),
            (NOW, NOW + Duration::from_secs(7200))
        );
        assert_eq!(read.servers, ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!((&*read.comment, &*read.author), ("moves", "anna"));
        assert!(read.codes[0].matches("dhcp_refused"));

        let read = silence(
            r#"{"sites":["Lyon"],"start":"2026-03-02T12:00:00Z","for":"1h","comment":"c","author":"a"}"#,
        )
        .unwrap();
        assert_eq!(read.start, NOW + DAY);
        assert_eq!(read.end, read.start + Duration::from_secs(3600));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let rest = r#""comment":"c","author":"a""#;
        for (part, said) in [
            (r#""phones":["x"]"#, "say when it ends"),
            (
                r#""phones":["x"],"for":"1h","end":"2026-03-02T12:00:00Z""#,
                "say when it ends",
            ),
            (r#""phones":["x"],"for":"0""#, "not after its start"),
            (
                r#""phones":["x"],"end":"2026-03-01T11:00:00Z""#,
                "not after its start",
            ),
            (r#""phones":["x"],"for":"400d""#, "at most 366 days"),
            (r#""phones":["x"],"for":"1 year""#, "a duration"),
            (
                r#""phones":["x"],"start":"tomorrow","for":"1h""#,
                "start: a time with its zone",
            ),
            (r#""phones":[""],"for":"1h""#, "phones: texts"),
            (r#""servers":["cucm"],"for":"1h""#, "servers: IP addresses"),
            (r#""for":"1h""#, "maintenance"),
            (r#""phone":["x"],"for":"1h""#, "unknown field `phone`"),
        ] {
            let refused = silence(&format!("{{{part},{rest}}}")).unwrap_err();
            assert!(refused.contains(said), "{part}: {refused}");
        }
        for (body, said) in [
            (r#"{"for":"1h","author":"a"}"#, "reason: 1 to 500"),
            (r#"{"for":"1h","reason":"r"}"#, "author: 1 to 64"),
            (r#"{"for":"1h","reason":"a\nb","author":"a"}"#, "one line"),
            (
                r#"{"for":"8d","reason":"r","author":"a"}"#,
                "at most 7 days",
            ),
            (r#"{"reason":"r","author":"a"}"#, "by until or by for"),
        ] {
            let refused = maintenance(body).unwrap_err();
            assert!(refused.contains(said), "{body}: {refused}");
        }
        let good = maintenance(r#"{"for":"7d","reason":"r","author":"a"}"#).unwrap();
        assert_eq!(good.until, NOW + MaintenanceRequest::LONGEST);
    }
}
