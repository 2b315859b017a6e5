//! Cases of findings about the boot chain as a whole.

use super::Case;
use crate::support::stories::{DHCP_SERVER, PRIMARY};
use crate::support::{Phone, Scene};

pub(super) fn cases() -> Vec<Case> {
    let code = "boot_loop";
    let besides = &["dhcp_excessive", "tftp_config_missing"];
    vec![
        Case::raised(code, "a phone that nobody knows", &passes(5, 60.0)).besides(besides),
        Case::cleared(code, "configured in the end", &{
            let mut scene = passes(5, 60.0);
            boots(&mut scene, 0x9900);
            scene
        })
        .besides(besides),
        Case::cleared(code, "until it is unplugged", &{
            let mut scene = passes(5, 60.0);
            scene.pass(1000.0);
            scene
        })
        .besides(besides),
        Case::harmless(code, "twice in vain", &passes(2, 60.0)).besides(besides),
        Case::harmless(code, "slowly", &passes(5, 320.0)).besides(besides),
        Case::harmless(code, "it registers each time", &{
            let mut scene = Scene::new();
            for number in 0..5 {
                boots(&mut scene, 0x9900 + number);
                scene.pass(60.0);
            }
            scene
        })
        .besides(&["registration_unstable"]),
    ]
}

fn phone() -> Phone {
    Phone::new(95)
}

/// So many passes that end with a configuration that is not there, so many seconds apart.
fn passes(number: u32, apart: f64) -> Scene {
    let mut scene = Scene::new();
    for transaction in 0..number {
        phone().leases(&mut scene, &DHCP_SERVER, 0x9500 + transaction);
        scene.pass(1.0);
        let client = (&phone().host, 50_000 + u16::try_from(transaction).unwrap());
        scene.tftp_not_found(client, (&DHCP_SERVER, 40_000), &phone().config_file());
        scene.pass(apart);
    }
    scene
}

fn boots(scene: &mut Scene, transaction: u32) {
    phone().leases(scene, &DHCP_SERVER, transaction);
    phone().fetches_config(scene, &DHCP_SERVER, &[PRIMARY]);
    let port = 51_000 + u16::try_from(transaction & 0xFF).unwrap();
    let mut connection = phone().registered(scene, port, &PRIMARY);
    scene.pass(5.0);
    connection.phone_closes(scene);
}
