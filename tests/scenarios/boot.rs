//! DHCP, DNS and TFTP on the way to a CallManager.

use std::net::Ipv4Addr;

use phonewatch::event::EventKind;
use phonewatch::phone::Stage;
use phonewatch::wire::dhcp::{self, MessageType, Option150, code};

use crate::support::phone::default_config_file;
use crate::support::stories::{DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::{Host, Outcome, Phone, Scene};

const RELAY: Host = Host::new([0x00, 0x0C, 0xCE, 1, 1, 1], [10, 1, 1, 1]);

#[test]
fn a_message_and_its_relayed_copy_are_one() {
    let mut scene = Scene::new();
    let phone = Phone::new(80);
    let address = phone.host.address;
    let discover = phone.dhcp_message(MessageType::Discover, 0x77);
    let request = phone
        .dhcp_message(MessageType::Request, 0x77)
        .addresses(code::REQUESTED_ADDRESS, &[address])
        .addresses(code::SERVER_IDENTIFIER, &[DHCP_SERVER.address]);
    let option_150 = DHCP_SERVER.address.octets();
    for (asked, answered) in [(discover, MessageType::Offer), (request, MessageType::Ack)] {
        // From the phone, to the server, from the server, to the phone.
        phone.broadcasts(&mut scene, &asked.clone().build());
        let relay = (&RELAY, dhcp::SERVER_PORT);
        let server = (&DHCP_SERVER, dhcp::SERVER_PORT);
        scene.udp(relay, server, &asked.relayed_by(RELAY.address).build());
        let answer = phone.dhcp_answer(answered, 0x77, &DHCP_SERVER, &option_150);
        let answer = answer.relayed_by(RELAY.address).build();
        scene.udp(server, relay, &answer);
        scene.udp(relay, (&phone.host, dhcp::CLIENT_PORT), &answer);
        scene.pass(1.0);
    }
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    let dhcp = device.dhcp.as_deref().unwrap();
    assert_eq!(dhcp.requests, 2);
    assert_eq!(dhcp.lease.as_deref().unwrap().address, address);
    assert_eq!(device.address, Some(address.into()));
    let totals = &outcome.snapshot.totals;
    let requests: Vec<_> = totals.dhcp_requests.iter().collect();
    assert_eq!(requests, [("discover", 1), ("request", 1)]);
    let replies: Vec<_> = totals.dhcp_replies.iter().collect();
    assert_eq!(replies, [("ack", 1), ("offer", 1)]);
}

#[test]
fn a_client_that_asks_again_is_counted_again() {
    let mut scene = Scene::new();
    let phone = Phone::new(81);
    for second in [0.0, 4.0, 12.0] {
        scene.at(second);
        phone.discovers(&mut scene, 0x78);
    }
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.dhcp.as_deref().unwrap().requests, 3);
    assert_eq!(device.stage, Stage::Dhcp);
    assert_eq!(device.boot.passes, 1);
}

/// A phone that asks so often, half a minute apart, and then rests for a while.
fn asks(requests: u32, rest: f64) -> Outcome {
    let mut scene = Scene::new();
    let phone = Phone::new(82);
    for number in 0..requests {
        scene.at(f64::from(number) * 30.0);
        phone.discovers(&mut scene, 0x100 + number);
    }
    scene.pass(rest);
    scene.run()
}

fn excessive(outcome: &Outcome) -> Vec<bool> {
    outcome
        .story(Phone::new(82).name.as_str())
        .into_iter()
        .filter_map(|(_, kind)| match kind {
            EventKind::ExcessiveDhcp { began } => Some(*began),
            _ => None,
        })
        .collect()
}

