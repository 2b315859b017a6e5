//! What is served over HTTP: the page for Prometheus, the API, the pages for people and the signs of life.
//!
//! Most requests only read: the snapshot that the engine published last, what the daemon says of itself, and the frames
//! that it has. Those that change something (silences, maintenance, the configuration read again) are refused unless the
//! configuration allows them. Everything that a client can hold is bounded: connections, their time, the size of a
//! request's head and body, pages that are under way, passwords that are being checked.

mod admin;
mod api;
mod gate;
mod guard;
pub(crate) mod html;
mod mutes;
mod page;
mod readiness;
mod recordings;
mod server;

use std::fmt;
use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::metrics::{MetricsSettings, SensorState};
use crate::snapshot::Snapshot;
use server::Bounds;

pub use admin::{Admin, ReloadRequest};
pub use gate::{Gate, GateError};
pub use mutes::{MuteAnswer, MuteRefusal, MuteRequest};
pub use recordings::{Recordings, TraceForm, Unavailable};

/// What the pages are made from. Clones share everything.
#[derive(Clone)]
pub struct WebState {
    snapshot: Arc<ArcSwap<Snapshot>>,
    sensor: Arc<dyn Fn() -> SensorState + Send + Sync>,
    settings: Arc<ArcSwap<MetricsSettings>>,
    /// Pages for Prometheus that may be made or sent at the same time.
    scrapes: Arc<Semaphore>,
    gate: Arc<ArcSwap<Gate>>,
    admin: Arc<Admin>,
    /// Who has the frames of phones, where anybody has.
    recordings: Option<Arc<dyn Recordings>>,
    /// Captures and traces that may be made or sent at the same time.
    recordings_turn: Arc<Semaphore>,
    /// Who keeps silences and maintenance, if anybody does.
    mutes: Option<mutes::Mutes>,
}

impl WebState {
    /// `snapshot` holds what the engine published last, `sensor` tells how the daemon is, without waiting for anything,
    /// and `settings` may be exchanged while the server runs.
    pub fn new(
        snapshot: Arc<ArcSwap<Snapshot>>,
        sensor: impl Fn() -> SensorState + Send + Sync + 'static,
        settings: Arc<ArcSwap<MetricsSettings>>,
    ) -> Self {
        Self {
            snapshot,
            sensor: Arc::new(sensor),
            settings,
            scrapes: Arc::new(Semaphore::new(page::SCRAPES)),
            gate: Arc::default(),
            admin: Arc::default(),
            recordings: None,
            recordings_turn: Arc::new(Semaphore::new(recordings::AT_A_TIME)),
            mutes: None,
        }
    }

    /// The same behind this gate, which may be exchanged while the server runs.
    #[must_use]
    pub fn behind(self, gate: Arc<ArcSwap<Gate>>) -> Self {
        Self { gate, ..self }
    }

    /// The same with what the daemon shows of its configuration, and lets be asked for.
    #[must_use]
    pub fn administered(self, admin: Arc<Admin>) -> Self {
        Self { admin, ..self }
    }

    /// The same with someone who has the frames of phones.
    #[must_use]
    pub fn with_recordings(mut self, recordings: Arc<dyn Recordings>) -> Self {
        self.recordings = Some(recordings);
        self
    }

    /// `mutes` keeps silences and maintenance.
    #[must_use]
    pub fn with_mutes<F>(mut self, mutes: impl Fn(MuteRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = MuteAnswer> + Send + 'static,
    {
        self.mutes = Some(Arc::new(move |request| Box::pin(mutes(request))));
        self
    }
}

impl fmt::Debug for WebState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WebState").finish_non_exhaustive()
    }
}

/// Answers on `listener` until `shutdown`; what is being sent then is sent to its end, within a bound.
///
/// Fails only where the listener itself is broken: that no more connections can be opened for a while passes.
pub async fn serve(
    listener: TcpListener,
    state: WebState,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let gate = Arc::clone(&state.gate);
    server::serve(listener, router(state), gate, Bounds::default(), shutdown).await
}

fn router(state: WebState) -> Router {
    let gate = Arc::clone(&state.gate);
    Router::new()
        .route("/", get(html::index))
        .route("/style.css", get(html::style))
        .route("/phones/{name}", get(html::phone))
        .route("/phones/{name}/trace", get(recordings::trace))
        .route("/phones/{name}/evidence.pcap", get(recordings::capture))
        .route("/evidence/{file}", get(recordings::stored))
        .route("/api/v1/phones", get(api::phones))
        .route("/api/v1/phones/{name}", get(api::phone))
        .route("/api/v1/callmanagers", get(api::callmanagers))
        .route("/api/v1/findings", get(api::findings))
        .route("/api/v1/capture", get(api::capture))
        .route(
            "/api/v1/silences",
            get(mutes::silences).post(mutes::silences),
        )
        .route("/api/v1/silences/{number}", delete(mutes::silence))
        .route(
            "/api/v1/maintenance",
            get(mutes::maintenance)
                .post(mutes::maintenance)
                .delete(mutes::maintenance),
        )
        .route("/metrics", get(page::metrics))
        .route("/-/healthy", get(page::healthy))
        .route("/-/ready", get(page::ready))
        .route("/-/reload", post(admin::reload))
        .route("/config", get(admin::config))
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::method_not_allowed)
        .with_state(state)
        // Last, so that nothing is before it.
        .layer(from_fn_with_state(gate, gate::guard))
}

/// A page that no browser may take for anything else, or keep.
fn response(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<axum::body::Body>,
) -> Response {
    const FIXED: [(HeaderName, HeaderValue); 3] = [
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
    (status, FIXED, content_type, body.into()).into_response()
}

#[cfg(test)]
mod tests;
