//! Alerts from the wire to a receiver, by a daemon that is killed on the way.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::daemon::page;
use super::network::{MIRROR, Network, PHONE, Running, inside, output_of};
use super::or_skip;
use super::peers::{poll, within};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_phonewatch");
pub(crate) const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// Takes messages once its file says so, and writes them down, a line each.
const RECEIVER: &str = r#"
import http.server, os, sys
folder = sys.argv[1]
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_open = os.path.exists(folder + "/open")
        with open(folder + ("/received" if is_open else "/tried"), "ab") as out:
            out.write(body + b"\n")
        self.send_response(200 if is_open else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8080), Receiver).serve_forever()
"#;

#[test]
fn a_rejected_phone_is_told_of_once_though_the_daemon_is_killed() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let configuration = format!(
        "[alert]\ngroup_wait = '0s'\nexternal_url = 'http://sensor'\nstate_dir = '{}'\n[[alert.route]]\ncodes = ['registration_rejected']\n\
         receivers = ['hook']\n[[alert.route]]\nreceivers = []\n\
         [[alert.receiver]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://127.0.0.1:8080/'\n",
        folder.join("state").display()
    );
    fs::write(folder.join("phonewatch.toml"), configuration).unwrap();
    let mut receiver = inside(&network.servers, "python3");
    receiver
        .args(["-c", RECEIVER])
        .arg(folder)
        .stderr(Stdio::null());
    let _receiver = Running(receiver.spawn().unwrap());

    let mut daemon = start(&network, folder, "first");
    let mut phones = inside(&network.phone, PROGRAM);
    phones
        .args([
            "simulate",
            "rejected",
            "--phones",
            "1",
            "--minutes",
            "20",
            "--interface",
            PHONE,
        ])
        .args(["--speed", "20"])
        .stderr(Stdio::null());
    let _phones = Running(phones.spawn().unwrap());
    let log = || fs::read_to_string(folder.join("first")).unwrap();
    let tried = poll(TOLD_WITHIN, || fs::read(folder.join("tried")).ok());
    assert!(tried.is_some(), "it was not told of: {}", log());
    let first: serde_json::Value =
        serde_json::from_slice(tried.unwrap().split(|byte| *byte == b'\n').next().unwrap())
            .unwrap();
    assert_leads_to_its_frames(&first["alerts"][0], &network, folder);
    daemon.0.kill().unwrap();
    daemon.0.wait().unwrap();

    fs::write(folder.join("open"), "").unwrap();
    let mut daemon = start(&network, folder, "second");
    within(TOLD_WITHIN, "what waited is told", || {
        fs::read_to_string(folder.join("received"))
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    within(TOLD_WITHIN, "the phone is seen again", || {
        let log = fs::read_to_string(folder.join("second")).unwrap();
        log.contains("registration rejected device").then_some(())
    });
    daemon.0.kill().unwrap();
    daemon.0.wait().unwrap();
    let lines = fs::read_to_string(folder.join("received")).unwrap();
    let bodies: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(bodies.len(), 1, "{lines}");
    assert_eq!(bodies[0], first, "it is the same message, with the same id");
    assert_eq!(first["reason"], "new");
    assert_eq!(first["alerts"][0]["labels"]["stage"], "rejected");
}

/// The message links a file that is there, that the daemon serves, and that shows the phone's registration.
fn assert_leads_to_its_frames(alert: &serde_json::Value, network: &Network, folder: &Path) {
    let name = alert["evidenceFile"].as_str().expect("a file");
    let url = alert["annotations"]["evidence_url"].as_str().unwrap();
    assert_eq!(url, format!("http://sensor/evidence/{name}"));
    let path = folder.join("state/evidence").join(name);
    within(TOLD_WITHIN, "the evidence is written", || {
        path.exists().then_some(())
    });
    let file = fs::read(&path).unwrap();
    assert_eq!(
        file[..4],
        [0x4D, 0x3C, 0xB2, 0xA1],
        "a pcap with nanoseconds"
    );
    let mut get = inside(&network.servers, "busybox");
    get.args(["wget", "-q", "-O", "-"])
        .arg(format!("http://127.0.0.1:12000/evidence/{name}"));
    assert_eq!(output_of(get).stdout, file);

    let phone = alert["subject"].as_str().unwrap();
    let trace = page(&network.servers, &format!("/phones/{phone}/trace")).unwrap();
    assert!(trace.contains("SCCP RegisterReject"), "{trace}");
    let on_page = page(&network.servers, &format!("/phones/{phone}")).unwrap();
    assert!(on_page.contains(&format!("/evidence/{name}")), "{on_page}");
    let mut trace = Command::new(PROGRAM);
    trace.args(["trace", phone, "--from"]).arg(&path);
    let trace = String::from_utf8(output_of(trace).stdout).unwrap();
    assert!(trace.contains("SCCP RegisterReject"), "{trace}");
}

#[test]
fn other_receivers_take_effect_on_reload_and_a_bad_one_does_not() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let configure = |receiver: &str, rest: &str| {
        // What holds is told again every second, so that it is seen who is told.
        let text = format!(
            "[web]\nadmin = true\n[alert]\ngroup_wait = '0s'\ngroup_interval = '1s'\nrepeat_interval = '1s'\n\
             state_dir = '{}'\n[[alert.receiver]]\nname = '{receiver}'\nkind = 'webhook'\n\
             url = 'http://127.0.0.1:8080/'\n{rest}",
            folder.join("state").display()
        );
        fs::write(folder.join("phonewatch.toml"), text).unwrap();
    };
    fs::write(folder.join("open"), "").unwrap();
    let mut receiver = inside(&network.servers, "python3");
    receiver
        .args(["-c", RECEIVER])
        .arg(folder)
        .stderr(Stdio::null());
    let _receiver = Running(receiver.spawn().unwrap());
    configure("first", "");
    let daemon = start(&network, folder, "log");
    let mut phones = inside(&network.phone, PROGRAM);
    phones
        .args(["simulate", "rejected", "--phones", "1", "--minutes", "60"])
        .args(["--interface", PHONE, "--speed", "20"])
        .stderr(Stdio::null());
    let _phones = Running(phones.spawn().unwrap());
    // Who was told so far, in this order.
    let told = || -> Vec<String> {
        let lines = fs::read_to_string(folder.join("received")).unwrap_or_default();
        let whole = lines.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let bodies = whole.lines().map(|line| {
            let body: serde_json::Value = serde_json::from_str(line).unwrap();
            body["receiver"].as_str().unwrap().to_owned()
        });
        bodies.collect()
    };
    within(TOLD_WITHIN, "the first receiver is told", || {
        (!told().is_empty()).then_some(())
    });

    let pid = i32::try_from(daemon.0.id()).ok().and_then(Pid::from_raw);
    let reload = || kill_process(pid.unwrap(), Signal::HUP).unwrap();
    let reloaded = |value: &str| {
        let line = format!("phonewatch_config_last_reload_successful {value}\n");
        within(TOLD_WITHIN, "the configuration is read again", || {
            page(&network.servers, "/metrics").filter(|text| text.contains(&line))
        })
    };
    configure("second", "secret_file = '/nowhere/secret'\n");
    reload();
    reloaded("0");
    let log = fs::read_to_string(folder.join("log")).unwrap();
    assert!(log.contains("configuration not taken over"), "{log}");
    let before = told().len();
    within(TOLD_WITHIN, "the first receiver is told again", || {
        (told().len() > before).then_some(())
    });
    assert!(told().iter().all(|name| name == "first"), "{:?}", told());

    configure("second", "");
    reload();
    reloaded("1");
    let is_second = |name: &String| name == "second";
    within(TOLD_WITHIN, "the second receiver is told", || {
        (told().iter().filter(|name| is_second(name)).count() > 2).then_some(())
    });
    let told = told();
    let after = told.iter().skip_while(|name| !is_second(name));
    assert!(after.clone().all(is_second), "{told:?}");

    let mut command = inside(&network.servers, PROGRAM);
    command.args([
        "maintenance",
        "start",
        "--for",
        "1h",
        "--reason",
        "test",
        "--author",
        "anna",
    ]);
    let said = output_of(command);
    assert!(said.status.success(), "{said:?}");
    let index = page(&network.servers, "/").unwrap();
    assert!(index.contains("by anna</strong>: test"), "{index}");
    let metrics = page(&network.servers, "/metrics").unwrap();
    assert!(metrics.contains("phonewatch_maintenance 1\n"), "{metrics}");
}

pub(crate) fn start(network: &Network, folder: &Path, log: &str) -> Running {
    let mut command = inside(&network.servers, PROGRAM);
    command
        .args(["run", "--interface", MIRROR, "--config"])
        .arg(folder.join("phonewatch.toml"))
        .env_remove("RUST_LOG")
        .env_remove("JOURNAL_STREAM")
        .stderr(File::create(folder.join(log)).unwrap());
    Running(command.spawn().unwrap())
}
