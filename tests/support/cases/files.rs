//! Cases of findings about files: which are missing, whose they are, and what firmware.

use phonewatch::wire::sccp::encode;

use super::Case;
use super::tftp::{leased, registers_for_a_minute};
use crate::support::phone::default_config_file;
use crate::support::stories::{self, DHCP_SERVER, PRIMARY, SECONDARY};
use crate::support::{Phone, Scene};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = config_missing();
    cases.extend(auto_registered());
    cases.extend(config_foreign());
    cases.extend(firmware());
    cases
}

fn config_missing() -> Vec<Case> {
    let code = "tftp_config_missing";
    let harmless_files = {
        let mut scene = Scene::new();
        let phone = leased(&mut scene, 63);
        refused(
            &mut scene,
            &phone,
            50_800,
            &format!("{}.cnf.xml.sgn", phone.name),
        );
        phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY, SECONDARY]);
        for (port, file) in (50_810..).zip([
            "XMLDefault.cnf.xml",
            "English_United_States/mk-sccp.jar",
            "United_States/g3-tones.xml",
            "DialRules.xml",
            "Ringlist.xml",
            "ITLFile.tlv",
        ]) {
            refused(&mut scene, &phone, port, file);
        }
        registers_for_a_minute(&mut scene, &phone);
        scene
    };
    vec![
        Case::raised(
            code,
            "neither its own nor the default",
            &without_its_own(&|scene, phone| {
                refused(scene, phone, 50_804, "XMLDefault.cnf.xml");
                refused(scene, phone, 50_805, "SEPDEFAULT.cnf");
            }),
        ),
        Case::raised(
            code,
            "the default is served",
            &without_its_own(&default_served),
        ),
        Case::cleared(
            code,
            "the phone is added",
            &without_its_own(&|scene, phone| {
                refused(scene, phone, 50_804, "XMLDefault.cnf.xml");
                scene.pass(60.0);
                phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY]);
            }),
        ),
        Case::harmless(
            code,
            "the plain form is served",
            &without_its_own(&|scene, phone| phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY])),
        ),
        Case::harmless(code, "trust lists, locales and the like", &harmless_files),
    ]
}

/// The server does not have this file.
fn refused(scene: &mut Scene, phone: &Phone, port: u16, file: &str) {
    scene.tftp_not_found((&phone.host, port), (&DHCP_SERVER, 42_000), file);
}

fn default_served(scene: &mut Scene, phone: &Phone) {
    scene.tftp(
        (&phone.host, 50_803),
        (&DHCP_SERVER, 42_001),
        "XMLDefault.cnf.xml",
        default_config_file(&[PRIMARY]).as_bytes(),
    );
}

/// A phone whose own configuration is not found under any name.
fn without_its_own(then: &dyn Fn(&mut Scene, &Phone)) -> Scene {
    let mut scene = Scene::new();
    let phone = leased(&mut scene, 63);
    refused(
        &mut scene,
        &phone,
        50_800,
        &format!("CTL{}.tlv", phone.name),
    );
    refused(
        &mut scene,
        &phone,
        50_801,
        &format!("{}.cnf.xml.sgn", phone.name),
    );
    refused(&mut scene, &phone, 50_802, &phone.config_file());
    then(&mut scene, &phone);
    scene.pass(30.0);
    scene
}

fn auto_registered() -> Vec<Case> {
    vec![
        Case::raised("auto_registered", "after the default configuration", &{
            without_its_own(&|scene, phone| {
                default_served(scene, phone);
                registers_for_a_minute(scene, phone);
            })
        }),
        Case::cleared("auto_registered", "it is given its own configuration", &{
            without_its_own(&|scene, phone| {
                default_served(scene, phone);
                registers_for_a_minute(scene, phone);
                phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY]);
            })
        }),
        Case::harmless("auto_registered", "the default beside its own", &{
            let mut scene = Scene::new();
            let phone = leased(&mut scene, 63);
            phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
            default_served(&mut scene, &phone);
            registers_for_a_minute(&mut scene, &phone);
            scene
        }),
    ]
}

