//! Simulated fleets through the engine: it must find what every phone is known to have done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "simulate/mirror.rs"]
mod mirror;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use phonewatch::app::drive::{Outlet, drive};
use phonewatch::capture::file::FileSource;
use phonewatch::capture::{FrameSource, Input};
use phonewatch::engine::{Engine, Settings};
use phonewatch::event::Event;
use phonewatch::phone::Device;
use phonewatch::phone::keepalive::GapDirection;
use phonewatch::record::{Frame, LinkType, Record};
use phonewatch::simulate::{
    Fleet, FleetFrame, FleetTruth, PcapWriter, PhoneTruth, Plan, Scenario, Share,
};
use phonewatch::snapshot::Snapshot;

fn plan(shares: &[&str], phones: u32, minutes: u64, seed: u64) -> Plan {
    Plan {
        shares: shares.iter().map(|share| share.parse().unwrap()).collect(),
        phones,
        length: Duration::from_secs(60 * minutes),
        seed,
    }
}

/// The frames of a fleet as a source, without a file.
struct Simulated {
    fleet: Fleet,
    frame: Option<FleetFrame>,
    has_ended: bool,
}

impl FrameSource for Simulated {
    fn next(&mut self) -> Input<'_> {
        self.frame = self.fleet.next();
        match &self.frame {
            Some(frame) => Input::Record(Record::Frame(Frame {
                at: frame.at,
                link: LinkType::Ethernet,
                source: 0,
                original_length: u32::try_from(frame.bytes.len()).unwrap(),
                bytes: &frame.bytes,
            })),
            None if self.has_ended => Input::End,
            None => {
                self.has_ended = true;
                Input::Idle(self.fleet.end())
            }
        }
    }
}

#[derive(Default)]
struct Last(Arc<Snapshot>);

impl Outlet for Last {
    fn event(&mut self, _event: &Event) {}

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.0 = snapshot;
    }
}

fn watch(source: &mut dyn FrameSource) -> Arc<Snapshot> {
    let mut last = Last::default();
    drive(source, &mut Engine::new(Settings::default()), &mut last);
    last.0
}

fn simulated(plan: &Plan) -> (Arc<Snapshot>, FleetTruth) {
    let mut source = Simulated {
        fleet: Fleet::new(plan),
        frame: None,
        has_ended: false,
    };
    let snapshot = watch(&mut source);
    (snapshot, source.fleet.truth())
}

/// What both the engine and the truth say of a phone, in the same words.
fn told(truth: &PhoneTruth) -> String {
    format!(
        "{} {} at {:?} {} with {:?}: registrations {} moves {} rejects {} {:?} gaps {} {} dhcp {} refused {} not found {} flapping {}",
        truth.name,
        truth.mac,
        truth.address,
        truth.stage_at_end.label(),
        truth.callmanager,
        truth.registrations,
        truth.moves,
        truth.rejects,
        truth.last_reject,
        truth.keepalive_gaps.callmanager,
        truth.keepalive_gaps.phone,
        truth.dhcp_requests,
        truth.tcp_refused,
        truth.tftp_not_found,
        truth.findings.contains(&"registration_flapping")
    )
}

fn found(device: &Device) -> String {
    let registration = &device.registration;
    let callmanager = registration.current.map(|current| current.callmanager);
    let reject = registration.last_reject.as_deref();
    let reject = reject.map(|(reason, _)| reason.label());
    format!(
        "{} {} at {:?} {} with {:?}: registrations {} moves {} rejects {} {:?} gaps {} {} dhcp {} refused {} not found {} flapping {}",
        device.label(),
        device.mac.map_or_else(String::new, |mac| mac.to_string()),
        device.address,
        device.stage.label(),
        callmanager,
        registration.registrations,
        registration.moves,
        registration.rejects,
        reject,
        device.keepalives.gaps(GapDirection::CallManager),
        device.keepalives.gaps(GapDirection::Phone),
        device.dhcp.as_deref().map_or(0, |dhcp| dhcp.requests),
        device.tcp_refused,
        device.tftp.not_found,
        registration.flapping_episodes > 0
    )
}

