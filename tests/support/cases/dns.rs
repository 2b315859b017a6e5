//! Cases of findings about names.

use std::net::Ipv4Addr;

use phonewatch::wire::dns::{self, Dns, RecordType, ResponseCode};

use super::Case;
use crate::support::phone::config_file;
use crate::support::stories::{self, DHCP_SERVER, PRIMARY};
use crate::support::{Host, Phone, Scene};

const NAME_SERVER: Host = Host::server(53);
const OTHER_NAME_SERVER: Host = Host::server(54);
const FOUND: Option<Ipv4Addr> = Some(PRIMARY.address);

const CODE: &str = "dns_failure";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = failures();
    cases.extend(look_alikes());
    cases
}

fn failures() -> Vec<Case> {
    vec![
        Case::raised(
            CODE,
            "no such name",
            &story(&|scene, phone| asks(scene, phone, 1, "cm-pub", None)),
        ),
        Case::raised(
            CODE,
            "the name that phones try",
            &story(&|scene, phone| {
                asks(scene, phone, 1, "CiscoCM1.example.com", None);
                scene.pass(1.0);
                scene.tftp(
                    (&phone.host, 50_001),
                    (&DHCP_SERVER, 40_001),
                    "OS79XX.TXT",
                    b"P003",
                );
            }),
        ),
        Case::raised(
            CODE,
            "no answer",
            &story(&|scene, phone| {
                // Another phone shows that answers would be seen.
                asks(scene, &Phone::new(198), 1, "cm-pub", FOUND);
                for number in 2..5 {
                    in_vain(scene, phone, &NAME_SERVER, number, "cm-pub");
                }
            }),
        ),
        Case::raised(
            CODE,
            "the phone is stuck after another name",
            &story(&|scene, phone| {
                asks(scene, phone, 1, "gatekeeper.example.com", None);
                scene.pass(60.0);
            }),
        ),
        Case::cleared(
            CODE,
            "the record is added",
            &story(&|scene, phone| {
                asks(scene, phone, 1, "cm-pub", None);
                scene.pass(40.0);
                asks(scene, phone, 2, "cm-pub", FOUND);
            }),
        ),
        Case::raised(CODE, "four phones and one server", &many()),
    ]
}

fn look_alikes() -> Vec<Case> {
    vec![
        Case::harmless(
            CODE,
            "found under the second domain",
            &story(&|scene, phone| {
                asks(scene, phone, 1, "cm-pub.here.example", None);
                asks(scene, phone, 2, "cm-pub.voice.example", FOUND);
            }),
        ),
        Case::harmless(
            CODE,
            "found by the second server",
            &story(&|scene, phone| {
                in_vain(scene, phone, &OTHER_NAME_SERVER, 1, "cm-pub");
                in_vain(scene, phone, &OTHER_NAME_SERVER, 1, "cm-pub");
                asks(scene, phone, 2, "cm-pub", FOUND);
            }),
        ),
        Case::harmless(
            CODE,
            "no IPv6 address",
            &story(&|scene, phone| {
                let question = Dns::query(7, "cm-pub", RecordType::AAAA);
                let answer = question.answer(ResponseCode::NAME_ERROR, &[]);
                let client = (&phone.host, 49_007);
                scene.udp(client, (&NAME_SERVER, dns::PORT), &question.encode());
                scene.udp((&NAME_SERVER, dns::PORT), client, &answer.encode());
                asks(scene, phone, 2, "cm-pub", FOUND);
            }),
        ),
        Case::harmless(
            CODE,
            "a time server's name, and the phone goes on",
            &story(&|scene, phone| {
                asks(scene, phone, 1, "time.example.com", None);
                let mut connection = phone.registered(scene, 51_000, &PRIMARY);
                let until = scene.seconds() + 90.0;
                connection.keepalives(scene, 30.0, until);
            }),
        ),
        Case::harmless(
            CODE,
            "the secondary's name only",
            &story(&|scene, phone| {
                asks(scene, phone, 1, "cm-pub", FOUND);
                asks(scene, phone, 2, "cm-sub", None);
                let mut connection = phone.registered(scene, 51_000, &PRIMARY);
                let until = scene.seconds() + 60.0;
                connection.keepalives(scene, 30.0, until);
            }),
        ),
        Case::harmless(CODE, "a plain boot", &stories::boot(84)),
    ]
}

/// A phone that is configured by name looks up what it needs.
fn story(then: &dyn Fn(&mut Scene, &Phone)) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(85);
    configured_by_name(&mut scene, &phone);
    then(&mut scene, &phone);
    scene.pass(30.0);
    scene
}

fn configured_by_name(scene: &mut Scene, phone: &Phone) {
    phone.leases(scene, &DHCP_SERVER, 0x6000);
    let content = config_file(&[PRIMARY]).replace(
        "<processNodeName>10.0.0.11</processNodeName>",
        "<processNodeName>CM-PUB</processNodeName>",
    );
    scene.tftp(
        (&phone.host, 50_000),
        (&DHCP_SERVER, 40_000),
        &phone.config_file(),
        content.as_bytes(),
    );
    scene.pass(1.0);
}

fn asks(scene: &mut Scene, phone: &Phone, number: u16, name: &str, answer: Option<Ipv4Addr>) {
    scene.dns((&phone.host, 49_000 + number), &NAME_SERVER, name, answer);
}

fn in_vain(scene: &mut Scene, phone: &Phone, server: &Host, number: u16, name: &str) {
    let question = Dns::query(number, name, RecordType::A).encode();
    scene.udp(
        (&phone.host, 49_100 + number),
        (server, dns::PORT),
        &question,
    );
    scene.pass(4.0);
}

fn many() -> Scene {
    let mut scene = Scene::new();
    for last in 86..90 {
        let phone = Phone::new(last);
        configured_by_name(&mut scene, &phone);
        asks(&mut scene, &phone, 1, "cm-pub.voice.example", None);
    }
    scene.pass(30.0);
    scene
}
