//! Cases of findings about DHCP.

use std::net::Ipv4Addr;

use phonewatch::wire::dhcp::{self, DhcpBuilder, MessageType, code};
use phonewatch::wire::sccp::encode;

use super::Case;
use crate::support::stories::{self, DHCP_SERVER, PRIMARY};
use crate::support::transform::over_ipv6;
use crate::support::{Entry, Host, Phone, Scene};

const ROGUE: Host = Host::new([0x00, 0x1D, 0x7E, 0, 0, 1], [10, 1, 1, 250]);

/// What a phone says of itself after its power came back, and after CallManager restarted it.
const COLD_START: &str = "25: Name=SEP001380AA004D Load=P00308000500 Last=Initialized";
const SOFTWARE_RESTART: &str = "23: Name=SEP001380AA004D Load=P00308000500 Last=Reset-Restart";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = no_answer();
    cases.extend(refused());
    cases.extend(tftp_server());
    cases.extend(lease());
    cases.extend(excessive());
    cases.extend(rogue());
    cases.extend(addresses());
    cases
}

fn no_answer() -> Vec<Case> {
    let code = "dhcp_no_answer";
    vec![
        Case::raised(
            code,
            "nobody answers",
            &discovers(61, &[0.0, 4.0, 12.0, 28.0]),
        ),
        Case::raised(code, "three phones and nobody answers", &three_phones()),
        Case::cleared(code, "the server comes back", &{
            let mut scene = discovers(61, &[0.0, 4.0, 12.0, 28.0]);
            Phone::new(61).leases(&mut scene, &DHCP_SERVER, 0x62);
            scene
        }),
        Case::raised(code, "the offers do not reach the phone", &{
            let mut scene = Scene::new();
            let phone = Phone::new(62);
            for second in [0.0, 4.0, 12.0] {
                scene.at(second);
                phone.discovers(&mut scene, 0x63);
                sends(
                    &mut scene,
                    &DHCP_SERVER,
                    &phone,
                    &good(&phone, MessageType::Offer, 0x63),
                );
            }
            scene.pass(10.0);
            scene
        }),
        Case::raised(code, "no ACK", &requests_without_ack()),
        Case::raised(code, "no renewal", &renewals(false)),
        Case::harmless(code, "a renewal that is answered late", &renewals(true)),
        Case::harmless(code, "two DISCOVERs and then an answer", &{
            let mut scene = discovers(63, &[0.0, 4.0]);
            Phone::new(63).leases(&mut scene, &DHCP_SERVER, 0x61);
            scene
        }),
        Case::harmless(code, "the server is not seen", &one_way()),
        Case::harmless(code, "the server is not seen, and another one is", &{
            let mut scene = Scene::new();
            Phone::new(158).leases(&mut scene, &ROGUE, 0x158);
            let phone = Phone::new(58);
            for number in 0..4 {
                scene.pass(30.0);
                phone.discovers(&mut scene, 0x57 + number);
                scene.pass(0.1);
                phone.broadcasts(&mut scene, &selecting(&phone, 0x57 + number));
            }
            scene.pass(10.0);
            scene
        })
        .whole_only(),
        Case::harmless(
            code,
            "frames were lost meanwhile",
            &discovers(64, &[0.0, 4.0, 12.0, 28.0]),
        )
        .seen_as(|entries| losing_after(entries, 6))
        .besides(&["mirror_lossy"]),
        Case::harmless(code, "DISCOVERs in two VLANs", &{
            let mut scene = Scene::new();
            let phone = Phone::new(65);
            for second in [0.0, 4.0] {
                scene.at(second);
                phone.discovers(&mut scene, 0x65);
            }
            let voice = phone.in_vlan(110);
            for second in [11.0, 15.0] {
                scene.at(second);
                voice.discovers(&mut scene, 0x65);
            }
            voice.leases(&mut scene, &DHCP_SERVER, 0x66);
            scene.pass(5.0);
            boots_on(&mut scene, &voice);
            scene
        }),
    ]
}

