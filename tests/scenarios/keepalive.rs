//! Missed keepalives and gaps, and what is neither.

use std::time::Duration;

use phonewatch::event::EventKind;
use phonewatch::phone::keepalive::GapDirection;
use phonewatch::phone::registration::Proof;
use phonewatch::phone::{Acknowledges, Device, Stage};
use phonewatch::wire::sccp::encode;

use crate::support::stories::{PRIMARY, SECONDARY};
use crate::support::{Connection, Entry, Outcome, Phone, Scene};

/// Gaps of a device as they began (`true`) and ended, in order.
fn gaps(outcome: &Outcome, name: &str) -> Vec<(GapDirection, bool)> {
    outcome
        .story(name)
        .into_iter()
        .filter_map(|(_, kind)| match kind {
            EventKind::KeepaliveGap { direction, began } => Some((*direction, *began)),
            _ => None,
        })
        .collect()
}

fn assert_no_gap(device: &Device) {
    let keepalives = device.keepalives;
    assert_eq!(keepalives.missed, 0, "missed");
    assert_eq!((keepalives.callmanager_gaps, keepalives.phone_gaps), (0, 0));
    assert_eq!(keepalives.open_gap, None);
}

#[test]
fn a_standby_connection_misses_nothing() {
    let mut scene = Scene::new();
    let phone = Phone::new(60);
    let mut active = phone.registered(&mut scene, 51_000, &PRIMARY);
    let mut standby = phone.connects(&mut scene, 51_001, &SECONDARY);
    for half_minute in 1..=40 {
        scene.at(f64::from(half_minute) * 30.0 + 1.0);
        active.keepalive(&mut scene);
        if half_minute % 2 == 0 {
            standby.keepalive_acked_by_tcp(&mut scene);
        }
    }
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_no_gap(device);
    assert_eq!(
        outcome.pulse(device).keepalives,
        40,
        "on the registered connection"
    );
    assert_eq!(device.registration.moves, 0);
    assert_eq!(
        outcome.callmanager(PRIMARY.address).acknowledges,
        Some(Acknowledges::Sccp)
    );
    assert_eq!(
        outcome.callmanager(PRIMARY.address).keepalive_rtt.count(),
        40
    );
    let standby = outcome.callmanager(SECONDARY.address);
    assert_eq!((standby.registered, standby.keepalive_gaps.total()), (0, 0));
}

#[test]
fn the_standby_of_some_is_the_active_server_of_others() {
    // What the secondary does on its own registered connections is not asked of it on standby ones.
    let mut scene = Scene::new();
    let (phone, other) = (Phone::new(61), Phone::new(62));
    let mut active = phone.registered(&mut scene, 51_000, &PRIMARY);
    let mut standby = phone.connects(&mut scene, 51_001, &SECONDARY);
    let mut others = other.registered(&mut scene, 51_002, &SECONDARY);
    for half_minute in 1..=20 {
        scene.at(f64::from(half_minute) * 30.0 + 1.0);
        active.keepalive(&mut scene);
        others.keepalive(&mut scene);
        standby.keepalive_acked_by_tcp(&mut scene);
    }
    let outcome = scene.run();
    assert_no_gap(outcome.device(phone.name.as_str()));
    assert_no_gap(outcome.device(other.name.as_str()));
    assert_eq!(
        outcome.callmanager(SECONDARY.address).acknowledges,
        Some(Acknowledges::Sccp)
    );
}

/// A registered phone with four acknowledged keepalives, at 30, 60, 90 and 120 seconds.
fn settled(scene: &mut Scene, phone: &Phone) -> Connection {
    let mut connection = phone.registered(scene, 51_000, &PRIMARY);
    for second in [30.0, 60.0, 90.0, 120.0] {
        scene.at(second);
        connection.keepalive(scene);
    }
    connection
}

