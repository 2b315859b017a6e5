//! Cases of findings about servers.

use super::Case;
use crate::support::stories::{DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::{Connection, Phone, Scene};

pub(super) fn cases() -> Vec<Case> {
    let refused = &["tcp_refused"];
    vec![
        Case::raised(
            "callmanager_down",
            "four phones are refused",
            &refused_by(4, false),
        )
        .besides(refused),
        Case::cleared(
            "callmanager_down",
            "the server comes back",
            &refused_by(4, true),
        )
        .besides(refused),
        Case::harmless(
            "callmanager_down",
            "two phones are refused",
            &refused_by(2, false),
        )
        .besides(refused),
        Case::raised(
            "callmanager_down",
            "it accepts connections and answers no Register",
            &answers_nobody(3),
        )
        .besides(&["registration_no_answer"]),
        Case::raised(
            "callmanager_down",
            "it closes the sessions of all its phones",
            &throws_out(4, None, 50.0),
        ),
        Case::harmless(
            "callmanager_down",
            "it takes them back at once",
            &throws_out(4, Some(2.0), 15.0),
        ),
        Case::raised(
            "registration_flapping",
            "the server fails twice for everybody and recovers",
            &outages(2),
        )
        .besides(&["callmanager_down"]),
        Case::harmless(
            "registration_flapping",
            "the server fails once for everybody and recovers",
            &outages(1),
        )
        .besides(&["callmanager_down"]),
        Case::harmless(
            "callmanager_down",
            "others stay registered",
            &throws_out_but_one(4),
        ),
    ]
}

/// So many phones ask to be registered, twice each, and hear nothing.
fn answers_nobody(phones: u8) -> Scene {
    let mut scene = Scene::new();
    for number in 0..phones {
        let phone = Phone::new(130 + number);
        let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
        for _ in 0..2 {
            phone.asks(&mut scene, &mut connection);
            scene.pass(20.0);
        }
    }
    scene
}

/// So many times the primary dies, refuses its phones until it is started, and they come back.
fn outages(times: u16) -> Scene {
    let mut scene = Scene::new();
    let phones: Vec<Phone> = (160..163).map(Phone::new).collect();
    let mut connections = Vec::new();
    for phone in &phones {
        phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
        connections.push(phone.registered(&mut scene, 51_000, &PRIMARY));
    }
    for turn in 0..times {
        let port = 51_001 + turn * 10;
        scene.pass(20.0);
        for (phone, connection) in phones.iter().zip(&mut connections) {
            connection.server_resets(&mut scene);
            Connection::refuse(&mut scene, phone.host, port, PRIMARY);
            *connection = phone.registered(&mut scene, port + 1, &SECONDARY);
        }
        scene.pass(20.0);
        for (phone, connection) in phones.iter().zip(&mut connections) {
            let mut back = phone.connects(&mut scene, port + 2, &PRIMARY);
            connection.phone_closes(&mut scene);
            phone.registers(&mut scene, &mut back);
            *connection = back;
        }
    }
    scene.pass(20.0);
    scene
}

/// So many phones lose their sessions, and are back after a while, or not.
fn throws_out(phones: u8, back_after: Option<f64>, until: f64) -> Scene {
    let mut scene = Scene::new();
    let phones: Vec<Phone> = (140..140 + phones).map(Phone::new).collect();
    let mut connections: Vec<Connection> = phones
        .iter()
        .map(|phone| phone.registered(&mut scene, 51_000, &PRIMARY))
        .collect();
    scene.pass(20.0);
    for connection in &mut connections {
        connection.server_closes(&mut scene);
    }
    if let Some(after) = back_after {
        scene.pass(after);
        for phone in &phones {
            phone.registered(&mut scene, 51_001, &PRIMARY);
        }
    }
    scene.pass(until);
    scene
}

fn throws_out_but_one(phones: u8) -> Scene {
    let mut scene = Scene::new();
    let mut other = Phone::new(150).registered(&mut scene, 52_000, &PRIMARY);
    let phones: Vec<Phone> = (151..151 + phones).map(Phone::new).collect();
    let mut connections: Vec<Connection> = phones
        .iter()
        .map(|phone| phone.registered(&mut scene, 51_000, &PRIMARY))
        .collect();
    scene.pass(20.0);
    for connection in &mut connections {
        connection.server_closes(&mut scene);
    }
    scene.pass(9.0);
    other.keepalive(&mut scene);
    scene.pass(40.0);
    scene
}

/// So many phones are registered, and each is refused when it connects anew; in the end one succeeds, if the server
/// comes back.
fn refused_by(phones: u8, comes_back: bool) -> Scene {
    let mut scene = Scene::new();
    let phones: Vec<Phone> = (40..40 + phones).map(Phone::new).collect();
    let mut connections = Vec::new();
    for phone in &phones {
        connections.push(phone.registered(&mut scene, 51_000, &PRIMARY));
    }
    scene.pass(20.0);
    for connection in &mut connections {
        connection.phone_closes(&mut scene);
    }
    for phone in &phones {
        scene.pass(1.0);
        Connection::refuse(&mut scene, phone.host, 51_001, PRIMARY);
    }
    scene.pass(10.0);
    if comes_back {
        for phone in &phones {
            phone.registered(&mut scene, 51_002, &PRIMARY);
        }
        scene.pass(10.0);
    }
    scene
}
