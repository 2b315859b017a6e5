//! The capture filter: what the kernel hands to us, in the language of pcap-filter(7).
//!
//! It keeps what the trackers read and drops the bulk of a voice network, which is RTP. TFTP is the hard part: its data
//! flows between two ephemeral ports, as RTP does (RFC 1350, section 4). Its datagrams begin with an opcode from 1 to 6
//! in two bytes; RTP and RTCP begin with version 2 in the two highest bits (RFC 3550, section 5.1), so the first
//! bytes of the payload tell them apart. Some others pass too, STUN's requests (00 01) among them: a few frames that the
//! decoder then drops. Voice inside a tunnel passes as well, since a filter cannot see into GRE or VXLAN, nor behind the
//! tags of other kinds than VLANs.

use crate::record::LinkType;

/// What the capture filter is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterSettings {
    /// TCP ports of SCCP.
    pub sccp_ports: Vec<u16>,
    /// TCP ports of SCCP inside TLS.
    pub secure_ports: Vec<u16>,
    /// The UDP port TFTP requests go to.
    pub tftp_port: u16,
    /// Whether tunnels are kept (GRE and so ERSPAN, IP in IP, VXLAN, Geneve, MPLS, PPPoE): a mirror may arrive in them.
    pub tunnels: bool,
    /// More to keep, as an expression of pcap-filter(7).
    pub extra: Option<String>,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self {
            sccp_ports: vec![2000],
            secure_ports: vec![2443],
            tftp_port: 69,
            tunnels: true,
            extra: None,
        }
    }
}

/// The filter for an Ethernet interface: frames with up to as many VLAN tags as are read.
pub fn expression(settings: &FilterSettings) -> String {
    expression_for(settings, LinkType::Ethernet)
}

/// The filter for an interface of this link type, with what that link type can express.
pub fn expression_for(settings: &FilterSettings, link: LinkType) -> String {
    let wanted = wanted(settings, link);
    match link {
        // Each `vlan` moves the offsets of all that follows by one tag, so the next one stands for the tag inside it. A
        // frame that is not tagged is through with all of them at the first.
        LinkType::Ethernet => {
            let tagged = format!(" or (vlan and ({wanted}))");
            format!("({wanted}){}", tagged.repeat(VLAN_TAGS))
        }
        LinkType::RawIp | LinkType::Null | LinkType::LinuxSll | LinkType::LinuxSll2 => wanted,
    }
}

/// Whether `expression` is a filter that libpcap accepts for frames of this link type.
pub fn check(expression: &str, link: LinkType) -> Result<(), FilterError> {
    pcap::Capture::dead(linktype(link))
        .and_then(|capture| capture.compile(expression, true))
        .map(drop)
        .map_err(|error| FilterError::new(expression, &error))
}

/// A filter expression that libpcap does not accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the capture filter `{expression}` is not valid: {reason}; its language is described in pcap-filter(7)"
)]
pub struct FilterError {
    /// The expression as it was given.
    pub expression: String,
    /// What libpcap says about it.
    pub reason: String,
}

impl FilterError {
    pub(super) fn new(expression: &str, error: &pcap::Error) -> Self {
        Self {
            expression: expression.to_owned(),
            reason: super::pcap_reason(error),
        }
    }
}