#[test]
fn a_run_of_missed_keepalives_is_one_gap_that_an_acknowledgment_ends() {
    let mut scene = Scene::new();
    let phone = Phone::new(63);
    let name = phone.name.as_str();
    let mut connection = settled(&mut scene, &phone);
    for second in [150.0, 180.0, 210.0] {
        scene.at(second);
        connection.keepalive_acked_by_tcp(&mut scene);
    }

    let outcome = scene.run();
    let open = outcome
        .device(name)
        .keepalives
        .open_gap
        .expect("an open gap");
    assert_eq!(open.direction, GapDirection::CallManager);
    assert_eq!(open.since, Scene::time(150.0));
    assert_eq!(gaps(&outcome, name), [(GapDirection::CallManager, true)]);

    for second in [240.0, 270.0] {
        scene.at(second);
        connection.keepalive(&mut scene);
    }
    let outcome = scene.run();
    let device = outcome.device(name);
    let keepalives = device.keepalives;
    assert_eq!(
        (outcome.pulse(device).keepalives, keepalives.missed),
        (9, 3)
    );
    assert_eq!((keepalives.callmanager_gaps, keepalives.phone_gaps), (1, 0));
    assert_eq!(keepalives.open_gap, None);
    assert_eq!(
        gaps(&outcome, name),
        [
            (GapDirection::CallManager, true),
            (GapDirection::CallManager, false)
        ]
    );
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!(server.keepalive_gaps.count("callmanager"), 1);
    assert_eq!(server.keepalive_gaps.total(), 1);
    assert_eq!(outcome.device(name).stage, Stage::Registered);
    assert_eq!(outcome.device(name).registration.registrations, 1);
}

#[test]
fn one_missed_keepalive_is_a_gap_too() {
    let mut scene = Scene::new();
    let phone = Phone::new(64);
    let mut connection = settled(&mut scene, &phone);
    scene.at(150.0);
    connection.keepalive_acked_by_tcp(&mut scene);
    scene.at(180.0);
    connection.keepalive(&mut scene);
    let outcome = scene.run();
    let keepalives = outcome.device(phone.name.as_str()).keepalives;
    assert_eq!((keepalives.missed, keepalives.callmanager_gaps), (1, 1));
    assert_eq!(keepalives.open_gap, None);
}

#[test]
fn two_outages_are_two_gaps() {
    let mut scene = Scene::new();
    let phone = Phone::new(65);
    let mut connection = settled(&mut scene, &phone);
    for round in 0..2 {
        let begin = 150.0 + 120.0 * f64::from(round);
        for (offset, is_missed) in [(0.0, true), (30.0, true), (60.0, false), (90.0, false)] {
            scene.at(begin + offset);
            if is_missed {
                connection.keepalive_acked_by_tcp(&mut scene);
            } else {
                connection.keepalive(&mut scene);
            }
        }
    }
    let outcome = scene.run();
    let keepalives = outcome.device(phone.name.as_str()).keepalives;
    assert_eq!((keepalives.missed, keepalives.callmanager_gaps), (4, 2));
}

#[test]
fn an_acknowledgment_that_comes_late_but_in_time_is_no_miss() {
    let mut scene = Scene::new();
    let phone = Phone::new(66);
    let mut connection = settled(&mut scene, &phone);
    for second in [150.0, 180.0] {
        scene.at(second);
        connection.keepalive_acked_by_tcp(&mut scene);
        scene.at(second + 25.0);
        connection.server_sends(&mut scene, &encode::keep_alive_ack(0));
        connection.phone_acks(&mut scene);
    }
    let outcome = scene.run();
    assert_no_gap(outcome.device(phone.name.as_str()));
}

#[test]
fn a_server_that_acknowledges_by_tcp_alone_misses_nothing() {
    let mut scene = Scene::new();
    let phone = Phone::new(67);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    for half_minute in 1..=20 {
        scene.at(f64::from(half_minute) * 30.0);
        connection.keepalive_acked_by_tcp(&mut scene);
    }
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_no_gap(device);
    assert_eq!(outcome.pulse(device).keepalives, 20);
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!(server.acknowledges, Some(Acknowledges::Tcp));
}

