//! The HTTP server as its clients see it: bytes over TCP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
#[path = "support/browser.rs"]
mod browser;
mod support;

use phonewatch::capture::live::CaptureState;
use phonewatch::config::PerPhone;
use phonewatch::evidence::EvidenceName;
use phonewatch::inventory::Inventory;
use phonewatch::metrics::{InterfaceState, MaintenanceState, MetricsSettings, SensorState};
use phonewatch::phone::{CallManager, DeviceId};
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;
use phonewatch::web::{
    Admin, MuteAnswer, MuteRefusal, MuteRequest, Recordings, TraceForm, Unavailable, WebState,
    serve,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_those_of_the_snapshot_published_last() {
    let daemon = Daemon::start().await;
    let answer = daemon.ask("GET /metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(answer.has_line("phonewatch_capture_frames_total 0"));
    assert!(answer.has_line("phonewatch_capture_up{interface=\"eth1\"} 1"));
    assert!(answer.body.contains("\nprocess_open_fds "));

    let server: IpAddr = [10, 0, 0, 180].into();
    let mut snapshot = Snapshot::default();
    snapshot.totals.frames = 7;
    snapshot.callmanagers = vec![Arc::new(CallManager::new(server, Timestamp::EPOCH))];
    daemon.published.store(Arc::new(snapshot));
    let registered = "phonewatch_callmanager_registered_phones{callmanager=\"10.0.0.180\"} 0";
    let answer = daemon.ask("GET /metrics").await;
    assert!(answer.has_line("phonewatch_capture_frames_total 7"));
    assert!(answer.has_line(registered));

    daemon.published.store(Arc::default());
    assert!(!daemon.ask("GET /metrics").await.has_line(registered));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_healthy_as_long_as_it_answers() {
    let daemon = Daemon::start().await;
    daemon.change(|sensor| sensor.published = None);
    let answer = daemon.ask("GET /-/healthy").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (200, "phonewatch is healthy\n")
    );
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_once_nothing_is_missing() {
    let daemon = Daemon::start().await;
    let ready = async || {
        let answer = daemon.ask("GET /-/ready").await;
        (answer.status, answer.body)
    };
    assert_eq!(ready().await, (200, "phonewatch is ready\n".to_owned()));

    daemon.change(|sensor| {
        sensor.published = Some(Duration::from_secs(11));
        sensor.interfaces.push(InterfaceState {
            name: "eth2".to_owned(),
            is_stuck: false,
            capture: CaptureState {
                last_error: Some("The interface disappeared".to_owned()),
                ..CaptureState::default()
            },
        });
    });
    let missing = "interface eth2: it is not open, or has no carrier (last error: The interface disappeared)\n\
                   the engine has published nothing for 11 seconds\n";
    assert_eq!(ready().await, (503, missing.to_owned()));

    daemon.change(|sensor| {
        sensor.published = None;
        sensor.interfaces.pop();
        sensor.interfaces[0].is_stuck = true;
    });
    let missing = "interface eth1: its capture thread is stuck\n\
                   the engine has published nothing yet\n";
    assert_eq!(ready().await, (503, missing.to_owned()));

    daemon.change(|sensor| {
        sensor.published = Some(Duration::from_secs(10));
        sensor.interfaces.clear();
    });
    assert_eq!(
        ready().await,
        (503, "no interface is captured\n".to_owned())
    );
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_leads_to_the_others() {
    let daemon = Daemon::start().await;
    let answer = daemon.ask("GET /").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("style-src 'self'") && !policy.contains("script-src"));
    assert!(answer.body.contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(daemon.ask("GET /style.css").await.status, 200);
    for link in [
        "/metrics",
        "/api/v1/phones",
        "/api/v1/findings",
        "/-/healthy",
        "/-/ready",
    ] {
        assert!(answer.body.contains(&format!("<a href=\"{link}\">")));
        assert_eq!(daemon.ask(&format!("GET {link}")).await.status, 200);
    }
    daemon.stop().await;
}

/// A daemon that has seen a phone whose registration is rejected.
async fn with_a_rejected_phone() -> Daemon {
    let daemon = Daemon::start().await;
    let case = support::cases::all()
        .into_iter()
        .find(|case| case.code == "registration_rejected" && case.holds())
        .unwrap();
    daemon.published.store(case.run().snapshot);
    daemon
}

/// The name of the one phone of which something was found.
fn name_of(phones: &serde_json::Value) -> String {
    phones["devices"][0]["name"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_gives_the_objects_of_the_report() {
    let daemon = with_a_rejected_phone().await;
    let json = async |path: &str| -> serde_json::Value {
        let answer = daemon.ask(&format!("GET {path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        serde_json::from_str(&answer.body).unwrap()
    };
    let phones = json("/api/v1/phones?code=registration_rejected").await;
    assert_eq!(
        (&phones["schema"], &phones["total"]),
        (&1.into(), &1.into())
    );
    let name = name_of(&phones);
    let phone = json(&format!("/api/v1/phones/{name}")).await;
    assert_eq!(phone["device"], phones["devices"][0]);
    let finding = &phone["device"]["findings"][0];
    assert_eq!(finding["code"], "registration_rejected");
    assert_eq!(
        json("/api/v1/findings?severity=critical").await["findings"][0],
        *finding
    );
    assert_eq!(json("/api/v1/findings?severity=info").await["total"], 0);
    assert_eq!(json("/api/v1/phones?stage=tftp").await["total"], 0);
    assert_eq!(
        json("/api/v1/phones?limit=1&offset=1000").await["devices"],
        serde_json::json!([])
    );
    assert!(json("/api/v1/callmanagers").await["callmanagers"][0]["address"].is_string());
    assert!(json("/api/v1/capture").await["capture"]["frames"].as_u64() > Some(0));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_says_what_it_does_not_understand() {
    let daemon = Daemon::start().await;
    for (path, status, part) in [
        ("/api/v1/phones?stage=asleep", 400, "the stages are"),
        ("/api/v1/phones?limit=99999", 400, "from 1 to 10000"),
        ("/api/v1/findings?code=nonsense", 400, "phonewatch explain"),
        ("/api/v1/findings?colour=red", 400, "no parameter"),
        ("/api/v1/phones?format=xml", 400, "json and text"),
        (
            "/api/v1/phones/SEP000000000001",
            404,
            "no phone of this name",
        ),
        ("/api/v1/phones/%3Cscript%3E", 404, "no phone of this name"),
        ("/phones/%3Cscript%3E", 404, "No phone of this name"),
        ("/api/v1/nothing", 404, "nothing is served here"),
    ] {
        let answer = daemon.ask(&format!("GET {path}")).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains(part), "{path}: {}", answer.body);
        assert!(!answer.body.contains("<script"), "{path}");
    }
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_tell_what_was_found_and_lead_to_the_phone() {
    let daemon = with_a_rejected_phone().await;
    let phones = daemon
        .ask("GET /api/v1/phones?code=registration_rejected")
        .await;
    let name = name_of(&serde_json::from_str(&phones.body).unwrap());
    let index = daemon.ask("GET /").await;
    assert!(
        index.body.contains("registration rejected"),
        "{}",
        index.body
    );
    let link = format!("/phones/{name}");
    assert!(
        index.body.contains(&format!("<a href=\"{link}\">")),
        "{}",
        index.body
    );
    let page = daemon.ask(&format!("GET {link}")).await;
    assert_eq!(page.status, 200);
    for part in ["<h1>", "RegisterReject", "<ol>", "Guide: "] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    daemon.stop().await;
}

/// What somebody may have written into the list of phones, or called itself on the wire.
const HOSTILE: &str = "<img src=x onerror=alert(1)><script>document.title='hacked'</script><style>*{display:none}</style>";

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_hostile_names_as_text_and_complains_of_nothing() {
    let Some(browser) = browser::Browser::new() else {
        assert!(
            std::env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_none(),
            "chromium is missing: make test installs it"
        );
        eprintln!("SKIPPED: chromium is missing; make test installs it");
        return;
    };
    let daemon = with_a_rejected_phone().await;
    let phones = daemon
        .ask("GET /api/v1/phones?code=registration_rejected")
        .await;
    let name = name_of(&serde_json::from_str(&phones.body).unwrap());
    let list = format!("Device Name,Description\n{name},\"{HOSTILE}\"\n");
    let mut snapshot = Snapshot::clone(&daemon.published.load());
    snapshot.inventory = Some(Arc::new(Inventory::parse(list.as_bytes()).unwrap()));
    daemon.published.store(Arc::new(snapshot));

    let address = daemon.address;
    let looked_at = tokio::task::spawn_blocking(move || {
        let own = tempfile::tempdir().unwrap();
        // Where somebody wants to look at them, PHONEWATCH_PICTURES names a folder.
        let folder =
            std::env::var_os("PHONEWATCH_PICTURES").map_or(own.path().to_owned(), Into::into);
        for (file, path, title) in [
            ("status.png", "/".to_owned(), "phonewatch"),
            ("page.png", format!("/phones/{name}"), &*name),
        ] {
            let url = format!("http://{address}{path}");
            let (document, complaints) = browser.document(&url);
            assert_eq!(complaints, [""; 0], "{path}");
            assert!(
                document.contains(&format!("<title>{title}</title>")),
                "{document}"
            );
            assert!(
                document.contains("&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;"),
                "{document}"
            );
            for element in ["<img", "<script", "<style"] {
                assert!(!document.contains(element), "{element} is in {document}");
            }
            let picture = browser.picture(&url, 1000, 1400, &folder.join(file));
            assert_eq!((picture.width, picture.height), (1000, 1400));
            // The style is there: the finding's bar, and its ground.
            assert!(
                picture.count([0xb0, 0x00, 0x20]) > 6 * 100,
                "{path}: critical is red"
            );
            assert!(picture.count([0xf6, 0xf6, 0xf6]) > 10_000, "{path}");
        }
    });
    looked_at.await.unwrap();
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_asks_the_daemon() {
    let daemon = with_a_rejected_phone().await;
    let url = format!("http://{}", daemon.address);
    let asked = tokio::task::spawn_blocking(move || {
        let ask = |arguments: &[&str]| {
            let output = assert_cmd::Command::cargo_bin("phonewatch")
                .unwrap()
                .args(arguments)
                .args(["--url", &url])
                .output()
                .unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (
                output.status.code(),
                text(output.stdout),
                text(output.stderr),
            )
        };
        let (code, out, _) = ask(&["phones", "--unhealthy", "--json"]);
        assert_eq!(code, Some(0));
        let name = name_of(&serde_json::from_str(&out).unwrap());
        let (_, out, _) = ask(&["phones", "--stage", "rejected"]);
        assert!(out.contains(&name), "{out}");
        let (code, out, _) = ask(&["phone", &name]);
        assert_eq!(code, Some(0));
        assert!(
            out.starts_with(&name) && out.contains("What to do:"),
            "{out}"
        );
        let (code, out, _) = ask(&["findings", "--severity", "critical"]);
        assert_eq!(code, Some(0));
        assert!(out.starts_with("1 finding holds: 1 critical."), "{out}");
        let (code, out, _) = ask(&["trace", &name]);
        assert_eq!((code, &*out), (Some(0), "a table\n"));
        let (_, out, _) = ask(&["trace", &name, "--json"]);
        assert_eq!(out, "[]\n");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("phone.pcap");
        let (code, ..) = ask(&["evidence", &name, "--write", file.to_str().unwrap()]);
        assert_eq!(code, Some(0));
        assert_eq!(std::fs::read(file).unwrap(), b"a capture");
        let (code, _, error) = ask(&["trace", "SEP000000000000"]);
        assert_eq!(code, Some(1));
        assert!(error.contains("no phone of this name was seen"), "{error}");
        let (code, _, error) = ask(&["phone", "SEP000000000000"]);
        assert_eq!(code, Some(1));
        assert!(error.contains("no phone of this name was seen"), "{error}");
        let (code, _, error) = ask(&["phones", "--stage", "asleep"]);
        assert_eq!(code, Some(1));
        assert!(error.contains("the stages are"), "{error}");
    });
    asked.await.unwrap();
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silences_and_maintenance_are_handed_on_and_answered() {
    let (daemon, _) = Daemon::keeping_mutes(true).await;
    for (request, body, status, part) in [
        ("GET /api/v1/silences", "", 200, r#""silences":[]"#),
        (
            "POST /api/v1/silences",
            r#"{"x":1}"#,
            201,
            r#""silence":{"id":1,"x":1}"#,
        ),
        ("POST /api/v1/silences", "nonsense", 400, "it is no JSON"),
        (
            "GET /api/v1/silences",
            "",
            200,
            r#""silences":[{"id":1,"x":1}]"#,
        ),
        (
            "DELETE /api/v1/silences/2",
            "",
            404,
            "no silence has this number",
        ),
        (
            "DELETE /api/v1/silences/x",
            "",
            404,
            "no silence has this number",
        ),
        ("DELETE /api/v1/silences/1", "", 200, r#""removed":1"#),
        (
            "DELETE /api/v1/silences/1",
            "",
            404,
            "no silence has this number",
        ),
        ("GET /api/v1/maintenance", "", 200, r#""maintenance":null"#),
        (
            "POST /api/v1/maintenance",
            r#"{"y":2}"#,
            200,
            r#""maintenance":{"y":2}"#,
        ),
        (
            "GET /api/v1/maintenance",
            "",
            200,
            r#""maintenance":{"y":2}"#,
        ),
        (
            "DELETE /api/v1/maintenance",
            "",
            200,
            r#""maintenance":null"#,
        ),
        ("DELETE /api/v1/silences", "", 405, "the header Allow says"),
        (
            "PUT /api/v1/maintenance",
            "{}",
            405,
            "the header Allow says",
        ),
    ] {
        let answer = daemon.send(request, JSON, body).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
        assert!(answer.body.contains(part), "{request}: {}", answer.body);
    }
    daemon.stop().await;

    let alone = Daemon::start().await;
    assert_eq!(alone.ask("GET /api/v1/silences").await.status, 503);
    alone.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_take_consent_and_come_from_no_page_in_a_browser() {
    let writing = [
        "POST /api/v1/silences",
        "DELETE /api/v1/silences/1",
        "POST /api/v1/maintenance",
        "DELETE /api/v1/maintenance",
    ];
    let (daemon, mutes) = Daemon::keeping_mutes(false).await;
    for request in writing {
        let answer = daemon.send(request, JSON, "{}").await;
        assert_eq!(answer.status, 403, "{request}");
        assert!(answer.body.contains("admin = true"), "{}", answer.body);
    }
    assert_eq!(daemon.ask("GET /api/v1/silences").await.status, 200);
    daemon.stop().await;
    assert_eq!(*mutes.lock().unwrap(), Mutes::default());

    let (daemon, mutes) = Daemon::keeping_mutes(true).await;
    for request in writing {
        // A page of another site, one that reached the port under its own name, and one of nowhere.
        for origin in ["https://evil.example", "http://localhost", "null"] {
            let headers = format!("{JSON}Origin: {origin}\r\n");
            let answer = daemon.send(request, &headers, "{}").await;
            assert_eq!(answer.status, 403, "{request} {origin}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    for request in writing.into_iter().filter(|it| it.starts_with("POST")) {
        // What a form or a simple request can send without asking for permission.
        for kind in [
            "",
            "Content-Type: text/plain\r\n",
            "Content-Type: application/jsonx\r\n",
        ] {
            let answer = daemon.send(request, kind, "{}").await;
            assert_eq!(answer.status, 415, "{request} {kind}");
        }
        let long = format!("{{\"x\": \"{}\"}}", "x".repeat(300_000));
        let answer = daemon.send(request, JSON, &long).await;
        assert_eq!(answer.status, 413, "{request}");
    }
    let preflight = daemon
        .send(
            "OPTIONS /api/v1/silences",
            "Origin: https://evil.example\r\n",
            "",
        )
        .await;
    assert_eq!(preflight.status, 405);
    assert_eq!(preflight.header("access-control-allow-origin"), None);
    daemon.stop().await;
    assert_eq!(*mutes.lock().unwrap(), Mutes::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_and_the_metrics_tell_what_holds_alerts_back() {
    let daemon = Daemon::start().await;
    let index = daemon.ask("GET /").await;
    assert!(!index.body.contains("Maintenance until"), "{}", index.body);
    daemon.change(|sensor| {
        sensor.alerts.silences.active = 2;
        sensor.alerts.maintenance = Some(MaintenanceState {
            until: Timestamp::from_secs(1_772_366_400),
            author: "<b>anna".to_owned(),
            reason: "new switches".to_owned(),
        });
    });
    let index = daemon.ask("GET /").await;
    let line = "Maintenance until <time>2026-03-01T12:00:00.000000Z</time>, by &lt;b&gt;anna</strong>: new switches.";
    assert!(index.body.contains(line), "{}", index.body);
    assert!(index.body.contains("2 active"), "{}", index.body);
    let metrics = daemon.ask("GET /metrics").await;
    assert!(metrics.has_line("phonewatch_maintenance 1"));
    assert!(metrics.has_line("phonewatch_alert_silences{state=\"active\"} 2"));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_changes_what_the_daemon_tells() {
    let (daemon, mutes) = Daemon::keeping_mutes(true).await;
    let (closed, _) = Daemon::keeping_mutes(false).await;
    let url = format!("http://{}", daemon.address);
    let closed_url = format!("http://{}", closed.address);
    let kept = Arc::clone(&mutes);
    let asked = tokio::task::spawn_blocking(move || {
        let ask_at = |url: &str, arguments: &[&str]| {
            let output = assert_cmd::Command::cargo_bin("phonewatch")
                .unwrap()
                .args(arguments)
                .args(["--url", url])
                .env("SUDO_USER", "anna")
                .output()
                .unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            let (out, error) = (text(output.stdout), text(output.stderr));
            (output.status.success(), out + &error)
        };
        let ask = |arguments: &[&str]| ask_at(&url, arguments);

        assert_eq!(
            ask(&["silence", "list"]),
            (true, "there are no silences\n".to_owned())
        );
        let add = [
            "silence",
            "add",
            "--phone",
            "SEP*",
            "--code",
            "dhcp_*",
            "--for",
            "2h",
            "--comment",
            "moves",
        ];
        let (done, said) = ask(&add);
        assert!(done && said.starts_with("added: 1  "), "{said}");
        let sent = kept.lock().unwrap().silences[0].clone();
        assert_eq!(
            sent,
            serde_json::json!({"id": 1, "phones": ["SEP*"], "codes": ["dhcp_*"], "servers": [], "sites": [],
                "for": "2h", "comment": "moves", "author": "anna"})
        );
        let (_, said) = ask(&["silence", "list"]);
        let line = "codes: dhcp_*  phones: SEP*  \"moves\" by anna\n";
        assert!(said.ends_with(line), "{said}");
        let (_, said) = ask(&["silence", "list", "--json"]);
        assert!(said.starts_with('{') && said.ends_with("}\n"), "{said}");
        assert_eq!(
            ask(&["silence", "remove", "1"]),
            (true, "removed: 1\n".to_owned())
        );
        let (done, said) = ask(&["silence", "remove", "1"]);
        assert!(
            !done && said.contains("no silence has this number"),
            "{said}"
        );

        let start = [
            "maintenance",
            "start",
            "--for",
            "1h",
            "--reason",
            "upgrade",
            "--author",
            "ben",
        ];
        let (done, said) = ask(&start);
        assert!(done && said.ends_with("\"upgrade\" by ben\n"), "{said}");
        let (_, said) = ask(&["maintenance", "status"]);
        assert!(said.starts_with("maintenance until "), "{said}");
        for asked in ["stop", "status"] {
            let said = ask(&["maintenance", asked]);
            assert_eq!(said, (true, "no maintenance: alerts are sent\n".to_owned()));
        }
        let (done, said) = ask_at(&closed_url, &start);
        assert!(
            !done && said.contains("set admin = true under [web]"),
            "{said}"
        );
        let (done, said) = ask(&["maintenance", "start", "--reason", "for ever"]);
        assert!(!done && said.contains("--for"), "{said}");
    });
    asked.await.unwrap();
    daemon.stop().await;
    closed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_gives_no_body_and_other_methods_and_paths_are_refused() {
    let daemon = Daemon::start().await;
    let answer = daemon.ask("HEAD /metrics").await;
    assert_eq!((answer.status, &*answer.body), (200, ""));
    let length: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert!(length > 1000, "{length}");

    let answer = daemon.ask("POST /metrics").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    assert_eq!(daemon.ask("GET /metrics/").await.status, 404);
    assert_eq!(daemon.ask("GET /-/reload").await.status, 405);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_takes_many_requests_and_ends_with_the_server() {
    let daemon = Daemon::start().await;
    let mut stream = TcpStream::connect(daemon.address).unwrap();
    let (mut stream, first) = tokio::task::spawn_blocking(move || {
        let mut bytes = [0; 1024];
        for _ in 0..2 {
            let request = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";
            stream.write_all(request.as_bytes()).unwrap();
            let count = stream.read(&mut bytes).unwrap();
            assert!(bytes[..count].starts_with(b"HTTP/1.1 200 OK\r\n"));
        }
        (stream, bytes[0])
    })
    .await
    .unwrap();
    assert_eq!(first, b'H');
    daemon.stop().await;
    let count = stream.read(&mut [0; 16]).unwrap();
    assert_eq!(count, 0, "the server has closed it");
}

/// Someone who has the same frames of every phone.
struct Recorder;

fn evidence_of(subject: &str) -> EvidenceName {
    EvidenceName::new(
        Timestamp::from_secs(1_700_000_000),
        "registration_rejected",
        subject,
    )
}

impl Recordings for Recorder {
    fn capture(&self, _device: DeviceId) -> Result<Vec<u8>, Unavailable> {
        Ok(b"a capture".to_vec())
    }

    fn trace(&self, _device: DeviceId, form: TraceForm) -> Result<String, Unavailable> {
        match form {
            TraceForm::Text => Ok("a table\n".to_owned()),
            TraceForm::Json => Ok("[]\n".to_owned()),
        }
    }

    fn stored(&self) -> Vec<EvidenceName> {
        vec![evidence_of("SEP020000000007"), evidence_of("SEPOTHER")]
    }

    fn read(&self, name: &EvidenceName) -> std::io::Result<Vec<u8>> {
        if name.is_of("SEPGONE") {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        Ok(format!("the file {name}").into_bytes())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phones_frames_are_told_in_words_and_downloaded() {
    let daemon = with_a_rejected_phone().await;
    let phones = daemon
        .ask("GET /api/v1/phones?code=registration_rejected")
        .await;
    let name = name_of(&serde_json::from_str(&phones.body).unwrap());
    let path = format!("/phones/{name}");
    for (query, status, kind, body) in [
        ("", 200, "text/plain; charset=utf-8", "a table\n"),
        (
            "?format=text",
            200,
            "text/plain; charset=utf-8",
            "a table\n",
        ),
        ("?format=json", 200, "application/json", "[]\n"),
        (
            " HTTP/1.1\r\nAccept: application/json\r\nX: ",
            200,
            "application/json",
            "[]\n",
        ),
        (
            "?format=xml",
            400,
            "text/plain; charset=utf-8",
            "format: json and text are allowed, and nothing else\n",
        ),
    ] {
        let answer = daemon.ask(&format!("GET {path}/trace{query}")).await;
        assert_eq!(
            (answer.status, answer.header("content-type"), &*answer.body),
            (status, Some(kind), body),
            "{query}"
        );
    }
    let capture = daemon.ask(&format!("GET {path}/evidence.pcap")).await;
    assert_eq!((capture.status, &*capture.body), (200, "a capture"));
    assert_eq!(
        capture.header("content-type"),
        Some("application/vnd.tcpdump.pcap")
    );
    let disposition = format!("attachment; filename=\"{name}.pcap\"");
    assert_eq!(
        capture.header("content-disposition"),
        Some(disposition.as_str())
    );
    let page = daemon.ask(&format!("GET {path}")).await.body;
    for link in [format!("{path}/trace"), format!("{path}/evidence.pcap")] {
        assert!(page.contains(&format!("<a href=\"{link}\">")), "{page}");
    }
    for path in ["trace", "evidence.pcap"] {
        let nobody = daemon.ask(&format!("GET /phones/%22%0d%0aX/{path}")).await;
        assert_eq!(nobody.status, 404);
        assert_eq!(nobody.header("content-disposition"), None);
    }
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_evidence_is_given_by_its_name_and_nothing_else_is() {
    let daemon = with_a_rejected_phone().await;
    let file = evidence_of("SEP1");
    let answer = daemon.ask(&format!("GET /evidence/{file}")).await;
    let body = format!("the file {file}");
    assert_eq!((answer.status, &answer.body), (200, &body));
    let disposition = answer.header("content-disposition").unwrap();
    assert_eq!(disposition, format!("attachment; filename=\"{file}\""));
    for path in [
        format!("{}", evidence_of("SEPGONE")),
        "outbox.sqlite".to_owned(),
        "..%2Foutbox.sqlite".to_owned(),
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd".to_owned(),
        format!("..%2F{file}"),
        format!("{file}%00"),
    ] {
        let answer = daemon.ask(&format!("GET /evidence/{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("the file"), "{path}");
    }
    daemon.stop().await;
}

/// A server with a daemon around it that a test can change.
struct Daemon {
    address: SocketAddr,
    published: Arc<ArcSwap<Snapshot>>,
    sensor: Arc<Mutex<SensorState>>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

const JSON: &str = "Content-Type: application/json\r\n";

/// Who keeps silences and maintenance: as JSON, whatever it says.
#[derive(Debug, Default, PartialEq)]
struct Mutes {
    silences: Vec<serde_json::Value>,
    maintenance: serde_json::Value,
}

impl Mutes {
    fn ask(&mut self, request: MuteRequest) -> MuteAnswer {
        let parsed = |body: Vec<u8>| -> Result<serde_json::Value, MuteRefusal> {
            let read = serde_json::from_slice(&body);
            read.map_err(|_| MuteRefusal::Invalid("it is no JSON".to_owned()))
        };
        match request {
            MuteRequest::Silences => return Ok(serde_json::json!({"silences": self.silences})),
            MuteRequest::AddSilence(body) => {
                let mut silence = parsed(body)?;
                silence["id"] = (self.silences.len() + 1).into();
                self.silences.push(silence.clone());
                return Ok(serde_json::json!({"silence": silence}));
            }
            MuteRequest::EndSilence(number) => {
                let place = self.silences.iter().position(|it| it["id"] == number);
                self.silences.remove(place.ok_or(MuteRefusal::NoSuch)?);
                return Ok(serde_json::json!({"removed": number}));
            }
            MuteRequest::BeginMaintenance(body) => self.maintenance = parsed(body)?,
            MuteRequest::EndMaintenance => self.maintenance = serde_json::Value::Null,
            MuteRequest::Maintenance => {}
        }
        Ok(serde_json::json!({"maintenance": self.maintenance}))
    }
}

impl Daemon {
    async fn start() -> Self {
        Self::with(|state| state).await
    }

    /// One that keeps silences, and lets them be changed or not.
    async fn keeping_mutes(admin: bool) -> (Self, Arc<Mutex<Mutes>>) {
        let mutes: Arc<Mutex<Mutes>> = Arc::default();
        let kept = Arc::clone(&mutes);
        let (administration, _) = Admin::new();
        administration.set(String::new(), admin);
        let daemon = Self::with(move |state| {
            state
                .administered(Arc::new(administration))
                .with_mutes(move |request| {
                    let answer = kept.lock().unwrap().ask(request);
                    async { answer }
                })
        });
        (daemon.await, mutes)
    }

    async fn with(change: impl FnOnce(WebState) -> WebState) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let published: Arc<ArcSwap<Snapshot>> = Arc::default();
        let sensor = Arc::new(Mutex::new(SensorState {
            interfaces: vec![InterfaceState {
                name: "eth1".to_owned(),
                is_stuck: false,
                capture: CaptureState {
                    is_up: true,
                    ..CaptureState::default()
                },
            }],
            published: Some(Duration::from_millis(500)),
            ..SensorState::starting(Timestamp::from_secs(1_700_000_000))
        }));
        let settings = MetricsSettings {
            per_phone: PerPhone::All,
            per_phone_limit: 10,
        };
        let read = Arc::clone(&sensor);
        let state = WebState::new(
            Arc::clone(&published),
            move || read.lock().unwrap().clone(),
            Arc::new(ArcSwap::from_pointee(settings)),
        );
        let state = change(state.with_recordings(Arc::new(Recorder)));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, state, async {
            stopped.await.unwrap();
        }));
        Self {
            address,
            published,
            sensor,
            stop,
            server,
        }
    }

    fn change(&self, change: impl FnOnce(&mut SensorState)) {
        change(&mut self.sensor.lock().unwrap());
    }

    /// Sends a request like `GET /metrics` on a connection of its own.
    async fn ask(&self, request: &str) -> Answer {
        self.send(request, "", "").await
    }

    /// Sends a request with these lines in its head and this body.
    async fn send(&self, request: &str, headers: &str, body: &str) -> Answer {
        let length = match body.len() {
            0 => String::new(),
            length => format!("Content-Length: {length}\r\n"),
        };
        let head = format!(
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}{length}\r\n{body}"
        );
        let address = self.address;
        let text = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            // The server may answer before it has read all of a body.
            stream.write_all(head.as_bytes()).ok();
            let mut text = Vec::new();
            stream.read_to_end(&mut text).ok();
            String::from_utf8(text).unwrap()
        });
        Answer::read(&text.await.unwrap())
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(5), self.server).await;
        ended.expect("it ends").unwrap().unwrap();
    }
}

struct Answer {
    status: u16,
    head: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        Self {
            status: status.parse().unwrap(),
            head: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.head.iter().filter(|header| header.0 == name);
        values.next().map(|header| &*header.1)
    }

    fn has_line(&self, line: &str) -> bool {
        self.body.lines().any(|of_body| of_body == line)
    }
}
