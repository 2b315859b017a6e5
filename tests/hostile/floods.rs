//! Floods: of strangers, of rubbish, of pieces that never become whole.

use phonewatch::net::MacAddr;
use phonewatch::phone::Stage;
use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};

use super::fuzz::engine::assert_readable;
use super::support::random::Random;
use super::support::stories::{DHCP_SERVER, PRIMARY};
use super::support::trial::Drive;
use super::support::{Captured, Connection, Entry, Host, Phone, Scene};
use super::{assert_within_limits, narrow};

/// What an attacker may send without an end: one step of each flood, by its number.
type Flood = fn(&mut Scene, &mut Random, u16);

/// The floods, and what has to go for each of them.
const FLOODS: [(&str, &str, Flood); 10] = [
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
fn stranger(random: &mut Random, number: u16) -> Phone {
    let [high, low] = number.to_be_bytes();
    let mac = [0x02, random.byte(), random.byte(), random.byte(), high, low];
    Phone::with(mac, [10, 200 + high, low, random.byte()])
}

#[test]
fn no_flood_drives_out_a_registered_phone_or_makes_a_finding_about_it() {
    for (what, goes, flood) in FLOODS {
        let settings = narrow();
        let mut scene = Scene::new();
        let phones: Vec<Phone> = (1..=5).map(Phone::new).collect();
        let mut connections: Vec<Connection> = phones
            .iter()
            .map(|phone| phone.registered(&mut scene, 51_000, &PRIMARY))
            .collect();
        let mut random = Random::new(60);
        for round in 1..=4 {
            for number in 0..400 {
                flood(&mut scene, &mut random, number);
            }
            scene.at(f64::from(round) * 30.0);
            for connection in &mut connections {
                connection.keepalive(&mut scene);
            }
        }
        let mut drive = Drive::new(settings.clone());
        for (number, entry) in scene.entries.iter().enumerate() {
            drive.take(entry);
            if number % 200 == 0 {
                assert_within_limits(&mut drive, &settings.limits);
            }
        }
        let outcome = drive.finish(None);
        assert_readable(&outcome.snapshot);
        for phone in &phones {
            let device = outcome.device(phone.name.as_str());
            assert_eq!(device.stage, Stage::Registered, "{what}");
            assert_eq!(outcome.pulse(device).keepalives, 4, "{what}");
            let gaps = (device.keepalives.missed, device.keepalives.phone_gaps);
            assert_eq!(gaps, (0, 0), "{what}");
            let codes: Vec<&str> = device.findings.iter().map(|finding| finding.code).collect();
            assert!(codes.is_empty(), "{what}: {codes:?}");
        }
        assert!(
            outcome.callmanager(PRIMARY.address).registered >= 5,
            "{what}"
        );
        let evicted = &outcome.snapshot.totals.evicted;
        let gone = evicted.iter().find(|(place, _)| *place == goes);
        assert!(
            goes.is_empty() || gone.is_some_and(|(_, count)| count > 0),
            "{what}: {evicted:?}"
        );
    }
}

#[test]
fn a_connection_that_sends_rubbish_holds_no_more_than_it_may() {
    let settings = narrow();
    let mut drive = Drive::new(settings.clone());
    let mut random = Random::new(70);
    let mut scene = Scene::new();
    let phone = Phone::new(7);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    for _ in 0..2_000 {
        let length = 1 + random.below(1_400);
        let bytes = random.bytes(length);
        // Holes of every size, which never close.
        if random.once_in(2) {
            let hole = u32::try_from(random.below(3_000)).unwrap();
            connection.phone_next = connection.phone_next.wrapping_add(hole);
        }
        connection.phone_sends(&mut scene, &bytes);
    }
    for (number, entry) in scene.entries.iter().enumerate() {
        drive.take(entry);
        if number % 100 == 0 {
            assert_within_limits(&mut drive, &settings.limits);
        }
    }
    let outcome = drive.finish(None);
    assert!(outcome.snapshot.totals.stream_gaps > 0);
}

#[test]
fn fragments_that_never_end_hold_no_more_than_they_may() {
    let settings = narrow();
    let mut drive = Drive::new(settings.clone());
    let mut random = Random::new(80);
    let mut at = Scene::BEGIN;
    for number in 0..5_000_u16 {
        let from = Host::new([2, 0, 0, 0, 0, random.byte()], [10, 3, random.byte(), 1]);
        let ip = Ipv4 {
            identification: number,
            ..Ipv4::new(from.address, PRIMARY.address)
        };
        let offset = u16::try_from(random.below(180)).unwrap() * 8;
        let piece = EthernetFrame::new(from.mac, MacAddr([2, 0, 0, 0, 0, 0])).ipv4_fragment(
            &ip,
            17,
            offset,
            true,
            &[0x41; 1024],
        );
        at = at + std::time::Duration::from_millis(1);
        drive.take(&Entry::Frame(Captured::ethernet(at, piece)));
        if number % 200 == 0 {
            assert_within_limits(&mut drive, &settings.limits);
        }
    }
    assert_eq!(drive.finish(None).labels(), [""; 0]);
}
