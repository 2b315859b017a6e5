//! One run of the engine over records, and what came out of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use phonewatch::engine::{
    Engine, Reconfiguration, RestoredState, SavedState, Settings, StateError,
};
use phonewatch::event::{Event, EventKind};
use phonewatch::finding::Finding;
use phonewatch::phone::{CallManager, Device, Pulse, Stage};
use phonewatch::record::{Frame, LinkType, Loss, Record};
use phonewatch::snapshot::{Snapshot, TablePart};
use phonewatch::time::Timestamp;
use phonewatch::trace::{Ports, TraceLine, Tracer};

/// A frame with its own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Captured {
    pub(crate) at: Timestamp,
    pub(crate) link: LinkType,
    pub(crate) source: u16,
    pub(crate) original_length: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Captured {
    /// A whole Ethernet frame of the first source.
    pub(crate) fn ethernet(at: Timestamp, bytes: Vec<u8>) -> Self {
        Self {
            at,
            link: LinkType::Ethernet,
            source: 0,
            original_length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            bytes,
        }
    }

    /// The same frame with other bytes, as many more or fewer on the wire as were captured.
    pub(crate) fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let cut = self.original_length.saturating_sub(length(&self.bytes));
        Self {
            original_length: length(&bytes).saturating_add(cut),
            bytes,
            ..*self
        }
    }
}

/// One record with its own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Frame(Captured),
    Loss(Loss),
}

impl Entry {
    pub(crate) const fn at(&self) -> Timestamp {
        match self {
            Self::Frame(frame) => frame.at,
            Self::Loss(loss) => loss.at,
        }
    }

    pub(crate) const fn frame(&self) -> Option<&Captured> {
        match self {
            Self::Frame(frame) => Some(frame),
            Self::Loss(_) => None,
        }
    }

    fn record(&self) -> Record<'_> {
        match self {
            Self::Frame(frame) => Record::Frame(Frame {
                at: frame.at,
                link: frame.link,
                source: frame.source,
                original_length: frame.original_length,
                bytes: &frame.bytes,
            }),
            Self::Loss(loss) => Record::Loss(*loss),
        }
    }
}

/// Runs the engine as the program does: timers that are due before a record fire first. `until` lets time pass after
/// the last record, before the engine is told that nothing follows.
pub(crate) fn run(settings: Settings, entries: &[Entry], until: Option<Timestamp>) -> Outcome {
    let mut drive = Drive::new(settings);
    for entry in entries {
        drive.take(entry);
    }
    drive.finish(until)
}

/// An engine in the middle of its input.
pub(crate) struct Drive {
    engine: Engine,
    now: Timestamp,
    events: Vec<Event>,
}

impl Drive {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            engine: Engine::new(settings),
            now: Timestamp::EPOCH,
            events: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, entry: &Entry) {
        self.pass_until(entry.at());
        self.engine.handle(&entry.record());
        self.drain();
    }

    /// A timer that nobody asked for.
    pub(crate) fn fire(&mut self, now: Timestamp) {
        self.engine.handle_timeout(now);
        self.drain();
    }

    /// What the flight recorder kept of the device with this name, in words.
    pub(crate) fn trace(&mut self, name: &str) -> Vec<TraceLine> {
        let snapshot = self.engine.snapshot();
        let (id, _) = snapshot
            .devices
            .iter()
            .find(|(_, device)| device.label() == name)
            .expect("the device is known");
        let mut tracer = Tracer::new(Ports {
            sccp: vec![2000],
            secure: vec![2443],
        });
        self.engine
            .recorded(id)
            .map(|kept| tracer.line(&kept.frame()))
            .collect()
    }

    pub(crate) fn reconfigure(&mut self, change: Reconfiguration) {
        self.engine.reconfigure(change, self.now);
        self.drain();
    }

    /// The program stops, and starts again at `at` with what it had saved.
    pub(crate) fn restart(&mut self, settings: Settings, at: Timestamp) {
        const KEEP_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
        let saved = saved_bytes(&self.engine.save());
        let mut engine = Engine::new(settings);
        engine.restore(saved.read(), at, KEEP_FOR);
        self.engine = engine;
        self.now = self.now.max(at);
        self.drain();
    }

    pub(crate) fn save(&self) -> Saved {
        saved_bytes(&self.engine.save())
    }

    pub(crate) fn snapshot(&mut self) -> Arc<Snapshot> {
        self.engine.snapshot()
    }

    pub(crate) fn finish(mut self, until: Option<Timestamp>) -> Outcome {
        if let Some(until) = until {
            self.pass_until(until);
        }
        self.engine.finish();
        self.drain();
        Outcome {
            snapshot: self.engine.snapshot(),
            events: self.events,
        }
    }

    pub(crate) fn pass_until(&mut self, now: Timestamp) {
        const ENOUGH: u32 = 10_000;
        let mut rounds_at_one_time = 0;
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= now) {
            rounds_at_one_time = if due > self.now {
                0
            } else {
                rounds_at_one_time + 1
            };
            assert!(
                rounds_at_one_time < ENOUGH,
                "a timer that is due at {due} does not go away when it fires"
            );
            self.now = self.now.max(due);
            self.engine.handle_timeout(self.now);
            self.drain();
        }
        self.now = self.now.max(now);
    }

    fn drain(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            self.events.push(event);
        }
    }
}

