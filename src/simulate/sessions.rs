//! Phones that register more often than they should, or elsewhere, or twice.

use std::time::Duration;

use super::acts::{Act, Refrain, boot};
use super::boot::{self, CALLMANAGERS, CONFIGURATION, Contents, FileStory, GIVEN};
use super::phone::SimulatedPhone;
use super::random::Random;
use super::script::Host;
use super::truth::Fact;
use crate::net::MacAddr;
use crate::wire::sccp::{ResetType, encode};

/// It passes over its primary.
pub(super) const OUT_OF_ORDER: [Act; 3] = [
    GIVEN,
    CONFIGURATION,
    Act::Do(SimulatedPhone::registers_with_secondary),
];

/// A firewall resets whatever reaches this age, busy or not.
pub(super) fn firewall(length: Duration) -> Vec<Act> {
    let age = Duration::from_secs(8 * 60).min(length / 3);
    let mut acts = boot("Initialized").to_vec();
    let mut lived = age;
    while lived < length {
        acts.extend([Act::StayToAge(age), Act::Do(SimulatedPhone::is_cut_off)]);
        lived += age;
    }
    acts
}

/// Another station takes its name, and both go on.
pub(super) fn duplicate(settle: Duration) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.extend([Act::Stay(settle), Act::Do(SimulatedPhone::twin_registers)]);
    acts
}

/// Its CallManager throws it out and takes it back.
pub(super) const THROWN_OUT: Refrain = |random: &mut Random| {
    vec![
        Act::Stay(random.seconds(60, 120)),
        Act::Do(SimulatedPhone::is_thrown_out),
    ]
};

/// It reads its configuration anew, and registers.
pub(super) fn restart(random: &mut Random, settle: Duration) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    acts.extend([
        Act::Stay(settle),
        Act::Do(|phone: &mut SimulatedPhone| phone.is_told(ResetType::Restart)),
        Act::Wait(random.seconds(3, 8)),
        CONFIGURATION,
        Act::Register("Reset-Restart"),
    ]);
    acts
}

/// Its configuration names the CallManagers the other way round, three times.
pub(super) fn apply_config(random: &mut Random) -> Vec<Act> {
    let mut acts = boot("Initialized").to_vec();
    for _ in 0..3 {
        acts.extend([
            Act::Stay(random.seconds(60, 100)),
            Act::Do(|phone: &mut SimulatedPhone| phone.is_told(ResetType::ApplyConfig)),
            Act::Wait(random.seconds(2, 5)),
            Act::Do(SimulatedPhone::fetches_another_order),
            Act::Register("Reset-Restart"),
        ]);
    }
    acts
}

impl SimulatedPhone {
    fn registers_with_secondary(&mut self) {
        let [_, secondary] = self.callmanagers;
        let connection = self.connect(secondary);
        self.register(connection, "Initialized");
    }

    /// Both its sessions are reset, in its own name or in that of the servers.
    fn is_cut_off(&mut self) {
        let script = &mut self.script;
        let in_its_name = script.random.below(2) == 0;
        let active = self.active.take();
        if active.is_some() {
            script.fact(Fact::Left);
        }
        for connection in [active, self.standby.take()].into_iter().flatten() {
            if in_its_name {
                connection.phone_aborts(script);
            } else {
                connection.server_aborts(script);
            }
        }
        let pause = script.random.seconds(1, 3);
        script.pass(pause);
        self.connects_to_both("CM-reset-TCP");
    }

    /// A station with its name at another address.
    fn twin_registers(&mut self) {
        let MacAddr([_, _, _, a, b, c]) = self.host.mac;
        let [net, _, subnet, last] = self.host.address.octets();
        self.host = Host::phone(
            MacAddr([0x00, 0x1B, 0x54, a, b, c]),
            [net, 96, subnet, last].into(),
        );
        let [primary, _] = self.callmanagers;
        self.twin = self.active.take();
        let connection = self.connect(primary);
        self.script.fact(Fact::HasAddress(self.host.address));
        self.register(connection, "Initialized");
    }

    fn is_thrown_out(&mut self) {
        let Some(active) = self.active.take() else {
            return;
        };
        let script = &mut self.script;
        let server = active.server;
        active.server_closes(script);
        script.fact(Fact::Left);
        let pause = script.random.seconds(2, 6);
        script.pass(pause);
        let connection = self.connect(server);
        self.register(connection, "CM-closed-TCP");
    }

    /// An administrator wants it to begin anew, or to take a changed configuration.
    pub(super) fn is_told(&mut self, what: ResetType) {
        if let Some(active) = &mut self.active {
            active.server_sends(&mut self.script, &encode::reset(0, what));
            active.phone_acks(&mut self.script);
        }
        self.leave();
    }

    fn fetches_another_order(&mut self) {
        self.callmanagers.reverse();
        let contents = if self.callmanagers == CALLMANAGERS {
            Contents::Usual
        } else {
            Contents::SecondaryFirst
        };
        let (host, name) = (&self.host, &self.truth.name);
        let story = FileStory::Configuration(contents);
        boot::files(&mut self.script, host, name, story);
    }
}
