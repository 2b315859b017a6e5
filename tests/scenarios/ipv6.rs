//! Phones with IPv6 addresses, alone or beside one of IPv4.

use std::net::{IpAddr, Ipv6Addr};

use etherparse::PacketBuilder;
use phonewatch::finding::Finding;
use phonewatch::phone::Stage;
use phonewatch::wire::dhcpv6::{Dhcpv6Builder, MessageType, SERVER_PORT, code};

use crate::support::dhcpv6::{
    ALL_SERVERS, LINK_LOCAL, RELAY, answers, datagram, leases_with, message, question, says,
    solicits, v6,
};
use crate::support::stories::{DHCP_SERVER, PRIMARY};
use crate::support::transform::over_ipv6;
use crate::support::{Connection, Outcome, Phone, Scene};

/// The four messages that give a phone its address.
fn leases(scene: &mut Scene, phone: &Phone, address: Ipv6Addr) {
    says(scene, phone, message(phone, MessageType::Solicit, 1));
    let advertise = message(phone, MessageType::Advertise, 1).address(address, 3600);
    answers(scene, advertise);
    says(scene, phone, message(phone, MessageType::Request, 2));
    answers(
        scene,
        message(phone, MessageType::Reply, 2).address(address, 3600),
    );
}

/// A phone asks who has the address of its router, and so says where it is itself.
fn asks_for_its_router(scene: &mut Scene, phone: &Phone, hop_limit: u8) {
    let mut frame = Vec::new();
    let option = [&[1, 1], &phone.host.mac.0[..]].concat();
    let payload = [&RELAY.octets()[..], &option].concat();
    PacketBuilder::ethernet2(phone.host.mac.0, [0x33, 0x33, 0xff, 0, 0, 1])
        .ipv6(v6(&phone.host).octets(), ALL_SERVERS.octets(), hop_limit)
        .icmpv6_raw(135, 0, [0; 4])
        .write(&mut frame, &payload)
        .unwrap();
    scene.frame(frame);
}

/// A connection over IPv6 that is seen from its middle: the address is all that ties it to a phone.
fn keeps_alive_over_ipv6(scene: &mut Scene, phone: &Phone) {
    let mut told = Scene::new();
    told.at(scene.seconds() + 1.0);
    let mut connection = Connection::established(phone.host, 51_000, PRIMARY);
    connection.keepalive(&mut told);
    let until = told.seconds() + 70.0;
    connection.keepalives(&mut told, 30.0, until);
    scene.entries.extend(over_ipv6(&told.entries));
    scene.at(told.seconds());
}

fn assert_is_registered(outcome: &Outcome, phone: &Phone) {
    assert_eq!(outcome.labels(), [phone.name.as_str()]);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Registered);
    let current = device.registration.current.unwrap();
    assert_eq!(current.callmanager, IpAddr::V6(v6(&PRIMARY)));
}

#[test]
fn solicits_that_nobody_answers_mean_nothing() {
    let mut scene = Scene::new();
    let phone = Phone::new(120);
    phone.cdp(&mut scene);
    phone.leases(&mut scene, &DHCP_SERVER, 0x600);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    // For as long as it is up.
    for try_ in 0_u16..40 {
        scene.at(10.0 + 30.0 * f64::from(try_));
        let solicit = message(&phone, MessageType::Solicit, 5);
        let elapsed = (3000 * u32::from(try_)).min(0xFFFF);
        let elapsed = u16::try_from(elapsed).unwrap().saturating_sub(try_);
        says(
            &mut scene,
            &phone,
            solicit.option(code::ELAPSED_TIME, &elapsed.to_be_bytes()),
        );
        connection.keepalive(&mut scene);
    }
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [phone.name.as_str()]);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(device.address, Some(IpAddr::V4(phone.host.address)));
    assert_eq!(device.dhcp.as_ref().unwrap().requests, 2, "of IPv4");
    assert_eq!(outcome.raised().count(), 0);
    let totals = &outcome.snapshot.totals;
    assert_eq!(totals.dhcp_requests.count("v6_solicit"), 40);
}

#[test]
fn what_is_given_an_address_and_what_registers_from_it_is_one_phone() {
    let mut scene = Scene::new();
    let phone = Phone::new(121);
    leases(&mut scene, &phone, v6(&phone.host));
    keeps_alive_over_ipv6(&mut scene, &phone);
    let outcome = scene.run();
    assert_is_registered(&outcome, &phone);
    let totals = &outcome.snapshot.totals;
    let requests: Vec<_> = totals.dhcp_requests.iter().collect();
    assert_eq!(requests, [("v6_request", 1), ("v6_solicit", 1)]);
    let replies: Vec<_> = totals.dhcp_replies.iter().collect();
    assert_eq!(replies, [("v6_advertise", 1), ("v6_reply", 1)]);
}

#[test]
fn neighbour_discovery_tells_where_a_known_phone_is() {
    for (hop_limit, is_known) in [(255, true), (64, false)] {
        let mut scene = Scene::new();
        let phone = Phone::new(122);
        phone.cdp(&mut scene);
        asks_for_its_router(&mut scene, &phone, hop_limit);
        keeps_alive_over_ipv6(&mut scene, &phone);
        let outcome = scene.run();
        if is_known {
            assert_is_registered(&outcome, &phone);
        } else {
            assert_eq!(outcome.shown().len(), 2, "a router passed it on");
        }
    }
}

