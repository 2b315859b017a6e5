//! A small office in trouble: one device in each state that the report has words for.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::{CaptureFacts, FindingEntry};
use crate::diagnosis;
use crate::finding::{Evidence, Finding, Subject};
use crate::net::{DeviceName, MacAddr};
use crate::phone::callmanager::CallManagerGroup;
use crate::phone::dhcp::{DhcpTracker, Lease};
use crate::phone::keepalive::{GapDirection, KeepaliveCounts, OpenGap};
use crate::phone::link::LinkFacts;
use crate::phone::registration::{Current, Proof, Registration};
use crate::phone::tally::Tally;
use crate::phone::tftp::TftpFacts;
use crate::phone::{Acknowledges, CallManager, Device, DeviceId, Pulse, Role, Stage};
use crate::record::LossPlace;
use crate::snapshot::{Snapshot, Totals};
use crate::time::Timestamp;
use crate::wire::dhcp::{Option150, TftpOffer};
use crate::wire::sccp::{DeviceType, RejectReason, ResetReason};
use crate::wire::sep_config::Host;

pub(super) const PRIMARY: IpAddr = address(180);
pub(super) const SECONDARY: IpAddr = address(181);

const fn address(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, host))
}

/// So many seconds after the capture began.
pub(super) fn after(seconds: u64) -> Timestamp {
    Timestamp::from_secs(1_772_000_000 + seconds)
}

pub(super) fn facts() -> CaptureFacts {
    CaptureFacts {
        files: vec!["morning.pcapng".into()],
        problems: vec!["morning.pcapng ends in the middle of a frame".into()],
        elapsed: Duration::from_millis(340),
    }
}

pub(super) fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot {
        at: after(6_585),
        totals: totals(),
        callmanagers: callmanagers(),
        ..Snapshot::default()
    };
    for device in [
        stranger(),
        registered(),
        looping_in_dhcp(),
        with_open_gap(),
        rejected(),
        only_an_address(),
        flapping(),
        conference_bridge(),
        lost(),
    ] {
        add(&mut snapshot, device);
    }
    snapshot.findings = vec![(
        Subject::Sensor,
        finding(
            "mirror_lossy",
            "1 % of the frames were lost within a minute",
        ),
    )];
    let pulse = |last_seen, keepalives| Pulse {
        last_seen: after(last_seen),
        keepalives,
    };
    set_pulse(&mut snapshot, &registered().label(), pulse(6_580, 219));
    set_pulse(&mut snapshot, &with_open_gap().label(), pulse(6_580, 200));
    set_pulse(&mut snapshot, &only_an_address().label(), pulse(6_000, 0));
    snapshot
}

/// A finding that was raised in the second minute and holds.
fn finding(code: &str, summary: &str) -> Arc<Finding> {
    let entry = diagnosis::entry(code).unwrap();
    Arc::new(Finding {
        code: entry.code,
        severity: entry.severity,
        since: after(60),
        raised: after(60),
        last_seen: after(6_500),
        cleared: None,
        count: 1,
        summary: summary.into(),
        evidence: vec![Evidence::new(after(60), "what shows it")],
        remedy: entry.remedy,
        reference: entry.reference,
        server: None,
        explained_by: entry.explained_by,
    })
}

pub(super) fn add(snapshot: &mut Snapshot, device: Device) {
    let place = u32::try_from(snapshot.devices.len()).unwrap();
    let id = snapshot.devices.insert(place, device);
    snapshot.devices.pulse_mut(id).unwrap().last_seen = after(6_580);
}

fn set_pulse(snapshot: &mut Snapshot, label: &str, pulse: Pulse) {
    let of = |(_, device): &(DeviceId, &Arc<Device>)| device.label() == label;
    let (id, _) = snapshot.devices.iter().find(of).unwrap();
    *snapshot.devices.pulse_mut(id).unwrap() = pulse;
}

/// A plain Cisco 7912 that is registered with the primary server since the first second.
pub(super) fn phone(host: u8) -> Device {
    let mac = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, host]);
    let mut device = Device {
        name: Some(DeviceName::from_mac(mac)),
        mac: Some(mac),
        address: Some(address(host)),
        is_proven: true,
        device_type: Some(DeviceType(30007)),
        first_seen: after(0),
        stage: Stage::Registered,
        stage_since: after(1),
        group: Some(Arc::new(CallManagerGroup {
            members: vec![Host::Address(PRIMARY), Host::Name("CUCM-Sub".into())],
            srst: Vec::new(),
        })),
        ..Device::default()
    };
    device.registration.registrations = 1;
    device.registration.current = Some(Current::example(PRIMARY, Role::Primary, after(1)));
    device.registration.last_callmanager = Some(PRIMARY);
    device
}

