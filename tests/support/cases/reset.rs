//! Cases of findings about resets.

use phonewatch::wire::sccp::{KeypadButton, ResetType, UnregisterStatus, encode};

use super::Case;
use crate::support::stories::{DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::{Connection, Phone, Scene};

pub(super) fn cases() -> Vec<Case> {
    let (user, callmanager) = ("user_reset", "callmanager_reset");
    vec![
        Case::raised(user, "**#** and Unregister", &by_user(10.0)),
        Case::raised(user, "the phone says so", &says(20, "Phone-Keypad")),
        Case::cleared(user, "long ago", &by_user(16.0 * 60.0)),
        Case::harmless(user, "an Unregister of its own", &leaves()),
        Case::harmless(user, "powered on", &says(25, "Initialized")),
        Case::raised(callmanager, "a Reset message", &told(1, 10.0)),
        Case::raised(callmanager, "the phone says so", &says(23, "Reset-Restart")),
        Case::cleared(callmanager, "long ago", &told(1, 16.0 * 60.0)).besides(&["keepalive_gap"]),
        Case::harmless(callmanager, "an Unregister of its own", &leaves()),
        Case::harmless(
            "registration_flapping",
            "an administrator moves it four times",
            &told(4, 10.0),
        ),
        Case::harmless(
            "registration_unstable",
            "an administrator resets it six times",
            &reset_in_place(6),
        ),
    ]
}

fn registered(scene: &mut Scene, last: u8) -> (Phone, Connection) {
    let phone = Phone::new(last);
    phone.leases(scene, &DHCP_SERVER, 0x700 + u32::from(last));
    phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let connection = phone.registered(scene, 51_000, &PRIMARY);
    (phone, connection)
}

fn unregisters(scene: &mut Scene, connection: &mut Connection) {
    connection.phone_sends(scene, &encode::unregister(0, None));
    connection.server_sends(scene, &encode::unregister_ack(0, UnregisterStatus::Ok));
    connection.phone_closes(scene);
}

fn by_user(after: f64) -> Scene {
    let mut scene = Scene::new();
    let (_, mut connection) = registered(&mut scene, 70);
    scene.pass(20.0);
    for button in [14, 14, 15, 14, 14] {
        let key = KeypadButton {
            button,
            line: None,
            call: None,
        };
        connection.phone_sends(&mut scene, &encode::keypad_button(0, &key));
        connection.server_acks(&mut scene);
    }
    unregisters(&mut scene, &mut connection);
    scene.pass(after);
    scene
}

/// A capture that joins when the phone comes back.
fn says(code: u8, last: &str) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(71);
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    let text = format!("{code}: Name={} Load=P00308000500 Last={last}", phone.name);
    let alarm = encode::alarm(0, 2, &text, phone.host.address);
    connection.phone_sends(&mut scene, &alarm);
    connection.server_acks(&mut scene);
    phone.registers(&mut scene, &mut connection);
    scene.pass(5.0);
    scene
}

fn leaves() -> Scene {
    let mut scene = Scene::new();
    let (_, mut connection) = registered(&mut scene, 72);
    scene.pass(20.0);
    unregisters(&mut scene, &mut connection);
    scene.pass(10.0);
    scene
}

/// So many times it is told to reset, and comes back at its other server.
fn told(times: u16, after: f64) -> Scene {
    let mut scene = Scene::new();
    let (phone, mut connection) = registered(&mut scene, 73);
    for turn in 0..times {
        scene.pass(20.0);
        connection.server_sends(&mut scene, &encode::reset(0, ResetType::Reset));
        unregisters(&mut scene, &mut connection);
        scene.pass(5.0);
        let server = if turn % 2 == 0 { SECONDARY } else { PRIMARY };
        connection = phone.registered(&mut scene, 51_001 + turn, &server);
    }
    scene.pass(after);
    scene
}

fn reset_in_place(times: u16) -> Scene {
    let mut scene = Scene::new();
    let (phone, mut connection) = registered(&mut scene, 74);
    for turn in 0..times {
        scene.pass(20.0);
        connection.server_sends(&mut scene, &encode::reset(0, ResetType::Restart));
        connection.phone_closes(&mut scene);
        scene.pass(5.0);
        connection = phone.registered(&mut scene, 51_001 + turn, &PRIMARY);
    }
    scene
}
