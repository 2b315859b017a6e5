#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::*;
use crate::net::{DeviceName, MacAddr};

const MAC: MacAddr = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);

#[test]
fn reads_a_request() {
    assert_eq!(
        parse(b"\x00\x01SEP001380AD9E5F.cnf.xml\0octet\0"),
        Ok(Tftp::Read(Request::octet("SEP001380AD9E5F.cnf.xml")))
    );
    assert_eq!(
        parse(b"\x00\x02file\0NetASCII\0").map(|packet| packet.to_string()),
        Ok("TFTP write file".into())
    );
    let Ok(Tftp::Read(request)) = parse(
        b"\x00\x01a\0OCTET\0BLKSIZE\x001024\0tsize\x000\0timeout\x005\0windowsize\x004\0other\0x\0blksize\x008\0",
    ) else {
        panic!("no read request");
    };
    assert_eq!(request.mode, Some(Mode::Octet));
    assert_eq!(
        request.options,
        TransferOptions {
            block_size: Some(1024),
            transfer_size: Some(0),
            timeout: Some(5),
            window: Some(4),
        }
    );
}

#[test]
fn a_request_that_is_cut_gives_what_there_is() {
    let whole = b"\x00\x01SEP001380AD9E5F.cnf.xml\0octet\0";
    let read = |length: usize| match parse(&whole[..length]) {
        Ok(Tftp::Read(request)) => request,
        other => panic!("{other:?}"),
    };
    let request = read(whole.len() - 1);
    assert_eq!(request.file, "SEP001380AD9E5F.cnf.xml");
    assert!(request.truncated && !request.file_truncated);
    assert_eq!(request.mode, None);
    let request = read(10);
    assert_eq!(request.file, "SEP00138");
    assert!(request.truncated && request.file_truncated);
    let request = read(whole.len());
    assert!(!request.truncated && !request.file_truncated);

    assert_eq!(parse(&whole[..2]).unwrap_err().reason(), "truncated");
    assert_eq!(parse(&whole[..1]).unwrap_err().reason(), "truncated");
    assert_eq!(parse(b"\0\x01\0octet\0").unwrap_err().reason(), "malformed");
}

#[test]
fn reads_the_transfer() {
    assert_eq!(
        parse(&[0, 3, 0, 6, b'<', b'd']),
        Ok(Tftp::Data {
            block: 6,
            bytes: b"<d"
        })
    );
    assert_eq!(
        parse(&[0, 3, 0, 6]),
        Ok(Tftp::Data {
            block: 6,
            bytes: b""
        })
    );
    // Some senders pad an acknowledgement.
    assert_eq!(
        parse(&[0, 4, 0xff, 0xff, 0, 0]),
        Ok(Tftp::Ack { block: 65535 })
    );
    assert_eq!(
        parse(b"\0\x05\0\x01File\nnot found\0"),
        Ok(Tftp::Error {
            code: ErrorCode::NOT_FOUND,
            message: "File\u{FFFD}not found".into()
        })
    );
    assert_eq!(
        parse(b"\0\x06blksize\x001024\0tsize\x00262\0tsi"),
        Ok(Tftp::OptionAck(TransferOptions {
            block_size: Some(1024),
            transfer_size: Some(262),
            ..TransferOptions::default()
        }))
    );
    assert_eq!(
        parse(b"\0\x06blksize\x0099999\0tsize\0-1\0timeout\0x\0"),
        Ok(Tftp::OptionAck(TransferOptions::default()))
    );
    for bytes in [&b""[..], b"\0", b"\0\x03\0", b"\0\x04", b"\0\x05\x01"] {
        assert_eq!(parse(bytes).unwrap_err().reason(), "truncated", "{bytes:?}");
    }
    for bytes in [&b"\0\0abc"[..], b"\0\x07abc", b"\x01\0abc"] {
        assert_eq!(parse(bytes).unwrap_err().reason(), "malformed", "{bytes:?}");
    }
}

#[test]
fn error_codes_have_names_and_numbers() {
    assert_eq!(ErrorCode::NOT_FOUND.to_string(), "File not found");
    assert_eq!(ErrorCode::NOT_FOUND.label(), "not_found");
    assert_eq!(ErrorCode(700).to_string(), "error 700");
    assert_eq!(ErrorCode(700).label(), "other");
    assert_eq!(
        parse(b"\0\x05\0\x01\0").unwrap().to_string(),
        "TFTP error 1: File not found"
    );
}

#[test]
fn a_long_name_has_an_end() {
    let mut bytes = vec![0, 1];
    bytes.extend([b'a'; 5000]);
    bytes.extend(b"\0octet\0");
    let Ok(Tftp::Read(request)) = parse(&bytes) else {
        panic!("no read request");
    };
    assert_eq!(request.file, "a".repeat(128));
}

