#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;
use crate::wire::dhcp::TftpServer;
use proptest::prelude::*;

const MAC: MacAddr = MacAddr([0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f]);
const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 7);
const SERVER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);

/// A phone looks for servers: DUID-LLT, elapsed time, `IA_NA` without an address, vendor class, name.
const SOLICIT: &[u8] = &[
    1, 0x1f, 0x3a, 0x52, // SOLICIT and its transaction
    0, 1, 0, 14, 0, 1, 0, 1, 0x2a, 0, 0, 1, 0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f, // client
    0, 8, 0, 2, 0, 100, // for one second
    0, 3, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, // an address is wanted
    0, 16, 0, 28, 0, 0, 0, 9, 0, 22, // vendor class of Cisco
    b'C', b'i', b's', b'c', b'o', b' ', b'S', b'y', b's', b't', b'e', b'm', b's', b',', b' ', b'I',
    b'n', b'c', b'.', b' ', b'I', b'P', //
    0, 39, 0, 7, 0, 3, b'S', b'E', b'P', 1, b'x', // a name of two labels, without an end
];

/// A server gives an address: DUID-EN for itself, `IA_NA` with an address, DNS, TFTP servers for Cisco phones.
const REPLY: &[u8] = &[
    7, 0x1f, 0x3a, 0x52, //
    0, 1, 0, 10, 0, 3, 0, 1, 0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f, // client, DUID-LL
    0, 2, 0, 8, 0, 2, 0, 0, 0, 9, 1, 2, // server, DUID-EN
    0, 3, 0, 40, 0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 0, 20, // IA_NA
    0, 5, 0, 24, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 60, 0, 0, 0,
    120, //
    0, 23, 0, 16, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // name server
    0, 17, 0, 24, 0, 0, 0, 9, 0, 1, 0, 16, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, // TFTP
];

#[test]
fn reads_what_a_phone_asks() {
    let solicit = Dhcpv6::parse(SOLICIT).unwrap();
    assert_eq!(solicit.message_type, MessageType::Solicit);
    assert_eq!(solicit.transaction, 0x1f_3a52);
    assert_eq!(
        solicit.client_id(),
        Some(Duid::LinkLayerTime {
            mac: MAC,
            time: 0x2a00_0001
        })
    );
    assert_eq!(solicit.client_mac(), Some(MAC));
    assert_eq!(solicit.elapsed(), Some(100));
    assert_eq!(solicit.addresses(), []);
    assert_eq!(
        solicit.vendor_class().as_deref(),
        Some("Cisco Systems, Inc. IP")
    );
    assert_eq!(solicit.client_name().as_deref(), Some("SEP.x"));
    assert_eq!(
        solicit.to_string(),
        "DHCPv6 SOLICIT transaction 0x1f3a52 for 00:13:80:ad:9e:5f"
    );
}

#[test]
fn reads_what_a_server_gives() {
    let reply = Dhcpv6::parse(REPLY).unwrap();
    assert_eq!(reply.message_type, MessageType::Reply);
    assert_eq!(reply.client_id(), Some(Duid::LinkLayer(MAC)));
    assert_eq!(reply.server_id(), Some(Duid::Enterprise(9)));
    assert_eq!(
        reply.addresses(),
        [LeasedAddress {
            address: ADDRESS,
            preferred: 60,
            valid: 120
        }]
    );
    assert_eq!(reply.dns_servers(), [SERVER]);
    let server = TftpServer::Address(SERVER.into());
    assert_eq!(reply.tftp_servers().usable(), [server]);
    assert_eq!((reply.status(), reply.boot_file()), (0, None));
    assert_eq!(
        reply.to_string(),
        "DHCPv6 REPLY transaction 0x1f3a52 for 00:13:80:ad:9e:5f: fd00::7"
    );
    // Vendor options of another enterprise are no concern of a Cisco phone.
    let mut other = REPLY.to_vec();
    let enterprise = other.len() - 21;
    assert_eq!(other[enterprise], 9);
    other[enterprise] = 10;
    let offer = Dhcpv6::parse(&other).unwrap().tftp_servers();
    assert!(offer.is_empty());
}

#[test]
fn a_refused_association_gives_no_address() {
    let mut association = vec![0; 12];
    association.extend([0, 13, 0, 2, 0, 2]);
    association.extend([0, 5, 0, 24]);
    association.extend([0; 24]);
    let bytes = Dhcpv6Builder::new(MessageType::Reply, 1)
        .option(code::IA_NA, &association)
        .option(code::STATUS_CODE, b"\0\x02no addresses")
        .build();
    let reply = Dhcpv6::parse(&bytes).unwrap();
    assert_eq!(reply.addresses(), []);
    assert_eq!(
        reply.refusal(),
        Some((2, String::from("no addresses"))),
        "of the whole, which comes first"
    );
    assert_eq!(
        reply.to_string(),
        "DHCPv6 REPLY transaction 0x000001: status 2"
    );
}

#[test]
fn a_refusal_may_stand_in_the_association_alone() {
    let refused = |status: u8| {
        let mut association = vec![0; 12];
        association.extend([0, 13, 0, 7, 0, status]);
        association.extend(b"gone\n");
        let message = Dhcpv6Builder::new(MessageType::Reply, 1).option(code::IA_NA, &association);
        Dhcpv6::parse(&message.build()).unwrap().refusal()
    };
    let (status, text) = refused(3).unwrap();
    assert_eq!((status, text.contains("gone")), (3, true));
    assert!(!text.contains('\n'), "{text:?}");
    assert_eq!(refused(0), None);
    assert_eq!(refused(5), None, "it may ask all servers at once");
}

