//! Cases of findings about registrations.

use phonewatch::wire::sccp::encode;

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
