//! What an attacker may send without an end.

use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};

use super::random::Random;
use super::stories::{DHCP_SERVER, PRIMARY};
use super::{Connection, Host, Phone, Scene};

/// One step of a flood, by its number.
pub(crate) type Flood = fn(&mut Scene, &mut Random, u16);

/// The floods, and what has to go for each of them.
pub(crate) const FLOODS: [(&str, &str, Flood); 10] = [
    ("hardware addresses", "devices", |scene, random, number| {
        stranger(random, number).discovers(scene, number.into());
    }),
    ("device names", "devices", |scene, random, number| {
        let phone = stranger(random, number);
        let mut connection = Connection::established(phone.host, 40_000, PRIMARY);
        phone.alarms(scene, &mut connection, "Initialized");
        phone.asks(scene, &mut connection);
    }),
    (
        "device names on one connection",
        "",
        |scene, random, number| {
            let attacker = Phone::new(66);
            let mut connection = Connection::established(attacker.host, 40_000, PRIMARY);
            let sequence = u32::from(number) * 2_000;
            connection.phone_next = connection.phone_next.wrapping_add(sequence);
            stranger(random, number).asks(scene, &mut connection);
        },
    ),
    (
        "connections never answered",
        "connections",
        |scene, random, number| {
            let phone = stranger(random, number);
            Connection::established(phone.host, 40_000, PRIMARY).syn(scene);
        },
    ),
    (
        "connections half open",
        "connections",
        |scene, random, number| {
            let phone = stranger(random, number);
            Connection::open(scene, phone.host, number, PRIMARY);
        },
    ),
    ("CallManagers", "callmanagers", |scene, random, number| {
        let phone = stranger(random, number);
        let server = Host::new(
            [2, 9, 0, 0, 0, random.byte()],
            [10, 9, random.byte(), random.byte()],
        );
        let mut connection = phone.connects(scene, 40_000, &server);
        phone.asks(scene, &mut connection);
    }),
    ("transfers", "transfers", |scene, random, number| {
        let phone = stranger(random, number);
        let client = (&phone.host, 50_000);
        scene.tftp_request(client, &DHCP_SERVER, &phone.config_file());
    }),
    ("names looked up", "dns_names", |scene, random, number| {
        let phone = Phone::new(1);
        let name = format!("host{number}.example.com");
        let server = Host::server(random.byte());
        scene.dns((&phone.host, 50_000), &server, &name, Some(PRIMARY.address));
    }),
    (
        "pieces that never become whole",
        "fragments",
        |scene, random, number| {
            let from = stranger(random, number).host;
            let ip = Ipv4 {
                identification: number,
                ..Ipv4::new(from.address, PRIMARY.address)
            };
            let frame = EthernetFrame::new(from.mac, PRIMARY.mac);
            scene.frame(frame.ipv4_fragment(&ip, 6, 800, true, &[0x41; 800]));
        },
    ),
    ("segments over each other", "", |scene, random, number| {
        let attacker = Phone::new(66);
        let mut connection = Connection::established(attacker.host, 40_000, PRIMARY);
        let ahead = u32::try_from(random.below(6_000)).unwrap();
        connection.phone_next = connection.phone_next.wrapping_add(1 + ahead);
        let length = 1 + usize::from(number) % 700;
        connection.phone_sends(scene, &random.bytes(length));
    }),
];

/// Somebody nobody has seen before.
pub(crate) fn stranger(random: &mut Random, number: u16) -> Phone {
    let [high, low] = number.to_be_bytes();
    let mac = [0x02, random.byte(), random.byte(), random.byte(), high, low];
    Phone::with(mac, [100, high, low, random.byte()])
}
