//! The SCCP messages of simulated phones and their CallManagers.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::connection::Connection;
use super::script::{Host, Script};
use crate::net::DeviceName;
use crate::wire::sccp::{
    DeviceType, KeypadButton, MessageId, RegisterAck, Server, ServerList, TokenRequest, encode,
};

/// `**#**`, as SCCP numbers the keys.
pub(super) const RESET_KEYS: [u32; 5] = [14, 14, 15, 14, 14];

/// The number that goes with what a phone gives for the end of its last session.
pub(super) fn reason_number(last: &str) -> u32 {
    match last {
        "CM-reset-TCP" => 12,
        "CM-aborted-TCP" => 13,
        "CM-closed-TCP" => 14,
        "KeepaliveTO" => 17,
        "Failback" => 18,
        "Phone-Keypad" => 20,
        "Reset-Reset" => 22,
        "Reset-Restart" => 23,
        "Phone-Reg-Rej" => 24,
        _ => 25,
    }
}

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
pub(super) fn ask_the_usual(
    script: &mut Script,
    connection: &mut Connection,
    callmanagers: &[Host],
) {
    let buttons = encode::pdu(0, MessageId::BUTTON_TEMPLATE_REQ, &[]);
    connection.asks(script, &buttons, &button_template());
    connection.asks(script, &encode::server_req(0), &servers(callmanagers));
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

fn servers(callmanagers: &[Host]) -> Vec<u8> {
    let servers = callmanagers.iter().map(|server| Server {
        name: server.address.to_string(),
        address: Some(server.address.into()),
        port: 2000,
    });
    let list = ServerList {
        servers: servers.collect(),
    };
    encode::server_res(0, &list)
}
