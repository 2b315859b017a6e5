//! The pages.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;

use super::readiness::missing;
use super::{WebState, response};
use crate::metrics::{CONTENT_TYPE, render};

/// So many scrapes at the same time. Each holds a page of some megabytes where there are thousands of phones, from its
/// beginning until the last byte of it is sent.
pub(super) const SCRAPES: usize = 8;
/// A scrape waits so long for its turn: half of what Prometheus waits for the page.
const TURN: Duration = Duration::from_secs(5);

const TEXT: &str = "text/plain; charset=utf-8";

pub(super) async fn index() -> Response {
    const INDEX: &str = concat!(
        "<!DOCTYPE html>\n",
        "<html lang=\"en\">\n",
        "<head><meta charset=\"utf-8\"><title>phonewatch</title></head>\n",
        "<body>\n",
        "<h1>phonewatch</h1>\n",
        "<p>Version ",
        env!("CARGO_PKG_VERSION"),
        "</p>\n",
        "<ul>\n",
        "<li><a href=\"/metrics\">Metrics</a></li>\n",
        "<li><a href=\"/-/healthy\">Healthy</a></li>\n",
        "<li><a href=\"/-/ready\">Ready</a></li>\n",
        "</ul>\n",
        "</body>\n",
        "</html>\n",
    );
    response(StatusCode::OK, "text/html; charset=utf-8", INDEX)
}

pub(super) async fn metrics(State(state): State<WebState>) -> Response {
    let turn = tokio::time::timeout(TURN, state.scrapes.clone().acquire_owned());
    let Ok(Ok(permit)) = turn.await else {
        let busy = response(
            StatusCode::SERVICE_UNAVAILABLE,
            TEXT,
            "too many scrapes at the same time: scrape from fewer places, or less often\n",
        );
        return ([(header::RETRY_AFTER, "5")], busy).into_response();
    };
    // Work of this size would hold up the other connections; the permit goes with it, as it cannot be called off.
    let rendering = tokio::task::spawn_blocking(move || {
        let text = render(
            &state.snapshot.load_full(),
            &(state.sensor)(),
            &state.settings.load(),
        )?;
        Ok::<_, prometheus::Error>(Bytes::from_owner(Scrape {
            text,
            _permit: permit,
        }))
    });
    match rendering.await {
        Ok(Ok(text)) => response(StatusCode::OK, CONTENT_TYPE, text),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

pub(super) async fn healthy() -> Response {
    response(StatusCode::OK, TEXT, "phonewatch is healthy\n")
}

pub(super) async fn ready(State(state): State<WebState>) -> Response {
    let missing = missing(&(state.sensor)());
    if missing.is_empty() {
        return response(StatusCode::OK, TEXT, "phonewatch is ready\n");
    }
    let reasons = missing.join("\n") + "\n";
    response(StatusCode::SERVICE_UNAVAILABLE, TEXT, reasons)
}

pub(super) async fn not_found() -> Response {
    response(StatusCode::NOT_FOUND, TEXT, "nothing is served here\n")
}

pub(super) async fn method_not_allowed() -> Response {
    response(
        StatusCode::METHOD_NOT_ALLOWED,
        TEXT,
        "only GET and HEAD are answered here\n",
    )
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "the metrics page could not be made");
    response(
        StatusCode::INTERNAL_SERVER_ERROR,
        TEXT,
        "the metrics page could not be made: see the log\n",
    )
}

/// A page that holds its place among the scrapes until the connection has taken the last byte.
struct Scrape {
    text: String,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Scrape {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}
