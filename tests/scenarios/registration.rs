//! Registering, moving, being refused, leaving.

use std::net::IpAddr;
use std::time::Duration;

use phonewatch::engine::{KnownServer, Settings};
use phonewatch::event::EventKind;
use phonewatch::phone::registration::{EndCause, Proof, RegistrationKind};
use phonewatch::phone::{Role, Stage};
use phonewatch::wire::sccp::{
    KeypadButton, RejectReason, ResetType, Server, ServerList, TokenRequest, UnregisterStatus,
    encode,
};

use crate::support::stories::{self, DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::{Connection, Entry, Host, Outcome, Phone, Scene};

const TERTIARY: Host = Host::server(13);

fn address(host: &Host) -> IpAddr {
    IpAddr::V4(host.address)
}

/// The registrations of a device in order: when, with whom, of which kind.
fn registrations(outcome: &Outcome, name: &str) -> Vec<(IpAddr, Option<RegistrationKind>, Proof)> {
    outcome
        .story(name)
        .into_iter()
        .filter_map(|(_, kind)| match kind {
            EventKind::Registered {
                callmanager,
                kind,
                proof,
            } => Some((*callmanager, *kind, *proof)),
            _ => None,
        })
        .collect()
}

/// The ends of a device's registrations in order.
fn ends(outcome: &Outcome, name: &str) -> Vec<(IpAddr, EndCause)> {
    outcome
        .story(name)
        .into_iter()
        .filter_map(|(_, kind)| match kind {
            EventKind::Unregistered { callmanager, cause } => Some((*callmanager, *cause)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_phone_boots_and_registers() {
    let outcome = stories::boot(21).run();
    let phone = Phone::new(21);
    let name = phone.name.as_str();
    assert_eq!(outcome.labels(), [name]);
    let device = outcome.device(name);
    assert!(device.is_phone());
    assert_eq!(device.mac, Some(phone.host.mac));
    assert_eq!(device.address, Some(address(&phone.host)));
    assert_eq!(device.model(), Some("Cisco 7960"));
    assert_eq!(device.load.as_deref(), Some("P00308000500"));
    assert_eq!(device.stage, Stage::Registered);
    let current = device.registration.current.expect("a registration");
    assert_eq!(current.callmanager, address(&PRIMARY));
    assert_eq!(current.role, Role::Primary);
    assert_eq!(current.proof, Proof::Acknowledged);
    let registration = &device.registration;
    assert_eq!((registration.registrations, registration.moves), (1, 0));
    assert_eq!((registration.rejects, registration.unregistrations), (0, 0));
    assert_eq!(device.boot.passes, 1);
    assert_eq!(device.dhcp.as_ref().unwrap().requests, 2);
    assert_eq!((device.tftp.requests, device.tftp.completed), (1, 1));
    assert_eq!(device.tftp.unreadable, 0);
    assert_eq!(
        device.last_reset_reason.as_deref().unwrap().label(),
        "initialized"
    );
    assert_eq!(
        registrations(&outcome, name),
        [(
            address(&PRIMARY),
            Some(RegistrationKind::New),
            Proof::Acknowledged
        )]
    );
    assert_eq!(
        outcome.stages(name),
        [
            Stage::Link,
            Stage::Dhcp,
            Stage::Tftp,
            Stage::Connecting,
            Stage::Registering,
            Stage::Registered
        ]
    );
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!((server.registered, server.registered_phones), (1, 1));
    assert_eq!(server.registrations.count("new"), 1);
    assert_eq!(server.tcp_connects.count("established"), 1);
    let standby = outcome.callmanager(SECONDARY.address);
    assert_eq!((standby.registered, standby.registrations.total()), (0, 0));
    assert_eq!(standby.tcp_connects.count("established"), 1);
    let boots = &outcome.snapshot.totals.boot_stages;
    let total = boots.iter().find(|(stage, _)| *stage == "total").unwrap();
    assert_eq!(total.1.count(), 1);
}

/// A phone registers with the first server, is cut off, goes to the second and comes back.
///
/// `boots` comes before it connects, `asks` once it is registered for the first time.
fn goes_and_comes_back(
    settings: Settings,
    boots: impl Fn(&mut Scene, &Phone),
    asks: impl Fn(&mut Scene, &mut Connection),
) -> Outcome {
    let mut scene = Scene::new();
    let phone = Phone::new(30);
    boots(&mut scene, &phone);
    let mut first = phone.registered(&mut scene, 51_000, &PRIMARY);
    asks(&mut scene, &mut first);
    first.keepalives(&mut scene, 30.0, 100.0);
    scene.at(110.0);
    first.server_resets(&mut scene);
    scene.at(111.0);
    let mut second = phone.registered(&mut scene, 51_001, &SECONDARY);
    second.keepalives(&mut scene, 30.0, 200.0);
    scene.at(210.0);
    let mut third = phone.registered(&mut scene, 51_002, &PRIMARY);
    second.phone_closes(&mut scene);
    third.keepalives(&mut scene, 30.0, 280.0);
    scene.run_with(settings)
}

/// The phone asks for the list of servers and gets it, the primary first.
fn asks_for_servers(scene: &mut Scene, connection: &mut Connection) {
    let list = ServerList {
        servers: [PRIMARY, SECONDARY]
            .iter()
            .map(|server| Server {
                name: server.address.to_string(),
                address: Some(address(server)),
                port: 2000,
            })
            .collect(),
    };
    connection.phone_sends(scene, &encode::server_req(0));
    connection.server_sends(scene, &encode::server_res(0, &list));
    connection.phone_acks(scene);
}

fn assert_went_and_came_back(outcome: &Outcome) {
    let phone = Phone::new(30);
    let name = phone.name.as_str();
    let acknowledged = Proof::Acknowledged;
    assert_eq!(
        registrations(outcome, name),
        [
            (address(&PRIMARY), Some(RegistrationKind::New), acknowledged),
            (
                address(&SECONDARY),
                Some(RegistrationKind::Failover),
                acknowledged
            ),
            (
                address(&PRIMARY),
                Some(RegistrationKind::Failback),
                acknowledged
            ),
        ]
    );
    assert_eq!(
        ends(outcome, name),
        [
            (address(&PRIMARY), EndCause::ClosedByCallManager),
            (address(&SECONDARY), EndCause::Replaced),
        ]
    );
    let device = outcome.device(name);
    assert_eq!(
        (device.registration.registrations, device.registration.moves),
        (3, 2)
    );
    assert_eq!(device.registration.unregistrations, 2);
    assert!(
        !device.registration.is_flapping,
        "two moves are no flapping"
    );
    assert_eq!(device.registration.current.unwrap().role, Role::Primary);
    let primary = outcome.callmanager(PRIMARY.address);
    assert_eq!(primary.registrations.count("new"), 1);
    assert_eq!(primary.registrations.count("failback"), 1);
    assert_eq!(primary.unregistrations.count("closed_by_callmanager"), 1);
    assert_eq!(primary.registered, 1);
    let secondary = outcome.callmanager(SECONDARY.address);
    assert_eq!(secondary.registrations.count("failover"), 1);
    assert_eq!(secondary.unregistrations.count("replaced"), 1);
    assert_eq!(secondary.registered, 0);
}

#[test]
fn failover_and_failback_by_the_phones_own_configuration() {
    let outcome = goes_and_comes_back(
        Settings::default(),
        |scene, phone| phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]),
        |_, _| {},
    );
    assert_went_and_came_back(&outcome);
}

#[test]
fn failover_and_failback_by_the_list_that_the_server_gives() {
    let outcome = goes_and_comes_back(Settings::default(), |_, _| {}, asks_for_servers);
    assert_went_and_came_back(&outcome);
}

#[test]
fn failover_and_failback_by_the_settings() {
    let known = |host: &Host, role: Role| KnownServer {
        address: address(host),
        name: Some(format!("cm-{}", role.label())),
        role,
    };
    let settings = Settings {
        callmanagers: vec![
            known(&PRIMARY, Role::Primary),
            known(&SECONDARY, Role::Secondary),
        ],
        ..Settings::default()
    };
    let outcome = goes_and_comes_back(settings, |_, _| {}, |_, _| {});
    assert_went_and_came_back(&outcome);
    let primary = outcome.callmanager(PRIMARY.address);
    assert_eq!(primary.name.as_deref(), Some("cm-primary"));
    assert_eq!(primary.configured_role, Role::Primary);
}

#[test]
fn where_nothing_tells_the_order_a_move_is_a_move() {
    let outcome = goes_and_comes_back(Settings::default(), |_, _| {}, |_, _| {});
    let name = Phone::new(30).name;
    let kinds: Vec<_> = registrations(&outcome, name.as_str())
        .into_iter()
        .map(|(_, kind, _)| kind.unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            RegistrationKind::New,
            RegistrationKind::Move,
            RegistrationKind::Move
        ]
    );
    let device = outcome.device(name.as_str());
    assert_eq!(device.registration.moves, 2);
    assert_eq!(device.registration.current.unwrap().role, Role::Unknown);
}

#[test]
fn the_same_server_again_is_no_move() {
    let mut scene = Scene::new();
    let phone = Phone::new(31);
    let mut first = phone.registered(&mut scene, 51_000, &PRIMARY);
    first.keepalives(&mut scene, 30.0, 60.0);
    scene.pass(3.0);
    first.phone_closes(&mut scene);
    scene.pass(2.0);
    phone.registered(&mut scene, 51_001, &PRIMARY);
    let outcome = scene.run();
    let name = phone.name.as_str();
    let device = outcome.device(name);
    assert_eq!(
        (device.registration.registrations, device.registration.moves),
        (2, 0)
    );
    assert_eq!(
        registrations(&outcome, name)[1].1,
        Some(RegistrationKind::Again)
    );
    assert_eq!(
        ends(&outcome, name),
        [(address(&PRIMARY), EndCause::ClosedByPhone)]
    );
    assert_eq!(device.boot.passes, 0, "a reconnection is no boot");
}

#[test]
fn a_standby_connection_is_no_move() {
    let outcome = stories::boot(32).run();
    let name = Phone::new(32).name;
    let device = outcome.device(name.as_str());
    assert_eq!(
        (device.registration.registrations, device.registration.moves),
        (1, 0)
    );
    assert_eq!(
        device.registration.current.unwrap().callmanager,
        address(&PRIMARY)
    );
}

/// Registers with the servers in turn, a minute apart, until `moves` moves were made.
fn flaps(scene: &mut Scene, phone: &Phone, moves: u16) -> Connection {
    let mut connection = phone.registered(scene, 52_000, &PRIMARY);
    for number in 1..=moves {
        scene.pass(60.0);
        connection.server_resets(scene);
        let server = if number % 2 == 1 { SECONDARY } else { PRIMARY };
        connection = phone.registered(scene, 52_000 + number, &server);
    }
    connection
}

fn flapping(outcome: &Outcome, name: &str) -> Vec<bool> {
    outcome
        .story(name)
        .into_iter()
        .filter_map(|(_, kind)| match kind {
            EventKind::Flapping { began } => Some(*began),
            _ => None,
        })
        .collect()
}

#[test]
fn flapping_is_raised_at_the_third_move_and_resolved_when_the_phone_rests() {
    let phone = Phone::new(33);
    let name = phone.name.as_str();

    let mut scene = Scene::new();
    flaps(&mut scene, &phone, 2);
    let outcome = scene.run();
    assert_eq!(flapping(&outcome, name), [false; 0]);

    let mut scene = Scene::new();
    let mut last = flaps(&mut scene, &phone, 3);
    let third_move = scene.now();
    let outcome = scene.run();
    assert_eq!(flapping(&outcome, name), [true]);
    assert!(outcome.device(name).registration.is_flapping);

    // The first of the three moves leaves the window half an hour after it was made.
    let until = scene.seconds() + 35.0 * 60.0;
    last.keepalives(&mut scene, 30.0, until);
    let outcome = scene.run();
    assert_eq!(flapping(&outcome, name), [true, false]);
    let registration = &outcome.device(name).registration;
    assert!(!registration.is_flapping);
    assert_eq!((registration.flapping_episodes, registration.moves), (1, 3));
    let resolved = outcome
        .story(name)
        .into_iter()
        .find(|(_, kind)| matches!(kind, EventKind::Flapping { began: false }))
        .unwrap()
        .0;
    let first_move = third_move - Duration::from_secs(120);
    let expected = first_move + Duration::from_secs(30 * 60);
    assert!(
        resolved.distance(expected) < Duration::from_secs(1),
        "resolved at {resolved}, not at {expected}"
    );
}

#[test]
fn three_moves_over_more_than_half_an_hour_are_no_flapping() {
    let phone = Phone::new(34);
    let mut scene = Scene::new();
    let mut connection = phone.registered(&mut scene, 52_000, &PRIMARY);
    for (number, server) in (1..).zip([SECONDARY, PRIMARY, TERTIARY]) {
        let until = scene.seconds() + 16.0 * 60.0;
        connection.keepalives(&mut scene, 30.0, until);
        connection.server_resets(&mut scene);
        connection = phone.registered(&mut scene, 52_000 + number, &server);
    }
    let outcome = scene.run();
    assert_eq!(outcome.device(phone.name.as_str()).registration.moves, 3);
    assert_eq!(flapping(&outcome, phone.name.as_str()), [false; 0]);
}

#[test]
fn what_another_server_says_changes_nothing_for_a_phone_that_stays_registered() {
    for is_refused in [true, false] {
        let mut scene = Scene::new();
        let phone = Phone::new(47);
        let mut primary = phone.registered(&mut scene, 50_000, &PRIMARY);
        scene.pass(5.0);
        let mut secondary = phone.connects(&mut scene, 50_001, &SECONDARY);
        phone.asks(&mut scene, &mut secondary);
        if is_refused {
            let reject = encode::register_reject(0, b"Error: No License");
            secondary.server_sends(&mut scene, &reject);
        }
        secondary.phone_closes(&mut scene);
        scene.pass(20.0);
        primary.keepalive(&mut scene);
        let outcome = scene.run();
        let device = outcome.device(phone.name.as_str());
        assert_eq!(device.stage, Stage::Registered, "refused: {is_refused}");
        assert_eq!(device.registration.rejects, u64::from(is_refused));
        let current = device.registration.current.expect("a registration");
        assert_eq!(current.callmanager, address(&PRIMARY));
        assert_eq!(registrations(&outcome, phone.name.as_str()).len(), 1);
    }
}

#[test]
fn a_rejected_phone_stays_rejected_though_it_sends_keepalives() {
    let mut scene = Scene::new();
    let phone = Phone::new(35);
    let other = Phone::new(36);
    // The server is known to acknowledge by SCCP.
    let mut good = other.registered(&mut scene, 51_000, &PRIMARY);
    good.keepalives(&mut scene, 30.0, 40.0);
    let mut connection = phone.connects(&mut scene, 51_500, &PRIMARY);
    phone.asks(&mut scene, &mut connection);
    connection.server_sends(
        &mut scene,
        &encode::register_reject(0, b"Error: No License"),
    );
    connection.phone_acks(&mut scene);
    scene.pass(20.0);
    good.keepalive(&mut scene);
    connection.keepalive_acked_by_tcp(&mut scene);
    scene.pass(30.0);
    good.keepalive(&mut scene);
    connection.keepalive(&mut scene);
    scene.pass(5.0);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Rejected);
    assert_eq!(device.registration.rejects, 1);
    assert_eq!(device.registration.registrations, 0);
    assert_eq!(device.registration.current, None);
    assert_eq!(
        device.registration.last_reject.as_deref(),
        Some(&(RejectReason::NoLicense, String::from("Error: No License")))
    );
    assert_eq!(
        (outcome.pulse(device).keepalives, device.keepalives.missed),
        (0, 0)
    );
    assert!(registrations(&outcome, phone.name.as_str()).is_empty());
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!(server.rejects.count("no_license"), 1);
    assert_eq!(server.registered, 1);
    let rejected = outcome.count(
        |kind| matches!(kind, EventKind::Rejected { text, .. } if text == "Error: No License"),
    );
    assert_eq!(rejected, 1);
}

#[test]
fn a_phone_comes_back_when_it_gets_the_token_and_not_before() {
    let mut scene = Scene::new();
    let phone = Phone::new(37);
    let name = phone.name.as_str();
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let mut second = phone.registered(&mut scene, 51_000, &SECONDARY);
    second.keepalives(&mut scene, 30.0, 65.0);
    let mut first = phone.connects(&mut scene, 51_001, &PRIMARY);
    let request = TokenRequest {
        name: Some(phone.name),
        address: Some(phone.host.address),
        device_type: phone.device_type,
    };
    first.phone_sends(&mut scene, &encode::register_token_req(0, &request));
    let wait = Duration::from_secs(60);
    first.server_sends(&mut scene, &encode::register_token_reject(0, wait));
    first.phone_acks(&mut scene);

    let refused = scene.run();
    let device = refused.device(name);
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(
        device.registration.current.unwrap().callmanager,
        address(&SECONDARY)
    );
    assert_eq!(
        (device.registration.rejects, device.registration.moves),
        (0, 0)
    );

    second.keepalives(&mut scene, 30.0, 130.0);
    first.phone_sends(&mut scene, &encode::register_token_req(0, &request));
    first.server_sends(&mut scene, &encode::register_token_ack(0));
    first.phone_acks(&mut scene);
    let allowed = scene.run();
    assert_eq!(
        allowed.device(name).registration.moves,
        0,
        "a token is no registration"
    );

    second.phone_sends(&mut scene, &encode::unregister(0, None));
    second.server_sends(&mut scene, &encode::unregister_ack(0, UnregisterStatus::Ok));
    second.phone_closes(&mut scene);
    phone.registers(&mut scene, &mut first);
    let outcome = scene.run();
    let device = outcome.device(name);
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(
        (device.registration.moves, device.registration.rejects),
        (1, 0)
    );
    assert_eq!(
        registrations(&outcome, name)[1],
        (
            address(&PRIMARY),
            Some(RegistrationKind::Failback),
            Proof::Acknowledged
        )
    );
    assert_eq!(
        ends(&outcome, name),
        [(address(&SECONDARY), EndCause::Unregistered)]
    );
}

#[test]
fn the_keys_of_a_reset_make_an_end_by_the_user() {
    let mut scene = Scene::new();
    let phone = Phone::new(38);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 40.0);
    for button in [14, 14, 15, 14, 14] {
        let key = KeypadButton {
            button,
            line: None,
            call: None,
        };
        scene.pass(0.3);
        connection.phone_sends(&mut scene, &encode::keypad_button(0, &key));
        connection.server_acks(&mut scene);
    }
    connection.phone_sends(&mut scene, &encode::unregister(0, None));
    connection.server_sends(&mut scene, &encode::unregister_ack(0, UnregisterStatus::Ok));
    connection.phone_closes(&mut scene);
    let outcome = scene.run();
    let name = phone.name.as_str();
    assert_eq!(ends(&outcome, name), [(address(&PRIMARY), EndCause::User)]);
    assert_eq!(outcome.device(name).stage, Stage::Lost);
    assert_eq!(outcome.device(name).registration.unregistrations, 1);
}

