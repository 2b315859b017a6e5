#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::net::{DeviceName, MacAddr};
use crate::wire::sccp::{Deframed, Deframer, DeviceType, Server, encode};

/// What the one message in `bytes` says.
fn read(bytes: &[u8]) -> Message {
    let mut messages = Vec::new();
    Deframer::new().push(bytes, &mut |deframed| match deframed {
        Deframed::Message(pdu) => messages.push(Message::parse(&pdu).unwrap()),
        other @ (Deframed::Malformed(_) | Deframed::Skipped(_)) => panic!("{other:?}"),
    });
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

fn parse(id: MessageId, body: &[u8]) -> Result<Message, DecodeError> {
    Message::parse(&Pdu {
        version: 0,
        id,
        body,
    })
}

#[test]
fn reads_a_keepalive_from_its_bytes() {
    assert_eq!(
        read(&[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        Message::KeepAlive
    );
    assert_eq!(
        read(&[4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]),
        Message::KeepAliveAck
    );
    assert_eq!(encode::keep_alive(0), [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        encode::keep_alive_ack(20),
        [4, 0, 0, 0, 20, 0, 0, 0, 0, 1, 0, 0]
    );
}

#[test]
fn small_messages_keep_what_they_say() {
    let cases: [(MessageId, &[u8], Message); 14] = [
        (
            MessageId::UNREGISTER,
            &[],
            Message::Unregister { reason: None },
        ),
        (
            MessageId::UNREGISTER,
            &[1, 0, 0, 0],
            Message::Unregister { reason: Some(1) },
        ),
        (
            MessageId::UNREGISTER_ACK,
            &[2, 0, 0, 0],
            Message::UnregisterAck {
                status: Some(UnregisterStatus::Nak),
            },
        ),
        (
            MessageId::UNREGISTER_ACK,
            &[],
            Message::UnregisterAck { status: None },
        ),
        (
            MessageId::RESET,
            &[2, 0, 0, 0],
            Message::Reset(ResetType::Restart),
        ),
        (
            MessageId::REGISTER_TOKEN_REJECT,
            &[60, 0, 0, 0],
            Message::RegisterTokenReject {
                wait: Some(Duration::from_mins(1)),
            },
        ),
        (
            MessageId::SPCP_REGISTER_TOKEN_REJECT,
            &[60, 0, 0, 0],
            Message::RegisterTokenReject { wait: None },
        ),
        (
            MessageId::SPCP_REGISTER_TOKEN_ACK,
            &[1, 0, 0, 0],
            Message::RegisterTokenAck,
        ),
        (
            MessageId::IP_PORT,
            &[0x00, 0x40, 0, 0],
            Message::IpPort { port: 0x4000 },
        ),
        (
            MessageId::VERSION,
            b"P00308010100\0\0\0\0",
            Message::Version {
                load: "P00308010100".into(),
            },
        ),
        (
            MessageId::REGISTER_AVAILABLE_LINES,
            &[2, 0, 0, 0],
            Message::RegisterAvailableLines { lines: 2 },
        ),
        (
            MessageId::HEADSET_STATUS,
            &[2, 0, 0, 0],
            Message::HeadsetStatus { on: Some(false) },
        ),
        (MessageId::TIME_DATE_REQ, &[], Message::TimeDateReq),
        (
            MessageId::OFF_HOOK,
            &[],
            Message::Other(MessageId::OFF_HOOK),
        ),
    ];
    for (id, body, expected) in cases {
        assert_eq!(parse(id, body), Ok(expected), "{id}");
    }
    for id in [MessageId::RESET, MessageId::IP_PORT, MessageId::REGISTER] {
        let error = parse(id, &[1, 0]).unwrap_err();
        assert_eq!(error.reason(), "truncated", "{id}");
    }
}

#[test]
fn both_vendors_ask_for_a_token_alike() {
    let request = TokenRequest {
        name: DeviceName::from_wire(b"SEP001380AD9E5F"),
        address: Some(Ipv4Addr::new(10, 1, 2, 3)),
        device_type: DeviceType(30018),
    };
    let bytes = encode::register_token_req(0, &request);
    assert_eq!(
        parse(MessageId::REGISTER_TOKEN_REQ, &bytes[12..]),
        Ok(Message::RegisterTokenReq(request))
    );
    assert_eq!(
        parse(MessageId::SPCP_REGISTER_TOKEN_REQ, &bytes[12..48]),
        Ok(Message::RegisterTokenReq(request))
    );
}

#[test]
fn what_is_built_reads_the_same() {
    for (bytes, expected) in [
        (encode::register_token_ack(0), Message::RegisterTokenAck),
        (
            encode::register_token_reject(0, Duration::from_secs(10)),
            Message::RegisterTokenReject {
                wait: Some(Duration::from_secs(10)),
            },
        ),
        (
            encode::unregister(17, None),
            Message::Unregister { reason: None },
        ),
        (
            encode::unregister(17, Some(1)),
            Message::Unregister { reason: Some(1) },
        ),
        (
            encode::unregister_ack(0, UnregisterStatus::Ok),
            Message::UnregisterAck {
                status: Some(UnregisterStatus::Ok),
            },
        ),
        (
            encode::reset(0, ResetType::ApplyConfig),
            Message::Reset(ResetType::ApplyConfig),
        ),
        (encode::server_req(0), Message::ServerReq),
    ] {
        assert_eq!(read(&bytes), expected);
    }
    let Message::Alarm(alarm) = read(&encode::alarm(
        0,
        2,
        "14: Name=SEP001380AD9E5F Load=8.0(2.0) Last=CM-closed-TCP",
        Ipv4Addr::new(10, 102, 10, 209),
    )) else {
        panic!("not an alarm")
    };
    assert_eq!(alarm.last.unwrap().label(), "cm_closed_tcp");
    assert_eq!(alarm.parameter2, 0xD10A_660A);
    let Message::RegisterReject(reject) = read(&encode::register_reject(0, b"\x80\x33")) else {
        panic!("not a reject")
    };
    assert_eq!(reject.reason.label(), "mismatch");
}

fn device_name() -> impl Strategy<Value = DeviceName> {
    "[A-Z][A-Za-z0-9._-]{0,14}".prop_map(|name| name.parse().unwrap())
}

fn text(width: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(0x21..0x7Fu8, 1..=width)
        .prop_map(|bytes| String::from_utf8(bytes).unwrap())
}

fn interval() -> impl Strategy<Value = Option<Duration>> {
    proptest::option::of((1..100_000u64).prop_map(Duration::from_secs))
}

prop_compose! {
    fn register()(
        name in proptest::option::of(device_name()),
        address in proptest::option::of(1u32..),
        device_type: u32,
        protocol_version in proptest::option::of(1u8..),
        mac in proptest::option::of((0u8..128, proptest::array::uniform5(1u8..))),
        ipv6 in proptest::option::of(1u128..),
        load in proptest::option::of(text(32)),
        config_version_stamp in proptest::option::of(text(48)),
    ) -> Register {
        let field = mac.map(|(first, [a, b, c, d, e])| MacAddr([first & 0xFE, a, b, c, d, e]));
        Register {
            name,
            address: address.map(Ipv4Addr::from_bits),
            device_type: DeviceType(device_type),
            protocol_version,
            mac: name.and_then(|name| name.mac()).or(field),
            ipv6: ipv6.map(Ipv6Addr::from_bits),
            load,
            config_version_stamp,
        }
    }
}

prop_compose! {
    fn server()(
        name in text(48),
        address in proptest::option::of(prop_oneof![
            (1u32..).prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
            (1u128..).prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        ]),
        port: u16,
    ) -> Server {
        Server { name, address, port }
    }
}

proptest! {
    #[test]
    fn a_register_reads_as_it_was_built(register in register(), version in 0u32..23) {
        let bytes = encode::register(version, &register);
        prop_assert!([40, 68, 124, 172].contains(&(bytes.len() - 12)));
        prop_assert_eq!(read(&bytes), Message::Register(register));
    }

    #[test]
    fn a_register_ack_reads_as_it_was_built(
        keepalive in interval(),
        standby_keepalive in interval(),
        protocol_version in proptest::option::of(1u8..),
    ) {
        let ack = RegisterAck { keepalive, standby_keepalive, protocol_version };
        prop_assert_eq!(read(&encode::register_ack(0, &ack)), Message::RegisterAck(ack));
    }

    #[test]
    fn a_server_list_reads_as_it_was_built(
        servers in proptest::collection::vec(server(), 0..=5),
    ) {
        let list = ServerList { servers };
        let bytes = encode::server_res(0, &list);
        prop_assert!([280, 360].contains(&(bytes.len() - 12)));
        prop_assert_eq!(read(&bytes), Message::ServerRes(list));
    }

    #[test]
    fn a_key_reads_as_it_was_built(button: u32, place in proptest::option::of((0u32.., 0u32..))) {
        let key = KeypadButton {
            button,
            line: place.map(|(line, _)| line),
            call: place.map(|(_, call)| call),
        };
        prop_assert_eq!(read(&encode::keypad_button(0, &key)), Message::KeypadButton(key));
    }

    #[test]
    fn any_body_of_any_message_is_read_or_refused(
        body in proptest::collection::vec(any::<u8>(), 0..400),
        other: u32,
    ) {
        for id in MessageId::known().chain([MessageId(other)]) {
            if let Err(error) = parse(id, &body) {
                // Only a dynamic name without an end is wrong in itself; else bodies are only too short.
                prop_assert!(
                    error.reason() == "truncated" || id == MessageId::CONFIG_STAT_DYNAMIC
                );
            }
        }
    }

    #[test]
    fn a_changed_or_cut_message_is_survived(
        register in register(),
        servers in proptest::collection::vec(server(), 0..=5),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        end in any::<proptest::sample::Index>(),
    ) {
        let alarm = "14: Name=SEP001380AD9E5F Load=8.0(2.0) Last=CM-closed-TCP";
        let mut bytes = [
            encode::alarm(0, 2, alarm, Ipv4Addr::LOCALHOST),
            encode::register(0, &register),
            encode::server_res(0, &ServerList { servers }),
        ]
        .concat();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(end.index(bytes.len() + 1));
        let mut read = 0;
        Deframer::new().push(&bytes, &mut |deframed| {
            if let Deframed::Message(pdu) = deframed {
                read += pdu.body.len() + 12;
                // What was changed may make it too short, never more.
                if let Err(error) = Message::parse(&pdu) {
                    assert!(error.reason() == "truncated" || pdu.id == MessageId::CONFIG_STAT_DYNAMIC);
                }
            }
        });
        prop_assert!(read <= bytes.len());
    }

    #[test]
    fn any_text_in_a_message_is_safe_to_show(
        body in proptest::collection::vec(prop_oneof![any::<u8>(), 0x1Eu8..0x80], 0..200),
    ) {
        for id in [MessageId::ALARM, MessageId::REGISTER_REJECT, MessageId::DISPLAY_TEXT, MessageId::VERSION] {
            let shown = match parse(id, &body) {
                Ok(Message::Alarm(alarm)) => {
                    let last = alarm.last.map(|last| last.text).unwrap_or_default();
                    [alarm.text, alarm.load.unwrap_or_default(), last].concat()
                }
                Ok(Message::RegisterReject(reject)) => reject.text,
                Ok(Message::DisplayText(display)) => display.text,
                Ok(Message::Version { load }) => load,
                _ => String::new(),
            };
            prop_assert!(!shown.chars().any(char::is_control), "{:?}", shown);
        }
    }

    #[test]
    fn any_xml_is_read(text in "(<String name=\"[A-Za-z0-9]{1,12}\">|</String>|<Enum |<|>|&[a-z]{2,4};|\\PC){0,200}") {
        prop_assert!(parse(MessageId::XML_ALARM, text.as_bytes()).is_ok());
    }
}
