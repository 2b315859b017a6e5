//! Cases of findings about TFTP servers: which is asked, and whether it answers.

use phonewatch::wire::tftp::{ErrorCode, Tftp};

use super::{Case, Entry};
use crate::support::phone::config_file;
use crate::support::scene::ethernet;
use crate::support::stories::{self, DHCP_SERVER, PRIMARY};
use crate::support::{Host, Phone, Scene};

/// A TFTP server of which DHCP says nothing.
const OTHER_SERVER: Host = Host::server(6);

/// The switch on the way: it says what could not be delivered.
const HOST_UNREACHABLE: u8 = 1;
const PORT_UNREACHABLE: u8 = 3;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = alternate();
    cases.extend(no_answer());
    cases.extend(no_answer_in_part());
    cases.extend(one_way());
    cases.extend(service_down());
    cases
}

/// A phone with its lease.
pub(super) fn leased(scene: &mut Scene, last: u8) -> Phone {
    let phone = Phone::new(last);
    phone.leases(scene, &DHCP_SERVER, 0x4000 + u32::from(last));
    scene.pass(1.0);
    phone
}

/// The phone registers and stays so.
pub(super) fn registers_for_a_minute(scene: &mut Scene, phone: &Phone) {
    let mut connection = phone.registered(scene, 51_000, &PRIMARY);
    let until = scene.seconds() + 60.0;
    connection.keepalives(scene, 30.0, until);
}

fn alternate() -> Vec<Case> {
    let code = "alternate_tftp";
    let asks = |server: &Host, then: Option<&Host>| {
        let mut scene = Scene::new();
        let phone = leased(&mut scene, 60);
        phone.fetches_config(&mut scene, server, &[PRIMARY]);
        if let Some(server) = then {
            scene.pass(1.0);
            phone.fetches_config(&mut scene, server, &[PRIMARY]);
        }
        registers_for_a_minute(&mut scene, &phone);
        scene
    };
    let both = {
        let mut scene = Scene::new();
        let phone = Phone::new(60);
        let offered = [DHCP_SERVER, OTHER_SERVER].map(|server| server.address.octets());
        phone.leases_with(&mut scene, &DHCP_SERVER, 0x4060, &offered.concat());
        phone.fetches_config(&mut scene, &OTHER_SERVER, &[PRIMARY]);
        registers_for_a_minute(&mut scene, &phone);
        scene
    };
    let firmware_elsewhere = {
        let mut scene = Scene::new();
        let phone = leased(&mut scene, 60);
        phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
        scene.tftp(
            (&phone.host, 50_100),
            (&OTHER_SERVER, 40_001),
            "P00308000500.sbn",
            &[7; 700],
        );
        scene.pass(2.0);
        scene
    };
    vec![
        Case::raised(code, "set on the phone", &asks(&OTHER_SERVER, None)),
        Case::cleared(code, "taken back", &asks(&OTHER_SERVER, Some(&DHCP_SERVER))),
        Case::harmless(code, "the second address of option 150", &both),
        Case::harmless(
            code,
            "firmware from a server of its own",
            &firmware_elsewhere,
        ),
        Case::harmless(code, "the lease was not seen", &asks(&OTHER_SERVER, None))
            .seen_as(without_dhcp),
    ]
}

/// A capture that began after the phone had its address.
fn without_dhcp(entries: Vec<Entry>) -> Vec<Entry> {
    let from = Scene::time(0.5);
    entries
        .into_iter()
        .filter(|entry| entry.at() >= from)
        .collect()
}

/// A phone asks for its configuration so many times, four seconds apart, and nothing comes.
fn asks_in_vain(scene: &mut Scene, phone: &Phone, server: &Host, times: u32) {
    for _ in 0..times {
        scene.tftp_request((&phone.host, 50_500), server, &phone.config_file());
        scene.pass(4.0);
    }
}

/// Somebody is served by another TFTP server, so that the sensor is known to see both directions.
fn somebody_is_served(scene: &mut Scene) {
    let phone = Phone::new(199);
    phone.fetches_config(scene, &OTHER_SERVER, &[PRIMARY]);
}

