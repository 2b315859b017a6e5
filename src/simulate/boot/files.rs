//! TFTP: which files the phone asks for and what becomes of it.

use std::fmt::Write;
use std::time::Duration;

use super::link::resolve;
use super::{
    CALLMANAGER_NAMES, CALLMANAGERS, LOAD, NO_TFTP_SERVER, OTHER_TFTP_SERVER, SERVICES, client_port,
};
use crate::net::DeviceName;
use crate::simulate::script::{Host, Script};
use crate::simulate::truth::{Fact, TFTP_SILENCE};
use crate::wire::tftp::{self, ErrorCode, Request, Tftp};

/// What becomes of the files that the phone asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum FileStory {
    /// Its configuration is served.
    Configuration(Contents),
    /// It asks another server than DHCP gave it.
    OtherServer,
    /// There is no configuration for it; the default is served.
    Default,
    /// There is neither.
    NotFound,
    /// It asks for the configuration of another phone, which is not there.
    Foreign,
    /// Nobody answers.
    NoAnswer,
    /// What the server sends does not reach the phone.
    OneWay,
    /// The server's machine says that nobody listens.
    NoService,
    /// The new load is served.
    Load,
    /// There is no such load.
    LoadNotFound,
}

/// What is in the phone's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Contents {
    /// The addresses of the CallManagers, and the load that the phone runs.
    Usual,
    /// Their names.
    Names,
    /// The addresses of the CallManagers, the second one first.
    SecondaryFirst,
    /// A load that the phone does not run yet.
    NewLoad,
    /// XML that breaks off.
    Corrupt,
    /// No CallManager.
    Empty,
}

/// The load to which phones are upgraded.
pub(in crate::simulate) const NEW_LOAD: &str = "P00308000900";
/// How large the load is: smaller than any real one, so that captures are.
const LOAD_BYTES: usize = 40 * 512 + 100;

/// The phone asks for files.
pub(in crate::simulate) fn files(
    script: &mut Script,
    phone: &Host,
    name: &DeviceName,
    story: FileStory,
) {
    let own = configuration_of(name);
    let usual = || written(Contents::Usual);
    match story {
        FileStory::Configuration(contents) => {
            let content = written(contents);
            fetch(script, phone, &own, content.as_bytes());
            if contents == Contents::Corrupt {
                script.fact(Fact::FileUnreadable);
            }
        }
        FileStory::OtherServer => {
            resolve(script, phone, &OTHER_TFTP_SERVER);
            fetch_from(script, phone, &OTHER_TFTP_SERVER, &own, usual().as_bytes());
        }
        FileStory::Default => {
            not_found(script, phone, &own);
            let content = usual()
                .replace("<device>", "<Default>")
                .replace("</device>", "</Default>")
                .replace("<devicePool><name>Default</name>", "")
                .replace("</devicePool>", "");
            fetch(script, phone, DEFAULT, content.as_bytes());
        }
        FileStory::NotFound => {
            not_found(script, phone, &own);
            not_found(script, phone, DEFAULT);
        }
        FileStory::Foreign => {
            // A label on which two digits have changed places: 0013.80 reads 0013.08.
            let mut other = phone.mac;
            other.0[2] = other.0[2].rotate_left(4);
            not_found(
                script,
                phone,
                &configuration_of(&DeviceName::from_mac(other)),
            );
        }
        FileStory::NoAnswer => {
            let client = (phone, client_port(script));
            let mut asked = script.now;
            for _ in 0..4 {
                request(script, client, &SERVICES, &own);
                asked = script.now;
                script.pass(Duration::from_secs(4));
            }
            script.at(asked + TFTP_SILENCE);
            script.fact(Fact::FileUnanswered);
        }
        FileStory::OneWay => one_way(script, phone, &own),
        FileStory::NoService => {
            for _ in 0..4 {
                let client = (phone, client_port(script));
                request(script, client, &NO_TFTP_SERVER, &own);
                script.port_unreachable(&NO_TFTP_SERVER, phone);
                script.fact(Fact::FileUnanswered);
                script.pass(Duration::from_secs(4));
            }
        }
        FileStory::Load => {
            let parts = format!("{NEW_LOAD}.sbn\n");
            let list = format!("{NEW_LOAD}.loads");
            fetch(script, phone, &list, parts.as_bytes());
            let image: Vec<u8> = (0..=u8::MAX).cycle().take(LOAD_BYTES).collect();
            let file = format!("{NEW_LOAD}.sbn");
            fetch(script, phone, &file, &image);
        }
        FileStory::LoadNotFound => not_found(script, phone, &format!("{NEW_LOAD}.loads")),
    }
}

