//! Cases of findings about the sensor itself.

use super::Case;
use crate::support::random::Random;
use crate::support::stories::PRIMARY;
use crate::support::{Connection, Entry, Phone, Scene, stories, transform};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::raised("mirror_lossy", "a tenth of the frames", &losing(5, 0.0)),
        Case::cleared("mirror_lossy", "lossy once", &losing(5, 90.0)),
        Case::harmless("mirror_lossy", "nothing is lost", &losing(0, 0.0)),
        Case::raised("mirror_one_way", "what the phones send", &fleet(10, 130.0))
            .seen_as(|entries| without(&entries, Side::Servers)),
        Case::raised("mirror_one_way", "what the servers send", &fleet(10, 130.0))
            .seen_as(|entries| without(&entries, Side::Phones)),
        Case::cleared(
            "mirror_one_way",
            "until it is set up anew",
            &fleet(10, 700.0),
        )
        .seen_as(|entries| {
            let (first, then) = entries.split_at(entries.len() / 4);
            [without(first, Side::Servers), then.to_vec()].concat()
        }),
        Case::harmless("mirror_one_way", "both directions", &fleet(10, 130.0)),
        Case::harmless("mirror_one_way", "too few to tell", &fleet(4, 130.0))
            .seen_as(|entries| without(&entries, Side::Servers)),
        Case::raised("mirror_duplicates", "every frame twice", &fleet(10, 130.0))
            .seen_as(|entries| transform::copied(&entries, &mut Random::new(7))),
        Case::cleared("mirror_duplicates", "for a while", &fleet(10, 300.0)).seen_as(|entries| {
            let (first, then) = entries.split_at(entries.len() / 3);
            [transform::copied(first, &mut Random::new(7)), then.to_vec()].concat()
        }),
        Case::harmless("mirror_duplicates", "no frame twice", &fleet(10, 130.0)),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Phones,
    Servers,
}

/// The entries without those that this side sent to the other over TCP.
fn without(entries: &[Entry], hidden: Side) -> Vec<Entry> {
    let is_hidden = |entry: &&Entry| {
        let bytes = entry.frame().map_or(&[][..], |frame| &frame.bytes);
        let source = PRIMARY.address.octets();
        let is_tcp = bytes.get(23) == Some(&6);
        let is_from_server = bytes.get(26..30) == Some(&source[..]);
        is_tcp && is_from_server == (hidden == Side::Servers)
    };
    entries
        .iter()
        .filter(|entry| !is_hidden(entry))
        .cloned()
        .collect()
}

/// So many phones that are registered and speak every half minute, for so long.
fn fleet(phones: u8, seconds: f64) -> Scene {
    let mut scene = Scene::new();
    let mut connections: Vec<Connection> = (100..100 + phones)
        .map(|number| Phone::new(number).registered(&mut scene, 51_000, &PRIMARY))
        .collect();
    let mut at = 30.0;
    while at <= seconds {
        scene.at(at);
        for connection in &mut connections {
            connection.keepalive(&mut scene);
        }
        at += 30.0;
    }
    scene
}

/// A boot, then so many frames lost, and time.
fn losing(frames: u64, after: f64) -> Scene {
    let mut scene = stories::boot(50);
    scene.pass(10.0);
    if frames > 0 {
        scene.loss(frames);
    }
    scene.pass(10.0 + after);
    scene
}
