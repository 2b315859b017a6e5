//! Builds messages as phones and CallManagers send them, for tests and for simulated fleets.
//!
//! Every function takes the header version first: 0 before a protocol version is agreed on, and usually later too.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::call::KeypadButton;
use super::message_id::MessageId;
use super::registration::{Register, RegisterAck, ResetType, TokenRequest, UnregisterStatus};
use super::servers::{NAME_WIDTH, ServerList};
use crate::net::DeviceName;

/// A whole message around `body`.
pub fn pdu(version: u32, id: MessageId, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len())
        .unwrap_or(u32::MAX)
        .saturating_add(4);
    let mut message = Vec::with_capacity(body.len().saturating_add(12));
    for word in [length, version, id.0] {
        message.extend_from_slice(&word.to_le_bytes());
    }
    message.extend_from_slice(body);
    message
}

/// `KeepAlive`.
pub fn keep_alive(version: u32) -> Vec<u8> {
    pdu(version, MessageId::KEEP_ALIVE, &[])
}

/// `KeepAliveAck`.
pub fn keep_alive_ack(version: u32) -> Vec<u8> {
    pdu(version, MessageId::KEEP_ALIVE_ACK, &[])
}

/// `Register`, as long as its last field needs: 40 bytes of body for the oldest phones, 68 with a protocol version, 124
/// with a load or an IPv6 address, 172 with a configuration stamp.
pub fn register(version: u32, register: &Register) -> Vec<u8> {
    let mut body = Body::new();
    body.station(register.name, register.address, register.device_type.0);
    body.u32(5);
    body.u32(0);
    let recent = register.load.is_some() || register.ipv6.is_some();
    let newest = register.config_version_stamp.is_some();
    if register.protocol_version.is_some() || register.mac.is_some() || recent || newest {
        let features = [register.protocol_version.unwrap_or(0), 0, 0x72, 0x85];
        body.bytes(&features);
        body.u32(0);
        body.u32(0);
        body.bytes(&register.mac.map_or([0; 6], |mac| mac.0));
        body.bytes(&[0; 6]);
        body.u32(3);
    }
    if recent || newest {
        body.u32(36);
        body.bytes(&register.ipv6.map_or([0; 16], |address| address.octets()));
        body.u32(0);
        body.text(register.load.as_deref().unwrap_or_default(), 32);
    }
    if let Some(stamp) = &register.config_version_stamp {
        body.text(stamp, 48);
    }
    pdu(version, MessageId::REGISTER, &body.bytes)
}

/// `RegisterAck`: 12 bytes of body, as from CallManager 2, where only the first interval is given, else 20.
pub fn register_ack(version: u32, ack: &RegisterAck) -> Vec<u8> {
    let mut body = Body::new();
    body.u32(seconds(ack.keepalive));
    body.text("D/M/Y", 8);
    if ack.standby_keepalive.is_some() || ack.protocol_version.is_some() {
        body.u32(seconds(ack.standby_keepalive));
        body.bytes(&[ack.protocol_version.unwrap_or(0), 0x20, 0xF1, 0xFF]);
    }
    pdu(version, MessageId::REGISTER_ACK, &body.bytes)
}

/// `RegisterReject`; the text may hold dictionary escapes.
pub fn register_reject(version: u32, text: &[u8]) -> Vec<u8> {
    let mut body = Body::new();
    body.field(text, 32);
    pdu(version, MessageId::REGISTER_REJECT, &body.bytes)
}

/// `RegisterTokenReq`.
pub fn register_token_req(version: u32, request: &TokenRequest) -> Vec<u8> {
    let mut body = Body::new();
    body.station(request.name, request.address, request.device_type.0);
    body.bytes(&[0; 20]);
    pdu(version, MessageId::REGISTER_TOKEN_REQ, &body.bytes)
}

/// `RegisterTokenAck`.
pub fn register_token_ack(version: u32) -> Vec<u8> {
    pdu(version, MessageId::REGISTER_TOKEN_ACK, &[])
}

