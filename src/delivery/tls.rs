//! TLS as a client: whom it trusts, and what to do where it does not.

use std::io;
use std::sync::Arc;

use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be used ({0})")]
pub struct ClientError(#[from] rustls::Error);

/// What begins TLS for HTTP: it trusts whom the system trusts, or whom `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
pub(crate) fn connector() -> Result<TlsConnector, ClientError> {
    let mut roots = RootCertStore::empty();
    // Without any, HTTPS fails with a reason that says so, and HTTP works.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Why TLS did not come about, and what to do.
pub(crate) fn refusal(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let remedy = match inner {
        Some(rustls::Error::InvalidCertificate(reason)) => remedy(reason),
        Some(rustls::Error::NoCertificatesPresented) => {
            "the server shows no certificate: give it one"
        }
        Some(rustls::Error::AlertReceived(_)) => {
            "the server refused it: does it want a certificate of its clients, or an older TLS than 1.2?"
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "that is not TLS: is the port right, or is it http:// there?"
        }
        _ => return format!("TLS failed ({error})"),
    };
    format!("TLS failed ({error}): {remedy}")
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls may add reasons; what to do about the rare ones is in the reason itself"
)]
fn remedy(reason: &CertificateError) -> &'static str {
    match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody that is trusted here vouches for its certificate: add its CA to the system's, or name the file \
             with its CA in the environment variable SSL_CERT_FILE; and see that the server sends the certificates \
             between the two"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired: renew it, and see that the clock here is right"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: see that the clocks are right"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name: use that one in the address, or give the server one for this name"
        }
        CertificateError::Other(_) => {
            "its certificate cannot be used: one that serves is no CA itself, and has version 3"
        }
        _ => "its certificate cannot be used",
    }
}