#[test]
fn other_keys_make_no_end_by_the_user() {
    let mut scene = Scene::new();
    let phone = Phone::new(39);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    for button in [14, 2, 15, 0, 14] {
        let key = KeypadButton {
            button,
            line: None,
            call: None,
        };
        scene.pass(0.3);
        connection.phone_sends(&mut scene, &encode::keypad_button(0, &key));
        connection.server_acks(&mut scene);
    }
    connection.phone_sends(&mut scene, &encode::unregister(0, None));
    connection.server_sends(&mut scene, &encode::unregister_ack(0, UnregisterStatus::Ok));
    connection.phone_closes(&mut scene);
    let outcome = scene.run();
    assert_eq!(
        ends(&outcome, phone.name.as_str()),
        [(address(&PRIMARY), EndCause::Unregistered)]
    );
}

#[test]
fn a_reset_by_the_callmanager_is_the_cause_of_the_end() {
    for (reset, word) in [
        (ResetType::Reset, "reset"),
        (ResetType::Restart, "restart"),
        (ResetType::ApplyConfig, "apply_config"),
    ] {
        let mut scene = Scene::new();
        let phone = Phone::new(40);
        let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
        connection.keepalives(&mut scene, 30.0, 40.0);
        connection.server_sends(&mut scene, &encode::reset(0, reset));
        connection.phone_acks(&mut scene);
        scene.pass(0.5);
        connection.phone_sends(&mut scene, &encode::unregister(0, None));
        connection.server_sends(&mut scene, &encode::unregister_ack(0, UnregisterStatus::Ok));
        connection.phone_closes(&mut scene);
        let outcome = scene.run();
        let name = phone.name.as_str();
        assert_eq!(
            ends(&outcome, name),
            [(address(&PRIMARY), EndCause::Reset)],
            "{word}"
        );
        let told = outcome.count(|kind| matches!(kind, EventKind::Reset { kind } if *kind == word));
        assert_eq!(told, 1, "{word}");
        let server = outcome.callmanager(PRIMARY.address);
        assert_eq!(server.unregistrations.count("reset"), 1, "{word}");
    }
}

