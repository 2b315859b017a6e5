//! The bodies that are posted: our own, and those that known services want.

use serde::Serialize;
use serde_json::{Value, json};

use super::text::{plain, shortened};
use crate::alert::{Notification, Status};
use crate::finding::Severity;

/// The version of the body of a webhook: goes up when a key changes its meaning or goes.
const VERSION: &str = "1";

/// Our own: every key of the message, and `version`.
pub(super) fn webhook(message: &Notification) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Body<'a> {
        version: &'static str,
        #[serde(flatten)]
        message: &'a Notification,
    }
    serde_json::to_string(&Body {
        version: VERSION,
        message,
    })
}

/// An incoming webhook of Slack: the title for the list of messages, and the text as it is.
pub(super) fn slack(message: &Notification) -> Value {
    // Slack takes 3000 characters in a block, and counts what is escaped by what it becomes.
    const MOST: usize = 2000;
    // `<` begins a link or a mention of everybody; these three are all that Slack wants escaped.
    let escape = |text: &str| {
        let text = text.replace('&', "&amp;");
        text.replace('<', "&lt;").replace('>', "&gt;")
    };
    let text = shortened(&plain(message), MOST).replace('`', "'");
    let mut text = escape(&text);
    if text.chars().count() > 2900 {
        text = text.chars().take(2900).collect();
    }
    json!({
        "text": escape(&message.title),
        "blocks": [{
            "type": "section",
            "text": { "type": "mrkdwn", "text": format!("```{text}```") },
        }],
    })
}

/// A workflow's webhook of Microsoft Teams, which takes Adaptive Cards only.
pub(super) fn teams(message: &Notification) -> Value {
    // Teams refuses what is larger than 28 KB.
    const MOST: usize = 6000;
    let colour = match (message.status, message.severity) {
        (Status::Resolved, _) => "Good",
        (Status::Firing, Severity::Critical) => "Attention",
        (Status::Firing, Severity::Warning) => "Warning",
        (Status::Firing, Severity::Info) => "Default",
    };
    // Runs of text are shown as they are, where a TextBlock would make links of what phones send.
    let block = |run: Value| json!({ "type": "RichTextBlock", "inlines": [run] });
    let text = plain(message);
    let body = text.split_once('\n').map_or("", |(_, body)| body);
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    block(json!({
                        "type": "TextRun", "text": message.title, "weight": "Bolder", "color": colour,
                    })),
                    block(json!({ "type": "TextRun", "text": shortened(body, MOST) })),
                ],
            },
        }],
    })
}

/// The Events API v2 of PagerDuty: one incident for each outage.
pub(super) fn pagerduty(message: &Notification, routing_key: &str, sensor: Option<&str>) -> Value {
    if message.status == Status::Resolved {
        return json!({
            "routing_key": routing_key,
            "event_action": "resolve",
            "dedup_key": message.thread,
        });
    }
    let link = |annotation: &str, text: &str| {
        let mut alerts = message.alerts.iter();
        let url = alerts.find_map(|alert| alert.annotations.get(annotation))?;
        Some(json!({ "href": url, "text": text }))
    };
    let links: Vec<Value> = [
        link("page_url", "phonewatch"),
        link("evidence_url", "frames"),
    ]
    .into_iter()
    .flatten()
    .collect();
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": message.thread,
        "links": links,
        "payload": {
            "summary": message.title,
            "source": sensor.unwrap_or("phonewatch"),
            "severity": message.severity.label(),
            "timestamp": message.began,
            "class": message.group.code,
            "group": message.group.cause.to_string(),
            "custom_details": {
                "text": shortened(&plain(message), 20_000),
                "labels": message.group_labels,
                "firing": message.firing,
                "devices": message.devices,
                "names": message.names,
            },
        },
    })
}
