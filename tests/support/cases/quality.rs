//! Cases of lines, marks and firewalls in front of phones that are registered.

use phonewatch::wire::sccp::{ResetType, encode};

use super::Case;
use crate::support::stories::PRIMARY;
use crate::support::{Connection, Phone, Scene};

/// Class selector 3.
const CS3: u8 = 24;

pub(super) fn cases() -> Vec<Case> {
    let gap = &["keepalive_gap"];
    let resets = &["registration_unstable", "callmanager_reset"];
    let (qos, tcp, firewall) = ("qos_not_trusted", "tcp_trouble", "firewall_timeout");
    vec![
        Case::raised(
            qos,
            "the server's marks are gone, and phones suffer",
            &marked(CS3, 0, 3, 60.0),
        )
        .besides(gap),
        Case::raised(qos, "the phones' marks are gone", &marked(0, CS3, 3, 60.0)).besides(gap),
        Case::cleared(qos, "nobody suffers any more", &marked(CS3, 0, 3, 1_000.0)).besides(gap),
        Case::harmless(qos, "nobody suffers", &marked(CS3, 0, 0, 60.0)),
        Case::harmless(qos, "nobody marks", &marked(0, 0, 3, 60.0)).besides(gap),
        Case::harmless(qos, "everybody marks", &marked(CS3, CS3, 3, 60.0)).besides(gap),
        Case::raised(tcp, "every keepalive is sent twice", &troubled(12, 1, 0.0)),
        Case::cleared(tcp, "for some minutes", &troubled(12, 1, 900.0)),
        Case::harmless(tcp, "a segment now and then", &troubled(12, 6, 0.0)),
        Case::harmless(tcp, "nothing is repeated", &troubled(12, 100, 0.0)),
        Case::harmless(tcp, "one segment is repeated often", &stubborn()),
        Case::raised(
            firewall,
            "three phones, three times each",
            &cut_off(&[0.0, 20.0, 40.0], &[0.0; 3], Reset::Plain),
        )
        .besides(resets),
        Case::cleared(firewall, "once the timer is raised", &cut_off_then_well()).besides(resets),
        Case::harmless(
            firewall,
            "all at one moment",
            &cut_off(&[0.0, 0.5, 1.0], &[0.0; 3], Reset::Plain),
        )
        .with(|settings| settings.thresholds.firewall_sessions = 3)
        .besides(resets),
        Case::harmless(
            firewall,
            "at any age",
            &cut_off(&[0.0, 20.0, 40.0], &[0.0, 9.0, 17.0], Reset::Plain),
        )
        .besides(resets),
        Case::harmless(
            firewall,
            "CallManager asks for it",
            &cut_off(&[0.0, 20.0, 40.0], &[0.0; 3], Reset::Asked),
        )
        .besides(resets),
        Case::harmless(
            firewall,
            "two phones",
            &cut_off(&[0.0, 20.0], &[0.0; 2], Reset::Plain),
        )
        .besides(resets),
    ]
}

/// Three phones that mark like this, and a server that marks like that; so many of the phones miss a keepalive.
fn marked(phones: u8, server: u8, suffer: usize, after: f64) -> Scene {
    let mut scene = Scene::new();
    let server = PRIMARY.marking(server);
    let mut connections: Vec<Connection> = (0..3)
        .map(|number| {
            let mut phone = Phone::new(80 + number);
            phone.host = phone.host.marking(phones);
            scene.pass(1.0);
            phone.registered(&mut scene, 51_000, &server)
        })
        .collect();
    let round = |scene: &mut Scene, connections: &mut [Connection], unanswered: usize| {
        for (place, connection) in connections.iter_mut().enumerate() {
            scene.pass(2.0);
            if place < unanswered {
                connection.keepalive_acked_by_tcp(scene);
            } else {
                connection.keepalive(scene);
            }
        }
        scene.pass(23.9);
    };
    for _ in 0..7 {
        round(&mut scene, &mut connections, 0);
    }
    round(&mut scene, &mut connections, suffer);
    let end = scene.seconds() + after;
    while scene.seconds() < end {
        round(&mut scene, &mut connections, 0);
    }
    scene
}

