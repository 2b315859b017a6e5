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

/// Starts the daemon on the mirror port. Its receiver does not answer, so messages wait.
pub(crate) fn start_daemon(network: &Network, folder: &Path) -> Running {
    let configuration = folder.join("phonewatch.toml");
    let lines = format!(
        "[alert]\nstate_dir = \"{}\"\ngroup_wait = \"1s\"\n\
         [[alert.receiver]]\nname = \"nobody\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\n",
        folder.join("state").display(),
    );
    fs::create_dir(folder.join("state")).unwrap();
    fs::write(&configuration, lines).unwrap();
    let log = File::create(folder.join("phonewatch.log")).unwrap();
    let child = inside(&network.servers, PROGRAM)
        .args(["run", "--interface", MIRROR, "--config"])
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
    let scenarios = Scenario::ALL.iter().map(|scenario| scenario.label());
    let phones = 2 * Scenario::ALL.len();
    let child = inside(&network.phone, PROGRAM)
        .arg("simulate")
        .args(scenarios)
        .args(["--phones", &phones.to_string()])
        .args(["--minutes", &MINUTES.to_string()])
        .args(["--copies", "10", "--interface", PHONE])
        .args(["--speed", &SPEED.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(child.unwrap())
}
