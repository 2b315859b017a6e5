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

/// So many pages at the same time. Each holds a page of some megabytes where there are thousands of phones, from its
/// beginning until the last byte of it is sent.
pub(super) const SCRAPES: usize = 8;
/// A scrape waits so long for its turn: half of what Prometheus waits for the page.
const TURN: Duration = Duration::from_secs(5);

pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// A page that is made, with what it is sent as.
pub(super) struct Made {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) text: String,
}

/// A page, or why it could not be made.
pub(super) type Making = Result<Made, Box<dyn std::error::Error + Send + Sync>>;

impl Made {
    pub(super) const fn new(content_type: &'static str, text: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            text,
        }
    }
}

pub(super) async fn metrics(State(state): State<WebState>) -> Response {
    made(state, |state| {
        let snapshot = state.snapshot.load_full();
        let text = render(&snapshot, &(state.sensor)(), &state.settings.load())?;
        Ok(Made::new(CONTENT_TYPE, text))
    })
    .await
}

/// Makes a page that may be large, one of a few at a time.
pub(super) async fn made(
    state: WebState,
    make: impl FnOnce(&WebState) -> Making + Send + 'static,
) -> Response {
    let turn = tokio::time::timeout(TURN, state.scrapes.clone().acquire_owned());
    let Ok(Ok(permit)) = turn.await else {
        let busy = response(
            StatusCode::SERVICE_UNAVAILABLE,
            TEXT,
            "too many requests at the same time: ask from fewer places, or less often\n",
        );
        return ([(header::RETRY_AFTER, "5")], busy).into_response();
    };
    // Work of this size would hold up the other connections; the permit goes with it, as it cannot be called off.
    let making = tokio::task::spawn_blocking(move || {
        let page = make(&state)?;
        let text = Bytes::from_owner(Scrape {
            text: page.text,
            _permit: permit,
        });
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((page.status, page.content_type, text))
    });
    match making.await {
        Ok(Ok((status, content_type, text))) => response(status, content_type, text),
        Ok(Err(error)) => failed(&*error),
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
        "this is not done here: the header Allow says what is\n",
    )
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "a page could not be made");
    response(
        StatusCode::INTERNAL_SERVER_ERROR,
        TEXT,
        "the page could not be made: see the log\n",
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
