//! One receiver, ready to be sent to: its secrets read, its template understood.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{self, HeaderName, HeaderValue};
use sha2::Sha256;

use super::email::{MailSettings, Mailer};
use super::http::{Client, Endpoint, secret_header};
use super::retry::Outcome;
use super::template::Template;
use super::{alertmanager, preset};
use crate::alert::{Alert, Cause, Fingerprint, GroupKey, Notification, Reason, Status};
use crate::config::{Address, Alert as Settings, Receiver, ReceiverKind, Secret, SecretSource};
use crate::finding::Severity;
use crate::time::Timestamp;

/// Sends messages to one receiver.
pub struct Sender {
    name: String,
    channel: &'static str,
    client: Client,
    way: Way,
}

enum Way {
    Mail(Box<Mailer>),
    Post {
        to: Endpoint,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Body,
        /// With what the body is signed.
        secret: Option<Secret>,
    },
    Alertmanager {
        to: Endpoint,
        headers: Vec<(HeaderName, HeaderValue)>,
    },
}

enum Body {
    Webhook,
    Slack,
    Teams,
    Pagerduty {
        routing_key: Secret,
        sensor: Option<String>,
    },
    Template(Template),
}

/// A receiver cannot be sent to as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("the receiver {receiver:?} cannot be used: {reason}")]
pub struct PrepareError {
    receiver: String,
    reason: String,
}

const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

const TIMESTAMP: HeaderName = HeaderName::from_static("x-phonewatch-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-phonewatch-signature");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl Sender {
    /// Reads what the receiver needs: its secrets and its template.
    pub fn prepare(
        receiver: &Receiver,
        settings: &Settings,
        client: &Client,
    ) -> Result<Self, PrepareError> {
        let (channel, way) = Way::prepare(receiver, settings).map_err(|reason| PrepareError {
            receiver: receiver.name.clone(),
            reason,
        })?;
        Ok(Self {
            name: receiver.name.clone(),
            channel,
            client: client.clone(),
            way,
        })
    }

    /// Attaches the evidence of alerts, from the folder in which it is kept, where it sends what takes attachments.
    #[must_use]
    pub fn with_evidence(mut self, folder: Option<PathBuf>) -> Self {
        if let (Way::Mail(mailer), Some(folder)) = (&mut self.way, folder) {
            mailer.attach_from(folder);
        }
        self
    }

    /// The name of its receiver.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By which way it sends, as the configuration calls it.
    pub const fn channel(&self) -> &'static str {
        self.channel
    }

    /// How often the receiver is to hear again of the alerts that hold; `None` for one that remembers.
    pub const fn again_after(&self) -> Option<Duration> {
        match &self.way {
            Way::Alertmanager { .. } => Some(alertmanager::AGAIN_AFTER),
            Way::Mail(_) | Way::Post { .. } => None,
        }
    }

    /// Tells a receiver that forgets which alerts hold.
    pub async fn send_again(&self, alerts: &[Alert], now: Timestamp) -> Option<Outcome> {
        let Way::Alertmanager { to, headers } = &self.way else {
            return None;
        };
        let body = alertmanager::body(alerts, now).to_string();
        Some(self.client.post(to, headers, body, now).await)
    }

    /// Sends a message.
    pub async fn send(&self, message: &Notification, now: Timestamp) -> Outcome {
        match &self.way {
            Way::Mail(mailer) => mailer.send(message).await,
            Way::Alertmanager { to, headers } => {
                let body = alertmanager::body(&message.alerts, now).to_string();
                self.client.post(to, headers, body, now).await
            }
            Way::Post {
                to,
                headers,
                body,
                secret,
            } => {
                let body = match body.render(message) {
                    Ok(body) => body,
                    Err(error) => {
                        return Outcome::Refused(format!("it cannot be written ({error})"));
                    }
                };
                let mut headers = headers.clone();
                if let Ok(id) = HeaderValue::from_str(&message.id) {
                    headers.push((IDEMPOTENCY_KEY, id));
                }
                if let Some(secret) = secret {
                    headers.extend(signature(secret, &body, now));
                }
                self.client.post(to, &headers, body, now).await
            }
        }
    }
}

impl Way {
    fn prepare(receiver: &Receiver, settings: &Settings) -> Result<(&'static str, Self), String> {
        let json = "application/json";
        Ok(match &receiver.kind {
            ReceiverKind::Email {
                host,
                port,
                tls,
                from,
                to,
                login,
            } => {
                let login = match login {
                    Some((user, password)) => Some((user.as_str(), read(password)?)),
                    None => None,
                };
                let mailer = Mailer::new(&MailSettings {
                    host,
                    port: *port,
                    tls: *tls,
                    from,
                    to,
                    login,
                })?;
                ("email", Self::Mail(Box::new(mailer)))
            }
            ReceiverKind::Webhook { url, token, secret } => {
                let secret = secret.as_ref().map(read).transpose()?;
                let way = Self::post(endpoint(url)?, token.as_ref(), json, Body::Webhook, secret)?;
                ("webhook", way)
            }
            ReceiverKind::Slack { url } => {
                let to = Endpoint::parse(read(url)?.expose())?;
                ("slack", Self::post(to, None, json, Body::Slack, None)?)
            }
            ReceiverKind::Teams { url } => {
                let to = Endpoint::parse(read(url)?.expose())?;
                ("teams", Self::post(to, None, json, Body::Teams, None)?)
            }
            ReceiverKind::Pagerduty { routing_key, url } => {
                let to = match url {
                    Some(url) => endpoint(url)?,
                    None => Endpoint::parse(PAGERDUTY)?,
                };
                let body = Body::Pagerduty {
                    routing_key: read(routing_key)?,
                    sensor: settings.sensor.clone(),
                };
                ("pagerduty", Self::post(to, None, json, body, None)?)
            }
            ReceiverKind::Template {
                url,
                token,
                template,
                content_type,
            } => {
                let shown = template.display();
                let text = fs::read_to_string(template)
                    .map_err(|error| format!("its template {shown} cannot be read ({error})"))?;
                let parsed = Template::parse(&text, content_type)
                    .map_err(|error| format!("its template {shown}: {error}"))?;
                if content_type.contains("json") {
                    let sample = parsed.render(&test_message(&receiver.name, Timestamp::EPOCH));
                    serde_json::from_str::<serde::de::IgnoredAny>(&sample)
                        .map_err(|error| format!("its template {shown} makes no JSON ({error})"))?;
                }
                let body = Body::Template(parsed);
                let way = Self::post(endpoint(url)?, token.as_ref(), content_type, body, None)?;
                ("template", way)
            }
            ReceiverKind::Alertmanager { urls, token } => {
                // Of several, each is a receiver of its own.
                let [url] = urls.as_slice() else {
                    return Err("its peers are sent to one by one".to_owned());
                };
                let to = endpoint(url)?.with_path("/api/v2/alerts");
                let headers = headers(json, token.as_ref())?;
                ("alertmanager", Self::Alertmanager { to, headers })
            }
        })
    }

