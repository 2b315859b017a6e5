//! Cases of findings about servers.

use super::Case;
use crate::support::stories::PRIMARY;
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
    ]
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
