//! TLS as the file wants it.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{NamedGroup, RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::file::{ClientAuth, Curve, TlsSection, Version};

/// The server's side of TLS; paths of the file start at `folder`. An error says which key of the file is at fault.
pub(super) fn server(file: &TlsSection, folder: &Path) -> Result<ServerConfig, String> {
    let provider = Arc::new(provider(file)?);
    let clients = clients(file, folder, &provider)?;
    let certificate = certificates("cert_file", &folder.join(&file.cert_file))?;
    let path = folder.join(&file.key_file);
    let key = PrivateKeyDer::from_pem_file(&path)
        .map_err(|error| unreadable("key_file", &path, &error))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(file)?)
        .map_err(|error| format!("min_version and cipher_suites leave nothing to agree on ({error})"))?
        .with_client_cert_verifier(clients)
        .with_single_cert(certificate, key)
        .map_err(|error| {
            format!("cert_file and key_file do not go together ({error}): give the key that the certificate was made for")
        })?;
    config.ignore_client_order = file.prefer_server_cipher_suites;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn versions(file: &TlsSection) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let most = file.max_version.unwrap_or(Version::Tls13);
    let versions: Vec<_> = [
        (Version::Tls12, &rustls::version::TLS12),
        (Version::Tls13, &rustls::version::TLS13),
    ]
    .into_iter()
    .filter(|(version, _)| (file.min_version..=most).contains(version))
    .map(|(_, supported)| supported)
    .collect();
    if versions.is_empty() {
        return Err("max_version is older than min_version".to_owned());
    }
    Ok(versions)
}

/// What is spoken, held to what the file names.
fn provider(file: &TlsSection) -> Result<CryptoProvider, String> {
    let mut provider = ring::default_provider();
    if !file.cipher_suites.is_empty() {
        let name = |suite: &rustls::SupportedCipherSuite| format!("{:?}", suite.suite());
        let known: Vec<String> = (provider.cipher_suites.iter())
            .filter(|suite| suite.tls13().is_none())
            .map(name)
            .collect();
        let unknown = file
            .cipher_suites
            .iter()
            .find(|wanted| !known.contains(wanted));
        if let Some(unknown) = unknown {
            let known = known.join(", ");
            return Err(format!(
                "cipher_suites: {unknown:?} is not offered: there are {known}"
            ));
        }
        // Those of TLS 1.3 are all good, and not for choosing.
        let is_wanted = |suite: &rustls::SupportedCipherSuite| {
            suite.tls13().is_some() || file.cipher_suites.contains(&name(suite))
        };
        provider.cipher_suites.retain(is_wanted);
    }
    if !file.curve_preferences.is_empty() {
        let wanted = file.curve_preferences.iter().filter_map(|curve| {
            let name = match curve {
                Curve::X25519 => NamedGroup::X25519,
                Curve::P256 => NamedGroup::secp256r1,
                Curve::P384 => NamedGroup::secp384r1,
            };
            provider
                .kx_groups
                .iter()
                .find(|group| group.name() == name)
                .copied()
        });
        provider.kx_groups = wanted.collect();
    }
    Ok(provider)
}

fn clients(
    file: &TlsSection,
    folder: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let (path, is_optional) = match (file.client_auth_type, &file.client_ca_file) {
        (ClientAuth::No, None) => return Ok(WebPkiClientVerifier::no_client_auth()),
        (ClientAuth::No, Some(_)) => {
            return Err(
                "client_ca_file is given, but no client is asked for a certificate: add client_auth_type: \
                 RequireAndVerifyClientCert"
                    .to_owned(),
            );
        }
        (_, None) => {
            return Err(
                "client_auth_type wants client_ca_file: the CA of the clients' certificates"
                    .to_owned(),
            );
        }
        (ClientAuth::IfGiven, Some(path)) => (folder.join(path), true),
        (ClientAuth::Required, Some(path)) => (folder.join(path), false),
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca_file", &path)? {
        roots.add(certificate).map_err(|error| {
            format!(
                "client_ca_file: {} holds no CA that can be used ({error})",
                path.display()
            )
        })?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if is_optional {
        builder.allow_unauthenticated()
    } else {
        builder
    };
    builder.build().map_err(|error| {
        format!(
            "client_ca_file: {} cannot be used ({error})",
            path.display()
        )
    })
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(key, path, &error))?;
    if certificates.is_empty() {
        return Err(format!(
            "{key}: no certificate stands in {}: give a file in PEM",
            path.display()
        ));
    }
    Ok(certificates)
}

fn unreadable(key: &str, path: &Path, error: &rustls::pki_types::pem::Error) -> String {
    format!(
        "{key}: {} cannot be read ({error}): give a file in PEM that phonewatch may read",
        path.display()
    )
}
