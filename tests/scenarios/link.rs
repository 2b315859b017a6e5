//! The switch port of a phone, as CDP tells of it.

use phonewatch::wire::cdp::Cdp;

use crate::support::stories::{DHCP_SERVER, PRIMARY};
use crate::support::{Host, Phone, Scene};

const SWITCH: Host = Host::new([0x00, 0x0C, 0xCE, 9, 9, 7], [10, 9, 9, 9]);

/// What speaks CDP every minute for four minutes, before the phone gets its lease.
#[derive(Clone, Copy)]
struct Wire {
    /// Whether there is a second phone.
    second_phone: bool,
    /// Whether the switch speaks of a second port.
    second_port: bool,
    /// How long everyone was heard before.
    minutes: u32,
    /// The VLAN of the phone's DHCP.
    dhcp: Option<u16>,
}

const ACCESS_PORT: Wire = Wire {
    second_phone: false,
    second_port: false,
    minutes: 4,
    dhcp: None,
};

fn is_found(wire: Wire) -> bool {
    let mut scene = Scene::new();
    let phone = Phone::new(90);
    for _ in 0..wire.minutes {
        phone.cdp(&mut scene);
        if wire.second_phone {
            Phone::new(91).cdp(&mut scene);
        }
        switch_says(&mut scene, "FastEthernet0/7", 110);
        if wire.second_port {
            switch_says(&mut scene, "FastEthernet0/8", 20);
        }
        scene.pass(60.0);
    }
    let in_vlan = wire.dhcp.map_or(phone, |vlan| phone.in_vlan(vlan));
    in_vlan.leases(&mut scene, &DHCP_SERVER, 0x90);
    in_vlan.fetches_config(&mut scene, &DHCP_SERVER, &[PRIMARY]);
    in_vlan.registered(&mut scene, 51_000, &PRIMARY);
    scene.pass(80.0);
    let outcome = scene.run_among_others();
    outcome
        .raised()
        .any(|(_, finding)| finding.code == "voice_vlan_mismatch")
}

#[test]
fn a_switch_that_speaks_to_one_phone_tells_its_voice_vlan() {
    assert!(is_found(ACCESS_PORT));
    assert!(is_found(Wire {
        dhcp: Some(20),
        ..ACCESS_PORT
    }));
    assert!(!is_found(Wire {
        dhcp: Some(110),
        ..ACCESS_PORT
    }));
}

#[test]
fn where_several_phones_or_ports_are_seen_the_switch_tells_nothing() {
    assert!(!is_found(Wire {
        second_phone: true,
        ..ACCESS_PORT
    }));
    assert!(!is_found(Wire {
        second_port: true,
        ..ACCESS_PORT
    }));
    let too_early = Wire {
        minutes: 2,
        ..ACCESS_PORT
    };
    assert!(!is_found(too_early), "others had no time to speak yet");
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
