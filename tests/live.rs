//! The daemon on a real network of its own: a phone boots from real servers, the SCCP of a real phone follows, and what
//! the daemon serves has to be what a replay of the same capture reports.
//!
//! Needs root for the network, while the daemon itself runs with the one right it needs. Where something is missing the
//! test says so and is skipped; with `PHONEWATCH_REQUIRE_CAPTURES` set it fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "live/alerts.rs"]
mod alerts;
#[path = "live/daemon.rs"]
mod daemon;
#[path = "live/demo.rs"]
mod demo;
#[path = "live/disk.rs"]
mod disk;
#[path = "live/drills.rs"]
mod drills;
#[path = "live/logs.rs"]
mod logs;
#[allow(dead_code, reason = "tests/prometheus.rs uses the rest")]
#[path = "live/network.rs"]
mod network;
#[path = "live/peers.rs"]
mod peers;
#[path = "live/restart.rs"]
mod restart;
#[path = "live/unit.rs"]
mod unit;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use daemon::{Daemon, Metrics};
use network::{Network, output_of};
use peers::{CALLMANAGER, PHONE_NAME};

const CAPTURE: &str = "sccp-7912-cucm4-boot.pcapng";

#[test]
fn a_phone_is_followed_from_its_lease_to_its_registration() {
    let Some((network, capture)) = prerequisites() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    peers::make_executable(folder.path());
    let _servers = peers::start_servers(&network, folder.path());
    let mut daemon = Daemon::start(&network, folder.path());
    assert_has_one_right(daemon.pid());

    peers::boot_phone(&network, folder.path());
    let booted = daemon.metrics_when("the boot is counted", |metrics| {
        metrics.sum("phonewatch_tftp_transfers_total", &["result=\"completed\""]) >= 1
            && metrics.sum("phonewatch_dns_lookups_total", &[]) >= 1
            && metrics.sum("phonewatch_dhcp_replies_total", &["type=\"ack\""]) >= 1
    });
    for kind in ["discover", "request"] {
        let label = format!("type=\"{kind}\"");
        assert!(
            booted.sum("phonewatch_dhcp_requests_total", &[&label]) >= 1,
            "{kind}: {}",
            booted.text
        );
    }
    assert!(booted.sum("phonewatch_dhcp_replies_total", &["type=\"offer\""]) >= 1);
    assert!(
        !booted.has("phonewatch_phone_up", &["} 1"]),
        "{}",
        booted.text
    );

    peers::play_sccp(&network, &capture, folder.path());
    let phone = format!("phone=\"{PHONE_NAME}\"");
    daemon.metrics_when("the phone is registered", |metrics| {
        metrics.sum("phonewatch_phone_up", &[&phone]) >= 1
            && metrics.sum("phonewatch_phones", &["stage=\"registered\""]) >= 1
    });
    // What was sent last is published last: until every message is there, the page is still an earlier one.
    let report = replay(&capture);
    let messages = report["capture"]["sccp_messages"].as_object().unwrap();
    let messages: u64 = messages
        .values()
        .filter_map(serde_json::Value::as_u64)
        .sum();
    let metrics = daemon.metrics_when("every message is counted", |metrics| {
        metrics.sum("phonewatch_sccp_messages_total", &[]) == messages
    });
    assert_same(&metrics, &report);

    daemon.reloads_what_it_can();
    daemon.stops_on_sigterm();
}

/// What was counted live has to be what a replay counts.
fn assert_same(metrics: &Metrics, report: &serde_json::Value) {
    let device = &report["devices"][0];
    assert_eq!(device["name"], PHONE_NAME);
    assert_eq!(device["stage"], "registered");
    let server = &report["callmanagers"][0];
    assert_eq!(server["address"], CALLMANAGER);
    for (metric, replayed) in [
        ("phonewatch_registrations_total", &device["registrations"]),
        ("phonewatch_registration_rejects_total", &device["rejects"]),
        (
            "phonewatch_unregistrations_total",
            &device["unregistrations"],
        ),
        ("phonewatch_keepalive_gaps_total", &device["keepalive_gaps"]),
        (
            "phonewatch_callmanager_registered_phones",
            &server["registered"],
        ),
        (
            "phonewatch_keepalive_rtt_seconds_count",
            &server["keepalive_rtt_seconds"]["count"],
        ),
    ] {
        let live = metrics.sum(metric, &[]);
        assert_eq!(Some(live), replayed.as_u64(), "{metric}: {report:#}");
    }
    assert_eq!(metrics.sum("phonewatch_registrations_total", &[]), 1);
    assert_eq!(device["last_reset_reason"], "CM-aborted-TCP");
    let reason = format!("reason={}", device["last_reset_label"]);
    assert_eq!(metrics.sum("phonewatch_reset_reasons_total", &[&reason]), 1);
    for (message, count) in report["capture"]["sccp_messages"].as_object().unwrap() {
        let label = format!("message=\"{message}\"");
        let live = metrics.sum("phonewatch_sccp_messages_total", &[&label]);
        assert_eq!(Some(live), count.as_u64(), "{message}");
    }
}

fn replay(capture: &Path) -> serde_json::Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phonewatch"));
    command.args(["replay", "--json"]).arg(capture);
    let output = output_of(command);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Of all that root may do, the daemon may open packet sockets (capability 13) and nothing else.
fn assert_has_one_right(pid: u32) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_else(|| panic!("{key}: {status}"))
            .trim()
            .to_owned()
    };
    for key in ["CapEff:", "CapPrm:", "CapBnd:"] {
        assert_eq!(value(key), "0000000000002000", "{key}");
    }
    assert_eq!(value("Uid:"), "65534\t65534\t65534\t65534");
}

/// The network and the capture; `None` where the test cannot run here.
fn prerequisites() -> Option<(Network, PathBuf)> {
    or_skip(available())
}

/// What a test needs; `None` where that is not to be had and need not be.
fn or_skip<T>(available: Result<T, String>) -> Option<T> {
    let missing = match available {
        Ok(available) => return Some(available),
        Err(missing) => missing,
    };
    assert!(
        env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_none(),
        "the end-to-end test cannot run: {missing}"
    );
    // Past the harness, which keeps what a test that passes prints to itself.
    let line = format!("SKIPPED: the end-to-end test cannot run: {missing}\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).ok();
    None
}

fn available() -> Result<(Network, PathBuf), String> {
    let capture = capture()?;
    Ok((network()?, capture))
}

fn capture() -> Result<PathBuf, String> {
    let captures = env::var_os("PHONEWATCH_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"),
        PathBuf::from,
    );
    let capture = captures.join(CAPTURE);
    if !capture.is_file() {
        let capture = capture.display();
        return Err(format!(
            "{capture} is missing (PHONEWATCH_CAPTURES names its folder)"
        ));
    }
    Ok(capture)
}

fn network() -> Result<Network, String> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root can make networks".to_owned());
    }
    if let Some(program) = peers::missing_program() {
        return Err(format!("{program} is not installed"));
    }
    Network::new()
}
