//! Receivers that are asked by HTTP.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use phonewatch::delivery::Outcome;
use serde_json::Value;

use super::{message, now, reason, sender};

/// A server that takes one request and gives one answer; what it was asked.
struct Server {
    address: SocketAddr,
    asked: JoinHandle<String>,
}

impl Server {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = request(&mut stream);
            // A client that has read enough may hang up.
            stream.write_all(answer.as_bytes()).ok();
            request
        });
        Self { address, asked }
    }

    fn asked(self) -> (String, Value) {
        let request = self.asked.join().unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), serde_json::from_str(body).unwrap())
    }
}

fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let length = stream.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let wanted = head.to_lowercase();
        let wanted = wanted.split("content-length: ").nth(1).unwrap();
        let wanted: usize = wanted.lines().next().unwrap().trim().parse().unwrap();
        if body.len() >= wanted {
            return text;
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_webhook_gets_the_message_with_its_version_signature_and_id() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let server = Server::start(OK);
    let sender = sender(&format!(
        "kind = 'webhook'\nurl = 'http://{}/hook?x=y'\ntoken_file = '{}'\nsecret_file = '{}'",
        server.address,
        file("token", "open sesame\n"),
        file("secret", "key\n")
    ));
    let outcome = sender.send(&message(), now()).await;
    assert_eq!(
        outcome,
        Outcome::Delivered("127.0.0.1 answered 200 OK: ok".into())
    );
    let (head, body) = server.asked();
    assert!(head.starts_with("post /hook?x=y http/1.1"), "{head}");
    for header in [
        "content-type: application/json",
        "authorization: bearer open sesame",
        "x-phonewatch-timestamp: 1772366400",
        "x-phonewatch-signature: sha256=",
        &format!("idempotency-key: {}", message().id),
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    assert_eq!(body["version"], "1");
    assert_eq!(body["status"], "firing");
    assert_eq!(body["groupLabels"]["alertname"], "phonewatch_test");
    let alert = &body["alerts"][0];
    for key in [
        "code",
        "severity",
        "labels",
        "annotations",
        "startsAt",
        "fingerprint",
    ] {
        assert!(!alert[key].is_null(), "{key} is not in {alert}");
    }
}

#[tokio::test]
async fn known_services_get_what_they_want() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    let template = folder.path().join("template");
    fs::write(&template, "{\"say\": \"{{title}}\"}").unwrap();
    for (kind, pointer, expected) in [
        ("slack", "/text", "TEST: phonewatch reaches you"),
        (
            "teams",
            "/attachments/0/contentType",
            "application/vnd.microsoft.card.adaptive",
        ),
        ("pagerduty", "/event_action", "trigger"),
        ("template", "/say", "TEST: phonewatch reaches you"),
        ("alertmanager", "/0/labels/alertname", "phonewatch_test"),
    ] {
        let server = Server::start(OK);
        let url = format!("http://{}/", server.address);
        let (secret_is, keys) = match kind {
            "slack" | "teams" => (&*url, format!("url_file = '{}'", secret.display())),
            "pagerduty" => (
                "key",
                format!("url = '{url}'\ntoken_file = '{}'", secret.display()),
            ),
            "template" => (
                "",
                format!("url = '{url}'\ntemplate = '{}'", template.display()),
            ),
            _ => ("", format!("url = '{url}'")),
        };
        fs::write(&secret, secret_is).unwrap();
        let outcome = sender(&format!("kind = '{kind}'\n{keys}"))
            .send(&message(), now())
            .await;
        assert!(
            matches!(outcome, Outcome::Delivered(_)),
            "{kind}: {outcome:?}"
        );
        let (_, body) = server.asked();
        assert_eq!(body.pointer(pointer).unwrap(), expected, "{kind}: {body}");
    }
}

#[tokio::test]
async fn a_server_that_fails_is_asked_again_and_one_that_refuses_is_not() {
    for (answer, is_tried_again, told) in [
        (
            "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops",
            true,
            "500",
        ),
        (
            "HTTP/1.1 429 No\r\nRetry-After: 70\r\nContent-Length: 0\r\n\r\n",
            true,
            "429",
        ),
        ("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", false, "404"),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            false,
            "redirects are not followed",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n", true, "it does not speak HTTP"),
        ("", true, "it does not speak HTTP"),
    ] {
        let server = Server::start(answer);
        let url = format!("http://{}/secret", server.address);
        let sender = sender(&format!("kind = 'webhook'\nurl = '{url}'"));
        let outcome = sender.send(&message(), now()).await;
        if let Outcome::Later { after, .. } = &outcome {
            let asked = answer.contains("Retry-After").then_some(70);
            assert_eq!(after.map(|after| after.as_secs()), asked);
        }
        let (is_later, reason) = reason(outcome);
        assert_eq!(is_later, is_tried_again, "{answer}: {reason}");
        assert!(
            reason.contains(told) && !reason.contains("secret"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let sender = sender(&format!("kind = 'webhook'\nurl = 'http://{address}/'"));
    let (is_later, reason) = reason(sender.send(&message(), now()).await);
    assert!(is_later && reason.contains("cannot be reached"), "{reason}");
}

/// Time passes by itself when nothing else does.
#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let sender = sender(&format!("kind = 'webhook'\nurl = 'http://{address}/'"));
    let (is_later, reason) = reason(sender.send(&message(), now()).await);
    assert!(
        is_later && reason.contains("no answer within 30 s")
            || reason.contains("no connection in time"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_endless_answer_is_read_in_part() {
    let answer: &'static str = Box::leak(
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n{}",
            "x".repeat(100_000)
        )
        .into(),
    );
    let server = Server::start(answer);
    let sender = sender(&format!(
        "kind = 'webhook'\nurl = 'http://{}/'",
        server.address
    ));
    let Outcome::Delivered(said) = sender.send(&message(), now()).await else {
        panic!("it was taken");
    };
    assert!(said.len() < 400, "{said}");
}