fn no_answer() -> Vec<Case> {
    let code = "tftp_no_answer";
    vec![
        Case::raised(code, "four requests", &story(4, |_, _| {})),
        Case::cleared(
            code,
            "the server answers in the end",
            &story(4, |scene, phone| {
                scene.pass(40.0);
                phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY]);
            }),
        ),
        Case::raised(
            code,
            "no way to the server",
            &story(1, |scene, phone| {
                scene.tftp_request((&phone.host, 50_501), &DHCP_SERVER, &phone.config_file());
                unreachable(scene, phone, HOST_UNREACHABLE);
            }),
        ),
        Case::harmless(code, "one request only", &story(1, |_, _| {})),
        Case::harmless(
            code,
            "the second server answers",
            &story(2, |scene, phone| {
                scene.tftp_not_found(
                    (&phone.host, 50_502),
                    (&OTHER_SERVER, 40_002),
                    &format!("CTL{}.tlv", phone.name),
                );
                registers_for_a_minute(scene, phone);
            }),
        ),
        Case::harmless(
            code,
            "it registers with what it has stored",
            &story(4, registers_for_a_minute),
        ),
        Case::harmless(code, "frames were lost", &story(4, |_, _| {}))
            .seen_as(|entries| {
                let mut scene = Scene::new();
                scene.at(6.0).loss(3);
                let mut entries = entries;
                entries.extend(scene.entries);
                entries.sort_by_key(Entry::at);
                entries
            })
            .besides(&["mirror_lossy"]),
        Case::harmless(
            code,
            "only what phones send is mirrored",
            &story(2, |_, _| {}),
        )
        .seen_as(|entries| {
            let is_servers = |entry: &Entry| {
                entry
                    .frame()
                    .is_some_and(|frame| frame.bytes.get(26..28) == Some(&[10, 0]))
            };
            entries
                .into_iter()
                .filter(|entry| !is_servers(entry))
                .collect()
        })
        .whole_only(),
        Case::harmless(code, "a plain boot", &stories::boot(61)),
    ]
}

/// A phone asks so often in vain, while another one is served elsewhere.
fn story(times: u32, then: fn(&mut Scene, &Phone)) -> Scene {
    let mut scene = Scene::new();
    somebody_is_served(&mut scene);
    let phone = Phone::new(61);
    let offered = [DHCP_SERVER, OTHER_SERVER].map(|server| server.address.octets());
    phone.leases_with(&mut scene, &DHCP_SERVER, 0x4061, &offered.concat());
    scene.pass(1.0);
    asks_in_vain(&mut scene, &phone, &DHCP_SERVER, times);
    then(&mut scene, &phone);
    scene.pass(60.0);
    scene
}

fn no_answer_in_part() -> Vec<Case> {
    let code = "tftp_no_answer";
    vec![
        Case::harmless(
            code,
            "a server whose answers are not seen, while those of another are",
            &story(0, |scene, phone| {
                for port in 50_510..50_514 {
                    let client = (&phone.host, port);
                    scene.tftp_not_found(client, (&DHCP_SERVER, 40_010), &phone.config_file());
                    scene.pass(40.0);
                }
            }),
        )
        .seen_as(without_the_dhcp_server)
        .besides(&["static_address"])
        .whole_only(),
        Case::raised(
            code,
            "it asks on, and its server is not seen",
            &story(4, |_, _| {}),
        )
        .seen_as(without_the_dhcp_server),
        Case::harmless(
            code,
            "what the server says comes before what it is asked",
            &story(0, |scene, phone| {
                for port in 50_520..50_524 {
                    let (server, client) = ((&DHCP_SERVER, 40_020), (&phone.host, port));
                    let error = Tftp::Error {
                        code: ErrorCode::NOT_FOUND,
                        message: String::from("File not found"),
                    };
                    scene.udp(server, client, &error.encode());
                    scene.tftp_request(client, &DHCP_SERVER, &format!("CTL{}.tlv", phone.name));
                    scene.pass(2.0);
                    let client = (&phone.host, port + 10);
                    let bytes = config_file(&[PRIMARY]);
                    let (block, bytes) = (1, bytes.get(..300).unwrap_or_default().as_bytes());
                    scene.udp(server, client, &Tftp::Data { block, bytes }.encode());
                    scene.udp(client, server, &Tftp::Ack { block }.encode());
                    scene.tftp_request(client, &DHCP_SERVER, &format!("ITL{}.tlv", phone.name));
                    scene.pass(40.0);
                }
            }),
        ),
    ]
}

/// What the server sends that gives addresses and has the files is not mirrored.
fn without_the_dhcp_server(mut entries: Vec<Entry>) -> Vec<Entry> {
    let source = DHCP_SERVER.address.octets();
    let is_its = |entry: &Entry| {
        let frame = entry.frame();
        frame.is_some_and(|frame| frame.bytes.get(26..30) == Some(&source))
    };
    entries.retain(|entry| !is_its(entry));
    entries
}

