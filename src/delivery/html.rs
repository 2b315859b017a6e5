//! A message as HTML for mail programs, which know little: tables, and styles that stand in the elements themselves.
//!
//! Everything that came off the wire is escaped.

use std::fmt::{self, Write};

use super::text::{escaped, standing};
use crate::alert::{Alert, Notification, Status};
use crate::finding::Severity;
use crate::time::Timestamp;

/// The message as a whole page: what it is about, each alert with what to do, and where to read on.
pub(super) fn html(message: &Notification) -> String {
    let mut out = String::new();
    // A String takes whatever is written to it.
    write_page(message, &mut out).ok();
    out
}

const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
/// Long names may be broken anywhere, so that nothing is wider than a phone.
const BREAK: &str = "overflow-wrap:anywhere;word-break:break-word";
const GREY: &str = "#5f6368";

fn write_page(message: &Notification, out: &mut String) -> fmt::Result {
    let title = escaped(&message.title);
    let colour = colour(message.status, message.severity);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light\"></head>\n\
         <body style=\"margin:0;padding:0;background:#eceff1;color:#202124;{FONT};font-size:16px;line-height:1.5\">\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>\
         <td align=\"center\" style=\"padding:16px 8px\">\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"max-width:600px;background:#ffffff;text-align:left;table-layout:fixed\">\n\
         <tr><td style=\"background:{colour};color:#ffffff;padding:20px 24px;{BREAK}\">\
         <h1 style=\"margin:0;font-size:21px;line-height:1.3;font-weight:600\">{title}</h1></td></tr>\n\
         <tr><td style=\"padding:16px 24px 4px;{BREAK}\"><p style=\"margin:0\">{}</p></td></tr>\n",
        escaped(&since(message.began, &standing(message)))
    )?;
    if !message.names.is_empty() {
        write_names(message, out)?;
    }
    let mut told_what_to_do = Vec::new();
    for alert in &message.alerts {
        write_alert(alert, &mut told_what_to_do, out)?;
    }
    if message.truncated > 0 {
        let more = message.truncated;
        writeln!(
            out,
            "<tr><td style=\"padding:4px 24px 12px\"><p style=\"margin:0\">and {more} more.</p></td></tr>"
        )?;
    }
    write!(
        out,
        "<tr><td style=\"padding:12px 24px 18px;border-top:1px solid #dadce0;font-size:13px;color:{GREY}\">\
         From phonewatch at {}; message {} of this outage.</td></tr>\n</table></td></tr></table></body></html>\n",
        shown(message.at),
        message.sequence
    )
}

/// What is wrong is told from afar by its colour; white text stands well on each.
const fn colour(status: Status, severity: Severity) -> &'static str {
    match (status, severity) {
        (Status::Resolved, _) => "#1e7b34",
        (Status::Firing, Severity::Critical) => "#b00020",
        (Status::Firing, Severity::Warning) => "#9a5b00",
        (Status::Firing, Severity::Info) => "#1a5fb4",
    }
}

/// The line of the plain text, with a time that is easier to read.
fn since(began: Timestamp, standing: &str) -> String {
    standing.replace(&began.to_string(), &shown(began))
}

fn write_names(message: &Notification, out: &mut String) -> fmt::Result {
    out.write_str("<tr><td style=\"padding:8px 24px 4px\">")?;
    for name in &message.names {
        write!(
            out,
            "<span style=\"display:inline-block;margin:0 6px 6px 0;padding:1px 8px;background:#eceff1;border-radius:4px;\
             font-size:14px;{BREAK}\">{}</span> ",
            escaped(name)
        )?;
    }
    let more = message.devices.saturating_sub(message.names.len());
    if more > 0 {
        write!(
            out,
            "<span style=\"font-size:14px;white-space:nowrap\">and {more} more</span>"
        )?;
    }
    out.write_str("</td></tr>\n")
}

