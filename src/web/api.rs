//! The API: the report's objects as JSON, made from the snapshot; with `format=text` as the command line shows them.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::WebState;
use super::page::{Made, TEXT, made};
use crate::report::{
    CallManagerEntry, CaptureEntry, CaptureFacts, FindingsPage, PhonePage, PhonesPage, Query,
    Report, Style,
};
use crate::snapshot::Snapshot;

const JSON: &str = "application/json";

/// What a request asks for, and in which form.
struct Request {
    query: Query,
    /// As text of this look; `None` is JSON.
    text: Option<Style>,
}

impl Request {
    /// Reads the part of the URL behind the question mark. Every value that is allowed there is a plain word.
    fn read(query: Option<&str>) -> Result<Self, String> {
        let mut request = Self {
            query: Query::default(),
            text: None,
        };
        let mut style = Style::default();
        let parameters = query.unwrap_or_default().split('&');
        for parameter in parameters.filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (key, value) {
                ("format", "json") => request.text = None,
                ("format", "text") => request.text = Some(style),
                ("format", _) => return Err("format: json and text are allowed".to_owned()),
                ("width", width) => {
                    let width = width
                        .parse()
                        .ok()
                        .filter(|width| (20..=1000).contains(width));
                    style.width = Some(width.ok_or("width: a number from 20 to 1000 is allowed")?);
                }
                ("colour", "true") => style.colour = true,
                (key, value) => request.query.set(key, value)?,
            }
        }
        request.text = request.text.map(|_| style);
        Ok(request)
    }
}

pub(super) async fn phones(State(state): State<WebState>, RawQuery(query): RawQuery) -> Response {
    answer(state, query, |snapshot, request| {
        let page = PhonesPage::new(snapshot, &request.query);
        Ok(written(&page, request.text.map(|style| page.text(style)))?)
    })
    .await
}

pub(super) async fn findings(State(state): State<WebState>, RawQuery(query): RawQuery) -> Response {
    answer(state, query, |snapshot, request| {
        let page = FindingsPage::new(snapshot, &request.query);
        Ok(written(&page, request.text.map(|style| page.text(style)))?)
    })
    .await
}

pub(super) async fn phone(
    State(state): State<WebState>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    answer(state, query, move |snapshot, request| {
        let Some(page) = PhonePage::new(snapshot, &name) else {
            return Ok(no_such_phone());
        };
        let text = request.text.map(|style| page.device.text(style));
        Ok(written(&page, text)?)
    })
    .await
}

pub(super) async fn callmanagers(
    State(state): State<WebState>,
    RawQuery(query): RawQuery,
) -> Response {
    #[derive(Serialize)]
    struct CallManagers {
        schema: u32,
        callmanagers: Vec<CallManagerEntry>,
    }
    answer(state, query, |snapshot, _| {
        let object = CallManagers {
            schema: Report::SCHEMA,
            callmanagers: CallManagerEntry::all(snapshot),
        };
        Ok(written(&object, None)?)
    })
    .await
}

pub(super) async fn capture(State(state): State<WebState>, RawQuery(query): RawQuery) -> Response {
    #[derive(Serialize)]
    struct Capture {
        schema: u32,
        capture: CaptureEntry,
    }
    answer(state, query, |snapshot, _| {
        let object = Capture {
            schema: Report::SCHEMA,
            capture: CaptureEntry::new(&snapshot.totals, CaptureFacts::default()),
        };
        Ok(written(&object, None)?)
    })
    .await
}

async fn answer(
    state: WebState,
    query: Option<String>,
    make: impl FnOnce(&Snapshot, &Request) -> super::page::Making + Send + 'static,
) -> Response {
    match Request::read(query.as_deref()) {
        Ok(request) => {
            made(state, move |state| {
                make(&state.snapshot.load_full(), &request)
            })
            .await
        }
        Err(error) => super::response(StatusCode::BAD_REQUEST, TEXT, error + "\n"),
    }
}

fn written(object: &impl Serialize, text: Option<String>) -> serde_json::Result<Made> {
    match text {
        Some(text) => Ok(Made::new(TEXT, text)),
        None => Ok(Made::new(JSON, serde_json::to_string(object)? + "\n")),
    }
}

fn no_such_phone() -> Made {
    Made {
        status: StatusCode::NOT_FOUND,
        ..Made::new(TEXT, "no phone of this name was seen\n")
    }
}
