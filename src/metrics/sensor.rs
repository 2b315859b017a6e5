//! The sensor itself: what it captures, what it misses, what it could not read, and what it holds.

use std::time::Duration;

use super::page::Page;
use crate::capture::live::CaptureState;
use crate::record::LossPlace;
use crate::snapshot::Totals;
use crate::time::Timestamp;

/// What the daemon knows beside the engine, at one moment.
#[derive(Clone, Debug)]
pub struct SensorState {
    /// Every interface that is to be captured.
    pub interfaces: Vec<InterfaceState>,
    /// How full the fullest ring between a capture thread and the engine is: 0 to 1.
    pub ring_used_ratio: f64,
    /// How far the engine is behind the capture.
    pub lag: Duration,
    /// How long ago the engine last published a snapshot; `None` until it has.
    pub published: Option<Duration>,
    /// When the daemon started.
    pub started: Timestamp,
    /// How reading the configuration went.
    pub reload: ReloadState,
    /// What became of alerts.
    pub alerts: AlertState,
    /// What became of the evidence of findings.
    pub evidence: EvidenceState,
}

impl SensorState {
    /// A daemon that has just started: nothing is captured yet, and nothing was published.
    pub fn starting(at: Timestamp) -> Self {
        Self {
            interfaces: Vec::new(),
            ring_used_ratio: 0.0,
            lag: Duration::ZERO,
            published: None,
            started: at,
            reload: ReloadState {
                succeeded: true,
                last_success: at,
            },
            alerts: AlertState::default(),
            evidence: EvidenceState::default(),
        }
    }
}

/// What became of alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertState {
    /// How many messages, by the way they went and by what became of them (`delivered`, `retried`, `failed`).
    pub results: Vec<(&'static str, &'static str, u64)>,
    /// How many messages wait to be delivered.
    pub pending: u64,
    /// What there was no room for.
    pub dropped: u64,
    /// The silences that were asked for and have not ended.
    pub silences: SilenceCounts,
    /// The time in which nothing is sent, if it is now.
    pub maintenance: Option<MaintenanceState>,
}

/// The silences that were asked for and have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SilenceCounts {
    /// Those that hold.
    pub active: u64,
    /// Those that begin later.
    pub pending: u64,
}

/// A time in which nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceState {
    /// Up to this time.
    pub until: Timestamp,
    /// Who asked for it.
    pub author: String,
    /// Why.
    pub reason: String,
}

/// What became of the evidence of findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceState {
    /// How many files, by what became of them (`written`, `failed`, `skipped`).
    pub results: Vec<(&'static str, u64)>,
    /// What the files take that are kept now, in bytes.
    pub bytes: u64,
}

/// One interface.
#[derive(Clone, Debug)]
pub struct InterfaceState {
    /// Its name.
    pub name: String,
    /// Whether its thread has shown no sign of life for so long that it must be stuck.
    pub is_stuck: bool,
    /// What its thread says.
    pub capture: CaptureState,
}

/// How reading the configuration went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadState {
    /// Whether the last attempt succeeded.
    pub succeeded: bool,
    /// When an attempt last succeeded; at first, when the daemon started.
    pub last_success: Timestamp,
}

pub(super) fn add(page: &mut Page, totals: &Totals, sensor: &SensorState) {
    add_capture(page, totals, sensor);
    add_interfaces(page, &sensor.interfaces);
    add_reading(page, totals);
    add_alerts(page, &sensor.alerts);
    add_evidence(page, &sensor.evidence);
    add_daemon(page, sensor);
}

fn add_capture(page: &mut Page, totals: &Totals, sensor: &SensorState) {
    page.counter(
        "phonewatch_capture_frames_total",
        "Frames that reached the engine, copies included.",
        |family| family.number(&[], totals.frames),
    );
    page.counter(
        "phonewatch_capture_bytes_total",
        "Captured bytes of the frames that reached the engine.",
        |family| family.number(&[], totals.bytes),
    );
    page.counter(
        "phonewatch_capture_lost_frames_total",
        "Frames that were lost, by place: the kernel's buffer was full, the network card or its driver dropped them, or \
         the ring before the engine was full.",
        |family| {
            for (place, lost) in LossPlace::ALL.into_iter().zip(totals.lost) {
                family.number(&[("where", place.label())], lost);
            }
        },
    );
    page.counter(
        "phonewatch_capture_blind_total",
        "How often it became known that an unknown number of frames passed unseen; it grows while an interface is down.",
        |family| family.number(&[], totals.blind),
    );
    page.counter(
        "phonewatch_clock_steps_total",
        "How often the clock that stamps frames was set by a second or more, or the machine stood still.",
        |family| family.number(&[], totals.clock_steps),
    );
    page.counter(
        "phonewatch_capture_duplicates_total",
        "Frames that the mirror sent once more.",
        |family| family.number(&[], totals.duplicates),
    );
    page.counter(
        "phonewatch_capture_truncated_frames_total",
        "Frames that the capture's snap length cut.",
        |family| family.number(&[], totals.truncated),
    );
    page.gauge(
        "phonewatch_capture_last_frame_timestamp_seconds",
        "When the last frame was captured that reached the engine, in seconds since the Unix epoch; absent until there \
         was one.",
        |family| {
            if let Some(last) = totals.last {
                family.value(&[], last.as_secs_f64());
            }
        },
    );
    page.gauge(
        "phonewatch_capture_lag_seconds",
        "How far the engine is behind the capture.",
        |family| family.value(&[], sensor.lag.as_secs_f64()),
    );
    page.gauge(
        "phonewatch_ring_used_ratio",
        "How full the fullest ring between a capture thread and the engine is, from 0 to 1.",
        |family| family.value(&[], sensor.ring_used_ratio),
    );
}