#[test]
fn an_unregister_that_is_refused_ends_nothing() {
    let mut scene = Scene::new();
    let phone = Phone::new(41);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.phone_sends(&mut scene, &encode::unregister(0, None));
    connection.server_sends(
        &mut scene,
        &encode::unregister_ack(0, UnregisterStatus::Nak),
    );
    connection.phone_acks(&mut scene);
    connection.keepalives(&mut scene, 30.0, 100.0);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(
        device.stage,
        Stage::Registered,
        "in a call it may not leave"
    );
    assert_eq!(
        device.registration.current.unwrap().callmanager,
        address(&PRIMARY)
    );
}

#[test]
fn a_callmanager_that_stops_ends_every_registration() {
    for by_reset in [false, true] {
        let mut scene = Scene::new();
        let phones: Vec<Phone> = (50..55).map(Phone::new).collect();
        let mut connections: Vec<Connection> = phones
            .iter()
            .map(|phone| phone.registered(&mut scene, 51_000, &PRIMARY))
            .collect();
        for second in [30.0, 60.0] {
            scene.at(second);
            for connection in &mut connections {
                connection.keepalive(&mut scene);
            }
        }
        scene.at(70.0);
        for connection in &mut connections {
            if by_reset {
                connection.server_resets(&mut scene);
            } else {
                connection.server_closes(&mut scene);
            }
        }
        let outcome = scene.run();
        for phone in &phones {
            let name = phone.name.as_str();
            assert_eq!(
                ends(&outcome, name),
                [(address(&PRIMARY), EndCause::ClosedByCallManager)]
            );
            let device = outcome.device(name);
            assert_eq!(device.stage, Stage::Lost);
            assert_eq!(
                (
                    device.keepalives.callmanager_gaps,
                    device.keepalives.phone_gaps
                ),
                (0, 0)
            );
        }
        let server = outcome.callmanager(PRIMARY.address);
        assert_eq!((server.registered, server.registered_phones), (0, 0));
        assert_eq!(server.unregistrations.count("closed_by_callmanager"), 5);
        assert_eq!(server.unregistrations.total(), 5);
    }
}

