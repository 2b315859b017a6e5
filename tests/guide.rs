//! The network trace of Cisco's guide to phones that do not register, row by row: a user resets a phone that is
//! registered, and it boots again as far as its configuration file.
//!
//! The trace begins in the middle of both TCP connections. Its sequence numbers are the guide's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks what it looks at"
)]

mod support;

use std::net::{IpAddr, Ipv4Addr};

use phonewatch::diagnosis::entry;
use phonewatch::engine::Settings;
use phonewatch::event::EventKind;
use phonewatch::finding::Severity;
use phonewatch::phone::registration::{EndCause, Proof};
use phonewatch::phone::{Device, Stage};
use phonewatch::wire::dhcp::{self, DhcpBuilder, MessageType, code};
use phonewatch::wire::packet::{TcpFlags, TcpSegment};
use phonewatch::wire::sccp::{KeypadButton, UnregisterStatus, encode};
use phonewatch::wire::tftp::Tftp;

use support::trial::Drive;
use support::{Connection, Entry, Host, Outcome, Scene};

const NAME: &str = "SEP003094C26E7C";
const PHONE: Host = Host::new([0x00, 0x30, 0x94, 0xC2, 0x6E, 0x7C], [144, 254, 195, 10]);
const ROUTER: Host = Host::new([0x00, 0xB0, 0xC2, 0x88, 0x67, 0x60], [144, 254, 195, 25]);
const COMPUTER: Host = Host::new([0x00, 0x50, 0x04, 0x11, 0x22, 0x33], [144, 254, 195, 30]);
const DHCP_SERVER: Host = Host::new([0x00, 0x50, 0x04, 0x44, 0x55, 0x66], [144, 254, 195, 2]);
const ACTIVE: Host = far([171, 68, 10, 1]);
const STANDBY: Host = far([171, 68, 10, 2]);
const NAME_SERVER: Host = far([171, 68, 10, 70]);
const FILE_SERVER: Host = far([171, 69, 3, 9]);
const MAIL_SERVER: Host = far([198, 133, 219, 25]);

/// A host beyond the router, whose frames bear the router's hardware address.
const fn far(address: [u8; 4]) -> Host {
    Host::new([0x00, 0xB0, 0xC2, 0x88, 0x67, 0x60], address)
}