fn add_interfaces(page: &mut Page, interfaces: &[InterfaceState]) {
    page.gauge(
        "phonewatch_capture_up",
        "Whether the interface is open, has a carrier and is captured (1) or not (0).",
        |family| {
            for interface in interfaces {
                let is_up = interface.capture.is_up && !interface.is_stuck;
                family.number(&[("interface", &*interface.name)], u64::from(is_up));
            }
        },
    );
    page.counter(
        "phonewatch_capture_interface_frames_total",
        "Frames that the kernel handed over from this interface, those included that the ring had no room for.",
        |family| {
            for interface in interfaces {
                let frames = interface.capture.frames;
                family.number(&[("interface", &*interface.name)], frames);
            }
        },
    );
    page.counter(
        "phonewatch_capture_interface_bytes_total",
        "Bytes on the wire of the frames that the kernel handed over from this interface.",
        |family| {
            for interface in interfaces {
                family.number(&[("interface", &*interface.name)], interface.capture.bytes);
            }
        },
    );
    page.counter(
        "phonewatch_capture_interface_lost_frames_total",
        "Frames of this interface that were lost, by place.",
        |family| {
            for interface in interfaces {
                for place in LossPlace::ALL {
                    let lost = match place {
                        LossPlace::Kernel => interface.capture.kernel_dropped,
                        LossPlace::Interface => interface.capture.interface_dropped,
                        LossPlace::Ring => interface.capture.ring_dropped,
                    };
                    let labels = [("interface", &*interface.name), ("where", place.label())];
                    family.number(&labels, lost);
                }
            }
        },
    );
    page.counter(
        "phonewatch_capture_interface_reopened_total",
        "How often this interface was opened again after its capture had failed.",
        |family| {
            for interface in interfaces {
                let reopened = interface.capture.reopened;
                family.number(&[("interface", &*interface.name)], reopened);
            }
        },
    );
}

fn add_reading(page: &mut Page, totals: &Totals) {
    page.counter(
        "phonewatch_decode_errors_total",
        "Payloads that could not be read, by protocol: truncated ones end early, malformed ones contradict their protocol.",
        |family| {
            for (protocol, errors) in &totals.decode_errors {
                let reasons = ["truncated", "malformed"];
                family.tally(&[("protocol", *protocol)], "reason", reasons, errors);
            }
        },
    );
    page.counter(
        "phonewatch_stream_gaps_total",
        "Places in TCP streams where bytes are missing.",
        |family| family.number(&[], totals.stream_gaps),
    );
    page.counter(
        "phonewatch_sccp_messages_total",
        "SCCP messages that were read, by message.",
        |family| family.tally(&[], "message", [], &totals.sccp_messages),
    );
    page.gauge(
        "phonewatch_tracked",
        "Entries that are held in memory now, by what they are.",
        |family| family.tally(&[], "what", [], &totals.tracked),
    );
    page.counter(
        "phonewatch_evicted_total",
        "Entries that were given up for want of room, by what they were.",
        |family| {
            // What is tracked can be evicted, so it has a count from the start.
            let tracked = totals.tracked.iter().map(|(what, _)| what);
            family.tally(&[], "what", tracked, &totals.evicted);
        },
    );
}

fn add_alerts(page: &mut Page, alerts: &AlertState) {
    page.counter(
        "phonewatch_alerts_total",
        "Alert messages by what became of an attempt to deliver them: delivered, retried (it failed and is tried again) \
         or failed (refused for good).",
        |family| {
            for (channel, result, count) in &alerts.results {
                family.number(&[("channel", *channel), ("result", *result)], *count);
            }
        },
    );
    page.counter(
        "phonewatch_alerts_dropped_total",
        "Alerts and messages that there was no room for, or whose receiver was taken out of the configuration.",
        |family| family.number(&[], alerts.dropped),
    );
    page.gauge(
        "phonewatch_alert_outbox_pending",
        "Alert messages that wait to be delivered.",
        |family| family.number(&[], alerts.pending),
    );
    page.gauge(
        "phonewatch_alert_silences",
        "Silences that were asked for at run time, by state: active, or pending (they begin later).",
        |family| {
            let SilenceCounts { active, pending } = alerts.silences;
            for (state, count) in [("active", active), ("pending", pending)] {
                family.number(&[("state", state)], count);
            }
        },
    );
    page.gauge(
        "phonewatch_maintenance",
        "Whether alerts are held back for maintenance (1) or not (0).",
        |family| family.number(&[], alerts.maintenance.is_some().into()),
    );
}

fn add_evidence(page: &mut Page, evidence: &EvidenceState) {
    page.counter(
        "phonewatch_evidence_files_total",
        "Findings by what became of the frames that prove them: written to a file, failed to be, or skipped (too many at \
         a time, or no frames were kept).",
        |family| {
            for (result, count) in &evidence.results {
                family.number(&[("result", *result)], *count);
            }
        },
    );
    page.gauge(
        "phonewatch_evidence_bytes",
        "Bytes that the kept files of evidence take.",
        |family| family.number(&[], evidence.bytes),
    );
}

fn add_daemon(page: &mut Page, sensor: &SensorState) {
    page.gauge(
        "phonewatch_config_last_reload_successful",
        "Whether the configuration was read without an error when it was last read (1) or not (0).",
        |family| family.number(&[], sensor.reload.succeeded.into()),
    );
    page.gauge(
        "phonewatch_config_last_reload_success_timestamp_seconds",
        "When the configuration was last read without an error, in seconds since the Unix epoch.",
        |family| family.value(&[], sensor.reload.last_success.as_secs_f64()),
    );
    page.gauge(
        "phonewatch_build_info",
        "The version that runs; always 1.",
        |family| family.number(&[("version", env!("CARGO_PKG_VERSION"))], 1),
    );
}