#[test]
fn more_than_twelve_requests_in_ten_minutes_are_excessive() {
    let name = Phone::new(82).name;
    let twelve = asks(12, 1.0);
    assert_eq!(excessive(&twelve), [false; 0]);
    let thirteen = asks(13, 1.0);
    assert_eq!(excessive(&thirteen), [true]);
    let device = thirteen.device(name.as_str());
    assert!(device.dhcp.as_deref().unwrap().is_excessive);
    assert!(device.is_unhealthy());
    let rested = asks(13, 700.0);
    assert_eq!(excessive(&rested), [true, false]);
    let dhcp = rested.device(name.as_str()).dhcp.clone().unwrap();
    assert!(!dhcp.is_excessive);
    assert_eq!((dhcp.excessive_episodes, dhcp.requests), (1, 13));
}

#[test]
fn an_option_150_that_is_text_is_kept_as_text() {
    let mut scene = Scene::new();
    let phone = Phone::new(83);
    // Fifteen bytes, as one office's server sent them.
    phone.leases_with(&mut scene, &DHCP_SERVER, 0x79, b"192.168.25.100\0");
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    let lease = device.dhcp.as_deref().unwrap().lease.as_deref().unwrap();
    assert_eq!(
        lease.tftp.option_150,
        Some(Option150::Text(String::from("192.168.25.100")))
    );
    assert!(lease.tftp.usable().is_empty());
}

#[test]
fn a_refusal_ends_the_lease() {
    let mut scene = Scene::new();
    let phone = Phone::new(84);
    phone.leases(&mut scene, &DHCP_SERVER, 0x7A);
    scene.at(3600.0);
    let renewal = phone
        .dhcp_message(MessageType::Request, 0x7B)
        .client_address(phone.host.address)
        .build();
    let from = (&phone.host, dhcp::CLIENT_PORT);
    let server = (&DHCP_SERVER, dhcp::SERVER_PORT);
    scene.udp(from, server, &renewal);
    let nak = dhcp::DhcpBuilder::new(MessageType::Nak, 0x7B, phone.host.mac)
        .addresses(code::SERVER_IDENTIFIER, &[DHCP_SERVER.address])
        .build();
    scene.udp(server, from, &nak);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    let dhcp = device.dhcp.as_deref().unwrap();
    assert_eq!((dhcp.naks, dhcp.requests), (1, 3));
    assert_eq!(dhcp.lease, None);
    assert_eq!(
        outcome.count(|kind| matches!(kind, EventKind::DhcpRefused)),
        1
    );
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let mut scene = Scene::new();
    let phone = Phone::new(85);
    phone.leases(&mut scene, &DHCP_SERVER, 0x7C);
    let client = (&phone.host, 50_100);
    scene.tftp_not_found(client, (&DHCP_SERVER, 40_000), &phone.config_file());
    let content = default_config_file(&[PRIMARY]);
    let client = (&phone.host, 50_101);
    scene.tftp(
        client,
        (&DHCP_SERVER, 40_001),
        "XMLDefault.cnf.xml",
        content.as_bytes(),
    );
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    let tftp = &device.tftp;
    assert_eq!((tftp.requests, tftp.completed, tftp.not_found), (2, 1, 1));
    assert_eq!(
        tftp.configured, None,
        "the default configuration is not its own"
    );
    assert_eq!(device.stage, Stage::Tftp);
    assert_eq!(outcome.transfers(DHCP_SERVER.address, "not_found"), 1);
    assert_eq!(outcome.transfers(DHCP_SERVER.address, "completed"), 1);
    let failed: Vec<_> = outcome
        .story(phone.name.as_str())
        .into_iter()
        .filter_map(|(_, kind)| match kind {
            EventKind::TftpFailed { file, result } => Some((file.clone(), *result)),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(phone.config_file(), "not_found")]);

    // CallManager takes the phone all the same.
    phone.registered(&mut scene, 51_000, &PRIMARY);
    let outcome = scene.run();
    assert!(outcome.device(phone.name.as_str()).default_configuration);
}

