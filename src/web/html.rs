//! The pages for people. Everything that came off the wire is escaped; nothing is run in the browser.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{Made, made};
use super::{WebState, response};
use crate::diagnosis;
use crate::evidence::EvidenceName;
use crate::finding::Severity;
use crate::metrics::AlertState;
use crate::phone::Stage;
use crate::report::{CallManagerEntry, DeviceEntry, FindingEntry, Group};
use crate::snapshot::Snapshot;

const HTML: &str = "text/html; charset=utf-8";
/// Of a group so many subjects are linked; the API gives all.
const SUBJECTS: usize = 20;
/// So many files of evidence are linked.
const FILES: usize = 50;

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}
table{border-collapse:collapse}th,td{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}
td.n{text-align:right}
article{border-left:.4rem solid #999;padding:.1rem 1rem;margin:1rem 0;background:#f6f6f6}
article.critical{border-color:#b00020}article.warning{border-color:#c77700}article.over{opacity:.6}
h3{font-size:1rem;margin:.5rem 0}code,time{font-family:ui-monospace,monospace;font-size:.9em}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}article{background:#222}a{color:#8ab4f8}}
";

pub(super) async fn style() -> Response {
    response(StatusCode::OK, "text/css; charset=utf-8", STYLE)
}

pub(super) async fn index(State(state): State<WebState>) -> Response {
    made(state, |state| {
        let snapshot = state.snapshot.load_full();
        let alerts = (state.sensor)().alerts;
        Ok(Made::new(HTML, status_page(&snapshot, &alerts)))
    })
    .await
}

pub(super) async fn phone(State(state): State<WebState>, Path(name): Path<String>) -> Response {
    made(state, move |state| {
        let snapshot = state.snapshot.load_full();
        Ok(match DeviceEntry::called(&snapshot, &name) {
            Some(device) => {
                let stored = state.recordings.as_deref();
                let stored = stored.map(|it| stored_of(&device, it.stored()));
                Made::new(HTML, phone_page(&device, stored.as_deref()))
            }
            None => Made {
                status: StatusCode::NOT_FOUND,
                ..Made::new(
                    HTML,
                    page(
                        "phonewatch",
                        "<p>No phone of this name was seen. <a href=\"/\">Back</a></p>\n",
                    ),
                )
            },
        })
    })
    .await
}

fn status_page(snapshot: &Snapshot, alerts: &AlertState) -> String {
    let mut body = String::from("<h1>phonewatch</h1>\n");
    write_mutes(alerts, &mut body);
    let mut stages: BTreeMap<Stage, usize> = BTreeMap::new();
    for device in snapshot.shown() {
        *stages.entry(device.stage).or_default() += 1;
    }
    body.push_str("<h2>Phones by stage</h2>\n<table>\n");
    if stages.is_empty() {
        body.push_str("<tr><td>No phone was seen yet.</td></tr>\n");
    }
    for (stage, count) in stages {
        let label = stage.label();
        writeln!(
            body,
            "<tr><td><a href=\"/api/v1/phones?stage={label}&amp;format=text\">{label}</a></td><td class=\"n\">{count}</td></tr>"
        )
        .ok();
    }
    body.push_str("</table>\n<h2>CallManagers</h2>\n<table>\n<tr><th>Address</th><th>Name</th><th>Role</th><th>Registered phones</th></tr>\n");
    for server in CallManagerEntry::all(snapshot) {
        writeln!(
            body,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
            server.address,
            escaped(server.name.as_deref().unwrap_or_default()),
            server.priority.label(),
            server.registered_phones
        )
        .ok();
    }
    body.push_str("</table>\n<h2>Findings</h2>\n");
    let all = FindingEntry::all(snapshot);
    if all.is_empty() {
        body.push_str("<p>None.</p>\n");
    }
    for group in Group::all(&all) {
        write_group(&group, &mut body);
    }
    body.push_str("<h2>More</h2>\n<ul>\n");
    for (link, what) in [
        ("/metrics", "Metrics"),
        ("/api/v1/phones", "Phones (JSON)"),
        ("/api/v1/callmanagers", "CallManagers (JSON)"),
        ("/api/v1/findings", "Findings (JSON)"),
        ("/api/v1/capture", "Capture (JSON)"),
        ("/api/v1/silences", "Silences (JSON)"),
        ("/api/v1/maintenance", "Maintenance (JSON)"),
        ("/config", "Configuration"),
        ("/-/healthy", "Healthy"),
        ("/-/ready", "Ready"),
    ] {
        writeln!(body, "<li><a href=\"{link}\">{what}</a></li>").ok();
    }
    writeln!(body, "</ul>\n<p>Version {}</p>", env!("CARGO_PKG_VERSION")).ok();
    page("phonewatch", &body)
}

/// What holds alerts back.
fn write_mutes(alerts: &AlertState, body: &mut String) {
    if let Some(maintenance) = &alerts.maintenance {
        writeln!(
            body,
            "<p><strong>Maintenance until <time>{}</time>, by {}</strong>: {}. No alerts are sent.</p>",
            maintenance.until,
            escaped(&maintenance.author),
            escaped(&maintenance.reason)
        )
        .ok();
    }
    if alerts.silences.active > 0 {
        writeln!(
            body,
            "<p><a href=\"/api/v1/silences\">Silences</a>: {} active.</p>",
            alerts.silences.active
        )
        .ok();
    }
}

fn write_group(group: &Group<'_>, body: &mut String) {
    let first = group.first();
    open_finding(first, group.findings.len(), body);
    body.push_str("<p>");
    for (place, finding) in group.findings.iter().take(SUBJECTS).enumerate() {
        body.push_str(if place == 0 { "" } else { ", " });
        body.push_str(&subject(finding));
    }
    let more = group.findings.len().saturating_sub(SUBJECTS);
    if more > 0 {
        write!(
            body,
            " and <a href=\"/api/v1/findings?code={}&amp;format=text\">{more} more</a>",
            first.code
        )
        .ok();
    }
    body.push_str("</p>\n");
    write_facts(first, body);
    for symptom in &group.symptoms {
        let first = symptom.first();
        writeln!(
            body,
            "<p>It explains: {} ({})</p>",
            title(first),
            symptom.findings.len()
        )
        .ok();
    }
    body.push_str("</article>\n");
}

/// The newest files of evidence that are about this device, whatever it was called when they were written.
fn stored_of(device: &DeviceEntry, mut files: Vec<EvidenceName>) -> Vec<EvidenceName> {
    let address = device.address.map(|address| address.to_string());
    let names = [device.name.clone(), device.mac.clone(), address];
    files.retain(|file| names.iter().flatten().any(|name| file.is_of(name)));
    files.sort_unstable_by(|one, other| other.cmp(one));
    files.truncate(FILES);
    files
}

/// `stored` is the evidence about it; `None` where nobody has any frames.
fn phone_page(device: &DeviceEntry, stored: Option<&[EvidenceName]>) -> String {
    let label = device.label();
    let mut body = format!(
        "<p><a href=\"/\">phonewatch</a></p>\n<h1>{}</h1>\n<table>\n",
        escaped(&label)
    );
    for (what, value) in device.facts() {
        writeln!(body, "<tr><th>{what}</th><td>{}</td></tr>", escaped(&value)).ok();
    }
    body.push_str("</table>\n<h2>Findings</h2>\n");
    if device.findings.is_empty() {
        body.push_str("<p>None.</p>\n");
    }
    for finding in &device.findings {
        open_finding(finding, 1, &mut body);
        write_facts(finding, &mut body);
        body.push_str("</article>\n");
    }
    if let Some(stored) = stored {
        write_frames(&label, stored, &mut body);
    }
    page(&label, &body)
}

fn write_frames(label: &str, stored: &[EvidenceName], body: &mut String) {
    let path = in_url(label);
    writeln!(
        body,
        "<h2>Frames</h2>\n<ul>\n<li><a href=\"/phones/{path}/trace\">Its last frames in words</a></li>\n\
         <li><a href=\"/phones/{path}/evidence.pcap\">The same as a capture, for Wireshark</a></li>"
    )
    .ok();
    for file in stored {
        let title = diagnosis::entry(file.code()).map_or(file.code(), |entry| entry.title);
        writeln!(
            body,
            "<li><a href=\"/evidence/{file}\">Evidence</a> of <time>{}</time>: {}</li>",
            file.at(),
            escaped(title)
        )
        .ok();
    }
    body.push_str("</ul>\n");
}

fn open_finding(finding: &FindingEntry, count: usize, body: &mut String) {
    let class = match finding.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let (over, is_over) = if finding.active {
        ("", "")
    } else {
        (" over", ", over")
    };
    let times = match count {
        1 => String::new(),
        many => format!(" ({many})"),
    };
    writeln!(
        body,
        "<article class=\"{class}{over}\">\n<h3>{}{times} <small>{class}{is_over}</small></h3>",
        title(finding)
    )
    .ok();
}

/// The facts, what shows them, the likely cause and the steps.
fn write_facts(finding: &FindingEntry, body: &mut String) {
    writeln!(
        body,
        "<p>Since <time>{}</time>: {}</p>\n<ul>",
        finding.since,
        escaped(&finding.summary)
    )
    .ok();
    for piece in &finding.evidence {
        writeln!(
            body,
            "<li><time>{}</time> {}</li>",
            piece.at,
            escaped(&piece.text)
        )
        .ok();
    }
    body.push_str("</ul>\n");
    if let Some(cause) = &finding.cause {
        let cause_title = diagnosis::entry(cause.code).map_or(cause.code, |entry| entry.title);
        writeln!(
            body,
            "<p>It is a symptom of: {cause_title} ({})</p>",
            escaped(&cause.subject)
        )
        .ok();
    }
    let meaning = diagnosis::entry(finding.code).map_or("", |entry| entry.meaning);
    writeln!(
        body,
        "<details><summary>Likely cause, and what to do</summary>\n<p>{}</p>\n<ol>",
        escaped(meaning)
    )
    .ok();
    for step in finding.remedy {
        writeln!(body, "<li>{}</li>", escaped(step)).ok();
    }
    body.push_str("</ol>\n");
    if !matches!(finding.reference, "" | "-") {
        writeln!(body, "<p>Guide: {}</p>", escaped(finding.reference)).ok();
    }
    body.push_str("</details>\n");
}

fn title(finding: &FindingEntry) -> String {
    escaped(diagnosis::entry(finding.code).map_or(finding.code, |entry| entry.title))
}

/// Whom it is about; a phone is linked to its page.
fn subject(finding: &FindingEntry) -> String {
    let shown = match &finding.description {
        Some(description) => format!("{} ({description})", finding.subject),
        None => finding.subject.clone(),
    };
    if finding.subject_kind == "device" {
        format!(
            "<a href=\"/phones/{}\">{}</a>",
            in_url(&finding.subject),
            escaped(&shown)
        )
    } else {
        escaped(&shown)
    }
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/style.css\"></head>\n\
         <body>\n{body}</body>\n</html>\n",
        escaped(title)
    )
}

/// Text as it can stand in an element or between the quotes of an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Text as one part of a path (RFC 3986, section 2.3).
pub(crate) fn in_url(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").ok();
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped("<script>alert('x')</script>&\""),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"
        );
        assert_eq!(in_url("SEP1.-_~/../é\""), "SEP1.-_~%2F..%2F%C3%A9%22");
    }
}
