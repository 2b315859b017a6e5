//! `make run` without an interface: phones that do not exist, for whoever wants to see phonewatch at work.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::daemon::{Metrics, page};
use super::network::{Network, Running, inside, output_of};
use super::or_skip;
use super::peers::{make_executable, poll, within};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/demo");
const PROGRAM: &str = env!("CARGO_BIN_EXE_phonewatch");
/// A newcomer sees it within half a minute; here the machine may be busy.
const SHOWN_WITHIN: Duration = Duration::from_secs(90);

#[test]
fn a_newcomer_sees_phones_register_and_flap() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let read_log = || fs::read_to_string(&log).unwrap();
    let mut demo = start(&network, &log);
    let mut last = String::new();
    let shown = poll(SHOWN_WITHIN, || {
        let ended = demo.0.try_wait().unwrap();
        assert!(ended.is_none(), "it ended: {}", read_log());
        let metrics = Metrics {
            text: page(&network.servers, "/metrics")?,
        };
        last.clone_from(&metrics.text);
        let registered = metrics.sum("phonewatch_phones", &["stage=\"registered\""]);
        let is_shown = registered >= 20 && read_log().contains("flapping between CallManagers");
        is_shown.then_some(())
    });
    assert!(shown.is_some(), "{last}\n{}", read_log());

    let pid = i32::try_from(demo.0.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), Signal::TERM).unwrap();
    let status = within(Duration::from_secs(15), "the demo ends", || {
        demo.0.try_wait().unwrap()
    });
    assert!(status.success(), "{status}: {}", read_log());
    let log = read_log();
    assert!(
        log.contains(" frames of 60 phones sent onto player0 in "),
        "{log}"
    );
    let mut links = inside(&network.servers, "ip");
    links.args(["-brief", "link"]);
    let links = String::from_utf8(output_of(links).stdout).unwrap();
    assert!(!links.contains("pwdemo"), "{links}");
}

/// Starts the demo where it is alone with the host's side of its cable.
fn start(network: &Network, log: &Path) -> Running {
    let log = File::create(log).unwrap();
    let child = inside(&network.servers, DEMO)
        .args([PROGRAM, "300"])
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    Running(child.unwrap())
}

#[test]
fn a_newcomer_without_rights_sees_a_report() {
    if or_skip(super::network()).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    make_executable(folder.path());
    let (demo, program) = (folder.path().join("demo"), folder.path().join("phonewatch"));
    for (from, to) in [(DEMO, &demo), (PROGRAM, &program)] {
        fs::copy(from, to).unwrap();
        make_executable(to);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args(["--inh-caps=-all", "--bounding-set=-all"])
        .args([&demo, &program]);
    let output = output_of(command);
    let (report, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{report}{said}");
    assert!(said.contains("So a fleet comes from a file"), "{said}");
    assert!(report.contains("60 phones: "), "{report}");
    assert!(report.contains("flapping"), "{report}");
}
