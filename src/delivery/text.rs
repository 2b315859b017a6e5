//! A message as text for people.

use std::fmt::Write;

use crate::alert::{Alert, Notification, Reason, Status};

/// The message in plain lines: what it is about, each alert with what to do, and where to read on.
pub(super) fn plain(message: &Notification) -> String {
    let mut out = String::new();
    // A String takes whatever is written to it.
    write_plain(message, &mut out).ok();
    out
}

fn write_plain(message: &Notification, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}", message.title)?;
    writeln!(out, "{}", standing(message))?;
    if !message.names.is_empty() {
        let more = message.devices.saturating_sub(message.names.len());
        write!(out, "Concerned: {}", message.names.join(", "))?;
        if more > 0 {
            write!(out, " and {more} more")?;
        }
        writeln!(out)?;
    }
    let mut told_what_to_do = Vec::new();
    for alert in &message.alerts {
        writeln!(out)?;
        write_alert(alert, &mut told_what_to_do, out)?;
    }
    if message.truncated > 0 {
        writeln!(out, "\nand {} more.", message.truncated)?;
    }
    Ok(())
}

/// How the outage stands, in one line.
pub(super) fn standing(message: &Notification) -> String {
    let now = match (message.reason, message.status) {
        (Reason::Joined, _) => {
            "It is part of another outage, which is told of on its own.".to_owned()
        }
        (_, Status::Resolved) => "All of it is over.".to_owned(),
        (_, Status::Firing) => {
            let over = match message.resolved {
                0 => String::new(),
                over => format!(", {over} over"),
            };
            let still = match message.reason {
                Reason::Repeat => " still",
                Reason::New | Reason::Update | Reason::Resolved | Reason::Joined => "",
            };
            format!("{}{still} holding{over}.", message.firing)
        }
    };
    format!("Since {}. {now}", message.began)
}

fn write_alert<'a>(
    alert: &'a Alert,
    told_what_to_do: &mut Vec<&'a str>,
    out: &mut String,
) -> std::fmt::Result {
    let text = |name: &str| alert.annotations.get(name).map_or("", String::as_str);
    let status = match alert.status {
        Status::Firing => alert.severity.label(),
        Status::Resolved => "over",
    };
    writeln!(out, "[{status}] {}: {}", alert.subject, text("title"))?;
    writeln!(out, "  {}", text("summary"))?;
    write!(out, "  since {}", alert.starts_at)?;
    if let Some(end) = alert.ends_at {
        write!(out, ", over since {end}")?;
    }
    writeln!(out)?;
    for evidence in &alert.evidence {
        writeln!(out, "  {} {}", evidence.at, evidence.text)?;
    }
    // Many phones fail alike: what to do is told once.
    if alert.status == Status::Firing && !told_what_to_do.contains(&&*alert.code) {
        told_what_to_do.push(&alert.code);
        if !text("remedy").is_empty() {
            writeln!(out, "  What to do:")?;
            for step in text("remedy").lines() {
                writeln!(out, "  - {step}")?;
            }
        }
    }
    if !text("page_url").is_empty() {
        writeln!(out, "  {}", text("page_url"))?;
    }
    if !text("evidence_url").is_empty() {
        writeln!(out, "  Frames: {}", text("evidence_url"))?;
    }
    Ok(())
}

/// The first `most` characters, with a mark where more follow.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// Made safe for HTML, and for Slack, which escapes alike.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
        out
    })
}
