//! Cases of phones that may be with a CallManager of which the sensor sees nothing, and their nearest look-alikes.

use phonewatch::engine::KnownServer;
use phonewatch::phone::Role;
use phonewatch::wire::sccp::{Server, ServerList, encode};

use super::Case;
use crate::support::stories::{DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::{Connection, Host, Phone, Scene};

pub(super) fn cases() -> Vec<Case> {
    [slowly(), in_vain(), to_and_fro(), boots(), met_later()]
        .into_iter()
        .flatten()
        .collect()
}

/// What another phone shows of the primary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Primary {
    Seen,
    Unseen,
}

use Primary::{Seen, Unseen};

/// How the sensor comes to know the phone's list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    InItsFile,
    FromItsCallManager,
    Never,
}

/// A phone that registers with its second server minutes after its boot.
fn slowly() -> Vec<Case> {
    let code = "slow_registration";
    let scene = |primary, list| comes_late(primary, list, &SECONDARY);
    let with_roles = |case: Case| {
        case.with(|settings| {
            let roles = [(PRIMARY, Role::Primary), (SECONDARY, Role::Secondary)];
            settings.callmanagers = roles
                .map(|(server, role)| KnownServer {
                    address: server.address.into(),
                    name: None,
                    role,
                })
                .into();
        })
    };
    vec![
        Case::raised(code, "its primary is seen", &scene(Seen, List::InItsFile)).whole_only(),
        Case::harmless(
            code,
            "its primary is not seen",
            &scene(Unseen, List::InItsFile),
        )
        .whole_only(),
        Case::raised(
            code,
            "its CallManager tells the list, its primary is seen",
            &scene(Seen, List::FromItsCallManager),
        )
        .whole_only(),
        Case::harmless(
            code,
            "its CallManager tells the list, its primary is not seen",
            &scene(Unseen, List::FromItsCallManager),
        )
        .whole_only(),
        Case::harmless(code, "its list is not known", &scene(Seen, List::Never)),
        with_roles(Case::raised(
            code,
            "the configuration tells the order, the primary is seen",
            &scene(Seen, List::Never),
        )),
        with_roles(Case::harmless(
            code,
            "the configuration tells the order, the primary is not seen",
            &scene(Unseen, List::Never),
        )),
        Case::raised(
            code,
            "with its primary, and nothing of the other is seen",
            &comes_late(Unseen, List::InItsFile, &PRIMARY),
        )
        .whole_only(),
    ]
}

fn comes_late(primary: Primary, list: List, server: &Host) -> Scene {
    let mut scene = Scene::new();
    let mut other = other(&mut scene, primary);
    let phone = Phone::new(71);
    phone.leases(&mut scene, &DHCP_SERVER, 0x71);
    if list == List::InItsFile {
        phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
    }
    for _ in 0..5 {
        scene.pass(29.0);
        keep(&mut scene, &mut other);
    }
    let mut connection = phone.registered(&mut scene, 51_000, server);
    if list == List::FromItsCallManager {
        asks_for_list(&mut scene, &mut connection);
    }
    scene.pass(5.0);
    scene
}

fn asks_for_list(scene: &mut Scene, connection: &mut Connection) {
    connection.phone_sends(scene, &encode::server_req(0));
    let servers = [PRIMARY, SECONDARY].map(|server| Server {
        name: server.address.to_string(),
        port: 2000,
        address: Some(server.address.into()),
    });
    let list = ServerList {
        servers: servers.into(),
    };
    connection.server_sends(scene, &encode::server_res(0, &list));
}

/// A phone whose primary refuses its connections.
fn in_vain() -> Vec<Case> {
    let code = "tcp_refused";
    let refused = |second: Primary, tries_both: bool| {
        let mut scene = Scene::new();
        let mut other =
            (second == Seen).then(|| Phone::new(70).registered(&mut scene, 52_000, &SECONDARY));
        let phone = Phone::new(72);
        phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
        for turn in 0..3 {
            Connection::refuse(&mut scene, phone.host, 51_000 + 2 * turn, PRIMARY);
            if tries_both {
                Connection::refuse(&mut scene, phone.host, 51_001 + 2 * turn, SECONDARY);
            }
            scene.pass(15.0);
            keep(&mut scene, &mut other);
        }
        scene
    };
    vec![
        Case::raised(
            code,
            "its second server is not seen",
            &refused(Unseen, false),
        )
        .only_info()
        .whole_only(),
        Case::raised(
            code,
            "its second server serves others",
            &refused(Seen, false),
        )
        .whole_only(),
        Case::raised(
            code,
            "its second server refuses too",
            &refused(Unseen, true),
        ),
    ]
}