#[test]
fn identifiers_of_every_kind() {
    for (value, expected) in [
        (
            &[0, 3, 0, 1, 0, 0x13, 0x80, 0xad, 0x9e, 0x5f][..],
            Duid::LinkLayer(MAC),
        ),
        // InfiniBand, and an Ethernet address that is too long or cut.
        (
            &[0, 3, 0, 32, 0, 0x13, 0x80, 0xad, 0x9e, 0x5f],
            Duid::Other(3),
        ),
        (
            &[0, 3, 0, 1, 0, 0x13, 0x80, 0xad, 0x9e, 0x5f, 0],
            Duid::Other(3),
        ),
        (&[0, 1, 0, 1, 0, 0, 0, 1, 0, 0x13], Duid::Other(1)),
        (
            &[0, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
            Duid::Uuid([1; 16]),
        ),
        (&[0, 9, 1], Duid::Other(9)),
        (&[], Duid::Other(0)),
    ] {
        assert_eq!(Duid::from_wire(value), expected, "{value:?}");
        assert!(!expected.to_string().is_empty());
    }
}

#[test]
fn opens_relays_in_relays_up_to_their_limit() {
    let link = Ipv6Addr::new(0xfd01, 0, 0, 0, 0, 0, 0, 1);
    let peer = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
    let mut message = Dhcpv6Builder::new(MessageType::Request, 7).client(MAC);
    for hops in 0..8 {
        message = message.relayed(true, hops, link, peer);
    }
    let bytes = message.clone().build();
    let request = Dhcpv6::parse(&bytes).unwrap();
    assert_eq!(request.message_type, MessageType::Request);
    assert_eq!(request.relays.len(), MAX_RELAYS);
    assert_eq!(
        request.relays.last(),
        Some(&Relay {
            hops: 0,
            link,
            peer,
            client: None
        })
    );
    assert_eq!(
        request.to_string(),
        "DHCPv6 REQUEST transaction 0x000007 for 00:13:80:ad:9e:5f by way of a relay on fd01::1"
    );
    let bytes = message.relayed(true, 8, link, peer).build();
    assert_eq!(Dhcpv6::parse(&bytes).unwrap_err().reason(), "malformed");
}

#[test]
fn a_relay_tells_the_hardware_address_of_its_client() {
    let inner = Dhcpv6Builder::new(MessageType::Solicit, 7).option(
        code::CLIENT_ID,
        &[0, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    );
    assert_eq!(
        Dhcpv6::parse(&inner.clone().build()).unwrap().client_mac(),
        None
    );
    let bytes = inner
        .relayed(true, 0, SERVER, ADDRESS)
        .option(
            code::CLIENT_LINK_LAYER_ADDRESS,
            &[0, 1, 0x00, 0x13, 0x80, 0xad, 0x9e, 0x5f],
        )
        .build();
    assert_eq!(Dhcpv6::parse(&bytes).unwrap().client_mac(), Some(MAC));
}

#[test]
fn what_is_cut_is_truncated_and_its_whole_options_are_kept() {
    for length in 0..4 {
        let error = Dhcpv6::parse(&SOLICIT[..length]).unwrap_err();
        assert_eq!(error.reason(), "truncated");
    }
    for length in 4..SOLICIT.len() {
        let solicit = Dhcpv6::parse(&SOLICIT[..length]).unwrap();
        assert_eq!(solicit.client_mac().is_some(), length >= 22, "{length}");
        let ends_between = [4, 22, 28, 44, 76].contains(&length);
        assert_eq!(solicit.is_incomplete(), !ends_between, "{length}");
    }
    // A relay that wraps nothing.
    let bytes = [&[12, 0][..], &[0; 32]].concat();
    assert_eq!(Dhcpv6::parse(&bytes).unwrap_err().reason(), "malformed");
    assert_eq!(
        Dhcpv6::parse(&bytes[..20]).unwrap_err().reason(),
        "truncated"
    );
}

#[test]
fn message_types_keep_their_numbers() {
    for number in 0..=255 {
        assert_eq!(MessageType::from(number).number(), number);
    }
    assert_eq!(MessageType::from(5).label(), "v6_renew");
    assert_eq!(MessageType::from(10).to_string(), "type 10");
}

/// Calls everything that reads a message.
fn read_all(bytes: &[u8]) {
    let Ok(message) = Dhcpv6::parse(bytes) else {
        return;
    };
    assert!(message.relays.len() <= MAX_RELAYS);
    assert!(message.addresses().len() <= MAX_ADDRESSES);
    assert!(message.tftp_servers().usable().len() <= MAX_ADDRESSES);
    let _ = (message.refusal(), message.is_incomplete());
    assert!(message.dns_servers().len() <= MAX_ADDRESSES);
    let _ = (message.client_mac(), message.server_id(), message.status());
    let _ = (message.phone_class(), message.client_name());
    let _ = (message.boot_file(), message.elapsed());
    let text = message.to_string();
    assert!(!text.is_empty() && !text.chars().any(char::is_control));
}

proptest! {
    #[test]
    fn any_bytes_give_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn a_mutated_message_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        length in any::<prop::sample::Index>(),
        of_server in any::<bool>(),
    ) {
        let mut bytes = if of_server { REPLY } else { SOLICIT }.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(length.index(bytes.len() + 1));
        read_all(&bytes);
    }
}
