#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;
use crate::wire::sccp::DeviceKind;

/// The first 36 bytes of a 7912's Register.
fn oldest() -> Vec<u8> {
    let mut body = b"SEP001380AD9E5F\0".to_vec();
    body.extend_from_slice(&[0, 0, 0, 0, 1, 0, 0, 0]);
    body.extend_from_slice(&[10, 102, 10, 209]);
    body.extend_from_slice(&[0x37, 0x75, 0, 0]);
    body.extend_from_slice(&[5, 0, 0, 0]);
    body
}

#[test]
fn reads_the_register_of_the_oldest_phones() {
    let register = Register::parse(&oldest()).unwrap();
    assert_eq!(register.name.unwrap().as_str(), "SEP001380AD9E5F");
    assert_eq!(register.address, Some(Ipv4Addr::new(10, 102, 10, 209)));
    assert_eq!(register.device_type, DeviceType(30007));
    assert_eq!(register.device_type.kind(), Some(DeviceKind::Phone));
    assert_eq!(register.protocol_version, None);
    assert_eq!(
        register.mac,
        Some(MacAddr([0x00, 0x13, 0x80, 0xAD, 0x9E, 0x5F]))
    );
    assert_eq!((register.ipv6, register.load), (None, None));
    assert_eq!(
        Register::parse(&oldest()[..31]).map_err(DecodeError::reason),
        Err("truncated")
    );
}

#[test]
fn reads_a_protocol_version_wherever_there_is_one() {
    // 44 and 52 bytes, both shorter than where some implementations begin to look.
    for length in [44, 52] {
        let mut body = oldest();
        body.extend_from_slice(&[0, 0, 0, 1]);
        body.push(7);
        body.resize(length, 0);
        let register = Register::parse(&body).unwrap();
        assert_eq!(register.protocol_version, Some(7), "{length}");
        assert_eq!(register.load, None);
    }
}

/// A body with `mac` in its field, of a device whose name has no hardware address.
fn unnamed(mac: &[u8; 12], length: usize) -> Vec<u8> {
    let mut body = oldest();
    body[..16].copy_from_slice(b"CIPC-frontdesk\0\0");
    body.resize(52, 0);
    body.extend_from_slice(mac);
    body.resize(length, 0);
    body
}

#[test]
fn believes_the_hardware_address_only_where_it_looks_like_one() {
    let expected = Some(MacAddr([0x00, 0x21, 0x55, 0xD5, 0x48, 0xAC]));
    for (field, mac) in [
        (b"\x00\x21\x55\xd5\x48\xac\0\0\0\0\0\0", expected),
        (b"002155D548AC", expected),
        // What was in the memory of a 7960.
        (b"RING\x00\x01\x02\x03\x04\x05\x06\x07", None),
        (b"\x01\x21\x55\xd5\x48\xac\0\0\0\0\0\0", None),
        (b"\0\0\0\0\0\0\0\0\0\0\0\0", None),
    ] {
        let register = Register::parse(&unnamed(field, 68)).unwrap();
        assert_eq!(register.mac, mac, "{field:?}");
    }
    // The name's own address counts, whatever the field says.
    let mut body = unnamed(b"002155D548AC", 68);
    body[..16].copy_from_slice(b"SEP001380AD9E5F\0");
    assert_eq!(
        Register::parse(&body).unwrap().mac,
        Some(MacAddr([0x00, 0x13, 0x80, 0xAD, 0x9E, 0x5F]))
    );
}