fn refused() -> Vec<Case> {
    let code = "dhcp_refused";
    // Nothing but its DHCP is told of the phone.
    let silent = &["keepalive_gap"];
    vec![
        Case::raised(code, "at half of the lease", &nak_at_half(10.0)).besides(silent),
        Case::cleared(code, "long ago", &nak_at_half(1000.0)).besides(silent),
        Case::raised(code, "the address is in use", &declines()).besides(&["duplicate_address"]),
        Case::raised(code, "its old address again and again", &moved(3, false)),
        Case::harmless(code, "a phone that was moved", &moved(1, true)),
        Case::harmless(code, "a renewal", &renewals(true)),
    ]
}

fn tftp_server() -> Vec<Case> {
    let bad = "dhcp_bad_tftp_server";
    let none = "dhcp_no_tftp_server";
    let text = b"192.168.25.100\0".as_slice();
    let offered = |option_150: &[u8]| {
        let mut scene = Scene::new();
        Phone::new(66).leases_with(&mut scene, &DHCP_SERVER, 0x66, option_150);
        scene.pass(15.0);
        scene
    };
    let without = |last: u8| {
        let mut scene = Scene::new();
        leases(&mut scene, &Phone::new(last), &DHCP_SERVER, |answer| {
            answer
                .option(code::SUBNET_MASK, &[255, 255, 255, 0])
                .addresses(code::ROUTERS, &[Ipv4Addr::new(10, 1, 1, 1)])
        });
        scene
    };
    vec![
        Case::raised(bad, "text", &offered(text)),
        Case::raised(bad, "0.0.0.0", &offered(&[0, 0, 0, 0])),
        Case::raised(bad, "three bytes", &offered(&[10, 0, 5])),
        Case::cleared(bad, "mended", &{
            let mut scene = offered(text);
            let phone = Phone::new(66);
            phone.leases(&mut scene, &DHCP_SERVER, 0x67);
            boots_on(&mut scene, &phone);
            scene
        }),
        Case::harmless(bad, "two addresses", &offered(&[10, 0, 0, 5, 10, 0, 0, 6])),
        Case::raised(none, "neither 150 nor 66", &{
            let mut scene = without(67);
            scene.pass(15.0);
            scene
        }),
        Case::cleared(none, "mended", &{
            let mut scene = without(67);
            scene.pass(15.0);
            Phone::new(67).leases(&mut scene, &DHCP_SERVER, 0x69);
            scene
        }),
        Case::harmless(none, "an alternate TFTP server", &{
            let mut scene = without(68);
            scene.pass(1.0);
            boots_on(&mut scene, &Phone::new(68));
            scene
        }),
        Case::harmless(none, "option 66", &{
            let mut scene = Scene::new();
            leases(&mut scene, &Phone::new(69), &DHCP_SERVER, |answer| {
                answer
                    .option(code::SUBNET_MASK, &[255, 255, 255, 0])
                    .addresses(code::ROUTERS, &[Ipv4Addr::new(10, 1, 1, 1)])
                    .option(code::TFTP_SERVER_NAME, b"10.0.0.5")
            });
            scene.pass(15.0);
            scene
        }),
    ]
}