#[test]
fn a_server_known_to_acknowledge_by_tcp_is_missed_when_tcp_falls_silent() {
    let mut scene = Scene::new();
    let phone = Phone::new(68);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    for half_minute in 1..=10 {
        scene.at(f64::from(half_minute) * 30.0);
        connection.keepalive_acked_by_tcp(&mut scene);
    }
    // The server's host is gone: the phone sends the one keepalive again and again.
    scene.at(330.0);
    connection.phone_sends(&mut scene, &encode::keep_alive(0));
    for wait in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0] {
        scene.pass(wait);
        connection.phone_repeats(&mut scene);
    }
    scene.at(364.0);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    let keepalives = device.keepalives;
    assert_eq!(
        (outcome.pulse(device).keepalives, keepalives.missed),
        (11, 1)
    );
    assert_eq!(keepalives.callmanager_gaps, 1);
}

#[test]
fn a_silent_phone_is_one_gap_whatever_its_length() {
    let mut scene = Scene::new();
    let phone = Phone::new(69);
    let name = phone.name.as_str();
    let mut connection = settled(&mut scene, &phone);
    let last_sign = Scene::time(120.0);

    // One and a half intervals are 45 seconds.
    scene.at(164.0);
    assert_no_gap(scene.run_among_others().device(name));

    scene.at(166.0);
    let outcome = scene.run_among_others();
    let keepalives = outcome.device(name).keepalives;
    assert_eq!(
        (keepalives.callmanager_gaps, keepalives.phone_gaps),
        (0, 0),
        "one keepalive may have been missed: what it is, its end tells"
    );
    let open = keepalives.open_gap.expect("an open gap");
    assert_eq!(open.direction, GapDirection::Phone);
    assert!(open.since.distance(last_sign) < Duration::from_secs(1));
    let raised = outcome
        .story(name)
        .into_iter()
        .find(|(_, kind)| matches!(kind, EventKind::KeepaliveGap { began: true, .. }))
        .unwrap()
        .0;
    assert!(raised.distance(last_sign + Duration::from_secs(45)) < Duration::from_secs(1));
    assert_eq!(
        scene.run().device(name).keepalives.open_gap,
        None,
        "where nobody is heard the mirror may have failed"
    );

    scene.at(400.0);
    connection.keepalive(&mut scene);
    scene.at(430.0);
    connection.keepalive(&mut scene);
    // Even where nobody else spoke: the stream goes on without a hole, so the phone had sent nothing.
    for outcome in [scene.run_among_others(), scene.run()] {
        let keepalives = outcome.device(name).keepalives;
        assert_eq!((keepalives.callmanager_gaps, keepalives.phone_gaps), (0, 1));
        assert_eq!(keepalives.open_gap, None);
        assert_eq!(
            keepalives.missed, 0,
            "every keepalive that was sent was acknowledged"
        );
        let server = outcome.callmanager(PRIMARY.address);
        assert_eq!(server.keepalive_gaps.count("phone"), 1);
        assert_eq!(server.registered, 1);
        assert_eq!(outcome.device(name).stage, Stage::Registered);
    }
}

#[test]
fn a_phone_that_is_unplugged_is_lost() {
    let mut scene = Scene::new();
    let phone = Phone::new(79);
    settled(&mut scene, &phone);
    scene.at(600.0);
    let outcome = scene.run_among_others();
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Lost);
    assert_eq!(device.keepalives.phone_gaps, 1);
    assert_eq!(device.registration.unregistrations, 1);
    let server = outcome.callmanager(PRIMARY.address);
    assert_eq!(server.unregistrations.count("silent"), 1);
    assert_eq!(server.registered, 0);
}

/// A mirror port that is busier than its line drops frames, and no counter of the sensor tells.
#[test]
fn a_keepalive_that_the_mirror_did_not_show_makes_no_gap() {
    let mut scene = Scene::new();
    let phone = Phone::new(110);
    let mut connection = settled(&mut scene, &phone);
    scene.at(150.0);
    connection.keepalive(&mut scene);
    // The keepalive itself, in front of its answer and the phone's acknowledgment.
    scene.miss(2);
    connection.keepalives(&mut scene, 30.0, 300.0);
    let outcome = scene.run();
    assert_no_gap(outcome.device(phone.name.as_str()));
    assert_eq!(outcome.snapshot.totals.stream_gaps, 1);
}

