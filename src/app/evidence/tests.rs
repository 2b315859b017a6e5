use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::mpsc;

use super::*;
use crate::app::orders::orders;
use crate::engine::{Engine, Settings};
use crate::event::{Event, EventKind, Subject};
use crate::finding::{self, Finding, Severity};
use crate::net::{DeviceName, MacAddr};
use crate::record::{Frame, Record};
use crate::time::Timestamp;
use crate::wire::packet::encode::{EthernetFrame, Ipv4};
use crate::wire::packet::{TcpFlags, TcpSegment};
use crate::wire::sccp::encode;

const PHONE: &str = "SEP020000000001";

/// An engine that has seen a phone be refused, and its recorded frames.
fn engine() -> Engine {
    let mut engine = Engine::new(Settings::default());
    let link = EthernetFrame::new(MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2; 6]));
    let ip = Ipv4::new(Ipv4Addr::new(10, 1, 1, 1), Ipv4Addr::new(10, 0, 0, 11));
    let payload = encode::alarm(0, 2, &format!("Name={PHONE} Load=x Last=y"), ip.source);
    for (second, flags, payload) in [
        (1, TcpFlags::SYN, &[][..]),
        (2, TcpFlags::ACK, &payload[..]),
    ] {
        let bytes = link.tcp(
            &ip,
            &TcpSegment {
                source_port: 50_000,
                destination_port: 2000,
                sequence: second,
                acknowledgment: (second > 1).then_some(1),
                flags,
                window: 1000,
                payload,
                payload_length: 0,
            },
        );
        engine.handle(&Record::Frame(Frame::ethernet(
            Timestamp::from_secs(1_700_000_000 + u64::from(second)),
            &bytes,
        )));
    }
    engine
}

fn raised(second: u64, about: Option<finding::Subject>) -> Event {
    raised_at(Timestamp::from_secs(1_700_000_000 + second), about)
}

fn raised_at(at: Timestamp, about: Option<finding::Subject>) -> Event {
    let finding = Finding {
        code: "registration_rejected",
        severity: Severity::Critical,
        since: at,
        raised: at,
        last_seen: at,
        cleared: None,
        count: 1,
        summary: "it was refused".into(),
        evidence: Vec::new(),
        remedy: &[],
        reference: "",
        server: None,
        explained_by: &[],
    };
    Event {
        at,
        subject: about.is_none().then_some(Subject {
            name: DeviceName::from_wire(PHONE.as_bytes()),
            mac: None,
            address: None,
        }),
        kind: EventKind::FindingRaised {
            about,
            finding: Arc::new(finding),
        },
    }
}

/// What the writer makes of so many findings.
async fn written(folder: &Path, config: &str, begin: Timestamp, findings: u64) -> EvidenceState {
    let config = Config::parse("test", config).unwrap();
    let counts = Arc::new(Counts::default());
    let (handle, orders) = orders();
    let mut feed = start(&config, folder, handle, &counts).unwrap();
    let mut engine = engine();
    for number in 0..findings {
        feed.event(&raised_at(begin + Duration::from_millis(number), None));
        feed.publish(&engine.snapshot());
    }
    drop(feed);
    loop {
        orders.carry_out(&mut engine, Timestamp::EPOCH);
        let state = counts.read();
        let done: u64 = state.results.iter().map(|(_, count)| count).sum();
        if done == findings {
            return state;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_writes_few_files_of_the_phone_and_counts_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("evidence");
    let begin = clock::now();
    let state = written(&folder, "[evidence]\nper_minute = 8\n", begin, 50).await;
    assert_eq!(
        state.results,
        [("written", 2), ("failed", 0), ("skipped", 48)]
    );
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [0, 1].map(|number| {
            let at = begin + Duration::from_millis(number);
            evidence::EvidenceName::new(at, "registration_rejected", PHONE).to_string()
        })
    );
    let file = fs::read(folder.join(&names[0])).unwrap();
    assert!(file.windows(15).any(|part| part == PHONE.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_counted_and_stops_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let state = written(&file.join("evidence"), "", clock::now(), 3).await;
    assert_eq!(
        state.results,
        [("written", 0), ("failed", 3), ("skipped", 0)]
    );
    assert_eq!(fs::read(&file).unwrap(), b"");
}

#[test]
fn what_is_old_goes_at_the_start_and_what_a_kill_left() {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::new(&parent.path().join("evidence"));
    let name = |second| {
        let at = Timestamp::from_secs(second);
        evidence::EvidenceName::new(at, "boot_loop", PHONE)
    };
    let now = clock::now().as_nanos() / 1_000_000_000;
    for second in [1000, now - 60, now] {
        folder.write(&name(second), &[0; 100]).unwrap();
    }
    fs::write(folder.path().join(".x.part"), "").unwrap();
    let counts = Arc::new(Counts::default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (engine, _orders) = orders();
    let writer = Writer {
        folder: Folder::new(folder.path()),
        stored: Vec::new(),
        keep_for: Duration::from_secs(3600),
        size: 150,
        sccp_ports: vec![2000],
        engine,
        runtime: runtime.handle().clone(),
        counts: Arc::clone(&counts),
        is_failing: false,
    };
    let (sender, batches) = mpsc::sync_channel(1);
    drop(sender);
    writer.run(&batches);
    let left: Vec<_> = folder.list().into_iter().map(|file| file.name).collect();
    assert_eq!(left, [name(now)]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(counts.read().bytes, 100);
}

#[test]
fn the_engine_is_never_held_up_by_a_writer_that_does_nothing() {
    let counts = Arc::new(Counts::default());
    let (mut feed, batches) = Feed::new(600, Severity::Warning, Arc::clone(&counts));
    let mut engine = engine();
    let mut named = 0;
    for second in 0..10_000 {
        named += usize::from(feed.event(&raised(second, None)).is_some());
        feed.publish(&engine.snapshot());
    }
    drop(feed);
    let waiting: usize = batches.try_iter().map(|batch| batch.planned.len()).sum();
    assert!(waiting <= 4 && named < 300, "{waiting} {named}");
}

#[test]
fn servers_have_evidence_and_the_sensor_has_none() {
    let counts = Arc::new(Counts::default());
    let (mut feed, batches) = Feed::new(600, Severity::Warning, counts);
    let server = Ipv4Addr::new(10, 0, 0, 11).into();
    let name = feed.event(&raised(1, Some(finding::Subject::CallManager(server))));
    assert!(name.unwrap().is_of("CallManager 10.0.0.11"));
    assert_eq!(feed.event(&raised(2, Some(finding::Subject::Sensor))), None);
    feed.publish(&engine().snapshot());
    let batch = batches.try_recv().unwrap();
    assert_eq!(batch.planned.len(), 1);
    // Nobody was ever registered there.
    assert_eq!(batch.planned[0].devices(&batch.snapshot), []);
}
