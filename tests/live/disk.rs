//! A disk that is full, before a message is stored and again before it is known to be delivered.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::alerts::{PROGRAM, TOLD_WITHIN, start};
use super::daemon::{Metrics, page};
use super::network::{PHONE, Running, inside};
use super::or_skip;
use super::peers::within;

/// Fills the disk before it answers its first message, and writes down what it takes.
const RECEIVER: &str = r#"
import http.server, os, sys
received, filler = sys.argv[1:]
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not os.path.exists(received):
            with open(filler, "wb", buffering=0) as out:
                try:
                    while True:
                        out.write(b"x" * 512)
                except OSError:
                    pass
        with open(received, "ab") as out:
            out.write(body + b"\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8080), Receiver).serve_forever()
"#;
const WAITS: &str = "alerts wait until they can be stored";
const STORES: &str = "alerts can be stored again";

/// A small disk of its own; it goes when this is dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Result<Self, String> {
        fs::create_dir(folder).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "phonewatch-test"])
            .arg(folder)
            .output()
            .map_err(|error| format!("mount: {error}"))?;
        if !mount.status.success() {
            let error = String::from_utf8_lossy(&mount.stderr);
            return Err(format!("mount: {}", error.trim()));
        }
        Ok(Self(folder.to_owned()))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes what room there is, to the last page.
    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount")
            .arg("--lazy")
            .arg(&self.0)
            .status()
            .ok();
    }
}

#[test]
fn a_full_disk_holds_alerts_up_and_loses_none() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let Some(disk) = or_skip(Disk::mount(&folder.join("disk"))) else {
        return;
    };
    let configuration = format!(
        "[alert]\ngroup_wait = '0s'\nstate_dir = '{}'\n[[alert.route]]\ncodes = ['registration_rejected']\n\
         receivers = ['hook']\n[[alert.route]]\nreceivers = []\n\
         [[alert.receiver]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://127.0.0.1:8080/'\n",
        disk.0.join("state").display()
    );
    fs::write(folder.join("phonewatch.toml"), configuration).unwrap();
    let received = folder.join("received");
    let mut python = inside(&network.servers, "python3");
    python
        .args(["-c", RECEIVER])
        .args([&received, &disk.filler()])
        .stderr(Stdio::null());
    let _receiver = Running(python.spawn().unwrap());

    let mut daemon = start(&network, folder, "log");
    within(TOLD_WITHIN, "the daemon is ready", || {
        page(&network.servers, "/-/ready")
    });
    disk.fill();
    let mut phones = inside(&network.phone, PROGRAM);
    phones
        .args(["simulate", "rejected", "--phones", "1", "--minutes", "20"])
        .args(["--interface", PHONE, "--speed", "20"])
        .stderr(Stdio::null());
    let _phones = Running(phones.spawn().unwrap());
    let log = || fs::read_to_string(folder.join("log")).unwrap();
    let lines = |what: &str| log().matches(what).count();
    within(TOLD_WITHIN, "the full disk is told", || {
        (lines(WAITS) == 1 && lines("registration rejected device") > 0).then_some(())
    });
    assert!(log().contains("full"), "{}", log());
    assert!(page(&network.servers, "/-/healthy").is_some(), "it goes on");
    assert!(!received.exists(), "what is not stored is not sent");

    disk.make_room();
    within(
        TOLD_WITHIN,
        "what waited is stored, told, and the disk is full again",
        || (lines(STORES) == 1 && lines(WAITS) == 2).then_some(()),
    );
    within(TOLD_WITHIN, "the phone goes on", || {
        let rejects = lines("registration rejected device");
        let told = fs::read_to_string(&received).unwrap_or_default();
        (rejects > 1 && told.lines().count() == 1).then_some(())
    });

    disk.make_room();
    within(TOLD_WITHIN, "what was delivered is stored", || {
        let metrics = Metrics {
            text: page(&network.servers, "/metrics")?,
        };
        let is_empty = metrics.sum("phonewatch_alert_outbox_pending", &[]) == 0;
        (lines(STORES) == 2 && is_empty).then_some(())
    });
    assert!(daemon.0.try_wait().unwrap().is_none(), "{}", log());
    let told = fs::read_to_string(&received).unwrap();
    assert_eq!(told.lines().count(), 1, "it is told once: {told}");
    assert_eq!(lines(WAITS), 2, "each time it is said once: {}", log());
    daemon.0.kill().unwrap();
    daemon.0.wait().unwrap();
}
