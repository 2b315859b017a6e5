//! Who may come in, and how: TLS, passwords and headers.
//!
//! They stand in a file as those of Prometheus's exporter-toolkit do, so that what is in use elsewhere can be used here.
//! The daemon exchanges the whole gate on reload; connections that are open keep their TLS and get the new passwords.

mod file;
mod password;
mod tls;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio_rustls::TlsAcceptor;

use super::page::TEXT;
use super::response;
use file::WebFile;
use password::{Admission, Users};

/// Who may come in, and how. The default lets everybody in, without TLS.
#[derive(Default)]
pub struct Gate {
    tls: Option<TlsAcceptor>,
    users: Users,
    headers: HeaderMap,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct GateError {
    file: PathBuf,
    reason: String,
}

impl Gate {
    /// Reads the file with the certificates that it names.
    pub fn load(path: &Path) -> Result<Self, GateError> {
        let fail = |reason: String| GateError {
            file: path.to_owned(),
            reason,
        };
        let file = WebFile::load(path).map_err(fail)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let tls = file.tls_server_config.as_ref();
        let tls = tls.map(|tls| tls::server(tls, folder)).transpose();
        let tls = tls.map_err(|reason| fail(format!("tls_server_config: {reason}")))?;
        Ok(Self {
            tls: tls.map(|config| TlsAcceptor::from(Arc::new(config))),
            users: Users::new(file.basic_auth_users).map_err(fail)?,
            headers: file.http_server_config.headers().map_err(fail)?,
        })
    }

    /// Whether connections are encrypted.
    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// What begins TLS on a connection; `None` where it stays plain.
    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        self.tls.clone()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gate")
            .field("is_encrypted", &self.is_encrypted())
            .finish_non_exhaustive()
    }
}

/// Lets a request through whose name and password are right.
pub(super) async fn guard(
    State(gate): State<Arc<ArcSwap<Gate>>>,
    request: Request,
    next: Next,
) -> Response {
    let gate = gate.load_full();
    let mut answer = match gate.users.admit(request.headers()).await {
        Admission::Admitted => next.run(request).await,
        Admission::Refused => unauthorized(),
        Admission::Busy => (
            [(header::RETRY_AFTER, "5")],
            response(
                StatusCode::SERVICE_UNAVAILABLE,
                TEXT,
                "too many passwords are being checked: try again in a few seconds\n",
            ),
        )
            .into_response(),
    };
    for (name, value) in &gate.headers {
        answer.headers_mut().insert(name, value.clone());
    }
    answer
}

fn unauthorized() -> Response {
    let challenge = HeaderValue::from_static("Basic realm=\"phonewatch\", charset=\"UTF-8\"");
    let body = "a name and a password are wanted here\n";
    (
        [(header::WWW_AUTHENTICATE, challenge)],
        response(StatusCode::UNAUTHORIZED, TEXT, body),
    )
        .into_response()
}
