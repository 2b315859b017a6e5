//! DHCP for IPv6 in a scene.

use std::net::Ipv6Addr;

use etherparse::PacketBuilder;
use phonewatch::net::MacAddr;
use phonewatch::wire::dhcpv6::{CISCO, CLIENT_PORT, Dhcpv6Builder, MessageType, SERVER_PORT, code};

use super::scene::{Host, Scene};
use super::stories::DHCP_SERVER;
use super::{Phone, phone};

/// Where the servers and relays of a link listen.
pub(crate) const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
pub(crate) const RELAY: Ipv6Addr = Ipv6Addr::new(0xfdfd, 0, 0, 0, 0, 0, 0, 1);
pub(crate) const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// The IPv6 address that stands for a host's IPv4 address where a scene is told over IPv6.
pub(crate) fn v6(host: &Host) -> Ipv6Addr {
    let mut octets = [0xFD; 16];
    octets[12..].copy_from_slice(&host.address.octets());
    Ipv6Addr::from(octets)
}

pub(crate) fn datagram(
    scene: &mut Scene,
    from: (MacAddr, Ipv6Addr),
    to: Ipv6Addr,
    ports: [u16; 2],
    payload: &[u8],
) {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(from.0.0, [0x33, 0x33, 0, 1, 0, 2])
        .ipv6(from.1.octets(), to.octets(), 64)
        .udp(ports[0], ports[1])
        .write(&mut frame, payload)
        .unwrap();
    scene.frame(frame);
}

/// The phone says something to the servers of its link.
pub(crate) fn says(scene: &mut Scene, phone: &Phone, message: Dhcpv6Builder) {
    let from = (phone.host.mac, LINK_LOCAL);
    datagram(
        scene,
        from,
        ALL_SERVERS,
        [CLIENT_PORT, SERVER_PORT],
        &message.build(),
    );
}

/// A server says something to the phone.
pub(crate) fn answers(scene: &mut Scene, message: Dhcpv6Builder) {
    let from = (DHCP_SERVER.mac, RELAY);
    datagram(
        scene,
        from,
        LINK_LOCAL,
        [SERVER_PORT, CLIENT_PORT],
        &message.build(),
    );
}

/// A message with the phone's identifier and name.
pub(crate) fn message(phone: &Phone, message_type: MessageType, transaction: u32) -> Dhcpv6Builder {
    Dhcpv6Builder::new(message_type, transaction)
        .client(phone.host.mac)
        .client_name(phone.name.as_str())
}

/// What the phone asks, so many seconds after it began to.
pub(crate) fn question(
    phone: &Phone,
    message_type: MessageType,
    transaction: u32,
    seconds: u16,
) -> Dhcpv6Builder {
    let elapsed = seconds.saturating_mul(100).to_be_bytes();
    message(phone, message_type, transaction)
        .option(code::ELAPSED_TIME, &elapsed)
        .vendor_class(CISCO, phone::VENDOR_CLASS)
}

/// SOLICITs of one transaction at these seconds of the scene, of a phone that began to ask at the second `first`.
pub(crate) fn solicits(scene: &mut Scene, phone: &Phone, first: u16, seconds: &[u16]) {
    for &second in seconds {
        scene.at(f64::from(second));
        let solicit = question(phone, MessageType::Solicit, 0x60, second - first);
        says(scene, phone, solicit.no_address());
    }
}

/// The four messages that give a phone its address for an hour, with this value for its TFTP servers.
pub(crate) fn leases_with(scene: &mut Scene, phone: &Phone, tftp: Option<&[u8]>) {
    let address = v6(&phone.host);
    let given = |message_type, transaction| {
        let message = message(phone, message_type, transaction).address(address, 3600);
        match tftp {
            Some(value) => message.tftp_servers(value),
            None => message,
        }
    };
    says(
        scene,
        phone,
        question(phone, MessageType::Solicit, 1, 0).no_address(),
    );
    answers(scene, given(MessageType::Advertise, 1));
    let request = question(phone, MessageType::Request, 2, 0).address(address, 0);
    says(scene, phone, request);
    answers(scene, given(MessageType::Reply, 2));
}
