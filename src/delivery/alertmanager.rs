//! What an Alertmanager is given: every alert for itself, again and again while it holds.
//!
//! An Alertmanager takes for over what it does not hear of again. It is told that an alert lasts for [`LASTS`], and is
//! told so anew every [`AGAIN_AFTER`]; so a restart of either, or a lost message, ends nothing that holds.

use std::time::Duration;

use serde_json::{Value, json};

use crate::alert::{Alert, Status};
use crate::time::Timestamp;

/// How long an alert lasts that is not told again: the usual `resolve_timeout`.
const LASTS: Duration = Duration::from_secs(300);
/// How often what holds is told again.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// The body of `POST /api/v2/alerts`.
pub(super) fn body(alerts: &[Alert], now: Timestamp) -> Value {
    alerts.iter().map(|alert| one(alert, now)).collect()
}

fn one(alert: &Alert, now: Timestamp) -> Value {
    let ends_at = match (alert.status, alert.ends_at) {
        // An end before the beginning is refused, with all that comes with it.
        (Status::Resolved, end) => end.unwrap_or(now).min(now).max(alert.starts_at),
        (Status::Firing, _) => now + LASTS,
    };
    let mut annotations = alert.annotations.clone();
    let url = annotations.remove("page_url");
    let mut body = json!({
        "labels": alert.labels,
        "annotations": annotations,
        "startsAt": alert.starts_at.min(ends_at),
        "endsAt": ends_at,
    });
    if let (Some(body), Some(url)) = (body.as_object_mut(), url) {
        body.insert("generatorURL".to_owned(), url.into());
    }
    body
}
