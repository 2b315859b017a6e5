//! Silences and maintenance.

use super::*;

#[test]
fn a_silence_mutes_and_what_still_holds_after_it_is_told() {
    let mut trial = Trial::new("alert.repeat_interval = '10m'");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.until(60);
    let silence = Silence {
        phones: globs(&["sep001380000001", "SEP*2"]),
        end: at(3600),
        ..Silence::default()
    };
    assert_eq!(trial.policy.silence(silence, at(60)), Some(1));
    trial.raise(100, Whom::Phone(2), "registration_rejected");
    trial.raise(100, Whom::Phone(257), "registration_rejected");
    trial.until(4000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "130 New CRITICAL: SEP001380000101: registration rejected [1/0]",
        "730 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "1330 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "1930 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "2530 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "3130 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
        "3600 Update CRITICAL: registration rejected: 2 phones (subnet 10.1.0.0/24) [2/0]",
        "3730 Repeat CRITICAL: SEP001380000101: registration rejected [1/0]",
    ]);
    assert!(trial.policy.silences().is_empty());
}

#[test]
fn what_came_and_went_in_a_silence_is_never_told_and_an_end_always_is() {
    let mut trial = Trial::new("[[alert.silence]]\ndays = ['sun']\nfrom = '12:10'\nto = '13:00'");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.raise(700, Whom::Phone(2), "registration_rejected");
    trial.clear(800, Whom::Phone(2), "registration_rejected");
    trial.clear(1000, Whom::Phone(1), "registration_rejected");
    trial.raise(2000, Whom::Phone(3), "registration_rejected");
    trial.until(10_000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "1300 Resolved RESOLVED: SEP001380000001: registration rejected [0/1]",
        "3600 New CRITICAL: SEP001380000003: registration rejected [1/0]",
    ]);
}

#[test]
fn a_silenced_cause_silences_what_it_explains() {
    let mut trial = Trial::new("");
    let silence = Silence {
        codes: globs(&["callmanager_*"]),
        servers: vec![CALLMANAGER],
        end: at(1000),
        ..Silence::default()
    };
    trial.policy.silence(silence, at(0));
    trial.raise(0, Whom::Server, "callmanager_down");
    trial.raise(10, Whom::Phone(1), "cannot_connect");
    trial.until(500);
    assert!(trial.told.is_empty());
    assert!(trial.policy.end_silence(1, trial.now));
    assert!(!trial.policy.end_silence(1, trial.now));
    trial.collect();
    trial.assert_told(&["500 New CRITICAL: CallManager 10.0.0.11 serves nobody (1 phone) [2/0]"]);
}

#[test]
fn a_silence_that_begins_later_lets_through_what_comes_before() {
    let mut trial = Trial::new("");
    let silence = Silence {
        phones: globs(&["SEP*"]),
        start: at(100),
        end: at(1000),
        ..Silence::default()
    };
    trial.policy.silence(silence, at(0));
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.raise(90, Whom::Phone(257), "registration_rejected");
    trial.restart();
    trial.raise(95, Whom::Phone(1), "registration_rejected");
    trial.raise(95, Whom::Phone(257), "registration_rejected");
    trial.until(2000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "1000 New CRITICAL: SEP001380000101: registration rejected [1/0]",
    ]);
}

#[test]
fn maintenance_ends_by_itself_or_at_once() {
    let mut trial = Trial::new("");
    trial.until(60);
    trial.policy.maintenance(Some(maintenance(3600)), at(60));
    trial.raise(100, Whom::Phone(1), "registration_rejected");
    trial.until(200);
    trial.policy.maintenance(None, at(200));
    trial.collect();
    assert_eq!(trial.policy.in_maintenance(), None);
    trial.assert_told(&["200 New CRITICAL: SEP001380000001: registration rejected [1/0]"]);
    // One that is over already is none.
    trial.policy.maintenance(Some(maintenance(150)), at(200));
    assert_eq!(trial.policy.in_maintenance(), None);
}

#[test]
fn in_maintenance_nothing_is_sent_and_then_what_holds() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "registration_rejected");
    trial.until(60);
    trial.policy.maintenance(Some(maintenance(3600)), at(60));
    trial.clear(100, Whom::Phone(1), "registration_rejected");
    trial.raise(200, Whom::Phone(257), "registration_rejected");
    trial.raise(200, Whom::Phone(513), "registration_rejected");
    trial.clear(300, Whom::Phone(513), "registration_rejected");
    trial.restart();
    trial.raise(400, Whom::Phone(257), "registration_rejected");
    trial.until(3599);
    assert_eq!(trial.told.len(), 1);
    assert_eq!(trial.policy.in_maintenance(), Some(&maintenance(3600)));
    trial.until(5000);
    trial.assert_told(&[
        "30 New CRITICAL: SEP001380000001: registration rejected [1/0]",
        "3600 Resolved RESOLVED: SEP001380000001: registration rejected [0/1]",
        "3600 New CRITICAL: SEP001380000101: registration rejected [1/0]",
    ]);
    assert_eq!(trial.policy.in_maintenance(), None);
}
