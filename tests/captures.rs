//! Real captures against what an independent reader found in them.
//!
//! Every number here comes from the ground truth beside the captures (tshark, and a separate SCCP reassembler), or was
//! read off the capture with tshark; none comes from this program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use phonewatch::engine::Settings;
use phonewatch::phone::registration::Proof;
use phonewatch::phone::{Acknowledges, Device, Stage};
use phonewatch::wire::sccp::{DeviceKind, MessageId, RejectReason};

use support::{Entry, Outcome, load, run};

/// Replays a capture; `None` where there are no captures.
fn replay(file: &str, frames: u64) -> Option<Outcome> {
    let entries = load(file)?;
    assert_eq!(entries.len() as u64, frames, "frames in {file}");
    let outcome = run(Settings::default(), &entries, None);
    let totals = &outcome.snapshot.totals;
    assert_eq!(totals.frames, frames);
    assert_eq!(totals.lost, [0; 3]);
    assert_eq!(totals.first, entries.first().map(Entry::at));
    assert_eq!(totals.last, entries.iter().map(Entry::at).max());
    let bytes: usize = entries
        .iter()
        .filter_map(Entry::frame)
        .map(|frame| frame.bytes.len())
        .sum();
    assert_eq!(totals.bytes, bytes as u64);
    Some(outcome)
}

/// Nothing in the capture is a phone or an SCCP endpoint.
fn shows_nothing(file: &str, frames: u64) -> Option<Outcome> {
    let outcome = replay(file, frames)?;
    assert_eq!(outcome.labels(), [""; 0], "{file} shows devices");
    assert_eq!(outcome.messages(), BTreeMap::new());
    Some(outcome)
}

