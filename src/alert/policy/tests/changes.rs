//! What goes on over a restart and with other settings.

use super::*;

#[test]
fn a_restart_announces_nothing_again() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Server, "callmanager_down");
    trial.raise(0, Whom::Phone(1), "cannot_connect");
    trial.raise(0, Whom::Phone(2), "registration_rejected");
    trial.until(100);
    trial.raise(100, Whom::Phone(3), "registration_rejected");
    trial.restart();
    // What still holds is found again, one by one; a phone's alert stays that of its server.
    trial.raise(160, Whom::Phone(1), "cannot_connect");
    trial.raise(170, Whom::Server, "callmanager_down");
    trial.raise(180, Whom::Phone(3), "registration_rejected");
    trial.until(10_000);
    trial.assert_told(&[
        "30 New CRITICAL: CallManager 10.0.0.11 serves nobody (1 phone) [2/0]",
        "30 New CRITICAL: SEP001380000002: registration rejected [1/0]",
        "330 Update CRITICAL: registration rejected: 2 phones (subnet 10.1.0.0/24) [2/0]",
        // The other one was not seen for an hour.
        "3730 Update CRITICAL: SEP001380000003: registration rejected [1/1]",
    ]);
    assert_eq!(trial.told[2].thread, trial.told[1].thread);
}

#[test]
fn other_settings_bring_alerts_to_those_who_are_to_know_now() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.until(60);
    let mut settings = settings("[[alert.route]]\ncodes = ['registration_*']\nreceivers = []");
    settings.receiver.push(second("chat"));
    settings.routes[0].receivers = vec!["chat".into()];
    trial.policy.reconfigure(settings.clone(), at(60));
    trial.raise(70, Whom::Phone(2), "registration_rejected");
    trial.clear(200, Whom::Phone(1), "registration_rejected");
    trial.until(1000);
    let receivers: Vec<(u64, &str)> = trial
        .told
        .iter()
        .map(|told| (seconds(told.at), told.receiver.as_str()))
        .collect();
    // The one who was told hears of the end; the other hears of what holds.
    assert_eq!(
        receivers,
        [(30, "ops"), (90, "chat"), (500, "ops"), (530, "chat")]
    );
    settings.receiver.retain(|receiver| receiver.name != "chat");
    settings.routes.clear();
    trial.policy.reconfigure(settings, at(1000));
    trial.until(2000);
    trial.clear(2000, Whom::Phone(2), "registration_rejected");
    trial.until(90_000);
    assert_eq!(trial.told.len(), 6, "{:?}", trial.told);
    assert!(trial.told.iter().skip(4).all(|told| told.receiver == "ops"));
}

#[test]
fn routes_are_asked_in_order() {
    let mut both = settings(
        "[[alert.route]]\ncodes = ['registration_*']\nreceivers = ['ops']\ncontinue = true\n\
         [[alert.route]]\nseverity = 'critical'\ncallmanagers = ['10.0.0.11']\nreceivers = []\n\
         [[alert.route]]\nsites = ['Lyon*']\ndevice_pools = ['DP-?']\nstages = ['lost']\nreceivers = ['ops']",
    );
    both.receivers = vec!["chat".into()];
    both.receiver.push(second("chat"));
    both.routes[0].receivers = vec!["ops".into(), "chat".into()];
    let facts = |whom: Whom, code, known: Known| match update(whom, code, at(0), true) {
        Update::Raised(facts) | Update::Cleared(facts, _) => Facts { known, ..facts },
    };
    let lyon = Known {
        site: Some("lyon 2".into()),
        device_pool: Some("DP-1".into()),
        stage: Some("lost".into()),
        ..Known::default()
    };
    let moved = Known {
        stage: Some("registered".into()),
        ..lyon.clone()
    };
    for (whom, code, known, receivers) in [
        (
            Whom::Phone(1),
            "registration_rejected",
            Known::default(),
            &["ops", "chat"][..],
        ),
        (Whom::Server, "callmanager_down", Known::default(), &[]),
        (Whom::Phone(1), "cannot_connect", Known::default(), &[]),
        (Whom::Phone(1), "dhcp_refused", lyon, &["ops"]),
        (Whom::Phone(1), "dhcp_refused", moved, &["chat"]),
        (Whom::Sensor, "mirror_lossy", Known::default(), &["chat"]),
    ] {
        assert_eq!(
            route::receivers(&both, &facts(whom, code, known)),
            receivers,
            "{whom:?}"
        );
    }
}
