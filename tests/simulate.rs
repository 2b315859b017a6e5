//! Simulated fleets through the engine: it must find what every phone is known to have done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "support/fleet.rs"]
mod fleet;
#[path = "simulate/losses.rs"]
mod losses;
#[path = "simulate/mirror.rs"]
mod mirror;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "support/random.rs"]
mod random;
#[path = "simulate/unseen.rs"]
mod unseen;
#[path = "simulate/views.rs"]
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use phonewatch::capture::file::FileSource;
use phonewatch::finding::Severity;
use phonewatch::phone::keepalive::GapDirection;
use phonewatch::phone::{Device, Stage};
use phonewatch::record::LinkType;
use phonewatch::savefile::PcapWriter;
use phonewatch::simulate::{Fleet, FleetTruth, PhoneTruth, Plan, Scenario, Share, Totals};
use phonewatch::snapshot::Snapshot;

use fleet::{Simulated, watch};

fn plan(shares: &[&str], phones: u32, minutes: u64, seed: u64) -> Plan {
    Plan {
        shares: shares.iter().map(|share| share.parse().unwrap()).collect(),
        phones,
        length: Duration::from_secs(60 * minutes),
        seed,
    }
}

fn simulated(plan: &Plan) -> (Arc<Snapshot>, FleetTruth) {
    let fleet = Fleet::new(plan);
    let end = fleet.end();
    let mut source = Simulated::new(fleet, end);
    let snapshot = watch(&mut source);
    (snapshot, source.frames.truth())
}

/// What both the engine and the truth say of a phone, in the same words.
fn told(truth: &PhoneTruth) -> String {
    told_with(truth, IpAddr::V4, truth.dns_failures)
}

/// The same where it is all told over IPv6: there a name is looked up for both versions.
fn told_over_ipv6(truth: &PhoneTruth) -> String {
    let v6 = |address: Ipv4Addr| {
        let [a, b, c, d] = address.octets();
        let net = u16::from_be_bytes([if a == 10 { 0 } else { a }, b]);
        IpAddr::from([0xFD00, 0, net, c.into(), 0, 0, 0, d.into()])
    };
    told_with(truth, v6, 2 * truth.dns_failures)
}

fn told_with(truth: &PhoneTruth, address: impl Fn(Ipv4Addr) -> IpAddr, dns: u64) -> String {
    format!(
        "{} {} at {:?} {} with {:?}: registrations {} moves {} rejects {} {:?} gaps {} {} dhcp {} refused {} not found {} flapping {} boots {} naks {} declines {} dns {} delivered {} unanswered {} unreadable {} load {:?}",
        truth.name,
        truth.mac,
        truth.address.map(&address),
        truth.stage_at_end.label(),
        truth.callmanager.map(&address),
        truth.registrations,
        truth.moves,
        truth.rejects,
        truth.last_reject,
        truth.keepalive_gaps.callmanager,
        truth.keepalive_gaps.phone,
        truth.dhcp_requests,
        truth.tcp_refused,
        truth.tftp_not_found,
        truth.findings.contains(&"registration_flapping"),
        truth.boots,
        truth.dhcp_naks,
        truth.dhcp_declines,
        dns,
        truth.tftp_delivered,
        truth.tftp_unanswered,
        truth.tftp_unreadable,
        truth.load
    )
}

fn found(device: &Device) -> String {
    let registration = &device.registration;
    let callmanager = registration.current.map(|current| current.callmanager);
    let reject = registration.last_reject.as_deref();
    let reject = reject.map(|(reason, _)| reason.label());
    let dhcp = device.needed_dhcp();
    // A phone tells its load in CDP as well.
    let asked_to_register = registration.registrations > 0
        || registration.rejects > 0
        || device.stage == Stage::Registering;
    format!(
        "{} {} at {:?} {} with {:?}: registrations {} moves {} rejects {} {:?} gaps {} {} dhcp {} refused {} not found {} flapping {} boots {} naks {} declines {} dns {} delivered {} unanswered {} unreadable {} load {:?}",
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
        dhcp.map_or(0, |dhcp| dhcp.requests),
        device.tcp_refused,
        device.tftp.not_found,
        registration.flapping_episodes > 0,
        device.boot.passes,
        dhcp.map_or(0, |dhcp| dhcp.naks),
        dhcp.map_or(0, |dhcp| dhcp.declines),
        device.dns_failures,
        device.tftp.completed,
        device.tftp.unanswered,
        device.tftp.unreadable,
        device.load.as_deref().filter(|_| asked_to_register)
    )
}

