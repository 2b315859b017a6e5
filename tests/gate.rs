//! TLS, passwords and the requests that change something, as clients meet them: curl, openssl and the program itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "support/certificates.rs"]
mod certificates;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use arc_swap::ArcSwap;
use certificates::{Authority, Issued};
use phonewatch::config::PerPhone;
use phonewatch::metrics::{MetricsSettings, SensorState};
use phonewatch::time::Timestamp;
use phonewatch::web::{Admin, Gate, ReloadRequest, WebState, serve};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A server behind a gate that can be exchanged.
struct Server {
    address: SocketAddr,
    gate: Arc<ArcSwap<Gate>>,
    admin: Arc<Admin>,
    reloads: mpsc::Receiver<ReloadRequest>,
    folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate: Arc<ArcSwap<Gate>> = Arc::default();
        let (admin, reloads) = Admin::new();
        let admin = Arc::new(admin);
        let settings = MetricsSettings {
            per_phone: PerPhone::All,
            per_phone_limit: 10,
        };
        let state = WebState::new(
            Arc::default(),
            sensor,
            Arc::new(ArcSwap::from_pointee(settings)),
        )
        .behind(Arc::clone(&gate))
        .administered(Arc::clone(&admin));
        tokio::spawn(serve(listener, state, std::future::pending()));
        Self {
            address,
            gate,
            admin,
            reloads,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Takes this file into use; an error says what is wrong with it.
    fn change(&self, text: &str) -> Result<(), String> {
        let path = self.folder.path().join("web.yml");
        fs::write(&path, text).unwrap();
        let gate = Gate::load(&path).map_err(|error| error.to_string())?;
        self.gate.store(Arc::new(gate));
        Ok(())
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.address.port())
    }
}

fn sensor() -> SensorState {
    SensorState::starting(Timestamp::EPOCH)
}

