//! Silences and maintenance: what people ask for while the daemon runs.
//!
//! The web knows nothing of alerts. It checks who asks, and hands the request on to whoever keeps them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::Value;

use super::guard::{self, Refused};
use super::page::TEXT;
use super::{WebState, response};

/// What is asked of whoever keeps silences and maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MuteRequest {
    /// Which silences are there?
    Silences,
    /// A silence, as JSON.
    AddSilence(Vec<u8>),
    /// The silence of this number is over.
    EndSilence(u64),
    /// Is it maintenance?
    Maintenance,
    /// It is, as JSON.
    BeginMaintenance(Vec<u8>),
    /// It is over.
    EndMaintenance,
}

/// Why that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MuteRefusal {
    /// It is not understood, for this reason.
    Invalid(String),
    /// There are as many silences as there may be.
    Full,
    /// No silence has this number.
    NoSuch,
    /// Nobody answers.
    Unavailable,
}

/// What came of it, as the object that is answered.
pub type MuteAnswer = Result<Value, MuteRefusal>;

/// Asks whoever keeps silences and maintenance.
pub(super) type Mutes =
    Arc<dyn Fn(MuteRequest) -> Pin<Box<dyn Future<Output = MuteAnswer> + Send>> + Send + Sync>;

/// The longest body, in bytes: 256 matchers of each kind fit.
const MOST: usize = 256 << 10;
/// A client sends a body of this size at once.
const BODY_WITHIN: Duration = Duration::from_secs(10);
const JSON: &str = "application/json";

pub(super) async fn silences(State(state): State<WebState>, request: Request) -> Response {
    if *request.method() != Method::POST {
        return answer(&state, MuteRequest::Silences, StatusCode::OK).await;
    }
    match body(&state, request).await {
        Ok(body) => answer(&state, MuteRequest::AddSilence(body), StatusCode::CREATED).await,
        Err(refused) => refuse(refused),
    }
}

pub(super) async fn silence(
    State(state): State<WebState>,
    Path(number): Path<String>,
    request: Request,
) -> Response {
    if let Err(refused) = guard::may_change(&state, request.headers()) {
        return refuse(refused);
    }
    match number.parse() {
        Ok(number) => answer(&state, MuteRequest::EndSilence(number), StatusCode::OK).await,
        Err(_) => refusal(MuteRefusal::NoSuch),
    }
}

pub(super) async fn maintenance(State(state): State<WebState>, request: Request) -> Response {
    let asked = match *request.method() {
        Method::POST => match body(&state, request).await {
            Ok(body) => MuteRequest::BeginMaintenance(body),
            Err(refused) => return refuse(refused),
        },
        Method::DELETE => match guard::may_change(&state, request.headers()) {
            Ok(()) => MuteRequest::EndMaintenance,
            Err(refused) => return refuse(refused),
        },
        _ => MuteRequest::Maintenance,
    };
    answer(&state, asked, StatusCode::OK).await
}

async fn body(state: &WebState, request: Request) -> Result<Vec<u8>, Refused> {
    guard::may_change(state, request.headers())?;
    guard::is_json(request.headers())?;
    let reading = axum::body::to_bytes(request.into_body(), MOST);
    match tokio::time::timeout(BODY_WITHIN, reading).await {
        Ok(Ok(body)) => Ok(body.into()),
        Ok(Err(_)) => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body broke off, or is longer than 256 KiB\n",
        )),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come within 10 seconds\n",
        )),
    }
}

fn refuse((status, message): Refused) -> Response {
    response(status, TEXT, message)
}

async fn answer(state: &WebState, asked: MuteRequest, done: StatusCode) -> Response {
    let answered = match &state.mutes {
        Some(mutes) => mutes(asked).await,
        None => Err(MuteRefusal::Unavailable),
    };
    match answered {
        Ok(object) => response(done, JSON, format!("{object}\n")),
        Err(refused) => refusal(refused),
    }
}

fn refusal(refused: MuteRefusal) -> Response {
    let (status, message) = match refused {
        MuteRefusal::Invalid(message) => (StatusCode::BAD_REQUEST, message),
        MuteRefusal::Full => (
            StatusCode::CONFLICT,
            "there are too many silences: remove some that are not needed any more".to_owned(),
        ),
        MuteRefusal::NoSuch => (
            StatusCode::NOT_FOUND,
            "no silence has this number".to_owned(),
        ),
        MuteRefusal::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "nobody keeps silences now: try again in a few seconds".to_owned(),
        ),
    };
    response(status, TEXT, message + "\n")
}
