//! The SCCP messages of simulated phones and their CallManagers.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::boot::CALLMANAGERS;
use super::connection::Connection;
use super::script::Script;
use crate::net::DeviceName;
use crate::wire::sccp::{
    DeviceType, KeypadButton, MessageId, RegisterAck, Server, ServerList, TokenRequest, encode,
};

/// `**#**`, as SCCP numbers the keys.
pub(super) const RESET_KEYS: [u32; 5] = [14, 14, 15, 14, 14];

pub(super) fn key(button: u32) -> Vec<u8> {
    let key = KeypadButton {
        button,
        line: Some(1),
        call: Some(0),
    };
    encode::keypad_button(0, &key)
}

pub(super) fn register_ack() -> Vec<u8> {
    let ack = RegisterAck {
        keepalive: Some(Duration::from_secs(30)),
        standby_keepalive: Some(Duration::from_secs(60)),
        protocol_version: Some(7),
    };
    encode::register_ack(0, &ack)
}

pub(super) fn token_request(
    name: DeviceName,
    address: Ipv4Addr,
    device_type: DeviceType,
) -> Vec<u8> {
    let request = TokenRequest {
        name: Some(name),
        address: Some(address),
        device_type,
    };
    encode::register_token_req(0, &request)
}

/// Its buttons and its servers.
pub(super) fn ask_the_usual(script: &mut Script, connection: &mut Connection) {
    let buttons = encode::pdu(0, MessageId::BUTTON_TEMPLATE_REQ, &[]);
    connection.asks(script, &buttons, &button_template());
    connection.asks(script, &encode::server_req(0), &servers());
}

/// One line on the first button: offset, number of buttons, all there are, and for each its instance and kind.
fn button_template() -> Vec<u8> {
    const BUTTONS: usize = 42;
    const LINE: u8 = 9;
    const UNDEFINED: u8 = 0xFF;
    let mut body = Vec::with_capacity(12 + 2 * BUTTONS);
    for word in [0_u32, 1, 1] {
        body.extend(word.to_le_bytes());
    }
    body.extend([1, LINE]);
    body.extend([0, UNDEFINED].repeat(BUTTONS - 1));
    encode::pdu(0, MessageId::BUTTON_TEMPLATE, &body)
}

fn servers() -> Vec<u8> {
    let servers = CALLMANAGERS.iter().map(|server| Server {
        name: server.address.to_string(),
        address: Some(server.address.into()),
        port: 2000,
    });
    let list = ServerList {
        servers: servers.collect(),
    };
    encode::server_res(0, &list)
}
