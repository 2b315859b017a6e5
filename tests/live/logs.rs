//! What the log says of a phone that is turned down, in each of the ways in which it is written.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::daemon::page;
use super::network::{MIRROR, Network, PHONE, Running, inside, output_of};
use super::or_skip;
use super::peers::within;

const PROGRAM: &str = env!("CARGO_BIN_EXE_phonewatch");
const WITHIN: Duration = Duration::from_secs(60);

/// Shows the folder as the journal's, then becomes the program.
const WITH_JOURNAL: &str = r#"
folder=$1; shift
mount --bind "$folder" "$folder"
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal
mount --bind "$folder" /run/systemd/journal
exec "$@"
"#;

#[test]
fn the_journal_is_given_fields_and_a_file_lines_of_json() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let journal = UnixDatagram::bind(folder.join("socket")).unwrap();
    journal.set_read_timeout(Some(WITHIN)).unwrap();
    let daemon = start(&network, folder, "", "info,phonewatch::event=warn");
    rejects_a_phone(&network);
    let mut bytes = vec![0; 65_536];
    let mut entry = || {
        let length = journal.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let raised = std::iter::from_fn(|| Some(entry()))
        .inspect(|entry| assert!(!has(entry, "MESSAGE", "registered"), "RUST_LOG: {entry}"))
        .find(|entry| has(entry, "MESSAGE", "finding raised"))
        .unwrap();
    for (field, value) in [
        ("PRIORITY", "4"),
        ("CODE", "registration_rejected"),
        ("SEVERITY", "critical"),
        ("DEVICE", "SEP001380000000"),
    ] {
        assert!(has(&raised, field, value), "{field}: {raised}");
    }
    assert_eq!(
        fs::read_to_string(folder.join("log")).unwrap(),
        "",
        "nothing is written twice"
    );
    drop(daemon);

    let _daemon = start(
        &network,
        folder,
        "[log]\nformat = 'json'\nlevel = 'warn'\n",
        "",
    );
    rejects_a_phone(&network);
    let lines = within(WITHIN, "the phone is told of", || {
        let log = fs::read_to_string(folder.join("log")).unwrap();
        log.contains("finding raised").then_some(log)
    });
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert!(
        lines.iter().all(|line| line["level"] == "WARN"),
        "{lines:?}"
    );
    let raised = lines
        .iter()
        .find(|line| line["message"] == "finding raised")
        .unwrap();
    assert_eq!(raised["code"], "registration_rejected");
    assert_eq!(raised["device"], "SEP001380000000");
}

/// Whether an entry has this field, as it is sent: with its length where it could hold a line break.
fn has(entry: &str, field: &str, value: &str) -> bool {
    entry.contains(&format!("{field}={value}\n")) || {
        let length = u64::try_from(value.len()).unwrap().to_le_bytes();
        let length = String::from_utf8_lossy(&length).into_owned();
        entry.contains(&format!("{field}\n{length}{value}\n"))
    }
}

fn start(network: &Network, folder: &Path, configuration: &str, rust_log: &str) -> Running {
    let file = folder.join("phonewatch.toml");
    fs::write(&file, configuration).unwrap();
    let log = File::create(folder.join("log")).unwrap();
    let stream = log.metadata().unwrap();
    let mut command = inside(&network.servers, "unshare");
    command
        .args([
            "--mount",
            "--propagation=private",
            "sh",
            "-ec",
            WITH_JOURNAL,
            "sh",
        ])
        .arg(folder)
        .args([PROGRAM, "run", "--interface", MIRROR, "--config"])
        .arg(&file)
        .env("RUST_LOG", rust_log)
        .env(
            "JOURNAL_STREAM",
            format!("{}:{}", stream.dev(), stream.ino()),
        )
        .stdin(Stdio::null())
        .stderr(log);
    let mut daemon = Running(command.spawn().unwrap());
    within(WITHIN, "the daemon is ready", || {
        assert!(daemon.0.try_wait().unwrap().is_none());
        page(&network.servers, "/-/ready")
    });
    daemon
}

fn rejects_a_phone(network: &Network) {
    let mut phones: Command = inside(&network.phone, PROGRAM);
    phones
        .args(["simulate", "rejected", "--phones", "1", "--minutes", "3"])
        .args(["--interface", PHONE, "--speed", "max"]);
    assert!(output_of(phones).status.success());
}
