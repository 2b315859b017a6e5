//! Other settings while everything goes on: nothing is forgotten, and everything is judged by them.

use std::time::Duration;

use phonewatch::engine::{KnownServer, Settings};
use phonewatch::event::EventKind;
use phonewatch::phone::Role;

use crate::support::stories::{self, DHCP_SERVER, PRIMARY};
use crate::support::trial::Drive;
use crate::support::{Connection, Outcome, Phone, Scene};

/// The scene with other settings from `second` on.
fn reloaded(scene: &Scene, second: f64, change: impl FnOnce(&mut Settings)) -> Outcome {
    let mut drive = Drive::new(Settings::default());
    let mut settings = Settings::default();
    change(&mut settings);
    let mut settings = Some(settings);
    for entry in &scene.entries {
        if entry.at() >= Scene::time(second)
            && let Some(settings) = settings.take()
        {
            drive.pass_until(Scene::time(second));
            drive.reconfigure(settings.into());
        }
        drive.take(entry);
    }
    drive.finish(None)
}

fn codes(outcome: &Outcome) -> Vec<&'static str> {
    outcome.raised().map(|(_, finding)| finding.code).collect()
}

#[test]
fn fewer_moves_make_a_phone_flap() {
    let scene = stories::failover_and_failback(16);
    let flap = |moves| {
        reloaded(&scene, 200.0, |settings| settings.flap.moves = moves).shown()[0]
            .registration
            .flapping_episodes
    };
    assert_eq!((flap(3), flap(2)), (0, 1));
}

#[test]
fn fewer_dhcp_requests_are_excessive() {
    let mut scene = Scene::new();
    let phone = Phone::new(16);
    phone.cdp(&mut scene);
    for number in 0..4 {
        scene.at(f64::from(number) * 20.0 + 1.0);
        phone.leases(&mut scene, &DHCP_SERVER, number);
    }
    let episodes = |requests, minutes: u64| {
        let outcome = reloaded(&scene, 30.0, |settings| {
            settings.dhcp.requests = requests;
            settings.dhcp.window = Duration::from_secs(60 * minutes);
        });
        let dhcp = outcome.shown()[0].dhcp.as_ref().unwrap();
        dhcp.excessive_episodes
    };
    assert_eq!(episodes(12, 10), 0);
    assert_eq!(episodes(5, 10), 1);
}

#[test]
fn servers_get_names_and_roles_and_lose_them() {
    let mut scene = Scene::new();
    let phone = Phone::new(16);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 100.0);
    let named = |settings: &mut Settings| {
        settings.callmanagers = vec![KnownServer {
            address: PRIMARY.address.into(),
            name: Some("one".into()),
            role: Role::Secondary,
        }];
    };
    let outcome = reloaded(&scene, 50.0, named);
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!(server.name.as_deref(), Some("one"));
    assert_eq!(
        (server.configured_role, server.registered),
        (Role::Secondary, 1)
    );
    let registration = &outcome.shown()[0].registration;
    assert_eq!(registration.current.unwrap().role, Role::Secondary);
    assert_eq!(registration.registrations, 1, "it goes on");

    let mut drive = Drive::new({
        let mut settings = Settings::default();
        named(&mut settings);
        settings
    });
    drive.reconfigure(Settings::default().into());
    let outcome = drive.finish(None);
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!(
        (server.name.as_deref(), server.configured_role),
        (None, Role::Unknown)
    );
}

#[test]
fn a_longer_interval_makes_a_gap_later() {
    // Joined late, so that only the configuration tells how often it speaks.
    let mut scene = Scene::new();
    let phone = Phone::new(16);
    let mut connection = Connection::established(phone.host, 51_000, PRIMARY);
    for second in [10.0, 40.0, 70.0, 100.0] {
        scene.at(second);
        connection.keepalive(&mut scene);
    }
    // The mirror is alive.
    scene.at(140.0);
    Phone::new(17).cdp(&mut scene);
    scene.at(150.0);
    connection.keepalive(&mut scene);
    let gaps = |seconds| {
        let outcome = reloaded(&scene, 90.0, |settings| {
            settings.keepalive.active = Duration::from_secs(seconds);
        });
        outcome.count(|kind| matches!(kind, EventKind::KeepaliveGap { began: true, .. }))
    };
    assert_eq!((gaps(30), gaps(60)), (1, 0));
}

#[test]
fn copies_are_told_by_the_new_window() {
    let mut scene = Scene::new();
    let phone = Phone::new(16);
    phone.cdp(&mut scene);
    let copies = |window: u64| {
        let mut drive = Drive::new(Settings::default());
        drive.reconfigure(
            Settings {
                copy_window: Duration::from_millis(window),
                ..Settings::default()
            }
            .into(),
        );
        for entry in scene.entries.iter().chain(&scene.entries) {
            drive.take(entry);
        }
        drive.finish(None).snapshot.totals.duplicates
    };
    assert_eq!((copies(0), copies(20)), (0, 1));
}

#[test]
fn other_settings_change_nothing_that_is_known() {
    for (name, scene) in stories::all() {
        let whole = scene.run();
        for second in [0.5, 3.5, 100.0] {
            let again = reloaded(&scene, second, |_| ());
            assert_eq!(again.events, whole.events, "{name} at {second}");
        }
        assert_eq!(
            codes(&whole),
            codes(&reloaded(&scene, 50.0, |_| ())),
            "{name}"
        );
    }
}