/// Keepalives of a settled phone at 150 s and so on, of which nothing at all is shown, and some more that are.
fn unseen_keepalives(phone: &Phone, unseen: u32) -> Outcome {
    let mut scene = Scene::new();
    let mut connection = settled(&mut scene, phone);
    for number in 1..=unseen {
        // Each comes a moment later than it is due.
        scene.at(120.0 + 30.3 * f64::from(number));
        connection.keepalive(&mut scene);
        for _ in 0..3 {
            scene.miss(0);
        }
    }
    let until = scene.seconds() + 200.0;
    connection.keepalives(&mut scene, 30.3, until);
    scene.run_among_others()
}

#[test]
fn keepalives_in_a_row_that_the_mirror_did_not_show_make_no_gap() {
    for unseen in 1..=2 {
        let phone = Phone::new(117);
        let outcome = unseen_keepalives(&phone, unseen);
        let device = outcome.device(phone.name.as_str());
        assert_no_gap(device);
        assert_eq!(device.registration.unregistrations, 0);
        assert_eq!(outcome.raised().count(), 0, "{unseen}");
    }
}

#[test]
fn a_phone_that_was_given_up_and_goes_on_was_never_silent_where_bytes_are_missing() {
    let phone = Phone::new(118);
    let outcome = unseen_keepalives(&phone, 5);
    let device = outcome.device(phone.name.as_str());
    assert_eq!(device.stage, Stage::Registered);
    assert!(
        outcome
            .raised()
            .any(|(_, finding)| finding.code == "keepalive_gap")
    );
    assert_eq!(device.findings.active().count(), 0, "it is taken back");
}

#[test]
fn a_phone_that_only_its_server_heard_was_not_silent() {
    // Neither the keepalive nor the phone's acknowledgment is shown, but the answer acknowledges the keepalive's bytes.
    let mut scene = Scene::new();
    let phone = Phone::new(113);
    let mut connection = settled(&mut scene, &phone);
    scene.at(150.0);
    connection.keepalive(&mut scene);
    scene.miss(2);
    scene.miss(0);
    connection.keepalives(&mut scene, 30.0, 300.0);
    assert_no_gap(scene.run_among_others().device(phone.name.as_str()));
}

#[test]
fn an_acknowledgment_that_the_mirror_did_not_show_makes_no_gap() {
    // That the phone acknowledges its bytes proves that it was sent.
    let mut scene = Scene::new();
    let phone = Phone::new(111);
    let mut connection = settled(&mut scene, &phone);
    scene.at(150.0);
    connection.keepalive(&mut scene);
    scene.miss(1);
    connection.keepalives(&mut scene, 30.0, 300.0);
    let outcome = scene.run();
    assert_no_gap(outcome.device(phone.name.as_str()));
    assert_eq!(outcome.snapshot.totals.stream_gaps, 1);
}

#[test]
fn nothing_is_missed_before_the_phone_tells_what_it_received() {
    // Neither the answer nor the phone's acknowledgment of it is shown, and of the next exchange not the keepalive, or
    // nothing at all. Nobody knows that anything was lost.
    for lost_of_the_next in [&[2][..], &[0, 1, 2]] {
        let mut scene = Scene::new();
        let phone = Phone::new(114);
        let mut connection = settled(&mut scene, &phone);
        for (second, lost) in [(150.0, &[0, 1][..]), (180.0, lost_of_the_next)] {
            scene.at(second);
            connection.keepalive(&mut scene);
            for (gone, frame) in lost.iter().enumerate() {
                scene.miss(frame - gone);
            }
        }
        connection.keepalives(&mut scene, 30.0, 300.0);
        let outcome = scene.run_among_others();
        let keepalives = outcome.device(phone.name.as_str()).keepalives;
        assert_eq!((keepalives.missed, keepalives.callmanager_gaps), (0, 0));
    }
}

#[test]
fn a_phone_that_leaves_instead_of_speaking_again_got_no_answer() {
    let mut scene = Scene::new();
    let phone = Phone::new(115);
    let mut connection = settled(&mut scene, &phone);
    scene.at(150.0);
    connection.phone_sends(&mut scene, &encode::keep_alive(0));
    scene.at(180.1);
    let mut other = phone.registered(&mut scene, 51_001, &SECONDARY);
    other.keepalives(&mut scene, 30.0, 300.0);
    let outcome = scene.run_among_others();
    let keepalives = outcome.device(phone.name.as_str()).keepalives;
    assert_eq!((keepalives.missed, keepalives.callmanager_gaps), (1, 1));
    assert_eq!(keepalives.open_gap, None);
}

