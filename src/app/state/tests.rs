//! The file: what is written is read, and nothing that stands in it stops the daemon.

use std::fs;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::engine::Settings;
use crate::phone::Device;
use crate::record::{Frame, Record};
use crate::simulate::{Fleet, Plan};
use crate::snapshot::Snapshot;

/// An engine with a fleet of phones, and when its last frame came.
fn engine(phones: u32, minutes: u64) -> (Engine, Timestamp) {
    let plan = Plan {
        shares: vec!["healthy:3".parse().unwrap(), "flapping".parse().unwrap()],
        phones,
        length: Duration::from_secs(60 * minutes),
        seed: 1,
    };
    let mut engine = Engine::new(Settings::default());
    let mut last = Timestamp::EPOCH;
    for frame in Fleet::new(&plan) {
        last = frame.at;
        engine.handle_timeout(frame.at);
        engine.handle(&Record::Frame(Frame::ethernet(frame.at, &frame.bytes)));
    }
    (engine, last)
}

/// What people see of the devices.
fn seen(snapshot: &Snapshot) -> Vec<String> {
    let mut seen: Vec<String> = snapshot
        .shown_with_places()
        .map(|(id, device): (_, &Arc<Device>)| {
            let registration = &device.registration;
            format!(
                "{} {:?} {:?} {} {} {} {} {:?}",
                device.label(),
                device.stage,
                registration.current.map(|current| current.callmanager),
                registration.registrations,
                registration.moves,
                registration.is_flapping,
                snapshot.devices.pulse(id).keepalives,
                device.findings.iter().map(|it| it.code).collect::<Vec<_>>(),
            )
        })
        .collect();
    seen.sort();
    seen
}

fn restored(folder: &Path, now: Timestamp, keep_for: Duration) -> Engine {
    let (_, state) = Store::open(folder).unwrap();
    let mut engine = Engine::new(Settings::default());
    engine.restore(state.unwrap(), now, keep_for);
    engine
}

const LONG: Duration = Duration::from_secs(14 * 86_400);

#[test]
fn what_was_written_is_read_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, last) = engine(200, 3);
    let (mut store, state) = Store::open(folder.path()).unwrap();
    assert!(state.is_none());
    store.write(&engine.save()).unwrap();
    let before = seen(&engine.snapshot());
    drop(store);
    let mut next = restored(folder.path(), last, LONG);
    assert_eq!(seen(&next.snapshot()), before);
    assert!(before.len() >= 200);

    // Only what has changed is written on top of it.
    let (mut store, _) = Store::open(folder.path()).unwrap();
    store.write(&next.save()).unwrap();
    next.handle_timeout(last + Duration::from_secs(3600));
    store.write(&next.save()).unwrap();
    let after = seen(&next.snapshot());
    assert_ne!(after, before, "the flapping ones have come to rest");
    drop(store);
    let mut third = restored(folder.path(), last + Duration::from_secs(3600), LONG);
    assert_eq!(seen(&third.snapshot()), after);
}

#[test]
fn devices_that_were_not_seen_for_long_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, last) = engine(10, 3);
    engine.handle_timeout(last + Duration::from_secs(7200));
    let (mut store, _) = Store::open(folder.path()).unwrap();
    store.write(&engine.save()).unwrap();
    drop(store);
    let now = last + Duration::from_secs(7200);
    let count = |keep_for| {
        restored(folder.path(), now, keep_for)
            .snapshot()
            .devices
            .len()
    };
    assert!(count(LONG) >= 10);
    assert_eq!(count(Duration::from_secs(3600)), 0);
}

#[test]
fn a_second_daemon_leaves_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path()).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert_eq!(error, "another phonewatch uses it");
    assert!(folder.path().join(store::FILE).exists());
}

#[test]
fn another_form_is_set_aside_once_and_a_new_file_begun() {
    let folder = tempfile::tempdir().unwrap();
    for version in [2, 99] {
        let connection = rusqlite::Connection::open(folder.path().join(store::FILE)).unwrap();
        connection
            .pragma_update(None, "user_version", version)
            .unwrap();
        drop(connection);
        let (_, state) = open(folder.path()).unwrap();
        assert!(state.is_none());
        assert_eq!(aside(folder.path()), 1, "the one before is gone");
    }
}

fn aside(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().flatten();
    names
        .filter(|entry| entry.file_name().to_string_lossy().contains(".corrupt-"))
        .count()
}

#[test]
fn without_a_folder_nothing_is_written() {
    let config = Config::parse(
        "test",
        "[state]\nkeep_for = 0\n[alert]\nstate_dir = '/proc/x'\n",
    )
    .unwrap();
    let opened = Opened::new(&config);
    assert!(opened.store.is_none() && opened.state.is_none());
    let config = Config::parse("test", "[alert]\nstate_dir = '/proc/x'\n").unwrap();
    assert!(Opened::new(&config).store.is_none(), "and it is said");
}

/// The bytes of a file with a small fleet in it.
fn file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _) = engine(20, 2);
    let (mut store, _) = Store::open(folder.path()).unwrap();
    store.write(&engine.save()).unwrap();
    drop(store);
    fs::read(folder.path().join(store::FILE)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_file_never_stops_the_daemon(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        static FILE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut bytes = FILE.get_or_init(file).clone();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(store::FILE), bytes).unwrap();
        let (mut store, state) = open(folder.path()).unwrap();
        let mut engine = Engine::new(Settings::default());
        if let Some(state) = state {
            let now = state.at();
            engine.restore(state, now, LONG);
        }
        if let Err(error) = store.write(&engine.save()) {
            prop_assert!(error.is_of_the_file(), "{error:?}");
            begin_anew(folder.path(), &error).unwrap().write(&engine.save()).unwrap();
        }
    }
}
