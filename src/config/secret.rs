//! Passwords and tokens: never in the configuration itself, and never shown.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where a secret is read from, at the start and at each reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// This file; a line break at its end is no part of it.
    File(PathBuf),
    /// This variable of the environment.
    Environment(String),
    /// This credential, which systemd hands over (`LoadCredential=`, `SetCredentialEncrypted=`).
    Credential(String),
}

impl SecretSource {
    /// Longer than any token, in bytes.
    const MOST_BYTES: u64 = 16 << 10;

    /// Reads the secret.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let fail = |reason: String| SecretError {
            from: self.clone(),
            reason,
        };
        let text = match self {
            Self::File(path) => read_file(path).map_err(|error| fail(error.to_string()))?,
            Self::Environment(name) => std::env::var(name).map_err(|error| {
                fail(match error {
                    std::env::VarError::NotPresent => "it is not set".to_owned(),
                    std::env::VarError::NotUnicode(_) => "it is not UTF-8 text".to_owned(),
                })
            })?,
            Self::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                    fail("phonewatch runs without credentials of systemd".to_owned())
                })?;
                let path = Path::new(&folder).join(name);
                read_file(&path).map_err(|error| fail(error.to_string()))?
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        // A line break within it would begin another header, or another line of SMTP.
        if text.is_empty() {
            Err(fail("it is empty".to_owned()))
        } else if text.chars().any(char::is_control) {
            Err(fail("it holds more than one line".to_owned()))
        } else {
            Ok(Secret(text.into()))
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "file {}", path.display()),
            Self::Environment(name) => write!(formatter, "environment variable {name}"),
            Self::Credential(name) => write!(formatter, "credential {name}"),
        }
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(SecretSource::MOST_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// A secret could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret of {from} cannot be read ({reason})")]
pub struct SecretError {
    from: SecretSource,
    reason: String,
}

/// A password, a token or an address that is one: whatever shows it shows only that there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    const HIDDEN: &'static str = "<hidden>";

    /// This text is a secret.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Self::HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Self::HIDDEN)
    }
}

impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_nowhere() {
        let secret = Secret::new("hunter2");
        let shown = format!(
            "{secret} {secret:?} {}",
            serde_json::to_string(&secret).unwrap()
        );
        assert_eq!(shown, "<hidden> <hidden> \"<hidden>\"");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_file_holds_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let source = SecretSource::File(path.clone());
        for (text, read) in [
            ("hunter2", Ok("hunter2")),
            ("hunter2\r\n", Ok("hunter2")),
            (" a b ", Ok(" a b ")),
            ("", Err("it is empty")),
            ("\n", Err("it is empty")),
            ("a\nb", Err("it holds more than one line")),
        ] {
            std::fs::write(&path, text).unwrap();
            match (source.read(), read) {
                (Ok(secret), Ok(expected)) => assert_eq!(secret.expose(), expected),
                (Err(error), Err(reason)) => assert_eq!(error.reason, reason),
                (got, expected) => panic!("{text:?}: {got:?} instead of {expected:?}"),
            }
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let source = SecretSource::Environment("PHONEWATCH_NO_SUCH_VARIABLE".into());
        assert_eq!(
            source.read().unwrap_err().to_string(),
            "the secret of environment variable PHONEWATCH_NO_SUCH_VARIABLE cannot be read (it is not set)"
        );
    }
}
