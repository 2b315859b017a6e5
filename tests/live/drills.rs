//! What happens to a sensor in its life: its interface goes down, away and by another name, there are no descriptors
//! left, nobody whom it tells can be reached. It goes on, says what is wrong, and comes back by itself.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::daemon::{Metrics, page};
use super::network::{MIRROR, Network, PHONE, PHONE_MAC, Running, inside, output_of};
use super::or_skip;
use super::peers::within;

const PROGRAM: &str = env!("CARGO_BIN_EXE_phonewatch");
const WITHIN: Duration = Duration::from_secs(60);
const STOPS_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn an_interface_may_go_down_away_and_by_another_name() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Drilled::start(&network, folder.path(), "", 1024);
    let up = |state: u64| {
        move |metrics: &Metrics| metrics.sum("phonewatch_capture_up", &[MIRROR]) == state
    };
    daemon.when("it captures", up(1));
    daemon.sees_phones(&network);

    ip(&format!("-n {} link set {MIRROR} down", network.servers));
    daemon.when("it is blind", up(0));
    ip(&format!("-n {} link set {MIRROR} up", network.servers));
    daemon.when("it sees again", up(1));
    daemon.sees_phones(&network);

    // A name can only be changed of what is down.
    for (from, to) in [(MIRROR, "other0"), ("other0", MIRROR)] {
        ip(&format!("-n {} link set {from} down", network.servers));
        ip(&format!("-n {} link set {from} name {to}", network.servers));
        ip(&format!("-n {} link set {to} up", network.servers));
        if to != MIRROR {
            daemon.when("the name is gone", up(0));
        }
    }
    daemon.when("the name is back", up(1));
    daemon.sees_phones(&network);

    ip(&format!("-n {} link delete {MIRROR}", network.servers));
    daemon.when("the interface is gone", up(0));
    let (servers, phone) = (&network.servers, &network.phone);
    ip(&format!(
        "-n {servers} link add {MIRROR} type veth peer name {PHONE} address {PHONE_MAC} netns {phone}"
    ));
    ip(&format!("-n {servers} link set {MIRROR} up"));
    ip(&format!("-n {phone} link set {PHONE} up"));
    daemon.when("another one of its name is captured", up(1));
    daemon.sees_phones(&network);
    daemon.stops();
}

#[test]
fn the_doctor_looks_at_an_interface() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let mut doctor = inside(&network.servers, PROGRAM);
    doctor
        .args(["doctor", "--interface", MIRROR, "--seconds", "5", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut doctor = Running(doctor.spawn().unwrap());
    let mut line = String::new();
    let mut said = BufReader::new(doctor.0.stderr.take().unwrap());
    said.read_line(&mut line).unwrap();
    assert_eq!(line, format!("phonewatch: listening on {MIRROR} for 5 s\n"));
    let mut phones = inside(&network.phone, PROGRAM);
    phones
        .args(["simulate", "healthy", "--phones", "4", "--minutes", "1"])
        .args(["--interface", PHONE, "--speed", "max"]);
    assert!(output_of(phones).status.success());
    let status = within(WITHIN, "the doctor has looked", || {
        doctor.0.try_wait().unwrap()
    });
    let mut text = String::new();
    doctor
        .0
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(status.success(), "{text}");
    assert!(text.contains("mirror0 is up"), "{text}");
    assert!(text.contains("4 seen, 4 devices registered"), "{text}");

    let mut doctor = inside(&network.servers, "setpriv");
    doctor
        .args(["--inh-caps=-all", "--bounding-set=-all", PROGRAM])
        .args(["doctor", "--interface", MIRROR]);
    let refused = output_of(doctor);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("setcap cap_net_raw+ep"), "{said}");
}

/// Connects so often, says nothing and keeps the connections until it is ended.
const HOLDER: &str = "
import socket, sys, time
held = []
for _ in range(60):
    try:
        held.append(socket.create_connection(('127.0.0.1', 12000), 1))
    except OSError:
        break
print(len(held), flush=True)
time.sleep(3600)
";

#[test]
fn it_goes_on_without_descriptors() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Drilled::start(&network, folder.path(), "", 32);
    daemon.when("it answers", |_| true);
    let mut holder = inside(&network.servers, "python3");
    holder
        .args(["-c", HOLDER])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut holder = Running(holder.spawn().unwrap());
    let mut line = String::new();
    let held = holder.0.stdout.take().unwrap();
    BufReader::new(held).read_line(&mut line).unwrap();
    assert!(line.trim().parse::<u32>().unwrap() > 20, "{line}");
    let descriptors = format!("/proc/{}/fd", daemon.process.0.id());
    within(WITHIN, "it has no descriptor left", || {
        (fs::read_dir(&descriptors).unwrap().count() >= 31).then_some(())
    });
    daemon.plays_phones(&network);
    drop(holder);
    daemon.when(
        "it answers again, and saw the phones meanwhile",
        |metrics| metrics.sum("phonewatch_registrations_total", &[]) >= 3,
    );
    daemon.stops();
}

