//! The configuration, to be seen; and to be read again where that may be asked for.

use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokio::sync::{mpsc, oneshot};

use super::guard::may_change;
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

    /// Whether requests may change something.
    pub(super) fn allows_changes(&self) -> bool {
        self.is_allowed.load(Ordering::Relaxed)
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
    if let Err((status, why)) = may_change(&state, &headers) {
        return response(status, TEXT, why);
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
