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

/// A server that goes wrong within its answer, or makes it very long; how the message fared.
async fn sent_to(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        request(&mut stream);
        answer(&mut stream);
    });
    let sender = sender(&format!("kind = 'webhook'\nurl = 'http://{address}/'"));
    let outcome = sender.send(&message(), now()).await;
    server.join().unwrap();
    outcome
}

#[tokio::test]
async fn an_answer_that_breaks_off_counts_as_far_as_its_status() {
    // Nobody knows whether a server that hangs up before its status has taken the message: it is asked again.
    for (piece, is_delivered) in [
        ("", false),
        ("HTTP/1.1 2", false),
        ("HTTP/1.1 200 OK\r\nContent-Le", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            true,
        ),
    ] {
        let outcome = sent_to(|stream| stream.write_all(piece.as_bytes()).unwrap()).await;
        match outcome {
            Outcome::Delivered(_) => assert!(is_delivered, "{piece:?}"),
            Outcome::Later { reason, .. } => assert!(!is_delivered, "{piece:?}: {reason}"),
            Outcome::Refused(reason) => panic!("{piece:?}: {reason}"),
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_is_tried_again() {
    let outcome = sent_to(|stream| {
        // Unread bytes make the kernel reset the connection.
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    })
    .await;
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
}

#[tokio::test]
async fn every_status_is_tried_again_or_not_as_the_standard_means_it() {
    let date = "Sun, 01 Mar 2026 12:01:30 GMT";
    for (status, retry_after, is_tried_again, after) in [
        (408, "", true, None),
        (429, "", true, None),
        (429, "120", true, Some(120)),
        // The message is sent at 12:00:00.
        (429, date, true, Some(90)),
        (503, date, true, Some(90)),
        (503, "soon", true, None),
        (500, "", true, None),
        (502, "7", true, Some(7)),
        (504, "", true, None),
        (599, "", true, None),
        (300, "", false, None),
        (301, "", false, None),
        (307, "", false, None),
        (308, "", false, None),
        (400, "", false, None),
        (401, "", false, None),
        (403, "9", false, None),
        (405, "", false, None),
        (410, "", false, None),
        (413, "", false, None),
        (422, "", false, None),
    ] {
        let outcome = sent_to(move |stream| {
            let asked = if retry_after.is_empty() {
                String::new()
            } else {
                format!("Retry-After: {retry_after}\r\n")
            };
            let location = "Location: http://127.0.0.1:1/elsewhere\r\n";
            let answer =
                format!("HTTP/1.1 {status} X\r\n{asked}{location}Content-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        })
        .await;
        if let Outcome::Later { after: got, .. } = &outcome {
            assert_eq!(got.map(|it| it.as_secs()), after, "{status} {retry_after}");
        }
        let (is_later, reason) = reason(outcome);
        assert_eq!(is_later, is_tried_again, "{reason}");
        assert!(reason.contains(&status.to_string()), "{reason}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_left_once_enough_of_it_was_read() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let outcome = sent_to(move |stream| {
            stream.write_all(head.as_bytes()).unwrap();
            let piece = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
            // It ends when the other side hangs up.
            while stream.write_all(piece.as_bytes()).is_ok() {}
        })
        .await;
        let Outcome::Delivered(said) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(said.len() < 400, "{said}");
    }
    // A head has its bound too.
    let outcome = sent_to(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        while stream
            .write_all(format!("X-Long: {}\r\n", "x".repeat(4096)).as_bytes())
            .is_ok()
        {}
    })
    .await;
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
}

/// Time passes by itself when nothing else does.
#[tokio::test(start_paused = true)]
async fn an_answer_that_trickles_has_its_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trickle = async {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
            .await
            .unwrap();
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            stream.write_all(b"x").await.ok();
        }
    };
    let sender = sender(&format!("kind = 'webhook'\nurl = 'http://{address}/'"));
    let begun = tokio::time::Instant::now();
    let sending = async { sender.send(&message(), now()).await };
    let outcome = tokio::select! {
        outcome = sending => outcome,
        () = trickle => panic!("it trickles for ever"),
    };
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    // Its status has come: it is not told again.
    assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
}

/// Time passes by itself when nothing else does.
#[tokio::test(start_paused = true)]
async fn a_server_that_takes_the_message_and_hangs_is_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hang = async {
        use tokio::io::AsyncReadExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut taken = [0; 4096];
        while stream.read(&mut taken).await.unwrap() > 0 {}
        std::future::pending::<()>().await;
    };
    let sender = sender(&format!("kind = 'webhook'\nurl = 'http://{address}/'"));
    let begun = tokio::time::Instant::now();
    let outcome = tokio::select! {
        outcome = async { sender.send(&message(), now()).await } => outcome,
        () = hang => panic!("it hangs"),
    };
    assert!(begun.elapsed().as_secs() <= 40, "{:?}", begun.elapsed());
    let (is_later, reason) = reason(outcome);
    assert!(
        is_later && reason.contains("no answer within 30 s"),
        "{reason}"
    );
}