#[test]
fn a_refused_connection_is_one_refusal() {
    let mut scene = Scene::new();
    let phone = Phone::new(42);
    phone.leases(&mut scene, &DHCP_SERVER, 7);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    Connection::refuse(&mut scene, phone.host, 51_000, PRIMARY);
    scene.pass(5.0);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!((device.tcp_refused, device.tcp_unanswered), (1, 0));
    assert_eq!(device.stage, Stage::Connecting);
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!(server.tcp_connects.count("refused"), 1);
    assert_eq!(server.tcp_connects.total(), 1);
    let failed = outcome.count(|kind| {
        matches!(kind, EventKind::ConnectFailed { callmanager, result: "refused" } if *callmanager == address(&PRIMARY))
    });
    assert_eq!(failed, 1);
}

#[test]
fn a_connection_that_nothing_answers_is_one_failure() {
    let mut scene = Scene::new();
    let phone = Phone::new(43);
    phone.leases(&mut scene, &DHCP_SERVER, 7);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let connection = Connection::established(phone.host, 51_000, PRIMARY);
    for wait in [0.0, 3.0, 6.0, 12.0] {
        scene.pass(wait);
        connection.syn(&mut scene);
    }
    scene.pass(60.0);
    // The other server answers, so both directions are mirrored.
    phone.registered(&mut scene, 51_001, &SECONDARY);
    scene.pass(60.0);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!((device.tcp_refused, device.tcp_unanswered), (0, 1));
    assert_eq!(
        outcome.count(|kind| matches!(
            kind,
            EventKind::ConnectFailed {
                result: "unanswered",
                ..
            }
        )),
        1
    );
    assert_eq!(
        outcome
            .callmanager(PRIMARY.address)
            .tcp_connects
            .count("unanswered"),
        1
    );
}

