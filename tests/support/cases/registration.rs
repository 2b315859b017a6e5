//! Cases of findings about registrations.

use phonewatch::wire::sccp::{DeviceType, encode};

use super::Case;
use crate::support::stories::{self, DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::{Phone, Scene};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::raised("registration_rejected", "no licence", &rejected(false)),
        Case::cleared(
            "registration_rejected",
            "configured after a while",
            &rejected(true),
        ),
        Case::harmless("registration_rejected", "a plain boot", &stories::boot(31)),
        Case::raised("registration_flapping", "four moves", &moves(4)),
        Case::harmless(
            "registration_flapping",
            "one failover and failback",
            &moves(2),
        ),
    ]
    .into_iter()
    .chain(more())
    .collect()
}

fn more() -> Vec<Case> {
    vec![
        Case::raised(
            "registration_rejected",
            "by the number of a phrase",
            &rejected_with(&[0x80, 0x33], 30_018),
        ),
        Case::raised(
            "registration_no_answer",
            "TCP acknowledges, nobody answers",
            &asked(2, false),
        ),
        Case::cleared(
            "registration_no_answer",
            "answered at last",
            &asked(2, true),
        ),
        Case::harmless(
            "registration_no_answer",
            "answered after twenty seconds",
            &asked(1, true),
        ),
        Case::harmless(
            "registration_no_answer",
            "the answers were not seen",
            &answered_unseen(),
        ),
        Case::raised("slow_registration", "DHCP takes long", &slow(70.0, 5.0)),
        Case::cleared("slow_registration", "long ago", &slow(70.0, 16.0 * 60.0)),
        Case::harmless("slow_registration", "a plain boot", &slow(20.0, 5.0)),
        Case::harmless(
            "slow_registration",
            "rejected for a minute",
            &rejected(true),
        )
        .besides(&["registration_rejected"]),
        Case::raised(
            "registered_out_of_order",
            "its first server serves others",
            &second_choice(11.0, true, false),
        ),
        Case::cleared(
            "registered_out_of_order",
            "it goes there at last",
            &second_choice(11.0, true, true),
        ),
        Case::harmless(
            "registered_out_of_order",
            "its first server serves nobody",
            &second_choice(11.0, false, false),
        ),
        Case::harmless(
            "registered_out_of_order",
            "for some minutes",
            &second_choice(8.0, true, false),
        ),
        Case::harmless(
            "registered_out_of_order",
            "after a failover",
            &stories::failover_and_failback(36),
        ),
        Case::raised(
            "registration_unstable",
            "thrown out five times",
            &thrown_out(5, 10.0),
        ),
        Case::cleared(
            "registration_unstable",
            "long ago",
            &thrown_out(5, 21.0 * 60.0),
        ),
        Case::harmless(
            "registration_unstable",
            "thrown out twice",
            &thrown_out(2, 10.0),
        ),
        Case::raised("duplicate_registration", "a twin", &twin(5.0)),
        Case::cleared(
            "duplicate_registration",
            "the twin is unplugged",
            &twin(16.0 * 60.0),
        ),
        Case::harmless("duplicate_registration", "it moved", &moved()),
        Case::harmless("duplicate_registration", "NAT changes its port", &nat()),
    ]
}

/// A phone of this type is rejected with these bytes.
fn rejected_with(text: &[u8], device_type: u32) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone {
        device_type: DeviceType(device_type),
        ..Phone::new(37)
    };
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    phone.asks(&mut scene, &mut connection);
    connection.server_sends(&mut scene, &encode::register_reject(0, text));
    connection.phone_acks(&mut scene);
    connection.server_closes(&mut scene);
    scene.pass(5.0);
    scene
}

/// So many Registers stay without an answer for twenty seconds each; the last one is answered then, or not.
fn asked(times: u8, answered: bool) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(33);
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    for _ in 0..times {
        phone.asks(&mut scene, &mut connection);
        scene.pass(20.0);
    }
    if answered {
        phone.registers(&mut scene, &mut connection);
        connection.keepalives(&mut scene, 30.0, 95.0);
    }
    scene
}

/// The CallManager answers each Register, but only what the phone acknowledges shows it.
fn answered_unseen() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(34);
    for port in 51_000..51_003 {
        let mut connection = phone.connects(&mut scene, port, &PRIMARY);
        phone.asks(&mut scene, &mut connection);
        connection.server_sends_unseen(&encode::register_reject(0, b"Error DBConfig"));
        connection.phone_acks(&mut scene);
        scene.pass(20.0);
        connection.phone_closes(&mut scene);
    }
    scene
}

/// So long after its lease the phone goes on.
fn slow(pause: f64, after: f64) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(35);
    phone.leases(&mut scene, &DHCP_SERVER, 0x35);
    scene.pass(pause);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    let until = scene.seconds() + after;
    connection.keepalives(&mut scene, 30.0, until);
    wait(&mut scene, until);
    scene
}

