#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::*;

const MAC: MacAddr = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 4);

/// A message with these bytes in its options field.
fn with_options(options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 1, 6, 0];
    bytes.resize(28, 0);
    bytes.extend(MAC.0);
    bytes.resize(236, 0);
    bytes.extend([0x63, 0x82, 0x53, 0x63]);
    bytes.extend(options);
    bytes
}

#[test]
fn reads_every_field_of_a_relayed_discover() {
    let mut bytes = vec![
        0x01, 0x01, 0x06, 0x01, // request, Ethernet, one hop
        0x39, 0x03, 0xf3, 0x26, // xid
        0x00, 0x05, 0x80, 0x00, // 5 s, broadcast
        0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02, // ciaddr, yiaddr
        0x0a, 0x00, 0x00, 0x03, 0x0a, 0x00, 0x00, 0x04, // siaddr, giaddr
        0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // chaddr
    ];
    bytes.extend(b"tftp1");
    bytes.resize(108, 0);
    bytes.extend(b"boot.bin");
    bytes.resize(236, 0);
    bytes.extend([0x63, 0x82, 0x53, 0x63]);
    bytes.extend([53, 1, 1]);
    bytes.extend([0, 0]); // padding between options
    bytes.extend(b"\x0c\x0fSEP001380AD9E5F");
    bytes.extend(b"\x3c\x24Cisco Systems, Inc. IP Phone CP-7960");
    bytes.extend([50, 4, 10, 0, 0, 9]);
    bytes.extend([61, 7, 1, 0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
    bytes.extend([55, 4, 1, 66, 3, 150]);
    bytes.extend([82, 4, 1, 2, 0xab, 0xcd]);
    bytes.extend([255, 0, 0]);

    let dhcp = Dhcp::parse(&bytes).unwrap();
    assert_eq!((dhcp.op, dhcp.hops, dhcp.transaction), (1, 1, 0x3903_f326));
    assert_eq!((dhcp.seconds, dhcp.broadcast), (5, true));
    assert_eq!(dhcp.client_address, Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!(dhcp.your_address, Ipv4Addr::new(10, 0, 0, 2));
    assert_eq!(dhcp.server_address, Ipv4Addr::new(10, 0, 0, 3));
    assert_eq!(dhcp.relay_address, Ipv4Addr::new(10, 0, 0, 4));
    assert_eq!(dhcp.hardware, Some(MAC));
    assert!(dhcp.server_name.starts_with(b"tftp1\0"));
    assert!(dhcp.boot_file.starts_with(b"boot.bin\0"));
    assert_eq!(dhcp.message_type(), Some(MessageType::Discover));
    assert_eq!(dhcp.host_name().as_deref(), Some("SEP001380AD9E5F"));
    assert_eq!(dhcp.phone_class().model(), Some("Cisco 7960"));
    assert_eq!(dhcp.requested_address(), Some(Ipv4Addr::new(10, 0, 0, 9)));
    assert_eq!(
        dhcp.client_identifier().as_deref(),
        Some(&[1, 0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f][..])
    );
    assert_eq!(
        dhcp.relay_information().as_deref(),
        Some(&[1, 2, 0xab, 0xcd][..])
    );
    assert!(dhcp.asks_for(150) && !dhcp.asks_for(151));
    assert_eq!(
        dhcp.options().map(|(code, _)| code).collect::<Vec<_>>(),
        [53, 12, 60, 50, 61, 55, 82]
    );
    assert!(dhcp.anomalies.is_empty(), "{:?}", dhcp.anomalies);
    assert_eq!(
        dhcp.to_string(),
        "DHCP DISCOVER xid 0x3903f326 for 00:13:80:ad:9e:5f: 10.0.0.2"
    );
}

#[test]
fn reads_what_an_ack_grants() {
    let bytes = DhcpBuilder::new(MessageType::Ack, 7, MAC)
        .your_address(Ipv4Addr::new(10, 1, 9, 9))
        .addresses(code::SERVER_IDENTIFIER, &[SERVER])
        .addresses(code::SUBNET_MASK, &[Ipv4Addr::new(255, 255, 0, 0)])
        .addresses(code::ROUTERS, &[Ipv4Addr::new(10, 1, 0, 1)])
        .addresses(code::DNS_SERVERS, &[SERVER, SECOND])
        .option(code::LEASE_TIME, &[0, 1, 0x51, 0x80])
        .option(code::RENEWAL_TIME, &[0, 0, 0xa8, 0xc0])
        .option(code::REBINDING_TIME, &[0, 1])
        .option(code::DOMAIN, b"example.com\0")
        .build();
    let dhcp = Dhcp::parse(&bytes).unwrap();
    assert_eq!(dhcp.op, 2);
    assert_eq!(dhcp.message_type(), Some(MessageType::Ack));
    assert_eq!(dhcp.server_identifier(), Some(SERVER));
    assert_eq!(dhcp.subnet_mask(), Some(Ipv4Addr::new(255, 255, 0, 0)));
    assert_eq!(dhcp.routers(), [Ipv4Addr::new(10, 1, 0, 1)]);
    assert_eq!(dhcp.dns_servers(), [SERVER, SECOND]);
    assert_eq!(dhcp.lease_time(), Some(Duration::from_secs(86_400)));
    assert_eq!(dhcp.renewal_time(), Some(Duration::from_secs(43_200)));
    assert_eq!(dhcp.rebinding_time(), None, "two bytes are no time");
    assert_eq!(dhcp.domain().as_deref(), Some("example.com"));
    assert_eq!(dhcp.requested_address(), None);
    assert!(dhcp.tftp_servers().is_empty());
}

#[test]
fn one_bad_option_costs_only_itself() {
    // A host name that is not UTF-8, a mask of three bytes, and two addresses in option 150 before option 66.
    let bytes = with_options(&[
        53, 1, 5, 12, 2, 0xff, 0xfe, 1, 3, 255, 255, 0, 150, 8, 10, 1, 2, 3, 10, 1, 2, 4, 66, 4,
        b't', b'f', b't', b'p', 255,
    ]);
    let dhcp = Dhcp::parse(&bytes).unwrap();
    assert_eq!(dhcp.host_name().as_deref(), Some("\u{FFFD}\u{FFFD}"));
    assert_eq!(dhcp.subnet_mask(), None);
    let offer = dhcp.tftp_servers();
    assert_eq!(
        offer.option_150,
        Some(Option150::Addresses(vec![SERVER, SECOND]))
    );
    assert_eq!(offer.option_66, Some(Option66::Name("tftp".into())));
}

#[test]
fn an_option_that_is_cut_is_left_out_and_said() {
    let bytes = with_options(&[53, 1, 2, 150, 8, 10, 1, 2, 3, 10, 1]);
    let dhcp = Dhcp::parse(&bytes).unwrap();
    assert_eq!(dhcp.message_type(), Some(MessageType::Offer));
    assert_eq!(dhcp.option(150), None);
    assert!(dhcp.anomalies.contains(Anomaly::OptionsTruncated));
    assert!(dhcp.anomalies.options_incomplete());

    let bytes = with_options(&[53, 1, 2]);
    let dhcp = Dhcp::parse(&bytes).unwrap();
    assert_eq!(dhcp.anomalies.iter().collect::<Vec<_>>(), [Anomaly::NoEnd]);

    let bytes = with_options(&[53]);
    let dhcp = Dhcp::parse(&bytes).unwrap();
    assert_eq!(dhcp.message_type(), None);
    assert!(dhcp.anomalies.contains(Anomaly::OptionsTruncated));
}

#[test]
fn what_comes_before_the_options_may_be_all_there_is() {
    let whole = with_options(&[53, 1, 1, 255]);
    for length in [44, 100, 108, 236, 239] {
        let dhcp = Dhcp::parse(&whole[..length]).unwrap();
        assert_eq!(dhcp.hardware, Some(MAC));
        assert_eq!(
            dhcp.anomalies.iter().collect::<Vec<_>>(),
            [Anomaly::Cut],
            "{length}"
        );
    }
    assert_eq!(
        Dhcp::parse(&whole[..43]),
        Err(DecodeError::Truncated {
            field: "dhcp chaddr",
            need: 10,
            have: 9
        })
    );
    assert_eq!(
        Dhcp::parse(&[3; 300]),
        Err(DecodeError::Malformed { field: "dhcp op" })
    );
    let mut bootp = whole;
    bootp[236] = 0;
    let dhcp = Dhcp::parse(&bootp).unwrap();
    assert_eq!(dhcp.message_type(), None);
    assert_eq!(
        dhcp.anomalies.iter().collect::<Vec<_>>(),
        [Anomaly::NoCookie]
    );
}

#[test]
fn a_hardware_length_of_255_is_no_address() {
    let mut bytes = with_options(&[53, 1, 1, 255]);
    for (hardware_type, length) in [(1, 255), (1, 16), (1, 0), (6, 6)] {
        bytes[1] = hardware_type;
        bytes[2] = length;
        let dhcp = Dhcp::parse(&bytes).unwrap();
        assert_eq!(dhcp.hardware, None);
        assert!(dhcp.anomalies.contains(Anomaly::NoHardwareAddress));
        assert_eq!(dhcp.message_type(), Some(MessageType::Discover));
    }
}

#[test]
fn a_long_option_comes_in_parts() {
    let long = vec![b'x'; 300];
    let bytes = DhcpBuilder::new(MessageType::Offer, 1, MAC)
        .option(67, &long)
        .build();
    let dhcp = Dhcp::parse(&bytes).unwrap();
    assert_eq!(dhcp.option(67).as_deref(), Some(&long[..]));
    assert_eq!(dhcp.options().count(), 3);
    // Parts need not be next to each other.
    let bytes = with_options(&[150, 2, 10, 1, 53, 1, 5, 150, 2, 2, 3, 255]);
    let dhcp = Dhcp::parse(&bytes).unwrap();
    assert_eq!(dhcp.option(150).as_deref(), Some(&[10, 1, 2, 3][..]));
}

#[test]
fn overloaded_fields_are_options_and_no_names() {
    // The options say that file and sname hold options; file's part of the option comes before sname's.
    let bytes = DhcpBuilder::new(MessageType::Ack, 1, MAC)
        .option(code::OVERLOAD, &[3])
        .boot_file(&[150, 4, 10, 1, 2, 3, 255])
        .server_name(&[0, 150, 4, 10, 1, 2, 4, 255])
        .build();
    let dhcp = Dhcp::parse(&bytes).unwrap();
    let offer = dhcp.tftp_servers();
    assert_eq!(
        offer.option_150,
        Some(Option150::Addresses(vec![SERVER, SECOND]))
    );
    assert_eq!(offer.server_name, None);
    assert_eq!((dhcp.server_name, dhcp.boot_file), (&[][..], &[][..]));
    assert!(dhcp.anomalies.is_empty());

    // Only file: sname is a name still.
    let bytes = DhcpBuilder::new(MessageType::Ack, 1, MAC)
        .option(code::OVERLOAD, &[1])
        .boot_file(b"\x42\x07tftp.ex\xff")
        .server_name(b"other")
        .build();
    let offer = Dhcp::parse(&bytes).unwrap().tftp_servers();
    assert_eq!(offer.option_66, Some(Option66::Name("tftp.ex".into())));
    assert_eq!(offer.server_name.as_deref(), Some("other"));

    // Without option 52 they hold no options, and a strange value makes none of them.
    for overload in [&[][..], &[0], &[4], &[1, 1]] {
        let bytes = DhcpBuilder::new(MessageType::Ack, 1, MAC)
            .option(code::OVERLOAD, overload)
            .boot_file(&[150, 4, 10, 1, 2, 3, 255])
            .build();
        let dhcp = Dhcp::parse(&bytes).unwrap();
        assert_eq!(dhcp.option(150), None);
        assert!(dhcp.anomalies.contains(Anomaly::OverloadOdd));
    }

    // An overloaded field cannot overload another.
    let bytes = DhcpBuilder::new(MessageType::Ack, 1, MAC)
        .option(code::OVERLOAD, &[1])
        .boot_file(&[52, 1, 2, 255])
        .server_name(b"\x42\x03abc\xff")
        .build();
    assert_eq!(Dhcp::parse(&bytes).unwrap().option(66), None);
}

#[test]
fn option_150_is_text_where_all_of_it_reads_as_dotted_addresses() {
    for text in [
        "10.0.0.1",           // 8 bytes: a multiple of four
        "10.10.10.10\0",      // 12
        "10.1.2.34\0\0\0",    // 12
        "10.23.231.150\0\0",  // 15, the office of the trap
        "10.1.2.3\0",         // 9
        "010.001.002.003\0",  // 16, with leading zeros
        "10.1.2.3 10.1.2.4",  // 17
        "10.1.2.3,10.1.2.40", // 18
        "\"10.10.10.1\"",     // 12, in quotes
        "cucm.example.com.",  // 17: no multiple of four, and printable
    ] {
        let shown = text.trim_end_matches('\0').to_owned();
        assert_eq!(
            Option150::from_wire(text.as_bytes()),
            Option150::Text(shown),
            "{text:?}"
        );
    }
}

#[test]
fn option_150_is_addresses_where_it_only_happens_to_be_printable() {
    // Printable octets that read as no dotted address.
    for octets in [
        &[46, 49, 46, 49][..],
        b"1.1.",
        b"10.0.0.1.1.1",
        b"999.10.1.1.1",
        b"1111",
        b"1.+1.1.1",
    ] {
        assert!(
            matches!(Option150::from_wire(octets), Option150::Addresses(_)),
            "{octets:?}"
        );
    }
    assert_eq!(
        Option150::from_wire(&[46, 49, 46, 49]),
        Option150::Addresses(vec![Ipv4Addr::new(46, 49, 46, 49)])
    );
    assert_eq!(
        Option150::from_wire(&[0; 4]),
        Option150::Addresses(vec![Ipv4Addr::UNSPECIFIED])
    );
    assert_eq!(
        Option150::from_wire(&[10; 400]),
        Option150::Addresses(vec![Ipv4Addr::new(10, 10, 10, 10); 16])
    );
}

#[test]
fn option_150_of_another_length_is_only_counted() {
    assert_eq!(Option150::from_wire(&[]), Option150::WrongLength(0));
    assert_eq!(
        Option150::from_wire(&[10, 1, 2, 3, 10]),
        Option150::WrongLength(5)
    );
    assert_eq!(Option150::from_wire(&[0; 7]), Option150::WrongLength(7));
}

#[test]
fn option_66_is_text_or_as_met_four_octets() {
    for (value, expected) in [
        (&b"10.1.2.3"[..], Option66::Address(SERVER)),
        (b"10.1.2.3\0", Option66::Address(SERVER)),
        (&[10, 1, 2, 3], Option66::Address(SERVER)),
        (
            b"cm1.example.com\0",
            Option66::Name("cm1.example.com".into()),
        ),
        (b"tftp", Option66::Name("tftp".into())),
        (b"", Option66::Unreadable),
        (b"10.1.2.3,10.1.2.4", Option66::Unreadable),
        (&[10, 1, 2], Option66::Unreadable),
        (b"<b>", Option66::Unreadable),
    ] {
        assert_eq!(Option66::from_wire(value), expected, "{value:?}");
    }
}

#[test]
fn servers_come_in_the_order_of_a_phone() {
    let bytes = DhcpBuilder::new(MessageType::Ack, 1, MAC)
        .server_address(Ipv4Addr::new(10, 9, 9, 9))
        .server_name(b"boot")
        .option(code::TFTP_SERVER_NAME, b"cm1")
        .addresses(
            code::TFTP_SERVER_ADDRESSES,
            &[Ipv4Addr::UNSPECIFIED, SECOND, SERVER, SECOND],
        )
        .build();
    let offer = Dhcp::parse(&bytes).unwrap().tftp_servers();
    assert_eq!(
        offer.usable(),
        [
            TftpServer::Address(SECOND.into()),
            TftpServer::Address(SERVER.into()),
            TftpServer::Name("cm1".into()),
            TftpServer::Address([10, 9, 9, 9].into()),
            TftpServer::Name("boot".into()),
        ]
    );

    // Text in option 150 serves nobody, and is told as it was sent.
    let bytes = DhcpBuilder::new(MessageType::Ack, 1, MAC)
        .option(code::TFTP_SERVER_ADDRESSES, b"10.23.231.150\0\0")
        .build();
    let offer = Dhcp::parse(&bytes).unwrap().tftp_servers();
    assert_eq!(offer.usable(), []);
    assert!(!offer.is_empty());
    let option_150 = offer.option_150.unwrap();
    assert!(!option_150.is_usable());
    assert_eq!(option_150.to_string(), "the text \"10.23.231.150\"");
}

#[test]
fn tells_phones_by_their_vendor_class() {
    let phone = |model: &str| PhoneClass::Phone {
        model: Some(model.to_owned()),
    };
    for (class, expected) in [
        (
            "Cisco Systems, Inc. IP Phone CP-7960G\0",
            phone("Cisco 7960"),
        ),
        ("Cisco Systems, Inc. IP Phone CP-7960", phone("Cisco 7960")),
        ("Cisco Systems, Inc. IP Phone 7912", phone("Cisco 7912")),
        ("Cisco Systems, Inc. IP Phone CP-8961", phone("Cisco 8961")),
        (
            "Cisco Systems, Inc. IP Phone CP-7961G-GE",
            phone("Cisco 7961G-GE"),
        ),
        (
            "Cisco Systems Inc. Wireless Phone 7921",
            phone("Cisco 7921"),
        ),
        (
            "Cisco Systems, Inc. IP Phone",
            PhoneClass::Phone { model: None },
        ),
        (
            "Cisco Systems, Inc. IP Phone <b>7</b>",
            PhoneClass::Phone { model: None },
        ),
        ("Cisco Systems, Inc.", PhoneClass::MaybePhone),
        ("Cisco Systems, Inc. Catalyst", PhoneClass::No),
        ("Cisco AP c1240", PhoneClass::No),
        ("MSFT 5.0", PhoneClass::No),
        ("Cisco Systéms", PhoneClass::No),
        ("", PhoneClass::No),
    ] {
        assert_eq!(phone_model(class), expected, "{class:?}");
    }
}

#[test]
fn message_types_keep_their_numbers() {
    for number in 0..=255 {
        assert_eq!(MessageType::from(number).number(), number);
    }
    assert_eq!(MessageType::from(6).label(), "nak");
    assert_eq!(MessageType::from(6).to_string(), "NAK");
    assert_eq!(MessageType::from(13).to_string(), "type 13");
    assert_eq!(MessageType::from(13).label(), "other");
}

/// Calls everything that reads a message.
fn read_all(bytes: &[u8]) {
    let Ok(dhcp) = Dhcp::parse(bytes) else { return };
    let total: usize = dhcp.options().map(|(_, value)| value.len()).sum();
    assert!(total <= bytes.len());
    let offer = dhcp.tftp_servers();
    assert!(offer.usable().len() <= MAX_ADDRESSES + 3);
    assert!(dhcp.routers().len() <= MAX_ADDRESSES);
    let _ = (
        dhcp.to_string(),
        dhcp.phone_class(),
        dhcp.host_name(),
        dhcp.domain(),
        dhcp.reason(),
        dhcp.lease_time(),
        dhcp.asks_for(150),
    );
}

fn valid() -> Vec<u8> {
    DhcpBuilder::new(MessageType::Offer, 0x1234, MAC)
        .option(code::OVERLOAD, &[3])
        .option(code::TFTP_SERVER_ADDRESSES, b"10.0.0.1")
        .option(code::VENDOR_CLASS, b"Cisco Systems, Inc. IP Phone CP-7960G")
        .boot_file(&[66, 4, 10, 0, 0, 1, 255])
        .server_name(&[12, 3, b'S', b'E', b'P', 255])
        .build()
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        read_all(&bytes);
        read_all(&with_options(&bytes));
        let _ = Option150::from_wire(&bytes).to_string();
        let _ = Option66::from_wire(&bytes);
        let _ = phone_model(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_mutated_message_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = valid();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(length.index(bytes.len() + 1));
        read_all(&bytes);
    }

    #[test]
    fn what_the_builder_writes_is_read_back(
        transaction in any::<u32>(),
        seconds in any::<u16>(),
        mac in any::<[u8; 6]>(),
        options in proptest::collection::btree_map(
            (1_u8..255).prop_filter("its own meaning", |code| !matches!(code, 52 | 53)),
            proptest::collection::vec(any::<u8>(), 0..600),
            0..6,
        ),
    ) {
        let mut builder = DhcpBuilder::new(MessageType::Request, transaction, MacAddr(mac)).seconds(seconds);
        for (&code, value) in &options {
            builder = builder.option(code, value);
        }
        let bytes = builder.build();
        let dhcp = Dhcp::parse(&bytes).unwrap();
        prop_assert_eq!((dhcp.transaction, dhcp.seconds, dhcp.hardware), (transaction, seconds, Some(MacAddr(mac))));
        prop_assert_eq!(dhcp.message_type(), Some(MessageType::Request));
        prop_assert!(dhcp.anomalies.is_empty());
        for (&code, value) in &options {
            let read = dhcp.option(code);
            prop_assert_eq!(read.as_deref(), Some(&value[..]));
        }
    }

    #[test]
    fn addresses_stay_addresses(addresses in proptest::collection::vec(any::<[u8; 4]>(), 1..4)) {
        // Chance does not make a dotted address of four, eight or twelve octets.
        let octets: Vec<u8> = addresses.concat();
        let expected = addresses.into_iter().map(Ipv4Addr::from).collect();
        prop_assert_eq!(Option150::from_wire(&octets), Option150::Addresses(expected));
    }

    #[test]
    fn a_dotted_address_is_text_whatever_its_padding(address in any::<u32>(), padding in 0_usize..8) {
        let text = Ipv4Addr::from(address).to_string();
        let mut value = text.clone().into_bytes();
        value.resize(value.len() + padding, 0);
        prop_assert_eq!(Option150::from_wire(&value), Option150::Text(text));
    }
}
