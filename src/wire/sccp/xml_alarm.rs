//! The XML alarm of newer firmware (9.1 and later): why service was lost, with switch, port and the states of DHCP,
//! TFTP and DNS.
//!
//! ```text
//! <x-cisco-alarm><Alarm Name="LastOutOfServiceInformation"><ParameterList>
//!   <String name="NeighborPortID">GigabitEthernet1/0/4</String>  <Enum name="ReasonForOutOfService">25</Enum>  ...
//! ```
//!
//! It is not always well-formed (a value may hold a bare `<not open>`), so the items are looked for one by one instead
//! of being parsed as a document.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reset_reason::ResetReason;
use crate::net::{DeviceName, safe_text};
use crate::time::Timestamp;

/// What an XML alarm tells; everything in it is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XmlAlarm {
    /// The device name.
    pub name: Option<DeviceName>,
    /// The phone's IPv4 address.
    pub address: Option<Ipv4Addr>,
    /// The length of its network's prefix.
    pub prefix_length: Option<u8>,
    /// Its IPv4 gateway.
    pub gateway: Option<Ipv4Addr>,
    /// The phone's IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// Its model: `CP-7970G`.
    pub model: Option<String>,
    /// The switch it is connected to, by the name it has in CDP or LLDP.
    pub neighbour_device: Option<String>,
    /// The switch's port.
    pub neighbour_port: Option<String>,
    /// The switch's IPv4 address.
    pub neighbour_address: Option<Ipv4Addr>,
    /// The voice VLAN; none where the switch gave none (4095 on the wire).
    pub voice_vlan: Option<u16>,
    /// The CallManager that was lost.
    pub callmanager: Option<IpAddr>,
    /// The phone's port of the lost connection.
    pub local_port: Option<u16>,
    /// Why service was lost.
    pub reason: Option<ResetReason>,
    /// When, by the phone's clock, where it is a time at all.
    pub timestamp: Option<Timestamp>,
    /// The last message the phone sent: `1:Register`.
    pub last_sent: Option<String>,
    /// The last message it received: `129:RegisterAck`.
    pub last_received: Option<String>,
    /// The state of DHCP as the phone numbers it.
    pub dhcp_status: Option<u32>,
    /// The state of the configuration's download as the phone numbers it.
    pub tftp_status: Option<u32>,
    /// The states of the look-ups of the first, second and third CallManager's name as the phone numbers them.
    pub dns_status: [Option<u32>; 3],
}

impl XmlAlarm {
    pub(super) fn parse(body: &[u8]) -> Self {
        let body = body.get(..LONGEST).unwrap_or(body);
        let body = body.split(|&byte| byte == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        let mut alarm = Self::default();
        for (name, value) in Items::of(&text) {
            alarm.take(name, &value);
        }
        alarm
    }

    fn take(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let text = || Some(value.to_owned());
        match name {
            "DeviceName" => self.name = DeviceName::from_wire(value.as_bytes()),
            "DeviceIPv4Address" => {
                let (address, prefix) = value.split_once('/').unwrap_or((value, ""));
                self.address = address.parse().ok();
                self.prefix_length = prefix.parse().ok().filter(|&length| length <= 32);
            }
            "IPv4DefaultGateway" => self.gateway = value.parse().ok(),
            "DeviceIPv6Address" => {
                let address = value.split_once('/').map_or(value, |(address, _)| address);
                self.ipv6 = address.parse().ok();
            }
            "ModelNumber" => self.model = text(),
            "NeighborDeviceID" => self.neighbour_device = text(),
            "NeighborPortID" => self.neighbour_port = text(),
            "NeighborIPv4Address" => self.neighbour_address = value.parse().ok(),
            "VoiceVLAN" => {
                self.voice_vlan = value.parse().ok().filter(|vlan| (1..4095).contains(vlan));
            }
            "UnifiedCMIPAddress" => self.callmanager = value.parse().ok(),
            "LocalPort" => self.local_port = value.parse().ok(),
            "ReasonForOutOfService" => {
                self.reason = value.parse().ok().map(ResetReason::from_xml_alarm);
            }
            "TimeStamp" => self.timestamp = milliseconds(value),
            "LastProtocolEventSent" => self.last_sent = text(),
            "LastProtocolEventReceived" => self.last_received = text(),
            "DHCPv4Status" => self.dhcp_status = value.parse().ok(),
            "TFTPCfgStatus" => self.tftp_status = value.parse().ok(),
            "DNSStatusUnifiedCM1" => self.dns_status[0] = value.parse().ok(),
            "DNSStatusUnifiedCM2" => self.dns_status[1] = value.parse().ok(),
            "DNSStatusUnifiedCM3" => self.dns_status[2] = value.parse().ok(),
            _ => {}
        }
    }
}

/// The longest XML that is looked at; phones send up to 2048 bytes.
const LONGEST: usize = 4096;
/// The longest value that is kept, in characters.
const LONGEST_VALUE: usize = 128;

/// Milliseconds since the Unix epoch; some firmware writes two of them without anything between, which is no time.
fn milliseconds(value: &str) -> Option<Timestamp> {
    let milliseconds: u64 = value.parse().ok()?;
    milliseconds
        .checked_mul(1_000_000)
        .filter(|&nanoseconds| nanoseconds != 0)
        .map(Timestamp::from_nanos)
}

/// The `<String name="..">..</String>` and `<Enum name="..">..</Enum>` of a text, in order.
struct Items<'a> {
    rest: &'a str,
}