#[test]
fn an_answer_that_overtakes_its_question_is_its_answer() {
    // Two mirror ports: one for each direction, and the slower one shows the phone's.
    let mut scene = Scene::new();
    let phone = Phone::new(44);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 100.0);
    for entry in &mut scene.entries {
        if let Entry::Frame(frame) = entry
            && frame.bytes.get(6..12) == Some(&phone.host.mac.0)
        {
            frame.source = 1;
            frame.at = frame.at + Duration::from_millis(4);
        }
    }
    scene.entries.sort_by_key(Entry::at);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Registered);
    let registration = &device.registration;
    assert_eq!(
        (registration.registrations, registration.unregistrations),
        (1, 0)
    );
    assert_eq!(registration.current.unwrap().proof, Proof::Acknowledged);
    let kinds = registrations(&outcome, phone.name.as_str());
    assert_eq!(kinds.last().unwrap().1, Some(RegistrationKind::New));
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!((server.registered, server.registered_phones), (1, 1));
    assert_eq!(
        (outcome.pulse(device).keepalives, device.keepalives.missed),
        (3, 0)
    );
    assert_eq!(device.keepalives.callmanager_gaps, 0);
    assert_eq!((device.tcp_refused, device.tcp_unanswered), (0, 0));
}

#[test]
fn a_phone_that_starts_anew_without_a_word_replaces_its_registration() {
    let mut scene = Scene::new();
    let phone = Phone::new(45);
    let name = phone.name.as_str();
    let mut first = phone.registered(&mut scene, 51_000, &PRIMARY);
    first.keepalives(&mut scene, 30.0, 100.0);
    // Its power was cut: no FIN, and the same port again, with other numbers.
    scene.at(110.0);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    let mut second = Connection::established(phone.host, 51_000, PRIMARY);
    second.phone_next = 77_777_777;
    second.server_next = 5_555_555;
    second.shake_hands(&mut scene);
    phone.registers(&mut scene, &mut second);
    second.keepalives(&mut scene, 30.0, 200.0);
    let outcome = scene.run();
    let device = outcome.device(name);
    assert_eq!(device.stage, Stage::Registered);
    let registration = &device.registration;
    assert_eq!((registration.registrations, registration.moves), (2, 0));
    assert_eq!(registration.unregistrations, 1);
    assert_eq!(
        (device.keepalives.missed, device.keepalives.callmanager_gaps),
        (0, 0)
    );
    assert_eq!(outcome.callmanager(PRIMARY.address).registered, 1);
}

