//! Phones whose keepalives, or the answers to them, meet with trouble.

use std::time::Duration;

use super::acts::{Act, Refrain, boot};
use super::connection::Answers;
use super::phone::SimulatedPhone;
use super::random::Random;
use super::script::Host;

const INTERVAL: Duration = Duration::from_secs(30);
/// Longer than an interval and shorter than two.
const ONE_OR_TWO: Duration = Duration::from_secs(45);

/// Three gaps with answers in between.
pub(super) fn gaps(settle: Duration) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.push(Act::Stay(settle));
    for _ in 0..3 {
        acts.extend([
            Act::Answers(Answers::Tcp),
            Act::Stay(ONE_OR_TWO),
            Act::Answers(Answers::Sccp),
            Act::Stay(ONE_OR_TWO),
        ]);
    }
    acts
}

/// Every keepalive and its answer is sent twice.
pub(super) fn trouble() -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.push(Act::Answers(Answers::WithTrouble));
    acts
}

/// One keepalive is lost on the way there and one answer on the way back, and TCP makes up for it.
pub(super) fn repeated(settle: Duration) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.push(Act::Stay(settle));
    for lost in [Answers::LostOnTheWayThere, Answers::LostOnTheWayBack] {
        acts.extend([
            Act::Answers(lost),
            Act::Stay(INTERVAL),
            Act::Answers(Answers::Sccp),
            Act::Stay(ONE_OR_TWO),
        ]);
    }
    acts
}

/// It boots where the switch ports of the servers are not trusted.
pub(super) fn untrusted() -> Vec<Act> {
    let mut acts = vec![Act::Do(|phone: &mut SimulatedPhone| {
        phone.callmanagers = phone.callmanagers.map(Host::unmarked);
    })];
    acts.extend(boot("Initialized"));
    acts
}

/// Among best-effort traffic, an answer is lost now and then.
pub(super) const LOST: Refrain = |random: &mut Random| {
    vec![
        Act::Stay(random.seconds(100, 200)),
        Act::Answers(Answers::Nothing),
        Act::Stay(INTERVAL),
        Act::Answers(Answers::Sccp),
    ]
};
