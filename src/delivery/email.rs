//! Mail: the message as MIME, sent by SMTP.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::time::timeout;

use super::html::html;
use super::retry::Outcome;
use super::text::plain;
use crate::alert::{Notification, Status};
use crate::config::{Secret, SmtpTls};
use crate::evidence::EvidenceName;
use crate::finding::Severity;
use crate::net::safe_text;
use crate::time::Timestamp;

/// Sends mail by one server to fixed addresses.
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    envelope: Envelope,
    server: String,
    from: String,
    to: Vec<String>,
    /// Where the files are that alerts name as their evidence.
    evidence: Option<PathBuf>,
}

/// What a mailer is made of.
pub(super) struct MailSettings<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) tls: SmtpTls,
    pub(super) from: &'a str,
    pub(super) to: &'a [String],
    pub(super) login: Option<(&'a str, Secret)>,
}

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// All captures of a mail together take no more, in bytes, and are no more than so many: they prove what is linked.
const MOST_ATTACHED: u64 = 256 << 10;
const MOST_CAPTURES: usize = 4;
/// For all of it: the library's own time ends with the connection, and a mute server would hold it for ever.
const SEND_WITHIN: Duration = Duration::from_secs(30);

impl Mailer {
    pub(super) fn new(settings: &MailSettings<'_>) -> Result<Self, String> {
        let address = |text: &str| {
            text.parse::<Address>()
                .map_err(|error| format!("{text} is no address of mail ({error})"))
        };
        let to: Result<Vec<Address>, String> = settings.to.iter().map(|to| address(to)).collect();
        let envelope = Envelope::new(Some(address(settings.from)?), to?)
            .map_err(|error| format!("nobody can be written to ({error})"))?;
        let parameters = || {
            TlsParameters::new(settings.host.to_owned())
                .map_err(|error| format!("TLS cannot be used ({error})"))
        };
        let tls = match settings.tls {
            SmtpTls::Starttls => Tls::Required(parameters()?),
            SmtpTls::Implicit => Tls::Wrapper(parameters()?),
            SmtpTls::None => Tls::None,
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.to_owned())
                .port(settings.port)
                .tls(tls)
                .timeout(Some(CONNECT_WITHIN));
        if let Some((user, password)) = &settings.login {
            let password = password.expose().to_owned();
            builder = builder.credentials(Credentials::new((*user).to_owned(), password));
        }
        Ok(Self {
            transport: builder.build(),
            envelope,
            server: settings.host.to_owned(),
            from: settings.from.to_owned(),
            to: settings.to.to_vec(),
            evidence: None,
        })
    }

    /// Attaches the files of evidence in this folder.
    pub(super) fn attach_from(&mut self, folder: PathBuf) {
        self.evidence = Some(folder);
    }

    /// Sends the message; what became of it.
    pub(super) async fn send(&self, message: &Notification) -> Outcome {
        let mail = self.mail(message, &self.captures(message));
        let server = &self.server;
        match timeout(
            SEND_WITHIN,
            self.transport.send_raw(&self.envelope, mail.as_bytes()),
        )
        .await
        {
            Ok(Ok(response)) => {
                let said: Vec<&str> = response.message().collect();
                let said = safe_text(said.join(" ").as_bytes(), 200);
                Outcome::Delivered(format!("{server} answered {}: {said}", response.code()))
            }
            Ok(Err(error)) => {
                let reason = format!("{server}: {}", safe_text(described(&error).as_bytes(), 300));
                // A password that is refused today may have been changed a moment ago: the mail is worth more.
                let is_login = error
                    .status()
                    .is_some_and(|code| ["530", "534", "535", "538"].contains(&&*code.to_string()));
                if error.is_permanent() && !is_login {
                    Outcome::Refused(reason)
                } else {
                    Outcome::later(reason)
                }
            }
            Err(_) => Outcome::later(format!(
                "{server}: not done within {} s",
                SEND_WITHIN.as_secs()
            )),
        }
    }

