#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;
use proptest::prelude::*;

/// A phone: chassis 10.1.2.3, its hardware address as port, 180 s, name, capabilities, class III, a policy it does not
/// know yet, software and model.
const PHONE: &[u8] = b"\x02\x06\x05\x01\x0a\x01\x02\x03\
    \x04\x07\x03\x00\x1b\x54\x94\x5a\x8b\
    \x06\x02\x00\xb4\
    \x0a\x17SEP001B54945A8B.example\
    \x0e\x04\x00\x24\x00\x24\
    \xfe\x07\x00\x12\xbb\x01\x00\x33\x03\
    \xfe\x08\x00\x12\xbb\x02\x01\x80\x00\x00\
    \xfe\x0f\x00\x12\xbb\x07SCCP11.8-4-\
    \xfe\x0c\x00\x12\xbb\x0aCP-7911G\
    \x00\x00";

/// What a switch says of voice: tagged, VLAN 110, priority 5, DSCP 46.
const SWITCH: &[u8] = b"\x02\x07\x04\x00\x19\x2f\xa7\xb2\x8d\
    \x04\x08\x05Gi1/0/2\
    \x06\x02\x00\x78\
    \x10\x0c\x05\x01\x0a\x00\x00\x01\x02\x00\x00\x00\x01\x00\
    \xfe\x06\x00\x80\xc2\x01\x00\x0a\
    \xfe\x08\x00\x12\xbb\x02\x01\x40\xdd\x6e\
    \x00\x00";

#[test]
fn reads_what_a_phone_says_of_itself() {
    let lldp = Lldp::parse(PHONE).unwrap();
    assert_eq!(
        lldp.chassis,
        Some(Identifier::Address("10.1.2.3".parse().unwrap()))
    );
    let mac = MacAddr([0x00, 0x1b, 0x54, 0x94, 0x5a, 0x8b]);
    assert_eq!(lldp.port, Some(Identifier::Mac(mac)));
    assert_eq!((lldp.ttl, lldp.is_shutdown()), (180, false));
    assert_eq!(
        lldp.device_name().map(|name| name.to_string()).as_deref(),
        Some("SEP001B54945A8B")
    );
    assert_eq!(lldp.mac(), Some(mac));
    assert_eq!(lldp.model().as_deref(), Some("Cisco 7911"));
    assert_eq!(lldp.load(), Some("SCCP11.8-4-"));
    assert_eq!(lldp.device_class, Some(DeviceClass::Communication));
    assert!(lldp.is_phone());
    assert!(lldp.policies[0].unknown);
    assert_eq!(lldp.voice_vlan(), None);
    assert!(lldp.anomalies.is_none());
}

#[test]
fn reads_the_voice_vlan_a_switch_tells() {
    let lldp = Lldp::parse(SWITCH).unwrap();
    assert_eq!(
        lldp.policies,
        [NetworkPolicy {
            application: NetworkPolicy::VOICE,
            unknown: false,
            tagged: true,
            vlan: 110,
            priority: 5,
            dscp: 46,
        }]
    );
    assert_eq!(lldp.voice_vlan(), Some(110));
    assert_eq!(lldp.native_vlan, Some(10));
    assert_eq!(
        lldp.management_addresses,
        ["10.0.0.1".parse::<IpAddr>().unwrap()]
    );
    assert!(!lldp.is_phone());
    assert_eq!(
        lldp.mac(),
        Some(MacAddr([0x00, 0x19, 0x2f, 0xa7, 0xb2, 0x8d]))
    );
    assert_eq!(
        lldp.to_string(),
        "LLDP 00:19:2f:a7:b2:8d port Gi1/0/2 voice VLAN 110"
    );
    assert_eq!(lldp.to_bytes().len(), SWITCH.len());
}

#[test]
fn a_port_that_goes_down_says_so_in_three_elements() {
    let lldp =
        Lldp::parse(b"\x02\x06\x05\x01\x0a\x01\x02\x03\x04\x0f\x07001B54945A8B:P\x06\x02\x00\x00")
            .unwrap();
    assert!(lldp.is_shutdown());
    assert_eq!(
        lldp.mac(),
        Some(MacAddr([0x00, 0x1b, 0x54, 0x94, 0x5a, 0x8b]))
    );
}

