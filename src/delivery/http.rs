//! HTTP, as far as a message needs it: one POST on a connection of its own.
//!
//! Redirects are not followed, answers are read as far as they are short, and everything has its time. What is shown of
//! an address is its host: the rest of it may be a secret.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use jiff::fmt::rfc2822;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::retry::Outcome;
use super::tls::{self, ClientError};
use crate::net::safe_text;
use crate::time::Timestamp;

/// Sends messages by HTTP and HTTPS.
#[derive(Clone)]
pub struct Client {
    tls: TlsConnector,
}

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// What the answer says beside its status is waited for so long.
const BODY_WITHIN: Duration = Duration::from_secs(5);
/// So much of an answer is read, in bytes.
const MOST_ANSWER: usize = 8 << 10;
/// So much of it is shown, in characters.
const MOST_SHOWN: usize = 300;

impl Client {
    /// A client that trusts whom the system trusts, or whom `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    pub fn new() -> Result<Self, ClientError> {
        Ok(Self {
            tls: tls::connector()?,
        })
    }

    /// Posts a body; what became of it.
    pub(super) async fn post(
        &self,
        to: &Endpoint,
        headers: &[(HeaderName, HeaderValue)],
        body: String,
        now: Timestamp,
    ) -> Outcome {
        match timeout(ANSWER_WITHIN, self.exchange(to, headers, body)).await {
            Ok(Ok(answer)) => answer.outcome(to, now),
            Ok(Err(reason)) => Outcome::later(format!("{}: {reason}", to.host)),
            Err(_) => Outcome::later(format!(
                "{}: no answer within {} s",
                to.host,
                ANSWER_WITHIN.as_secs()
            )),
        }
    }

    async fn exchange(
        &self,
        to: &Endpoint,
        headers: &[(HeaderName, HeaderValue)],
        body: String,
    ) -> Result<Answer, String> {
        let stream = timeout(CONNECT_WITHIN, TcpStream::connect((&*to.host, to.port)))
            .await
            .map_err(|_| "it cannot be reached (no connection in time)".to_owned())?
            .map_err(|error| format!("it cannot be reached ({error})"))?;
        let mut request = Request::post(&*to.target)
            .header(header::HOST, &*to.authority)
            .header(
                header::USER_AGENT,
                concat!("phonewatch/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| "its address cannot be asked for".to_owned())?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value.clone());
        }
        if to.is_tls {
            let name = ServerName::try_from(to.host.clone())
                .map_err(|error| format!("its name cannot be checked ({error})"))?;
            let stream = timeout(CONNECT_WITHIN, self.tls.connect(name, stream))
                .await
                .map_err(|_| "TLS did not begin in time".to_owned())?
                .map_err(|error| tls::refusal(&error))?;
            ask(stream, request).await
        } else {
            ask(stream, request).await
        }
    }
}

async fn ask<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| format!("it does not speak HTTP ({error})");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let asking = async {
        let answer = sender.send_request(request).await.map_err(failed)?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let mut body = Vec::new();
        // The status counts, however slowly the rest comes.
        timeout(BODY_WITHIN, beginning(answer.into_body(), &mut body))
            .await
            .ok();
        Ok(Answer {
            status,
            headers,
            body,
        })
    };
    // The connection is driven here and not in a task, so that it ends with this attempt.
    tokio::pin!(connection);
    tokio::pin!(asking);
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            answer = &mut asking => return answer,
            ended = &mut connection, if is_open => {
                is_open = false;
                // Why it ended the request tells too.
                ended.ok();
            }
        }
    }
}