fn lease() -> Vec<Case> {
    let code = "dhcp_bad_lease";
    let given = |mask: [u8; 4], routers: &[[u8; 4]]| {
        let mut scene = Scene::new();
        let routers: Vec<_> = routers.iter().copied().map(Ipv4Addr::from).collect();
        leases(&mut scene, &Phone::new(70), &DHCP_SERVER, |answer| {
            let answer = answer
                .option(code::SUBNET_MASK, &mask)
                .addresses(code::TFTP_SERVER_ADDRESSES, &[DHCP_SERVER.address]);
            if routers.is_empty() {
                answer
            } else {
                answer.addresses(code::ROUTERS, &routers)
            }
        });
        scene.pass(15.0);
        scene
    };
    let quarter = [255, 255, 255, 192];
    vec![
        Case::raised(
            code,
            "a router elsewhere",
            &given([255, 255, 255, 0], &[[10, 2, 1, 1]]),
        ),
        Case::raised(
            code,
            "mask 0 with a router",
            &given([0, 0, 0, 0], &[[10, 1, 1, 1]]),
        ),
        Case::raised(code, "no router", &given([255, 255, 255, 0], &[])),
        Case::cleared(code, "mended", &{
            let mut scene = given([255, 255, 255, 0], &[[10, 2, 1, 1]]);
            Phone::new(70).leases(&mut scene, &DHCP_SERVER, 0x71);
            scene
        }),
        Case::harmless(code, "a small network", &given(quarter, &[[10, 1, 1, 65]])),
        Case::harmless(
            code,
            "one of two routers fits",
            &given([255, 255, 255, 0], &[[10, 2, 1, 1], [10, 1, 1, 1]]),
        ),
        Case::harmless(code, "no router, and it registers all the same", &{
            let mut scene = Scene::new();
            let phone = Phone::new(71);
            leases(&mut scene, &phone, &DHCP_SERVER, |answer| {
                answer
                    .option(code::SUBNET_MASK, &[255, 0, 0, 0])
                    .addresses(code::TFTP_SERVER_ADDRESSES, &[DHCP_SERVER.address])
            });
            boots_on(&mut scene, &phone);
            scene
        }),
    ]
}

fn excessive() -> Vec<Case> {
    let code = "dhcp_excessive";
    vec![
        Case::raised(code, "leases in quick succession", &cycles(7, 40.0)),
        Case::cleared(code, "for a while", &{
            let mut scene = cycles(7, 40.0);
            scene.pass(700.0);
            scene
        }),
        Case::harmless(code, "a few", &cycles(6, 40.0)),
    ]
}

fn rogue() -> Vec<Case> {
    let code = "dhcp_rogue_server";
    let by = |server: &Host| offer(&Phone::new(72), server, ROGUE.address, &[]);
    let same = |server: &Host| {
        let router = Ipv4Addr::new(10, 1, 1, 1);
        offer(&Phone::new(72), server, router, &[DHCP_SERVER.address])
    };
    let two = |second: DhcpBuilder, wait: f64| {
        let mut scene = Scene::new();
        let phone = Phone::new(72);
        phone.discovers(&mut scene, 0x72);
        sends(&mut scene, &DHCP_SERVER, &phone, &same(&DHCP_SERVER));
        sends(&mut scene, &ROGUE, &phone, &second);
        boots_on(&mut scene, &phone);
        scene.pass(wait);
        scene
    };
    vec![
        Case::raised(code, "a home router", &two(by(&ROGUE), 10.0)),
        Case::cleared(code, "long ago", &two(by(&ROGUE), 1000.0)).besides(&["keepalive_gap"]),
        Case::harmless(
            code,
            "a second server for the same",
            &two(same(&ROGUE), 10.0),
        ),
        Case::harmless(
            code,
            "another network's server on the way to the voice VLAN",
            &{
                let mut scene = Scene::new();
                let phone = Phone::new(73);
                phone.discovers(&mut scene, 0x73);
                let data = offer(&phone, &ROGUE, ROGUE.address, &[]);
                sends(&mut scene, &ROGUE, &phone, &data);
                scene.pass(1.0);
                let voice = phone.in_vlan(110);
                voice.leases(&mut scene, &DHCP_SERVER, 0x74);
                boots_on(&mut scene, &voice);
                scene
            },
        ),
    ]
}

