//! The running daemon, asked over HTTP.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Form;
use crate::cli::DaemonAddress;
use crate::config::SecretSource;
use crate::delivery::tls;
use crate::net::is_unsafe;
use crate::report::Query;

/// A daemon that is there answers at once; making a page of a large fleet takes some seconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The longest answer, in bytes.
const MOST: usize = 256 << 20;
/// The environment variable with the password.
const PASSWORD: &str = "PHONEWATCH_PASSWORD";

/// Where the daemon answers.
pub(in crate::app) struct Daemon {
    /// Without name and password.
    url: String,
    authority: String,
    host: String,
    port: u16,
    is_tls: bool,
    /// What it is shown to be let in.
    login: Option<HeaderValue>,
}

impl Daemon {
    /// The daemon that the command line names.
    pub(in crate::app) fn of(address: &DaemonAddress) -> anyhow::Result<Self> {
        Self::at(&address.url(), address.password_file.as_deref())
    }

    /// The daemon at a URL like `http://127.0.0.1:12000` or `https://me@sensor`; its password, if it wants one, from
    /// this file, the URL or the environment.
    fn at(url: &str, password: Option<&Path>) -> anyhow::Result<Self> {
        let wanted = "give the daemon's address, like --url http://127.0.0.1:12000";
        // It may hold a password, so it is not shown.
        let uri: Uri = url
            .parse()
            .map_err(|_| anyhow!("what is given as --url is no URL: {wanted}"))?;
        let (is_tls, usual_port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => bail!("what is given as --url does not begin with http:// or https://: {wanted}"),
        };
        let Some(authority) = uri.authority() else {
            bail!("what is given as --url names no host: {wanted}");
        };
        let (user, authority_shown) = match authority.as_str().rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, authority.as_str()),
        };
        let scheme = if is_tls { "https" } else { "http" };
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            url: format!("{scheme}://{authority_shown}{path}"),
            authority: authority_shown.to_owned(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(usual_port),
            is_tls,
            login: login(user, password)?,
        })
    }

    /// What it answers, ready to print.
    pub(super) fn answer(&self, path: &str, query: &Query, form: &Form) -> anyhow::Result<String> {
        let mut target = format!("{path}?{}", query.to_url());
        if let Form::Text(style) = form {
            target.push_str("&format=text");
            if let Some(width) = style.width {
                write!(target, "&width={}", width.clamp(20, 1000)).ok();
            }
            if style.colour {
                target.push_str("&colour=true");
            }
        }
        let (status, body) = self.fetch(&Method::GET, &target, String::new())?;
        let text = String::from_utf8_lossy(&body);
        match status {
            StatusCode::OK => Ok(match form {
                Form::Json => text.into_owned(),
                Form::Text(style) => printable(&text, style.colour),
            }),
            StatusCode::NOT_FOUND if !path.starts_with("/api/v1/phones/") => bail!(
                "{}{path} is not there: is it another program, or an older phonewatch, that listens there?",
                self.url
            ),
            StatusCode::UNAUTHORIZED => bail!(
                "{} wants another name or password: give the name in the URL, like --url https://me@sensor:12000, and the \
                 password with --password-file or in the environment variable {PASSWORD}",
                self.url
            ),
            status => bail!(
                "{}{path} answered {status}: {}",
                self.url,
                printable(text.trim(), false)
            ),
        }
    }

    /// What it serves there, as it is.
    pub(in crate::app) fn file(&self, path: &str, query: &str) -> anyhow::Result<Bytes> {
        let target = format!("{path}?{query}");
        let (status, body) = self.fetch(&Method::GET, &target, String::new())?;
        if status != StatusCode::OK {
            let text = String::from_utf8_lossy(&body);
            bail!(
                "{}{path} answered {status}: {}",
                self.url,
                printable(text.trim(), false)
            );
        }
        Ok(body)
    }

    /// What it answers to an order with this JSON, or to a question without any.
    pub(super) fn order(
        &self,
        method: &Method,
        path: &str,
        body: String,
    ) -> anyhow::Result<String> {
        let (status, body) = self.fetch(method, path, body)?;
        let text = String::from_utf8_lossy(&body);
        if status.is_success() {
            Ok(text.into_owned())
        } else {
            // Whoever asked knows what for, and is told what the daemon says to it.
            bail!(
                "{} answered {status}: {}",
                self.url,
                printable(text.trim(), false)
            )
        }
    }

    fn fetch(
        &self,
        method: &Method,
        target: &str,
        body: String,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start the HTTP client")?;
        runtime.block_on(self.exchange(method, target, body))
    }

    async fn exchange(
        &self,
        method: &Method,
        target: &str,
        body: String,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let url = &self.url;
        let connecting = TcpStream::connect((&*self.host, self.port));
        let stream = match timeout(CONNECT_WITHIN, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.unreachable(&error)),
            Err(_) => bail!(
                "{url} does not answer: is its host right, and does a firewall let you through?"
            ),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, &self.authority);
        if let Some(login) = &self.login {
            request = request.header(header::AUTHORIZATION, login);
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        if !self.is_tls {
            return self.ask(stream, request).await;
        }
        let name = ServerName::try_from(self.host.clone())
            .with_context(|| format!("{url} names no host whose certificate could be checked"))?;
        match timeout(CONNECT_WITHIN, tls::connector()?.connect(name, stream)).await {
            Ok(Ok(stream)) => self.ask(stream, request).await,
            Ok(Err(error)) => bail!("{url}: {}", tls::refusal(&error)),
            Err(_) => bail!("{url} does not begin TLS: is it http:// there?"),
        }
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let url = &self.url;
        let asked = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            // Its errors come out of the request too.
            tokio::spawn(connection);
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MOST)
                .collect()
                .await
                .map_err(|error| anyhow!("{error}"))?;
            Ok::<_, anyhow::Error>((status, body.to_bytes()))
        };
        timeout(ANSWER_WITHIN, asked)
            .await
            .map_err(|_| {
                anyhow!(
                    "{url} gave no answer within {} s: try again",
                    ANSWER_WITHIN.as_secs()
                )
            })?
            .with_context(|| format!("{url} did not answer like phonewatch: is its port right?"))
    }

    fn unreachable(&self, error: &io::Error) -> anyhow::Error {
        let remedy = if error.kind() == io::ErrorKind::ConnectionRefused {
            "is the daemon running (phonewatch run), and is web.listen in its configuration this address? To look \
             into capture files, use --from FILE"
        } else {
            "is its host right? Name another one with --url, or look into capture files with --from FILE"
        };
        anyhow!("cannot connect to {} ({error}): {remedy}", self.url)
    }
}