/// The beginning of an answer. Where it breaks off, the status has come all the same.
async fn beginning(mut body: Incoming, bytes: &mut Vec<u8>) {
    while bytes.len() < MOST_ANSWER {
        match body.frame().await {
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                bytes.extend(data.iter().take(MOST_ANSWER - bytes.len()));
            }
            Some(Err(_)) | None => break,
        }
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn outcome(&self, to: &Endpoint, now: Timestamp) -> Outcome {
        let body: Vec<u8> = (self.body.iter())
            .map(|byte| {
                if byte.is_ascii_whitespace() {
                    b' '
                } else {
                    *byte
                }
            })
            .collect();
        let body = safe_text(&body, MOST_SHOWN);
        let mut said = format!("{} answered {}", to.host, self.status);
        if !body.trim().is_empty() {
            said = format!("{said}: {}", body.trim());
        }
        match self.status {
            status if status.is_success() => Outcome::Delivered(said),
            status if status.is_redirection() => Outcome::Refused(format!(
                "{said}; redirects are not followed: name the address where it leads"
            )),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Outcome::Later {
                reason: said,
                after: self.retry_after(now),
            },
            status if status.is_server_error() => Outcome::Later {
                reason: said,
                after: self.retry_after(now),
            },
            _ => Outcome::Refused(said),
        }
    }

    /// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
    fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        let seconds = u64::try_from(date.as_second()).ok()?;
        Some(Timestamp::from_secs(seconds).since(now))
    }
}

/// Where to post to.
#[derive(Clone)]
pub(super) struct Endpoint {
    is_tls: bool,
    host: String,
    port: u16,
    authority: String,
    /// The path with the query, which may be a secret.
    target: String,
}

impl Endpoint {
    /// Takes an address apart; else what is wrong with it, without showing it.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let wrong = || "its address is none that begins with http:// or https://".to_owned();
        let uri: Uri = url.trim().parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err("its address holds a name or a password: use a token instead".to_owned());
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(Self {
            is_tls,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: (authority.port_u16()).unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.to_string(),
            target: target.to_owned(),
        })
    }

    /// The same with this path behind its own, unless it ends with it.
    pub(super) fn with_path(mut self, path: &str) -> Self {
        let own = self.target.split('?').next().unwrap_or_default();
        let own = own.trim_end_matches('/');
        self.target = format!("{}{path}", own.strip_suffix(path).unwrap_or(own));
        self
    }
}

/// A header's value that is a secret, so that nothing shows it.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, io::Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| io::Error::other("it holds characters that HTTP does not carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Outcome {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        }
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: b"no\x1b[2J".to_vec(),
        };
        let to = Endpoint::parse("https://example.com/secret?key=secret").unwrap();
        // Sun, 06 Nov 1994 08:49:00 GMT.
        answer.outcome(&to, Timestamp::from_secs(784_111_740))
    }

    #[test]
    fn only_what_may_go_better_is_tried_again() {
        for (status, header, expected) in [
            (408, None, Some(None)),
            (429, Some("120"), Some(Some(120))),
            (429, Some("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Some(37))),
            (503, Some("soon"), Some(None)),
            (500, None, Some(None)),
            (400, None, None),
            (401, None, None),
            (404, Some("5"), None),
            (410, None, None),
            (301, None, None),
            (307, None, None),
        ] {
            let outcome = answer(status, header);
            let after = match &outcome {
                Outcome::Later { after, .. } => Some(after.map(|after| after.as_secs())),
                Outcome::Refused(_) => None,
                Outcome::Delivered(said) => panic!("{status}: {said}"),
            };
            assert_eq!(after, expected, "{status}");
            let shown = format!("{outcome:?}");
            assert!(
                !shown.contains("secret") && !shown.contains('\x1b'),
                "{shown}"
            );
        }
        assert!(matches!(answer(204, None), Outcome::Delivered(_)));
    }

    #[test]
    fn an_address_is_taken_apart() {
        let to = Endpoint::parse("https://[::1]:8443/a/?b=c").unwrap();
        assert_eq!((&*to.host, to.port, to.is_tls), ("::1", 8443, true));
        assert_eq!((&*to.authority, &*to.target), ("[::1]:8443", "/a/?b=c"));
        for (url, target) in [
            ("http://am:9093", "/api/v2/alerts"),
            ("http://am:9093/", "/api/v2/alerts"),
            ("http://am/prefix/", "/prefix/api/v2/alerts"),
            ("http://am/prefix/api/v2/alerts", "/prefix/api/v2/alerts"),
        ] {
            let to = Endpoint::parse(url).unwrap().with_path("/api/v2/alerts");
            assert_eq!(to.target, target, "{url}");
        }
        for url in [
            "",
            "secret",
            "ftp://secret",
            "https://me:secret@host/",
            "http://",
        ] {
            let error = Endpoint::parse(url).err().unwrap();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
