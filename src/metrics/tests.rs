use std::io::Write;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::capture::live::CaptureState;
use crate::finding::{Finding, Severity, Subject};
use crate::net::{DeviceName, MacAddr};
use crate::phone::callmanager::CallManagerGroup;
use crate::phone::dhcp::DhcpTracker;
use crate::phone::keepalive::{GapDirection, OpenGap};
use crate::phone::quality::Sender;
use crate::phone::registration::{Current, EndCause, RegistrationKind};
use crate::phone::tally::Tally;
use crate::phone::troubles::MarkSamples;
use crate::phone::{CallManager, Device, Role, Stage};
use crate::snapshot::DeviceTable;
use crate::time::Timestamp;
use crate::wire::sccp::{DeviceType, ResetReason};
use crate::wire::sep_config::Host;

const ALL: MetricsSettings = MetricsSettings {
    per_phone: PerPhone::All,
    per_phone_limit: 100,
};

#[test]
fn the_whole_page() {
    let text = page_of(&site(), &ALL);
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version));
    insta::assert_snapshot!("page", text.replace(&version, "{version=\"VERSION\"}"));
}

#[test]
fn a_page_that_knows_nothing_yet() {
    let text = page_of(&Snapshot::default(), &ALL);
    insta::assert_snapshot!(
        "empty_page",
        text.lines()
            .filter(|line| line.starts_with("phonewatch_") && !line.contains("_bucket{"))
            .filter(|line| !line.starts_with("phonewatch_build_info"))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn promtool_has_nothing_to_say() {
    for snapshot in [site(), Snapshot::default()] {
        let text = render(&snapshot, &sensor(), &ALL).unwrap();
        let promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut promtool = match promtool {
            Ok(promtool) => promtool,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let required = std::env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_some();
                assert!(!required, "promtool is not installed");
                // Not by a macro: what those print is only shown where a test fails.
                let told =
                    b"SKIPPED: promtool is not installed (Debian: apt-get install prometheus)\n";
                std::io::stderr().write_all(told).unwrap();
                return;
            }
            Err(error) => panic!("promtool: {error}"),
        };
        // Taken, so that it is closed and promtool sees the end.
        let mut input = promtool.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        drop(input);
        let output = promtool.wait_with_output().unwrap();
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        assert!(output.status.success() && words.is_empty(), "{words}");
    }
}

#[test]
fn no_two_series_are_equal_and_every_family_is_explained() {
    let text = render(&site(), &sensor(), &ALL).unwrap();
    let series = || {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.rsplit_once(' ').unwrap().0)
    };
    let mut seen = std::collections::HashSet::new();
    for series in series() {
        assert!(seen.insert(series), "{series} is there twice");
    }
    for series in series() {
        let name = series.split('{').next().unwrap();
        let is_explained = ["", "_bucket", "_sum", "_count"].iter().any(|suffix| {
            name.strip_suffix(suffix)
                .is_some_and(|family| text.contains(&format!("# HELP {family} ")))
        });
        assert!(is_explained, "{series} has no HELP");
    }
}

#[test]
fn what_devices_say_is_escaped_and_bounded() {
    let mut snapshot = Snapshot::default();
    let mut device = phone("SEP000000000001", Stage::Dhcp);
    device.device_type = None;
    device.model = Some("a \"b\" \\ c\nd\u{e9}".into());
    device.load = Some("\u{e9}".repeat(5000).into());
    insert(&mut snapshot, [device]);
    let text = page_of(&snapshot, &ALL);
    let load = "\u{e9}".repeat(64);
    let expected = format!(
        r#"phonewatch_phone_info{{phone="SEP000000000001",mac="",address="",model="a \"b\" \\ c\nd{}",load="{load}"}} 1"#,
        '\u{e9}'
    );
    assert!(text.lines().any(|line| line == expected), "{text}");
}

