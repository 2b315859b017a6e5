//! Floods: of strangers, of rubbish, of pieces that never become whole.

use std::ops::Range;
use std::time::Duration;

use phonewatch::engine::{Limits, Settings};
use phonewatch::net::MacAddr;
use phonewatch::phone::Stage;
use phonewatch::phone::boot::Failures;
use phonewatch::wire::dhcp::{DhcpBuilder, MessageType};
use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};

use super::fuzz::engine::assert_readable;
use super::support::floods::{FLOODS, stranger};
use super::support::random::Random;
use super::support::stories::{DHCP_SERVER, PRIMARY};
use super::support::trial::{Drive, Outcome, run};
use super::support::{Captured, Connection, Entry, Host, Phone, Scene};
use super::{assert_within_limits, narrow};

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
        assert!(goes.is_empty() || gone(&outcome, goes) > 0, "{what}");
    }
}

/// How many of these had to go.
fn gone(outcome: &Outcome, what: &str) -> u64 {
    let evicted = &outcome.snapshot.totals.evicted;
    let found = evicted.iter().find(|(place, _)| *place == what);
    found.map_or(0, |(_, count)| count)
}

fn within(limits: Limits) -> Settings {
    Settings {
        limits,
        ..Settings::default()
    }
}

#[test]
fn in_a_full_table_a_flood_takes_places_at_a_bounded_rate() {
    let limits = Limits {
        devices: 3_000,
        strangers: 500,
        ..Limits::default()
    };
    let mut scene = Scene::new();
    let mut random = Random::new(90);
    for number in 1..=20_000 {
        stranger(&mut random, number).discovers(&mut scene, number.into());
    }
    // 10,000 of them a second.
    for (number, entry) in (0..).zip(&mut scene.entries) {
        if let Entry::Frame(frame) = entry {
            frame.at = Scene::BEGIN + Duration::from_micros(100) * number;
        }
    }
    let outcome = run(within(limits), &scene.entries, None);
    let totals = &outcome.snapshot.totals;
    // 1,000 at once, and 1,000 a second from the moment at which the table was full.
    let [displaced, turned_away] = ["devices", "newcomers"].map(|what| gone(&outcome, what));
    assert!((2_650..=2_750).contains(&displaced), "{totals:?}");
    assert_eq!(displaced + turned_away + 3_000, 20_000);
    assert_eq!(outcome.snapshot.devices.len(), 3_000);
    let asked = totals.dhcp_requests.iter().map(|(_, count)| count);
    assert_eq!(asked.sum::<u64>(), 20_000, "each was seen to ask");
}

#[test]
fn whom_a_callmanager_registers_is_let_in_by_its_name_whatever_comes() {
    let mut scene = Scene::new();
    let mut random = Random::new(94);
    let mut flood = |scene: &mut Scene, numbers: Range<u16>| {
        for number in numbers {
            stranger(&mut random, number).discovers(scene, number.into());
        }
    };
    let phone = Phone::new(1);
    flood(&mut scene, 0..5_000);
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    flood(&mut scene, 5_000..5_100);
    phone.registers(&mut scene, &mut connection);
    flood(&mut scene, 5_100..5_200);
    // At one moment, so that nobody takes the place of anybody else.
    for entry in &mut scene.entries {
        if let Entry::Frame(frame) = entry {
            frame.at = Scene::BEGIN;
        }
    }
    let limits = Limits {
        devices: 2_000,
        ..Limits::default()
    };
    let outcome = run(within(limits), &scene.entries, None);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Registered);
    assert_eq!(gone(&outcome, "devices"), 1_001);
}

#[test]
fn however_many_registered_phones_stand_first_in_line_none_of_them_goes() {
    let limits = Limits {
        devices: 270,
        strangers: 20,
        ..Limits::default()
    };
    for (what, _, flood) in FLOODS {
        let mut scene = Scene::new();
        for number in 1..=250 {
            Phone::new(number).registered(&mut scene, 51_000, &PRIMARY);
        }
        let mut random = Random::new(92);
        for number in 0..500 {
            flood(&mut scene, &mut random, number);
        }
        let outcome = run(within(limits), &scene.entries, None);
        for number in 1..=250 {
            let device = outcome.device(Phone::new(number).name.as_str());
            assert_eq!(device.stage, Stage::Registered, "{what}: {number}");
        }
        assert!(outcome.snapshot.devices.len() <= 270, "{what}");
    }
}

#[test]
fn what_is_no_longer_followed_for_want_of_room_has_not_failed() {
    let limits = Limits {
        connections: 30,
        transfers: 8,
        ..Limits::default()
    };
    let mut scene = Scene::new();
    let (fetching, asking) = (Phone::new(1), Phone::new(2));
    fetching.leases(&mut scene, &DHCP_SERVER, 1);
    let client = (&fetching.host, 50_000);
    scene.tftp_request(client, &DHCP_SERVER, &fetching.config_file());
    let mut connection = asking.connects(&mut scene, 51_000, &PRIMARY);
    asking.asks(&mut scene, &mut connection);
    let mut random = Random::new(93);
    for (what, goes, flood) in FLOODS {
        if what != "transfers" && goes != "connections" {
            continue;
        }
        for number in 0..40 {
            flood(&mut scene, &mut random, number);
        }
    }
    let outcome = run(within(limits), &scene.entries, None);
    let totals = &outcome.snapshot.totals;
    for what in ["connections", "transfers"] {
        assert!(gone(&outcome, what) > 0, "{what}");
    }
    assert_eq!(totals.tftp_transfers, [], "none was seen to end");
    for phone in [fetching, asking] {
        let device = outcome.device(phone.name.as_str());
        assert_eq!(device.failures(), Failures::default());
        assert_eq!(device.findings.iter().count(), 0);
    }
}

#[test]
fn strangers_of_whom_there_are_too_many_keep_no_phone_out() {
    let limits = Limits {
        devices: 5_000,
        strangers: 100,
        ..Limits::default()
    };
    let mut scene = Scene::new();
    let mut random = Random::new(91);
    for number in 1..=4_000 {
        let phone = stranger(&mut random, number);
        if number > 3_000 {
            phone.discovers(&mut scene, number.into());
        } else {
            let message =
                DhcpBuilder::new(MessageType::Discover, number.into(), phone.host.mac).build();
            phone.broadcasts(&mut scene, &message);
        }
    }
    let outcome = run(within(limits), &scene.entries, None);
    assert_eq!(outcome.snapshot.shown().count(), 1_000);
    assert_eq!(outcome.snapshot.devices.len(), 1_100);
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
        at = at + Duration::from_millis(1);
        drive.take(&Entry::Frame(Captured::ethernet(at, piece)));
        if number % 200 == 0 {
            assert_within_limits(&mut drive, &settings.limits);
        }
    }
    assert_eq!(drive.finish(None).labels(), [""; 0]);
}
