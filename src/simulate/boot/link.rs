//! What is said on the phone's own segment: CDP and ARP.

use crate::net::{DeviceName, MacAddr};
use crate::simulate::script::{Host, Script};
use crate::simulate::truth::Fact;
use crate::wire::arp::{Arp, ArpOperation};
use crate::wire::cdp::{Cdp, Duplex};
use crate::wire::lldp::{Capabilities, Identifier, Lldp, NetworkPolicy};

/// The VLAN that switches give to phones.
const VOICE_VLAN: u16 = 110;
/// A VLAN that is not for phones.
const ANOTHER_VLAN: u16 = 120;

/// The phone announces itself to its switch.
pub(in crate::simulate) fn link(
    script: &mut Script,
    phone: &Host,
    name: &DeviceName,
    load: &'static str,
) {
    script.cdp(phone, &announcement(name, load));
    script.fact(Fact::Linked);
}

/// The phone asks for its voice VLAN, the switch names it, and the phone repeats it but uses none, or another.
pub(in crate::simulate) fn voice_vlan(
    script: &mut Script,
    phone: &Host,
    name: &DeviceName,
    load: &'static str,
) {
    let question = Cdp {
        voice_vlan_query: true,
        ..announcement(name, load)
    };
    script.cdp(phone, &question);
    let [.., high, low] = phone.mac.0;
    let port = u16::from_be_bytes([high, low]);
    let answer = Cdp {
        version: 2,
        ttl: 180,
        device_id: Some(format!("access-{}.voice.example", 1 + port / 48)),
        port_id: Some(format!("FastEthernet0/{}", 1 + port % 48)),
        platform: Some(String::from("cisco WS-C3560-48PS")),
        software_version: Some(String::from(
            "Cisco IOS Software, C3560 Software (C3560-IPBASE-M), Version 12.2(25)SEB4",
        )),
        capabilities: Some(0x28),
        native_vlan: Some(10),
        duplex: Some(Duplex::Full),
        voice_vlan: Some(VOICE_VLAN),
        ..Cdp::default()
    };
    script.cdp(&beside([0x00, 0x1D, 0x71], phone), &answer);
    script.lldp(phone, &policy(phone, name));
    script.vlan = (script.random.below(2) == 0).then_some(ANOTHER_VLAN);
}

/// The phone's LLDP-MED, which repeats the voice VLAN that it was given.
fn policy(phone: &Host, name: &DeviceName) -> Lldp {
    /// A bridge and a telephone.
    const CAPABILITIES: u16 = Capabilities::BRIDGE | Capabilities::TELEPHONE;
    Lldp {
        chassis: Some(Identifier::Mac(phone.mac)),
        port: Some(Identifier::Mac(phone.mac)),
        ttl: 180,
        system_name: Some(name.to_string()),
        capabilities: Some(Capabilities {
            system: CAPABILITIES,
            enabled: CAPABILITIES,
        }),
        policies: vec![NetworkPolicy {
            application: NetworkPolicy::VOICE,
            unknown: false,
            tagged: true,
            vlan: VOICE_VLAN,
            priority: 5,
            dscp: 46,
        }],
        ..Lldp::default()
    }
}

fn announcement(name: &DeviceName, load: &'static str) -> Cdp {
    Cdp {
        version: 2,
        ttl: 180,
        device_id: Some(name.to_string()),
        port_id: Some(String::from("Port 1")),
        platform: Some(String::from("Cisco IP Phone 7960")),
        software_version: Some(String::from(load)),
        capabilities: Some(0x490),
        ..Cdp::default()
    }
}

/// The phone tells everyone that its address is its own (RFC 5227, section 2.3).
pub(super) fn announce(script: &mut Script, phone: &Host) {
    claim(script, phone);
    script.fact(Fact::HasAddress(phone.address));
}

/// Somebody else claims the phone's address, and the phone defends it (RFC 5227, section 2.4).
pub(in crate::simulate) fn contest(script: &mut Script, phone: &Host) {
    claim(script, &squatter(phone));
    claim(script, phone);
}

/// The phone asks whether its new address is free, and somebody has it (RFC 5227, section 2.1.1).
pub(super) fn probe_and_find_taken(script: &mut Script, phone: &Host) {
    ask(script, &phone.without_address(), phone);
    answer(script, &squatter(phone), &phone.without_address());
}

/// Whose hardware address is it? The one it belongs to answers.
pub(super) fn resolve(script: &mut Script, phone: &Host, server: &Host) {
    ask(script, phone, server);
    answer(script, server, phone);
}

/// The phone asks for an address that nobody has.
pub(super) fn resolve_in_vain(script: &mut Script, phone: &Host, nobody: &Host) {
    for _ in 0..3 {
        ask(script, phone, nobody);
        let wait = script.random.seconds(1, 2);
        script.pass(wait);
    }
}

fn claim(script: &mut Script, host: &Host) {
    let claim = Arp {
        operation: ArpOperation::Request,
        sender_mac: host.mac,
        sender_address: host.address,
        target_mac: MacAddr([0; 6]),
        target_address: host.address,
    };
    script.arp(host, &Host::everyone(), &claim);
}

fn ask(script: &mut Script, from: &Host, about: &Host) {
    let question = Arp {
        operation: ArpOperation::Request,
        sender_mac: from.mac,
        sender_address: from.address,
        target_mac: MacAddr([0; 6]),
        target_address: about.address,
    };
    script.arp(from, &Host::everyone(), &question);
}

fn answer(script: &mut Script, from: &Host, to: &Host) {
    let answer = Arp {
        operation: ArpOperation::Reply,
        sender_mac: from.mac,
        sender_address: from.address,
        target_mac: to.mac,
        target_address: to.address,
    };
    script.arp(from, to, &answer);
}

/// A PC that was given the phone's address by hand.
fn squatter(phone: &Host) -> Host {
    beside([0x00, 0x1B, 0x21], phone)
}

/// A station of another maker with the phone's number.
fn beside(maker: [u8; 3], phone: &Host) -> Host {
    let ([first, second, third], [_, _, _, a, b, c]) = (maker, phone.mac.0);
    Host::phone(MacAddr([first, second, third, a, b, c]), phone.address)
}
