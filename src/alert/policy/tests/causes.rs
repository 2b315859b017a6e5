//! What explains others takes them into its own outage.

use super::*;

#[test]
fn symptoms_that_came_first_go_on_under_the_name_of_the_cause() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "cannot_connect");
    trial.raise(0, Whom::Phone(2), "cannot_connect");
    trial.raise(20, Whom::Server, "callmanager_down");
    trial.until(49);
    assert!(trial.told.is_empty(), "the cause came within group_wait");
    trial.until(600);
    trial.assert_told(&["50 New CRITICAL: CallManager 10.0.0.11 serves nobody (2 phones) [3/0]"]);

    let mut trial = Trial::new("");
    trial.raise(0, Whom::Phone(1), "cannot_connect");
    trial.raise(0, Whom::Phone(2), "cannot_connect");
    trial.raise(60, Whom::Server, "callmanager_down");
    trial.until(600);
    trial.clear(600, Whom::Server, "callmanager_down");
    trial.clear(610, Whom::Phone(1), "cannot_connect");
    trial.clear(2000, Whom::Phone(2), "cannot_connect");
    trial.until(10_000);
    trial.assert_told(&[
        "30 New CRITICAL: cannot connect: 2 phones (server 10.0.0.11) [2/0]",
        "90 Update CRITICAL: CallManager 10.0.0.11 serves nobody (2 phones) [3/0]",
        "930 Update CRITICAL: 1 phone still failing; over: CallManager 10.0.0.11 serves n… [1/2]",
        "2300 Resolved RESOLVED: CallManager 10.0.0.11 serves nobody (2 phones) [0/1]",
    ]);
    assert!(
        trial
            .told
            .iter()
            .all(|told| told.thread == trial.told[0].thread)
    );
}

#[test]
fn of_two_outages_with_one_cause_one_goes_on_and_one_joins() {
    let mut trial = Trial::new("");
    trial.raise(0, Whom::Server, "callmanager_down");
    trial.raise(0, Whom::Phone(1), "cannot_connect");
    trial.raise(0, Whom::Phone(2), "registration_rejected");
    trial.until(40);
    trial.raise(50, Whom::Sensor, "mirror_lossy");
    trial.until(2000);
    trial.assert_told(&[
        "30 New CRITICAL: CallManager 10.0.0.11 serves nobody (1 phone) [2/0]",
        "30 New CRITICAL: SEP001380000002: registration rejected [1/0]",
        "50 Joined JOINED: CallManager 10.0.0.11 serves nobody (1 phone) [0/0]",
        "80 Update CRITICAL: the sensor loses frames (2 phones) [4/0]",
    ]);
}
