//! What strikes many phones at one moment.

use std::time::Duration;

use super::BEGIN;
use super::acts::{Act, boot};
use super::connection::{Answers, Connection};
use super::failover::WATCHES;
use super::phone::SimulatedPhone;
use super::random::Random;
use super::truth::Fact;
use crate::time::Timestamp;

/// The moment: when two fifths of the simulation are over.
fn moment(length: Duration) -> Timestamp {
    BEGIN + length * 2 / 5
}

/// The building is without power for a moment. Its CallManager finds out when the phones are back already.
pub(super) fn power_cut(length: Duration) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.extend([
        Act::StayUntil(moment(length)),
        Act::Do(SimulatedPhone::loses_power),
        Act::Link,
    ]);
    acts.extend(boot("Initialized"));
    acts.extend([
        Act::Stay(Duration::from_secs(70)),
        Act::Do(SimulatedPhone::is_missed),
    ]);
    acts
}

/// CallManager dies: it closes all connections, and refuses new ones until it runs again.
pub(super) fn crash(random: &mut Random, length: Duration) -> Vec<Act> {
    let dies = moment(length);
    let runs_again = dies + Duration::from_secs(180).min(length / 5);
    let mut acts = boot("Initialized").to_vec();
    acts.extend([
        Act::StayUntil(dies),
        Act::Do(SimulatedPhone::loses_callmanager),
    ]);
    let mut tries = dies + random.seconds(15, 45);
    while tries + Duration::from_secs(5) < runs_again {
        acts.extend([
            Act::StayUntil(tries),
            Act::Do(SimulatedPhone::is_refused_by_primary),
        ]);
        tries = tries + random.seconds(30, 45);
    }
    acts.extend([
        Act::StayUntil(runs_again + random.seconds(5, 35)),
        Act::Do(SimulatedPhone::reserves_primary),
        Act::Stay(WATCHES.min(length / 8)),
        Act::Do(SimulatedPhone::returns_with_token),
    ]);
    acts
}

/// The primary vanishes.
pub(super) fn callmanager_dark(length: Duration) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.extend([
        Act::StayUntil(moment(length)),
        Act::Answers(Answers::Nothing),
        Act::Do(SimulatedPhone::misses_three),
        Act::FailOver,
    ]);
    acts
}

impl SimulatedPhone {
    /// It is gone without a word, and comes back soon.
    fn loses_power(&mut self) {
        let script = &mut self.script;
        let mut back = script.now + script.random.seconds(10, 39);
        if let Some(active) = &self.active {
            let gap = active.spoke + active.interval * 3 / 2;
            // What comes first at the border is not for a test to say.
            if back.distance(gap) < Duration::from_millis(500) {
                back = back + Duration::from_secs(1);
            }
            if gap < back {
                script.at(gap);
                script.fact(Fact::PhoneGap);
            }
        }
        script.at(back);
        script.fact(Fact::Left);
        self.forgotten = [self.active.take(), self.standby.take()];
    }

    /// Its CallManagers close the connections that it had before it lost its power.
    fn is_missed(&mut self) {
        let forgotten = std::mem::take(&mut self.forgotten);
        for connection in forgotten.into_iter().flatten() {
            connection.server_closes_late(&mut self.script);
        }
    }

    fn loses_callmanager(&mut self) {
        let Some(active) = self.active.take() else {
            return;
        };
        let script = &mut self.script;
        let within = script
            .random
            .between(Duration::ZERO, Duration::from_millis(990));
        script.pass(within);
        let last = if script.random.below(2) == 0 {
            active.server_closes(script);
            "CM-closed-TCP"
        } else {
            active.server_aborts(script);
            "CM-reset-TCP"
        };
        script.fact(Fact::Left);
        let pause = script.random.seconds(1, 3);
        script.pass(pause);
        self.is_refused_by_primary();
        self.register_in_reserve(last);
    }

    fn is_refused_by_primary(&mut self) {
        let [primary, _] = self.callmanagers;
        let port = self.next_port();
        Connection::refused(&mut self.script, self.host, port, primary);
    }
}
