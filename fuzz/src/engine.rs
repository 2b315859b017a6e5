//! The engine as a whole, and what is written from what it knows.

use std::time::Duration;

use phonewatch::config::PerPhone;
use phonewatch::engine::{Engine, Limits, Settings};
use phonewatch::flow::tcp::StreamLimits;
use phonewatch::metrics::{self, MetricsSettings, SensorState};
use phonewatch::record::{Frame, Loss, LossPlace, Record};
use phonewatch::report::{CaptureFacts, Report, Style, table};
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;

use super::decoders::LINKS;
use super::input::pieces;

/// Limits so small that a few hundred frames reach them.
pub const NARROW: Limits = Limits {
    devices: 40,
    strangers: 20,
    connections: 30,
    callmanagers: 6,
    transfers: 8,
    dns_names: 10,
    fragment_bytes: 16 << 10,
    stream: StreamLimits {
        bytes: 4096,
        segments: 8,
    },
    streams_bytes: 16 << 10,
    config_file_bytes: 4096,
    events: 64,
    recorder_bytes: 4096,
    recorder_frames: 4,
};

/// What stands for a loss instead of a frame.
pub const LOSS: u8 = 0xFF;

/// What says that the time goes back.
pub const BACK: u8 = 0x80;

/// Frames and losses at their times, from two sources.
pub fn engine(bytes: &[u8]) {
    let settings = Settings {
        limits: NARROW,
        ..Settings::default()
    };
    let mut engine = Engine::new(settings);
    let mut at = Timestamp::from_secs(1_700_000_000);
    for ([flags, low, high, source], piece) in pieces(bytes) {
        let step = Duration::from_millis(u16::from_le_bytes([low, high]).into());
        at = if flags != LOSS && flags & BACK != 0 {
            Timestamp::from_nanos(at.as_nanos() - u64::try_from(step.as_nanos()).unwrap_or(0))
        } else {
            at + step
        };
        let source = u16::from(source & 1);
        let record = if flags == LOSS {
            Record::Loss(Loss {
                at,
                source,
                place: LossPlace::ALL[usize::from(low) % LossPlace::ALL.len()],
                frames: u64::from(high),
            })
        } else {
            Record::Frame(Frame {
                at,
                link: LINKS[usize::from(flags & 0x7F) % LINKS.len()],
                source,
                original_length: u32::try_from(piece.len()).unwrap_or(u32::MAX)
                    + u32::from(high & 1),
                bytes: piece,
            })
        };
        pass(&mut engine, at);
        engine.handle(&record);
        while engine.poll_event().is_some() {}
    }
    pass(&mut engine, at + Duration::from_secs(3600));
    engine.finish();
    let snapshot = engine.snapshot();
    assert_bounded(&snapshot, &NARROW);
    assert_readable(&snapshot);
}

/// Fires what is due; a timer that does not go away is a panic, not a hang.
fn pass(engine: &mut Engine, now: Timestamp) {
    for _ in 0..100_000 {
        match engine.poll_timeout() {
            Some(due) if due < now => engine.handle_timeout(due),
            _ => return,
        }
    }
    panic!("timers fire without an end before {now}");
}

/// No more of anything is held than the limits allow.
pub fn assert_bounded(snapshot: &Snapshot, limits: &Limits) {
    let devices = limits.devices + limits.strangers;
    assert!(
        snapshot.devices.len() <= devices,
        "{} devices",
        snapshot.devices.len()
    );
    assert!(snapshot.callmanagers.len() <= limits.callmanagers);
    for (what, held) in snapshot.totals.tracked.iter() {
        let limit = match what {
            "devices" => devices,
            "strangers" => limits.strangers,
            "connections" => limits.connections,
            "callmanagers" => limits.callmanagers,
            "transfers" => limits.transfers,
            "dns_names" => limits.dns_names,
            "fragment_bytes" => limits.fragment_bytes,
            "recorder_bytes" => limits.recorder_bytes,
            "stream_bytes" => limits.streams_bytes,
            // What belongs to one of these, a few of each.
            _ => (devices + limits.connections) * 8,
        };
        assert!(
            usize::try_from(held).is_ok_and(|held| held <= limit),
            "{held} {what}, and the limit is {limit}"
        );
    }
}

/// Whatever the names say, a report is JSON and a table of text, and a page of metrics is one line for each series.
pub fn assert_readable(snapshot: &Snapshot) {
    let facts = CaptureFacts {
        files: Vec::new(),
        problems: Vec::new(),
        elapsed: Duration::ZERO,
    };
    let report = Report::new(snapshot, facts);
    let json = serde_json::to_string(&report).expect("a report is JSON");
    assert!(!json.chars().any(char::is_control), "{json}");
    let style = Style {
        colour: false,
        width: None,
    };
    let table = table(&report, style);
    let is_obeyed = |letter: char| letter.is_control() && letter != '\n';
    assert!(!table.chars().any(is_obeyed), "{table:?}");

    let settings = MetricsSettings {
        per_phone: PerPhone::All,
        per_phone_limit: 100,
    };
    let sensor = SensorState::starting(Timestamp::EPOCH);
    let page = metrics::render(snapshot, &sensor, &settings).expect("a page");
    for line in page.lines() {
        let is_series = line.starts_with("# ") || line.starts_with("phonewatch_");
        assert!(is_series || line.starts_with("process_"), "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}