/// How often each message was read, against ids and counts.
fn assert_messages(outcome: &Outcome, expected: &[(u32, u64)]) {
    let expected: BTreeMap<&str, u64> = expected
        .iter()
        .map(|&(id, count)| (MessageId(id).name().expect("a known message"), count))
        .collect();
    assert_eq!(outcome.messages(), expected);
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn reset_reason(device: &Device) -> Option<&str> {
    device
        .last_reset_reason
        .as_deref()
        .map(|reason| reason.text.as_str())
}

/// The device holds one registration, with this server, known in this way.
fn assert_registered(device: &Device, callmanager: &str, proof: Proof) {
    assert_eq!(device.stage, Stage::Registered);
    let current = device.registration.current.expect("a registration");
    assert_eq!(current.callmanager, address(callmanager));
    assert_eq!(current.proof, proof);
}

/// Nothing went wrong with the device: no move, reject, end, missed keepalive, failure to connect or fetch.
fn assert_no_trouble(device: &Device) {
    let registration = &device.registration;
    assert_eq!(
        (
            registration.moves,
            registration.rejects,
            registration.unregistrations
        ),
        (0, 0, 0),
        "moves, rejects, unregistrations"
    );
    assert!(!registration.is_flapping);
    assert_no_gap(device);
    assert_eq!((device.tcp_refused, device.tcp_unanswered), (0, 0));
    assert_eq!((device.tftp.not_found, device.tftp.errors), (0, 0));
    assert_eq!((device.tftp.unanswered, device.tftp.unreadable), (0, 0));
    assert_eq!(device.dns_failures, 0);
}

fn assert_no_gap(device: &Device) {
    let keepalives = &device.keepalives;
    assert_eq!(keepalives.missed, 0, "missed keepalives");
    assert_eq!(
        (keepalives.callmanager_gaps, keepalives.phone_gaps),
        (0, 0),
        "gaps of the CallManager, of the phone"
    );
    assert_eq!(keepalives.open_gap, None);
}

/// All devices have no name and were found in mid-session: registered by inference, at these addresses.
fn assert_inferred_without_a_name(outcome: &Outcome, addresses: &[&str], callmanager: &str) {
    let mut found: Vec<Option<IpAddr>> = outcome
        .shown()
        .iter()
        .map(|device| device.address)
        .collect();
    found.sort();
    found.dedup();
    let expected: Vec<Option<IpAddr>> = addresses.iter().map(|text| Some(address(text))).collect();
    assert_eq!(found, expected);
    for device in outcome.shown() {
        assert_eq!(device.name, None);
        assert_eq!(device.registration.registrations, 0);
        assert_registered(device, callmanager, Proof::Inferred);
        assert_no_trouble(device);
    }
}

#[test]
fn a_7912_boots_and_registers() {
    let Some(outcome) = replay("sccp-7912-cucm4-boot.pcapng", 97) else {
        return;
    };
    assert_messages(
        &outcome,
        &[
            (0x0000, 1),
            (0x0001, 1),
            (0x000A, 4),
            (0x000B, 1),
            (0x000D, 1),
            (0x000E, 1),
            (0x0010, 1),
            (0x0020, 1),
            (0x0025, 1),
            (0x0026, 2),
            (0x0028, 1),
            (0x002D, 1),
            (0x0034, 1),
            (0x0081, 1),
            (0x0082, 1),
            (0x0083, 1),
            (0x0085, 1),
            (0x0086, 2),
            (0x0088, 2),
            (0x0091, 4),
            (0x0092, 1),
            (0x0094, 2),
            (0x0097, 1),
            (0x009B, 1),
            (0x0100, 1),
            (0x0108, 1),
            (0x0109, 1),
            (0x0110, 3),
            (0x0111, 2),
            (0x0112, 3),
            (0x0113, 1),
            (0x0116, 1),
            (0x011F, 1),
        ],
    );
    assert_eq!(outcome.labels(), ["SEP001380AD9E5F"]);
    let device = outcome.device("SEP001380AD9E5F");
    assert_eq!(device.kind(), DeviceKind::Phone);
    assert_eq!(device.mac.unwrap().to_string(), "00:13:80:ad:9e:5f");
    assert_eq!(device.address, Some(address("10.102.10.209")));
    assert_eq!(device.model(), Some("Cisco 7912"));
    assert_eq!(device.load.as_deref(), Some("CP7912060000SCCP050124A"));
    assert_eq!(reset_reason(device), Some("CM-aborted-TCP"));
    assert_registered(device, "10.0.0.180", Proof::Acknowledged);
    assert_eq!(device.registration.registrations, 1);
    assert_no_trouble(device);
    assert_eq!(outcome.pulse(device).keepalives, 1);
    // Its configuration twice, half a minute apart, and the ring list.
    assert_eq!((device.tftp.requests, device.tftp.completed), (3, 3));
    assert!(device.tftp.configured.is_some());
    assert_eq!(
        outcome.transfers(Ipv4Addr::new(10, 0, 0, 180), "completed"),
        3
    );
    assert_eq!(device.boot.passes, 1);
    let server = outcome.callmanager(Ipv4Addr::new(10, 0, 0, 180));
    assert_eq!(server.acknowledges, Some(Acknowledges::Sccp));
    assert_eq!((server.registered, server.registered_phones), (1, 1));
    assert_eq!(server.registrations.count("new"), 1);
    assert_eq!(server.registrations.total(), 1);
    assert_eq!(server.tcp_connects.count("established"), 1);
    assert_eq!(server.keepalive_rtt.count(), 1);
    assert_eq!(outcome.snapshot.totals.reset_reasons.total(), 1);
    assert_eq!(outcome.snapshot.totals.stream_gaps, 0);
}

/// CallManager 2 acknowledges by TCP alone, answers no Unregister, and has three devices at one address.
#[test]
fn three_devices_of_callmanager_2_register_and_leave() {
    let Some(outcome) = replay("sccp-cm2-register-a.pcapng", 1297) else {
        return;
    };
    assert_messages(
        &outcome,
        &[
            (0x0000, 442),
            (0x0001, 14),
            (0x0002, 14),
            (0x0003, 8),
            (0x0005, 4),
            (0x0006, 4),
            (0x0007, 1),
            (0x0009, 12),
            (0x000B, 12),
            (0x000C, 12),
            (0x000D, 12),
            (0x000E, 12),
            (0x0010, 12),
            (0x0025, 12),
            (0x0026, 4),
            (0x0027, 12),
            (0x0028, 12),
            (0x002D, 24),
            (0x0081, 12),
            (0x0082, 4),
            (0x0083, 9),
            (0x0085, 4),
            (0x0086, 9),
            (0x0088, 6),
            (0x008A, 4),
            (0x008B, 3),
            (0x008C, 4),
            (0x008D, 3),
            (0x008F, 6),
            (0x0092, 12),
            (0x0093, 12),
            (0x0094, 17),
            (0x0097, 12),
            (0x0099, 4),
            (0x009B, 12),
            (0x009D, 2),
        ],
    );
    assert_eq!(outcome.names(), ["pyskinny01", "pyskinny02", "pyskinny03"]);
    let counts = |name: &str| {
        let registration = &outcome.device(name).registration;
        (
            registration.registrations,
            registration.rejects,
            registration.unregistrations,
        )
    };
    assert_eq!(counts("pyskinny01"), (7, 0, 7));
    assert_eq!(counts("pyskinny02"), (4, 1, 4));
    assert_eq!(counts("pyskinny03"), (1, 1, 1));
    assert_eq!(outcome.device("pyskinny01").stage, Stage::Lost);
    for name in ["pyskinny02", "pyskinny03"] {
        let device = outcome.device(name);
        assert_eq!(device.stage, Stage::Rejected, "{name}");
        assert_eq!(
            device.registration.last_reject.as_deref(),
            Some(&(RejectReason::NoLicense, String::from("Error: No License")))
        );
    }
    for (_, device) in outcome.snapshot.devices.iter() {
        assert_eq!(device.address, Some(address("10.102.172.11")));
        assert_eq!(device.registration.moves, 0);
        assert_eq!(device.registration.current, None);
        assert_no_gap(device);
    }
    // Each reject is told with its text, and nothing else: programs that come and go of their own will are no trouble.
    let findings: Vec<(&str, &str)> = outcome
        .raised()
        .map(|(_, finding)| (finding.code, finding.summary.as_str()))
        .collect();
    assert_eq!(findings.len(), 2, "{findings:?}");
    for (code, summary) in findings {
        assert_eq!(code, "registration_rejected");
        assert!(summary.contains("\"Error: No License\""), "{summary}");
    }
    // Two sessions of keepalives alone belong to nobody that is known.
    assert!(outcome.shown().len() <= 4, "{:?}", outcome.labels());
    let server = outcome.callmanager(Ipv4Addr::new(10, 0, 0, 11));
    assert_eq!(server.acknowledges, Some(Acknowledges::Tcp));
    assert_eq!((server.registered, server.registered_phones), (0, 0));
    assert_eq!(server.registrations.count("new"), 3);
    assert_eq!(server.registrations.count("re"), 9);
    assert_eq!(server.registrations.total(), 12);
    assert_eq!(server.rejects.count("no_license"), 2);
    assert_eq!(server.rejects.total(), 2);
    assert_eq!(server.unregistrations.count("unregistered"), 12);
    assert_eq!(server.unregistrations.total(), 12);
    assert_eq!(server.keepalive_gaps.total(), 0);
    assert_eq!(outcome.snapshot.totals.stream_gaps, 0);
}

/// Joined in mid-stream, with an XML alarm over three segments and a hole in front of the keepalive.
#[test]
fn a_7970_registers() {
    let Some(outcome) = replay("sccp-phone-register-7970.pcapng", 49) else {
        return;
    };
    // The separate reassembler did not find its way again behind the hole; tshark did, and shows the one keepalive.
    assert_messages(
        &outcome,
        &[
            (0x0000, 1),
            (0x0001, 1),
            (0x0002, 1),
            (0x0009, 2),
            (0x000A, 6),
            (0x000B, 2),
            (0x000C, 1),
            (0x000D, 1),
            (0x000E, 1),
            (0x0010, 1),
            (0x0025, 1),
            (0x0028, 1),
            (0x002D, 2),
            (0x0042, 1),
            (0x0049, 2),
            (0x004A, 1),
            (0x015A, 1),
            (0x0081, 1),
            (0x0090, 2),
            (0x0094, 1),
            (0x0097, 1),
            (0x009B, 1),
            (0x0100, 1),
            (0x0108, 1),
            (0x0109, 1),
            (0x0110, 1),
            (0x013F, 1),
            (0x0142, 1),
            (0x0145, 2),
            (0x0147, 2),
            (0x0149, 6),
        ],
    );
    assert_eq!(outcome.labels(), ["SEP002155D548AC"]);
    let device = outcome.device("SEP002155D548AC");
    assert_eq!(device.kind(), DeviceKind::Phone);
    // The frames carry another hardware address, the Register another network address: both were rewritten.
    assert_eq!(device.mac.unwrap().to_string(), "00:21:55:d5:48:ac");
    assert_eq!(device.address, Some(address("10.10.224.5")));
    assert_eq!(device.model(), Some("Cisco 7970"));
    assert_registered(device, "10.10.223.10", Proof::Acknowledged);
    assert_eq!(device.registration.registrations, 1);
    assert_no_trouble(device);
    assert_eq!(outcome.snapshot.totals.stream_gaps, 1);
    let server = outcome.callmanager(Ipv4Addr::new(10, 10, 223, 10));
    assert_eq!(server.acknowledges, Some(Acknowledges::Sccp));
    assert_eq!(server.registered, 1);
}

#[test]
fn a_conference_bridge_registers_and_is_no_phone() {
    let Some(outcome) = replay("sccp-hw-conf-register.pcapng", 17) else {
        return;
    };
    assert_messages(
        &outcome,
        &[
            (0x0001, 1),
            (0x0002, 1),
            (0x000F, 1),
            (0x0010, 1),
            (0x002C, 1),
            (0x0081, 1),
            (0x0098, 1),
            (0x009B, 1),
        ],
    );
    assert_eq!(outcome.labels(), ["NONSECURE_CONF"]);
    let device = outcome.device("NONSECURE_CONF");
    assert_eq!(device.kind(), DeviceKind::Media);
    assert!(!device.is_phone());
    assert_eq!(device.address, Some(address("10.180.110.58")));
    assert_registered(device, "10.180.110.48", Proof::Acknowledged);
    assert_eq!(device.registration.registrations, 1);
    assert_no_trouble(device);
    let server = outcome.callmanager(Ipv4Addr::new(10, 180, 110, 48));
    assert_eq!((server.registered, server.registered_phones), (1, 0));
}

#[test]
fn ports_of_a_gateway_are_found_in_mid_session() {
    let Some(outcome) = replay("sccp-fxs-inbound.pcapng", 523) else {
        return;
    };
    assert_messages(
        &outcome,
        &[
            (0x0000, 2),
            (0x0006, 1),
            (0x0007, 1),
            (0x0022, 1),
            (0x0026, 1),
            (0x0082, 1),
            (0x0083, 4),
            (0x0085, 5),
            (0x0086, 5),
            (0x0088, 4),
            (0x008A, 1),
            (0x008B, 1),
            (0x0094, 2),
            (0x0100, 2),
            (0x0105, 1),
            (0x0106, 1),
            (0x0110, 7),
            (0x0111, 6),
            (0x0113, 2),
            (0x0116, 2),
            (0x0144, 1),
            (0x0145, 3),
            (0x014A, 3),
        ],
    );
    assert_inferred_without_a_name(&outcome, &["10.180.110.57"], "172.27.44.6");
}

#[test]
fn a_call_shows_that_its_phone_is_registered() {
    let Some(outcome) = replay("sccp-outbound-call.pcapng", 32) else {
        return;
    };
    assert_messages(
        &outcome,
        &[
            (0x0003, 4),
            (0x0006, 1),
            (0x0007, 1),
            (0x0022, 1),
            (0x0049, 4),
            (0x0154, 1),
            (0x0082, 2),
            (0x0083, 4),
            (0x0085, 2),
            (0x0086, 2),
            (0x0088, 2),
            (0x008A, 1),
            (0x008B, 1),
            (0x0094, 1),
            (0x0105, 1),
            (0x0106, 1),
            (0x0110, 5),
            (0x0111, 5),
            (0x0113, 1),
            (0x0116, 1),
            (0x011D, 1),
            (0x0145, 3),
            (0x014A, 4),
        ],
    );
    assert_eq!(outcome.shown().len(), 1);
    assert_inferred_without_a_name(&outcome, &["192.168.182.130"], "10.10.223.10");
}

#[test]
fn digits_between_much_speech_are_read() {
    let Some(outcome) = replay("sccp-dtmf-oob.pcapng", 1456) else {
        return;
    };
    assert_messages(
        &outcome,
        &[
            (0x0000, 2),
            (0x0003, 10),
            (0x0006, 1),
            (0x0007, 1),
            (0x0022, 2),
            (0x0082, 3),
            (0x0083, 6),
            (0x0085, 2),
            (0x0086, 2),
            (0x0088, 2),
            (0x008A, 2),
            (0x008B, 2),
            (0x0094, 1),
            (0x0100, 2),
            (0x0105, 2),
            (0x0106, 2),
            (0x0110, 6),
            (0x0111, 5),
            (0x0113, 1),
            (0x0116, 1),
            (0x011D, 1),
            (0x0145, 3),
            (0x014A, 10),
        ],
    );
    assert_inferred_without_a_name(&outcome, &["10.180.110.57"], "172.27.44.6");
}

#[test]
fn two_phones_in_a_call_are_registered_by_inference() {
    let Some(outcome) = replay("sccp-ndpi-call.pcap", 200) else {
        return;
    };
    assert_messages(
        &outcome,
        &[
            (0x0006, 1),
            (0x0022, 2),
            (0x0026, 1),
            (0x0049, 2),
            (0x0154, 6),
            (0x0082, 1),
            (0x0083, 4),
            (0x0085, 4),
            (0x0086, 3),
            (0x0088, 2),
            (0x008A, 6),
            (0x0105, 2),
            (0x0110, 5),
            (0x0111, 7),
            (0x0116, 2),
            (0x011D, 1),
            (0x0144, 1),
            (0x0145, 5),
            (0x014A, 7),
        ],
    );
    assert_eq!(outcome.shown().len(), 2);
    assert_inferred_without_a_name(
        &outcome,
        &["192.168.195.50", "192.168.195.58"],
        "192.168.193.12",
    );
}

#[test]
fn sccp_inside_tls_is_opaque() {
    let Some(outcome) = shows_nothing("sccp-tls-2443.pcapng", 665) else {
        return;
    };
    let errors: Vec<_> = outcome
        .snapshot
        .totals
        .decode_errors
        .iter()
        .filter(|(protocol, errors)| *protocol == "sccp" && errors.total() > 0)
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn a_phone_tells_its_switch_by_lldp_who_it_is() {
    let Some(outcome) = replay("lldp-cp7911.pcap", 1) else {
        return;
    };
    assert_eq!(outcome.labels(), ["SEP001B54945A8B"]);
    let device = outcome.device("SEP001B54945A8B");
    assert_eq!(device.kind(), DeviceKind::Phone);
    assert_eq!(device.mac.unwrap().to_string(), "00:1b:54:94:5a:8b");
    assert_eq!(device.address, Some(address("172.16.10.109")));
    assert_eq!(device.model(), Some("Cisco 7911"));
    assert_eq!(device.load.as_deref(), Some("SCCP11.8-4-3S"));
    assert_eq!(device.stage, Stage::Link);
    assert_eq!(device.boot.passes, 0);
}

#[test]
fn a_sip_phone_tells_its_switch_by_cdp_who_it_is() {
    let Some(outcome) = replay("sip-phone-cdp-paging.pcapng", 305) else {
        return;
    };
    assert_eq!(outcome.labels(), ["SEPB000B4BBF1F0"]);
    let device = outcome.device("SEPB000B4BBF1F0");
    assert_eq!(device.kind(), DeviceKind::Phone);
    assert_eq!(device.mac.unwrap().to_string(), "b0:00:b4:bb:f1:f0");
    assert_eq!(device.model(), Some("Cisco 8851"));
    assert_eq!(device.stage, Stage::Link);
    assert_eq!(device.registration.registrations, 0);
    assert_eq!(outcome.messages(), BTreeMap::new());
}

/// DHCP by message type, against what clients and servers sent.
fn assert_dhcp(
    outcome: &Outcome,
    clients: &[(&'static str, u64)],
    servers: &[(&'static str, u64)],
) {
    let totals = &outcome.snapshot.totals;
    let requests: Vec<_> = totals.dhcp_requests.iter().collect();
    let replies: Vec<_> = totals.dhcp_replies.iter().collect();
    assert_eq!(requests, clients, "from clients");
    assert_eq!(replies, servers, "from servers");
}

#[test]
fn dhcp_of_computers_is_counted_and_shows_no_phone() {
    if let Some(outcome) = shows_nothing("dhcp-basic.pcap", 9) {
        assert_dhcp(
            &outcome,
            &[
                ("decline", 1),
                ("discover", 1),
                ("inform", 1),
                ("release", 1),
                ("request", 2),
            ],
            &[("ack", 1), ("nak", 1), ("offer", 1)],
        );
    }
    if let Some(outcome) = shows_nothing("dhcp-option60.pcap", 1) {
        assert_dhcp(&outcome, &[("request", 1)], &[]);
    }
    if let Some(outcome) = shows_nothing("dhcp-flood-500.pcap", 500) {
        assert_dhcp(&outcome, &[("inform", 250)], &[("ack", 250)]);
    }
}

#[test]
fn tftp_of_others_is_counted_and_shows_no_phone() {
    for (file, frames, server) in [
        ("tftp-rrq.pcap", 99, [192, 168, 0, 10]),
        ("tftp-oack.pcap", 7, [127, 0, 0, 1]),
        ("tftp-small.pcap", 7, [192, 168, 1, 1]),
    ] {
        if let Some(outcome) = shows_nothing(file, frames) {
            let server = Ipv4Addr::from(server);
            assert_eq!(outcome.transfers(server, "completed"), 1, "{file}");
            let all: u64 = outcome
                .snapshot
                .totals
                .tftp_transfers
                .iter()
                .map(|(_, results)| results.total())
                .sum();
            assert_eq!(all, 1, "{file}");
        }
    }
}

#[test]
fn switches_computers_and_sip_show_no_phone() {
    for (file, frames) in [
        ("lldp-cdp-3560.pcap", 12),
        ("lldp-8023bt.pcap", 1),
        ("cdp-v1.pcap", 1),
        ("sip-register.pcap", 81),
        ("sip-register-cucm.pcapng", 4),
        ("erspan-i.pcap", 10),
        ("erspan-ii.pcap", 4),
        ("erspan-iii.pcap", 2),
        ("erspan-iii-dot1q.pcap", 2),
        ("erspan-ii-vlan.pcap", 108),
        ("vlan-pcp-dei.pcapng", 9),
        ("vlan-qinqinq.pcap", 14),
        ("http-qinq.pcap", 14),
    ] {
        shows_nothing(file, frames);
    }
}
