//! The way of a simulated phone to its CallManagers: switch, DHCP, TFTP, DNS.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::script::{Host, Script};
use super::truth::Fact;
use crate::net::DeviceName;
use crate::wire::cdp::Cdp;
use crate::wire::dhcp::{self, DhcpBuilder, MessageType, code};
use crate::wire::dns::{self, Dns, RecordType, ResponseCode};
use crate::wire::tftp::{self, ErrorCode, Request, Tftp};

/// DHCP, DNS and TFTP server of the fleet.
pub(super) const SERVICES: Host = Host::server(5);
/// The CallManagers, by priority.
pub(super) const CALLMANAGERS: [Host; 2] = [Host::server(11), Host::server(12)];
/// The names of the CallManagers, where phones are given names.
const CALLMANAGER_NAMES: [&str; 2] = ["cm-pub.voice.example", "cm-sub.voice.example"];
/// The firmware load of every phone.
pub(super) const LOAD: &str = "P00308000500";
const VENDOR_CLASS: &[u8] = b"Cisco Systems, Inc. IP Phone CP-7960G\0";

/// The phone announces itself to its switch.
pub(super) fn link(script: &mut Script, phone: &Host, name: &DeviceName) {
    let announcement = Cdp {
        version: 2,
        ttl: 180,
        device_id: Some(name.to_string()),
        port_id: Some(String::from("Port 1")),
        platform: Some(String::from("Cisco IP Phone 7960")),
        software_version: Some(String::from(LOAD)),
        capabilities: Some(0x490),
        ..Cdp::default()
    };
    script.cdp(phone, &announcement);
    script.fact(Fact::Linked);
}

/// DISCOVER, OFFER, REQUEST, ACK. `text` gives option 150 as the text of the address.
pub(super) fn lease(script: &mut Script, phone: &Host, name: &DeviceName, text: bool) {
    let transaction = script.random.number32();
    let option_150 = if text {
        SERVICES.address.to_string().into_bytes()
    } else {
        SERVICES.address.octets().to_vec()
    };
    let answer = |message_type| {
        DhcpBuilder::new(message_type, transaction, phone.mac)
            .your_address(phone.address)
            .addresses(code::SERVER_IDENTIFIER, &[SERVICES.address])
            .option(code::LEASE_TIME, &86_400_u32.to_be_bytes())
            .option(code::SUBNET_MASK, &[255, 0, 0, 0])
            .addresses(code::ROUTERS, &[Ipv4Addr::new(10, 0, 0, 1)])
            .addresses(code::DNS_SERVERS, &[SERVICES.address])
            .option(code::TFTP_SERVER_ADDRESSES, &option_150)
            .build()
    };
    let server_port = (&SERVICES, dhcp::SERVER_PORT);
    let phone_port = (phone, dhcp::CLIENT_PORT);
    discover(script, phone, name, transaction);
    script.udp(server_port, phone_port, &answer(MessageType::Offer));
    let request = message(MessageType::Request, phone, name, transaction)
        .addresses(code::REQUESTED_ADDRESS, &[phone.address])
        .addresses(code::SERVER_IDENTIFIER, &[SERVICES.address]);
    ask(script, phone, request);
    script.udp(server_port, phone_port, &answer(MessageType::Ack));
    script.fact(Fact::Leased(phone.address));
}

/// Four DISCOVERs that nobody answers.
pub(super) fn lease_in_vain(script: &mut Script, phone: &Host, name: &DeviceName) {
    let transaction = script.random.number32();
    for seconds in [4, 8, 16, 32] {
        discover(script, phone, name, transaction);
        let wait = script.random.seconds(seconds, seconds + 1);
        script.pass(wait);
    }
}

fn discover(script: &mut Script, phone: &Host, name: &DeviceName, transaction: u32) {
    let discover = message(MessageType::Discover, phone, name, transaction);
    ask(script, phone, discover);
}

fn ask(script: &mut Script, phone: &Host, message: DhcpBuilder) {
    script.udp(
        (&phone.without_address(), dhcp::CLIENT_PORT),
        (&Host::everyone(), dhcp::SERVER_PORT),
        &message.build(),
    );
    script.fact(Fact::AskedDhcp);
}

fn message(
    message_type: MessageType,
    phone: &Host,
    name: &DeviceName,
    transaction: u32,
) -> DhcpBuilder {
    DhcpBuilder::new(message_type, transaction, phone.mac)
        .option(code::VENDOR_CLASS, VENDOR_CLASS)
        .option(code::HOST_NAME, name.as_str().as_bytes())
        .option(code::PARAMETER_LIST, &[1, 66, 6, 3, 15, 150, 35])
}