/// A phone that leaves its server and comes back, again and again.
fn to_and_fro() -> Vec<Case> {
    let code = "registration_unstable";
    let away_for = |pause: f64, second: Primary| {
        let mut scene = Scene::new();
        let mut other =
            (second == Seen).then(|| Phone::new(70).registered(&mut scene, 52_000, &SECONDARY));
        let phone = Phone::new(73);
        phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
        for turn in 0..6 {
            let mut connection = phone.registered(&mut scene, 51_000 + turn, &PRIMARY);
            for _ in 0..2 {
                scene.pass(29.0);
                keep(&mut scene, &mut other);
                connection.keepalive(&mut scene);
            }
            connection.server_closes(&mut scene);
            let back = scene.seconds() + pause;
            while scene.seconds() + 30.5 < back {
                scene.pass(29.0);
                keep(&mut scene, &mut other);
            }
            scene.at(back);
        }
        phone.registered(&mut scene, 51_010, &PRIMARY);
        scene.pass(5.0);
        scene
    };
    vec![
        Case::harmless(code, "it may have been elsewhere", &away_for(62.0, Unseen)).whole_only(),
        Case::raised(code, "it comes back at once", &away_for(3.0, Unseen)),
        Case::raised(code, "it would be seen elsewhere", &away_for(62.0, Seen)).whole_only(),
    ]
}

/// A phone that is restarted again and again, and fetches all but its trust list each time.
fn boots() -> Vec<Case> {
    let code = "boot_loop";
    let passes = |primary: Primary, second: Primary| {
        let mut scene = Scene::new();
        let mut others =
            [(primary, PRIMARY, 70), (second, SECONDARY, 69)].map(|(it, server, last)| {
                (it == Seen).then(|| Phone::new(last).registered(&mut scene, 52_000, &server))
            });
        let phone = Phone::new(74);
        for transaction in 0..5 {
            phone.leases(&mut scene, &DHCP_SERVER, 0x7400 + transaction);
            let client = (&phone.host, 49_000 + u16::try_from(transaction).unwrap());
            let list = format!("CTL{}.tlv", phone.name);
            scene.tftp_not_found(client, (&DHCP_SERVER, 40_000), &list);
            phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
            for _ in 0..2 {
                scene.pass(29.0);
                for other in &mut others {
                    keep(&mut scene, other);
                }
            }
        }
        scene
    };
    let besides = &["dhcp_excessive"];
    vec![
        Case::harmless(code, "no CallManager is seen", &passes(Unseen, Unseen))
            .besides(besides)
            .whole_only(),
        Case::harmless(code, "its primary is not seen", &passes(Unseen, Seen))
            .besides(besides)
            .whole_only(),
        Case::raised(code, "it would be seen to register", &passes(Seen, Seen))
            .besides(besides)
            .whole_only(),
    ]
}

/// What came before is not seen, or what came at last.
fn met_later() -> Vec<Case> {
    let mut second = Scene::new();
    let mut other = other(&mut second, Seen);
    let mut connection = Phone::new(75).registered(&mut second, 51_000, &SECONDARY);
    asks_for_list(&mut second, &mut connection);
    for _ in 0..22 {
        second.pass(29.0);
        keep(&mut second, &mut other);
        connection.keepalive(&mut second);
    }

    let mut rejected = Scene::new();
    let phone = Phone::new(76);
    for port in 51_000..51_003 {
        let mut connection = phone.connects(&mut rejected, port, &PRIMARY);
        phone.asks(&mut rejected, &mut connection);
        connection.server_sends_unseen(&encode::register_reject(0, b"Error DBConfig"));
        connection.server_closes(&mut rejected);
        rejected.pass(20.0);
    }
    vec![
        Case::harmless(
            "registered_out_of_order",
            "it may have lost the better one before",
            &second,
        ),
        Case::harmless(
            "registration_no_answer",
            "its connection ends behind an answer that was not seen",
            &rejected,
        ),
    ]
}

fn other(scene: &mut Scene, primary: Primary) -> Option<Connection> {
    (primary == Seen).then(|| Phone::new(70).registered(scene, 52_000, &PRIMARY))
}

fn keep(scene: &mut Scene, connection: &mut Option<Connection>) {
    scene.pass(1.0);
    if let Some(connection) = connection {
        connection.keepalive(scene);
    }
}