#[test]
fn knows_a_phone_by_its_configuration_in_every_form() {
    let name = DeviceName::from_mac(MAC);
    for file in [
        "SEP001380AD9E5F.cnf.xml",
        "SEP001380ad9e5f.cnf.xml",
        "sep001380ad9e5f.CNF.XML",
        "SEP001380AD9E5F.cnf",
        "SEP001380AD9E5F.cnf.xml.sgn",
        "SEP001380AD9E5F.cnf.xml.enc.sgn",
        "/SEP001380AD9E5F.cnf.xml",
        "Communicator/SEP001380AD9E5F.cnf.xml",
        "Communicator\\SEP001380AD9E5F.cnf.xml",
    ] {
        let kind = file_kind(file);
        assert_eq!(kind, FileKind::PhoneConfig { name }, "{file}");
        assert_eq!(kind.mac(), Some(MAC), "{file}");
        assert_eq!(kind.device(), Some(name), "{file}");
    }
    let named = DeviceName::from_wire(b"SEPlobby").unwrap();
    assert_eq!(
        file_kind("SEPlobby.cnf.xml"),
        FileKind::PhoneConfig { name: named }
    );
    assert_eq!(
        file_kind("CSFUSER.cnf.xml"),
        FileKind::DeviceConfig {
            name: DeviceName::from_wire(b"CSFUSER").unwrap()
        }
    );
}

#[test]
fn knows_the_other_files_of_a_boot() {
    let name = Some(DeviceName::from_mac(MAC));
    for (file, kind) in [
        ("XMLDefault.cnf.xml", FileKind::DefaultConfig),
        ("XmlDefault.cnf.xml.sgn", FileKind::DefaultConfig),
        ("SEPDEFAULT.cnf", FileKind::DefaultConfig),
        ("SEPDefault.cnf", FileKind::DefaultConfig),
        ("CTLSEP001380AD9E5F.tlv", FileKind::TrustList { name }),
        ("itlsep001380ad9e5f.tlv", FileKind::TrustList { name }),
        ("ITLFile.tlv", FileKind::TrustList { name: None }),
        ("CTLFile.tlv", FileKind::TrustList { name: None }),
        ("CTL.tlv", FileKind::Other),
        ("OS79XX.TXT", FileKind::UniversalLoad),
        ("P00308000500.loads", FileKind::Load),
        ("jar41sccp.8-3-2-21.sbn", FileKind::Load),
        ("P00307020200.bin", FileKind::Load),
        ("CP7912060000SCCP050124A.zup", FileKind::Load),
        ("sip88xx.loads.sgn", FileKind::Load),
        ("SIPDefault.cnf", FileKind::SipConfig { mac: None }),
        (
            "SIP001380AD9E5F.cnf",
            FileKind::SipConfig { mac: Some(MAC) },
        ),
        ("Ringlist.xml", FileKind::Ringlist),
        ("RINGLIST.DAT", FileKind::Ringlist),
        ("English_United_States/mk-sccp.jar", FileKind::Locale),
        ("United_States/g3-tones.xml", FileKind::Locale),
        (
            "English_United_States/7960-dictionary.xml",
            FileKind::Locale,
        ),
        ("dialplan.xml", FileKind::Other),
        ("MTPDefault.cnf", FileKind::Other),
        (".cnf.xml", FileKind::Other),
        ("SEP<b>.cnf.xml", FileKind::Other),
        ("é.cnf.xml", FileKind::Other),
        ("", FileKind::Other),
    ] {
        assert_eq!(file_kind(file), kind, "{file}");
    }
}

fn any_options() -> impl Strategy<Value = TransferOptions> {
    (
        any::<Option<u16>>(),
        any::<Option<u64>>(),
        any::<Option<u8>>(),
        any::<Option<u16>>(),
    )
        .prop_map(
            |(block_size, transfer_size, timeout, window)| TransferOptions {
                block_size,
                transfer_size,
                timeout,
                window,
            },
        )
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        opcode in 0_u8..8,
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        name in ".{0,40}",
    ) {
        drop(parse(&bytes).map(|packet| packet.to_string()));
        let mut packet = vec![0, opcode];
        packet.extend(&bytes);
        drop(parse(&packet).map(|packet| packet.to_string()));
        let _ = file_kind(&name).mac();
        let _ = file_kind(&format!("{name}.cnf.xml"));
        let _ = file_kind(&format!("CTL{name}.tlv"));
        let _ = file_kind(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_mutated_request_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = b"\x00\x01SEP001380AD9E5F.cnf.xml\0octet\0blksize\x001024\0tsize\x000\0".to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(length.index(bytes.len() + 1));
        if let Ok(Tftp::Read(request)) = parse(&bytes) {
            prop_assert!(request.file.chars().count() <= 128);
            prop_assert!(!request.file.chars().any(char::is_control));
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        file in "[A-Za-z0-9./_-]{1,100}",
        options in any_options(),
        block in any::<u16>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        message in "[A-Za-z]{0,40}",
    ) {
        let request = Request { options, ..Request::octet(&file) };
        for packet in [
            Tftp::Read(request.clone()),
            Tftp::Write(request),
            Tftp::Data { block, bytes: &bytes },
            Tftp::Ack { block },
            Tftp::Error { code: ErrorCode(block), message },
            Tftp::OptionAck(options),
        ] {
            let encoded = packet.encode();
            prop_assert_eq!(parse(&encoded), Ok(packet));
        }
    }
}