fn addresses() -> Vec<Case> {
    let fixed = "static_address";
    let twice = "duplicate_address";
    let router = Host::new([0x00, 0x0C, 0xCE, 1, 1, 1], [10, 1, 1, 1]);
    let thief = Host::new([0x00, 0x26, 0xB9, 1, 2, 3], [10, 1, 1, 76]);
    let shared = |mac: [u8; 6]| Host::new(mac, [10, 1, 1, 76]);
    let claims = |other: Host, defends: bool| {
        let mut scene = stories::boot(76);
        let phone = Phone::new(76);
        scene.arp(&router, &phone.host);
        scene.pass(1.0);
        scene.arp(&router, &other);
        if defends {
            scene.pass(1.0);
            scene.arp(&router, &phone.host);
        }
        scene.pass(10.0);
        scene
    };
    vec![
        Case::raised(twice, "a PC with the phone's address", &claims(thief, true)),
        Case::cleared(twice, "long ago", &{
            let mut scene = claims(thief, true);
            scene.pass(1000.0);
            scene
        })
        .besides(&["keepalive_gap"]),
        Case::harmless(twice, "an address that moved", &claims(thief, false)),
        Case::harmless(
            twice,
            "a group of routers",
            &claims(shared([0, 0, 0x0C, 0x07, 0xAC, 1]), true),
        ),
        Case::harmless(
            twice,
            "a router that answers for others",
            &claims(router.with_address(thief.address), true),
        ),
        Case::raised(
            fixed,
            "a phone that never asks",
            &static_boot(200.0, COLD_START),
        )
        .besides(&["keepalive_gap"]),
        Case::cleared(fixed, "until it asks", &{
            let mut scene = static_boot(200.0, COLD_START);
            Phone::new(77).leases(&mut scene, &DHCP_SERVER, 0x77);
            scene
        })
        .besides(&["keepalive_gap"]),
        Case::harmless(
            fixed,
            "the capture begins with it",
            &static_boot(20.0, COLD_START),
        ),
        Case::harmless(fixed, "an IPv6 address that it made itself", &{
            let mut scene = static_boot(200.0, COLD_START);
            scene.entries = over_ipv6(&scene.entries);
            scene
        })
        .besides(&["keepalive_gap"]),
        Case::harmless(
            fixed,
            "only its software restarts",
            &static_boot(200.0, SOFTWARE_RESTART),
        )
        .besides(&["keepalive_gap"]),
    ]
}

/// DISCOVERs of one transaction at these times, and ten seconds.
fn discovers(last: u8, seconds: &[f64]) -> Scene {
    let mut scene = Scene::new();
    for &second in seconds {
        scene.at(second);
        Phone::new(last).discovers(&mut scene, 0x60);
    }
    scene.pass(10.0);
    scene
}

fn three_phones() -> Scene {
    let mut scene = Scene::new();
    for second in [0.0, 4.0, 12.0, 28.0] {
        for last in [101, 102, 103] {
            scene.at(second + f64::from(last - 101) / 10.0);
            Phone::new(last).discovers(&mut scene, u32::from(last));
        }
    }
    scene.pass(10.0);
    scene
}

fn requests_without_ack() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(59);
    phone.discovers(&mut scene, 0x59);
    sends(
        &mut scene,
        &DHCP_SERVER,
        &phone,
        &good(&phone, MessageType::Offer, 0x59),
    );
    for second in [1.0, 5.0, 13.0] {
        scene.at(second);
        phone.broadcasts(&mut scene, &selecting(&phone, 0x59));
    }
    scene.pass(10.0);
    scene
}

/// A registered phone asks three times to renew, and is answered in the end or not.
fn renewals(answered: bool) -> Scene {
    let mut scene = stories::boot(58);
    let phone = Phone::new(58);
    let renewal = renewal(&phone, 0x58);
    for _ in 0..if answered { 2 } else { 3 } {
        scene.pass(6.0);
        to_server(&mut scene, &phone, &renewal);
    }
    if answered {
        sends(
            &mut scene,
            &DHCP_SERVER,
            &phone,
            &good(&phone, MessageType::Ack, 0x58),
        );
    }
    scene.pass(5.0);
    scene
}