fn write_alert<'a>(
    alert: &'a Alert,
    told_what_to_do: &mut Vec<&'a str>,
    out: &mut String,
) -> fmt::Result {
    let text = |name: &str| escaped(alert.annotations.get(name).map_or("", String::as_str));
    let colour = colour(alert.status, alert.severity);
    let status = match alert.status {
        Status::Firing => alert.severity.label(),
        Status::Resolved => "over",
    };
    write!(
        out,
        "<tr><td style=\"padding:8px 24px\">\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"table-layout:fixed\"><tr><td style=\"border-left:4px solid {colour};padding:2px 0 4px 14px;{BREAK}\">\n\
         <p style=\"margin:0;font-weight:600\">{}: {} <span style=\"color:{colour};font-size:14px;white-space:nowrap\">\
         {status}</span></p>\n<p style=\"margin:4px 0\">{}</p>\n\
         <p style=\"margin:0 0 4px;font-size:14px;color:{GREY}\">since {}",
        escaped(&alert.subject),
        text("title"),
        text("summary"),
        shown(alert.starts_at)
    )?;
    if let Some(end) = alert.ends_at {
        write!(out, ", over since {}", shown(end))?;
    }
    out.write_str("</p>\n")?;
    if !alert.evidence.is_empty() {
        out.write_str("<ul style=\"margin:4px 0;padding-left:20px;font-size:14px\">\n")?;
        for evidence in &alert.evidence {
            let at = shown(evidence.at);
            writeln!(
                out,
                "<li><span style=\"color:{GREY}\">{at}</span> {}</li>",
                escaped(&evidence.text)
            )?;
        }
        out.write_str("</ul>\n")?;
    }
    // Many phones fail alike: what to do is told once.
    let remedy = text("remedy");
    if alert.status == Status::Firing && !told_what_to_do.contains(&&*alert.code) {
        told_what_to_do.push(&alert.code);
        if !remedy.is_empty() {
            out.write_str(
                "<p style=\"margin:8px 0 2px;font-weight:600\">What to do</p>\n\
                 <ol style=\"margin:0 0 4px;padding-left:24px\">\n",
            )?;
            for step in remedy.lines() {
                writeln!(out, "<li style=\"margin:0 0 4px\">{step}</li>")?;
            }
            out.write_str("</ol>\n")?;
        }
    }
    for (annotation, label) in [
        ("page_url", "Open in phonewatch"),
        ("evidence_url", "The frames that show it"),
    ] {
        let url = text(annotation);
        if !url.is_empty() {
            // A table, as some programs give links no padding.
            writeln!(
                out,
                "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"margin:8px 0 4px\"><tr>\
                 <td style=\"background:#1a5fb4;border-radius:4px;padding:8px 16px\"><a href=\"{url}\" \
                 style=\"color:#ffffff;text-decoration:none;font-size:15px\">{label}</a></td></tr></table>"
            )?;
        }
    }
    out.write_str("</td></tr></table></td></tr>\n")
}

/// A time as people read it, to the second.
fn shown(at: Timestamp) -> String {
    let text = at.to_string();
    let whole = text.split(['.', 'Z']).next().unwrap_or_default();
    format!("{} UTC", whole.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::sender::test_message;

    #[test]
    fn markup_off_the_wire_stays_text() {
        let mut message = test_message("x", Timestamp::from_secs(1_700_000_000));
        let hostile = "<script>x</script>\"' onload=x";
        message.title = hostile.to_owned();
        message.names = vec![hostile.to_owned()];
        let alert = &mut message.alerts[0];
        alert.subject = hostile.to_owned();
        for name in ["title", "summary", "remedy", "page_url", "evidence_url"] {
            let text = hostile.to_owned();
            alert.annotations.insert(name.to_owned(), text);
        }
        let html = html(&message);
        assert!(
            !html.contains("<script") && !html.contains("\"' onload"),
            "{html}"
        );
        assert_eq!(html.matches("&lt;script&gt;").count(), 9, "{html}");
    }

    #[test]
    fn a_time_is_shown_to_the_second() {
        let at = Timestamp::from_nanos(1_700_000_000_123_456_789);
        assert_eq!(shown(at), "2023-11-14 22:13:20 UTC");
    }
}