/// Runs a program beside the server; its exit status, and what it said.
async fn run(
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &Path)],
) -> (Option<i32>, String) {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_remove("PHONEWATCH_PASSWORD")
        .env_remove("PHONEWATCH_URL")
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// What curl gets: the status, and the whole of it.
async fn curl(arguments: &[&str]) -> (u16, String) {
    let mut all = vec!["-s", "-i", "--max-time", "20", "--noproxy", "*"];
    all.extend(arguments);
    let (_, said) = run("curl", &all, &[]).await;
    let status = said
        .rsplit("HTTP/1.1 ")
        .next()
        .and_then(|last| last.get(..3));
    (
        status.and_then(|status| status.parse().ok()).unwrap_or(0),
        said,
    )
}

fn tls(issued: &Issued, more: &str) -> String {
    let (certificate, key) = (issued.certificate.display(), issued.key.display());
    format!("tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n{more}")
}

/// A line of the file: who may come in, with "open sesame".
fn user() -> String {
    format!("alice: {}", bcrypt::hash("open sesame", 4).unwrap())
}

/// An authority; `None` where the test cannot run here.
fn authority() -> Option<Authority> {
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    let authority = Authority::new().filter(|_| has_curl);
    assert!(
        authority.is_some() || std::env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_none(),
        "openssl or curl is missing: make test installs them"
    );
    if authority.is_none() {
        eprintln!("SKIPPED: openssl or curl is missing; make test installs them");
    }
    authority
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_begun_where_it_is_wanted() {
    let Some(authority) = authority() else {
        return;
    };
    let ca = authority.certificate();
    let ca = ca.to_str().unwrap();
    let server = Server::start().await;
    let url = server.url("https");
    let healthy = format!("{url}/-/healthy");
    let plain = server.url("http") + "/-/healthy";

    assert_eq!(curl(&[&plain]).await.0, 200);
    server
        .change(&tls(&authority.issue("DNS:localhost"), ""))
        .unwrap();
    assert_eq!(curl(&["--cacert", ca, &healthy]).await.0, 200);
    assert_eq!(
        curl(&[&plain]).await.0,
        0,
        "it is not answered in clear any more"
    );
    assert_eq!(
        curl(&[&healthy]).await.0,
        0,
        "curl does not know the authority"
    );

    // An independent look at what is offered.
    let connect = format!("localhost:{}", server.address.port());
    let openssl = [
        "s_client",
        "-connect",
        &connect,
        "-verify_return_error",
        "-CAfile",
        ca,
        "-alpn",
        "h2,http/1.1",
    ];
    let (_, said) = run("openssl", &openssl, &[]).await;
    assert!(
        said.contains("Verify return code: 0") && said.contains("ALPN protocol: http/1.1"),
        "{said}"
    );
    for (version, is_offered) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)] {
        let mut arguments = openssl.to_vec();
        arguments.extend([version, "-cipher", "DEFAULT@SECLEVEL=0"]);
        let (_, said) = run("openssl", &arguments, &[]).await;
        assert_eq!(
            said.contains("BEGIN CERTIFICATE"),
            is_offered,
            "{version}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_exchanged_while_it_runs_and_a_bad_file_changes_nothing() {
    let Some(authority) = authority() else {
        return;
    };
    let ca = authority.certificate();
    let ca = ca.to_str().unwrap();
    let server = Server::start().await;
    let healthy = server.url("https") + "/-/healthy";
    server
        .change(&tls(&authority.issue("DNS:localhost"), ""))
        .unwrap();
    assert_eq!(curl(&["--cacert", ca, &healthy]).await.0, 200);
    let text = "  min_version: TLS13\n  curve_preferences: [CurveP256]\n";
    server
        .change(&tls(&authority.issue("IP:127.0.0.1"), text))
        .unwrap();
    assert_eq!(
        curl(&["--cacert", ca, &healthy]).await.0,
        0,
        "it is for another name"
    );
    let by_address = format!("https://{}/-/healthy", server.address);
    assert_eq!(curl(&["--cacert", ca, &by_address]).await.0, 200);
    assert_eq!(
        curl(&["--cacert", ca, "--tls-max", "1.2", &by_address])
            .await
            .0,
        0
    );
    let other = Issued {
        key: authority.issue("DNS:other").key,
        ..authority.issue("DNS:localhost")
    };
    for (file, told) in [
        (tls(&other, ""), "do not go together"),
        (
            tls(
                &authority.issue("DNS:localhost"),
                "  client_auth_type: RequireAndVerifyClientCert\n",
            ),
            "client_ca_file",
        ),
        (
            tls(
                &authority.issue("DNS:localhost"),
                "  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n",
            ),
            "TLS_ECDHE_",
        ),
        (
            tls(
                &authority.issue("DNS:localhost"),
                "  min_version: TLS13\n  max_version: TLS12\n",
            ),
            "older than",
        ),
        (
            "tls_server_config:\n  cert_file: none\n  key_file: none\n".to_owned(),
            "cert_file: ",
        ),
    ] {
        let error = server.change(&file).unwrap_err();
        assert!(error.contains(told) && error.contains("web.yml"), "{error}");
    }
    assert_eq!(curl(&["--cacert", ca, &by_address]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_may_have_to_show_a_certificate() {
    let Some(authority) = authority() else {
        return;
    };
    let (ca, client) = (authority.certificate(), authority.issue("DNS:client"));
    let stranger = Authority::new().unwrap().issue("DNS:client");
    let server = Server::start().await;
    let url = server.url("https") + "/-/healthy";
    let more = |kind: &str| {
        format!(
            "  client_auth_type: {kind}\n  client_ca_file: {}\n",
            ca.display()
        )
    };
    let own = authority.issue("DNS:localhost");
    let with = |issued: &Issued| {
        let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
        vec![
            "--cert".to_owned(),
            path(&issued.certificate),
            "--key".to_owned(),
            path(&issued.key),
        ]
    };
    for (kind, shown, status) in [
        ("RequireAndVerifyClientCert", with(&client), 200),
        ("RequireAndVerifyClientCert", Vec::new(), 0),
        ("RequireAndVerifyClientCert", with(&stranger), 0),
        ("VerifyClientCertIfGiven", with(&client), 200),
        ("VerifyClientCertIfGiven", Vec::new(), 200),
        ("VerifyClientCertIfGiven", with(&stranger), 0),
    ] {
        server.change(&tls(&own, &more(kind))).unwrap();
        let mut arguments = vec!["--cacert", ca.to_str().unwrap(), &url];
        arguments.extend(shown.iter().map(String::as_str));
        assert_eq!(curl(&arguments).await.0, status, "{kind} {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_without_the_right_password() {
    if authority().is_none() {
        return;
    }
    let server = Server::start().await;
    let url = server.url("http");
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n";
    server
        .change(&format!("{headers}basic_auth_users:\n  {}\n", user()))
        .unwrap();
    for path in [
        "/",
        "/metrics",
        "/-/healthy",
        "/config",
        "/nothing",
        "/api/v1/phones",
    ] {
        let (status, said) = curl(&[&format!("{url}{path}")]).await;
        assert_eq!(status, 401, "{path}: {said}");
        let said = said.to_lowercase();
        assert!(
            said.contains("www-authenticate: basic realm")
                && said.contains("x-frame-options: deny"),
            "{said}"
        );
    }
    let page = format!("{url}/-/healthy");
    for (login, status) in [
        ("alice:open sesame", 200),
        ("alice:open sesame", 200),
        ("alice:wrong", 401),
        ("bob:open sesame", 401),
        ("alice:", 401),
    ] {
        assert_eq!(curl(&["-u", login, &page]).await.0, status, "{login}");
    }
    assert_eq!(curl(&["-H", "Authorization: Bearer x", &page]).await.0, 401);
    assert_eq!(
        curl(&["-H", "Authorization: Basic ===", &page]).await.0,
        401
    );
    server.change("").unwrap();
    assert_eq!(curl(&[&page]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_asks_through_tls_with_a_password() {
    let Some(authority) = authority() else {
        return;
    };
    let ca = authority.certificate();
    let server = Server::start().await;
    let users = format!("basic_auth_users:\n  {}\n", user());
    server
        .change(&(tls(&authority.issue("DNS:localhost"), "") + &users))
        .unwrap();
    let program = env!("CARGO_BIN_EXE_phonewatch");
    let url = server.url("https").replace("://", "://alice@");
    let password = server.folder.path().join("password");
    fs::write(&password, "open sesame\n").unwrap();
    let file = password.to_str().unwrap();
    let trusted = ("SSL_CERT_FILE", ca.as_path());
    let with_password = url.replace("alice@", "alice:open%20sesame@");
    for (arguments, environment) in [
        (vec!["--url", &url, "--password-file", file], vec![trusted]),
        (
            vec!["--url", &url],
            vec![trusted, ("PHONEWATCH_PASSWORD", Path::new("open sesame"))],
        ),
        (
            vec![],
            vec![trusted, ("PHONEWATCH_URL", Path::new(&with_password))],
        ),
    ] {
        let arguments = [vec!["findings"], arguments].concat();
        let (status, said) = run(program, &arguments, &environment).await;
        assert_eq!(status, Some(0), "{arguments:?}: {said}");
        assert!(said.contains("finding"), "{said}");
    }
    let wrong = ("PHONEWATCH_PASSWORD", Path::new("wrong"));
    let system = (
        "SSL_CERT_FILE",
        Path::new("/etc/ssl/certs/ca-certificates.crt"),
    );
    let plain = url.replace("https", "http");
    let by_address = format!("https://alice@{}", server.address);
    for (url, environment, told) in [
        (&url, vec![trusted, wrong], "another name or password"),
        (&url, vec![trusted], "--password-file"),
        (&url, vec![system, wrong], "SSL_CERT_FILE"),
        (&by_address, vec![trusted, wrong], "for another name"),
        (
            &plain,
            vec![trusted, wrong],
            "did not answer like phonewatch",
        ),
    ] {
        let (status, said) = run(program, &["phones", "--url", url], &environment).await;
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains(told), "{told} is not in {said}");
        assert!(!said.contains("wrong"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_shown_and_read_again_where_that_is_allowed() {
    if authority().is_none() {
        return;
    }
    let mut server = Server::start().await;
    let url = server.url("http");
    let (config, reload) = (format!("{url}/config"), format!("{url}/-/reload"));
    server.admin.set("[flap]\nmoves = 4\n".to_owned(), false);
    let (status, said) = curl(&[&config]).await;
    assert!(
        status == 200 && said.ends_with("[flap]\nmoves = 4\n"),
        "{said}"
    );
    assert_eq!(curl(&[&reload]).await.0, 405, "it is no page");
    let (status, said) = curl(&["-X", "POST", &reload]).await;
    assert!(
        status == 403 && said.contains("admin = true under [web]"),
        "{said}"
    );

    server.admin.set(String::new(), true);
    let own = format!("Origin: {url}");
    for of_a_browser in [
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        &own,
    ] {
        assert_eq!(
            curl(&["-X", "POST", "-H", of_a_browser, &reload]).await.0,
            403,
            "{of_a_browser}"
        );
    }
    assert!(server.reloads.try_recv().is_err(), "nobody has asked yet");
    for (answer, status) in [
        (Ok("configuration read again".to_owned()), 200),
        (Err("flap.moves: 1 is too few".to_owned()), 500),
    ] {
        let arguments = ["-X", "POST", &reload];
        let (asked, (got, said)) = tokio::join!(
            async {
                let asked = server.reloads.recv().await.unwrap();
                asked.send(answer.clone()).unwrap();
                answer.clone()
            },
            curl(&arguments)
        );
        let told = asked.unwrap_or_else(|error| error);
        assert!(
            got == status && said.ends_with(&format!("{told}\n")),
            "{said}"
        );
    }
}
