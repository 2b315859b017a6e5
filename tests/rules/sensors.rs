//! Two sensors, each of which sees one CallManager: a phone that goes to and fro between both is found by a real Prometheus
//! that scrapes them, and by neither alone.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use phonewatch::engine::{Engine, Settings};
use phonewatch::record::{Frame, Record};
use phonewatch::simulate::{Fleet, FleetFrame, Plan};
use phonewatch::snapshot::Snapshot;
use serde_json::Value;

use super::fired::ailing;
use super::servers::{Prometheus, Sensor, wait_for};

/// The CallManagers of simulated fleets.
const CALLMANAGERS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 11), Ipv4Addr::new(10, 0, 0, 12)];

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_flaps_between_the_callmanagers_of_two_sensors_is_found() {
    let fleet = Fleet::new(&Plan {
        shares: vec!["flapping:1".parse().unwrap(), "healthy:2".parse().unwrap()],
        phones: 3,
        length: Duration::from_secs(60 * 60),
        seed: 3,
    });
    let mut whole = View::default();
    let mut views = [View::default(), View::default()];
    let mut sensors = Vec::new();
    for _ in CALLMANAGERS {
        sensors.push(Sensor::start(ailing(), 10).await);
    }
    let Some(prometheus) = Prometheus::start(&[&sensors[0], &sensors[1]], None) else {
        return;
    };
    let across = |alert: &Value| alert["labels"]["alertname"] == "PhonewatchFlappingAcrossSensors";
    let mut moves = 0;
    let mut registrations = 0;
    for frame in fleet {
        whole.see(&frame);
        for (view, callmanager) in views.iter_mut().zip(CALLMANAGERS) {
            if is_of(&frame, callmanager) {
                view.see(&frame);
            }
        }
        let of_all: u64 = views.iter().map(View::registrations).sum();
        if of_all == registrations {
            continue;
        }
        registrations = of_all;
        moves = whole.moves();
        let frames: u64 = views.iter().map(|view| view.snapshot.totals.frames).sum();
        for (sensor, view) in sensors.iter().zip(&views) {
            sensor.published.store(Arc::clone(&view.snapshot));
        }
        // Rules were evaluated after both sensors were scraped like this.
        let seen = format!(
            "sum(phonewatch_capture_frames_total) == {frames} and min(timestamp(site:phonewatch_phone_up:sum)) > \
             max(timestamp(phonewatch_capture_frames_total))"
        );
        wait_for(&seen, || prometheus.value(&seen)).await;
        if moves < 3 {
            let alerts = prometheus.firing().unwrap();
            assert!(
                !alerts.iter().any(across),
                "after {moves} moves: {alerts:?}"
            );
        }
        if moves >= 4 {
            break;
        }
    }
    assert_eq!(moves, 4, "the phone went to and fro");
    for view in &views {
        assert_eq!(view.moves(), 0, "a sensor sees only its half");
        assert_eq!(
            view.snapshot
                .totals
                .findings_raised
                .count("registration_flapping"),
            0
        );
    }
    let alert = wait_for("the flapping phone", || {
        prometheus.firing()?.into_iter().find(across)
    })
    .await;
    assert_eq!(alert["labels"]["site"], "paris");
    let flapping = whole
        .snapshot
        .shown()
        .find(|device| device.registration.moves > 0);
    let name = flapping.unwrap().label();
    let description = alert["annotations"]["description"].as_str().unwrap();
    assert!(description.contains(&name), "{name}: {description}");
    let counted = prometheus.value("site:phonewatch_phone_moves:resets30m > 0");
    assert!(counted.is_some_and(|counted| counted >= 3.0), "{counted:?}");
    // Each phone is registered once, however many sensors have seen it.
    let registered = prometheus.value("site:phonewatch_callmanager_registered_phones:sum");
    let truth = whole.snapshot.callmanagers.iter();
    let truth: u64 = truth.map(|server| server.registered_phones).sum();
    assert_eq!(
        registered.map(|number| number.to_string()),
        Some(truth.to_string())
    );
}

/// What one sensor knows.
struct View {
    engine: Engine,
    snapshot: Arc<Snapshot>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            engine: Engine::new(Settings::default()),
            snapshot: Arc::default(),
        }
    }
}

impl View {
    fn see(&mut self, frame: &FleetFrame) {
        self.engine.handle_timeout(frame.at);
        self.engine
            .handle(&Record::Frame(Frame::ethernet(frame.at, &frame.bytes)));
        while self.engine.poll_event().is_some() {}
        self.snapshot = self.engine.snapshot();
    }

    fn registrations(&self) -> u64 {
        let devices = self.snapshot.shown();
        devices
            .map(|device| device.registration.registrations)
            .sum()
    }

    fn moves(&self) -> u64 {
        let devices = self.snapshot.shown();
        devices.map(|device| device.registration.moves).sum()
    }
}

/// Whether a frame without tags goes to this server or comes from it.
fn is_of(frame: &FleetFrame, server: Ipv4Addr) -> bool {
    const ADDRESSES: [std::ops::Range<usize>; 2] = [26..30, 30..34];
    ADDRESSES
        .into_iter()
        .any(|place| frame.bytes.get(place) == Some(&server.octets()[..]))
}