/// `RegisterTokenReject`.
pub fn register_token_reject(version: u32, wait: Duration) -> Vec<u8> {
    let wait = seconds(Some(wait)).to_le_bytes();
    pdu(version, MessageId::REGISTER_TOKEN_REJECT, &wait)
}

/// `Unregister`, without a body where no reason is given.
pub fn unregister(version: u32, reason: Option<u32>) -> Vec<u8> {
    let body: Vec<u8> = reason.into_iter().flat_map(u32::to_le_bytes).collect();
    pdu(version, MessageId::UNREGISTER, &body)
}

/// `UnregisterAck`.
pub fn unregister_ack(version: u32, status: UnregisterStatus) -> Vec<u8> {
    let status = status.number().to_le_bytes();
    pdu(version, MessageId::UNREGISTER_ACK, &status)
}

/// `Reset`.
pub fn reset(version: u32, reset: ResetType) -> Vec<u8> {
    pdu(version, MessageId::RESET, &reset.number().to_le_bytes())
}

/// `Alarm`. A text of more than 80 bytes is cut, as a phone cuts it.
pub fn alarm(version: u32, severity: u32, text: &str, address: Ipv4Addr) -> Vec<u8> {
    let mut body = Body::new();
    body.u32(severity);
    body.text(text, 80);
    body.u32(0x0900);
    body.bytes(&address.octets());
    pdu(version, MessageId::ALARM, &body.bytes)
}

/// `ServerReq`.
pub fn server_req(version: u32) -> Vec<u8> {
    pdu(version, MessageId::SERVER_REQ, &[])
}

/// `ServerRes`: with plain addresses where all are IPv4, else with their types. More than five servers are cut.
pub fn server_res(version: u32, list: &ServerList) -> Vec<u8> {
    let places = || {
        let servers = list.servers.iter().map(Some);
        servers.chain([None; 5]).take(ServerList::PLACES)
    };
    let composite = places()
        .flatten()
        .any(|server| server.address.is_some_and(|address| address.is_ipv6()));
    let mut body = Body::new();
    for server in places() {
        body.text(server.map_or("", |server| &server.name), NAME_WIDTH);
    }
    for server in places() {
        body.u32(server.map_or(0, |server| server.port.into()));
    }
    for server in places() {
        let address = server
            .and_then(|server| server.address)
            .unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        match address {
            IpAddr::V4(address) if composite => {
                body.u32(0);
                body.field(&address.octets(), 16);
            }
            IpAddr::V4(address) => body.bytes(&address.octets()),
            IpAddr::V6(address) => {
                body.u32(1);
                body.bytes(&address.octets());
            }
        }
    }
    pdu(version, MessageId::SERVER_RES, &body.bytes)
}

/// `KeypadButton`, in its short form where no line is given.
pub fn keypad_button(version: u32, key: &KeypadButton) -> Vec<u8> {
    let mut body = Body::new();
    body.u32(key.button);
    if let Some(line) = key.line {
        body.u32(line);
        body.u32(key.call.unwrap_or(0));
    }
    pdu(version, MessageId::KEYPAD_BUTTON, &body.bytes)
}

/// A body that grows field by field.
struct Body {
    bytes: Vec<u8>,
}

impl Body {
    const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn u32(&mut self, number: u32) {
        self.bytes(&number.to_le_bytes());
    }

    /// A field of `width` bytes, cut or filled up with zeros.
    fn field(&mut self, bytes: &[u8], width: usize) {
        let padding = std::iter::repeat(0);
        self.bytes
            .extend(bytes.iter().copied().chain(padding).take(width));
    }

    fn text(&mut self, text: &str, width: usize) {
        self.field(text.as_bytes(), width);
    }

    fn station(&mut self, name: Option<DeviceName>, address: Option<Ipv4Addr>, device_type: u32) {
        let name = name.as_ref().map_or("", DeviceName::as_str);
        self.text(name, DeviceName::MAX);
        self.u32(0);
        self.u32(1);
        self.bytes(&address.unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
        self.u32(device_type);
    }
}

fn seconds(duration: Option<Duration>) -> u32 {
    duration.map_or(0, |duration| {
        u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
    })
}