#[test]
fn a_phone_with_both_versions_is_found_by_both_addresses() {
    let mut scene = Scene::new();
    let phone = Phone::new(123);
    phone.leases(&mut scene, &DHCP_SERVER, 0x700);
    leases(&mut scene, &phone, v6(&phone.host));
    let client = (&phone.host, 50_000);
    scene.tftp_not_found(client, (&DHCP_SERVER, 40_000), "OS79XX.TXT");
    let mut told = Scene::new();
    told.at(scene.seconds() + 1.0);
    told.tftp_not_found(client, (&DHCP_SERVER, 40_001), "OS79XX.TXT");
    scene.entries.extend(over_ipv6(&told.entries));
    scene.at(told.seconds());
    let booted = scene.run();
    assert_eq!(booted.labels(), [phone.name.as_str()]);
    let device = booted.device(phone.name.as_str());
    assert_eq!((device.tftp.requests, device.tftp.not_found), (2, 2));
    assert_eq!(device.address, Some(IpAddr::V4(phone.host.address)));
    keeps_alive_over_ipv6(&mut scene, &phone);
    assert_is_registered(&scene.run(), &phone);
}

#[test]
fn a_message_that_a_relay_passes_on_counts_once_and_one_that_is_repeated_twice() {
    let mut scene = Scene::new();
    let phone = Phone::new(124);
    let solicit = |elapsed: u8| {
        message(&phone, MessageType::Solicit, 9).option(code::ELAPSED_TIME, &[0, elapsed])
    };
    says(&mut scene, &phone, solicit(0));
    let relayed = |message: Dhcpv6Builder| message.relayed(true, 0, RELAY, LINK_LOCAL).build();
    let from = (DHCP_SERVER.mac, RELAY);
    datagram(
        &mut scene,
        from,
        v6(&DHCP_SERVER),
        [SERVER_PORT; 2],
        &relayed(solicit(0)),
    );
    scene.at(1.0);
    says(&mut scene, &phone, solicit(100));
    datagram(
        &mut scene,
        from,
        v6(&DHCP_SERVER),
        [SERVER_PORT; 2],
        &relayed(solicit(100)),
    );
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [phone.name.as_str()]);
    assert_eq!(outcome.snapshot.totals.dhcp_requests.count("v6_solicit"), 2);
}

#[test]
fn an_address_that_is_given_back_is_no_longer_its_own() {
    for message_type in [MessageType::Release, MessageType::Decline] {
        let mut scene = Scene::new();
        let phone = Phone::new(125);
        leases(&mut scene, &phone, v6(&phone.host));
        let has = |outcome: &Outcome| outcome.device(phone.name.as_str()).address;
        assert_eq!(has(&scene.run()), Some(IpAddr::V6(v6(&phone.host))));
        let gives_up = message(&phone, message_type, 3).address(v6(&phone.host), 0);
        says(&mut scene, &phone, gives_up);
        assert_eq!(has(&scene.run()), None, "{message_type}");
    }
}

#[test]
fn an_address_goes_from_one_phone_to_the_next() {
    let mut scene = Scene::new();
    let (one, other) = (Phone::new(126), Phone::new(127));
    one.leases(&mut scene, &DHCP_SERVER, 0x800);
    other.leases(&mut scene, &DHCP_SERVER, 0x900);
    leases(&mut scene, &one, v6(&other.host));
    leases(&mut scene, &other, v6(&other.host));
    keeps_alive_over_ipv6(&mut scene, &other);
    let outcome = scene.run();
    assert_eq!(outcome.device(one.name.as_str()).stage, Stage::Dhcp);
    assert_eq!(outcome.device(other.name.as_str()).stage, Stage::Registered);
    assert_eq!(outcome.shown().len(), 2);
}

#[test]
fn a_phone_of_ipv6_alone_is_at_the_stage_dhcp_while_it_asks() {
    let mut scene = Scene::new();
    let phone = Phone::new(128);
    solicits(&mut scene, &phone, 0, &[0, 1]);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!((device.stage, device.boot.passes), (Stage::Dhcp, 1));
    assert!(device.dhcp.is_none());
    assert_eq!(device.dhcp_requests(), 2);
    leases_with(&mut scene, &phone, Some(&v6(&DHCP_SERVER).octets()));
    keeps_alive_over_ipv6(&mut scene, &phone);
    assert_is_registered(&scene.run(), &phone);
    // It has lost its address with all the rest.
    let restarts = scene.seconds() + 1.0;
    scene.at(restarts);
    let again = question(&phone, MessageType::Solicit, 9, 0).no_address();
    says(&mut scene, &phone, again);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Dhcp);
    assert!(device.registration.current.is_none());
}

#[test]
fn a_phone_that_makes_its_address_itself_goes_on_to_ask_and_is_where_it_was() {
    let mut scene = Scene::new();
    let phone = Phone::new(129);
    solicits(&mut scene, &phone, 0, &[0]);
    asks_for_its_router(&mut scene, &phone, 255);
    keeps_alive_over_ipv6(&mut scene, &phone);
    for _ in 0..5 {
        scene.pass(5.0);
        says(
            &mut scene,
            &phone,
            question(&phone, MessageType::Solicit, 0x60, 500).no_address(),
        );
    }
    let outcome = scene.run();
    assert_is_registered(&outcome, &phone);
    let of_dhcp = |finding: &Finding| finding.code.starts_with("dhcp");
    assert!(!outcome.raised().any(|(_, finding)| of_dhcp(finding)));
}