/// Three boots on a mirror that does not show the DHCP server.
fn one_way() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(57);
    for number in 0..3 {
        scene.pass(30.0);
        phone.discovers(&mut scene, 0x57 + number);
        scene.pass(0.1);
        phone.broadcasts(&mut scene, &selecting(&phone, 0x57 + number));
        scene.pass(0.5);
        phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    }
    scene.pass(10.0);
    scene
}

/// The sensor tells that it lost a frame, behind so many of them.
fn losing_after(entries: Vec<Entry>, place: usize) -> Vec<Entry> {
    let mut scene = Scene::new();
    let at = entries[place].at().since(Scene::BEGIN).as_secs_f64();
    scene.at(at).loss(1);
    let mut entries = entries;
    entries.splice(place..place, scene.entries);
    entries
}

/// A lease of ten minutes; after five the renewal is refused, and the phone gets another lease.
fn nak_at_half(wait: f64) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(56);
    phone.discovers(&mut scene, 0x56);
    phone.broadcasts(&mut scene, &selecting(&phone, 0x56));
    let ack = given(&phone, MessageType::Ack, 0x56, &DHCP_SERVER, 600)
        .option(code::SUBNET_MASK, &[255, 255, 255, 0])
        .addresses(code::TFTP_SERVER_ADDRESSES, &[DHCP_SERVER.address]);
    let ack = ack.addresses(code::ROUTERS, &[Ipv4Addr::new(10, 1, 1, 1)]);
    sends(&mut scene, &DHCP_SERVER, &phone, &ack);
    boots_on(&mut scene, &phone);
    scene.at(300.0);
    to_server(&mut scene, &phone, &renewal(&phone, 0x57));
    sends(&mut scene, &DHCP_SERVER, &phone, &nak(&phone, 0x57));
    scene.pass(1.0);
    phone.leases(&mut scene, &DHCP_SERVER, 0x58);
    scene.pass(wait);
    scene
}

fn declines() -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(55);
    phone.leases(&mut scene, &DHCP_SERVER, 0x55);
    let decline = phone
        .dhcp_message(MessageType::Decline, 0x55)
        .addresses(code::REQUESTED_ADDRESS, &[phone.host.address])
        .addresses(code::SERVER_IDENTIFIER, &[DHCP_SERVER.address])
        .build();
    phone.broadcasts(&mut scene, &decline);
    scene.pass(10.0);
    scene
}

/// A phone that asks for the address it had, is refused, and begins anew.
fn moved(times: u32, leases: bool) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(54);
    for number in 0..times {
        let ask = phone
            .dhcp_message(MessageType::Request, 0x540 + number)
            .addresses(code::REQUESTED_ADDRESS, &[Ipv4Addr::new(10, 7, 7, 7)])
            .build();
        phone.broadcasts(&mut scene, &ask);
        sends(
            &mut scene,
            &DHCP_SERVER,
            &phone,
            &nak(&phone, 0x540 + number),
        );
        scene.pass(3.0);
    }
    if leases {
        phone.leases(&mut scene, &DHCP_SERVER, 0x54);
        boots_on(&mut scene, &phone);
    }
    scene.pass(10.0);
    scene
}

/// So many leases, each a minute or less after the one before, with nothing in between.
fn cycles(number: u32, apart: f64) -> Scene {
    let mut scene = Scene::new();
    let phone = Phone::new(53);
    for transaction in 0..number {
        phone.leases(&mut scene, &DHCP_SERVER, 0x5300 + transaction);
        scene.pass(apart);
    }
    scene
}