#[test]
fn phones_that_call_for_attention_come_first_and_the_rest_is_told() {
    let mut snapshot = Snapshot::default();
    let registered = (0..20).map(|number| phone(&format!("SEP{number:012}"), Stage::Registered));
    let lost = (90..93).map(|number| phone(&format!("SEP{number:012}"), Stage::Lost));
    insert(&mut snapshot, registered.chain(lost));

    let limited = |per_phone, per_phone_limit| {
        let settings = MetricsSettings {
            per_phone,
            per_phone_limit,
        };
        let text = page_of(&snapshot, &settings);
        let phones: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("phonewatch_phone_up{phone=\"SEP"))
            .map(|line| line[9..12].to_owned())
            .collect();
        let omitted = value(&text, "phonewatch_phone_series_omitted");
        (phones.join(" "), omitted, totals(&text))
    };
    let (phones, omitted, totals) = limited(PerPhone::All, 5);
    assert_eq!((&*phones, omitted), ("090 091 092 000 001", 18));
    let (phones, omitted, totals_of_unhealthy) = limited(PerPhone::Unhealthy, 2);
    assert_eq!((&*phones, omitted), ("090 091", 1));
    let (phones, omitted, totals_of_none) = limited(PerPhone::None, 5);
    assert_eq!((&*phones, omitted), ("", 0));
    assert_eq!(limited(PerPhone::All, 100).1, 0);

    assert!(totals.contains("phonewatch_phones{stage=\"lost\",role=\"unknown\"} 3"));
    assert_eq!(totals, totals_of_unhealthy);
    assert_eq!(totals, totals_of_none);
}

#[test]
fn servers_with_findings_have_series_and_those_above_the_limit_share_one() {
    let mut snapshot = Snapshot::default();
    let many = 300_u32;
    snapshot.findings = (0..many)
        .map(|number| {
            let [.., high, low] = number.to_be_bytes();
            let address = IpAddr::from([10, 9, high, low]);
            let mut finding = Finding::clone(&finding("dhcp_rogue_server", None));
            finding.severity = Severity::Warning;
            (Subject::DhcpServer(Some(address)), Arc::new(finding))
        })
        .collect();
    let mut device = phone("SEP000000000001", Stage::Registered);
    let mut of_device = Finding::clone(&finding("registration_rejected", None));
    of_device.server = Some([10, 9, 0, 7].into());
    device.findings.put(Arc::new(of_device));
    device.findings.put(finding("duplicate_address", None));
    insert(&mut snapshot, [device]);
    let text = page_of(&snapshot, &ALL);
    let of = |server: &str, code: &str, severity: &str| {
        let labels = format!("{{server=\"{server}\",code=\"{code}\",severity=\"{severity}\"}}");
        value(&text, &format!("phonewatch_server_findings{labels}"))
    };
    assert_eq!(of("10.9.0.7", "registration_rejected", "critical"), 1);
    assert_eq!(of("10.9.0.7", "dhcp_rogue_server", "warning"), 1);
    assert_eq!(of("", "duplicate_address", "critical"), 1);
    assert_eq!(of("other", "dhcp_rogue_server", "warning"), 300 - 256);
    let series = text.matches("\nphonewatch_server_findings{").count();
    assert_eq!(series, 256 + 3, "each server, and three more");
}

#[test]
fn two_phones_of_one_name_have_the_series_of_the_first() {
    let mut snapshot = Snapshot::default();
    let mut first = phone("SEP000000000001", Stage::Registered);
    first.registration.moves = 7;
    insert(
        &mut snapshot,
        [first, phone("SEP000000000001", Stage::Lost)],
    );
    let text = page_of(&snapshot, &ALL);
    let flaps = "phonewatch_phone_registration_flaps_total{phone=\"SEP000000000001\"}";
    assert_eq!(text.matches(flaps).count(), 1);
    assert_eq!(value(&text, flaps), 7);
    assert_eq!(value(&text, "phonewatch_phone_series_omitted"), 1);
}

#[test]
fn what_is_no_phone_or_not_proven_is_not_counted() {
    let mut snapshot = Snapshot::default();
    let mut gateway = phone("SDA000000000001", Stage::Registered);
    gateway.device_type = Some(DeviceType(ANALOG_GATEWAY));
    gateway.looks_like_a_phone = false;
    assert!(!gateway.is_phone());
    let mut stranger = phone("SEP000000000002", Stage::Dhcp);
    stranger.is_proven = false;
    insert(&mut snapshot, [gateway, stranger]);
    let text = page_of(&snapshot, &ALL);
    assert!(!text.contains("phonewatch_phone_up{"));
    let phones = text
        .lines()
        .filter(|line| line.starts_with("phonewatch_phones{"));
    assert!(phones.clone().count() == 14 && phones.clone().all(|line| line.ends_with(" 0")));
}