fn assert_found(snapshot: &Snapshot, truth: &FleetTruth, what: &str) {
    let devices: BTreeMap<String, String> = snapshot
        .shown()
        .map(|device| (device.label(), found(device)))
        .collect();
    let mut differences = Vec::new();
    for phone in &truth.phones {
        let expected = told(phone);
        let found = devices.get(phone.name.as_str());
        if found != Some(&expected) {
            let scenario = phone.scenario.label();
            let found = found.map_or("nothing", String::as_str);
            differences.push(format!("{scenario}\n  true:  {expected}\n  found: {found}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{what}: {} of {} phones differ:\n{}",
        differences.len(),
        truth.phones.len(),
        differences[..differences.len().min(8)].join("\n")
    );
    assert_eq!(
        devices.len(),
        truth.phones.len(),
        "{what}: more devices than phones"
    );
    let malformed: u64 = snapshot
        .totals
        .decode_errors
        .iter()
        .map(|(_, tally)| tally.total())
        .sum();
    assert_eq!(malformed, 0, "{what}: frames that could not be read");
}

fn everything() -> Vec<&'static str> {
    Scenario::ALL.iter().copied().map(Scenario::label).collect()
}

#[test]
fn the_engine_finds_what_each_phone_of_each_scenario_did() {
    let mut failures = Vec::new();
    for &scenario in Scenario::ALL {
        let (snapshot, truth) = simulated(&plan(&[scenario.label()], 200, 15, 7));
        let outcome = std::panic::catch_unwind(|| {
            assert_found(&snapshot, &truth, scenario.label());
        });
        if outcome.is_err() {
            failures.push(scenario.label());
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn the_engine_finds_what_each_phone_of_a_mix_did() {
    let (snapshot, truth) = simulated(&plan(&everything(), 1000, 12, 2));
    assert_found(&snapshot, &truth, "mix");
}

#[test]
fn each_scenario_does_what_it_says() {
    let truth_of = |scenario: Scenario| {
        let mut fleet = Fleet::new(&plan(&[scenario.label()], 20, 20, 3));
        fleet.by_ref().for_each(drop);
        fleet.truth().totals
    };
    for &scenario in Scenario::ALL {
        let totals = truth_of(scenario);
        let (registrations, moves, gaps) = match scenario {
            Scenario::Healthy
            | Scenario::Boot
            | Scenario::KeepaliveRepeated
            | Scenario::OutOfOrder
            | Scenario::TcpTrouble => (20, 0, (0, 0)),
            Scenario::Failover => (60, 40, (20, 0)),
            Scenario::FailoverOneMissed
            | Scenario::FailoverThreeMissed
            | Scenario::CallmanagerDark => (40, 20, (20, 0)),
            Scenario::FailbackToken
            | Scenario::FailbackTokenWait
            | Scenario::FailbackWithoutToken
            | Scenario::Crash => (60, 40, (0, 0)),
            Scenario::ApplyConfig => (80, 60, (0, 0)),
            Scenario::Flapping => (totals.moves + 20, totals.moves, (0, 0)),
            Scenario::KeepaliveGap => (20, 0, (20, 0)),
            Scenario::KeepaliveGaps => (20, 0, (60, 0)),
            Scenario::QosZero => (20, 0, (totals.keepalive_gaps.callmanager, 0)),
            Scenario::Silent => (20, 0, (0, 20)),
            Scenario::PowerCut => (40, 0, (0, totals.keepalive_gaps.phone)),
            Scenario::UserReset
            | Scenario::AdminReset
            | Scenario::Restart
            | Scenario::DuplicateRegistration => (40, 0, (0, 0)),
            Scenario::FirewallTimeout | Scenario::Unstable => (totals.registrations, 0, (0, 0)),
            Scenario::Unconfigured
            | Scenario::Refused
            | Scenario::Rejected
            | Scenario::RejectedDatabase
            | Scenario::RejectedLicence
            | Scenario::RejectedVersion
            | Scenario::RejectedMismatch
            | Scenario::RejectedMax
            | Scenario::RejectedUnauthorized
            | Scenario::RejectedDictionary
            | Scenario::RegistrationSilent
            | Scenario::DhcpSilent
            | Scenario::DhcpAscii150
            | Scenario::TftpSilent
            | Scenario::DnsFailure => (0, 0, (0, 0)),
        };
        let found = (totals.registrations, totals.moves);
        let label = scenario.label();
        assert_eq!(found, (registrations, moves), "{label}");
        let found = (
            totals.keepalive_gaps.callmanager,
            totals.keepalive_gaps.phone,
        );
        assert_eq!(found, gaps, "{label}");
        let registered = if registrations > 0 { 20 } else { 0 };
        assert_eq!(totals.registered, registered, "{label}");
        assert_eq!(
            totals.rejects > 0,
            scenario.label().starts_with("rejected"),
            "{label}"
        );
        assert_eq!(
            totals.tcp_refused > 0,
            matches!(scenario, Scenario::Refused | Scenario::Crash),
            "{label}"
        );
        let is_unconfigured = scenario == Scenario::Unconfigured;
        assert_eq!(totals.tftp_not_found > 0, is_unconfigured, "{label}");
        assert!(totals.dhcp_requests >= 40, "{label}");
    }
    let flapping = truth_of(Scenario::Flapping).moves;
    assert!(flapping >= 20 * 5, "{flapping} moves");
    let gaps = truth_of(Scenario::QosZero).keepalive_gaps.callmanager;
    assert!(gaps >= 20 * 3, "{gaps} gaps");
    let gaps = truth_of(Scenario::PowerCut).keepalive_gaps.phone;
    assert!(
        (1..20).contains(&gaps),
        "{gaps} phones were silent for long"
    );
    let unstable = truth_of(Scenario::Unstable).registrations;
    assert!(unstable >= 20 * 5, "{unstable} registrations");
    let cut_off = truth_of(Scenario::FirewallTimeout).registrations;
    assert!(cut_off >= 20 * 3, "{cut_off} registrations");
}

/// What is to be told of servers, and how many phones of the first scenario have something told of them.
fn told_of_all(shares: &[&str], phones: u32) -> (Vec<String>, usize) {
    let mut fleet = Fleet::new(&plan(shares, phones, 15, 3));
    fleet.by_ref().for_each(drop);
    let truth = fleet.truth();
    let servers = truth.findings.iter();
    let servers = servers.map(|finding| format!("{} {}", finding.code, finding.subject));
    let first = shares.first().copied().unwrap();
    let phones = truth.phones.iter();
    let told = phones.filter(|phone| phone.scenario.label() == first && !phone.findings.is_empty());
    (servers.collect(), told.count())
}

#[test]
fn what_is_true_of_a_server_or_a_firewall_needs_many_phones_and_no_other() {
    let primary = || vec![String::from("callmanager_down 10.0.0.11")];
    let both = [primary(), vec![String::from("callmanager_down 10.0.0.12")]].concat();
    for (shares, phones, servers, told) in [
        (&["crash"][..], 3, primary(), 0),
        (&["crash"], 2, vec![], 0),
        (&["crash", "healthy"], 8, vec![], 0),
        (&["crash", "rejected"], 8, vec![], 0),
        (&["crash", "dhcp-silent"], 8, primary(), 0),
        (&["callmanager-dark"], 4, primary(), 4),
        (&["refused"], 4, both, 4),
        (&["refused", "crash"], 8, primary(), 4),
        (&["firewall-timeout"], 2, vec![], 0),
        (&["firewall-timeout", "healthy"], 6, vec![], 3),
        (&["out-of-order"], 4, vec![], 0),
        (&["out-of-order", "healthy"], 4, vec![], 2),
    ] {
        assert_eq!(told_of_all(shares, phones), (servers, told), "{shares:?}");
    }
}

#[test]
fn weights_share_the_phones_out() {
    let shares = ["healthy:90", "flapping:5", "boot"];
    let truth = Fleet::new(&plan(&shares, 960, 1, 1)).truth();
    let count = |scenario| {
        let of = |phone: &&PhoneTruth| phone.scenario == scenario;
        truth.phones.iter().filter(of).count()
    };
    assert_eq!(count(Scenario::Healthy), 900);
    assert_eq!(count(Scenario::Flapping), 50);
    assert_eq!(count(Scenario::Boot), 10);
    let share: Share = "boot:1".parse().unwrap();
    assert_eq!("boot".parse(), Ok(share));
}

#[test]
fn frames_come_in_the_order_of_their_time() {
    let mut fleet = Fleet::new(&plan(&everything(), 60, 10, 5));
    let end = fleet.end();
    let times: Vec<_> = fleet.by_ref().map(|frame| frame.at).collect();
    assert!(times.is_sorted());
    assert!(times.last().is_some_and(|last| *last <= end));
}

fn write(plan: &Plan) -> (Vec<u8>, FleetTruth) {
    let mut file = Vec::new();
    let mut fleet = Fleet::new(plan);
    let mut writer = PcapWriter::new(&mut file).unwrap();
    for frame in fleet.by_ref() {
        writer.write(frame.at, &frame.bytes).unwrap();
    }
    writer.finish().unwrap();
    (file, fleet.truth())
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |seed| write(&plan(&everything(), 60, 5, seed)).0;
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

/// Each scenario at least once.
fn small_mix(folder: &Path) -> (std::path::PathBuf, FleetTruth) {
    let phones = u32::try_from(Scenario::ALL.len()).unwrap();
    let (bytes, truth) = write(&plan(&everything(), phones, 12, 4));
    let path = folder.join("fleet.pcap");
    std::fs::write(&path, bytes).unwrap();
    (path, truth)
}

#[test]
fn a_written_file_read_back_shows_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (path, truth) = small_mix(folder.path());
    let mut source = FileSource::new(vec![path], None);
    let snapshot = watch(&mut source);
    assert!(source.problems().is_empty(), "{:?}", source.problems());
    assert_found(&snapshot, &truth, "file");
}

#[test]
fn tshark_finds_nothing_malformed() {
    if Command::new("tshark").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_none(),
            "tshark is not installed (apt install tshark)"
        );
        eprintln!("SKIPPED: tshark is not installed (apt install tshark)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = small_mix(folder.path());
    let tshark = |filter: &str| {
        let output = Command::new("tshark")
            .args(["-n", "-r", path.to_str().unwrap(), "-Y", filter])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(tshark("_ws.malformed"), "");
    assert_ne!(
        tshark("skinny.messageId == 1"),
        "",
        "it reads the Registers"
    );
}

#[test]
fn the_program_writes_both_files_and_says_what_hinders_it() {
    let folder = tempfile::tempdir().unwrap();
    let (capture, truth) = (folder.path().join("a.pcap"), folder.path().join("a.json"));
    let simulate = |write: &Path| {
        let mut command = assert_cmd::Command::cargo_bin("phonewatch").unwrap();
        command.args([
            "simulate",
            "healthy",
            "--phones",
            "3",
            "--minutes",
            "6",
            "--write",
        ]);
        command.arg(write).arg("--truth").arg(&truth);
        command
    };
    simulate(&capture).assert().success();
    let (bytes, expected) = write(&plan(&["healthy"], 3, 6, 1));
    assert_eq!(std::fs::read(&capture).unwrap(), bytes);
    let read: serde_json::Value = serde_json::from_slice(&std::fs::read(&truth).unwrap()).unwrap();
    assert_eq!(read, serde_json::to_value(&expected).unwrap());
    assert_eq!(read["totals"]["registered"], 3);
    assert_eq!(read["phones"][0]["name"], "SEP001380000000");
    assert_eq!(read["phones"][0]["stage_at_end"], "registered");

    let to_stdout = simulate(Path::new("-")).output().unwrap();
    assert_eq!(to_stdout.stdout, bytes);

    let missing = folder.path().join("missing").join("a.pcap");
    let failed = simulate(&missing).assert().code(1);
    let message = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    let expected = format!("create {}: name a file in a folder", missing.display());
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn an_interface_that_is_not_there_is_said_with_those_that_are() {
    let mut command = assert_cmd::Command::cargo_bin("phonewatch").unwrap();
    command.args(["simulate", "healthy", "--interface", "no-such-if0"]);
    let failed = command.assert().code(1);
    let message = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    let expected = "send onto no-such-if0: there is no interface no-such-if0; there are: ";
    assert!(message.contains(expected), "{message}");
}
