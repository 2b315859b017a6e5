//! Cases of findings about DHCP for IPv6, of phones with and without IPv4 beside it.

use std::net::Ipv6Addr;

use phonewatch::wire::dhcp::code as v4;
use phonewatch::wire::dhcpv6::{MessageType, code};

use super::Case;
use super::dhcp::leases;
use crate::support::dhcpv6::{
    answers, datagram, leases_with, message, question, says, solicits, v6,
};
use crate::support::stories::{DHCP_SERVER, PRIMARY};
use crate::support::transform::over_ipv6;
use crate::support::{Host, Phone, Scene};

const OTHER_SERVER: Host = Host::server(30);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = no_answer();
    cases.extend(refused());
    cases.extend(no_tftp_server());
    cases.extend(bad_tftp_server());
    cases.extend(rogue());
    cases.extend(alternate());
    cases
}

fn no_answer() -> Vec<Case> {
    let code = "dhcp_no_answer";
    let asks = |seconds: &[u16]| {
        let mut scene = Scene::new();
        solicits(&mut scene, &Phone::new(140), seconds[0], seconds);
        scene.pass(10.0);
        scene
    };
    vec![
        Case::raised(code, "nobody answers over IPv6", &asks(&[40, 44, 52, 68])),
        Case::cleared(code, "the server of IPv6 comes back", &{
            let mut scene = asks(&[40, 44, 52, 68]);
            leases_with(&mut scene, &Phone::new(140), Some(&server()));
            scene
        }),
        Case::raised(code, "no REPLY", &{
            let mut scene = Scene::new();
            let phone = Phone::new(141);
            solicits(&mut scene, &phone, 40, &[40]);
            answers(
                &mut scene,
                message(&phone, MessageType::Advertise, 0x60).address(v6(&phone.host), 3600),
            );
            for second in [41, 45, 53_u16] {
                scene.at(f64::from(second));
                let request = question(&phone, MessageType::Request, 0x61, second - 41);
                says(&mut scene, &phone, request.address(v6(&phone.host), 0));
            }
            scene.pass(10.0);
            scene
        }),
        Case::harmless(code, "a phone that has IPv4 too", &{
            let mut scene = Scene::new();
            let phone = Phone::new(142);
            phone.leases(&mut scene, &DHCP_SERVER, 0x42);
            scene.pass(1.0);
            phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
            solicits(&mut scene, &phone, 5, &[5, 9, 17, 33, 65]);
            scene.pass(10.0);
            scene
        }),
        Case::harmless(code, "a phone whose IPv4 address was set by hand", &{
            let mut scene = Scene::new();
            let phone = Phone::new(143);
            solicits(&mut scene, &phone, 0, &[0]);
            scene.arp(&phone.host, &DHCP_SERVER);
            solicits(&mut scene, &phone, 0, &[4, 12, 28]);
            scene.pass(10.0);
            scene
        }),
        Case::harmless(code, "it has asked for long, and nobody knows for what", &{
            let mut scene = Scene::new();
            let phone = Phone::new(144);
            for second in [0, 120, 240, 360_u16] {
                scene.at(f64::from(second));
                let solicit = question(&phone, MessageType::Solicit, 0x60, 600 + second);
                says(&mut scene, &phone, solicit.no_address());
            }
            scene.pass(10.0);
            scene
        }),
        Case::harmless(code, "a phone that makes its address itself", &{
            let mut scene = Scene::new();
            let phone = Phone::new(145);
            solicits(&mut scene, &phone, 0, &[0, 1]);
            fetches_over_ipv6(&mut scene, &phone, &DHCP_SERVER);
            solicits(&mut scene, &phone, 0, &[20, 24, 40]);
            scene.pass(10.0);
            scene
        }),
    ]
}

