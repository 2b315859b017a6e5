//! A daemon that is stopped, killed and told to read its configuration, while a fleet goes on.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::daemon::page;
use super::network::{MIRROR, Network, PHONE, Running, inside};
use super::or_skip;
use super::peers::within;

const PROGRAM: &str = env!("CARGO_BIN_EXE_phonewatch");
const PHONES: usize = 20;
const IN_TIME: Duration = Duration::from_secs(60);

#[test]
fn phones_stay_registered_over_a_stop_a_kill_and_a_reload() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let configuration = |more: &str| {
        let state = folder.join("state").display().to_string();
        let text = format!("[alert]\nstate_dir = '{state}'\n{more}");
        fs::write(folder.join("phonewatch.toml"), text).unwrap();
    };
    configuration("");
    let mut daemon = start(&network, folder, "first");
    let _fleet = simulate(&network);
    within(IN_TIME, "the fleet is registered", || {
        (registered(&network)?.len() == PHONES).then_some(())
    });
    let known = registered(&network).unwrap();

    // Nothing is forgotten at a reload, and nothing is lost.
    configuration("[flap]\nmoves = 2\n[dhcp]\nrequests = 3\n[keepalive]\ninterval = '31s'\n");
    signal(&daemon, Signal::HUP);
    within(IN_TIME, "the configuration is read again", || {
        log(folder, "first")
            .contains("configuration read again")
            .then_some(())
    });
    assert!(
        !log(folder, "first").contains("need a restart"),
        "{}",
        log(folder, "first")
    );
    assert_eq!(registered(&network).unwrap(), known);

    signal(&daemon, Signal::TERM);
    within(IN_TIME, "the daemon stops", || daemon.0.try_wait().unwrap());
    for (name, ends_by) in [("second", Signal::KILL), ("third", Signal::TERM)] {
        daemon = start(&network, folder, name);
        let found = within(IN_TIME, "it answers", || registered(&network));
        assert_eq!(found, known, "{}", log(folder, name));
        within(IN_TIME, "phones are heard", || {
            let metrics = page(&network.servers, "/metrics")?;
            let is_heard = |line: &&str| line.starts_with("phonewatch_sccp_messages_total");
            metrics.lines().find(is_heard).map(|_| ())
        });
        assert_eq!(
            registered(&network).unwrap(),
            known,
            "{}",
            log(folder, name)
        );
        signal(&daemon, ends_by);
        within(IN_TIME, "the daemon ends", || daemon.0.try_wait().unwrap());
        let log = log(folder, name);
        for word in [
            "finding raised",
            "unregistered",
            "moved",
            "keepalive gap",
            " WARN ",
            " ERROR ",
        ] {
            assert!(!log.contains(word), "{word}: {log}");
        }
    }
}

/// The names of the phones that are registered, with their servers.
fn registered(network: &Network) -> Option<Vec<(String, String)>> {
    let phones = page(&network.servers, "/api/v1/phones?stage=registered")?;
    let phones: serde_json::Value = serde_json::from_str(&phones).unwrap();
    let list = phones["devices"].as_array()?.clone();
    let mut names: Vec<_> = list
        .iter()
        .map(|phone| (phone["name"].to_string(), phone["callmanager"].to_string()))
        .collect();
    names.sort();
    Some(names)
}

fn simulate(network: &Network) -> Running {
    let mut fleet = inside(&network.phone, PROGRAM);
    fleet
        .args(["simulate", "healthy", "--phones", "20", "--minutes", "60"])
        .args(["--interface", PHONE, "--speed", "30"])
        .stderr(Stdio::null());
    Running(fleet.spawn().unwrap())
}

fn start(network: &Network, folder: &Path, log: &str) -> Running {
    let mut command = inside(&network.servers, PROGRAM);
    command
        .args(["run", "--interface", MIRROR, "--config"])
        .arg(folder.join("phonewatch.toml"))
        .env_remove("RUST_LOG")
        .env_remove("JOURNAL_STREAM")
        .stderr(File::create(folder.join(log)).unwrap());
    Running(command.spawn().unwrap())
}

fn signal(daemon: &Running, signal: Signal) {
    let pid = i32::try_from(daemon.0.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

fn log(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_default()
}