#[test]
fn a_request_that_is_repeated_and_never_answered_is_one_failure() {
    let mut scene = Scene::new();
    let (phone, other) = (Phone::new(86), Phone::new(87));
    // The server answers somebody, so that its silence means something.
    other.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    phone.leases(&mut scene, &DHCP_SERVER, 0x7D);
    for _ in 0..4 {
        scene.pass(4.0);
        let client = (&phone.host, 50_200);
        scene.tftp_request(client, &DHCP_SERVER, &phone.config_file());
    }
    scene.pass(120.0);
    let outcome = scene.run();
    let tftp = &outcome.device(phone.name.as_str()).tftp;
    assert_eq!((tftp.requests, tftp.unanswered), (1, 1));
    assert_eq!((tftp.completed, tftp.not_found, tftp.errors), (0, 0, 0));
    assert_eq!(outcome.transfers(DHCP_SERVER.address, "no_answer"), 1);
}

#[test]
fn a_configuration_that_is_cut_short_is_unreadable() {
    let mut scene = Scene::new();
    let phone = Phone::new(88);
    let client = (&phone.host, 50_300);
    scene.tftp(
        client,
        (&DHCP_SERVER, 40_000),
        &phone.config_file(),
        b"<device><devicePool><callManagerGroup>",
    );
    let outcome = scene.run();
    let tftp = &outcome.device(phone.name.as_str()).tftp;
    assert_eq!((tftp.completed, tftp.unreadable), (1, 1));
}

#[test]
fn a_boot_through_two_vlans_is_one_boot() {
    let mut scene = Scene::new();
    let phone = Phone::new(89);
    // Without a tag at first; then CDP tells the voice VLAN and the phone begins anew in it.
    phone.discovers(&mut scene, 0x201);
    scene.at(1.0);
    phone.cdp(&mut scene);
    phone.leases(&mut scene, &DHCP_SERVER, 0x202);
    scene.at(3.0);
    let tagged = phone.in_vlan(110);
    tagged.leases(&mut scene, &DHCP_SERVER, 0x203);
    scene.at(4.0);
    tagged.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    tagged.registered(&mut scene, 51_000, &PRIMARY);
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [phone.name.as_str()]);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.boot.passes, 1);
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(device.dhcp.as_deref().unwrap().requests, 5);
}

#[test]
fn a_phone_that_loops_boots_again_and_again() {
    let mut scene = Scene::new();
    let phone = Phone::new(90);
    for round in 0..4_u32 {
        scene.at(f64::from(round) * 60.0);
        phone.leases(&mut scene, &DHCP_SERVER, 0x300 + round);
        let client = (&phone.host, 50_400 + u16::try_from(round).unwrap());
        scene.tftp_not_found(client, (&DHCP_SERVER, 40_000), &phone.config_file());
        scene.pass(20.0);
    }
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.boot.passes, 4);
    assert_eq!(device.tftp.not_found, 4);
    assert_eq!(device.dhcp.as_deref().unwrap().requests, 8);
}

#[test]
fn a_name_that_does_not_exist_is_a_failure_of_the_phone_that_asks() {
    let mut scene = Scene::new();
    let (phone, computer) = (
        Phone::new(91),
        Host::new([2, 0, 0, 0, 0, 9], [10, 1, 1, 200]),
    );
    phone.leases(&mut scene, &DHCP_SERVER, 0x7E);
    let server = Host::server(53);
    scene.dns((&phone.host, 49_000), &server, "cm1.example.com", None);
    let found = Some(Ipv4Addr::new(10, 0, 0, 11));
    scene.dns((&phone.host, 49_001), &server, "cm2.example.com", found);
    scene.dns((&computer, 49_002), &server, "wpad.example.com", None);
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [phone.name.as_str()]);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.dns_failures, 1);
    assert_eq!(device.stage, Stage::Dns);
    let failed: Vec<&str> = outcome
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::DnsFailed { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(failed, ["cm1.example.com"]);
}