/// What is wanted of one frame whose tags have been dealt with.
///
/// A filter that reads past the end of a frame rejects it at once, whatever alternatives are left. So what looks at
/// payload bytes comes last.
fn wanted(settings: &FilterSettings, link: LinkType) -> String {
    let mut alternatives = Vec::new();
    let sccp = settings.sccp_ports.iter().chain(&settings.secure_ports);
    alternatives.extend(sccp.map(|port| format!("tcp port {port}")));
    let datagrams = [
        settings.tftp_port,
        DHCP_SERVER,
        DHCP_CLIENT,
        DHCPV6_CLIENT,
        DHCPV6_SERVER,
        DNS,
    ];
    alternatives.extend(datagrams.map(|port| format!("udp port {port}")));
    alternatives.extend(link_layer(link).iter().map(ToString::to_string));
    // A later fragment has no ports; without it, or without the first one, nothing can be reassembled.
    alternatives.push("ip[6:2] & 0x3fff != 0".into());
    alternatives.push("ip6[6] = 44".into());
    if settings.tunnels {
        alternatives.extend(TUNNELS.map(String::from));
        if link == LinkType::Ethernet {
            alternatives.extend(TUNNELS_ON_ETHERNET.map(String::from));
        }
    }
    if let Some(extra) = &settings.extra {
        alternatives.push(extra.clone());
    }
    alternatives.extend(PAYLOADS.map(String::from));
    let mut expression = String::new();
    for alternative in alternatives {
        if !expression.is_empty() {
            expression.push_str(" or ");
        }
        expression.push('(');
        expression.push_str(&alternative);
        expression.push(')');
    }
    expression
}

/// What is kept of the frames that are not IP, where the link type has them.
const fn link_layer(link: LinkType) -> &'static [&'static str] {
    match link {
        // CDP is sent to this group as an 802.3 frame, whose type field holds a length.
        LinkType::Ethernet => &[
            "arp",
            "ether dst 01:00:0c:cc:cc:cc",
            "ether proto 0x88cc",
            // Tags behind which the filter cannot look: VN-Tag, E-TAG, Cisco MetaData, and one that `vlan` does not know.
            "ether proto 0x8926 or ether proto 0x893f or ether proto 0x8909 or ether proto 0x9200",
            // Cisco's Inter-Switch Link, by the groups that it is sent to.
            "ether[0:4] = 0x01000c00 and ether[4] = 0",
            "ether[0:4] = 0x0c000c00 and ether[4] = 0",
            // IP in 802.3 frames: the least length of a header, LLC and SNAP with an EtherType of IPv4.
            "ether[12:2] <= 1500 and ether[14:4] = 0xaaaa0300 and ether[18:4] = 0x00000800",
        ],
        LinkType::LinuxSll | LinkType::LinuxSll2 => &["arp", "ether proto 0x88cc"],
        LinkType::RawIp | LinkType::Null => &[],
    }
}

/// The number libpcap knows this link type by.
const fn linktype(link: LinkType) -> pcap::Linktype {
    pcap::Linktype(match link {
        LinkType::Ethernet => 1,
        LinkType::RawIp => 12,
        LinkType::Null => 0,
        LinkType::LinuxSll => 113,
        LinkType::LinuxSll2 => 276,
    })
}

/// As many VLAN tags as the decoder reads.
const VLAN_TAGS: usize = 4;

const DNS: u16 = 53;
const DHCP_SERVER: u16 = 67;
const DHCP_CLIENT: u16 = 68;
const DHCPV6_CLIENT: u16 = 546;
const DHCPV6_SERVER: u16 = 547;

/// GRE, IP in IP of both versions, VXLAN on its registered port and on the one Linux began with, Geneve.
const TUNNELS: [&str; 4] = [
    "ip proto 47 or ip6 proto 47",
    "ip proto 4 or ip proto 41 or ip6 proto 4 or ip6 proto 41",
    "udp port 4789 or udp port 8472",
    "udp port 6081",
];

/// MPLS, and PPP over Ethernet.
const TUNNELS_ON_ETHERNET: [&str; 2] = ["ether proto 0x8847", "ether proto 0x8864"];

/// Destination unreachable (RFC 792; RFC 4443, section 3.1), neighbour discovery (RFC 4861, sections 4.3 and 4.4), and
/// TFTP by its opcode. The IPv6 forms look at fixed offsets, as `udp[]` and `icmp[]` are for IPv4 alone.
const PAYLOADS: [&str; 5] = [
    "icmp[0] = 3",
    "udp[8:2] >= 1 and udp[8:2] <= 6",
    "ip6[6] = 58 and ip6[40] = 1",
    "ip6[6] = 58 and ip6[40] >= 135 and ip6[40] <= 136",
    "ip6[6] = 17 and ip6[48:2] >= 1 and ip6[48:2] <= 6",
];

#[cfg(test)]
mod tests;
