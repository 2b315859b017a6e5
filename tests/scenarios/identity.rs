//! Whose packet it is, and what is nobody's.

use phonewatch::event::EventKind;
use phonewatch::phone::Stage;
use phonewatch::phone::registration::Proof;
use phonewatch::wire::dhcp::MessageType;
use phonewatch::wire::sccp::{DeviceKind, DeviceType, encode};

use crate::support::stories::{DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::{Connection, Host, Phone, Scene};

#[test]
fn two_phones_behind_one_address_stay_two() {
    const ROUTER: [u8; 6] = [0x00, 0x0C, 0xCE, 9, 9, 9];
    let mut scene = Scene::new();
    let one = Phone::new(100).behind(ROUTER, [192, 0, 2, 1]);
    let other = Phone::new(101).behind(ROUTER, [192, 0, 2, 1]);
    let mut first = one.registered(&mut scene, 51_000, &PRIMARY);
    let mut second = other.registered(&mut scene, 61_000, &PRIMARY);
    for half_minute in 1..=4 {
        scene.at(f64::from(half_minute) * 30.0);
        first.keepalive(&mut scene);
        second.keepalive(&mut scene);
    }
    scene.at(130.0);
    second.server_resets(&mut scene);
    scene.at(150.0);
    first.keepalive(&mut scene);
    let outcome = scene.run();
    let mut names = [one.name.to_string(), other.name.to_string()];
    names.sort();
    assert_eq!(outcome.labels(), names);
    let device = outcome.device(one.name.as_str());
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(
        (outcome.pulse(device).keepalives, device.keepalives.missed),
        (5, 0)
    );
    assert_eq!(device.mac, one.name.mac(), "not the router's");
    let device = outcome.device(other.name.as_str());
    assert_eq!(device.stage, Stage::Lost);
    assert_eq!(outcome.pulse(device).keepalives, 4);
    assert_eq!(device.registration.unregistrations, 1);
    for device in outcome.shown() {
        assert_eq!(
            (device.registration.registrations, device.registration.moves),
            (1, 0)
        );
    }
    assert_eq!(outcome.callmanager(PRIMARY.address).registered, 1);
}

#[test]
fn a_name_that_comes_late_takes_over_what_was_known() {
    let mut scene = Scene::new();
    let phone = Phone::new(102);
    let name = phone.name.as_str();
    let mut connection = Connection::established(phone.host, 51_000, PRIMARY);
    for half_minute in 0..4 {
        scene.at(f64::from(half_minute) * 30.0);
        connection.keepalive(&mut scene);
    }
    let before = scene.run();
    assert_eq!(before.shown().len(), 1);
    assert_eq!(before.names(), [""; 0]);

    scene.at(100.0);
    phone.alarms(&mut scene, &mut connection, "Initialized");
    scene.at(120.0);
    connection.keepalive(&mut scene);
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [name]);
    let device = outcome.device(name);
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(device.registration.current.unwrap().proof, Proof::Inferred);
    assert_eq!(device.registration.registrations, 0);
    assert!(
        outcome.pulse(device).keepalives >= 4,
        "{:?}",
        device.keepalives
    );
    assert_eq!(outcome.callmanager(PRIMARY.address).registered, 1);
    assert_eq!(
        outcome.count(|kind| matches!(kind, EventKind::DeviceNamed)),
        1
    );
}

#[test]
fn what_boots_and_what_registers_is_one_device() {
    let mut scene = Scene::new();
    let phone = Phone::new(103);
    phone.leases(&mut scene, &DHCP_SERVER, 0x400);
    scene.at(1.0);
    // SCCP is seen from its middle: the address is all that ties it to the phone.
    let mut connection = Connection::established(phone.host, 51_000, PRIMARY);
    connection.keepalive(&mut scene);
    connection.keepalives(&mut scene, 30.0, 70.0);
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [phone.name.as_str()]);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(device.registration.current.unwrap().proof, Proof::Inferred);
}

#[test]
fn an_address_that_a_phone_declines_is_no_longer_its_own() {
    let mut scene = Scene::new();
    let phone = Phone::new(105);
    phone.leases(&mut scene, &DHCP_SERVER, 0x500);
    let decline = phone.dhcp_message(MessageType::Decline, 0x500).build();
    phone.broadcasts(&mut scene, &decline);
    // Who has it asks for a file that many a host asks for.
    let owner = Host::new([0x00, 0x1B, 0x21, 0, 0, 1], phone.host.address.octets());
    scene.tftp_not_found((&owner, 50_000), (&DHCP_SERVER, 40_000), "OS79XX.TXT");
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.address, None);
    assert_eq!((device.tftp.requests, device.tftp.not_found), (0, 0));
    assert_eq!(device.stage, Stage::Dhcp);
}

#[test]
fn a_file_name_in_lower_case_names_the_same_phone() {
    let mut scene = Scene::new();
    let phone = Phone::new(104);
    let client = (&phone.host, 50_000);
    let file = phone.config_file().to_ascii_lowercase();
    scene.tftp_not_found(client, (&DHCP_SERVER, 40_000), &file);
    phone.registered(&mut scene, 51_000, &PRIMARY);
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [phone.name.as_str()]);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.tftp.not_found, 1);
    assert_eq!(device.registration.registrations, 1);
}

