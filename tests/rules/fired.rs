//! Faults on the page of a sensor: a real Prometheus makes alerts of them, which a real Alertmanager receives.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use phonewatch::capture::live::CaptureState;
use phonewatch::diagnosis::CATALOGUE;
use phonewatch::finding::{Finding, Severity, Subject};
use phonewatch::metrics::{AlertState, InterfaceState, ReloadState, SensorState};
use phonewatch::rules::alert_name;
use phonewatch::snapshot::Snapshot;
use phonewatch::time::Timestamp;
use serde_json::Value;

use super::servers::{Alertmanager, Prometheus, Sensor, wait_for};

/// A sensor that suffers from much at once.
pub(crate) fn ailing() -> SensorState {
    let interface = |name: &str, is_up| InterfaceState {
        name: name.to_owned(),
        is_stuck: false,
        capture: CaptureState {
            is_up,
            frames: 1000,
            ..CaptureState::default()
        },
    };
    SensorState {
        interfaces: vec![interface("eth1", true), interface("eth2", false)],
        ring_used_ratio: 0.9,
        lag: Duration::from_secs(9),
        published: Some(Duration::from_millis(500)),
        reload: ReloadState {
            succeeded: false,
            last_success: Timestamp::from_secs(1_700_000_000),
        },
        alerts: AlertState {
            results: vec![("email", "delivered", 1), ("email", "failed", 0)],
            pending: 3,
            ..AlertState::default()
        },
        ..SensorState::starting(Timestamp::from_secs(1_700_000_000))
    }
}

/// Every finding there is, of one server.
fn everything() -> Snapshot {
    let server: IpAddr = [10, 0, 0, 11].into();
    let at = Timestamp::from_secs(1_700_000_000);
    let findings = CATALOGUE.iter().map(|entry| {
        let finding = Finding {
            code: entry.code,
            severity: Severity::Critical,
            since: at,
            raised: at,
            last_seen: at,
            cleared: None,
            count: 1,
            summary: String::new(),
            evidence: Vec::new(),
            remedy: &[],
            reference: "",
            server: None,
            explained_by: &[],
        };
        (Subject::CallManager(server), Arc::new(finding))
    });
    Snapshot {
        findings: findings.collect(),
        ..Snapshot::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_reach_an_alertmanager_with_their_words() {
    let Some(alertmanager) = Alertmanager::start() else {
        return;
    };
    let sensor = Sensor::start(ailing(), 10).await;
    let published = Arc::clone(&sensor.published);
    tokio::spawn(async move {
        // Whatever it suffers from, it sees frames; a blind one would be believed nothing.
        for frames in 1.. {
            let mut snapshot = everything();
            snapshot.totals.frames = frames;
            published.store(Arc::new(snapshot));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let Some(prometheus) = Prometheus::start(&[&sensor], Some(&alertmanager)) else {
        return;
    };
    let mut expected: BTreeSet<String> = CATALOGUE
        .iter()
        .map(|entry| alert_name(entry.code))
        .collect();
    expected.extend(
        [
            "CaptureDown",
            "CaptureSilent",
            "Lag",
            "OutboxStuck",
            "ReloadFailed",
            "RingNearlyFull",
        ]
        .map(|name| format!("Phonewatch{name}")),
    );
    let name = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
    let mut fired = BTreeSet::new();
    let alerts = wait_for("every alert that is expected", || {
        let alerts = prometheus.firing()?;
        fired = alerts.iter().map(name).collect();
        expected.is_subset(&fired).then_some(alerts)
    })
    .await;
    for alert in &alerts {
        for (key, text) in alert["annotations"].as_object().unwrap() {
            let text = text.as_str().unwrap();
            let is_whole = !text.contains("error expanding") && !text.contains("<no value>");
            assert!(
                is_whole && !text.contains("{{"),
                "{} {key}: {text}",
                name(alert)
            );
        }
        let summary = alert["annotations"]["summary"].as_str().unwrap();
        assert!(summary.contains(" at paris"), "{summary}");
    }
    for rule in prometheus.rules().unwrap() {
        assert_eq!(rule["health"], "ok", "{rule:#}");
    }

    let down = wait_for("callmanager_down in Alertmanager", || {
        alertmanager.alert("PhonewatchCallmanagerDown")
    })
    .await;
    assert_eq!(down["labels"]["server"], "10.0.0.11");
    assert_eq!(down["labels"]["site"], "paris");
    assert_eq!(down["labels"]["severity"], "critical");
    assert_eq!(down["receivers"][0]["name"], "on-duty");
    assert_eq!(
        down["annotations"]["summary"],
        "CallManager serves nobody (10.0.0.11) at paris: 1"
    );
    // Its symptoms are there and told to nobody; what it does not explain is.
    wait_for("tcp_refused, inhibited by callmanager_down", || {
        let alert = alertmanager.alert("PhonewatchTcpRefused")?;
        let causes = alert["status"]["inhibitedBy"].as_array()?;
        (alert["status"]["state"] == "suppressed" && !causes.is_empty()).then_some(())
    })
    .await;
    let rejected = wait_for("registration_rejected in Alertmanager", || {
        alertmanager
            .alert("PhonewatchRegistrationRejected")
            .filter(|alert| alert["status"]["state"] == "active")
    })
    .await;
    assert_eq!(
        rejected["status"]["inhibitedBy"].as_array().unwrap().len(),
        0
    );
}