    /// The first captures that fit, each with its name. One that is gone meanwhile is left out.
    fn captures(&self, message: &Notification) -> Vec<(EvidenceName, Vec<u8>)> {
        let Some(folder) = self
            .evidence
            .as_deref()
            .filter(|_| message.status == Status::Firing)
        else {
            return Vec::new();
        };
        let names = message
            .alerts
            .iter()
            .filter(|alert| alert.status == Status::Firing);
        let names = names.filter_map(|alert| alert.evidence_file.as_deref()?.parse().ok());
        let mut room = MOST_ATTACHED;
        let mut captures = Vec::new();
        for name in names.take(MOST_CAPTURES) {
            let name: EvidenceName = name;
            let file = File::open(folder.join(name.to_string()));
            let mut bytes = Vec::new();
            let read = file.and_then(|file| file.take(room + 1).read_to_end(&mut bytes));
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if read.is_ok() && length <= room {
                room -= length;
                captures.push((name, bytes));
            }
        }
        captures
    }

    /// The mail as it goes over the wire. All of it is ASCII with short lines, whatever the message holds.
    fn mail(&self, message: &Notification, captures: &[(EvidenceName, Vec<u8>)]) -> String {
        let outer = "=_phonewatch_mail";
        let boundary = "=_phonewatch";
        let domain = self.from.rsplit('@').next().unwrap_or("phonewatch");
        let first = format!("<{}.phonewatch@{domain}>", message.thread);
        let own = format!("<{}.phonewatch@{domain}>", message.id);
        let mut lines = vec![
            format!("From: phonewatch <{}>", self.from),
            format!("To: {}", self.to.join(",\r\n ")),
            format!("Subject: {}", encoded_words(&message.title)),
            format!("Date: {}", date(message.at)),
            format!("Message-ID: {own}"),
            // Of a mail that does not exist itself: the mails of one outage hang together by it.
            format!("In-Reply-To: {first}"),
            format!("References: {first}"),
            "Auto-Submitted: auto-generated".to_owned(),
            "X-Auto-Response-Suppress: All".to_owned(),
        ];
        if message.severity == Severity::Critical {
            lines.push("X-Priority: 1".to_owned());
        }
        lines.push("MIME-Version: 1.0".to_owned());
        if !captures.is_empty() {
            lines.push(format!(
                "Content-Type: multipart/mixed; boundary=\"{outer}\""
            ));
            lines.push(String::new());
            lines.push(format!("--{outer}"));
        }
        lines.push(format!(
            "Content-Type: multipart/alternative; boundary=\"{boundary}\""
        ));
        for (kind, body) in [("plain", plain(message)), ("html", html(message))] {
            lines.push(String::new());
            lines.push(format!("--{boundary}"));
            lines.push(format!("Content-Type: text/{kind}; charset=utf-8"));
            lines.push("Content-Transfer-Encoding: base64".to_owned());
            lines.push(String::new());
            lines.extend(base64_lines(body.replace('\n', "\r\n").as_bytes()));
        }
        lines.push(format!("--{boundary}--"));
        for (name, bytes) in captures {
            lines.push(String::new());
            lines.push(format!("--{outer}"));
            lines.push("Content-Type: application/vnd.tcpdump.pcap".to_owned());
            lines.push("Content-Transfer-Encoding: base64".to_owned());
            // The name holds letters, digits, dots and dashes alone. A line of its own keeps lines short.
            lines.push("Content-Disposition: attachment;".to_owned());
            lines.push(format!(" filename=\"{name}\""));
            lines.push(String::new());
            lines.extend(base64_lines(bytes));
        }
        if !captures.is_empty() {
            lines.push(String::new());
            lines.push(format!("--{outer}--"));
        }
        lines.push(String::new());
        lines.join("\r\n")
    }
}

