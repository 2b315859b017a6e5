//! Cases of missed keepalives and silent phones.

use phonewatch::wire::sccp::encode;

use super::Case;
use crate::support::stories::{PRIMARY, SECONDARY};
use crate::support::{Connection, Phone, Scene};

const CODE: &str = "keepalive_gap";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::raised(
            CODE,
            "the server leaves keepalives unanswered",
            &missed(3, 0.0),
        ),
        Case::raised(CODE, "one is missed, the next answered", &missed(1, 60.0)),
        Case::cleared(CODE, "long over", &missed(2, 1_000.0)),
        Case::raised(
            CODE,
            "the phone is silent for minutes",
            &silent(100.0, false),
        ),
        Case::raised(
            CODE,
            "the phone was silent for a minute",
            &silent(60.0, true),
        ),
        Case::cleared(CODE, "a silence that is long over", &silent_long_ago()),
        Case::harmless(
            CODE,
            "a minute and a half of silence may be two lost keepalives",
            &silent(90.0, false),
        ),
        Case::harmless(CODE, "nothing is missed", &missed(0, 300.0)),
        Case::harmless(CODE, "the answer comes late, but in time", &late()),
        Case::harmless(CODE, "the connection in reserve", &in_reserve()),
        Case::harmless(
            CODE,
            "a keepalive every ninety seconds",
            &every_ninety_seconds(),
        ),
        Case::harmless(CODE, "a keepalive is sent again and answered", &repeated()),
    ]
}

/// A registered phone with four answered keepalives, the last one at 120 s.
fn settled(scene: &mut Scene) -> Connection {
    let phone = Phone::new(70);
    let mut connection = phone.registered(scene, 51_000, &PRIMARY);
    connection.keepalives(scene, 30.0, 121.0);
    connection
}

/// So many keepalives are missed, and then they are answered for so long; where that is no time at all, one more is sent.
fn missed(number: u32, answered_for: f64) -> Scene {
    let mut scene = Scene::new();
    let mut connection = settled(&mut scene);
    for _ in 0..number {
        scene.pass(30.0);
        connection.keepalive_acked_by_tcp(&mut scene);
    }
    if answered_for > 0.0 {
        let until = scene.seconds() + answered_for;
        connection.keepalives(&mut scene, 30.0, until);
    } else {
        scene.pass(30.0);
        connection.keepalive_acked_by_tcp(&mut scene);
    }
    scene
}

fn silent(seconds: f64, speaks_again: bool) -> Scene {
    let mut scene = Scene::new();
    let mut connection = settled(&mut scene);
    scene.pass(seconds);
    if speaks_again {
        connection.keepalive(&mut scene);
        let until = scene.seconds() + 60.0;
        connection.keepalives(&mut scene, 30.0, until);
    }
    scene
}

fn silent_long_ago() -> Scene {
    let mut scene = Scene::new();
    let mut connection = settled(&mut scene);
    scene.pass(65.0);
    connection.keepalive(&mut scene);
    let until = scene.seconds() + 1_000.0;
    connection.keepalives(&mut scene, 30.0, until);
    scene
}

fn late() -> Scene {
    let mut scene = Scene::new();
    let mut connection = settled(&mut scene);
    for _ in 0..3 {
        scene.pass(5.0);
        connection.keepalive_acked_by_tcp(&mut scene);
        scene.pass(25.0);
        connection.server_sends(&mut scene, &encode::keep_alive_ack(0));
        connection.phone_acks(&mut scene);
    }
    scene
}

fn in_reserve() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(71);
    let mut active = phone.registered(&mut scene, 51_000, &PRIMARY);
    let mut reserve = phone.connects(&mut scene, 51_001, &SECONDARY);
    for half_minute in 1..=20 {
        scene.at(f64::from(half_minute) * 30.0 + 1.0);
        active.keepalive(&mut scene);
        if half_minute % 2 == 0 {
            reserve.keepalive_acked_by_tcp(&mut scene);
        }
    }
    scene
}

fn every_ninety_seconds() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(72);
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    phone.registers_with(&mut scene, &mut connection, 90, 90);
    connection.keepalives(&mut scene, 90.0, 900.0);
    scene.pass(85.0);
    scene
}

fn repeated() -> Scene {
    let mut scene = Scene::new();
    let mut connection = settled(&mut scene);
    scene.pass(30.0);
    connection.phone_sends(&mut scene, &encode::keep_alive(0));
    for wait in [0.3, 0.6, 1.2] {
        scene.pass(wait);
        connection.phone_repeats(&mut scene);
    }
    connection.server_sends(&mut scene, &encode::keep_alive_ack(0));
    connection.phone_acks(&mut scene);
    let until = scene.seconds() + 60.0;
    connection.keepalives(&mut scene, 28.0, until);
    scene
}
