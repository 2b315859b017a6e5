//! Dashboards and rules before a real Prometheus: the daemon watches a fleet in which everything happens that can, the
//! Prometheus scrapes it, and each query of each panel, each variable and each rule has to find data. Beside that, what
//! the rules make of two daemons that each see one CallManager.
//!
//! Needs root for a network of its own. Where something is missing the tests say so and are skipped; with
//! `PHONEWATCH_REQUIRE_CAPTURES` set they fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "dashboards/board.rs"]
mod board;
#[path = "prometheus/fleet.rs"]
mod fleet;
#[allow(dead_code, reason = "tests/live.rs uses the rest")]
#[path = "live/network.rs"]
mod network;
#[allow(dead_code, reason = "tests/live.rs uses the rest")]
#[path = "live/peers.rs"]
mod peers;
#[allow(dead_code, reason = "tests/dashboards.rs uses the rest")]
#[path = "dashboards/promql.rs"]
mod promql;
#[path = "prometheus/query.rs"]
mod query;
#[path = "prometheus/sensors.rs"]
mod sensors;
#[path = "prometheus/server.rs"]
mod server;

use std::env;
use std::io::Write;
use std::thread;
use std::time::Duration;

use network::Network;
use query::Check;
use server::Prometheus;

/// How long it may take until everything was seen. Most is there after half of that.
const SEEN_WITHIN: Duration = Duration::from_secs(120);

#[test]
fn every_query_of_every_panel_and_rule_finds_data() {
    let Some(network) = or_skip(available()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unanswered = within_network(&network, || {
        let _daemon = fleet::start_daemon(&network, folder.path());
        let prometheus = Prometheus::start(&network, folder.path(), fleet::SCRAPED);
        let _player = fleet::start_player(&network);
        prove(&prometheus)
    });
    assert!(unanswered.is_empty(), "{}", unanswered.join("\n"));
}

/// Does this in the network of the servers: whoever asks those that were started there has to be there as well.
fn within_network<T: Send>(network: &Network, act: impl FnOnce() -> T + Send) -> T {
    let outcome = thread::scope(|scope| {
        let entered = scope.spawn(|| {
            server::enter(&network.servers);
            act()
        });
        entered.join()
    });
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Asks until every query was answered; those that were not, each with what is missing.
fn prove(prometheus: &Prometheus) -> Vec<String> {
    let mut checks = query::of_dashboards();
    assert!(checks.len() > 150, "the dashboards were not found");
    let rules = prometheus.rules();
    if rules.is_empty() {
        tell("there are no rules in deploy/prometheus/rules: only the dashboards are tried");
    }
    checks.extend(query::of_rules(&rules));
    let mut open: Vec<(Check, String)> = checks
        .into_iter()
        .map(|check| (check, String::new()))
        .collect();
    peers::poll(SEEN_WITHIN, || {
        open.retain_mut(|(check, missing)| match check.ask(prometheus) {
            Ok(()) => false,
            Err(why) => {
                *missing = why;
                true
            }
        });
        open.is_empty().then_some(())
    });
    open.into_iter()
        .map(|(check, missing)| format!("{check}: {missing}"))
        .collect()
}

fn available() -> Result<Network, String> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root can make networks".to_owned());
    }
    if !server::is_installed() {
        return Err("prometheus is not installed".to_owned());
    }
    Network::new()
}

/// What a test needs; `None` where that is not to be had and need not be.
fn or_skip<T>(available: Result<T, String>) -> Option<T> {
    let missing = match available {
        Ok(available) => return Some(available),
        Err(missing) => missing,
    };
    assert!(
        env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_none(),
        "Prometheus cannot be tried: {missing}"
    );
    tell(&format!("SKIPPED: Prometheus cannot be tried: {missing}"));
    None
}

/// Past the harness, which keeps what a test that passes prints to itself.
fn tell(line: &str) {
    std::io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}
