//! The pages.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
    pub(super) body: Vec<u8>,
    pub(super) is_compressed: bool,
}

/// A page, or why it could not be made.
pub(super) type Making = Result<Made, Box<dyn std::error::Error + Send + Sync>>;

impl Made {
    pub(super) fn new(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            body: body.into(),
            is_compressed: false,
        }
    }

    /// The same page with its body in gzip. A harder compression would cost several times as much for little.
    fn compressed(self) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.body)?;
        Ok(Self {
            body: encoder.finish()?,
            is_compressed: true,
            ..self
        })
    }
}

pub(super) async fn metrics(State(state): State<WebState>, headers: HeaderMap) -> Response {
    let in_gzip = accepts_gzip(&headers);
    made(state, move |state| {
        let snapshot = state.snapshot.load_full();
        let text = render(&snapshot, &(state.sensor)(), &state.settings.load())?;
        let page = Made::new(CONTENT_TYPE, text);
        Ok(if in_gzip { page.compressed()? } else { page })
    })
    .await
}

/// Whether the client asks for gzip, as Prometheus does.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let is_gzip = |coding: &str| {
        let mut parts = coding.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let is_refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
            weight.is_some_and(|weight| weight <= 0.0)
        });
        is_named && !is_refused
    };
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(is_gzip)
}

/// Makes a page that may be large, one of a few at a time.
pub(super) async fn made(
    state: WebState,
    make: impl FnOnce(&WebState) -> Making + Send + 'static,
) -> Response {
    let places = Arc::clone(&state.scrapes);
    made_in_turn(&places, move || make(&state)).await
}

/// Makes a page as soon as one of these places is free.
pub(super) async fn made_in_turn(
    places: &Arc<Semaphore>,
    make: impl FnOnce() -> Making + Send + 'static,
) -> Response {
    let turn = tokio::time::timeout(TURN, Arc::clone(places).acquire_owned());
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
        let page = make()?;
        let mut answer = response(
            page.status,
            page.content_type,
            Bytes::from_owner(Scrape {
                body: page.body,
                _permit: permit,
            }),
        );
        if page.is_compressed {
            let gzip = HeaderValue::from_static("gzip");
            answer.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(answer)
    });
    match making.await {
        Ok(Ok(answer)) => answer,
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
    body: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Scrape {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_given_to_those_who_ask_for_it() {
        for (asked, expected) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0, br", false),
            ("br, zstd", false),
            ("xgzip", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_str(asked).unwrap();
            headers.insert(header::ACCEPT_ENCODING, value);
            assert_eq!(accepts_gzip(&headers), expected, "{asked}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