#[test]
fn a_phone_that_goes_on_where_it_was_registered_has_not_restarted() {
    let mut scene = Scene::new();
    let phone = Phone::new(47);
    let name = phone.name.as_str();
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 100.0);
    // Somebody says so in its name, or a frame of its last boot comes late.
    phone.discovers(&mut scene, 7);
    let outcome = scene.run();
    assert_eq!(
        ends(&outcome, name),
        [(address(&PRIMARY), EndCause::Restarted)]
    );
    // What it said last is repeated, which proves nothing.
    connection.phone_repeats(&mut scene);
    assert_eq!(scene.run().callmanager(PRIMARY.address).registered, 0);
    connection.keepalives(&mut scene, 30.0, 400.0);
    let outcome = scene.run();
    let device = outcome.device(name);
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(device.registration.current.unwrap().proof, Proof::Inferred);
    assert_eq!(outcome.callmanager(PRIMARY.address).registered, 1);
    assert!(outcome.pulse(device).keepalives >= 11);
}

#[test]
fn a_router_that_takes_over_is_the_last_resort() {
    let mut scene = Scene::new();
    let phone = Phone::new(46);
    let name = phone.name.as_str();
    let router = Host::new([0x00, 0x0C, 0xCE, 1, 1, 1], [10, 1, 1, 1]);
    let srst = format!(
        "<srstInfo><srstOption>Enable</srstOption><ipAddr1>{}</ipAddr1><port1>2000</port1></srstInfo>",
        router.address
    );
    let content = crate::support::phone::config_file(&[PRIMARY, SECONDARY])
        .replace("</devicePool>", &format!("{srst}</devicePool>"));
    let client = (&phone.host, 50_000);
    let server = (&DHCP_SERVER, 40_000);
    scene.tftp(client, server, &phone.config_file(), content.as_bytes());
    let first = phone.registered(&mut scene, 51_000, &SECONDARY);
    scene.pass(5.0);
    first.server_resets(&mut scene);
    let mut second = phone.registered(&mut scene, 51_001, &router);
    scene.pass(5.0);
    second.phone_closes(&mut scene);
    phone.registered(&mut scene, 51_002, &PRIMARY);
    let outcome = scene.run();
    let kinds: Vec<_> = registrations(&outcome, name)
        .into_iter()
        .map(|(server, kind, _)| (server, kind.unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            (address(&SECONDARY), RegistrationKind::New),
            (address(&router), RegistrationKind::Failover),
            (address(&PRIMARY), RegistrationKind::Failback),
        ]
    );
}