fn config_foreign() -> Vec<Case> {
    let code = "tftp_config_foreign";
    let story = |file: &str, then_its_own: bool| {
        let mut scene = Scene::new();
        let phone = leased(&mut scene, 64);
        scene.tftp(
            (&phone.host, 50_900),
            (&DHCP_SERVER, 43_000),
            file,
            b"not XML at all",
        );
        if then_its_own {
            scene.pass(5.0);
            phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
        }
        scene.pass(10.0);
        scene
    };
    // On the servers' side of a router every frame bears the router's hardware address.
    let behind_a_router = {
        let mut scene = Scene::new();
        let router = [0x00, 0x0C, 0xCE, 1, 1, 1];
        for last in 65..68 {
            let phone = Phone::new(last);
            phone.leases(&mut scene, &DHCP_SERVER, 0x4100 + u32::from(last));
            let seen = phone.behind(router, [10, 1, 1, last]);
            seen.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
        }
        scene.pass(10.0);
        scene
    };
    vec![
        Case::raised(
            code,
            "one digit is another",
            &story("SEP001380AA0041.cnf.xml", false),
        )
        .whole_only(),
        Case::cleared(
            code,
            "then its own",
            &story("SEP001380AA0041.cnf.xml", true),
        )
        .whole_only(),
        Case::harmless(
            code,
            "its own in every form",
            &story("sep001380aa0040.cnf", true),
        ),
        Case::harmless(
            code,
            "an analogue adapter's second port",
            &story("ATA1380AA004001.cnf.xml", true),
        ),
        Case::harmless(code, "behind a router", &behind_a_router),
    ]
}

fn firmware() -> Vec<Case> {
    let story = |then: &dyn Fn(&mut Scene, &Phone)| {
        let mut scene = Scene::new();
        let phone = leased(&mut scene, 69);
        phone.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
        then(&mut scene, &phone);
        scene.pass(30.0);
        scene
    };
    let missing = |scene: &mut Scene, phone: &Phone, port: u16, file: &str| {
        scene.tftp_not_found((&phone.host, port), (&DHCP_SERVER, 44_000), file);
    };
    let served = |scene: &mut Scene, phone: &Phone| {
        let client = (&phone.host, 50_950);
        let server = (&DHCP_SERVER, 44_001);
        scene.tftp(client, server, "P00308010100.loads", &[5; 461]);
        scene.tftp(client, server, "P00308010100.sbn", &[6; 2000]);
    };
    let (lost, upgrade) = ("firmware_missing", "firmware_upgrade");
    vec![
        Case::raised(
            lost,
            "no such load",
            &story(&|scene, phone| missing(scene, phone, 50_951, "P00308010100.loads")),
        ),
        Case::raised(
            lost,
            "the phone rejects it",
            &story(&|scene, phone| {
                let mut connection = phone.connects(scene, 51_000, &PRIMARY);
                let text = format!("0: Name={} Load=P003 Last=Load Rejected HC", phone.name);
                let alarm = encode::alarm(0, 2, &text, phone.host.address);
                connection.phone_sends(scene, &alarm);
                connection.server_acks(scene);
                phone.registers(scene, &mut connection);
            }),
        ),
        Case::cleared(
            lost,
            "it is copied there",
            &story(&|scene, phone| {
                missing(scene, phone, 50_951, "P00308010100.loads");
                scene.pass(60.0);
                served(scene, phone);
            }),
        ),
        Case::harmless(
            lost,
            "the signed form is missing",
            &story(&|scene, phone| {
                missing(scene, phone, 50_951, "P00308010100.loads.sgn");
                served(scene, phone);
            }),
        ),
        Case::raised(upgrade, "a new load", &story(&served)),
        Case::cleared(
            upgrade,
            "some time after",
            &story(&|scene, phone| {
                served(scene, phone);
                scene.pass(16.0 * 60.0);
            }),
        ),
        Case::harmless(upgrade, "a plain boot", &stories::boot(69)),
    ]
}
