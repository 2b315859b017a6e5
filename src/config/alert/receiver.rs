//! The receivers: where messages go, and by which way.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Alert, http_url, label, whole_path};
use crate::config::secret::SecretSource;
use crate::config::section::Section;
use crate::config::wording::{described, enumerated, quoted_text};

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// What routes call it; no two receivers have the same name.
    pub name: String,
    /// By which way.
    pub kind: ReceiverKind,
    /// How many alerts of a message are listed one by one; the others are counted.
    pub alerts: usize,
    /// Whether it is told that an outage is over.
    pub send_resolved: bool,
}

/// By which way messages go, with what that way needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverKind {
    /// Mail, by SMTP.
    Email {
        /// The server's name or address.
        host: String,
        /// Its TCP port.
        port: u16,
        /// How the connection is encrypted.
        tls: SmtpTls,
        /// Who it is from.
        from: String,
        /// Whom it is to: at least one.
        to: Vec<String>,
        /// With which name and password to log in.
        login: Option<(String, SecretSource)>,
    },
    /// HTTP POST with our own JSON.
    Webhook {
        /// Where to.
        url: Address,
        /// Sent as a bearer token.
        token: Option<SecretSource>,
        /// With what the body is signed.
        secret: Option<SecretSource>,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// Its address, which is all it takes to write there.
        url: SecretSource,
    },
    /// A workflow's webhook of Microsoft Teams.
    Teams {
        /// Its address, which is all it takes to write there.
        url: SecretSource,
    },
    /// The Events API v2 of PagerDuty.
    Pagerduty {
        /// The routing key of the integration.
        routing_key: SecretSource,
        /// Where to; `None` for PagerDuty itself.
        url: Option<Address>,
    },
    /// HTTP POST with a body made from a template.
    Template {
        /// Where to.
        url: Address,
        /// Sent as a bearer token.
        token: Option<SecretSource>,
        /// The file with the template.
        template: PathBuf,
        /// The type of what the template makes.
        content_type: String,
    },
    /// The API v2 of an Alertmanager.
    Alertmanager {
        /// Where its peers are: at least one.
        urls: Vec<Address>,
        /// Sent as a bearer token.
        token: Option<SecretSource>,
    },
}

/// An address of HTTP, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// It is no secret.
    Plain(String),
    /// It is one.
    Secret(SecretSource),
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// It begins in clear and must change to TLS (RFC 3207).
    Starttls,
    /// It is TLS from the beginning (RFC 8314).
    Implicit,
    /// Not at all.
    None,
}

impl SmtpTls {
    /// The usual port.
    const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// The kinds by the words of the configuration, each with its keys beside those of all receivers.
const KINDS: [(&str, &[&[&str]]); 7] = [
    (
        "email",
        &[
            &["host", "port", "tls", "from", "to", "user"],
            &["password_file", "password_env", "password_credential"],
        ],
    ),
    ("webhook", &[&["url"], SECRET_URL, TOKEN, SECRET]),
    ("slack", &[SECRET_URL]),
    ("teams", &[SECRET_URL]),
    ("pagerduty", &[&["url"], SECRET_URL, TOKEN]),
    (
        "template",
        &[&["url"], SECRET_URL, TOKEN, &["template", "content_type"]],
    ),
    ("alertmanager", &[&["url", "urls"], SECRET_URL, TOKEN]),
];

const SECRET_URL: &[&str] = &["url_file", "url_env", "url_credential"];
const TOKEN: &[&str] = &["token_file", "token_env", "token_credential"];
const SECRET: &[&str] = &["secret_file", "secret_env", "secret_credential"];

/// Every key that not all kinds have, each once.
fn keys_of_kinds() -> BTreeSet<&'static str> {
    KINDS
        .iter()
        .flat_map(|(_, groups)| groups.iter().copied().flatten().copied())
        .collect()
}

