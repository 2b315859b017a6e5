//! A fleet in which everything happens, and the daemon that watches it.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use phonewatch::simulate::Scenario;

use super::network::{MIRROR, Network, PHONE, Running, inside};

const PROGRAM: &str = env!("CARGO_BIN_EXE_phonewatch");

/// Time passes so many times as fast: a phone takes minutes to fail over. What is concluded from real time alone, such
/// as a phone's silence of 45 seconds, is not concluded at this speed.
const SPEED: u32 = 20;
const MINUTES: u32 = 24;

/// One daemon scraped as two: by one job with a label for its site, by the other without.
pub(crate) const SCRAPED: &str = r#"
scrape_configs:
  - job_name: phonewatch
    static_configs:
      - targets: ["127.0.0.1:12000"]
        labels:
          site: lab
  - job_name: elsewhere
    static_configs:
      - targets: ["127.0.0.1:12000"]
        labels:
          instance: no-site
"#;

/// A receiver that does not answer, so messages wait.
const NOBODY: &str =
    "[[alert.receiver]]\nname = \"nobody\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\n";

/// Starts the daemon on the mirror port.
pub(crate) fn start_daemon(network: &Network, folder: &Path) -> Running {
    let lines = format!("group_wait = \"1s\"\n{NOBODY}");
    start_daemon_on(network, MIRROR, folder, &lines)
}

/// Starts a daemon on one of the mirror ports with what is its own in this folder. What is configured begins in
/// `[alert]`.
pub(crate) fn start_daemon_on(
    network: &Network,
    mirror: &str,
    folder: &Path,
    lines: &str,
) -> Running {
    let configuration = folder.join("phonewatch.toml");
    let state = folder.join("state");
    let lines = format!("[alert]\nstate_dir = \"{}\"\n{lines}", state.display());
    fs::create_dir(state).unwrap();
    fs::write(&configuration, lines).unwrap();
    let log = File::create(folder.join("phonewatch.log")).unwrap();
    let child = inside(&network.servers, PROGRAM)
        .args(["run", "--interface", mirror, "--config"])
        .arg(configuration)
        .env_remove("RUST_LOG")
        .env_remove("JOURNAL_STREAM")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    Running(child.unwrap())
}

/// Plays two phones of each scenario onto the other end of the cable.
pub(crate) fn start_player(network: &Network) -> Running {
    let scenarios: Vec<&str> = Scenario::ALL.iter().map(|one| one.label()).collect();
    let phones = (2 * Scenario::ALL.len()).to_string();
    let minutes = MINUTES.to_string();
    let size = ["--phones", &phones, "--minutes", &minutes, "--copies", "10"];
    start_player_on(network, PHONE, &[&scenarios[..], &size].concat())
}

/// Plays a fleet onto the far end of one of the cables.
pub(crate) fn start_player_on(network: &Network, phone: &str, fleet: &[&str]) -> Running {
    let child = inside(&network.phone, PROGRAM)
        .arg("simulate")
        .args(fleet)
        .args(["--interface", phone, "--speed", &SPEED.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(child.unwrap())
}