/// So many keepalives; every so-manieth is sent again, and its answer too. Then all is well for a while.
fn troubled(number: u32, every: u32, well_for: f64) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(85);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    let answer = encode::keep_alive_ack(0);
    for place in 1..=number {
        scene.pass(24.0);
        connection.phone_sends(&mut scene, &encode::keep_alive(0));
        if place % every == 0 {
            scene.pass(0.3);
            connection.phone_repeats(&mut scene);
        }
        connection.server_sends(&mut scene, &answer);
        if place % every == 0 {
            scene.pass(0.3);
            connection.server_repeats(&mut scene, &answer);
        }
        connection.phone_acks(&mut scene);
    }
    let until = scene.seconds() + well_for;
    connection.keepalives(&mut scene, 28.0, until);
    scene
}

/// One keepalive is repeated for long, while the line is down.
fn stubborn() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(86);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 200.0);
    scene.pass(25.0);
    connection.phone_sends(&mut scene, &encode::keep_alive(0));
    for wait in [0.3, 0.6, 1.2, 2.4, 4.8, 9.6] {
        scene.pass(wait);
        connection.phone_repeats(&mut scene);
    }
    connection.server_sends(&mut scene, &encode::keep_alive_ack(0));
    connection.phone_acks(&mut scene);
    let until = scene.seconds() + 400.0;
    connection.keepalives(&mut scene, 28.0, until);
    scene
}

#[derive(Clone, Copy, PartialEq)]
enum Reset {
    Plain,
    Asked,
}

/// Phones that register at these times, and whose sessions are reset at the age of 100 s and so much more, times the
/// number of the session.
fn cut_off(begin: &[f64], longer: &[f64], reset: Reset) -> Scene {
    let mut scene = Scene::new();
    let mut deeds: Vec<(f64, usize, u16)> = Vec::new();
    for (phone, (&begin, &longer)) in begin.iter().zip(longer).enumerate() {
        let mut at = begin;
        for session in 0..3_u16 {
            deeds.push((at, phone, 2 * session));
            at += 100.0 + longer * f64::from(session + 1);
            deeds.push((at, phone, 2 * session + 1));
            at += 2.0;
        }
    }
    // One session lives on, with keepalives far apart enough to need none here.
    deeds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let phones: Vec<Phone> = (87..90).map(Phone::new).collect();
    let mut connections: Vec<Option<Connection>> = vec![None, None, None];
    for (at, place, deed) in deeds {
        let at = at.max(scene.seconds());
        scene.at(at);
        let phone = phones[place];
        if deed % 2 == 0 {
            let mut connection = phone.connects(&mut scene, 51_000 + deed, &PRIMARY);
            phone.registers_with(&mut scene, &mut connection, 300, 300);
            connections[place] = Some(connection);
        } else if let Some(mut connection) = connections[place].take() {
            if reset == Reset::Asked {
                connection.server_sends(&mut scene, &encode::reset(0, ResetType::Restart));
                connection.phone_resets(&mut scene);
            } else {
                connection.server_resets(&mut scene);
            }
        }
    }
    scene.pass(3.0);
    for (place, phone) in phones.iter().enumerate().take(begin.len()) {
        let port = 52_000 + u16::try_from(place).unwrap();
        let mut connection = phone.connects(&mut scene, port, &PRIMARY);
        phone.registers_with(&mut scene, &mut connection, 300, 300);
    }
    scene.pass(5.0);
    scene
}

/// The same, and then the sessions live.
fn cut_off_then_well() -> Scene {
    let mut scene = cut_off(&[0.0, 20.0, 40.0], &[0.0; 3], Reset::Plain);
    let mut connections: Vec<Connection> = (87..90)
        .map(|number| {
            let phone = Phone::new(number);
            phone.registered(&mut scene, 53_000, &PRIMARY)
        })
        .collect();
    let end = scene.seconds() + 1_000.0;
    while scene.seconds() < end {
        scene.pass(29.0);
        for connection in &mut connections {
            connection.keepalive(&mut scene);
        }
    }
    scene
}
