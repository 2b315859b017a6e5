//! What is not in the snapshot: a phone's last frames, in words and as a capture, and the evidence of findings.

use std::io;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::page::{Made, Making, TEXT, made_in_turn};
use super::{WebState, response};
use crate::evidence::EvidenceName;
use crate::phone::DeviceId;
use crate::report::DeviceEntry;

/// So many at the same time: each waits for the engine for up to a second, and holds some megabytes.
pub(super) const AT_A_TIME: usize = 4;

const CAPTURE: &str = "application/vnd.tcpdump.pcap";
const JSON: &str = "application/json";

/// Whoever has the frames. Its functions may wait, and are called where that holds nobody up.
pub trait Recordings: Send + Sync {
    /// The last frames of a device as a capture file, without what is nobody's business.
    fn capture(&self, device: DeviceId) -> Result<Vec<u8>, Unavailable>;

    /// The same frames in words.
    fn trace(&self, device: DeviceId, form: TraceForm) -> Result<String, Unavailable>;

    /// The files of evidence that are kept.
    fn stored(&self) -> Vec<EvidenceName>;

    /// The bytes of one of them.
    fn read(&self, name: &EvidenceName) -> io::Result<Vec<u8>>;
}

/// How a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceForm {
    /// Aligned columns, for people.
    Text,
    /// An array of objects.
    Json,
}

/// Why there is nothing to show, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

pub(super) async fn capture(State(state): State<WebState>, Path(name): Path<String>) -> Response {
    let file_name = format!("{}.pcap", EvidenceName::subject(&name));
    let page = of_device(state, name, |recordings, device| {
        let file = recordings.capture(device)?;
        Ok(Made::new(CAPTURE, file))
    });
    attached(page.await, &file_name)
}

pub(super) async fn trace(
    State(state): State<WebState>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(form) = wanted_form(query.as_deref().unwrap_or_default(), &headers) else {
        let allowed = "format: json and text are allowed, and nothing else\n";
        return response(StatusCode::BAD_REQUEST, TEXT, allowed);
    };
    of_device(state, name, move |recordings, device| {
        let text = recordings.trace(device, form)?;
        Ok(match form {
            TraceForm::Text => Made::new(TEXT, text),
            TraceForm::Json => Made::new(JSON, text),
        })
    })
    .await
}

/// What stands behind the question mark counts more than what the client accepts; `None` is nothing that is known.
fn wanted_form(query: &str, headers: &HeaderMap) -> Option<TraceForm> {
    let accepted = headers.get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    match query {
        "" if accepted.is_some_and(|value| value.starts_with(JSON)) => Some(TraceForm::Json),
        "" | "format=text" => Some(TraceForm::Text),
        "format=json" => Some(TraceForm::Json),
        _ => None,
    }
}

pub(super) async fn stored(State(state): State<WebState>, Path(name): Path<String>) -> Response {
    let Ok(name) = name.parse::<EvidenceName>() else {
        return no_such_file();
    };
    let file_name = name.to_string();
    let Some(recordings) = state.recordings.clone() else {
        return no_such_file();
    };
    let page = made_in_turn(&state.recordings_turn, move || {
        Ok(match recordings.read(&name) {
            Ok(file) => Made::new(CAPTURE, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Made {
                status: StatusCode::NOT_FOUND,
                ..Made::new(TEXT, NO_SUCH_FILE)
            },
            Err(error) => return Err(error.into()),
        })
    });
    attached(page.await, &file_name)
}

const NO_SUCH_FILE: &str = "no such evidence: it was removed by its age, or could not be stored\n";

fn no_such_file() -> Response {
    response(StatusCode::NOT_FOUND, TEXT, NO_SUCH_FILE)
}

async fn of_device(
    state: WebState,
    name: String,
    make: impl FnOnce(&dyn Recordings, DeviceId) -> Result<Made, Unavailable> + Send + 'static,
) -> Response {
    let Some(recordings) = state.recordings.clone() else {
        let none = "nothing is recorded here\n";
        return response(StatusCode::NOT_FOUND, TEXT, none);
    };
    let turn = Arc::clone(&state.recordings_turn);
    made_in_turn(&turn, move || -> Making {
        let Some(device) = DeviceEntry::id_of(&state.snapshot.load(), &name) else {
            return Ok(Made {
                status: StatusCode::NOT_FOUND,
                ..Made::new(TEXT, "no phone of this name was seen\n")
            });
        };
        Ok(make(&*recordings, device).unwrap_or_else(|error| Made {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..Made::new(TEXT, format!("{error}\n"))
        }))
    })
    .await
}

/// Has a browser store what was found instead of showing it. The name holds letters, digits, dots and dashes alone.
fn attached(page: Response, file_name: &str) -> Response {
    if page.status() != StatusCode::OK {
        return page;
    }
    let attachment = format!("attachment; filename=\"{file_name}\"");
    match HeaderValue::from_str(&attachment) {
        Ok(value) => ([(header::CONTENT_DISPOSITION, value)], page).into_response(),
        Err(_) => page,
    }
}
