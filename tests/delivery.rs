//! Alerts on their way: an outbox whose owner is killed, and receivers that fail in every way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "delivery/alertmanager.rs"]
mod alertmanager;
#[path = "support/browser.rs"]
mod browser;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "delivery/down.rs"]
mod down;
#[path = "delivery/email.rs"]
mod email;
#[path = "delivery/http.rs"]
mod http;
#[path = "delivery/https.rs"]
mod https;
#[path = "delivery/kill.rs"]
mod kill;
#[path = "delivery/picture.rs"]
mod picture;

use phonewatch::alert::Notification;
use phonewatch::config::{self, Config};
use phonewatch::delivery::{Client, Outcome, Sender, test_message};
use phonewatch::time::Timestamp;

/// The settings of one receiver called `it`.
fn settings(receiver: &str) -> config::Alert {
    let text = format!("[[alert.receiver]]\nname = 'it'\n{receiver}");
    let config = Config::parse("test", &text);
    config.map_err(|errors| errors.to_string()).unwrap().alert
}

fn sender(receiver: &str) -> Sender {
    let settings = settings(receiver);
    Sender::prepare(&settings.receiver[0], &settings, &Client::new().unwrap()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_secs(1_772_366_400)
}

fn message() -> Notification {
    test_message("it", now())
}

fn reason(outcome: Outcome) -> (bool, String) {
    match outcome {
        Outcome::Later { reason, .. } => (true, reason),
        Outcome::Refused(reason) => (false, reason),
        Outcome::Delivered(said) => panic!("delivered: {said}"),
    }
}

/// Whether a program is missing; then the test is skipped, unless nothing may be missing.
fn is_missing(what: &str) -> bool {
    assert!(
        std::env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_none(),
        "{what} is missing: make test installs it"
    );
    eprintln!("SKIPPED: {what} is missing; make test installs it");
    true
}