/// The error with its causes.
fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn base64_lines(bytes: &[u8]) -> Vec<String> {
    let encoded = STANDARD.encode(bytes);
    let lines = encoded.as_bytes().chunks(76);
    lines
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

/// A header's text, encoded where it is not plain (RFC 2047): words of at most 75 characters, each whole UTF-8.
fn encoded_words(text: &str) -> String {
    if text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && !text.contains("=?")
    {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for character in text.chars() {
        // 45 bytes are 60 characters of base64.
        if words
            .last()
            .is_some_and(|word| word.len() + character.len_utf8() > 45)
        {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    let words = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    words.collect::<Vec<_>>().join("\r\n ")
}

fn date(at: Timestamp) -> String {
    i64::try_from(at.as_nanos() / 1_000_000_000)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .and_then(|at| {
            jiff::fmt::rfc2822::DateTimePrinter::new()
                .timestamp_to_string(&at)
                .ok()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::sender::test_message;

    #[test]
    fn a_mail_is_plain_ascii_in_short_lines() {
        let mailer = Mailer::new(&MailSettings {
            host: "127.0.0.1",
            port: 25,
            tls: SmtpTls::None,
            from: "a@example.com",
            to: &["b@example.com".into(), "c@example.com".into()],
            login: None,
        });
        let mut message = test_message("x", Timestamp::from_secs(1_700_000_000));
        message.title = "é\r\nBcc: everybody@example.com <b> …".into();
        message.thread = "t1".into();
        message.id = "t1-2".into();
        let mail = mailer.unwrap().mail(&message, &[]);
        assert!(mail.is_ascii());
        assert!(
            mail.split("\r\n")
                .all(|line| line.len() <= 100 && !line.contains(['\r', '\n']))
        );
        for line in [
            "To: b@example.com,",
            "Date: Tue, 14 Nov 2023 22:13:20 -0000",
            "Message-ID: <t1-2.phonewatch@example.com>",
            "References: <t1.phonewatch@example.com>",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(
                mail.split("\r\n").any(|found| found == line),
                "{line}\n{mail}"
            );
        }
        assert!(!mail.contains("Bcc"), "{mail}");
    }

    /// What is attached is what the first alerts name, as far as it is there and fits; a hostile name reads nothing.
    #[test]
    fn captures_are_attached_within_their_bound() {
        let folder = tempfile::tempdir().unwrap();
        let at = Timestamp::from_secs(1_700_000_000);
        let file = |subject: &str, size: usize| {
            let name = EvidenceName::new(at, "boot_loop", subject).to_string();
            std::fs::write(folder.path().join(&name), vec![0xA1; size]).unwrap();
            name
        };
        std::fs::write(folder.path().join("secret"), "hunter2").unwrap();
        let names = [
            "../secret".to_owned(),
            EvidenceName::new(at, "boot_loop", "gone").to_string(),
            file("SEP1", 100),
            file("SEP2", 256 << 10),
        ];
        let mut message = test_message("x", at);
        let alert = message.alerts.remove(0);
        for name in names {
            let mut alert = alert.clone();
            alert.evidence_file = Some(name);
            message.alerts.push(alert);
        }
        let mut mailer = Mailer::new(&MailSettings {
            host: "127.0.0.1",
            port: 25,
            tls: SmtpTls::None,
            from: "a@example.com",
            to: &["b@example.com".into()],
            login: None,
        })
        .unwrap();
        assert_eq!(mailer.captures(&message), [], "no folder is known");
        mailer.attach_from(folder.path().to_owned());
        let captures = mailer.captures(&message);
        let sizes: Vec<usize> = captures.iter().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(sizes, [100]);
        let mail = mailer.mail(&message, &captures);
        assert!(mail.is_ascii() && mail.split("\r\n").all(|line| line.len() <= 100));
        for part in [
            "Content-Type: multipart/mixed; boundary=\"=_phonewatch_mail\"\r\n\r\n--=_phonewatch_mail\r\nContent-Type: \
             multipart/alternative",
            " filename=\"20231114T221320.000000Z-boot_loop-SEP1.pcap\"\r\n\r\noaGhoaGh",
            "\r\n--=_phonewatch_mail--\r\n",
        ] {
            assert!(mail.contains(part), "{part}\n{mail}");
        }
        message.status = Status::Resolved;
        assert_eq!(mailer.captures(&message), [], "what is over needs no proof");
    }

    #[test]
    fn a_subject_is_encoded_only_where_it_must_be() {
        assert_eq!(encoded_words("CRITICAL: plain"), "CRITICAL: plain");
        let long = "é".repeat(70);
        let words = encoded_words(&long);
        let mut decoded = String::new();
        for word in words.split("\r\n ") {
            assert!(word.len() <= 75, "{word}");
            let inside = word
                .strip_prefix("=?utf-8?B?")
                .unwrap()
                .strip_suffix("?=")
                .unwrap();
            decoded += std::str::from_utf8(&STANDARD.decode(inside).unwrap()).unwrap();
        }
        assert_eq!(decoded, long);
    }
}