/// The guide gives no times; these are those of a phone that is reset by its keys.
fn trace() -> Scene {
    let mut scene = Scene::new();
    let mut active = Connection {
        phone_next: 1_115_352_673,
        server_next: 909_316_165,
        ..Connection::established(PHONE, 51_097, ACTIVE)
    };
    let mut standby = Connection {
        phone_next: 1_116_241_065,
        server_next: 394_908_920,
        ..Connection::established(PHONE, 51_098, STANDBY)
    };
    let key = |symbol| {
        let key = KeypadButton {
            button: symbol,
            line: None,
            call: None,
        };
        encode::keypad_button(0, &key)
    };
    let (star, hash) = (key(14), key(15));

    // The keys * * # * *, of which all but the last are acknowledged at once.
    for (second, pressed) in [(0.0, &star), (0.2, &star), (0.4, &hash), (0.6, &star)] {
        scene.at(second);
        active.phone_sends(&mut scene, pressed);
        active.server_acks(&mut scene);
    }
    scene.at(0.8);
    let before_last_key = active.phone_next;
    active.phone_sends(&mut scene, &star);
    active.phone_sends(&mut scene, &encode::unregister(0, None));
    active.phone_fin(&mut scene);
    standby.phone_fin(&mut scene);
    // The server acknowledges what came before the FIN, answers, and only then acknowledges the FIN.
    server_acks(&mut scene, &active, 1_115_352_765, active.server_next);
    let after_answer = active.server_next + 16;
    let answer = unregister_ack();
    active.server_sends(&mut scene, &answer);

    // A file server's client that has nothing to do with phones.
    scene.at(0.9);
    let file_server = Connection {
        server: COMPUTER,
        server_port: 139,
        phone_next: 1_293_397_981,
        server_next: 586_045_844,
        ..Connection::established(FILE_SERVER, 1762, COMPUTER)
    };
    file_server.syn(&mut scene);
    syn_ack(&mut scene, &file_server);

    scene.at(1.0);
    server_acks(&mut scene, &active, 1_115_352_766, after_answer);
    server_acks(&mut scene, &standby, 1_116_241_066, standby.server_next);

    scene.at(2.0);
    renewal(&mut scene);
    scene.at(2.1).arp(&PHONE, &ROUTER);

    // One FIN was not acknowledged in time for the phone.
    scene.at(2.3);
    standby.phone_fin_again(&mut scene);
    server_acks(&mut scene, &standby, 1_116_241_066, standby.server_next);

    // The last key and the Unregister once more; the server does not move its window.
    scene.at(2.5);
    let mut again = star.clone();
    again.extend(encode::unregister(0, None));
    let mut repeated = active.phone_segment(before_last_key, TcpFlags::PSH | TcpFlags::ACK, &again);
    repeated.acknowledgment = Some(909_316_165);
    scene.tcp(&PHONE, &ACTIVE, &repeated);
    for _ in 0..3 {
        server_acks(&mut scene, &active, 1_115_352_766, after_answer);
    }

    scene.at(2.8).arp(&COMPUTER, &ROUTER);
    let mail = Connection {
        phone_next: 84_199_591,
        server_next: 1_533_312_000,
        ..Connection::established(COMPUTER, 2131, MAIL_SERVER).on_port(110)
    };
    mail.syn(&mut scene);

    scene.at(3.0);
    scene.dns((&PHONE, 49_152), &NAME_SERVER, "CiscoCM1.cisco.com", None);
    scene.at(3.2);
    scene.tftp(
        (&PHONE, 50_001),
        (&ACTIVE, 3301),
        "OS79XX.TXT",
        b"P00303020214",
    );

    // The configuration of CallManager 3 is compiled: no XML, and right as it is.
    scene.at(3.4);
    let compiled: Vec<u8> = (0..180_u8)
        .map(|byte| byte.wrapping_mul(37) ^ 0x81)
        .collect();
    scene.tftp_request((&PHONE, 50_002), &ACTIVE, "SEP003094C26E7C.cnf");
    scene.at(3.45);
    syn_ack(&mut scene, &mail);
    let mut established = mail.clone();
    established.phone_next = established.phone_next.wrapping_add(1);
    established.server_next = established.server_next.wrapping_add(1);
    established.phone_acks(&mut scene);
    scene.at(3.5);
    one_block(&mut scene, (&PHONE, 50_002), (&ACTIVE, 3302), &compiled);

    // The phone never read the answer to its Unregister.
    scene.at(3.8);
    let mut late = active.phone_segment(active.phone_next, TcpFlags::ACK, &[]);
    late.acknowledgment = Some(909_316_165);
    late.window = 1000;
    scene.tcp(&PHONE, &ACTIVE, &late);
    scene
}

fn unregister_ack() -> Vec<u8> {
    encode::unregister_ack(0, UnregisterStatus::Ok)
}

/// A bare acknowledgment of a server, by numbers.
fn server_acks(scene: &mut Scene, connection: &Connection, acknowledgment: u32, sequence: u32) {
    let segment = TcpSegment {
        source_port: connection.server_port,
        destination_port: connection.phone_port,
        sequence,
        acknowledgment: Some(acknowledgment),
        flags: TcpFlags::ACK,
        window: 16_440,
        payload: &[],
        payload_length: 0,
    };
    scene.tcp(&connection.server, &connection.phone, &segment);
}

fn syn_ack(scene: &mut Scene, connection: &Connection) {
    let segment = TcpSegment {
        source_port: connection.server_port,
        destination_port: connection.phone_port,
        sequence: connection.server_next,
        acknowledgment: Some(connection.phone_next.wrapping_add(1)),
        flags: TcpFlags::SYN | TcpFlags::ACK,
        window: 8760,
        payload: &[],
        payload_length: 0,
    };
    scene.tcp(&connection.server, &connection.phone, &segment);
}