fn refused() -> Vec<Case> {
    let code = "dhcp_refused";
    let renews = |status: &[u8]| {
        let mut scene = Scene::new();
        let phone = Phone::new(146);
        leases_with(&mut scene, &phone, Some(&server()));
        scene.at(1800.0);
        let address = v6(&phone.host);
        says(
            &mut scene,
            &phone,
            question(&phone, MessageType::Renew, 3, 0).address(address, 0),
        );
        let reply = message(&phone, MessageType::Reply, 3);
        answers(
            &mut scene,
            if status.is_empty() {
                reply.address(address, 3600)
            } else {
                reply.option(code::STATUS_CODE, status)
            },
        );
        scene.pass(5.0);
        scene
    };
    vec![
        Case::raised(
            code,
            "a RENEW, for which there is no binding",
            &renews(b"\0\x03gone"),
        ),
        Case::harmless(code, "a RENEW that is granted", &renews(&[])),
        Case::harmless(code, "the server confirms that it has the address back", &{
            let mut scene = Scene::new();
            let phone = Phone::new(147);
            leases_with(&mut scene, &phone, Some(&server()));
            scene.pass(2.0);
            let release = question(&phone, MessageType::Release, 4, 0);
            says(&mut scene, &phone, release.address(v6(&phone.host), 0));
            let unknown = message(&phone, MessageType::Reply, 4);
            answers(&mut scene, unknown.option(code::STATUS_CODE, &[0, 3]));
            scene.pass(5.0);
            scene
        }),
        Case::raised(code, "the IPv6 address is in use", &{
            let mut scene = Scene::new();
            let phone = Phone::new(148);
            leases_with(&mut scene, &phone, Some(&server()));
            scene.pass(2.0);
            let decline = question(&phone, MessageType::Decline, 4, 0);
            says(&mut scene, &phone, decline.address(v6(&phone.host), 0));
            scene.pass(5.0);
            scene
        })
        .besides(&["duplicate_address"]),
    ]
}

fn no_tftp_server() -> Vec<Case> {
    let none = "dhcp_no_tftp_server";
    vec![
        Case::raised(none, "no suboption over IPv6", &{
            let mut scene = Scene::new();
            scene.at(40.0);
            leases_with(&mut scene, &Phone::new(150), None);
            scene.pass(15.0);
            scene
        }),
        Case::raised(none, "neither version names one", &{
            let mut scene = Scene::new();
            leased_without_tftp(&mut scene, &Phone::new(151));
            leases_with(&mut scene, &Phone::new(151), None);
            scene.pass(15.0);
            scene
        }),
        Case::harmless(
            none,
            "the capture begins with it, and may have missed IPv4",
            &{
                let mut scene = Scene::new();
                leases_with(&mut scene, &Phone::new(149), None);
                scene.pass(15.0);
                scene
            },
        ),
        Case::raised(none, "nothing of IPv4 follows", &{
            let mut scene = Scene::new();
            leases_with(&mut scene, &Phone::new(149), None);
            scene.pass(125.0);
            scene
        }),
        Case::harmless(none, "IPv4 names one, and IPv6 none", &{
            let mut scene = Scene::new();
            let phone = Phone::new(152);
            phone.leases(&mut scene, &DHCP_SERVER, 0x52);
            leases_with(&mut scene, &phone, None);
            scene.pass(15.0);
            scene
        }),
        Case::harmless(none, "IPv6 names one, and IPv4 none", &{
            let mut scene = Scene::new();
            let phone = Phone::new(153);
            leased_without_tftp(&mut scene, &phone);
            leases_with(&mut scene, &phone, Some(&server()));
            scene.pass(15.0);
            scene
        })
        .whole_only(),
        Case::harmless(none, "IPv6 names one to a phone that made its address", &{
            let mut scene = Scene::new();
            let phone = Phone::new(154);
            leased_without_tftp(&mut scene, &phone);
            informs(&mut scene, &phone, Some(&server()));
            scene.pass(15.0);
            scene
        })
        .whole_only(),
        Case::harmless(none, "options of IPv6 beside a lease of IPv4", &{
            let mut scene = Scene::new();
            let phone = Phone::new(155);
            phone.leases(&mut scene, &DHCP_SERVER, 0x55);
            informs(&mut scene, &phone, None);
            scene.pass(15.0);
            scene
        }),
        Case::harmless(none, "it goes on without over IPv6", &{
            let mut scene = Scene::new();
            let phone = Phone::new(156);
            leases_with(&mut scene, &phone, None);
            fetches_over_ipv6(&mut scene, &phone, &DHCP_SERVER);
            scene.pass(15.0);
            scene
        }),
    ]
}

