//! The daemon as its unit has systemd run it, as far as that can be had by hand: the same user, rights and view of the
//! files, and a service manager that this test is.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::network::{MIRROR, Network, Running, inside, output_of};
use super::or_skip;
use super::peers::{make_executable, within};

const UNIT: &str = include_str!("../../deploy/phonewatch.service");
const TOLD_WITHIN: Duration = Duration::from_secs(30);
const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// What systemd does before it starts the program. The folder is that of the state; all else can only be read.
const STAGE: &str = r#"
folder=$1; uid=$2; descriptors=$3; mask=$4; shift 4
mount --bind "$folder" "$folder"
mount -o remount,bind,ro /
mount -t proc -o subset=pid,hidepid=invisible proc /proc
mount -t tmpfs -o ro tmpfs /home
umask "$mask"
ulimit -n "$descriptors"
exec setpriv --reuid="$uid" --regid="$uid" --clear-groups --no-new-privs --inh-caps=-all,+net_raw \
    --ambient-caps=-all,+net_raw --bounding-set=-all,+net_raw \
    strace -D -f -qq -o "$folder/calls" "$folder/phonewatch" run --config "$folder/phonewatch.toml" "$@"
"#;

#[test]
fn systemd_is_told_how_it_goes_by_a_daemon_with_one_right() {
    let Some(network) = or_skip(super::network()) else {
        return;
    };
    if or_skip(tools()).is_none() {
        return;
    }
    for key in ["AmbientCapabilities", "CapabilityBoundingSet"] {
        assert_eq!(
            values(key),
            ["CAP_NET_RAW"],
            "{key}: the stage is set for that"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let manager = UnixDatagram::bind(folder.join("notify")).unwrap();
    manager.set_read_timeout(Some(TOLD_WITHIN)).unwrap();
    let mut daemon = start(&network, folder);
    let log = || fs::read_to_string(folder.join("log")).unwrap();
    let told = || {
        let mut bytes = [0; 512];
        let length = manager
            .recv(&mut bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", log()));
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let told_until = |wanted: &str| {
        let mut others = Vec::new();
        loop {
            let line = told();
            if line.starts_with(wanted) {
                return (line, others);
            }
            others.push(line);
        }
    };

    assert_eq!(told(), "READY=1", "{}", log());
    told_until("WATCHDOG=1");
    told_until("STATUS=0 phones seen");
    assert_has_one_right(daemon.0.id());
    // The second is no answer to the first look, but to one that came later.
    told_until("WATCHDOG=1");

    for (configuration, succeeds) in [
        ("[flap]\nmoves = 1\n", false),
        ("[flap]\nmoves = 5\n", true),
    ] {
        fs::write(folder.join("phonewatch.toml"), configuration).unwrap();
        // The unit's ExecReload: the signal, then the check by which a person sees the result.
        signal(&daemon, Signal::HUP);
        let (reloading, _) = told_until("RELOADING=1");
        let since_boot = reloading
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .unwrap();
        assert!(since_boot.parse::<u64>().unwrap() > 0);
        told_until("READY=1");
        let mut check = Command::new(folder.join("phonewatch"));
        check
            .args(["check", "--config"])
            .arg(folder.join("phonewatch.toml"));
        assert_eq!(output_of(check).status.success(), succeeds);
        assert_eq!(
            log().contains("configuration read again"),
            succeeds,
            "{}",
            log()
        );
    }

    signal(&daemon, Signal::TERM);
    let status = within(STOPS_WITHIN, "the daemon stops", || {
        daemon.0.try_wait().unwrap()
    });
    assert!(status.success(), "{status}: {}", log());
    told_until("STOPPING=1");
    assert_calls_are_allowed(&fs::read_to_string(folder.join("calls")).unwrap());
}

fn start(network: &Network, folder: &Path) -> Running {
    let program = folder.join("phonewatch");
    fs::copy(env!("CARGO_BIN_EXE_phonewatch"), &program).unwrap();
    make_executable(&program);
    fs::write(folder.join("phonewatch.toml"), "").unwrap();
    File::create(folder.join("calls")).unwrap();
    let socket = folder.join("notify");
    // Not the folder's own rights are tried out here, but those of what lies outside of it.
    for path in [folder, &socket, &folder.join("calls")] {
        Command::new("chmod").arg("777").arg(path).status().unwrap();
    }
    let mut command = inside(&network.servers, "unshare");
    command
        .args([
            "--mount",
            "--propagation=private",
            "sh",
            "-ec",
            STAGE,
            "stage",
        ])
        .arg(folder)
        // As systemd does, a number that nobody else has.
        .args(["61234", &values("LimitNOFILE")[0], &values("UMask")[0]])
        .args(["--interface", MIRROR])
        .env("NOTIFY_SOCKET", &socket)
        // Not the unit's half a minute, so that the test need not wait for it.
        .env("WATCHDOG_USEC", "2000000")
        .env("STATE_DIRECTORY", folder)
        .env_remove("RUST_LOG")
        .env_remove("JOURNAL_STREAM")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("log")).unwrap());
    Running(command.spawn().unwrap())
}

fn signal(daemon: &Running, signal: Signal) {
    let pid = i32::try_from(daemon.0.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

/// It may open packet sockets (capability 13) and nothing else, now and whatever it starts.
fn assert_has_one_right(pid: u32) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_else(|| panic!("{key}: {status}"))
            .trim()
            .to_owned()
    };
    assert_eq!(value("Name:"), "phonewatch");
    for key in ["CapEff:", "CapPrm:", "CapBnd:", "CapAmb:", "CapInh:"] {
        assert_eq!(value(key), "0000000000002000", "{key}");
    }
    assert_eq!(value("NoNewPrivs:"), "1");
    assert_eq!(value("Uid:"), "61234\t61234\t61234\t61234");
}

/// Every system call of the daemon's life has to pass the unit's filter.
fn assert_calls_are_allowed(trace: &str) {
    let called: BTreeSet<&str> = trace
        .lines()
        .filter_map(|line| {
            let (_pid, call) = line.split_once(' ')?;
            let (name, _) = call.trim_start().split_once('(')?;
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            is_name.then_some(name)
        })
        .collect();
    assert!(
        called.contains("socket") && called.contains("execve"),
        "{called:?}"
    );
    let mut allowed = BTreeSet::new();
    for value in values("SystemCallFilter") {
        let (is_forbidden, sets) = match value.strip_prefix('~') {
            Some(sets) => (true, sets.to_owned()),
            None => (false, value),
        };
        for call in sets.split(' ').flat_map(calls_of) {
            if is_forbidden {
                allowed.remove(&call);
            } else {
                allowed.insert(call);
            }
        }
    }
    let refused: Vec<&str> = called
        .into_iter()
        .filter(|call| !allowed.contains(*call))
        .collect();
    assert_eq!(
        refused, [""; 0],
        "the unit's SystemCallFilter= does not let these pass"
    );
}

/// The calls of a set of systemd's, those of the sets in it included.
fn calls_of(set: &str) -> BTreeSet<String> {
    let mut command = Command::new("systemd-analyze");
    command.args(["syscall-filter", set]);
    let output = output_of(command);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .flat_map(|line| match line.strip_prefix('@') {
            Some(_) => calls_of(line),
            None => BTreeSet::from([line.to_owned()]),
        })
        .collect()
}

/// The values of a key of the unit, in its order.
fn values(key: &str) -> Vec<String> {
    let values = UNIT.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name == key).then(|| value.to_owned())
    });
    values.collect()
}

fn tools() -> Result<(), String> {
    for program in ["strace", "systemd-analyze", "unshare"] {
        let found = Command::new("sh")
            .args(["-c", "command -v \"$1\"", "sh", program])
            .stdout(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            return Err(format!("{program} is not installed"));
        }
    }
    Ok(())
}