/// The phone asks, as after a reset, whether it may keep its address; both messages go to everyone.
fn renewal(scene: &mut Scene) {
    let request = DhcpBuilder::new(MessageType::Request, 0x3094_C26E, PHONE.mac)
        .option(code::HOST_NAME, NAME.as_bytes())
        .option(code::VENDOR_CLASS, b"Cisco Systems, Inc. IP Phone 7960\0")
        .addresses(code::REQUESTED_ADDRESS, &[PHONE.address])
        .build();
    let from = PHONE.with_address(Ipv4Addr::UNSPECIFIED);
    scene.broadcast((&from, dhcp::CLIENT_PORT), dhcp::SERVER_PORT, &request);
    let ack = DhcpBuilder::new(MessageType::Ack, 0x3094_C26E, PHONE.mac)
        .your_address(PHONE.address)
        .server_address(ACTIVE.address)
        .addresses(code::SERVER_IDENTIFIER, &[DHCP_SERVER.address])
        .option(code::LEASE_TIME, &259_200_u32.to_be_bytes())
        .option(code::SUBNET_MASK, &[255, 255, 255, 0])
        .addresses(code::ROUTERS, &[ROUTER.address])
        .addresses(code::DNS_SERVERS, &[NAME_SERVER.address])
        .addresses(code::TFTP_SERVER_ADDRESSES, &[ACTIVE.address])
        .build();
    scene.broadcast((&DHCP_SERVER, dhcp::SERVER_PORT), dhcp::CLIENT_PORT, &ack);
}

/// The only block of a file, and its acknowledgment.
fn one_block(scene: &mut Scene, client: (&Host, u16), server: (&Host, u16), bytes: &[u8]) {
    scene.udp(server, client, &Tftp::Data { block: 1, bytes }.encode());
    scene.udp(client, server, &Tftp::Ack { block: 1 }.encode());
}

#[test]
fn the_trace_has_the_rows_of_the_guide() {
    let lengths: Vec<usize> = trace()
        .entries
        .iter()
        .filter_map(Entry::frame)
        .map(|frame| frame.bytes.len())
        .collect();
    assert_eq!(lengths.len(), 42, "rows");
    // Where the guide's length is that of the message and not of the padding of an Ethernet frame.
    for (row, length) in [
        (0, 70),
        (2, 70),
        (4, 70),
        (6, 70),
        (8, 70),
        (9, 66),
        (13, 70),
        (24, 82),
    ] {
        assert_eq!(lengths[row], length, "row {}", row + 1);
    }
    assert_eq!(lengths[39], 226, "the configuration in one block");
}

fn the_phone(outcome: &Outcome) -> &Device {
    assert_eq!(outcome.labels(), [NAME], "noise makes no device");
    outcome.device(NAME)
}

#[test]
fn it_reads_as_one_phone() {
    let outcome = trace().run();
    let device = the_phone(&outcome);
    assert!(device.is_phone());
    assert_eq!(device.mac, Some(PHONE.mac));
    assert_eq!(device.address, Some(IpAddr::V4(PHONE.address)));
    assert_eq!(outcome.names(), [NAME]);
}

#[test]
fn it_reads_as_a_reset_by_the_user_of_a_phone_that_was_registered() {
    let outcome = trace().run();
    let device = the_phone(&outcome);
    let happened: Vec<&EventKind> = outcome
        .events
        .iter()
        .map(|event| &event.kind)
        .filter(|kind| {
            matches!(
                kind,
                EventKind::Registered { .. } | EventKind::Unregistered { .. }
            )
        })
        .collect();
    let active = IpAddr::V4(ACTIVE.address);
    assert_eq!(
        happened,
        [
            &EventKind::Registered {
                callmanager: active,
                kind: None,
                proof: Proof::Inferred
            },
            &EventKind::Unregistered {
                callmanager: active,
                cause: EndCause::User
            },
        ]
    );
    let registration = &device.registration;
    assert_eq!(registration.current, None);
    assert_eq!(
        (registration.registrations, registration.unregistrations),
        (0, 1)
    );
    assert_eq!((registration.moves, registration.rejects), (0, 0));
    assert_eq!(
        outcome
            .callmanager(ACTIVE.address)
            .unregistrations
            .count("user"),
        1
    );
    assert_eq!(outcome.callmanager(ACTIVE.address).registered, 0);
    // Five keys and one Unregister, though two of them came twice.
    assert_eq!(outcome.messages().get("KeypadButton"), Some(&5));
    assert_eq!(outcome.messages().get("Unregister"), Some(&1));
    assert_eq!(outcome.messages().get("UnregisterAck"), Some(&1));
}