fn bad_tftp_server() -> Vec<Case> {
    let bad = "dhcp_bad_tftp_server";
    let given = |value: &[u8]| {
        let mut scene = Scene::new();
        scene.at(40.0);
        leases_with(&mut scene, &Phone::new(157), Some(value));
        scene.pass(15.0);
        scene
    };
    vec![
        Case::raised(bad, "text over IPv6", &given(b"2001:db8::5")),
        Case::raised(bad, "an IPv4 address over IPv6", &given(&[10, 0, 0, 5])),
        Case::raised(bad, "the unspecified address", &given(&[0; 16])),
        Case::harmless(
            bad,
            "one that can be used",
            &given(&[server(), [0; 16]].concat()),
        ),
        Case::harmless(bad, "text over IPv6 to a phone that has IPv4 too", &{
            let mut scene = Scene::new();
            let phone = Phone::new(158);
            phone.leases(&mut scene, &DHCP_SERVER, 0x58);
            leases_with(&mut scene, &phone, Some(b"2001:db8::5"));
            scene.pass(15.0);
            scene
        }),
    ]
}

fn rogue() -> Vec<Case> {
    let code = "dhcp_rogue_server";
    let advertised = |second: &[u8]| {
        let mut scene = Scene::new();
        let phone = Phone::new(159);
        solicits(&mut scene, &phone, 0, &[0]);
        let advertise = |tftp: &[u8]| {
            let message = message(&phone, MessageType::Advertise, 0x60);
            message.address(v6(&phone.host), 3600).tftp_servers(tftp)
        };
        answers(&mut scene, advertise(&server()));
        let stranger = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x66);
        let client = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        let from = (OTHER_SERVER.mac, stranger);
        let payload = advertise(second).build();
        datagram(&mut scene, from, client, [547, 546], &payload);
        scene.pass(3.0);
        scene
    };
    vec![
        Case::raised(
            code,
            "another TFTP server over IPv6",
            &advertised(&[0xfd; 16]),
        ),
        Case::harmless(
            code,
            "two servers of IPv6 that agree",
            &advertised(&server()),
        ),
    ]
}

fn alternate() -> Vec<Case> {
    let code = "alternate_tftp";
    let asks = |server: &Host, has_ipv4: bool| {
        let mut scene = Scene::new();
        let phone = Phone::new(160);
        if has_ipv4 {
            phone.leases(&mut scene, &OTHER_SERVER, 0x60);
        }
        leases_with(&mut scene, &phone, Some(&v6(&DHCP_SERVER).octets()));
        fetches_over_ipv6(&mut scene, &phone, server);
        scene.pass(3.0);
        scene
    };
    vec![
        Case::raised(
            code,
            "another than DHCP for IPv6 gives",
            &asks(&OTHER_SERVER, false),
        ),
        Case::harmless(
            code,
            "the one that DHCP for IPv6 gives",
            &asks(&DHCP_SERVER, false),
        ),
        Case::harmless(
            code,
            "IPv6 gives one, IPv4 another",
            &asks(&DHCP_SERVER, true),
        ),
        Case::harmless(code, "IPv4 names it, and it asks by IPv6", &{
            let mut scene = Scene::new();
            let phone = Phone::new(161);
            phone.leases(&mut scene, &DHCP_SERVER, 0x61);
            leases_with(&mut scene, &phone, None);
            fetches_over_ipv6(&mut scene, &phone, &DHCP_SERVER);
            scene.pass(3.0);
            scene
        }),
    ]
}

/// The address of the TFTP server as an option holds it.
fn server() -> [u8; 16] {
    v6(&DHCP_SERVER).octets()
}

/// A lease of IPv4 that names no TFTP server.
fn leased_without_tftp(scene: &mut Scene, phone: &Phone) {
    leases(scene, phone, &DHCP_SERVER, |answer| {
        answer
            .option(v4::SUBNET_MASK, &[255, 255, 255, 0])
            .addresses(v4::ROUTERS, &[[10, 1, 1, 1].into()])
    });
}

/// The phone asks for nothing but options.
fn informs(scene: &mut Scene, phone: &Phone, tftp: Option<&[u8]>) {
    let information = question(phone, MessageType::InformationRequest, 7, 0);
    says(scene, phone, information);
    let reply = message(phone, MessageType::Reply, 7);
    let reply = match tftp {
        Some(value) => reply.tftp_servers(value),
        None => reply.option(code::DNS_SERVERS, &[0xfd; 16]),
    };
    answers(scene, reply);
}

fn fetches_over_ipv6(scene: &mut Scene, phone: &Phone, server: &Host) {
    let mut told = Scene::new();
    told.at(scene.seconds() + 1.0);
    phone.fetches_config(&mut told, server, &[PRIMARY]);
    scene.entries.extend(over_ipv6(&told.entries));
    scene.at(told.seconds());
}
