//! The running daemon, asked over HTTP.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Form;
use crate::net::is_unsafe;
use crate::report::Query;

/// A daemon that is there answers at once; making a page of a large fleet takes some seconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The longest answer, in bytes.
const MOST: usize = 256 << 20;

/// Where the daemon answers.
pub(super) struct Daemon {
    url: String,
    authority: String,
    host: String,
    port: u16,
}

impl Daemon {
    /// The daemon at a URL like `http://127.0.0.1:12000`.
    pub(super) fn at(url: &str) -> anyhow::Result<Self> {
        let wanted = "give the daemon's address, like --url http://127.0.0.1:12000";
        let uri: Uri = url
            .parse()
            .map_err(|_| anyhow!("{url:?} is no URL: {wanted}"))?;
        if uri.scheme_str() != Some("http") {
            bail!("{url:?} does not begin with http://: {wanted}");
        }
        let Some(authority) = uri.authority() else {
            bail!("{url:?} names no host: {wanted}");
        };
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            authority: authority.to_string(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
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
            status => bail!(
                "{}{path} answered {status}: {}",
                self.url,
                printable(text.trim(), false)
            ),
        }
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
        let asked = async {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            // Its errors come out of the request too.
            tokio::spawn(connection);
            let mut request = Request::builder()
                .method(method)
                .uri(target)
                .header(header::HOST, &self.authority);
            if !body.is_empty() {
                request = request.header(header::CONTENT_TYPE, "application/json");
            }
            let request = request.body(Full::new(Bytes::from(body)))?;
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

/// What a terminal may be given: text, and where they were asked for, colours.
pub(super) fn printable(text: &str, colour: bool) -> String {
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
        for (url, host, port) in [
            ("http://127.0.0.1:12000", "127.0.0.1", 12_000),
            ("http://[::1]:12000/", "::1", 12_000),
            ("http://sensor", "sensor", 80),
        ] {
            let daemon = Daemon::at(url).unwrap();
            assert_eq!((&*daemon.host, daemon.port), (host, port));
        }
        for url in [
            "",
            "sensor",
            "https://sensor",
            "http://",
            "http:// x",
            "127.0.0.1:12000",
        ] {
            let refused = Daemon::at(url).err().unwrap().to_string();
            assert!(refused.contains("http://127.0.0.1:12000"), "{refused}");
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
