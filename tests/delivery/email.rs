//! Mail, taken by aiosmtpd.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use phonewatch::alert::Reason;
use phonewatch::delivery::Outcome;
use serde_json::Value;

use super::{is_missing, message, now, reason, sender};

/// The one that Debian installs packages for; another may come first in the PATH.
const PYTHON: &str = "/usr/bin/python3";

pub(super) struct MailServer {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl MailServer {
    pub(super) fn start(arguments: &[&str]) -> Option<Self> {
        let has = Command::new(PYTHON)
            .args(["-c", "import aiosmtpd"])
            .output();
        if !has.is_ok_and(|output| output.status.success()) {
            is_missing("aiosmtpd");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/delivery/smtpd.py");
        let mut process = Command::new(PYTHON)
            .arg(script)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        Some(Self {
            process,
            lines,
            port,
        })
    }

    pub(super) fn mail(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    pub(super) fn receiver(&self, tls: &str) -> String {
        format!(
            "kind = 'email'\nhost = 'localhost'\nport = {}\ntls = '{tls}'\nfrom = 'pw@example.com'\n\
             to = ['one@example.com', 'two@example.com']\n",
            self.port
        )
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test]
async fn a_mail_can_be_read_by_others_and_hangs_together_with_those_of_its_outage() {
    let Some(mut server) = MailServer::start(&["plain"]) else {
        return;
    };
    let sender = sender(&server.receiver("none"));
    let mut first = message();
    first.title = "CRITICAL: Téléphones <b>".into();
    first.alerts[0].annotations.insert(
        "summary".into(),
        "From <i>the wire</i> & é\r\n.\r\nQUIT".into(),
    );
    let mut second = first.clone();
    second.sequence = 2;
    second.id = format!("{}-2", first.thread);
    second.reason = Reason::Update;
    for sent in [&first, &second] {
        let outcome = sender.send(sent, now()).await;
        assert!(
            matches!(&outcome, Outcome::Delivered(said) if said.contains("taken")),
            "{outcome:?}"
        );
    }
    let (one, two) = (server.mail(), server.mail());
    assert_eq!(
        one["to"],
        serde_json::json!(["one@example.com", "two@example.com"])
    );
    assert_eq!(one["headers"]["Subject"], "CRITICAL: Téléphones <b>");
    assert_eq!(one["headers"]["Auto-Submitted"], "auto-generated");
    assert_eq!(one["defects"], serde_json::json!([]));
    let text = one["parts"]["text/plain"].as_str().unwrap();
    assert!(text.contains("From <i>the wire</i> & é"), "{text}");
    let html = one["parts"]["text/html"].as_str().unwrap();
    assert!(
        html.contains("&lt;i&gt;the wire") && !html.contains("<i>"),
        "{html}"
    );
    assert_eq!(one["headers"]["References"], two["headers"]["References"]);
    assert_ne!(one["headers"]["Message-ID"], two["headers"]["Message-ID"]);
}

#[tokio::test]
async fn who_refuses_for_good_is_not_asked_again() {
    for (mode, is_tried_again, told) in [
        ("refuse", false, "no such user"),
        ("busy", true, "try again"),
    ] {
        let Some(server) = MailServer::start(&[mode]) else {
            return;
        };
        let outcome = sender(&server.receiver("none"))
            .send(&message(), now())
            .await;
        let (is_later, reason) = reason(outcome);
        assert_eq!(is_later, is_tried_again, "{reason}");
        assert!(reason.contains(told), "{reason}");
    }
}

/// Time passes by itself when nothing else does.
#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_left() {
    let Some(server) = MailServer::start(&["mute"]) else {
        return;
    };
    let outcome = sender(&server.receiver("none"))
        .send(&message(), now())
        .await;
    let (is_later, reason) = reason(outcome);
    assert!(is_later, "{reason}");
}

#[tokio::test]
async fn no_password_goes_to_a_server_without_tls() {
    let Some(server) = MailServer::start(&["plain"]) else {
        return;
    };
    let outcome = sender(&server.receiver("starttls"))
        .send(&message(), now())
        .await;
    let (is_later, reason) = reason(outcome);
    assert!(
        is_later && reason.to_lowercase().contains("starttls"),
        "{reason}"
    );
}

#[test]
fn tls_and_login_by_the_command_that_tries_it_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args([
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .args(["-out", &certificate, "-keyout", &key])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        is_missing("openssl");
        return;
    }
    for tls in ["starttls", "implicit"] {
        let Some(mut server) = MailServer::start(&[tls, &certificate, &key]) else {
            return;
        };
        let password = path("password");
        let text = format!(
            "[[alert.receiver]]\nname = 'it'\n{}user = 'phonewatch'\npassword_file = '{password}'\n",
            server.receiver(tls)
        );
        fs::write(path("phonewatch.toml"), text).unwrap();
        let attempt = |password_is: &str, trusted: &str| {
            fs::write(&password, password_is).unwrap();
            let output = Command::new(env!("CARGO_BIN_EXE_phonewatch"))
                .args(["alert", "test", "it", "--config", &path("phonewatch.toml")])
                .env("SSL_CERT_FILE", trusted)
                .output()
                .unwrap();
            let said = [output.stdout, output.stderr].concat();
            (output.status.code(), String::from_utf8(said).unwrap())
        };
        let (status, said) = attempt("open sesame\n", &certificate);
        assert_eq!(status, Some(0), "{tls}: {said}");
        assert!(said.contains("taken"), "{said}");
        let mail = server.mail();
        assert_eq!(mail["tls"], true, "{mail}");
        assert_eq!(mail["user"], "phonewatch", "{mail}");
        assert!(
            mail["headers"]["Subject"]
                .as_str()
                .unwrap()
                .starts_with("TEST")
        );

        let (status, said) = attempt("wrong", &certificate);
        assert_eq!(status, Some(1), "{said}");
        assert!(
            said.contains("535") && said.contains("would try again"),
            "{said}"
        );
        assert!(!said.contains("wrong"), "{said}");
        let (status, said) = attempt("open sesame", "/etc/ssl/certs/ca-certificates.crt");
        assert_eq!(
            status,
            Some(1),
            "a certificate that nobody vouches for: {said}"
        );
    }
}
