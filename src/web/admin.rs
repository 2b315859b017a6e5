//! The configuration, to be seen; and to be read again where that may be asked for.

use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use tokio::sync::{mpsc, oneshot};

use super::page::TEXT;
use super::{WebState, response};

/// What the daemon shows of its configuration, and lets be asked for.
#[derive(Debug, Default)]
pub struct Admin {
    is_allowed: AtomicBool,
    config: ArcSwap<String>,
    /// None where nobody would answer.
    reloads: Option<mpsc::Sender<ReloadRequest>>,
}

/// Asks for a reload. What is answered is what was told in the log; an error is why the old configuration stays.
pub type ReloadRequest = oneshot::Sender<Result<String, String>>;

/// So many may wait; one is carried out at a time.
const WAITING: usize = 4;

impl Admin {
    /// With the other end, where reloads are asked for.
    pub fn new() -> (Self, mpsc::Receiver<ReloadRequest>) {
        let (reloads, asked) = mpsc::channel(WAITING);
        let admin = Self {
            reloads: Some(reloads),
            ..Self::default()
        };
        (admin, asked)
    }

    /// From now on this configuration is shown, and requests may change something or not.
    pub fn set(&self, config: String, is_allowed: bool) {
        self.config.store(config.into());
        self.is_allowed.store(is_allowed, Ordering::Relaxed);
    }
}

pub(super) async fn config(State(state): State<WebState>) -> Response {
    response(StatusCode::OK, TEXT, state.admin.config.load().to_string())
}

pub(super) async fn reload(State(state): State<WebState>, headers: HeaderMap) -> Response {
    let Some(reloads) = &state.admin.reloads else {
        return response(
            StatusCode::NOT_FOUND,
            TEXT,
            "nothing can be reloaded here\n",
        );
    };
    if !state.admin.is_allowed.load(Ordering::Relaxed) {
        let how = "requests may change nothing here: set web.admin = true in the configuration, or send SIGHUP\n";
        return response(StatusCode::FORBIDDEN, TEXT, how);
    }
    if is_from_elsewhere(&headers) {
        let why = "another site asked for this, and may not\n";
        return response(StatusCode::FORBIDDEN, TEXT, why);
    }
    let (answer, answered) = oneshot::channel();
    if reloads.try_send(answer).is_err() {
        let busy = "other reloads are under way: try again\n";
        return response(StatusCode::SERVICE_UNAVAILABLE, TEXT, busy);
    }
    match answered.await {
        Ok(Ok(said)) => response(StatusCode::OK, TEXT, said + "\n"),
        Ok(Err(errors)) => response(StatusCode::INTERNAL_SERVER_ERROR, TEXT, errors + "\n"),
        Err(_) => response(
            StatusCode::SERVICE_UNAVAILABLE,
            TEXT,
            "phonewatch is stopping\n",
        ),
    }
}

/// Whether a browser sends this for a page of another site: one that is open elsewhere in it must not change anything.
/// Programs say neither of these headers.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_foreign_site = text(header::HeaderName::from_static("sec-fetch-site"))
        .is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let host = text(header::HOST);
    let is_foreign_origin = text(header::ORIGIN).is_some_and(|origin| {
        let origin: Option<Uri> = origin.parse().ok();
        let authority = origin.as_ref().and_then(Uri::authority);
        authority.map(axum::http::uri::Authority::as_str) != host
    });
    is_foreign_site || is_foreign_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_other_sites_are_told_by_their_headers() {
        for (given, is_foreign) in [
            (vec![], false),
            (vec![("origin", "http://sensor:12000")], false),
            (
                vec![
                    ("origin", "https://sensor:12000"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
            ),
            (vec![("origin", "http://sensor:12001")], true),
            (vec![("origin", "http://evil.example")], true),
            (vec![("origin", "null")], true),
            (vec![("sec-fetch-site", "cross-site")], true),
            (vec![("sec-fetch-site", "same-site")], true),
            (vec![("sec-fetch-site", "none")], false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "sensor:12000".parse().unwrap());
            for (name, value) in &given {
                headers.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_from_elsewhere(&headers), is_foreign, "{given:?}");
        }
    }
}