impl Receiver {
    /// Peers of one Alertmanager.
    const MOST_PEERS: usize = 16;

    /// Those that are sent to, each for itself: the receiver, or each of its peers as a receiver of its own. The first
    /// peer has the receiver's name, so that what waits for a receiver with one address is sent to the first of several.
    pub fn peers(&self) -> Vec<Self> {
        let ReceiverKind::Alertmanager { urls, token } = &self.kind else {
            return vec![self.clone()];
        };
        let peer = |(place, url): (usize, &Address)| {
            let name = match (place, url) {
                (0, _) | (_, Address::Secret(_)) => self.name.clone(),
                (_, Address::Plain(url)) => format!("{} at {url}", self.name),
            };
            Self {
                name,
                kind: ReceiverKind::Alertmanager {
                    urls: vec![url.clone()],
                    token: token.clone(),
                },
                ..*self
            }
        };
        urls.iter().enumerate().map(peer).collect()
    }

    pub(super) fn read_all(section: &mut Section<'_>) -> Vec<Self> {
        let mut seen = Vec::new();
        section.tables("receiver", Alert::MAX, |section| {
            let name = section.required_text(
                "name",
                "a name of 1 to 64 characters that no other [[alert.receiver]] has",
                |text| {
                    let name = label(text)?;
                    if seen.contains(&name) {
                        return Err(format!("{} stands in another one too", quoted_text(&name)));
                    }
                    seen.push(name.clone());
                    Ok(name)
                },
            );
            let words = KINDS.map(|(word, _)| quoted_text(word));
            let kind = section.required_text("kind", &enumerated(&words, "or"), |text| {
                let kind = KINDS.into_iter().find(|(word, _)| *word == text);
                kind.ok_or_else(|| format!("{} is not known", quoted_text(text)))
            });
            let default_alerts = match kind {
                // An Alertmanager groups for itself, so it wants every alert.
                Some(("alertmanager", _)) => 1000,
                _ => 10,
            };
            let alerts = section.integer("alerts", default_alerts, 1..=10_000);
            let send_resolved = section.boolean("send_resolved", true);
            let keys = Keys::read(section);
            let (word, allowed) = kind?;
            if word == "alertmanager" && !send_resolved {
                section.refuse(
                    "send_resolved",
                    "an Alertmanager must hear of ends: set send_resolved in its own configuration",
                );
            }
            for key in keys_of_kinds() {
                let is_allowed = allowed.iter().any(|group| group.contains(&key));
                if section.has(key) && !is_allowed {
                    let message = if key == "url" {
                        format!(
                            "whoever knows this address of {word} can write there: keep it out of the configuration, \
                             with url_file, url_env or url_credential"
                        )
                    } else {
                        format!("this is not for kind = {}", quoted_text(word))
                    };
                    section.refuse(key, &message);
                }
            }
            let receiver = Self {
                name: name?,
                kind: keys.into_kind(section, word)?,
                alerts,
                send_resolved,
            };
            for peer in receiver.peers().into_iter().skip(1) {
                if seen.contains(&peer.name) {
                    let name = quoted_text(&peer.name);
                    section.refuse("urls", &format!("a receiver is called {name} already"));
                }
                seen.push(peer.name);
            }
            Some(receiver)
        })
    }
}

/// What stands in the table, whatever the kind.
struct Keys {
    url: Option<String>,
    urls: Vec<String>,
    secret_url: Option<SecretSource>,
    token: Option<SecretSource>,
    secret: Option<SecretSource>,
    host: Option<String>,
    port: Option<u16>,
    tls: SmtpTls,
    from: Option<String>,
    to: Vec<String>,
    user: Option<String>,
    password: Option<SecretSource>,
    template: Option<PathBuf>,
    content_type: String,
}