#[test]
fn a_phone_that_gets_another_address_stays_one_phone() {
    let mut scene = Scene::new();
    let phone = Phone::new(105);
    let mut first = phone.registered(&mut scene, 51_000, &PRIMARY);
    scene.at(10.0);
    first.phone_closes(&mut scene);
    let moved = Phone::with(phone.host.mac.0, [10, 2, 2, 105]);
    moved.leases(&mut scene, &DHCP_SERVER, 0x401);
    moved.registered(&mut scene, 51_001, &PRIMARY);
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [phone.name.as_str()]);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.address, Some(moved.host.address.into()));
    assert_eq!(device.registration.registrations, 2);
}

#[test]
fn names_need_not_be_hardware_addresses() {
    let mut scene = Scene::new();
    let mut phone = Phone::new(106);
    phone.name = "VGB0011223344".parse().unwrap();
    phone.device_type = DeviceType(30_027);
    phone.registered(&mut scene, 51_000, &PRIMARY);
    let outcome = scene.run();
    assert_eq!(outcome.labels(), ["VGB0011223344"]);
    let device = outcome.device("VGB0011223344");
    assert_eq!(device.stage, Stage::Registered);
    assert_ne!(device.kind(), DeviceKind::Media);
}

/// A TCP conversation on port 2000 that is not SCCP.
fn conversation(sent: &[&[u8]], answered: &[&[u8]], port: u16) -> Scene {
    let mut scene = Scene::new();
    let client = Host::new([2, 0, 0, 0, 0, 1], [10, 1, 1, 201]);
    let mut connection = Connection::established(client, 40_000, SECONDARY).on_port(port);
    connection.shake_hands(&mut scene);
    for (question, answer) in sent.iter().zip(answered) {
        connection.phone_sends(&mut scene, question);
        connection.server_sends(&mut scene, answer);
        connection.phone_acks(&mut scene);
        scene.pass(1.0);
    }
    connection.phone_closes(&mut scene);
    scene
}

#[test]
fn text_on_the_port_of_sccp_makes_no_device() {
    let scene = conversation(
        &[
            b"hello, is there anybody?\n",
            b"GET / HTTP/1.0\r\n\r\n",
            b"\n\n\n\n\n\n",
        ],
        &[b"yes\n", b"HTTP/1.0 200 OK\r\n\r\n", b"bye\n"],
        2000,
    );
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [""; 0]);
    assert_eq!(outcome.snapshot.totals.sccp_messages.total(), 0);
}

#[test]
fn tls_makes_no_device_on_either_port() {
    let hello = [
        &[
            0x16, 0x03, 0x01, 0x00, 0x41, 0x01, 0x00, 0x00, 0x3D, 0x03, 0x01,
        ][..],
        &[0x5A; 59],
    ]
    .concat();
    let data = [&[0x17, 0x03, 0x01, 0x00, 0x20][..], &[0xA7; 32]].concat();
    for port in [2000, 2443] {
        let scene = conversation(&[&hello, &data, &data], &[&hello, &data, &data], port);
        let outcome = scene.run();
        assert_eq!(outcome.labels(), [""; 0], "port {port}");
        assert_eq!(
            outcome.snapshot.totals.sccp_messages.total(),
            0,
            "port {port}"
        );
    }
}

#[test]
fn a_computer_that_asks_dhcp_is_not_shown() {
    let mut scene = Scene::new();
    let computer = Phone::with([2, 0, 0, 0, 0, 2], [10, 1, 1, 202]);
    let discover =
        phonewatch::wire::dhcp::DhcpBuilder::new(MessageType::Discover, 0x500, computer.host.mac)
            .option(phonewatch::wire::dhcp::code::VENDOR_CLASS, b"MSFT 5.0")
            .option(phonewatch::wire::dhcp::code::HOST_NAME, b"reception")
            .build();
    computer.broadcasts(&mut scene, &discover);
    let outcome = scene.run();
    assert_eq!(outcome.labels(), [""; 0]);
    assert_eq!(outcome.snapshot.totals.dhcp_requests.count("discover"), 1);
}

#[test]
fn a_register_that_is_not_answered_makes_a_device_that_is_not_registered() {
    let mut scene = Scene::new();
    let phone = Phone::new(107);
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    phone.asks(&mut scene, &mut connection);
    scene.pass(10.0);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Registering);
    assert_eq!(device.registration.registrations, 0);
    assert_eq!(outcome.callmanager(PRIMARY.address).registered, 0);
}

#[test]
fn an_acknowledgment_without_a_register_is_a_registration_only_by_inference() {
    let mut scene = Scene::new();
    let phone = Phone::new(108);
    let mut connection = Connection::established(phone.host, 51_000, PRIMARY);
    let ack = phonewatch::wire::sccp::RegisterAck {
        keepalive: Some(std::time::Duration::from_secs(30)),
        standby_keepalive: None,
        protocol_version: None,
    };
    connection.server_sends(&mut scene, &encode::register_ack(0, &ack));
    connection.phone_acks(&mut scene);
    connection.keepalives(&mut scene, 30.0, 40.0);
    let outcome = scene.run();
    let device = outcome.shown()[0];
    assert_eq!(device.registration.registrations, 0, "no Register was seen");
    assert_eq!(device.registration.current.unwrap().proof, Proof::Inferred);
}