/// How the phone's configuration names its CallManagers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    ByAddress,
    ByName,
    /// By address, the second one first.
    SecondaryFirst,
}

/// The phone fetches its configuration, block by block.
pub(super) fn configuration(script: &mut Script, phone: &Host, name: &DeviceName, naming: Naming) {
    let content = match naming {
        Naming::ByAddress => file(&CALLMANAGERS.map(|server| server.address.to_string())),
        Naming::ByName => file(&CALLMANAGER_NAMES.map(String::from)),
        Naming::SecondaryFirst => {
            let [first, second] = CALLMANAGERS.map(|server| server.address.to_string());
            file(&[second, first])
        }
    };
    let client = (phone, client_port(script));
    let server = (&SERVICES, client_port(script));
    request_file(script, client, &own_file(name));
    let content = content.as_bytes();
    let mut blocks: Vec<&[u8]> = content.chunks(512).collect();
    // The transfer ends with a block that is not full, if need be an empty one.
    if content.len().is_multiple_of(512) {
        blocks.push(&[]);
    }
    for (block, bytes) in (1..).zip(blocks) {
        script.udp(server, client, &Tftp::Data { block, bytes }.encode());
        script.udp(client, server, &Tftp::Ack { block }.encode());
    }
}

/// Neither its own configuration nor the default is there.
pub(super) fn configuration_not_found(script: &mut Script, phone: &Host, name: &DeviceName) {
    for wanted in [own_file(name), String::from("XMLDefault.cnf.xml")] {
        let client = (phone, client_port(script));
        let server = (&SERVICES, client_port(script));
        request_file(script, client, &wanted);
        let error = Tftp::Error {
            code: ErrorCode::NOT_FOUND,
            message: String::from("File not found"),
        };
        script.udp(server, client, &error.encode());
        script.fact(Fact::FileNotFound);
        let pause = script.random.seconds(1, 2);
        script.pass(pause);
    }
}

/// It asks for its configuration four times and gets no answer.
pub(super) fn configuration_in_vain(script: &mut Script, phone: &Host, name: &DeviceName) {
    let client = (phone, client_port(script));
    for _ in 0..4 {
        request_file(script, client, &own_file(name));
        script.pass(Duration::from_secs(4));
    }
}

/// It looks up both its CallManagers; there are no such names.
pub(super) fn names_not_found(script: &mut Script, phone: &Host) {
    for name in CALLMANAGER_NAMES {
        let client = (phone, client_port(script));
        let server = (&SERVICES, dns::PORT);
        let question = Dns::query(script.random.number16(), name, RecordType::A);
        script.udp(client, server, &question.encode());
        script.fact(Fact::AskedDns);
        let answer = question.answer(ResponseCode::NAME_ERROR, &[]);
        script.udp(server, client, &answer.encode());
    }
}

fn request_file(script: &mut Script, client: (&Host, u16), wanted: &str) {
    let request = Tftp::Read(Request::octet(wanted));
    script.udp(client, (&SERVICES, tftp::PORT), &request.encode());
    script.fact(Fact::AskedFile);
}

fn own_file(name: &DeviceName) -> String {
    format!("{name}.cnf.xml")
}

/// A port of the dynamic range.
fn client_port(script: &mut Script) -> u16 {
    49_152 + (script.random.number16() >> 2)
}

/// The configuration of a phone, as CallManager 4 writes it.
fn file(callmanagers: &[String]) -> String {
    let members = (0..)
        .zip(callmanagers)
        .fold(String::new(), |mut members, (priority, server)| {
            let written = write!(
                members,
                "<member priority=\"{priority}\"><callManager><name>{server}</name>\
                 <description>CallManager {priority}</description><ports>\
                 <ethernetPhonePort>2000</ethernetPhonePort><mgcpPorts><listen>2427</listen>\
                 <keepAlive>2428</keepAlive></mgcpPorts></ports>\
                 <processNodeName>{server}</processNodeName></callManager></member>"
            );
            debug_assert!(written.is_ok(), "a string takes any text");
            members
        });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<device><devicePool><name>Default</name>\
         <dateTimeSetting><name>CMLocal</name><dateTemplate>D/M/Y</dateTemplate></dateTimeSetting>\
         <callManagerGroup><name>Default</name><members>{members}</members></callManagerGroup>\
         </devicePool><loadInformation>{LOAD}</loadInformation></device>\n"
    )
}