impl Keys {
    fn read(section: &mut Section<'_>) -> Self {
        const MAILBOX: &str = "an address of mail (like \"phones@example.com\")";
        Self {
            url: section.text(
                "url",
                None,
                "an address that begins with http:// or https://",
                |text| http_url(text).map(Some),
            ),
            urls: section.list(
                "urls",
                Vec::new(),
                1..=Receiver::MOST_PEERS,
                (
                    "addresses",
                    "an address that begins with http:// or https://",
                ),
                |value| http_url(value.as_str().ok_or_else(|| described(value))?),
            ),
            secret_url: secret(section, ["url_file", "url_env", "url_credential"]),
            token: secret(section, ["token_file", "token_env", "token_credential"]),
            secret: secret(section, ["secret_file", "secret_env", "secret_credential"]),
            host: section.text(
                "host",
                None,
                "the name or address of a mail server",
                |text| host(text).map(Some),
            ),
            // 0 stands for the usual one, so that the example can show the key.
            port: Some(section.integer("port", 0, 0..=u16::MAX)).filter(|port| *port > 0),
            tls: section.one_of(
                "tls",
                SmtpTls::Starttls,
                &[
                    ("starttls", SmtpTls::Starttls),
                    ("implicit", SmtpTls::Implicit),
                    ("none", SmtpTls::None),
                ],
            ),
            from: section.text("from", None, MAILBOX, |text| mailbox(text).map(Some)),
            to: section.list("to", Vec::new(), 1..=100, ("addresses", MAILBOX), |value| {
                mailbox(value.as_str().ok_or_else(|| described(value))?)
            }),
            user: section.text("user", None, "a name of 1 to 64 characters", |text| {
                label(text).map(Some)
            }),
            password: secret(
                section,
                ["password_file", "password_env", "password_credential"],
            ),
            template: section.text("template", None, "the whole path of a file", |text| {
                whole_path(text).map(Some)
            }),
            content_type: section.text(
                "content_type",
                "application/json".to_owned(),
                "a media type (like \"application/json\")",
                media_type,
            ),
        }
    }

    /// The receiver of this kind; what is missing for it is noted.
    fn into_kind(self, section: &mut Section<'_>, kind: &str) -> Option<ReceiverKind> {
        if kind == "email" {
            return self.into_email(section);
        }
        if kind == "alertmanager" && section.has("urls") {
            let second = ["url", "url_file", "url_env", "url_credential"];
            if second.into_iter().any(|key| section.has(key)) {
                section.refuse("urls", "url and urls stand here: leave one out");
            }
            return Some(ReceiverKind::Alertmanager {
                urls: self.urls.into_iter().map(Address::Plain).collect(),
                token: self.token,
            });
        }
        let mut missing = |key, what| want(section, kind, key, what);
        let secret_url = self.secret_url;
        let url = match (self.url, secret_url.clone()) {
            (Some(_), Some(_)) => {
                section.refuse("url", "url and a secret one stand here: leave one out");
                return None;
            }
            (Some(url), None) => Some(Address::Plain(url)),
            (None, Some(url)) => Some(Address::Secret(url)),
            (None, None) => {
                match kind {
                    "slack" | "teams" => missing(
                        "url_file",
                        "url_file, url_env or url_credential: where its webhook's address is kept",
                    ),
                    "webhook" | "template" | "alertmanager" => missing("url", "url: where to"),
                    _ => {}
                }
                None
            }
        };
        match kind {
            "slack" => Some(ReceiverKind::Slack { url: secret_url? }),
            "teams" => Some(ReceiverKind::Teams { url: secret_url? }),
            "pagerduty" => {
                if self.token.is_none() {
                    missing(
                        "token_file",
                        "token_file, token_env or token_credential: where its routing key is kept",
                    );
                }
                Some(ReceiverKind::Pagerduty {
                    routing_key: self.token?,
                    url,
                })
            }
            "template" => {
                missing("template", "template: the file with the template");
                Some(ReceiverKind::Template {
                    url: url?,
                    token: self.token,
                    template: self.template?,
                    content_type: self.content_type,
                })
            }
            "alertmanager" => Some(ReceiverKind::Alertmanager {
                urls: vec![url?],
                token: self.token,
            }),
            _ => Some(ReceiverKind::Webhook {
                url: url?,
                token: self.token,
                secret: self.secret,
            }),
        }
    }