/// Another phone boots by DHCP; so long afterwards this one boots without.
fn static_boot(after: f64, last_reset: &str) -> Scene {
    let mut scene = Scene::new();
    let other = Phone::new(78);
    other.leases(&mut scene, &DHCP_SERVER, 0x78);
    boots_on(&mut scene, &other);
    scene.pass(after);
    let phone = Phone::new(77);
    phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    let alarm = encode::alarm(0, 2, last_reset, phone.host.address);
    connection.phone_sends(&mut scene, &alarm);
    connection.server_acks(&mut scene);
    phone.registers(&mut scene, &mut connection);
    scene.pass(10.0);
    scene
}

/// What follows DHCP: the configuration, and the registration.
fn boots_on(scene: &mut Scene, phone: &Phone) {
    phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY]);
    phone.registered(scene, 51_000, &PRIMARY);
}

/// DISCOVER, OFFER, REQUEST, ACK with these options.
pub(super) fn leases(
    scene: &mut Scene,
    phone: &Phone,
    server: &Host,
    options: impl Fn(DhcpBuilder) -> DhcpBuilder,
) {
    phone.discovers(scene, 0x50);
    let offer = options(given(phone, MessageType::Offer, 0x50, server, 86_400));
    sends(scene, server, phone, &offer);
    phone.broadcasts(scene, &selecting(phone, 0x50));
    let ack = options(given(phone, MessageType::Ack, 0x50, server, 86_400));
    sends(scene, server, phone, &ack);
}

fn selecting(phone: &Phone, transaction: u32) -> Vec<u8> {
    phone
        .dhcp_message(MessageType::Request, transaction)
        .addresses(code::REQUESTED_ADDRESS, &[phone.host.address])
        .addresses(code::SERVER_IDENTIFIER, &[DHCP_SERVER.address])
        .build()
}

fn renewal(phone: &Phone, transaction: u32) -> Vec<u8> {
    phone
        .dhcp_message(MessageType::Request, transaction)
        .client_address(phone.host.address)
        .build()
}

fn nak(phone: &Phone, transaction: u32) -> DhcpBuilder {
    DhcpBuilder::new(MessageType::Nak, transaction, phone.host.mac)
        .addresses(code::SERVER_IDENTIFIER, &[DHCP_SERVER.address])
        .option(code::MESSAGE, b"lease not found")
}

/// An address for so many seconds, and no other option.
fn given(
    phone: &Phone,
    message_type: MessageType,
    transaction: u32,
    server: &Host,
    seconds: u32,
) -> DhcpBuilder {
    DhcpBuilder::new(message_type, transaction, phone.host.mac)
        .your_address(phone.host.address)
        .addresses(code::SERVER_IDENTIFIER, &[server.address])
        .option(code::LEASE_TIME, &seconds.to_be_bytes())
}

fn good(phone: &Phone, message_type: MessageType, transaction: u32) -> DhcpBuilder {
    phone.dhcp_answer(
        message_type,
        transaction,
        &DHCP_SERVER,
        &DHCP_SERVER.address.octets(),
    )
}

fn offer(phone: &Phone, server: &Host, router: Ipv4Addr, tftp: &[Ipv4Addr]) -> DhcpBuilder {
    let transaction = u32::from(phone.host.mac.0[5]);
    let offer = given(phone, MessageType::Offer, transaction, server, 86_400)
        .option(code::SUBNET_MASK, &[255, 255, 255, 0])
        .addresses(code::ROUTERS, &[router]);
    if tftp.is_empty() {
        offer
    } else {
        offer.addresses(code::TFTP_SERVER_ADDRESSES, tftp)
    }
}

fn sends(scene: &mut Scene, server: &Host, phone: &Phone, message: &DhcpBuilder) {
    let to = (&phone.host, dhcp::CLIENT_PORT);
    scene.udp((server, dhcp::SERVER_PORT), to, &message.clone().build());
}

fn to_server(scene: &mut Scene, phone: &Phone, message: &[u8]) {
    let from = (&phone.host, dhcp::CLIENT_PORT);
    scene.udp(from, (&DHCP_SERVER, dhcp::SERVER_PORT), message);
}
