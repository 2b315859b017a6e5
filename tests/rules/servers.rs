//! The programs of Prometheus, those that run as servers among them, and sensors for them to scrape.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use phonewatch::config::PerPhone;
use phonewatch::metrics::{MetricsSettings, SensorState};
use phonewatch::rules::{RUNBOOK, RuleFile};
use phonewatch::snapshot::Snapshot;
use phonewatch::web::{WebState, serve};
use serde_json::Value;

use super::ALERTMANAGER;
use super::tool::tool;

/// A server that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The JSON that a server answers to GET; `None` where it does not.
fn ask(port: u16, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// Asks until there is an answer, for as long as a loaded machine may need.
pub(crate) async fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(answer) = ask() {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("there was never: {what}");
}

/// A Prometheus with the rules, in which nothing waits.
pub(crate) struct Prometheus {
    _process: Running,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes these sensors, all at one site, and tells this Alertmanager.
    pub(crate) fn start(sensors: &[&Sensor], alertmanager: Option<&Alertmanager>) -> Option<Self> {
        let mut command = tool("prometheus")?;
        let folder = tempfile::tempdir().unwrap();
        for file in RuleFile::all(RUNBOOK) {
            let mut text = String::new();
            for line in file.text().lines() {
                let line = match line.split_once("for: ") {
                    Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 0s"),
                    _ => line.to_owned(),
                };
                text += &(line + "\n");
            }
            fs::write(folder.path().join(file.name), text).unwrap();
        }
        let mut config = String::from(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: ['*.yml']\n",
        );
        if let Some(Alertmanager { port, .. }) = alertmanager {
            config += format!(
                "alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]}}\n"
            )
            .as_str();
        }
        config += "scrape_configs:\n- job_name: phonewatch\n  static_configs:\n";
        for (number, sensor) in (1..).zip(sensors) {
            let address = sensor.address;
            config += format!(
                "  - {{targets: ['{address}'], labels: {{site: paris, sensor: s{number}}}}}\n"
            )
            .as_str();
        }
        // Beside the rules it would be read as one of them.
        let path = folder.path().join("prometheus.yaml");
        fs::write(&path, config).unwrap();
        let port = free_port();
        let process = command
            .arg(format!("--config.file={}", path.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self {
            _process: Running(process),
            port,
            _folder: folder,
        })
    }

    /// Its alerts that fire.
    pub(crate) fn firing(&self) -> Option<Vec<Value>> {
        let alerts = ask(self.port, "/api/v1/alerts")?;
        let alerts = alerts["data"]["alerts"].as_array()?.clone();
        let fires = |alert: &Value| alert["state"] == "firing";
        Some(alerts.into_iter().filter(fires).collect())
    }

    /// Every rule, with what became of it.
    pub(crate) fn rules(&self) -> Option<Vec<Value>> {
        let groups = ask(self.port, "/api/v1/rules")?;
        let groups = groups["data"]["groups"].as_array()?;
        let rules = groups.iter().filter_map(|group| group["rules"].as_array());
        Some(rules.flatten().cloned().collect())
    }

    /// The value of the one series that a query gives.
    pub(crate) fn value(&self, query: &str) -> Option<f64> {
        let encoded = query.bytes().fold(String::new(), |encoded, byte| {
            encoded + &format!("%{byte:02X}")
        });
        let answer = ask(self.port, &format!("/api/v1/query?query={encoded}"))?;
        let [only] = answer["data"]["result"].as_array()?.as_slice() else {
            return None;
        };
        only["value"][1].as_str()?.parse().ok()
    }
}

/// An Alertmanager with the routes and inhibitions of the example, and receivers that do nothing.
pub(crate) struct Alertmanager {
    _process: Running,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    pub(crate) fn start() -> Option<Self> {
        let mut command = tool("prometheus-alertmanager")?;
        let folder = tempfile::tempdir().unwrap();
        let example = fs::read_to_string(ALERTMANAGER).unwrap();
        let (routes, _) = example.split_once("\nreceivers:\n").unwrap();
        let receivers = "receivers: [{name: operators}, {name: on-duty}, {name: sensors}]";
        let path = folder.path().join("alertmanager.yml");
        fs::write(&path, format!("{routes}\n{receivers}\n")).unwrap();
        let port = free_port();
        let process = command
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self {
            _process: Running(process),
            port,
            _folder: folder,
        })
    }

    /// Its alerts by name.
    pub(crate) fn alert(&self, name: &str) -> Option<Value> {
        let alerts = ask(self.port, "/api/v2/alerts")?;
        let is_it = |alert: &&Value| alert["labels"]["alertname"] == name;
        alerts.as_array()?.iter().find(is_it).cloned()
    }
}

/// A sensor's page, with whatever a test wants there.
pub(crate) struct Sensor {
    pub(crate) published: Arc<ArcSwap<Snapshot>>,
    pub(crate) address: SocketAddr,
}

impl Sensor {
    /// Serves until the runtime ends.
    pub(crate) async fn start(state: SensorState, per_phone_limit: usize) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let published: Arc<ArcSwap<Snapshot>> = Arc::default();
        let settings = MetricsSettings {
            per_phone: PerPhone::All,
            per_phone_limit,
        };
        let web = WebState::new(
            Arc::clone(&published),
            move || state.clone(),
            Arc::new(ArcSwap::from_pointee(settings)),
        );
        tokio::spawn(serve(listener, web, std::future::pending()));
        Self { published, address }
    }
}
