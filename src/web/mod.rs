//! What is served over HTTP: the page for Prometheus, the API, the pages for people and the signs of life.
//!
//! Most requests only read: the snapshot that the engine published last, and what the daemon says of itself. Those that
//! change something (silences, maintenance) are refused unless the configuration allows them. Everything that a client
//! can hold is bounded: connections, their time, the size of a request's head and body, pages that are under way.

mod admin;
mod api;
pub(crate) mod html;
mod mutes;
mod page;
mod readiness;
mod server;

use std::fmt;
use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::metrics::{MetricsSettings, SensorState};
use crate::snapshot::Snapshot;
use server::Bounds;

pub use mutes::{MuteAnswer, MuteRefusal, MuteRequest};

/// What the pages are made from. Clones share everything.
#[derive(Clone)]
pub struct WebState {
    snapshot: Arc<ArcSwap<Snapshot>>,
    sensor: Arc<dyn Fn() -> SensorState + Send + Sync>,
    settings: Arc<ArcSwap<MetricsSettings>>,
    /// Pages for Prometheus that may be made or sent at the same time.
    scrapes: Arc<Semaphore>,
    /// Whether requests may change something.
    admin: bool,
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
            admin: false,
            mutes: None,
        }
    }

    /// With `admin`, requests may change something.
    #[must_use]
    pub const fn with_admin(mut self, admin: bool) -> Self {
        self.admin = admin;
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
    server::serve(listener, router(state), Bounds::default(), shutdown).await
}

fn router(state: WebState) -> Router {
    Router::new()
        .route("/", get(html::index))
        .route("/style.css", get(html::style))
        .route("/phones/{name}", get(html::phone))
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
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::method_not_allowed)
        .with_state(state)
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