fn registered() -> Device {
    let mut device = phone(10);
    device.load = Some("CP7912060000SCCP050124A".into());
    device.boot.passes = 1;
    device.last_reset_reason = Some(Box::new(reset(Some(13), "CM-aborted-TCP")));
    device.tftp = TftpFacts {
        requests: 3,
        completed: 2,
        not_found: 1,
        configured: Some(after(0)),
        ..TftpFacts::default()
    }
    .into();
    device.link = Some(Box::new(LinkFacts {
        switch: Some("sw-floor-2".into()),
        port: Some("FastEthernet0/7".into()),
        voice_vlan: Some(110),
        tag: Some(110),
        heard: Some(after(6_540)),
        ..LinkFacts::default()
    }));
    let mut dhcp = DhcpTracker::default();
    dhcp.requests = 2;
    dhcp.lease = Some(Box::new(Lease {
        at: after(0),
        address: Ipv4Addr::new(10, 0, 0, 10).into(),
        server: Some(Ipv4Addr::new(10, 0, 0, 1).into()),
        mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
        routers: vec![Ipv4Addr::new(10, 0, 0, 1)],
        dns_servers: Vec::new(),
        tftp: TftpOffer {
            option_150: Some(Option150::Addresses(vec![Ipv4Addr::new(10, 0, 0, 180)])),
            ..TftpOffer::default()
        },
        duration: Some(Duration::from_secs(86_400)),
        is_incomplete: false,
        asked: None,
    }));
    device.dhcp = Some(Box::new(dhcp));
    device
}

/// Nothing is known of it but its hardware address: it never gets further than DHCP.
fn looping_in_dhcp() -> Device {
    let mut dhcp = DhcpTracker::default();
    dhcp.requests = 1_327;
    dhcp.is_excessive = true;
    dhcp.excessive_episodes = 1;
    dhcp.asking_since = Some(after(6_570));
    dhcp.lease = Some(Box::new(Lease {
        at: after(6_560),
        address: Ipv4Addr::new(10, 0, 0, 11).into(),
        server: None,
        mask: None,
        routers: Vec::new(),
        dns_servers: Vec::new(),
        tftp: TftpOffer {
            option_150: Some(Option150::Text("10.0.0.180".into())),
            ..TftpOffer::default()
        },
        duration: None,
        is_incomplete: false,
        asked: None,
    }));
    let mut device = Device {
        name: None,
        device_type: None,
        looks_like_a_phone: true,
        model: Some("Cisco 7941".into()),
        stage: Stage::Dhcp,
        dhcp: Some(Box::new(dhcp)),
        registration: Registration::default(),
        group: None,
        ..phone(11)
    };
    device.boot.passes = 212;
    device
}

fn with_open_gap() -> Device {
    let mut device = phone(12);
    device.registration.registrations = 0;
    if let Some(current) = &mut device.registration.current {
        current.proof = Proof::Inferred;
    }
    device.keepalives = KeepaliveCounts {
        missed: 3,
        callmanager_gaps: 1,
        phone_gaps: 0,
        open_gap: Some(OpenGap {
            direction: GapDirection::CallManager,
            since: after(6_500),
        }),
    };
    device
}

fn rejected() -> Device {
    let mut device = phone(13);
    device.stage = Stage::Rejected;
    device.registration = Registration::default();
    device
        .registration
        .rejected(RejectReason::NoLicense, "Error: No License");
    device.registration.rejects = 41;
    let summary = "registration rejected 41 times: \"Error: No License\"";
    device
        .findings
        .put(finding("registration_rejected", summary));
    device
}

/// A connection attempt is all that was seen.
fn only_an_address() -> Device {
    Device {
        address: Some(address(14)),
        is_proven: true,
        stage: Stage::Connecting,
        tcp_refused: 9,
        first_seen: after(100),
        ..Device::default()
    }
}