/// An analog phone's port on a gateway, as an SCCP device type.
const ANALOG_GATEWAY: u32 = 30027;
/// A Cisco 7912, as an SCCP device type.
const CISCO_7912: u32 = 30007;

/// A small site: two servers, a phone on each, one that is lost, one that only has an address.
fn site() -> Snapshot {
    let primary: IpAddr = [10, 0, 0, 180].into();
    let secondary: IpAddr = [10, 0, 0, 181].into();
    let group = Arc::new(CallManagerGroup {
        members: vec![Host::Address(primary), Host::Name("cucm-sub".into())],
        srst: Vec::new(),
    });

    let mut at_primary = phone("SEP001380AD9E5F", Stage::Registered);
    at_primary.mac = Some(MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]));
    at_primary.address = Some([10, 1, 2, 3].into());
    at_primary.load = Some("App load:CP7912080001SCCP".into());
    at_primary.registration.current = Some(current(primary, Role::Primary));
    let mut dhcp = DhcpTracker::default();
    dhcp.requests = 4;
    at_primary.dhcp = Some(Box::new(dhcp));
    let reason = ResetReason::from_alarm(None, "CM-aborted-TCP".to_owned());
    at_primary.last_reset_reason = Some(Box::new(reason));

    let mut moved = phone("SEP0013C4000001", Stage::Registered);
    moved.registration.current = Some(current(secondary, Role::Secondary));
    moved.registration.moves = 5;
    moved.registration.is_flapping = true;
    moved.findings.put(finding("registration_flapping", None));
    let cleared = Some(Timestamp::from_secs(80));
    moved.findings.put(finding("dhcp_excessive", cleared));
    moved.keepalives.callmanager_gaps = 2;
    moved.keepalives.phone_gaps = 1;
    moved.keepalives.open_gap = Some(OpenGap {
        direction: GapDirection::CallManager,
        since: Timestamp::from_secs(90),
    });

    let mut lost = phone("SEP0013C4000002", Stage::Lost);
    lost.registration.last_callmanager = Some(secondary);
    lost.group = Some(group);

    let mut nameless = phone("SEP0013C4000003", Stage::Connecting);
    nameless.name = None;
    nameless.device_type = None;
    nameless.address = Some([10, 1, 2, 9].into());

    let mut snapshot = Snapshot::default();
    insert(&mut snapshot, [moved, lost, nameless, at_primary]);
    snapshot.callmanagers = vec![
        Arc::new(CallManager {
            registered: 2,
            registered_phones: 1,
            registrations: tally([(RegistrationKind::New.label(), 3), ("re", 2)]),
            rejects: tally([("no_license", 2)]),
            keepalive_gaps: tally([("phone", 1)]),
            marks: {
                let mut marks = MarkSamples::default();
                for (second, code_point) in [(1, 24), (2, 0), (3, 0), (4, 24)] {
                    let at = Timestamp::from_secs(second);
                    marks.sample(Sender::Server, code_point, at);
                    marks.sample(Sender::Phone, 24, at);
                }
                marks
            },
            tcp_connects: tally([("established", 9), ("refused", 1)]),
            keepalive_rtt: {
                let mut rtt = CallManager::new(primary, Timestamp::EPOCH).keepalive_rtt;
                for milliseconds in [1, 1, 4, 40_000] {
                    rtt.observe(Duration::from_millis(milliseconds));
                }
                rtt
            },
            ..CallManager::new(primary, Timestamp::EPOCH)
        }),
        Arc::new(CallManager {
            name: Some("CUCM-SUB".into()),
            registered: 1,
            registered_phones: 1,
            unregistrations: tally([(EndCause::Silent.label(), 1)]),
            ..CallManager::new(secondary, Timestamp::EPOCH)
        }),
    ];

    let totals = &mut snapshot.totals;
    totals.frames = 12_345;
    totals.last = Some(Timestamp::from_nanos(1_700_000_123_456_000_000));
    totals.bytes = 1_234_567;
    totals.lost = [7, 0, 11];
    totals.blind = 2;
    totals.clock_steps = 1;
    totals.duplicates = 30;
    totals.truncated = 1;
    totals.decode_errors = vec![("sccp", tally([("malformed", 2)]))];
    totals.stream_gaps = 3;
    totals.sccp_messages = tally([("KeepAlive", 40), ("Register", 3)]);
    totals.dhcp_requests = tally([("discover", 4), ("release", 1)]);
    totals.dhcp_replies = tally([("ack", 4)]);
    totals.tftp_transfers = vec![(primary, tally([("completed", 6), ("not_found", 1)]))];
    totals.dns_lookups = tally([("answered", 5), ("no_answer", 1)]);
    totals.reset_reasons = tally([("tcp_timeout", 1)]);
    for (stage, durations) in &mut totals.boot_stages {
        if *stage == "dhcp" {
            durations.observe(Duration::from_millis(700));
        }
    }
    totals.tracked = tally([("connections", 3), ("devices", 4)]);
    totals.evicted = tally([("devices", 1)]);
    snapshot
}