fn assert_found(snapshot: &Snapshot, truth: &FleetTruth, what: &str) {
    assert_found_as(snapshot, truth, what, told);
}

fn assert_found_as(
    snapshot: &Snapshot,
    truth: &FleetTruth,
    what: &str,
    told: impl Fn(&PhoneTruth) -> String,
) {
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

/// What depends on numbers alone is told of a scenario exactly where every phone of it reaches them.
fn assert_told(snapshot: &Snapshot, truth: &FleetTruth, scenario: Scenario) {
    let is_told = |code| scenario.findings().contains(&code);
    for device in snapshot.shown() {
        let episodes = device
            .dhcp
            .as_deref()
            .map_or(0, |dhcp| dhcp.excessive_episodes);
        let label = device.label();
        assert_eq!(episodes > 0, is_told("dhcp_excessive"), "{label} asks DHCP");
        let by_default = device.default_configuration;
        assert_eq!(by_default, is_told("auto_registered"), "{label}'s file");
    }
    for phone in &truth.phones {
        let loops = phone.boots >= 3 && phone.registrations == 0;
        assert_eq!(loops, is_told("boot_loop"), "{} boots", phone.name);
    }
}

/// What was concluded of each phone is what is true of it: nothing is missed, and nothing that calls for attention is
/// told beyond it.
fn assert_concluded(snapshot: &Snapshot, truth: &FleetTruth, what: &str) {
    let mut differences: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for phone in &truth.phones {
        let device = snapshot
            .shown()
            .find(|device| device.label() == phone.name.as_str())
            .unwrap();
        let expected: BTreeSet<&str> = phone.findings.iter().copied().collect();
        let found: BTreeSet<&str> = device
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Info || expected.contains(finding.code))
            .map(|finding| finding.code)
            .collect();
        if found != expected {
            let difference = format!(
                "{}: missed {:?}, told beyond it {:?}",
                phone.scenario.label(),
                expected.difference(&found).collect::<Vec<_>>(),
                found.difference(&expected).collect::<Vec<_>>()
            );
            let entry = differences.entry(difference).or_default();
            entry.0 += 1;
            entry.1 = phone.name.to_string();
        }
    }
    let expected: BTreeSet<String> = truth
        .findings
        .iter()
        .map(|finding| format!("{} {}", finding.code, finding.subject))
        .collect();
    let found: BTreeSet<String> = snapshot
        .findings
        .iter()
        .filter(|(_, finding)| finding.code == "callmanager_down")
        .filter_map(|(subject, finding)| Some(format!("{} {}", finding.code, subject.address()?)))
        .collect();
    if found != expected {
        let difference = format!("servers: expected {expected:?}, found {found:?}");
        differences.insert(difference, (1, String::from("the fleet")));
    }
    let told: Vec<String> = differences
        .into_iter()
        .map(|(difference, (number, one))| format!("{number} like {one}: {difference}"))
        .collect();
    assert!(told.is_empty(), "{what}:\n{}", told.join("\n"));
}

/// How many phones follow each scenario: few in a quick run.
fn phones_of_each() -> u32 {
    let asked = std::env::var("PHONEWATCH_SIMULATED_PHONES");
    asked.map_or(60, |number| number.parse().unwrap())
}

fn everything() -> Vec<&'static str> {
    Scenario::ALL.iter().copied().map(Scenario::label).collect()
}

#[test]
fn the_engine_finds_what_each_phone_of_each_scenario_did() {
    let succeeds = |scenario: Scenario| {
        let (snapshot, truth) = simulated(&plan(&[scenario.label()], phones_of_each(), 15, 7));
        let outcome = std::panic::catch_unwind(|| {
            assert_found(&snapshot, &truth, scenario.label());
            assert_told(&snapshot, &truth, scenario);
            assert_concluded(&snapshot, &truth, scenario.label());
        });
        outcome.is_ok()
    };
    let failures: Vec<&str> = std::thread::scope(|scope| {
        let threads = [0, 1].map(|first| {
            scope.spawn(move || {
                let every_other = Scenario::ALL.iter().copied().skip(first).step_by(2);
                let failed = every_other.filter(|scenario| !succeeds(*scenario));
                failed.map(Scenario::label).collect::<Vec<_>>()
            })
        });
        let failures = threads.map(|thread| thread.join().unwrap());
        failures.into_iter().flatten().collect()
    });
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn the_engine_finds_what_each_phone_of_a_mix_did() {
    let (snapshot, truth) = simulated(&plan(&everything(), 1000, 15, 2));
    assert_found(&snapshot, &truth, "mix");
    assert_concluded(&snapshot, &truth, "mix");
}

/// What is to be seen of twenty phones of a scenario in twenty minutes.
struct Deeds {
    registrations: u64,
    moves: u64,
    /// Keepalive gaps of CallManager and of the phones.
    gaps: (u64, u64),
    /// Passes of the boot chain, where each phone makes as many.
    boots: Option<u64>,
    /// What else was counted at all.
    signs: &'static [&'static str],
}