/// A message that the packet sent last could not be delivered.
fn unreachable(scene: &mut Scene, phone: &Phone, code: u8) {
    let quoted = scene
        .entries
        .last()
        .and_then(Entry::frame)
        .map(|frame| frame.bytes.get(14..).unwrap_or_default().to_vec())
        .unwrap_or_default();
    let message = [&[3, code, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
    let ip = scene.ip(&DHCP_SERVER, &phone.host);
    scene.frame(ethernet(&DHCP_SERVER, &phone.host).ipv4(&ip, 1, &message));
}

fn one_way() -> Vec<Case> {
    let code = "tftp_one_way";
    let first_block = |length: usize| {
        Tftp::Data {
            block: 1,
            bytes: &[b'x'; 512][..length],
        }
        .encode()
    };
    // Each request starts a transfer from a new port of the server; every first block is sent twice.
    let story = |length: usize, requests: u16, then: fn(&mut Scene, &Phone)| {
        let mut scene = Scene::new();
        let phone = leased(&mut scene, 62);
        for request in 0..requests {
            let client = (&phone.host, 50_600);
            scene.tftp_request(client, &DHCP_SERVER, &phone.config_file());
            for _ in 0..2 {
                scene.udp(
                    (&DHCP_SERVER, 41_000 + request),
                    client,
                    &first_block(length),
                );
                scene.pass(2.0);
            }
        }
        then(&mut scene, &phone);
        scene.pass(60.0);
        scene
    };
    let acknowledges = |scene: &mut Scene, phone: &Phone| {
        let client = (&phone.host, 50_600);
        scene.udp(
            client,
            (&DHCP_SERVER, 41_002),
            &Tftp::Ack { block: 1 }.encode(),
        );
    };
    vec![
        Case::raised(code, "a long file", &story(512, 3, |_, _| {})),
        Case::raised(code, "a file of one block", &story(200, 3, |_, _| {})),
        Case::cleared(
            code,
            "an acknowledgment comes",
            &story(512, 3, acknowledges),
        ),
        Case::harmless(
            code,
            "the request crosses a slow answer",
            &story(512, 1, |scene, phone| {
                let client = (&phone.host, 50_600);
                scene.tftp_request(client, &DHCP_SERVER, &phone.config_file());
                let block = Tftp::Data {
                    block: 1,
                    bytes: &[b'x'; 512],
                };
                scene.udp((&DHCP_SERVER, 41_001), client, &block.encode());
                scene.udp(
                    client,
                    (&DHCP_SERVER, 41_001),
                    &Tftp::Ack { block: 1 }.encode(),
                );
            }),
        ),
        Case::harmless(code, "a plain boot", &stories::boot(62)),
    ]
}

fn service_down() -> Vec<Case> {
    let code = "tftp_service_down";
    let phones = &["tftp_no_answer"];
    let silent = |number: u8, then: fn(&mut Scene)| {
        let mut scene = Scene::new();
        somebody_is_served(&mut scene);
        for last in 0..number {
            let phone = leased(&mut scene, 70 + last);
            asks_in_vain(&mut scene, &phone, &DHCP_SERVER, 3);
        }
        scene.pass(60.0);
        then(&mut scene);
        scene.pass(15.0);
        scene
    };
    let closed = |then: fn(&mut Scene, &Phone)| {
        let mut scene = Scene::new();
        let phone = leased(&mut scene, 75);
        scene.tftp_request((&phone.host, 50_700), &DHCP_SERVER, &phone.config_file());
        unreachable(&mut scene, &phone, PORT_UNREACHABLE);
        scene.pass(20.0);
        then(&mut scene, &phone);
        scene.pass(20.0);
        scene
    };
    vec![
        Case::raised(code, "four phones get no answer", &silent(4, |_| {})).besides(phones),
        Case::cleared(
            code,
            "the service is started",
            &silent(4, |scene| {
                Phone::new(71).fetches_config(scene, &DHCP_SERVER, &[PRIMARY]);
            }),
        )
        .besides(phones),
        Case::raised(code, "the port is closed", &closed(|_, _| {})).besides(phones),
        Case::cleared(
            code,
            "the port is open again",
            &closed(|scene, phone| phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY])),
        )
        .besides(phones),
        Case::harmless(code, "two phones get no answer", &silent(2, |_| {})).besides(phones),
    ]
}
