//! Who may change something over HTTP.
//!
//! Whoever reaches the port may read. Changing takes the user's consent in the configuration, and never a browser: a page
//! of somebody else's could otherwise have the browser of an operator ask. Browsers name the page that asks in the header
//! `Origin` of everything that is no GET, and send `application/json` elsewhere only after having asked for permission,
//! which nobody gives here. A page that reaches this port under a name of its own (DNS rebinding) is no better, so it does
//! not matter which origin is named.

use axum::http::{HeaderMap, HeaderName, StatusCode, header};

use super::WebState;

/// What is answered to a request that is not carried out.
pub(super) type Refused = (StatusCode, &'static str);

/// What else a browser says with each request, and a program does not.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request may change anything; else what to answer.
pub(super) fn may_change(state: &WebState, headers: &HeaderMap) -> Result<(), Refused> {
    if !state.admin.allows_changes() {
        return Err((
            StatusCode::FORBIDDEN,
            "changes over HTTP are switched off: set admin = true under [web] in the configuration of the daemon, and \
             have it read that again (systemctl reload phonewatch)\n",
        ));
    }
    if headers.contains_key(header::ORIGIN) || headers.contains_key(FETCH_SITE) {
        return Err((
            StatusCode::FORBIDDEN,
            "pages in a browser may change nothing: use `phonewatch`, or a program that sends no Origin\n",
        ));
    }
    Ok(())
}

/// Whether the request says that its body is JSON; else what to answer.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), Refused> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    if media_type.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err((
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "a body of the type application/json is wanted, and the header Content-Type that says so\n",
    ))
}
