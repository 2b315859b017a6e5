//! A phone of a scene: what it says on its way from the wall socket to its CallManager.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use phonewatch::net::{DeviceName, MacAddr};
use phonewatch::wire::cdp::Cdp;
use phonewatch::wire::dhcp::{self, DhcpBuilder, MessageType, code};
use phonewatch::wire::sccp::{DeviceType, Register, RegisterAck, encode};

use super::connection::Connection;
use super::scene::{Host, Scene};

/// A phone with its name, hardware address and network address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phone {
    pub(crate) host: Host,
    pub(crate) name: DeviceName,
    pub(crate) device_type: DeviceType,
}

/// The vendor class of a Cisco 7960.
pub(crate) const VENDOR_CLASS: &[u8] = b"Cisco Systems, Inc. IP Phone CP-7960G\0";

impl Phone {
    /// A Cisco 7960 whose addresses end in `last`.
    pub(crate) fn new(last: u8) -> Self {
        let mac = [0x00, 0x13, 0x80, 0xAA, 0x00, last];
        Self::with(mac, [10, 1, 1, last])
    }

    pub(crate) fn with(mac: [u8; 6], address: [u8; 4]) -> Self {
        Self {
            host: Host::new(mac, address),
            name: DeviceName::from_mac(MacAddr(mac)),
            device_type: DeviceType(7),
        }
    }

    pub(crate) const fn in_vlan(self, id: u16) -> Self {
        Self {
            host: self.host.in_vlan(id),
            ..self
        }
    }

    /// The same phone as the servers' side of a router sees it.
    pub(crate) const fn behind(self, mac: [u8; 6], address: [u8; 4]) -> Self {
        Self {
            host: Host::new(mac, address),
            ..self
        }
    }

    pub(crate) fn config_file(&self) -> String {
        format!("{}.cnf.xml", self.name)
    }

    /// What the phone tells its switch.
    pub(crate) fn cdp(&self, scene: &mut Scene) {
        let announcement = Cdp {
            version: 2,
            ttl: 180,
            device_id: Some(self.name.to_string()),
            port_id: Some(String::from("Port 1")),
            platform: Some(String::from("Cisco IP Phone 7960")),
            software_version: Some(String::from("P00308000500")),
            capabilities: Some(0x490),
            ..Cdp::default()
        };
        scene.cdp(&self.host, &announcement);
    }

    /// A message of this phone's DHCP client.
    pub(crate) fn dhcp_message(&self, message_type: MessageType, transaction: u32) -> DhcpBuilder {
        DhcpBuilder::new(message_type, transaction, self.host.mac)
            .option(code::VENDOR_CLASS, VENDOR_CLASS)
            .option(code::HOST_NAME, self.name.as_str().as_bytes())
    }

    /// A message to the phone from its DHCP server, with its address and options.
    pub(crate) fn dhcp_answer(
        &self,
        message_type: MessageType,
        transaction: u32,
        server: &Host,
        option_150: &[u8],
    ) -> DhcpBuilder {
        let [a, b, c, _] = self.host.address.octets();
        DhcpBuilder::new(message_type, transaction, self.host.mac)
            .your_address(self.host.address)
            .addresses(code::SERVER_IDENTIFIER, &[server.address])
            .option(code::LEASE_TIME, &86_400_u32.to_be_bytes())
            .option(code::SUBNET_MASK, &[255, 255, 255, 0])
            .addresses(code::ROUTERS, &[Ipv4Addr::new(a, b, c, 1)])
            .option(code::TFTP_SERVER_ADDRESSES, option_150)
    }

    /// The phone as it is without an address.
    pub(crate) const fn unaddressed(&self) -> Host {
        self.host.with_address(Ipv4Addr::UNSPECIFIED)
    }

    pub(crate) fn discovers(&self, scene: &mut Scene, transaction: u32) {
        let discover = self
            .dhcp_message(MessageType::Discover, transaction)
            .build();
        self.broadcasts(scene, &discover);
    }

    pub(crate) fn broadcasts(&self, scene: &mut Scene, message: &[u8]) {
        let from = self.unaddressed();
        scene.broadcast((&from, dhcp::CLIENT_PORT), dhcp::SERVER_PORT, message);
    }