impl<'a> Items<'a> {
    const fn of(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Moves behind the next opening tag and returns its element and its name.
    fn opening(&mut self) -> Option<(&'static str, &'a str)> {
        loop {
            let (_, after) = self.rest.split_once('<')?;
            self.rest = after;
            let element = ["String ", "Enum "]
                .into_iter()
                .find(|&element| after.starts_with(element));
            let Some(element) = element else { continue };
            let (tag, inside) = after.split_once('>')?;
            self.rest = inside;
            let Some((_, quoted)) = tag.split_once("name=") else {
                continue;
            };
            let name = quoted.trim_matches(['"', '\'', ' ', '/']);
            return Some((element, name));
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (&'a str, String);

    fn next(&mut self) -> Option<Self::Item> {
        let (element, name) = self.opening()?;
        // The value ends at its own closing tag: what else looks like markup belongs to it. Where that tag is missing,
        // the next item ends it. Only so much is looked through for the end, so that the work stays linear.
        let mut near = LONGEST_VALUE.saturating_mul(4).min(self.rest.len());
        while !self.rest.is_char_boundary(near) {
            near = near.saturating_sub(1);
        }
        let window = self.rest.get(..near).unwrap_or(self.rest);
        let closing = if element == "Enum " {
            "</Enum"
        } else {
            "</String"
        };
        let value = [closing, "<String ", "<Enum "]
            .iter()
            .filter_map(|end| window.split_once(end))
            .map(|(value, _)| value)
            .min_by_key(|value| value.len())
            .unwrap_or(window);
        self.rest = self.rest.get(value.len()..).unwrap_or_default();
        Some((name, safe_text(unescape(value).as_bytes(), LONGEST_VALUE)))
    }
}

/// Replaces the five entities that XML has by itself.
fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    // The ampersand comes last, so that what it makes is not taken for another entity.
    Cow::Owned(
        value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn reads_what_a_phone_tells() {
        let alarm = XmlAlarm::parse(
            br#"<?xml version="1.0" encoding="UTF-8"?>
<x-cisco-alarm><Alarm Name="LastOutOfServiceInformation"><ParameterList>
<String name="DeviceName">SEP0021554AB3C7</String>
<String name="DeviceIPv4Address">10.1.2.3/24</String>
<String name="IPv4DefaultGateway">10.1.2.1</String>
<String name="DeviceIPv6Address"></String>
<String name="ModelNumber">CP-7970G</String>
<String name="NeighborIPv4Address">10.1.9.9</String>
<String name="NeighborDeviceID">sw &amp; co &lt;1&gt;</String>
<String name="NeighborPortID">GigabitEthernet1/0/4</String>
<Enum name="DHCPv4Status">3</Enum>
<Enum name="TFTPCfgStatus">4</Enum>
<Enum name="DNSStatusUnifiedCM1">0</Enum>
<Enum name="DNSStatusUnifiedCM3">2</Enum>
<String name="VoiceVLAN">110</String>
<String name="UnifiedCMIPAddress">10.0.0.180</String>
<String name="LocalPort">51737</String>
<String name="TimeStamp">1426712267971</String>
<Enum name="ReasonForOutOfService">15</Enum>
<String name="LastProtocolEventSent">1:Register</String>
<String name="LastProtocolEventReceived">129:RegisterAck</String>
</ParameterList></Alarm></x-cisco-alarm>"#,
        );
        assert_eq!(alarm.name.unwrap().as_str(), "SEP0021554AB3C7");
        assert_eq!(alarm.address, Some(Ipv4Addr::new(10, 1, 2, 3)));
        assert_eq!(alarm.prefix_length, Some(24));
        assert_eq!(alarm.gateway, Some(Ipv4Addr::new(10, 1, 2, 1)));
        assert_eq!(alarm.ipv6, None);
        assert_eq!(alarm.model.as_deref(), Some("CP-7970G"));
        assert_eq!(alarm.neighbour_device.as_deref(), Some("sw & co <1>"));
        assert_eq!(
            alarm.neighbour_port.as_deref(),
            Some("GigabitEthernet1/0/4")
        );
        assert_eq!(alarm.neighbour_address, Some(Ipv4Addr::new(10, 1, 9, 9)));
        assert_eq!(alarm.voice_vlan, Some(110));
        assert_eq!(alarm.callmanager, Some("10.0.0.180".parse().unwrap()));
        assert_eq!(alarm.local_port, Some(51737));
        assert_eq!(
            alarm.timestamp,
            Some(Timestamp::from_nanos(1_426_712_267_971_000_000))
        );
        assert_eq!(alarm.reason.unwrap().label(), "keepalive_timeout");
        assert_eq!(alarm.last_sent.as_deref(), Some("1:Register"));
        assert_eq!(alarm.last_received.as_deref(), Some("129:RegisterAck"));
        assert_eq!((alarm.dhcp_status, alarm.tftp_status), (Some(3), Some(4)));
        assert_eq!(alarm.dns_status, [Some(0), None, Some(2)]);
    }

    #[test]
    fn reads_on_where_the_text_is_not_well_formed() {
        let alarm = XmlAlarm::parse(
            b"<String name=\"UnifiedCMIPAddress\"><not open></String>\
              <String name=\"NeighborDeviceID\">a < b\
              <String name='NeighborPortID'>Fa0/1</String>\
              <String noname>x</String><Enum name=\"ReasonForOutOfService\">25",
        );
        assert_eq!(alarm.callmanager, None);
        assert_eq!(alarm.neighbour_device.as_deref(), Some("a < b"));
        assert_eq!(alarm.neighbour_port.as_deref(), Some("Fa0/1"));
        assert_eq!(alarm.reason.unwrap().label(), "initialized");
    }

    #[test]
    fn values_that_cannot_be_are_left_out() {
        let alarm = XmlAlarm::parse(
            b"<String name=\"VoiceVLAN\">4095</String><String name=\"DeviceName\">a b</String>\
              <String name=\"TimeStamp\">14267122679711322123515657</String>\
              <String name=\"DeviceIPv4Address\">10.0.0.1/99</String>\0<String name=\"ModelNumber\">x</String>",
        );
        let expected = XmlAlarm {
            address: Some(Ipv4Addr::new(10, 0, 0, 1)),
            ..XmlAlarm::default()
        };
        assert_eq!(alarm, expected);
        assert_eq!(XmlAlarm::parse(b""), XmlAlarm::default());
        assert_eq!(XmlAlarm::parse(b"<String "), XmlAlarm::default());
    }

    #[test]
    fn an_entity_is_replaced_once() {
        assert_eq!(unescape("&amp;lt;&lt;"), "&lt;<");
    }
}