#[test]
fn what_is_told_of_it_is_a_reset_by_its_user() {
    let outcome = trace().run();
    let device = the_phone(&outcome);
    let finding = device.findings.of("user_reset").expect("a reset");
    assert_eq!(finding.severity, Severity::Info);
    let active = ACTIVE.address;
    assert!(
        finding
            .summary
            .contains(&format!("registered with {active}")),
        "{}",
        finding.summary
    );
    let registering = ["connecting", "registering", "rejected", "registered"];
    let others: Vec<&str> = outcome
        .raised()
        .map(|(_, finding)| finding.code)
        .filter(|code| entry(code).is_some_and(|entry| registering.contains(&entry.stage)))
        .collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn it_reads_as_a_new_boot_as_far_as_the_configuration() {
    let outcome = trace().run();
    let device = the_phone(&outcome);
    let dhcp = device.dhcp.as_deref().expect("it asked DHCP");
    assert_eq!((dhcp.requests, dhcp.naks), (1, 0));
    let lease = dhcp.lease.as_deref().expect("it was given an address");
    assert_eq!(lease.address, IpAddr::V4(PHONE.address));
    assert_eq!(lease.server, Some(IpAddr::V4(DHCP_SERVER.address)));
    assert_eq!(device.boot.passes, 1);
    assert_eq!(device.stage, Stage::Tftp, "it does not register any more");
    let tftp = &device.tftp;
    assert_eq!((tftp.requests, tftp.completed), (2, 2));
    assert_eq!((tftp.not_found, tftp.errors, tftp.unanswered), (0, 0, 0));
    assert_eq!(tftp.unreadable, 0, "a compiled file is not a broken one");
    assert!(tftp.configured.is_some());
    assert_eq!(outcome.transfers(ACTIVE.address, "completed"), 2);
}

#[test]
fn it_reads_as_a_name_that_does_not_exist() {
    let outcome = trace().run();
    assert_eq!(the_phone(&outcome).dns_failures, 1);
    let failed: Vec<String> = outcome
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::DnsFailed { name, .. } => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    assert_eq!(failed, ["ciscocm1.cisco.com"]);
    assert_eq!(outcome.snapshot.totals.dns_lookups.count("name_error"), 1);
}

#[test]
fn it_ends_with_the_name_that_was_not_found() {
    let outcome = trace().run();
    let device = the_phone(&outcome);
    let finding = device.findings.of("dns_failure").expect("it was raised");
    assert!(finding.is_active());
    let name_server = IpAddr::V4(NAME_SERVER.address);
    assert_eq!(finding.server, Some(name_server));
    assert!(
        finding
            .summary
            .contains("answered \"Name error\" for ciscocm1.cisco.com"),
        "{}",
        finding.summary
    );
}

#[test]
fn it_shows_no_gap_and_no_refusal() {
    let outcome = trace().run();
    let device = the_phone(&outcome);
    assert_eq!(device.keepalives.missed, 0);
    assert_eq!(
        (
            device.keepalives.callmanager_gaps,
            device.keepalives.phone_gaps
        ),
        (0, 0)
    );
    assert_eq!(device.keepalives.open_gap, None);
    assert_eq!((device.tcp_refused, device.tcp_unanswered), (0, 0));
}

/// The rows of the guide that are the phone's: who, to whom, how long, what.
const LISTED: [&str; 35] = [
    "144.254.195.10:51097 > 171.68.10.1:2000 70: SCCP KeypadButton *",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352689, window 8192",
    "144.254.195.10:51097 > 171.68.10.1:2000 70: SCCP KeypadButton *",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352705, window 8192",
    "144.254.195.10:51097 > 171.68.10.1:2000 70: SCCP KeypadButton #",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352721, window 8192",
    "144.254.195.10:51097 > 171.68.10.1:2000 70: SCCP KeypadButton *",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352737, window 8192",
    "144.254.195.10:51097 > 171.68.10.1:2000 70: SCCP KeypadButton *",
    "144.254.195.10:51097 > 171.68.10.1:2000 66: SCCP Unregister",
    "144.254.195.10:51097 > 171.68.10.1:2000 54: TCP FIN: closes the connection, SEQ 1115352765",
    "144.254.195.10:51098 > 171.68.10.2:2000 54: TCP FIN: closes the connection, SEQ 1116241065",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352765, window 16440",
    "171.68.10.1:2000 > 144.254.195.10:51097 70: SCCP UnregisterAck ok",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352766, window 16440",
    "171.68.10.2:2000 > 144.254.195.10:51098 54: TCP ACK 1116241066, window 16440",
    "0.0.0.0:68 > 255.255.255.255:67 345: DHCP REQUEST xid 0x3094c26e for 00:30:94:c2:6e:7c: 144.254.195.10",
    "144.254.195.2:67 > 255.255.255.255:68 342: DHCP ACK xid 0x3094c26e for 00:30:94:c2:6e:7c: 144.254.195.10",
    "00:30:94:c2:6e:7c > ff:ff:ff:ff:ff:ff 42: ARP 144.254.195.10 asks who has 144.254.195.25",
    "00:b0:c2:88:67:60 > 00:30:94:c2:6e:7c 42: ARP 144.254.195.25 is at 00:b0:c2:88:67:60",
    "144.254.195.10:51098 > 171.68.10.2:2000 54: TCP FIN: closes the connection, SEQ 1116241065 (retransmission)",
    "171.68.10.2:2000 > 144.254.195.10:51098 54: TCP ACK 1116241066, window 16440 (said before: window frozen)",
    "144.254.195.10:51097 > 171.68.10.1:2000 82: SCCP KeypadButton *; Unregister (retransmission)",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352766, window 16440 (said before: window frozen)",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352766, window 16440 (said before: window frozen)",
    "171.68.10.1:2000 > 144.254.195.10:51097 54: TCP ACK 1115352766, window 16440 (said before: window frozen)",
    "144.254.195.10:49152 > 171.68.10.70:53 78: DNS A ciscocm1.cisco.com?",
    "171.68.10.70:53 > 144.254.195.10:49152 78: DNS A ciscocm1.cisco.com: Name error",
    "144.254.195.10:50001 > 171.68.10.1:69 61: TFTP read OS79XX.TXT",
    "171.68.10.1:3301 > 144.254.195.10:50001 58: TFTP data block 1, 12 bytes",
    "144.254.195.10:50001 > 171.68.10.1:3301 46: TFTP ack block 1",
    "144.254.195.10:50002 > 171.68.10.1:69 70: TFTP read SEP003094C26E7C.cnf",
    "171.68.10.1:3302 > 144.254.195.10:50002 226: TFTP data block 1, 180 bytes",
    "144.254.195.10:50002 > 171.68.10.1:3302 46: TFTP ack block 1",
    "144.254.195.10:51097 > 171.68.10.1:2000 54: TCP ACK 909316165, window 1000",
];

#[test]
fn it_is_listed_as_a_sniffer_would() {
    let mut drive = Drive::new(Settings::default());
    for entry in &trace().entries {
        drive.take(entry);
    }
    let listed: Vec<String> = drive
        .trace(NAME)
        .into_iter()
        .map(|line| {
            format!(
                "{} > {} {}: {}",
                line.source, line.destination, line.length, line.summary
            )
        })
        .collect();
    assert_eq!(listed, LISTED);
}
