//! Scenes that more than one test looks at.

use phonewatch::wire::sccp::{ResetType, UnregisterStatus, encode};

use super::phone::Phone;
use super::scene::{Host, Scene};

pub(crate) const PRIMARY: Host = Host::server(11);
pub(crate) const SECONDARY: Host = Host::server(12);
pub(crate) const DHCP_SERVER: Host = Host::server(5);

/// A phone boots, registers and stays registered for five minutes, with a standby connection.
pub(crate) fn boot(last: u8) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(last);
    phone.cdp(&mut scene);
    scene.at(1.0);
    phone.leases(&mut scene, &DHCP_SERVER, 0x1000 + u32::from(last));
    scene.at(2.0);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    scene.at(3.0);
    let mut active = phone.connects(&mut scene, 51_000, &PRIMARY);
    phone.alarms(&mut scene, &mut active, "Initialized");
    phone.registers(&mut scene, &mut active);
    let mut standby = phone.connects(&mut scene, 51_001, &SECONDARY);
    for minute in 0..5 {
        let minute = f64::from(minute) * 60.0;
        scene.at(minute + 33.0);
        active.keepalive(&mut scene);
        scene.at(minute + 63.0);
        active.keepalive(&mut scene);
        standby.keepalive_acked_by_tcp(&mut scene);
    }
    scene
}

/// The primary aborts the connection, the phone goes to the secondary and later comes back.
pub(crate) fn failover_and_failback(last: u8) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(last);
    phone.leases(&mut scene, &DHCP_SERVER, 0x2000 + u32::from(last));
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    let mut first = phone.registered(&mut scene, 51_000, &PRIMARY);
    first.keepalives(&mut scene, 30.0, 125.0);
    scene.at(130.0);
    first.server_resets(&mut scene);
    let mut second = phone.registered(&mut scene, 51_001, &SECONDARY);
    second.keepalives(&mut scene, 30.0, 300.0);
    scene.at(310.0);
    let mut third = phone.connects(&mut scene, 51_002, &PRIMARY);
    second.phone_sends(&mut scene, &encode::unregister(0, None));
    second.server_sends(&mut scene, &encode::unregister_ack(0, UnregisterStatus::Ok));
    second.phone_closes(&mut scene);
    phone.alarms(&mut scene, &mut third, "Fallback");
    phone.registers(&mut scene, &mut third);
    third.keepalives(&mut scene, 30.0, 400.0);
    scene
}

/// The CallManager leaves four keepalives without its acknowledgment and comes back; then it resets the phone, which
/// is refused.
pub(crate) fn gap_and_reject(last: u8) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(last);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 100.0);
    for _ in 0..4 {
        scene.pass(29.9);
        connection.keepalive_acked_by_tcp(&mut scene);
    }
    let until = scene.seconds() + 100.0;
    connection.keepalives(&mut scene, 30.0, until);
    scene.pass(5.0);
    connection.server_sends(&mut scene, &encode::reset(0, ResetType::Reset));
    connection.phone_sends(&mut scene, &encode::unregister(0, None));
    connection.server_sends(&mut scene, &encode::unregister_ack(0, UnregisterStatus::Ok));
    connection.phone_closes(&mut scene);
    scene.pass(5.0);
    phone.leases(&mut scene, &DHCP_SERVER, 0x3000 + u32::from(last));
    let client = (&phone.host, 50_300);
    scene.tftp_not_found(client, (&DHCP_SERVER, 40_100), &phone.config_file());
    let mut again = phone.connects(&mut scene, 51_001, &PRIMARY);
    phone.alarms(&mut scene, &mut again, "Reset-Reset");
    phone.asks(&mut scene, &mut again);
    again.server_sends(&mut scene, &encode::register_reject(0, b"Error DBConfig"));
    again.phone_acks(&mut scene);
    scene.pass(30.0);
    again.keepalive_acked_by_tcp(&mut scene);
    scene
}

/// Every story by its name.
pub(crate) fn all() -> [(&'static str, Scene); 3] {
    [
        ("boot", boot(21)),
        ("failover and failback", failover_and_failback(22)),
        ("gap and reject", gap_and_reject(23)),
    ]
}