#[test]
fn a_phone_that_one_server_refuses_registers_with_the_next() {
    let mut scene = Scene::new();
    let phone = Phone::new(47);
    let name = phone.name.as_str();
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let mut first = phone.connects(&mut scene, 51_000, &PRIMARY);
    phone.asks(&mut scene, &mut first);
    first.server_sends(&mut scene, &encode::register_reject(0, b"Error DBConfig"));
    first.phone_closes(&mut scene);
    scene.pass(3.0);
    phone.registered(&mut scene, 51_001, &SECONDARY);
    let outcome = scene.run();
    let device = outcome.device(name);
    assert_eq!(device.stage, Stage::Registered);
    let registration = &device.registration;
    assert_eq!((registration.registrations, registration.rejects), (1, 1));
    assert_eq!((registration.moves, registration.unregistrations), (0, 0));
    assert_eq!(registration.current.unwrap().role, Role::Secondary);
    assert_eq!(
        registrations(&outcome, name)[0].1,
        Some(RegistrationKind::New)
    );
}

#[test]
fn a_move_away_from_an_inferred_registration_is_a_move() {
    let mut scene = Scene::new();
    let phone = Phone::new(48);
    let name = phone.name.as_str();
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let mut first = Connection::established(phone.host, 51_000, PRIMARY);
    first.keepalive(&mut scene);
    first.keepalives(&mut scene, 30.0, 70.0);
    first.server_resets(&mut scene);
    phone.registered(&mut scene, 51_001, &SECONDARY);
    let outcome = scene.run();
    assert_eq!(
        registrations(&outcome, name),
        [
            (address(&PRIMARY), None, Proof::Inferred),
            (
                address(&SECONDARY),
                Some(RegistrationKind::Failover),
                Proof::Acknowledged
            ),
        ]
    );
    assert_eq!(outcome.device(name).registration.moves, 1);
}

