//! `phonewatch silence` and `phonewatch maintenance`: asks the running daemon.

use std::fmt::Write;

use hyper::Method;
use serde_json::{Value, json};

use super::client::{Daemon, printable};
use crate::app::terminal::print;
use crate::cli::{self, Ask, Author};

const SILENCES: &str = "/api/v1/silences";
const MAINTENANCE: &str = "/api/v1/maintenance";

/// Adds, lists and removes silences.
pub fn silence(asked: &cli::Silence) -> anyhow::Result<()> {
    match asked {
        cli::Silence::Add(add) => {
            let body = request(json!({
                "codes": add.codes,
                "phones": add.phones,
                "servers": add.servers,
                "sites": add.sites,
                "start": add.start,
                "end": add.end,
                "for": add.length,
                "comment": add.comment,
                "author": author(&add.author),
            }));
            tell(&add.ask, &Method::POST, SILENCES, &body, |answer| {
                format!("added: {}", silence_line(&answer["silence"]))
            })
        }
        cli::Silence::List(ask) => tell(ask, &Method::GET, SILENCES, "", |answer| {
            let silences = answer["silences"].as_array();
            let lines: String = silences.into_iter().flatten().map(silence_line).collect();
            if lines.is_empty() {
                "there are no silences\n".to_owned()
            } else {
                lines
            }
        }),
        cli::Silence::Remove(remove) => {
            let path = format!("{SILENCES}/{}", remove.number);
            tell(&remove.ask, &Method::DELETE, &path, "", |_| {
                format!("removed: {}\n", remove.number)
            })
        }
    }
}

/// Starts, stops and tells maintenance.
pub fn maintenance(asked: &cli::Maintenance) -> anyhow::Result<()> {
    match asked {
        cli::Maintenance::Start(start) => {
            let body = request(json!({
                "until": start.until,
                "for": start.length,
                "reason": start.reason,
                "author": author(&start.author),
            }));
            tell(
                &start.ask,
                &Method::POST,
                MAINTENANCE,
                &body,
                maintenance_line,
            )
        }
        cli::Maintenance::Stop(ask) => {
            tell(ask, &Method::DELETE, MAINTENANCE, "", maintenance_line)
        }
        cli::Maintenance::Status(ask) => tell(ask, &Method::GET, MAINTENANCE, "", maintenance_line),
    }
}

fn tell(
    ask: &Ask,
    method: &Method,
    path: &str,
    body: &str,
    text: impl FnOnce(&Value) -> String,
) -> anyhow::Result<()> {
    let answer = Daemon::of(&ask.daemon)?.order(method, path, body.to_owned())?;
    if ask.json {
        return print(&answer);
    }
    let text = text(&serde_json::from_str(&answer)?);
    print(&printable(&text, false))
}

/// What is not given is left out.
fn request(mut object: Value) -> String {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    object.to_string()
}

fn author(author: &Author) -> String {
    // Under sudo it is the person that counts.
    let mut logged_in = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    let author = author.author.clone().or_else(|| logged_in.next());
    author.unwrap_or_else(|| "unknown".to_owned())
}

/// `7  active  until 2026-03-01T22:00:00Z  phones: SEP*  "moves" by anna`
fn silence_line(silence: &Value) -> String {
    let word = |key: &str| silence[key].as_str().unwrap_or("-");
    let mut line = format!("{}  {}  ", silence["id"], word("state"));
    if word("state") == "pending" {
        write!(line, "from {} ", word("start")).ok();
    }
    write!(line, "until {}", word("end")).ok();
    for key in ["codes", "phones", "servers", "sites"] {
        let matchers = silence[key].as_array().into_iter().flatten();
        let matchers: Vec<&str> = matchers.filter_map(Value::as_str).collect();
        if !matchers.is_empty() {
            write!(line, "  {key}: {}", matchers.join(", ")).ok();
        }
    }
    format!("{line}  {:?} by {}\n", word("comment"), word("author"))
}

fn maintenance_line(answer: &Value) -> String {
    let maintenance = &answer["maintenance"];
    let word = |key: &str| maintenance[key].as_str().unwrap_or("-");
    if maintenance.is_null() {
        return "no maintenance: alerts are sent\n".to_owned();
    }
    format!(
        "maintenance until {}: {:?} by {}\n",
        word("until"),
        word("reason"),
        word("author")
    )
}