#[test]
fn a_retransmitted_keepalive_is_one_keepalive() {
    let mut scene = Scene::new();
    let phone = Phone::new(70);
    let mut connection = settled(&mut scene, &phone);
    scene.at(150.0);
    connection.phone_sends(&mut scene, &encode::keep_alive(0));
    for wait in [0.3, 0.6, 1.2] {
        scene.pass(wait);
        connection.phone_repeats(&mut scene);
    }
    connection.server_sends(&mut scene, &encode::keep_alive_ack(0));
    connection.phone_acks(&mut scene);
    scene.at(180.0);
    connection.keepalive(&mut scene);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_no_gap(device);
    assert_eq!(outcome.pulse(device).keepalives, 6);
    assert_eq!(outcome.messages().get("KeepAlive"), Some(&6));
    assert_eq!(outcome.messages().get("KeepAliveAck"), Some(&6));
}

#[test]
fn the_intervals_are_those_that_the_callmanager_gives() {
    // Ten seconds: silence of sixteen is a gap.
    let mut scene = Scene::new();
    let phone = Phone::new(71);
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    phone.registers_with(&mut scene, &mut connection, 10, 20);
    for second in [10.0, 20.0, 30.0] {
        scene.at(second);
        connection.keepalive(&mut scene);
    }
    scene.at(44.0);
    assert_no_gap(scene.run_among_others().device(phone.name.as_str()));
    scene.at(46.0);
    let outcome = scene.run_among_others();
    let keepalives = outcome.device(phone.name.as_str()).keepalives;
    assert!(keepalives.open_gap.is_some());

    // Ninety seconds: a keepalive every ninety seconds is none, and one is missed only after ninety.
    let mut scene = Scene::new();
    let mut connection = phone.connects(&mut scene, 51_000, &PRIMARY);
    phone.registers_with(&mut scene, &mut connection, 90, 90);
    for number in 1..=5 {
        scene.at(90.0 * f64::from(number));
        connection.keepalive(&mut scene);
    }
    scene.at(540.0);
    connection.keepalive_acked_by_tcp(&mut scene);
    scene.at(625.0);
    assert_no_gap(scene.run().device(phone.name.as_str()));
    scene.at(630.0);
    connection.keepalive_acked_by_tcp(&mut scene);
    scene.at(640.0);
    let outcome = scene.run();
    let keepalives = outcome.device(phone.name.as_str()).keepalives;
    assert_eq!((keepalives.missed, keepalives.callmanager_gaps), (1, 1));
}

#[test]
fn a_phone_in_a_call_is_not_silent() {
    // CallManager resets the keepalive timer with every message, so a busy phone sends fewer keepalives.
    let mut scene = Scene::new();
    let phone = Phone::new(72);
    let mut connection = settled(&mut scene, &phone);
    for second in [140.0, 160.0, 180.0, 200.0, 220.0] {
        scene.at(second);
        let key = phonewatch::wire::sccp::KeypadButton {
            button: 5,
            line: Some(1),
            call: Some(7),
        };
        connection.phone_sends(&mut scene, &encode::keypad_button(0, &key));
        connection.server_acks(&mut scene);
    }
    let outcome = scene.run();
    assert_no_gap(outcome.device(phone.name.as_str()));
}

#[test]
fn a_loss_in_the_window_withholds_a_missed_keepalive() {
    let mut scene = Scene::new();
    let phone = Phone::new(73);
    let mut connection = settled(&mut scene, &phone);
    scene.at(150.0);
    connection.phone_sends(&mut scene, &encode::keep_alive(0));
    scene.loss(3);
    connection.server_sends_unseen(&encode::keep_alive_ack(0));
    scene.at(180.0);
    connection.keepalive(&mut scene);
    scene.at(210.0);
    connection.keepalive(&mut scene);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_no_gap(device);
    assert_eq!(outcome.snapshot.totals.lost[0], 3);
    assert_eq!(
        outcome.count(|kind| matches!(
            kind,
            EventKind::FramesLost {
                frames: 3,
                place: "kernel"
            }
        )),
        1
    );
}

