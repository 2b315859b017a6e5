//! Decoders of one frame or one datagram.

use std::hint::black_box;

use phonewatch::flow::tunnel;
use phonewatch::record::LinkType;
use phonewatch::wire::arp::Arp;
use phonewatch::wire::cdp::Cdp;
use phonewatch::wire::dhcp::Dhcp;
use phonewatch::wire::dhcpv6::Dhcpv6;
use phonewatch::wire::dns::Dns;
use phonewatch::wire::icmp::IcmpMessage;
use phonewatch::wire::lldp::Lldp;
use phonewatch::wire::packet::{self, Content};
use phonewatch::wire::tftp::{self, Tftp};

/// What a frame may begin with.
pub const LINKS: [LinkType; 5] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Null,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
];

/// A frame of any link type: the first byte says which. What a tunnel carries is taken apart too.
pub fn packet(bytes: &[u8]) {
    let Some((kind, mut bytes)) = bytes.split_first() else {
        return;
    };
    let mut link = LINKS[usize::from(*kind) % LINKS.len()];
    for _ in 0..8 {
        let Ok(packet) = packet::decode(link, bytes) else {
            return;
        };
        let Content::Ip(ip) = packet.content else {
            return;
        };
        let Ok(Some(inner)) = tunnel::open(&ip) else {
            return;
        };
        assert!(inner.bytes.len() < bytes.len(), "a tunnel has a header");
        (link, bytes) = (inner.link, inner.bytes);
    }
}

/// An ARP packet.
pub fn arp(bytes: &[u8]) {
    if let Ok(arp) = Arp::parse(bytes) {
        assert_text(&arp.to_string());
    }
}

/// A CDP announcement.
pub fn cdp(bytes: &[u8]) {
    if let Ok(cdp) = Cdp::parse(bytes) {
        black_box((cdp.device_name(), cdp.is_phone(), cdp.model()));
        assert!(cdp.addresses.len() <= 8);
        assert_text(&cdp.to_string());
    }
}

/// An LLDP unit.
pub fn lldp(bytes: &[u8]) {
    if let Ok(lldp) = Lldp::parse(bytes) {
        black_box((lldp.device_name(), lldp.is_phone(), lldp.model()));
        black_box((lldp.voice_vlan(), lldp.mac(), lldp.load()));
        assert!(lldp.management_addresses.len() <= 8 && lldp.policies.len() <= 8);
        assert_text(&lldp.to_string());
    }
}

/// An ICMP message of both versions.
pub fn icmp(bytes: &[u8]) {
    black_box(IcmpMessage::parse_v4(bytes)).ok();
    if let Ok(IcmpMessage::Neighbour(message)) = IcmpMessage::parse_v6(bytes) {
        assert_text(&message.to_string());
    }
}

/// A DHCP message.
pub fn dhcp(bytes: &[u8]) {
    if let Ok(dhcp) = Dhcp::parse(bytes) {
        black_box((dhcp.host_name(), dhcp.vendor_class(), dhcp.phone_class()));
        black_box((dhcp.domain(), dhcp.reason(), dhcp.routers()));
        black_box((dhcp.lease_time(), dhcp.renewal_time()));
        black_box((dhcp.dns_servers(), dhcp.rebinding_time()));
        black_box((dhcp.tftp_servers().usable(), dhcp.relay_information()));
        assert!(dhcp.options().count() <= bytes.len());
        assert_text(&dhcp.to_string());
    }
}

/// A message of DHCP for IPv6, in any number of relays' wrappings.
pub fn dhcpv6(bytes: &[u8]) {
    if let Ok(dhcp) = Dhcpv6::parse(bytes) {
        black_box((dhcp.client_mac(), dhcp.server_id(), dhcp.phone_class()));
        black_box((dhcp.client_name(), dhcp.boot_file(), dhcp.elapsed()));
        assert!(dhcp.relays.len() <= 8 && dhcp.addresses().len() <= 16);
        assert!(dhcp.tftp_servers().usable().len() <= 16 && dhcp.dns_servers().len() <= 16);
        black_box((dhcp.refusal(), dhcp.is_incomplete()));
        assert!(dhcp.options.all().count() <= bytes.len());
        assert_text(&dhcp.to_string());
    }
}

/// A DNS message.
pub fn dns(bytes: &[u8]) {
    if let Ok(dns) = Dns::parse(bytes) {
        assert!(dns.addresses.len() <= 16);
        assert_text(&dns.to_string());
    }
}

/// A TFTP packet.
pub fn tftp(bytes: &[u8]) {
    if let Ok(packet) = tftp::parse(bytes) {
        assert_text(&packet.to_string());
        if let Tftp::Read(request) = packet {
            black_box(tftp::file_kind(&request.file));
        }
    }
}

/// What people read has something in it, and nothing that a terminal or a log would obey.
fn assert_text(text: &str) {
    assert!(!text.is_empty());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