/// What an engine knows, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) site: Vec<u8>,
    pub(crate) parts: Vec<(Vec<u8>, Vec<u8>)>,
}

fn saved_bytes(state: &SavedState) -> Saved {
    let part = |part: TablePart| {
        let devices = part.devices_saved().expect("it can be written");
        (devices, part.pulses_saved().expect("it can be written"))
    };
    Saved {
        site: state.site().expect("it can be written"),
        parts: state.parts().map(part).collect(),
    }
}

impl Saved {
    pub(crate) fn read(&self) -> RestoredState {
        self.try_read().expect("what was written is read")
    }

    pub(crate) fn try_read(&self) -> Result<RestoredState, StateError> {
        let mut state = RestoredState::read(&self.site)?;
        for (devices, pulses) in &self.parts {
            state.read_devices(devices)?;
            state.read_pulses(pulses)?;
        }
        Ok(state)
    }
}

/// What a run leaves behind.
pub(crate) struct Outcome {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) events: Vec<Event>,
}

impl Outcome {
    /// Every finding that was raised, with the event that tells it, in the order of time.
    pub(crate) fn raised(&self) -> impl Iterator<Item = (&Event, &Finding)> {
        self.events.iter().filter_map(|event| {
            if let EventKind::FindingRaised { finding, .. } = &event.kind {
                Some((event, finding.as_ref()))
            } else {
                None
            }
        })
    }

    /// The devices that are shown.
    pub(crate) fn shown(&self) -> Vec<&Device> {
        self.snapshot.shown().map(|device| &**device).collect()
    }

    /// What the shown devices are called, sorted.
    pub(crate) fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = self.snapshot.shown().map(|device| device.label()).collect();
        labels.sort();
        labels
    }

    /// The names of all devices, shown or not, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .snapshot
            .devices
            .iter()
            .filter_map(|(_, device)| device.name)
            .map(|name| name.to_string())
            .collect();
        names.sort();
        names
    }

    /// The one shown device that is called so.
    pub(crate) fn device(&self, label: &str) -> &Device {
        let mut found = self
            .snapshot
            .shown()
            .filter(|device| device.label() == label);
        let Some(device) = found.next() else {
            panic!("no {label} among {:?}", self.labels());
        };
        assert!(found.next().is_none(), "{label} is there twice");
        device
    }

    /// The pulse of a device of this outcome.
    pub(crate) fn pulse(&self, device: &Device) -> Pulse {
        let devices = &self.snapshot.devices;
        let mut all = devices.iter();
        let found = all.find(|(_, known)| std::ptr::eq(Arc::as_ptr(known), device));
        devices.pulse(found.expect("a device of this outcome").0)
    }

    pub(crate) fn callmanager(&self, address: impl Into<IpAddr>) -> &CallManager {
        let address = address.into();
        self.snapshot
            .callmanagers
            .iter()
            .find(|callmanager| callmanager.address == address)
            .map_or_else(
                || {
                    let all: Vec<IpAddr> = self
                        .snapshot
                        .callmanagers
                        .iter()
                        .map(|callmanager| callmanager.address)
                        .collect();
                    panic!("no CallManager {address} among {all:?}")
                },
                |callmanager| &**callmanager,
            )
    }

    /// How many SCCP messages were read, by name.
    pub(crate) fn messages(&self) -> BTreeMap<&'static str, u64> {
        self.snapshot.totals.sccp_messages.iter().collect()
    }

    /// How many TFTP transfers a server ended so.
    pub(crate) fn transfers(&self, server: impl Into<IpAddr>, result: &str) -> u64 {
        let server = server.into();
        self.snapshot
            .totals
            .tftp_transfers
            .iter()
            .find(|(address, _)| *address == server)
            .map_or(0, |(_, results)| results.count(result))
    }

    /// What happened to the device of this name, in order, with the time.
    pub(crate) fn story(&self, name: &str) -> Vec<(Timestamp, &EventKind)> {
        self.events
            .iter()
            .filter(|event| {
                event
                    .subject
                    .and_then(|subject| subject.name)
                    .is_some_and(|found| found.as_str() == name)
            })
            .map(|event| (event.at, &event.kind))
            .collect()
    }

    /// How many events are of a kind.
    pub(crate) fn count(&self, is_wanted: impl Fn(&EventKind) -> bool) -> usize {
        self.events
            .iter()
            .filter(|event| is_wanted(&event.kind))
            .count()
    }

    /// The stages that the device of this name entered, in order.
    pub(crate) fn stages(&self, name: &str) -> Vec<Stage> {
        self.story(name)
            .into_iter()
            .filter_map(|(_, kind)| {
                if let EventKind::StageChanged { to, .. } = kind {
                    Some(*to)
                } else {
                    None
                }
            })
            .collect()
    }
}