/// A phone that registers with its second server for so many minutes, while its first one serves others or not.
fn second_choice(minutes: f64, serves_others: bool, goes_back: bool) -> Scene {
    let mut scene = Scene::new();
    let mut others: Vec<_> = (0..u8::from(serves_others))
        .map(|number| Phone::new(80 + number).registered(&mut scene, 52_000, &PRIMARY))
        .collect();
    let phone = Phone::new(38);
    phone.leases(&mut scene, &DHCP_SERVER, 0x38);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let mut second = phone.registered(&mut scene, 51_000, &SECONDARY);
    let until = scene.seconds() + minutes * 60.0;
    let mut at = scene.seconds() + 30.0;
    while at < until {
        scene.at(at);
        second.keepalive(&mut scene);
        for other in &mut others {
            other.keepalive(&mut scene);
        }
        at += 30.0;
    }
    wait(&mut scene, until);
    if goes_back {
        second.phone_closes(&mut scene);
        phone.registered(&mut scene, 51_001, &PRIMARY);
    }
    scene
}

/// So many times its CallManager closes the connection and takes the phone back.
fn thrown_out(times: u16, after: f64) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(39);
    for turn in 0..=times {
        let mut connection = phone.registered(&mut scene, 51_000 + turn, &PRIMARY);
        let stays = if turn < times { 61.0 } else { after };
        let until = scene.seconds() + stays;
        connection.keepalives(&mut scene, 30.0, until);
        wait(&mut scene, until);
        if turn < times {
            connection.server_closes(&mut scene);
            scene.pass(2.0);
        }
    }
    scene
}

/// The same name registers from another address, and both go on until one is thrown out.
fn twin(after: f64) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(90);
    let mut own = phone.registered(&mut scene, 51_000, &PRIMARY);
    own.keepalives(&mut scene, 30.0, 61.0);
    scene.at(70.0);
    let elsewhere = phone.behind([0, 0x1B, 0x54, 0, 0, 90], [10, 2, 2, 90]);
    let mut other = elsewhere.registered(&mut scene, 51_000, &PRIMARY);
    for _ in 0..3 {
        scene.pass(29.0);
        other.keepalive(&mut scene);
        own.keepalive(&mut scene);
    }
    own.server_closes(&mut scene);
    let until = scene.seconds() + after;
    other.keepalives(&mut scene, 30.0, until);
    wait(&mut scene, until);
    scene
}

/// The phone is unplugged and comes up with another address; one last keepalive of the old session was under way.
fn moved() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(92);
    let mut own = phone.registered(&mut scene, 51_000, &PRIMARY);
    own.keepalives(&mut scene, 30.0, 61.0);
    let elsewhere = phone.behind(phone.host.mac.0, [10, 2, 2, 92]);
    let mut other = elsewhere.registered(&mut scene, 51_000, &PRIMARY);
    scene.pass(0.1);
    own.keepalive(&mut scene);
    scene.pass(29.0);
    other.keepalive(&mut scene);
    scene.pass(10.0);
    scene
}

/// The connection is opened anew from another port, and the old one goes on for a while.
fn nat() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(91);
    let mut own = phone.registered(&mut scene, 51_000, &PRIMARY);
    own.keepalives(&mut scene, 30.0, 31.0);
    let mut other = phone.registered(&mut scene, 61_000, &PRIMARY);
    for _ in 0..3 {
        scene.pass(29.0);
        other.keepalive(&mut scene);
        own.keepalive(&mut scene);
    }
    scene
}

/// Three rejects, and an acknowledgment where the phone is accepted in the end.
fn rejected(accepted: bool) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(30);
    phone.leases(&mut scene, &DHCP_SERVER, 0x30);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    for port in 51_000..51_003 {
        let mut connection = phone.connects(&mut scene, port, &PRIMARY);
        phone.asks(&mut scene, &mut connection);
        connection.server_sends(
            &mut scene,
            &encode::register_reject(0, b"Error: No License"),
        );
        connection.phone_acks(&mut scene);
        connection.phone_closes(&mut scene);
        scene.pass(20.0);
    }
    if accepted {
        let mut connection = phone.registered(&mut scene, 51_003, &PRIMARY);
        let until = scene.seconds() + 60.0;
        connection.keepalives(&mut scene, 30.0, until);
    }
    scene
}

/// A phone that goes to and fro between its two CallManagers.
fn moves(number: u16) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(32);
    phone.leases(&mut scene, &DHCP_SERVER, 0x32);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    for turn in 0..=number {
        let server = if turn % 2 == 0 { PRIMARY } else { SECONDARY };
        let mut connection = phone.registered(&mut scene, 51_000 + turn, &server);
        let until = scene.seconds() + 60.0;
        connection.keepalives(&mut scene, 30.0, until);
        if turn < number {
            scene.pass(5.0);
            connection.server_resets(&mut scene);
        }
    }
    scene
}

/// Nothing more until then.
fn wait(scene: &mut Scene, until: f64) {
    scene.pass((until - scene.seconds()).max(0.0));
}