/// The configuration for phones that have none of their own.
const DEFAULT: &str = "XMLDefault.cnf.xml";

fn configuration_of(name: &DeviceName) -> String {
    format!("{name}.cnf.xml")
}

/// The fleet's server serves a file to anyone.
pub(in crate::simulate) fn fetch(script: &mut Script, host: &Host, file: &str, content: &[u8]) {
    fetch_from(script, host, &SERVICES, file, content);
}

/// A file is served, block by block.
fn fetch_from(script: &mut Script, phone: &Host, host: &Host, file: &str, content: &[u8]) {
    let client = (phone, client_port(script));
    let server = (host, client_port(script));
    request(script, client, host, file);
    let mut blocks: Vec<&[u8]> = content.chunks(512).collect();
    // The transfer ends with a block that is not full, if need be an empty one.
    if content.len().is_multiple_of(512) {
        blocks.push(&[]);
    }
    for (block, bytes) in (1..).zip(blocks) {
        script.udp(server, client, &Tftp::Data { block, bytes }.encode());
        if bytes.len() < 512 {
            script.fact(Fact::FileDelivered);
        }
        script.udp(client, server, &Tftp::Ack { block }.encode());
    }
}

fn not_found(script: &mut Script, phone: &Host, file: &str) {
    let client = (phone, client_port(script));
    let server = (&SERVICES, client_port(script));
    request(script, client, &SERVICES, file);
    refuse(
        script,
        server,
        client,
        ErrorCode::NOT_FOUND,
        "File not found",
    );
    script.fact(Fact::FileNotFound);
    let pause = script.random.seconds(1, 2);
    script.pass(pause);
}

/// The server answers every request, again and again, and the phone hears nothing of it.
fn one_way(script: &mut Script, phone: &Host, file: &str) {
    let content = written(Contents::Usual);
    let block = content.as_bytes().get(..512).unwrap_or_default();
    let data = Tftp::Data {
        block: 1,
        bytes: block,
    };
    let client = (phone, client_port(script));
    let mut server = (&SERVICES, 0);
    for _ in 0..4 {
        request(script, client, &SERVICES, file);
        server.1 = client_port(script);
        for _ in 0..2 {
            script.udp(server, client, &data.encode());
            script.pass(Duration::from_secs(2));
        }
    }
    script.udp(server, client, &data.encode());
    script.pass(Duration::from_secs(4));
    refuse(
        script,
        server,
        client,
        ErrorCode::NOT_DEFINED,
        "Timeout on transfer",
    );
}

fn request(script: &mut Script, client: (&Host, u16), server: &Host, file: &str) {
    let request = Tftp::Read(Request::octet(file));
    script.udp(client, (server, tftp::PORT), &request.encode());
    script.fact(Fact::AskedFile);
}

fn refuse(
    script: &mut Script,
    server: (&Host, u16),
    client: (&Host, u16),
    code: ErrorCode,
    message: &str,
) {
    let error = Tftp::Error {
        code,
        message: String::from(message),
    };
    script.udp(server, client, &error.encode());
}

/// The configuration of a phone, as CallManager 4 writes it.
fn written(contents: Contents) -> String {
    let callmanagers = match contents {
        Contents::Usual | Contents::NewLoad | Contents::Corrupt => CALLMANAGERS
            .map(|server| server.address.to_string())
            .to_vec(),
        Contents::SecondaryFirst => CALLMANAGERS
            .iter()
            .rev()
            .map(|server| server.address.to_string())
            .collect(),
        Contents::Names => CALLMANAGER_NAMES.map(String::from).to_vec(),
        Contents::Empty => Vec::new(),
    };
    let load = if contents == Contents::NewLoad {
        NEW_LOAD
    } else {
        LOAD
    };
    let mut file = file(&callmanagers, load);
    if contents == Contents::Corrupt {
        file.truncate(file.len() / 2);
    }
    file
}

fn file(callmanagers: &[String], load: &str) -> String {
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
         </devicePool><loadInformation>{load}</loadInformation></device>\n"
    )
}