/// A router's word that a packet of the phone did not arrive, quoting the frame made last.
fn unreachable(scene: &mut Scene, phone: &Phone, code: u8) {
    let router = Host::new([0x00, 0x0C, 0xCE, 1, 1, 1], [10, 1, 1, 1]);
    let quoted = scene.entries.last().and_then(Entry::frame).unwrap().bytes[14..].to_vec();
    let message = [&[3, code, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
    let ip = scene.ip(&router, &phone.host);
    let header = crate::support::scene::ethernet(&router, &phone.host);
    scene.frame(header.ipv4(&ip, 1, &message));
}

#[test]
fn what_a_router_cannot_deliver_is_a_failure_at_once() {
    let mut scene = Scene::new();
    let phone = Phone::new(49);
    let name = phone.name.as_str();
    phone.leases(&mut scene, &DHCP_SERVER, 9);
    // Nobody listens at the port of TFTP.
    scene.tftp_request((&phone.host, 50_000), &DHCP_SERVER, &phone.config_file());
    unreachable(&mut scene, &phone, 3);
    // There is no way to the host.
    Connection::established(phone.host, 51_000, PRIMARY).syn(&mut scene);
    unreachable(&mut scene, &phone, 1);
    let outcome = scene.run();
    let device = outcome.device(name);
    assert_eq!((device.tftp.requests, device.tftp.unanswered), (1, 1));
    assert_eq!((device.tcp_refused, device.tcp_unanswered), (0, 1));
    assert_eq!(outcome.transfers(DHCP_SERVER.address, "no_answer"), 1);
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!(server.tcp_connects.count("unreachable"), 1);
    let failed = outcome.count(|kind| {
        matches!(
            kind,
            EventKind::ConnectFailed {
                result: "unreachable",
                ..
            }
        )
    });
    assert_eq!(failed, 1);
}
