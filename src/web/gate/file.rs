//! The file, as it is written: YAML with the keys of the exporter-toolkit. An unknown key is an error.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

/// All of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebFile {
    pub(super) tls_server_config: Option<TlsSection>,
    pub(super) http_server_config: HttpSection,
    /// Names, each with the bcrypt hash of its password.
    pub(super) basic_auth_users: BTreeMap<String, String>,
}

/// How connections are encrypted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsSection {
    pub(super) cert_file: PathBuf,
    pub(super) key_file: PathBuf,
    #[serde(default)]
    pub(super) client_auth_type: ClientAuth,
    pub(super) client_ca_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) min_version: Version,
    pub(super) max_version: Option<Version>,
    /// Of TLS 1.2; empty for all that are there.
    #[serde(default)]
    pub(super) cipher_suites: Vec<String>,
    #[serde(default)]
    pub(super) curve_preferences: Vec<Curve>,
    #[serde(default = "yes")]
    pub(super) prefer_server_cipher_suites: bool,
}

/// Whether clients show certificates. What the toolkit knows besides does not prove who they are.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) enum ClientAuth {
    #[default]
    #[serde(rename = "NoClientCert")]
    No,
    #[serde(rename = "VerifyClientCertIfGiven")]
    IfGiven,
    #[serde(rename = "RequireAndVerifyClientCert")]
    Required,
}

/// A version of TLS that is still safe.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    #[default]
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) enum Curve {
    #[serde(rename = "X25519")]
    X25519,
    #[serde(rename = "CurveP256")]
    P256,
    #[serde(rename = "CurveP384")]
    P384,
}

/// How HTTP is spoken.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpSection {
    /// Taken, so that files of others can be used; HTTP/1.1 is spoken either way.
    #[serde(rename = "http2")]
    _http2: Option<bool>,
    headers: BTreeMap<String, String>,
}

/// The headers that the toolkit lets users set.
const HEADERS: [&str; 5] = [
    "content-security-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
];
/// Larger than any such file, in bytes.
const MOST_BYTES: u64 = 1 << 20;

const fn yes() -> bool {
    true
}

impl WebFile {
    pub(super) fn load(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text))
            .map_err(|error| {
                format!("cannot be read ({error}): is web.config_file right, and may phonewatch read it?")
            })?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // Without the lines themselves, as they may hold the hash of a password.
        serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())
    }
}

impl HttpSection {
    pub(super) fn headers(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let fault = |reason: &str| format!("http_server_config.headers: {name:?} {reason}");
            let lower = name.to_lowercase();
            let Some(known) = HEADERS.into_iter().find(|known| *known == lower) else {
                let known = HEADERS.join(", ");
                return Err(fault(&format!("cannot be set: allowed are {known}")));
            };
            let value = HeaderValue::from_str(value)
                .map_err(|_| fault("holds characters that HTTP does not carry"))?;
            headers.insert(HeaderName::from_static(known), value);
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_toolkit_is_read() {
        let file = WebFile::parse(
            "# As in its documentation.\n\
             tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  min_version: TLS13\n\
             \x20 client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n\
             http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n\
             basic_auth_users:\n  alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze\n",
        )
        .unwrap();
        let tls = file.tls_server_config.unwrap();
        assert_eq!(tls.cert_file, Path::new("server.crt"));
        assert_eq!(
            (tls.min_version, tls.client_auth_type),
            (Version::Tls13, ClientAuth::Required)
        );
        assert_eq!(
            file.http_server_config.headers().unwrap()["x-frame-options"],
            "deny"
        );
        assert!(file.basic_auth_users["alice"].starts_with("$2y$10$"));
        assert!(WebFile::parse(" \n").unwrap().tls_server_config.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_without_secrets() {
        for (text, parts) in [
            ("tls_config: {}", vec!["tls_config", "tls_server_config"]),
            ("tls_server_config:\n  cert_file: a", vec!["key_file"]),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS10",
                vec!["TLS10", "TLS12", "line 4"],
            ),
            (
                "tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: RequestClientCert",
                vec!["RequireAndVerifyClientCert"],
            ),
            ("basic_auth_users:\n  a: [secret]\n", vec!["line 2"]),
            (
                "basic_auth_users:\n  a: secret\n  a: secret\n",
                vec!["line 3"],
            ),
            ("a: &a [*a]", vec!["line 1"]),
        ] {
            let error = WebFile::parse(text).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{part} is not in {error}");
            }
            assert!(!error.contains("secret"), "{error}");
        }
        let headers = |text: &str| WebFile::parse(text).unwrap().http_server_config.headers();
        let error = headers("http_server_config: {headers: {Set-Cookie: a}}").unwrap_err();
        assert!(
            error.contains("Set-Cookie") && error.contains("x-frame-options"),
            "{error}"
        );
    }
}