    fn post(
        to: Endpoint,
        token: Option<&SecretSource>,
        content_type: &str,
        body: Body,
        secret: Option<Secret>,
    ) -> Result<Self, String> {
        Ok(Self::Post {
            to,
            headers: headers(content_type, token)?,
            body,
            secret,
        })
    }
}

impl Body {
    fn render(&self, message: &Notification) -> serde_json::Result<String> {
        Ok(match self {
            Self::Webhook => preset::webhook(message)?,
            Self::Slack => preset::slack(message).to_string(),
            Self::Teams => preset::teams(message).to_string(),
            Self::Pagerduty {
                routing_key,
                sensor,
            } => preset::pagerduty(message, routing_key.expose(), sensor.as_deref()).to_string(),
            Self::Template(template) => template.render(message),
        })
    }
}

fn read(source: &SecretSource) -> Result<Secret, String> {
    source.read().map_err(|error| error.to_string())
}

fn endpoint(address: &Address) -> Result<Endpoint, String> {
    match address {
        Address::Plain(url) => Endpoint::parse(url),
        Address::Secret(source) => Endpoint::parse(read(source)?.expose()),
    }
}

fn headers(
    content_type: &str,
    token: Option<&SecretSource>,
) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let content_type = HeaderValue::from_str(content_type)
        .map_err(|_| "its content_type is no media type".to_owned())?;
    let mut headers = vec![(header::CONTENT_TYPE, content_type)];
    if let Some(token) = token {
        let value = secret_header(&format!("Bearer {}", read(token)?.expose()));
        let value = value.map_err(|error| format!("its token cannot be sent ({error})"))?;
        headers.push((header::AUTHORIZATION, value));
    }
    Ok(headers)
}

/// The time of the attempt in seconds, and `sha256=` with the HMAC of that time, a dot and the body.
fn signature(secret: &Secret, body: &str, now: Timestamp) -> Vec<(HeaderName, HeaderValue)> {
    let seconds = (now.as_nanos() / 1_000_000_000).to_string();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        // A key of any length will do.
        return Vec::new();
    };
    mac.update(format!("{seconds}.{body}").as_bytes());
    let sum = mac.finalize().into_bytes();
    let sum = sum.iter().fold("sha256=".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    });
    [(TIMESTAMP, seconds), (SIGNATURE, sum)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
        .collect()
}

/// A message that says that it is a test, to see whether a receiver gets any.
pub fn test_message(receiver: &str, now: Timestamp) -> Notification {
    let thread = format!("test-{:x}", now.as_nanos());
    let group = GroupKey {
        code: "phonewatch_test".to_owned(),
        cause: Cause::Sensor,
    };
    let alert = Alert {
        fingerprint: Fingerprint::of(&["phonewatch_test", &thread]),
        status: Status::Firing,
        code: group.code.clone(),
        severity: Severity::Info,
        subject: "sensor".to_owned(),
        labels: [
            ("alertname", group.code.as_str()),
            ("severity", "info"),
            ("test", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        annotations: BTreeMap::from([
            ("title".to_owned(), "test".to_owned()),
            (
                "summary".to_owned(),
                "This is a test: somebody called `phonewatch alert test`. Nothing is wrong."
                    .to_owned(),
            ),
        ]),
        starts_at: now,
        ends_at: None,
        evidence: Vec::new(),
        evidence_file: None,
    };
    Notification {
        id: format!("{thread}-1"),
        thread,
        sequence: 1,
        receiver: receiver.to_owned(),
        at: now,
        began: now,
        reason: Reason::New,
        status: Status::Firing,
        severity: Severity::Info,
        group_labels: group.labels(),
        group,
        title: "TEST: phonewatch reaches you".to_owned(),
        firing: 1,
        resolved: 0,
        devices: 0,
        names: Vec::new(),
        alerts: vec![alert],
        truncated: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_others_compute() {
        let headers = signature(
            &Secret::new("key"),
            "{}",
            Timestamp::from_secs(1_700_000_000),
        );
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac key
        let expected = "9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";
        assert_eq!(headers[0].1, "1700000000");
        assert_eq!(headers[1].1, format!("sha256={expected}"));
    }
}
