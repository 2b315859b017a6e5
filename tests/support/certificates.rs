//! A certificate authority of the test's own, made by openssl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Whom the test may trust.
pub(crate) struct Authority {
    folder: TempDir,
}

/// A certificate with its key, both in PEM.
pub(crate) struct Issued {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

const CONFIGURATION: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index\nnew_certs_dir = .\nserial = serial\n\
     default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n";
const KEY: [&str; 5] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
];

impl Authority {
    /// A new one; `None` where there is no openssl.
    pub(crate) fn new() -> Option<Self> {
        let has = Command::new("openssl").arg("version").output();
        has.ok().filter(|output| output.status.success())?;
        let authority = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (name, text) in [("ca.cnf", CONFIGURATION), ("index", ""), ("serial", "01\n")] {
            fs::write(authority.path(name), text).unwrap();
        }
        let mut arguments = vec!["req", "-x509", "-days", "2", "-subj", "/CN=authority"];
        arguments.extend(KEY);
        arguments.extend(["-keyout", "ca.key", "-out", "ca.pem"]);
        authority.openssl(&arguments);
        Some(authority)
    }

    /// Its own certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Vouches for a name, or for an address as in `IP:127.0.0.1`.
    pub(crate) fn issue(&self, name: &str) -> Issued {
        self.issue_until(name, "20491231235959Z")
    }

    /// The same up to a time.
    pub(crate) fn issue_until(&self, name: &str, end: &str) -> Issued {
        let file = name.replace([':', '.'], "-");
        let file = |ending: &str| format!("{file}.{ending}");
        let (key, request, certificate) = (file("key"), file("csr"), file("pem"));
        let names = format!("basicConstraints=critical,CA:FALSE\nsubjectAltName={name}\n");
        fs::write(self.path("extensions"), names).unwrap();
        let mut arguments = vec!["req", "-new", "-subj", "/CN=it"];
        arguments.extend(KEY);
        arguments.extend(["-keyout", &key, "-out", &request]);
        self.openssl(&arguments);
        self.openssl(&[
            "ca",
            "-batch",
            "-notext",
            "-config",
            "ca.cnf",
            "-cert",
            "ca.pem",
            "-keyfile",
            "ca.key",
            "-startdate",
            "20200101000000Z",
            "-enddate",
            end,
            "-extfile",
            "extensions",
            "-in",
            &request,
            "-out",
            &certificate,
        ]);
        Issued {
            certificate: self.path(&certificate),
            key: self.path(&key),
        }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {error}");
    }
}
