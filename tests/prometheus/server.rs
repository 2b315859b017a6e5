//! A real Prometheus, and how it is asked.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use super::board::{list, text};
use super::network::{Network, Running, inside};
use super::peers::within;

const ADDRESS: &str = "127.0.0.1:9090";
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// How often is scraped and evaluated, and with which rules.
const GLOBAL: &str = "global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files:
  - RULES/*.yml
";

/// A Prometheus that runs in the network of the servers.
pub(crate) struct Prometheus {
    _process: Running,
}

/// A rule that it has loaded.
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) expression: String,
    pub(crate) is_alert: bool,
}

impl Prometheus {
    /// Starts it with this `scrape_configs`, and waits until it is ready.
    pub(crate) fn start(network: &Network, folder: &Path, scraped: &str) -> Self {
        let configuration = folder.join("prometheus.yml");
        let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/prometheus/rules");
        let text = GLOBAL.replace("RULES", rules) + scraped;
        fs::write(&configuration, text).unwrap();
        let log = folder.join("prometheus.log");
        let child = inside(&network.servers, "prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address={ADDRESS}"))
            .arg("--log.level=warn")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn();
        let mut process = Running(child.unwrap());
        within(STARTS_WITHIN, "Prometheus is ready", || {
            let ended = process.0.try_wait().unwrap();
            let said = || fs::read_to_string(&log).unwrap();
            assert!(ended.is_none(), "Prometheus ended: {}", said());
            let (status, _) = answer("/-/ready")?;
            (status == 200).then_some(())
        });
        Self { _process: process }
    }

    /// The rules as it has read them.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let groups = self.ask("/api/v1/rules", &[]).unwrap();
        list(&groups, "groups")
            .flat_map(|group| list(group, "rules"))
            .map(|rule| Rule {
                name: text(rule, "name").to_owned(),
                expression: text(rule, "query").to_owned(),
                is_alert: rule["type"] == "alerting",
            })
            .collect()
    }

    /// The `data` of an answer of its API, or the error in its words.
    #[expect(clippy::unused_self, reason = "only one that runs can be asked")]
    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let path = format!("{path}?{}", query.join("&"));
        let (status, body) = answer(&path).ok_or("Prometheus does not answer")?;
        let mut body: Value =
            serde_json::from_str(&body).map_err(|error| format!("{status}: {error}: {body}"))?;
        if status != 200 {
            return Err(format!("{status}: {}", text(&body, "error")));
        }
        Ok(body["data"].take())
    }
}

/// Moves this thread into a network namespace.
pub(crate) fn enter(namespace: &str) {
    let namespace = File::open(Path::new("/var/run/netns").join(namespace)).unwrap();
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

/// Whether there is a Prometheus on this machine.
pub(crate) fn is_installed() -> bool {
    let version = Command::new("prometheus")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// The status and the body of an answer; `None` where there is none.
fn answer(path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(ADDRESS).ok()?;
    // Of version 1.0, so that the body comes in one piece and the connection ends with it.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {ADDRESS}\r\n\r\n").ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).ok()?;
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded + &char::from(byte).to_string()
        } else {
            encoded + &format!("%{byte:02X}")
        }
    })
}