impl Deeds {
    const REGISTERS: Self = Self {
        registrations: 20,
        moves: 0,
        gaps: (0, 0),
        boots: Some(1),
        signs: &[],
    };

    /// It does not register, and this is counted meanwhile.
    const fn fails(boots: Option<u64>, signs: &'static [&'static str]) -> Self {
        Self {
            registrations: 0,
            boots,
            signs,
            ..Self::REGISTERS
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of scenario")]
    fn of(scenario: Scenario, totals: &Totals) -> Self {
        match scenario {
            Scenario::Healthy
            | Scenario::Boot
            | Scenario::DhcpRenewal
            | Scenario::DhcpRogue
            | Scenario::StaticAddress
            | Scenario::DuplicateAddress
            | Scenario::VoiceVlan
            | Scenario::ConfigNames
            | Scenario::AlternateTftp
            | Scenario::SlowBoot
            | Scenario::KeepaliveRepeated
            | Scenario::OutOfOrder
            | Scenario::TcpTrouble => Self::REGISTERS,
            Scenario::FailoverOneMissed
            | Scenario::FailoverThreeMissed
            | Scenario::CallmanagerDark => Self {
                registrations: 40,
                moves: 20,
                gaps: (20, 0),
                ..Self::REGISTERS
            },
            Scenario::FailbackToken
            | Scenario::FailbackTokenWait
            | Scenario::FailbackWithoutToken => Self {
                registrations: 60,
                moves: 40,
                ..Self::REGISTERS
            },
            Scenario::Crash => Self {
                registrations: 60,
                moves: 40,
                signs: &["refused"],
                ..Self::REGISTERS
            },
            Scenario::ApplyConfig => Self {
                registrations: 80,
                moves: 60,
                boots: Some(4),
                ..Self::REGISTERS
            },
            Scenario::KeepaliveGaps => Self {
                gaps: (60, 0),
                ..Self::REGISTERS
            },
            Scenario::QosZero => Self {
                gaps: (totals.keepalive_gaps.callmanager, 0),
                ..Self::REGISTERS
            },
            Scenario::PowerCut => Self {
                registrations: 40,
                gaps: (0, totals.keepalive_gaps.phone),
                boots: Some(2),
                ..Self::REGISTERS
            },
            Scenario::DuplicateRegistration => Self {
                registrations: 40,
                ..Self::REGISTERS
            },
            Scenario::FirewallTimeout | Scenario::Unstable => Self {
                registrations: totals.registrations,
                ..Self::REGISTERS
            },
            Scenario::Failover => Self {
                registrations: 60,
                moves: 40,
                gaps: (20, 0),
                ..Self::REGISTERS
            },
            Scenario::Flapping => Self {
                registrations: totals.moves + 20,
                moves: totals.moves,
                ..Self::REGISTERS
            },
            Scenario::KeepaliveGap => Self {
                gaps: (20, 0),
                ..Self::REGISTERS
            },
            Scenario::Silent => Self {
                gaps: (0, 20),
                ..Self::REGISTERS
            },
            Scenario::UserReset | Scenario::AdminReset | Scenario::Restart => Self {
                registrations: 40,
                boots: Some(2),
                ..Self::REGISTERS
            },
            Scenario::DhcpNak => Self {
                registrations: totals.dhcp_naks + 20,
                boots: None,
                signs: &["nak"],
                ..Self::REGISTERS
            },
            Scenario::AutoRegistered => Self {
                signs: &["not found"],
                ..Self::REGISTERS
            },
            Scenario::FirmwareUpgrade => Self {
                boots: Some(2),
                ..Self::REGISTERS
            },
            Scenario::DhcpSilent
            | Scenario::DhcpAscii150
            | Scenario::DhcpNoAck
            | Scenario::DhcpNoTftp
            | Scenario::Dhcp150Length
            | Scenario::Dhcp150Zero
            | Scenario::DhcpBadRouter
            | Scenario::DhcpExcessive
            | Scenario::TftpOneWay
            | Scenario::ConfigEmpty
            | Scenario::RegistrationSilent => Self::fails(Some(1), &[]),
            Scenario::Refused => Self::fails(Some(1), &["refused"]),
            Scenario::Rejected
            | Scenario::RejectedDatabase
            | Scenario::RejectedLicence
            | Scenario::RejectedVersion
            | Scenario::RejectedMismatch
            | Scenario::RejectedMax
            | Scenario::RejectedUnauthorized
            | Scenario::RejectedDictionary => Self::fails(Some(1), &["reject"]),
            Scenario::DhcpDecline => Self::fails(Some(1), &["decline"]),
            Scenario::TftpSilent | Scenario::TftpDown => Self::fails(Some(1), &["unanswered"]),
            Scenario::ForeignConfig => Self::fails(Some(1), &["not found"]),
            Scenario::ConfigCorrupt => Self::fails(Some(1), &["unreadable"]),
            Scenario::DnsFailure | Scenario::DnsSilent => Self::fails(Some(1), &["dns"]),
            Scenario::Unconfigured | Scenario::FirmwareMissing => Self::fails(None, &["not found"]),
        }
    }
}

#[test]
fn each_scenario_does_what_it_says() {
    let truth_of = |scenario: Scenario| {
        let mut fleet = Fleet::new(&plan(&[scenario.label()], 20, 20, 3));
        fleet.by_ref().for_each(drop);
        fleet.truth()
    };
    for &scenario in Scenario::ALL {
        let label = scenario.label();
        let truth = truth_of(scenario);
        let totals = truth.totals;
        let expected = Deeds::of(scenario, &totals);
        let gaps = totals.keepalive_gaps;
        assert_eq!(
            (totals.registrations, totals.moves),
            (expected.registrations, expected.moves),
            "{label}"
        );
        assert_eq!((gaps.callmanager, gaps.phone), expected.gaps, "{label}");
        let registers = expected.registrations > 0;
        // Whoever is thrown out every few minutes may be away for a moment when it ends.
        let is_thrown_out = scenario == Scenario::Unstable && totals.registered >= 15;
        let registered = if registers { 20 } else { 0 };
        assert!(
            totals.registered == registered || is_thrown_out,
            "{label}: {} registered",
            totals.registered
        );
        let counted = [
            ("reject", totals.rejects),
            ("refused", totals.tcp_refused),
            ("not found", totals.tftp_not_found),
            ("nak", totals.dhcp_naks),
            ("decline", totals.dhcp_declines),
            ("dns", totals.dns_failures),
            ("unanswered", totals.tftp_unanswered),
            ("unreadable", totals.tftp_unreadable),
        ];
        // Each phone at least once, so that no phone's findings are without their cause.
        let signs: Vec<_> = counted
            .into_iter()
            .filter(|(_, count)| *count >= 20)
            .map(|(sign, _)| sign)
            .collect();
        assert_eq!(signs, expected.signs, "{label}");
        if let Some(boots) = expected.boots {
            let differs = truth.phones.iter().find(|phone| phone.boots != boots);
            assert!(differs.is_none(), "{label}: {differs:?}");
        }
        let uses_dhcp = scenario != Scenario::StaticAddress;
        assert_eq!(totals.dhcp_requests >= 40, uses_dhcp, "{label}");
    }
    let totals_of = |scenario| truth_of(scenario).totals;
    let flapping = totals_of(Scenario::Flapping).moves;
    assert!(flapping >= 20 * 5, "{flapping} moves");
    let gaps = totals_of(Scenario::QosZero).keepalive_gaps.callmanager;
    assert!(gaps >= 20 * 3, "{gaps} gaps");
    let gaps = totals_of(Scenario::PowerCut).keepalive_gaps.phone;
    assert!(
        (1..20).contains(&gaps),
        "{gaps} phones were silent for long"
    );
    let unstable = totals_of(Scenario::Unstable).registrations;
    assert!(unstable >= 20 * 5, "{unstable} registrations");
    let cut_off = totals_of(Scenario::FirewallTimeout).registrations;
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
    let mut writer = PcapWriter::new(&mut file, LinkType::Ethernet).unwrap();
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

/// Each scenario twice.
fn small_mix(folder: &Path) -> (std::path::PathBuf, FleetTruth) {
    let phones = u32::try_from(2 * Scenario::ALL.len()).unwrap();
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