#[test]
fn a_loss_elsewhere_withholds_nothing() {
    let mut scene = Scene::new();
    let phone = Phone::new(74);
    let mut connection = settled(&mut scene, &phone);
    scene.at(125.0);
    scene.loss(3);
    for second in [150.0, 180.0, 210.0] {
        scene.at(second);
        connection.keepalive_acked_by_tcp(&mut scene);
    }
    scene.at(240.0);
    connection.keepalive(&mut scene);
    let outcome = scene.run();
    let keepalives = outcome.device(phone.name.as_str()).keepalives;
    assert_eq!((keepalives.missed, keepalives.callmanager_gaps), (3, 1));
}

#[test]
fn a_loss_withholds_the_silence_of_a_phone() {
    let mut scene = Scene::new();
    let phone = Phone::new(75);
    let mut connection = settled(&mut scene, &phone);
    scene.at(150.0);
    scene.loss(5);
    connection.server_sends_unseen(&encode::keep_alive_ack(0));
    connection.phone_next = connection.phone_next.wrapping_add(12);
    scene.at(180.0);
    connection.keepalive(&mut scene);
    let outcome = scene.run();
    assert_no_gap(outcome.device(phone.name.as_str()));
}

/// The frames that a phone sends, and nothing of what comes back.
fn of_the_phone_only(scene: &Scene, phone: &Phone) -> Vec<Entry> {
    let is_from_phone = |entry: &&Entry| {
        entry
            .frame()
            .is_some_and(|frame| frame.bytes.get(6..12) == Some(&phone.host.mac.0))
    };
    scene
        .entries
        .iter()
        .filter(is_from_phone)
        .cloned()
        .collect()
}

#[test]
fn a_mirror_of_one_direction_shows_no_gap() {
    let mut scene = Scene::new();
    let phone = Phone::new(76);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 600.0);
    scene.entries = of_the_phone_only(&scene, &phone);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_no_gap(device);
    assert_eq!(
        device.registration.registrations, 0,
        "no acknowledgment was seen"
    );
    assert_eq!((device.tcp_refused, device.tcp_unanswered), (0, 0));
}

#[test]
fn a_mirror_that_loses_a_direction_shows_no_gap_of_the_callmanager() {
    // The phone's own acknowledgments prove that the CallManager goes on to answer.
    let mut scene = Scene::new();
    let phone = Phone::new(77);
    let mut connection = settled(&mut scene, &phone);
    let before = scene.entries.len();
    connection.keepalives(&mut scene, 30.0, 600.0);
    let after = scene.entries.split_off(before);
    let both = std::mem::take(&mut scene.entries);
    scene.entries = after;
    let one_direction = of_the_phone_only(&scene, &phone);
    scene.entries = both;
    scene.entries.extend(one_direction);
    let outcome = scene.run();
    let keepalives = outcome.device(phone.name.as_str()).keepalives;
    assert_eq!((keepalives.missed, keepalives.callmanager_gaps), (0, 0));
}

#[test]
fn a_capture_joined_in_mid_session_infers_the_registration() {
    let mut scene = Scene::new();
    let phone = Phone::new(78);
    let mut connection = Connection::established(phone.host, 51_000, PRIMARY);
    connection.phone_sends(&mut scene, &encode::keep_alive(0));
    let before = scene.run();
    assert!(
        before
            .shown()
            .iter()
            .all(|device| device.registration.current.is_none()),
        "a keepalive alone proves nothing"
    );
    connection.server_sends(&mut scene, &encode::keep_alive_ack(0));
    connection.phone_acks(&mut scene);
    connection.keepalives(&mut scene, 30.0, 100.0);
    let outcome = scene.run();
    let label = outcome.labels();
    assert_eq!(label.len(), 1);
    let device = outcome.device(&label[0]);
    assert_eq!(device.name, None);
    assert_eq!(device.address, Some(phone.host.address.into()));
    assert_eq!(device.stage, Stage::Registered);
    let current = device.registration.current.expect("a registration");
    assert_eq!(current.proof, Proof::Inferred);
    assert_eq!(current.callmanager, std::net::IpAddr::V4(PRIMARY.address));
    assert_eq!(device.registration.registrations, 0);
    assert_no_gap(device);
    let inferred = outcome.count(|kind| {
        matches!(
            kind,
            EventKind::Registered {
                kind: None,
                proof: Proof::Inferred,
                ..
            }
        )
    });
    assert_eq!(inferred, 1);
}