#[test]
fn reads_load_and_stamp_of_newer_phones() {
    let mut body = unnamed(&[0; 12], 72);
    body.extend_from_slice(&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    body.resize(92, 0);
    body.extend_from_slice(b"SCCP41.8-5-3S\0junk");
    body.resize(124, 0);
    let register = Register::parse(&body).unwrap();
    assert_eq!(register.load.as_deref(), Some("SCCP41.8-5-3S"));
    assert_eq!(register.ipv6, Some("2001:db8::1".parse().unwrap()));
    assert_eq!(register.config_version_stamp, None);
    body.extend_from_slice(b"1426712267-abc\0");
    body.resize(188, 0);
    let register = Register::parse(&body).unwrap();
    assert_eq!(
        register.config_version_stamp.as_deref(),
        Some("1426712267-abc")
    );
}

#[test]
fn what_is_no_name_and_no_address_is_none() {
    let mut body = oldest();
    body[..4].copy_from_slice(b"<b>\0");
    body[24..28].fill(0);
    let register = Register::parse(&body).unwrap();
    assert_eq!((register.name, register.address), (None, None));
}

#[test]
fn reads_both_forms_of_a_register_ack() {
    let long = [
        30, 0, 0, 0, b'D', b'/', b'M', b'/', b'Y', 0, 0, 0, 60, 0, 0, 0, 20, 0x20, 0xF1, 0xFE,
    ];
    assert_eq!(
        RegisterAck::parse(&long),
        Ok(RegisterAck {
            keepalive: Some(Duration::from_secs(30)),
            standby_keepalive: Some(Duration::from_secs(60)),
            protocol_version: Some(20),
        })
    );
    assert_eq!(
        RegisterAck::parse(&long[..12]),
        Ok(RegisterAck {
            keepalive: Some(Duration::from_secs(30)),
            standby_keepalive: None,
            protocol_version: None,
        })
    );
    // An interval of nothing is none.
    assert_eq!(
        RegisterAck::parse(&[0; 20]),
        Ok(RegisterAck {
            keepalive: None,
            standby_keepalive: None,
            protocol_version: None,
        })
    );
    assert!(RegisterAck::parse(&long[..3]).is_err());
}

#[test]
fn the_text_of_a_reject_gives_its_reason() {
    for (text, label) in [
        ("Error: No License", "no_license"),
        ("Error No License", "no_license"),
        ("Registration Rejected: Error DBConfig", "database_config"),
        ("Error Database", "database"),
        ("ERROR PASS LIMIT", "pass_limit"),
        ("Error Mismatch", "mismatch"),
        ("Max Phones Exceeded", "max_phones"),
        ("Device Not Authorized", "not_authorized"),
        ("IP not authorized", "not_authorized"),
        ("No Authority: SEP001380AD9E5F", "not_authorized"),
        ("Security Error", "security"),
        ("Version Error", "version_error"),
        ("Device Unknown", "unknown_device"),
        ("Error Unknown", "unknown"),
        ("Crossover session", "unknown"),
        ("", "unknown"),
    ] {
        assert_eq!(RejectReason::from_text(text).label(), label, "{text}");
    }
    let mut labels = RejectReason::ALL.map(RejectReason::label);
    assert!(labels.is_sorted());
    labels.sort_unstable();
    assert!(labels.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_reject_may_speak_in_phrases_of_the_dictionary() {
    let mut body = b"\x80\x2f".to_vec();
    body.resize(32, 0);
    let reject = RegisterReject::parse(&body);
    assert_eq!(reject.text, "Error DBConfig");
    assert_eq!(reject.reason, RejectReason::DatabaseConfig);
    // A server that sends 33 bytes, and one that sends none.
    let reject = RegisterReject::parse(b"No Authority: SEP001380AD9E5F\0\0\0\0");
    assert_eq!(reject.text, "No Authority: SEP001380AD9E5F");
    assert_eq!(RegisterReject::parse(&[]).reason, RejectReason::Unknown);
}

#[test]
fn numbers_without_meaning_are_kept() {
    for number in [0, 1, 2, 3, 4, 99, u32::MAX] {
        assert_eq!(ResetType::from_number(number).number(), number);
        assert_eq!(UnregisterStatus::from_number(number).number(), number);
    }
    assert_eq!(ResetType::from_number(7), ResetType::Unknown(7));
    assert_eq!(UnregisterStatus::from_number(2), UnregisterStatus::Nak);
}
