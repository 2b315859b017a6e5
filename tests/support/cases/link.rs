//! Cases of findings about a phone's switch port. What a switch says of it is tried in the scenarios, because it counts
//! only where nobody else is on the wire.

use phonewatch::wire::lldp::{Capabilities, Identifier, Lldp, NetworkPolicy};
use phonewatch::wire::packet::encode::EthernetFrame;

use super::Case;
use crate::support::stories::{DHCP_SERVER, PRIMARY};
use crate::support::{Connection, Phone, Scene};

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
        Case::harmless(code, "a boot over two VLANs", &{
            let mut scene = Scene::new();
            phone().cdp(&mut scene);
            phone().discovers(&mut scene, 0x90);
            scene.pass(2.0);
            says(&mut scene, 110);
            phone().discovers(&mut scene, 0x90);
            scene.pass(2.0);
            phone().in_vlan(110).leases(&mut scene, &DHCP_SERVER, 0x91);
            goes_on(&mut scene, &phone().in_vlan(110));
            scene
        }),
        Case::harmless(code, "nobody tells a voice VLAN", &{
            let mut scene = Scene::new();
            phone().cdp(&mut scene);
            phone().leases(&mut scene, &DHCP_SERVER, 0x90);
            goes_on(&mut scene, &phone());
            scene
        }),
    ]
}

fn phone() -> Phone {
    Phone::new(90)
}

/// The phone says that its voice VLAN is 110, and gets its lease in this one.
fn leases_in(vlan: Option<u16>, wait: f64) -> Scene {
    let mut scene = Scene::new();
    phone().cdp(&mut scene);
    says(&mut scene, 110);
    scene.pass(2.0);
    let in_vlan = vlan.map_or(phone(), |vlan| phone().in_vlan(vlan));
    in_vlan.leases(&mut scene, &DHCP_SERVER, 0x90);
    let mut connection = goes_on(&mut scene, &in_vlan);
    let until = scene.seconds() + wait;
    connection.keepalives(&mut scene, 30.0, until);
    scene.at(until);
    scene
}

fn goes_on(scene: &mut Scene, phone: &Phone) -> Connection {
    phone.fetches_config(scene, &DHCP_SERVER, &[PRIMARY]);
    phone.registered(scene, 51_000, &PRIMARY)
}

/// The phone's LLDP-MED with the voice VLAN that it was given.
fn says(scene: &mut Scene, vlan: u16) {
    let phone = phone();
    let announcement = Lldp {
        chassis: Some(Identifier::Mac(phone.host.mac)),
        port: Some(Identifier::Mac(phone.host.mac)),
        ttl: 180,
        system_name: Some(phone.name.to_string()),
        capabilities: Some(Capabilities {
            system: 0x24,
            enabled: 0x24,
        }),
        policies: vec![NetworkPolicy {
            application: NetworkPolicy::VOICE,
            unknown: false,
            tagged: true,
            vlan,
            priority: 5,
            dscp: 46,
        }],
        ..Lldp::default()
    };
    let frame = EthernetFrame::new(phone.host.mac, EthernetFrame::LLDP_GROUP);
    scene.frame(frame.lldp(&announcement.to_bytes()));
}