#[test]
fn numbers_that_begin_again_at_zero_are_no_hole() {
    let mut scene = Scene::new();
    let phone = Phone::new(112);
    let mut connection = Connection::established(phone.host, 51_000, PRIMARY);
    connection.phone_next = u32::MAX - 100;
    connection.server_next = u32::MAX - 40;
    connection.shake_hands(&mut scene);
    phone.registers(&mut scene, &mut connection);
    connection.keepalives(&mut scene, 30.0, 400.0);
    let outcome = scene.run();
    let device = outcome.device(phone.name.as_str());
    assert_no_gap(device);
    assert_eq!(outcome.pulse(device).keepalives, 13);
    assert_eq!(outcome.snapshot.totals.stream_gaps, 0);
}

#[test]
fn a_capture_that_cuts_its_frames_shows_keepalives_and_no_gap() {
    let mut scene = Scene::new();
    let phone = Phone::new(113);
    let mut connection = phone.registered(&mut scene, 51_000, &PRIMARY);
    connection.keepalives(&mut scene, 30.0, 300.0);
    for entry in &mut scene.entries {
        if let Entry::Frame(frame) = entry {
            frame.bytes.truncate(68);
        }
    }
    let outcome = scene.run();
    assert!(outcome.snapshot.totals.truncated > 0);
    assert_eq!(outcome.shown().len(), 1);
    let device = outcome.shown()[0];
    assert_eq!(device.stage, Stage::Registered);
    assert_no_gap(device);
}

#[test]
fn a_callmanager_that_dies_is_one_gap_and_then_a_failover() {
    let mut scene = Scene::new();
    let phone = Phone::new(114);
    let name = phone.name.as_str();
    phone.fetches_config(&mut scene, &PRIMARY, &[PRIMARY, SECONDARY]);
    let mut first = settled(&mut scene, &phone);
    // Nothing of the server any more, not even TCP.
    scene.at(150.0);
    first.phone_sends(&mut scene, &encode::keep_alive(0));
    for wait in [0.5, 1.0, 2.0, 4.0, 8.0] {
        scene.pass(wait);
        first.phone_repeats(&mut scene);
    }
    scene.at(180.0);
    first.phone_sends(&mut scene, &encode::keep_alive(0));
    scene.at(190.0);
    first.phone_resets(&mut scene);
    let mut second = phone.registered(&mut scene, 51_001, &SECONDARY);
    second.keepalives(&mut scene, 30.0, 300.0);
    let outcome = scene.run();
    let device = outcome.device(name);
    let keepalives = device.keepalives;
    assert_eq!(
        keepalives.missed, 1,
        "the second was not due to be answered yet"
    );
    assert_eq!((keepalives.callmanager_gaps, keepalives.phone_gaps), (1, 0));
    assert_eq!(keepalives.open_gap, None);
    assert_eq!(
        gaps(&outcome, name),
        [
            (GapDirection::CallManager, true),
            (GapDirection::CallManager, false)
        ]
    );
    assert_eq!(device.registration.moves, 1);
    assert_eq!(device.stage, Stage::Registered);
    let (dead, alive) = (
        outcome.callmanager(PRIMARY.address),
        outcome.callmanager(SECONDARY.address),
    );
    assert_eq!(dead.keepalive_gaps.count("callmanager"), 1);
    assert_eq!(dead.unregistrations.count("closed_by_phone"), 1);
    assert_eq!(dead.registered, 0);
    assert_eq!(alive.registrations.count("failover"), 1);
    assert_eq!((alive.registered, alive.keepalive_gaps.total()), (1, 0));
}
