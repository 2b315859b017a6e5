//! Phones that leave their primary, and how they come back to it.

use std::time::Duration;

use super::acts::{Act, Refrain, boot};
use super::connection::Answers;
use super::phone::{CISCO_7960, SimulatedPhone, unregister};
use super::random::Random;
use super::signalling;
use crate::wire::sccp::encode;

/// How long a phone watches its primary before it goes back (`connectionMonitorDuration`).
pub(super) const WATCHES: Duration = Duration::from_secs(120);
/// What a busy CallManager tells a phone that wants to come back.
const COME_BACK_LATER: Duration = Duration::from_secs(60);

/// It gives its primary up after so many missed keepalives, and has the primary in reserve from then on.
pub(super) fn goes_after(misses: fn(&mut SimulatedPhone), settle: Duration) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.extend([
        Act::Stay(settle),
        Act::Answers(Answers::Nothing),
        Act::Do(misses),
        Act::FailOver,
        Act::Stay(Duration::from_secs(45)),
        Act::Do(SimulatedPhone::reserves_primary),
    ]);
    acts
}

/// Its primary breaks off; it registers with the secondary, watches the primary, and comes back.
pub(super) fn comes_back(returns: &[Act], settle: Duration) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.extend([Act::Stay(settle), Act::Move, Act::Stay(WATCHES)]);
    acts.extend(returns);
    acts
}

/// The ways back: with a token, with a wait, and without asking.
pub(super) const WITH_TOKEN: [Act; 1] = [Act::Do(SimulatedPhone::returns_with_token)];
pub(super) const UNASKED: [Act; 1] = [Act::Do(SimulatedPhone::returns)];
pub(super) const AFTER_A_WAIT: [Act; 3] = [
    Act::Do(SimulatedPhone::is_told_to_wait),
    Act::Stay(COME_BACK_LATER),
    Act::Do(SimulatedPhone::returns_with_token),
];

/// The primary is gone from the network: every minute or so it is tried in vain.
pub(super) const TRIES_IN_VAIN: Refrain = |random: &mut Random| {
    vec![
        Act::Stay(random.seconds(45, 75)),
        Act::Do(SimulatedPhone::knocks),
        Act::Stay(Duration::from_secs(3)),
        Act::Do(SimulatedPhone::knocks_again),
        Act::Stay(Duration::from_secs(6)),
        Act::Do(SimulatedPhone::knocks_again),
    ]
};

impl SimulatedPhone {
    pub(super) fn misses_one(&mut self) {
        self.misses(1);
    }

    pub(super) fn misses_three(&mut self) {
        self.misses(3);
    }

    /// So many keepalives stay without an answer, each until the next is due.
    fn misses(&mut self, keepalives: u32) {
        for _ in 0..keepalives {
            if let Some(due) = self.active.as_ref().map(|active| active.due) {
                while self.keepalive_before(due + Duration::from_nanos(1)) {}
            }
        }
        if let Some(active) = &self.active {
            active.wait_in_vain(&mut self.script);
        }
    }

    pub(super) fn reserves_primary(&mut self) {
        let [primary, _] = self.callmanagers;
        self.standby = Some(self.connect(primary));
    }

    pub(super) fn is_told_to_wait(&mut self) {
        if let Some(primary) = &mut self.standby {
            let question =
                signalling::token_request(self.truth.name, self.host.address, CISCO_7960);
            let answer = encode::register_token_reject(0, COME_BACK_LATER);
            primary.asks(&mut self.script, &question, &answer);
        }
    }

    pub(super) fn returns_with_token(&mut self) {
        if let Some(primary) = &mut self.standby {
            let question =
                signalling::token_request(self.truth.name, self.host.address, CISCO_7960);
            primary.asks(&mut self.script, &question, &encode::register_token_ack(0));
        }
        self.returns();
    }

    /// It leaves the secondary and registers over its connection to the primary.
    pub(super) fn returns(&mut self) {
        let (Some(mut secondary), Some(primary)) = (self.active.take(), self.standby.take()) else {
            return;
        };
        unregister(&mut self.script, &mut secondary);
        secondary.in_reserve(&self.script);
        self.register(primary, "Failback");
        self.standby = Some(secondary);
    }

    /// A SYN to the primary that nobody answers.
    pub(super) fn knocks(&mut self) {
        let [primary, _] = self.callmanagers;
        self.attempt = Some(self.attempts(primary));
    }

    pub(super) fn knocks_again(&mut self) {
        if let Some(attempt) = &self.attempt {
            attempt.syn(&mut self.script);
        }
    }
}
