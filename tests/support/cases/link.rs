//! Cases of findings about a phone's switch port.

use phonewatch::wire::cdp::Cdp;

use super::Case;
use crate::support::stories::{DHCP_SERVER, PRIMARY};
use crate::support::{Host, Phone, Scene};

const SWITCH: Host = Host::new([0x00, 0x0C, 0xCE, 9, 9, 7], [10, 9, 9, 9]);

pub(super) fn cases() -> Vec<Case> {
    let code = "voice_vlan_mismatch";
    vec![
        Case::raised(code, "untagged", &leases_in(None, 80.0)),
        Case::raised(code, "another VLAN", &leases_in(Some(20), 80.0)),
        Case::cleared(code, "moved in the end", &{
            let mut scene = leases_in(None, 80.0);
            phone().in_vlan(110).leases(&mut scene, &DHCP_SERVER, 0x93);
            scene
        }),
        Case::harmless(code, "in its voice VLAN", &leases_in(Some(110), 80.0)),
        Case::harmless(code, "it has had no time yet", &leases_in(None, 20.0)),
        Case::harmless(code, "a boot over two VLANs", &{
            let mut scene = Scene::new();
            phone().cdp(&mut scene);
            phone().discovers(&mut scene, 0x90);
            switch_says(&mut scene, "FastEthernet0/7", 110);
            phone().discovers(&mut scene, 0x90);
            scene.pass(2.0);
            phone().in_vlan(110).leases(&mut scene, &DHCP_SERVER, 0x91);
            scene.pass(80.0);
            scene
        }),
        Case::harmless(code, "the ports of two phones", &{
            let mut scene = Scene::new();
            Phone::new(92).cdp(&mut scene);
            phone().cdp(&mut scene);
            switch_says(&mut scene, "FastEthernet0/7", 110);
            phone().leases(&mut scene, &DHCP_SERVER, 0x90);
            goes_on(&mut scene);
            scene
        }),
        Case::harmless(code, "two ports of the switch", &{
            let mut scene = Scene::new();
            phone().cdp(&mut scene);
            switch_says(&mut scene, "FastEthernet0/8", 20);
            switch_says(&mut scene, "FastEthernet0/7", 110);
            phone().in_vlan(20).leases(&mut scene, &DHCP_SERVER, 0x90);
            goes_on(&mut scene);
            scene
        }),
        Case::harmless(code, "a mirror that shows no CDP of the phone", &{
            let mut scene = Scene::new();
            switch_says(&mut scene, "FastEthernet0/7", 110);
            phone().leases(&mut scene, &DHCP_SERVER, 0x90);
            goes_on(&mut scene);
            scene
        }),
    ]
}

fn phone() -> Phone {
    Phone::new(90)
}

/// The switch tells VLAN 110, and the phone gets its lease in this one.
fn leases_in(vlan: Option<u16>, wait: f64) -> Scene {
    let mut scene = Scene::new();
    phone().cdp(&mut scene);
    switch_says(&mut scene, "FastEthernet0/7", 110);
    scene.pass(2.0);
    let in_vlan = vlan.map_or(phone(), |vlan| phone().in_vlan(vlan));
    in_vlan.leases(&mut scene, &DHCP_SERVER, 0x90);
    in_vlan.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    in_vlan.registered(&mut scene, 51_000, &PRIMARY);
    scene.pass(wait);
    scene
}

fn goes_on(scene: &mut Scene) {
    phone().fetches_config(scene, &DHCP_SERVER, &[PRIMARY]);
    phone().registered(scene, 51_000, &PRIMARY);
    scene.pass(80.0);
}

fn switch_says(scene: &mut Scene, port: &str, vlan: u16) {
    let announcement = Cdp {
        version: 2,
        ttl: 180,
        device_id: Some(String::from("sw-floor-2")),
        port_id: Some(port.to_owned()),
        platform: Some(String::from("cisco WS-C3560-48PS")),
        capabilities: Some(0x28),
        voice_vlan: Some(vlan),
        ..Cdp::default()
    };
    scene.cdp(&SWITCH, &announcement);
}