    /// DISCOVER, OFFER, REQUEST, ACK, with this option 150.
    pub(crate) fn leases_with(
        &self,
        scene: &mut Scene,
        server: &Host,
        transaction: u32,
        option_150: &[u8],
    ) {
        self.discovers(scene, transaction);
        let answer = |message_type| {
            self.dhcp_answer(message_type, transaction, server, option_150)
                .build()
        };
        let phone = (&self.host, dhcp::CLIENT_PORT);
        let server_port = (server, dhcp::SERVER_PORT);
        scene.udp(server_port, phone, &answer(MessageType::Offer));
        let request = self
            .dhcp_message(MessageType::Request, transaction)
            .addresses(code::REQUESTED_ADDRESS, &[self.host.address])
            .addresses(code::SERVER_IDENTIFIER, &[server.address])
            .build();
        self.broadcasts(scene, &request);
        scene.udp(server_port, phone, &answer(MessageType::Ack));
    }

    /// DISCOVER, OFFER, REQUEST, ACK: `server` is DHCP and TFTP server.
    pub(crate) fn leases(&self, scene: &mut Scene, server: &Host, transaction: u32) {
        self.leases_with(scene, server, transaction, &server.address.octets());
    }

    /// Fetches its configuration, which names these CallManagers in this order.
    pub(crate) fn fetches_config(&self, scene: &mut Scene, server: &Host, callmanagers: &[Host]) {
        let content = config_file(callmanagers);
        let client = (&self.host, 50_000 + u16::from(self.host.mac.0[5]));
        scene.tftp(
            client,
            (server, 40_000),
            &self.config_file(),
            content.as_bytes(),
        );
    }

    pub(crate) fn connects(&self, scene: &mut Scene, port: u16, server: &Host) -> Connection {
        Connection::open(scene, self.host, port, *server)
    }

    /// Asks to be registered.
    pub(crate) fn asks(&self, scene: &mut Scene, connection: &mut Connection) {
        let register = Register {
            name: Some(self.name),
            address: Some(self.host.address),
            device_type: self.device_type,
            protocol_version: Some(7),
            mac: None,
            ipv6: None,
            load: None,
            config_version_stamp: None,
        };
        connection.phone_sends(scene, &encode::register(0, &register));
        connection.server_acks(scene);
    }

    /// Asks to be registered and is, with keepalives every `active` and `standby` seconds.
    pub(crate) fn registers_with(
        &self,
        scene: &mut Scene,
        connection: &mut Connection,
        active: u64,
        standby: u64,
    ) {
        self.asks(scene, connection);
        let ack = RegisterAck {
            keepalive: Some(Duration::from_secs(active)),
            standby_keepalive: Some(Duration::from_secs(standby)),
            protocol_version: Some(7),
        };
        connection.server_sends(scene, &encode::register_ack(0, &ack));
        connection.phone_acks(scene);
    }

    /// Asks to be registered and is, with a keepalive every 30 seconds.
    pub(crate) fn registers(&self, scene: &mut Scene, connection: &mut Connection) {
        self.registers_with(scene, connection, 30, 60);
    }

    /// Connects and registers.
    pub(crate) fn registered(&self, scene: &mut Scene, port: u16, server: &Host) -> Connection {
        let mut connection = self.connects(scene, port, server);
        self.registers(scene, &mut connection);
        connection
    }

    /// Says why the session before ended.
    pub(crate) fn alarms(&self, scene: &mut Scene, connection: &mut Connection, last: &str) {
        let text = format!("25: Name={} Load=P00308000500 Last={last}", self.name);
        connection.phone_sends(scene, &encode::alarm(0, 2, &text, self.host.address));
        connection.server_acks(scene);
    }
}

/// The configuration of a phone of CallManager 4.
pub(crate) fn config_file(callmanagers: &[Host]) -> String {
    let mut members = String::new();
    for (priority, server) in callmanagers.iter().enumerate() {
        let address = server.address;
        write!(
            members,
            "<member priority=\"{priority}\"><callManager><name>{address}</name><ports>\
             <ethernetPhonePort>2000</ethernetPhonePort></ports>\
             <processNodeName>{address}</processNodeName></callManager></member>"
        )
        .expect("a string takes any text");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<device><devicePool><name>Default</name>\
         <callManagerGroup><name>Default</name><members>{members}</members></callManagerGroup>\
         </devicePool><loadInformation>P00308000500</loadInformation></device>\n"
    )
}

/// The configuration for phones that have none of their own.
pub(crate) fn default_config_file(callmanagers: &[Host]) -> String {
    config_file(callmanagers)
        .replace("<device>", "<Default>")
        .replace("</device>", "</Default>")
        .replace("<devicePool><name>Default</name>", "")
        .replace("</devicePool>", "")
}