    /// The receiver of mails; what is missing for it is noted.
    fn into_email(self, section: &mut Section<'_>) -> Option<ReceiverKind> {
        let mut missing = |key, what| want(section, "email", key, what);
        missing("host", "host: the mail server");
        missing("from", "from: an address of mail");
        missing("to", "to: a list of addresses of mail");
        let login = match (self.user, self.password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) => {
                let what = "with user also password_file, password_env or password_credential";
                missing("password_file", what);
                None
            }
            (None, Some(_)) => {
                missing("user", "with a password also user");
                None
            }
        };
        if login.is_some() && self.tls == SmtpTls::None {
            section.refuse(
                "tls",
                "without TLS anybody on the way could read the password",
            );
        }
        Some(ReceiverKind::Email {
            host: self.host?,
            port: self.port.unwrap_or(self.tls.port()),
            tls: self.tls,
            from: self.from?,
            to: self.to,
            login,
        })
    }
}

/// Notes that a receiver of this kind does not go without this key, if that is so.
fn want(section: &mut Section<'_>, kind: &str, key: &'static str, what: &str) {
    // A secret that is given in another way, or wrongly, is not missing.
    let is_given = key.strip_suffix("_file").is_some_and(|stem| {
        let mut ways = ["env", "credential"].into_iter();
        ways.any(|way| section.has(&format!("{stem}_{way}")))
    });
    if !section.has(key) && !is_given {
        let message = format!("missing: kind = {} wants {what}", quoted_text(kind));
        section.refuse(key, &message);
    }
}

/// Reads where a secret is kept: in a file, in the environment, or in a credential of systemd.
fn secret(section: &mut Section<'_>, keys: [&'static str; 3]) -> Option<SecretSource> {
    let [file, environment, credential] = keys;
    let sources = [
        section.text(file, None, "the whole path of a file", |text| {
            whole_path(text).map(|path| Some(SecretSource::File(path)))
        }),
        section.text(
            environment,
            None,
            "the name of an environment variable",
            |text| word(text).map(|name| Some(SecretSource::Environment(name))),
        ),
        section.text(
            credential,
            None,
            "the name of a credential of systemd",
            |text| word(text).map(|name| Some(SecretSource::Credential(name))),
        ),
    ];
    let mut given = keys.into_iter().filter(|key| section.has(key));
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        section.refuse(
            second,
            &format!("{first} says where it is kept already: leave one out"),
        );
    }
    sources.into_iter().flatten().next()
}

/// A name without anything that leads elsewhere: of a variable, or of a file in a folder.
fn word(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    if (1..=255).contains(&text.len()) && text.chars().all(is_plain) && !text.starts_with('.') {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is no such name", quoted_text(text)))
    }
}

fn host(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-:".contains(letter);
    if (1..=253).contains(&text.len()) && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is no server's name", quoted_text(text)))
    }
}

/// An address as mail has it, without a name before it. Whether anybody reads it the mail server says.
fn mailbox(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_plain = text.chars().all(|letter| {
        !letter.is_whitespace() && !letter.is_control() && !"<>,;\"()".contains(letter)
    });
    match text.rsplit_once('@') {
        Some((name, host))
            if is_plain && text.len() <= 254 && !name.is_empty() && !host.is_empty() =>
        {
            Ok(text.to_owned())
        }
        _ => Err(format!("{} is no address of mail", quoted_text(text))),
    }
}

fn media_type(text: &str) -> Result<String, String> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if text.contains('/') && text.len() <= 128 && is_plain {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is no media type", quoted_text(text)))
    }
}