fn sensor() -> SensorState {
    SensorState {
        interfaces: vec![
            InterfaceState {
                name: "eth1".to_owned(),
                is_stuck: false,
                capture: CaptureState {
                    frames: 12_356,
                    bytes: 1_300_000,
                    kernel_dropped: 7,
                    ring_dropped: 11,
                    is_up: true,
                    ..CaptureState::default()
                },
            },
            InterfaceState {
                name: "eth2".to_owned(),
                is_stuck: true,
                capture: CaptureState {
                    reopened: 1,
                    is_up: true,
                    ..CaptureState::default()
                },
            },
        ],
        ring_used_ratio: 0.25,
        lag: Duration::from_millis(150),
        published: Some(Duration::from_secs(1)),
        started: Timestamp::from_secs(1_700_000_000),
        reload: ReloadState {
            succeeded: true,
            last_success: Timestamp::from_secs(1_700_000_100),
        },
        alerts: AlertState {
            results: vec![("email", "delivered", 3), ("email", "failed", 0)],
            pending: 2,
            dropped: 1,
            silences: SilenceCounts {
                active: 3,
                pending: 1,
            },
            maintenance: Some(MaintenanceState {
                until: Timestamp::from_secs(1_700_003_600),
                author: "anna".to_owned(),
                reason: "new switches".to_owned(),
            }),
        },
        evidence: EvidenceState {
            results: vec![("written", 4), ("failed", 0), ("skipped", 2)],
            bytes: 4096,
        },
    }
}

fn phone(name: &str, stage: Stage) -> Device {
    Device {
        name: DeviceName::from_wire(name.as_bytes()),
        is_proven: true,
        looks_like_a_phone: true,
        device_type: Some(DeviceType(CISCO_7912)),
        stage,
        ..Device::default()
    }
}

fn finding(code: &'static str, cleared: Option<Timestamp>) -> Arc<Finding> {
    Arc::new(Finding {
        code,
        severity: Severity::Critical,
        since: Timestamp::from_secs(70),
        raised: Timestamp::from_secs(70),
        last_seen: Timestamp::from_secs(70),
        cleared,
        count: 1,
        summary: String::new(),
        evidence: Vec::new(),
        remedy: &[],
        reference: "",
        server: None,
        explained_by: &[],
    })
}

fn current(callmanager: IpAddr, role: Role) -> Current {
    Current::example(callmanager, role, Timestamp::from_secs(60))
}

fn insert(snapshot: &mut Snapshot, devices: impl IntoIterator<Item = Device>) {
    let mut table = DeviceTable::default();
    for (place, device) in (0..).zip(devices) {
        table.insert(place, device);
    }
    snapshot.devices = table;
}

fn tally<const COUNT: usize>(counts: [(&'static str, u64); COUNT]) -> Tally {
    let mut tally = Tally::default();
    for (label, count) in counts {
        tally.add_many(label, count);
    }
    tally
}

/// The page without what belongs to this test's process.
fn page_of(snapshot: &Snapshot, settings: &MetricsSettings) -> String {
    snapshot_page(snapshot, &sensor(), settings)
        .encode()
        .unwrap()
}

fn value(text: &str, series: &str) -> u64 {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value
        .unwrap_or_else(|| panic!("no {series}"))
        .parse()
        .unwrap()
}

/// Every line that is not about a single phone.
fn totals(text: &str) -> String {
    text.lines()
        .filter(|line| !line.contains("phonewatch_phone_"))
        .collect::<Vec<_>>()
        .join("\n")
}