#[test]
fn a_description_names_model_and_load_where_there_is_no_inventory() {
    let lldp = Lldp {
        system_description: Some("Cisco IP Phone CP-7911G,V2, SCCP11.8-4-3S".into()),
        ..Lldp::default()
    };
    assert_eq!(lldp.model().as_deref(), Some("Cisco 7911"));
    assert_eq!(lldp.load(), Some("SCCP11.8-4-3S"));
}

#[test]
fn the_order_of_the_first_three_is_part_of_the_protocol() {
    assert_eq!(Lldp::parse(b"").unwrap_err().reason(), "truncated");
    assert_eq!(Lldp::parse(&PHONE[8..]).unwrap_err().reason(), "malformed");
    for length in 0..21 {
        assert_eq!(
            Lldp::parse(&PHONE[..length]).unwrap_err().reason(),
            "truncated",
            "{length}"
        );
    }
}

#[test]
fn what_follows_a_cut_is_lost_and_what_precedes_it_kept() {
    let lldp = Lldp::parse(&PHONE[..60]).unwrap();
    assert!(lldp.anomalies.truncated);
    assert!(lldp.device_name().is_some());
    assert_eq!(lldp.device_class, None);
    // A network policy of three bytes.
    let short = [&PHONE[..21], b"\xfe\x06\x00\x12\xbb\x02\x01\x40\x00\x00"].concat();
    assert_eq!(Lldp::parse(&short).unwrap().anomalies.malformed_elements, 1);
}

fn unit() -> impl Strategy<Value = Lldp> {
    let text = || proptest::option::of("[A-Za-z0-9/._-]{1,40}");
    let identifier = || {
        prop_oneof![
            any::<[u8; 6]>().prop_map(|mac| Identifier::Mac(MacAddr(mac))),
            any::<[u8; 4]>().prop_map(|address| Identifier::Address(address.into())),
            any::<[u8; 16]>().prop_map(|address| Identifier::Address(address.into())),
            "[A-Za-z0-9/:]{1,20}".prop_map(Identifier::Text),
        ]
    };
    let policy = (any::<u8>(), any::<u32>())
        .prop_map(|(application, bits)| NetworkPolicy::from_bits(application, bits & 0x00df_ffff));
    (
        (identifier(), identifier(), any::<u16>()),
        (text(), text(), text()),
        proptest::option::of((any::<u16>(), any::<u16>())),
        proptest::collection::vec(any::<[u8; 4]>().prop_map(IpAddr::from), 0..4),
        proptest::option::of(any::<u16>()),
        proptest::option::of(any::<u8>()),
        proptest::collection::vec(policy, 0..8),
        (text(), text(), text(), text(), text(), text()),
    )
        .prop_map(
            |(start, texts, capabilities, addresses, vlan, class, policies, inventory)| Lldp {
                chassis: Some(start.0),
                port: Some(start.1),
                ttl: start.2,
                port_description: texts.0,
                system_name: texts.1,
                system_description: texts.2,
                capabilities: capabilities
                    .map(|(system, enabled)| Capabilities { system, enabled }),
                management_addresses: addresses,
                native_vlan: vlan,
                device_class: class.map(DeviceClass::from_code),
                policies,
                inventory: Inventory {
                    hardware: inventory.0,
                    firmware: inventory.1,
                    software: inventory.2,
                    serial: inventory.3,
                    manufacturer: inventory.4,
                    model: inventory.5,
                },
                anomalies: Anomalies::default(),
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read(lldp in unit()) {
        prop_assert_eq!(Lldp::parse(&lldp.to_bytes()), Ok(lldp));
    }

    #[test]
    fn any_bytes_give_a_unit_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for bytes in [bytes.clone(), [&PHONE[..21], &bytes].concat()] {
            let policies = Lldp::parse(&bytes).map_or(0, |lldp| lldp.policies.len());
            prop_assert!(policies <= Lldp::MAX_POLICIES);
        }
    }

    #[test]
    fn a_damaged_unit_is_read_within_its_bounds(
        at in 0..PHONE.len(), byte in any::<u8>(), length in 0..=PHONE.len(),
    ) {
        let mut bytes = PHONE.to_vec();
        bytes[at] = byte;
        if let Ok(lldp) = Lldp::parse(&bytes[..length]) {
            prop_assert!(lldp.policies.len() <= Lldp::MAX_POLICIES);
            let _ = (lldp.model(), lldp.device_name(), lldp.is_phone(), lldp.mac(), lldp.load());
        }
    }
}