/// The header with which `user` of a URL logs in.
fn login(user: Option<&str>, file: Option<&Path>) -> anyhow::Result<Option<HeaderValue>> {
    let Some(user) = user else {
        if file.is_some() {
            bail!(
                "--password-file wants a name in the URL too, like --url https://me@sensor:12000"
            );
        }
        return Ok(None);
    };
    let (name, in_url) = match user.split_once(':') {
        Some((name, password)) => (name, Some(password)),
        None => (user, None),
    };
    let mut login = decoded(name);
    login.push(b':');
    match (file, in_url) {
        (Some(file), _) => {
            let secret = SecretSource::File(file.to_owned()).read()?;
            login.extend_from_slice(secret.expose().as_bytes());
        }
        (None, Some(password)) => login.extend(decoded(password)),
        (None, None) if std::env::var_os(PASSWORD).is_some() => {
            let secret = SecretSource::Environment(PASSWORD.to_owned()).read()?;
            login.extend_from_slice(secret.expose().as_bytes());
        }
        (None, None) => bail!(
            "the URL has a name without a password: give that with --password-file or in the environment variable {PASSWORD}"
        ),
    }
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(login)))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// What `%` and two digits stand for (RFC 3986, section 2.1).
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.split_at_checked(2).filter(|_| *first == b'%');
        let byte = digits.and_then(|(digits, after)| {
            let digits = str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = byte.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// What a terminal may be given: text, and where they were asked for, colours.
pub(in crate::app) fn printable(text: &str, colour: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match colour_code(rest) {
            Some(length) if colour => length,
            _ => character.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        if length == character.len_utf8() && is_unsafe(character) && character != '\n' {
            out.push(char::REPLACEMENT_CHARACTER);
        } else {
            out.push_str(piece);
        }
        rest = after;
    }
    out
}

/// The length of the colour that `text` begins with: `ESC [ number m`.
fn colour_code(text: &str) -> Option<usize> {
    let parameter = text.strip_prefix("\x1b[")?;
    let digits = parameter.bytes().take_while(u8::is_ascii_digit).count();
    (digits <= 2 && parameter.as_bytes().get(digits) == Some(&b'm')).then_some(digits + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_or_refused_with_an_example() {
        for (url, host, port, login) in [
            ("http://127.0.0.1:12000", "127.0.0.1", 12_000, None),
            ("http://[::1]:12000/", "::1", 12_000, None),
            ("http://sensor", "sensor", 80, None),
            ("https://sensor/", "sensor", 443, None),
            (
                "https://a:b%3A%@sensor",
                "sensor",
                443,
                Some("Basic YTpiOiU="),
            ),
        ] {
            let daemon = Daemon::at(url, None).unwrap();
            assert_eq!((&*daemon.host, daemon.port), (host, port));
            let shown = daemon.login.as_ref().map(|it| it.to_str().unwrap());
            assert_eq!(shown, login);
            assert!(!daemon.url.contains('@') && !daemon.authority.contains('@'));
        }
        for url in [
            "",
            "sensor",
            "ftp://me:secret@sensor",
            "http://",
            "http:// x",
            "127.0.0.1:12000",
        ] {
            let refused = Daemon::at(url, None).err().unwrap().to_string();
            assert!(refused.contains("http://127.0.0.1:12000"), "{refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn of_what_a_server_sends_only_text_and_colours_reach_the_terminal() {
        let sent = "\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07\n\u{202e}é";
        assert_eq!(
            printable(sent, true),
            "\x1b[31mred\x1b[0m \u{FFFD}[2J\u{FFFD}]0;title\u{FFFD}\n\u{FFFD}é"
        );
        assert!(!printable(sent, false).contains('\x1b'));
    }
}
