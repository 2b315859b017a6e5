//! A real Alertmanager.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use phonewatch::alert::Status;
use phonewatch::delivery::Outcome;
use serde_json::Value;

use super::{is_missing, sender};
use phonewatch::delivery::test_message;
use phonewatch::time::Timestamp;

struct Alertmanager {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    fn start() -> Option<Self> {
        let Some(program) = program() else {
            is_missing("prometheus-alertmanager");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("alertmanager.yml");
        std::fs::write(
            &configuration,
            "route:\n  receiver: none\nreceivers:\n- name: none\n",
        )
        .unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = Command::new(program)
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self {
            process,
            port,
            _folder: folder,
        })
    }

    /// The alerts that hold, by its own API.
    fn alerts(&self) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let request = "GET /api/v2/alerts HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// The alerts, once there are so many.
    async fn alerts_when(&self, number: usize) -> Value {
        for _ in 0..200 {
            match self.alerts() {
                Some(alerts) if alerts.as_array().unwrap().len() == number => return alerts,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("there are not {number} alerts: {:?}", self.alerts());
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// On the machine, or where `.ci/alertmanager` puts it.
fn program() -> Option<PathBuf> {
    let name = "prometheus-alertmanager";
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = PathBuf::from(env!("CARGO_BIN_EXE_phonewatch"))
        .parent()?
        .parent()?
        .join("tools");
    let mut folders = std::env::split_paths(&path).chain([tools]);
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()))
}

#[tokio::test]
async fn an_alert_begins_and_ends_in_a_real_alertmanager() {
    let Some(alertmanager) = Alertmanager::start() else {
        return;
    };
    alertmanager.alerts_when(0).await;
    let sender = sender(&format!(
        "kind = 'alertmanager'\nurl = 'http://127.0.0.1:{}'",
        alertmanager.port
    ));
    let clock = phonewatch::app::clock::now;
    let mut message = test_message("it", clock() - Duration::from_secs(60));
    let page = "http://phonewatch.example.com/phones/x";
    message.alerts[0]
        .annotations
        .insert("page_url".into(), page.into());
    let outcome = sender.send(&message, clock()).await;
    assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
    let alerts = alertmanager.alerts_when(1).await;
    assert_eq!(alerts[0]["labels"]["alertname"], "phonewatch_test");
    assert_eq!(alerts[0]["generatorURL"], page);
    assert_eq!(sender.again_after(), Some(Duration::from_secs(60)));
    let again = sender.send_again(&message.alerts, clock()).await;
    assert!(matches!(again, Some(Outcome::Delivered(_))), "{again:?}");
    alertmanager.alerts_when(1).await;

    message.alerts[0].status = Status::Resolved;
    message.alerts[0].ends_at = Some(Timestamp::FAR_FUTURE);
    let outcome = sender.send(&message, clock()).await;
    assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
    alertmanager.alerts_when(0).await;
}