#[test]
fn it_stops_in_time_while_nobody_can_be_told() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // A way on which everything gets lost, as there is nobody at the next hop; a name that nobody resolves; a port at
    // which nobody listens.
    ip(&format!(
        "-n {} route add 192.0.2.0/24 via 10.102.10.250 dev {MIRROR}",
        network.servers
    ));
    let receivers = [
        ("lost", "webhook", "url = 'http://192.0.2.1/'"),
        ("nameless", "webhook", "url = 'http://receiver.invalid/'"),
        ("closed", "alertmanager", "url = 'http://127.0.0.1:9'"),
        ("mail-lost", "email", MAIL_LOST),
        ("mail-nameless", "email", MAIL_NAMELESS),
    ];
    let receivers = receivers.map(|(name, kind, keys)| {
        format!("[[alert.receiver]]\nname = '{name}'\nkind = '{kind}'\n{keys}\n")
    });
    let configuration = format!(
        "[alert]\nmin_severity = 'info'\ngroup_wait = '0s'\nstate_dir = '{}'\n{}",
        folder.path().join("state").display(),
        receivers.concat()
    );
    let mut daemon = Drilled::start(&network, folder.path(), &configuration, 1024);
    daemon.when("it answers", |_| true);
    daemon.plays_phones(&network);
    daemon.when("what is not delivered waits", |metrics| {
        metrics.sum("phonewatch_alert_outbox_pending", &[]) >= 5
    });
    daemon.stops();
    // What was stored is there for the next run.
    let mut daemon = Drilled::start(&network, folder.path(), &configuration, 1024);
    daemon.when("it still waits", |metrics| {
        metrics.sum("phonewatch_alert_outbox_pending", &[]) >= 5
    });
    daemon.stops();
}

const MAIL_LOST: &str =
    "host = '192.0.2.1'\ntls = 'none'\nfrom = 'a@example.com'\nto = ['b@example.com']";
const MAIL_NAMELESS: &str =
    "host = 'mail.invalid'\ntls = 'none'\nfrom = 'a@example.com'\nto = ['b@example.com']";

/// A daemon on the mirror port.
struct Drilled {
    process: Running,
    namespace: String,
    log: std::path::PathBuf,
    /// How often phones were played.
    plays: u64,
    /// How many registrations were seen.
    registrations: u64,
}

impl Drilled {
    fn start(network: &Network, folder: &Path, configuration: &str, descriptors: u32) -> Self {
        let file = folder.join("phonewatch.toml");
        File::create(&file)
            .unwrap()
            .write_all(configuration.as_bytes())
            .unwrap();
        let log = folder.join("log");
        let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        let mut command = inside(&network.servers, "sh");
        command
            .args([
                "-c",
                &script,
                PROGRAM,
                "run",
                "--interface",
                MIRROR,
                "--config",
            ])
            .arg(&file)
            .env_remove("RUST_LOG")
            .env_remove("JOURNAL_STREAM")
            .stdin(Stdio::null())
            .stderr(File::create(&log).unwrap());
        Self {
            process: Running(command.spawn().unwrap()),
            namespace: network.servers.clone(),
            log,
            plays: 0,
            registrations: 0,
        }
    }

    /// The metrics as soon as they fulfil a condition.
    fn when(&mut self, what: &str, condition: impl Fn(&Metrics) -> bool) -> Metrics {
        let what = format!("{what} ({})", self.log.display());
        within(WITHIN, &what, || {
            let ended = self.process.0.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "it ended: {}",
                fs::read_to_string(&self.log).unwrap()
            );
            let metrics = Metrics {
                text: page(&self.namespace, "/metrics")?,
            };
            condition(&metrics).then_some(metrics)
        })
    }

    /// Plays a few phones that register and are rejected, a minute in three seconds.
    fn plays_phones(&mut self, network: &Network) {
        // Other phones each time: with other ports and sequence numbers.
        self.plays += 1;
        let mut phones = inside(&network.phone, PROGRAM);
        phones
            .args([
                "simulate",
                "healthy:3",
                "rejected",
                "--phones",
                "4",
                "--minutes",
                "1",
            ])
            .args(["--interface", PHONE, "--speed", "max", "--seed"])
            .arg(self.plays.to_string());
        let output = output_of(phones);
        assert!(output.status.success(), "{output:?}");
    }

    /// Whether phones are seen: more of them register than before.
    fn sees_phones(&mut self, network: &Network) {
        let before = self.registrations;
        self.plays_phones(network);
        let metrics = self.when("phones register", |metrics| {
            metrics.sum("phonewatch_registrations_total", &[]) > before
        });
        self.registrations = metrics.sum("phonewatch_registrations_total", &[]);
    }

    fn stops(&mut self) {
        let pid = i32::try_from(self.process.0.id())
            .ok()
            .and_then(Pid::from_raw);
        kill_process(pid.unwrap(), Signal::TERM).unwrap();
        let status = within(STOPS_WITHIN, "the daemon stops", || {
            self.process.0.try_wait().unwrap()
        });
        assert!(
            status.success(),
            "{status}: {}",
            fs::read_to_string(&self.log).unwrap()
        );
    }
}

/// Changes something about the network.
fn ip(arguments: &str) {
    let mut command = Command::new("ip");
    command.args(arguments.split(' '));
    let output = output_of(command);
    assert!(output.status.success(), "ip {arguments}: {output:?}");
}
