//! Cases of findings about connections that do not come about.

use std::time::Duration;

use super::Case;
use crate::support::stories::{self, DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::trial::Entry;
use crate::support::{Connection, Phone, Scene};

pub(super) fn cases() -> Vec<Case> {
    let (refused, silent) = ("tcp_refused", "tcp_no_answer");
    vec![
        Case::raised(refused, "both servers refuse", &refused_by_both(false)),
        Case::cleared(refused, "the service is started", &refused_by_both(true)),
        Case::raised(refused, "the standby refuses", &standby(true)).only_info(),
        Case::harmless(refused, "a plain boot", &stories::boot(61)),
        Case::harmless(refused, "the retry a second later", &accepted_at_last(1.0)),
        Case::raised(silent, "nothing answers the SYN", &unanswered(false)),
        Case::cleared(silent, "the path is opened", &unanswered(true)),
        Case::raised(silent, "the standby is silent", &standby(false)).only_info(),
        Case::harmless(silent, "a plain boot", &stories::boot(62)),
        Case::harmless(silent, "the third SYN is answered", &answered_late()),
        Case::harmless(silent, "only the phones' side is seen", &unanswered(true))
            .seen_as(only_phones)
            .with(|settings| settings.thresholds.connect_patience = Duration::from_secs(5)),
    ]
}

/// A phone that got as far as its list of CallManagers.
fn up(scene: &mut Scene, last: u8) -> Phone {
    let phone = Phone::new(last);
    phone.leases(scene, &DHCP_SERVER, 0x600 + u32::from(last));
    phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    phone
}

fn refused_by_both(started: bool) -> Scene {
    let mut scene = Scene::new();
    let phone = up(&mut scene, 60);
    for turn in 0..3 {
        Connection::refuse(&mut scene, phone.host, 51_000 + 2 * turn, PRIMARY);
        Connection::refuse(&mut scene, phone.host, 51_001 + 2 * turn, SECONDARY);
        scene.pass(15.0);
    }
    if started {
        phone.registered(&mut scene, 51_010, &PRIMARY);
        phone.connects(&mut scene, 51_011, &SECONDARY);
        scene.pass(5.0);
    }
    scene
}

/// The first attempt is refused, the next one after so long is not.
fn accepted_at_last(after: f64) -> Scene {
    let mut scene = Scene::new();
    let phone = up(&mut scene, 63);
    Connection::refuse(&mut scene, phone.host, 51_000, PRIMARY);
    scene.pass(after);
    let mut connection = phone.registered(&mut scene, 51_001, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 65.0);
    scene
}

/// A registered phone cannot connect to its second server.
fn standby(refuses: bool) -> Scene {
    let mut scene = Scene::new();
    let phone = up(&mut scene, 64);
    let mut active = phone.registered(&mut scene, 51_000, &PRIMARY);
    for port in 51_001..51_003 {
        if refuses {
            Connection::refuse(&mut scene, phone.host, port, SECONDARY);
        } else {
            knocks(&mut scene, &phone, port);
        }
        let until = scene.seconds() + 31.0;
        active.keepalives(&mut scene, 30.0, until);
    }
    scene
}

/// Three SYNs of one attempt.
fn knocks(scene: &mut Scene, phone: &Phone, port: u16) -> Connection {
    let connection = Connection::established(phone.host, port, SECONDARY);
    for pause in [3.0, 6.0, 2.0] {
        connection.syn(scene);
        scene.pass(pause);
    }
    connection
}

/// Another phone is served, so that both directions are known to be seen; this one is not heard.
fn unanswered(opened: bool) -> Scene {
    let mut scene = Scene::new();
    let mut other = Phone::new(66).registered(&mut scene, 52_000, &PRIMARY);
    let phone = up(&mut scene, 65);
    for port in 51_000..51_002 {
        knocks(&mut scene, &phone, port);
        other.keepalive(&mut scene);
        scene.pass(18.0);
    }
    if opened {
        phone.registered(&mut scene, 51_010, &SECONDARY);
        scene.pass(5.0);
    }
    scene
}

fn answered_late() -> Scene {
    let mut scene = Scene::new();
    let mut other = Phone::new(68).registered(&mut scene, 52_000, &PRIMARY);
    let phone = up(&mut scene, 67);
    let mut connection = Connection::established(phone.host, 51_000, SECONDARY);
    for pause in [3.0, 6.0] {
        connection.syn(&mut scene);
        scene.pass(pause);
    }
    connection.shake_hands(&mut scene);
    phone.registers(&mut scene, &mut connection);
    scene.pass(20.0);
    other.keepalive(&mut scene);
    scene.pass(5.0);
    scene
}

/// A mirror of received frames only: nothing of the servers.
fn only_phones(entries: Vec<Entry>) -> Vec<Entry> {
    entries
        .into_iter()
        .filter(|entry| {
            let source = entry.frame().and_then(|frame| frame.bytes.get(6..12));
            [PRIMARY, SECONDARY, DHCP_SERVER]
                .iter()
                .all(|server| source != Some(&server.mac.0[..]))
        })
        .collect()
}