fn flapping() -> Device {
    let mut device = phone(15);
    device.registration.registrations = 7;
    device.registration.moves = 6;
    device.registration.unregistrations = 6;
    device.registration.is_flapping = true;
    device.registration.flapping_episodes = 1;
    device.registration.current = Some(Current::example(SECONDARY, Role::Secondary, after(6_100)));
    device.registration.last_callmanager = Some(SECONDARY);
    device.keepalives.missed = 18;
    device.keepalives.callmanager_gaps = 5;
    device.keepalives.phone_gaps = 1;
    device.last_reset_reason = Some(Box::new(reset(Some(14), "")));
    let summary = "moved 6 times between CallManagers";
    device
        .findings
        .put(finding("registration_flapping", summary));
    device
}

fn conference_bridge() -> Device {
    let mut device = phone(16);
    device.name = DeviceName::from_wire(b"NONSECURE_CONF");
    device.mac = None;
    device.device_type = Some(DeviceType(50));
    device
}

fn lost() -> Device {
    let mut device = phone(17);
    device.stage = Stage::Lost;
    device.stage_since = after(5_000);
    device.registration.current = None;
    device.registration.unregistrations = 1;
    device.last_reset_reason = Some(Box::new(reset(None, "TCP-timeout")));
    device
}

/// Some DHCP client; nothing proves that it is a phone.
fn stranger() -> Device {
    Device {
        is_proven: false,
        ..phone(99)
    }
}

fn reset(code: Option<u16>, text: &str) -> ResetReason {
    ResetReason::from_alarm(code, text.into())
}

fn callmanagers() -> Vec<Arc<CallManager>> {
    let mut primary = CallManager::new(PRIMARY, after(0));
    primary.acknowledges = Some(Acknowledges::Sccp);
    primary.last_heard = Some(after(6_584));
    primary.registered = 3;
    primary.registered_phones = 2;
    primary.registrations.add_many("new", 5);
    primary.registrations.add_many("failback", 3);
    primary.rejects.add_many("no_license", 41);
    primary.tcp_connects.add_many("established", 52);
    for milliseconds in [1, 2, 2, 2, 3, 40] {
        primary
            .keepalive_rtt
            .observe(Duration::from_millis(milliseconds));
    }
    let mut secondary = CallManager::new(SECONDARY, after(0));
    secondary.name = Some("cucm-sub".into());
    secondary.registered = 1;
    secondary.registered_phones = 1;
    secondary.registrations.add_many("failover", 3);
    vec![Arc::new(primary), Arc::new(secondary)]
}

fn totals() -> Totals {
    let mut totals = Totals {
        frames: 128_941,
        bytes: 17_340_120,
        first: Some(after(0)),
        last: Some(after(6_585)),
        duplicates: 312,
        truncated: 1,
        stream_gaps: 2,
        ..Totals::default()
    };
    for (place, lost) in LossPlace::ALL.iter().zip(&mut totals.lost) {
        if *place == LossPlace::Interface {
            *lost = 1_024;
        }
    }
    let tally = |entries: &[(&'static str, u64)]| {
        let mut tally = Tally::default();
        for (label, number) in entries {
            tally.add_many(label, *number);
        }
        tally
    };
    totals.decode_errors = vec![
        ("dhcp", tally(&[("malformed", 4), ("truncated", 1)])),
        ("sccp", tally(&[("truncated", 3)])),
    ];
    totals.sccp_messages = tally(&[("KeepAlive", 419), ("Register", 51)]);
    totals.dhcp_requests = tally(&[("discover", 665), ("request", 664)]);
    totals.dhcp_replies = tally(&[("ack", 664), ("offer", 665)]);
    totals.tftp_transfers = vec![(PRIMARY, tally(&[("completed", 2), ("not_found", 1)]))];
    totals.dns_lookups = tally(&[("answered", 2)]);
    totals.reset_reasons = tally(&[("cm_aborted_tcp", 1), ("tcp_timeout", 1)]);
    totals
}

/// A finding of this code about a phone, that holds.
pub(super) fn finding_entry(code: &'static str) -> FindingEntry {
    let entry = diagnosis::entry(code).unwrap();
    FindingEntry {
        code,
        severity: entry.severity,
        subject: "SEP001380AD9E0D".into(),
        since: after(60),
        last_seen: after(80),
        active: true,
        count: 1,
        summary: "one sentence with the facts".into(),
        evidence: vec![
            Evidence::new(after(60), "the first that was seen"),
            Evidence::new(after(80), "the last that was seen"),
        ],
        remedy: entry.remedy,
        reference: entry.reference,
        cleared: None,
        server: None,
        cause: None,
        subject_kind: "device",
        description: None,
    }
}
