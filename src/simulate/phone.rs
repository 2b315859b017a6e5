//! One simulated phone: its acts one after the other, each written down only when the one before has been played.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::acts::{Act, Refrain, acts};
use super::boot::{self, CALLMANAGERS, LOAD, NEW_LOAD};
use super::connection::Connection;
use super::random::Random;
use super::script::{Host, Script};
use super::truth::{Fact, PhoneTruth};
use super::{Scenario, signalling};
use crate::net::{DeviceName, MacAddr};
use crate::time::Timestamp;
use crate::wire::sccp::{DeviceType, Register, ResetType, UnregisterStatus, encode};

/// A phone with what it still has to do.
#[derive(Debug)]
pub(super) struct SimulatedPhone {
    pub(super) script: Script,
    pub(super) truth: PhoneTruth,
    pub(super) host: Host,
    /// Its CallManagers, by priority.
    pub(super) callmanagers: [Host; 2],
    acts: VecDeque<Act>,
    /// What follows for ever once all acts are played.
    again: Refrain,
    /// The connection that carries the registration, and the one in reserve.
    pub(super) active: Option<Connection>,
    pub(super) standby: Option<Connection>,
    /// One that has not come to a registration.
    pub(super) attempt: Option<Connection>,
    /// The one on which another station is registered under the same name.
    pub(super) twin: Option<Connection>,
    /// Those of which only the servers still know.
    pub(super) forgotten: [Option<Connection>; 2],
    port: u16,
    load: &'static str,
}

impl SimulatedPhone {
    /// The phone of this number, counted from 0.
    pub(super) fn new(
        number: u32,
        scenario: Scenario,
        seed: u64,
        span: (Timestamp, Duration),
    ) -> Self {
        let (begin, length) = span;
        let mut random = Random::of(seed, u64::from(number));
        let [_, a, b, c] = number.to_be_bytes();
        let mac = MacAddr([0x00, 0x13, 0x80, a, b, c]);
        let name = DeviceName::from_mac(mac);
        let host = Host::phone(mac, address(number));
        let (acts, again) = acts(scenario, &mut random, length);
        let port = 49_152 + (random.number16() >> 3);
        Self {
            script: Script::new(begin, random),
            truth: PhoneTruth::new(mac, name, scenario),
            host,
            callmanagers: CALLMANAGERS,
            acts: acts.into(),
            again,
            active: None,
            standby: None,
            attempt: None,
            twin: None,
            forgotten: [None, None],
            port,
            load: LOAD,
        }
    }

    /// Writes the next part of the script down. `false` where nothing follows.
    pub(super) fn play(&mut self) -> bool {
        if self.acts.is_empty() {
            self.acts = (self.again)(&mut self.script.random).into();
        }
        let Some(act) = self.acts.pop_front() else {
            return self.keepalive_before(Timestamp::FAR_FUTURE);
        };
        let name = self.truth.name;
        let (script, host) = (&mut self.script, &self.host);
        match act {
            Act::Wait(time) => script.pass(time),
            Act::Stay(time) => {
                let until = script.now + time;
                self.acts.push_front(Act::StayUntil(until));
            }
            Act::StayUntil(until) => {
                if self.keepalive_before(until) {
                    self.acts.push_front(act);
                } else {
                    self.script.at(until);
                }
            }
            Act::Link => boot::link(script, host, &name, self.load),
            Act::VoiceVlan => boot::voice_vlan(script, host, &name, self.load),
            Act::Lease(story) => boot::lease(script, host, &name, story),
            Act::Contest => boot::contest(script, host),
            Act::Files(story) => boot::files(script, host, &name, story),
            Act::Upgrade => {
                self.load = NEW_LOAD;
                script.pass(Duration::from_secs(45));
            }
            Act::Names(story) => boot::names(script, host, story),
            Act::Forget => {
                self.active = None;
                self.standby = None;
            }
            Act::Register(last) => self.connects_to_both(last),
            Act::Rejected(reject) => self.rejected(reject),
            Act::Refused => {
                for server in self.callmanagers {
                    let port = self.next_port();
                    Connection::refused(&mut self.script, self.host, port, server);
                    let pause = self.script.random.seconds(1, 3);
                    self.script.pass(pause);
                }
            }
            Act::Answers(answers) => {
                if let Some(active) = &mut self.active {
                    active.answers = answers;
                }
            }
            Act::FallSilent => self.fall_silent(),
            Act::FailOver => {
                if let Some(dead) = self.active.take() {
                    dead.phone_aborts(&mut self.script);
                    self.script.fact(Fact::Left);
                }
                self.register_in_reserve("KeepaliveTO");
            }
            Act::FailBack => self.fail_back(),
            Act::Move => self.moves(),
            Act::UserReset => self.user_reset(),
            Act::AdminReset => self.is_told(ResetType::Reset),
            Act::Do(what) => what(self),
            Act::StayToAge(age) => {
                if let Some(active) = &self.active {
                    self.acts.push_front(Act::StayUntil(active.opened + age));
                }
            }
        }
        true
    }

    /// Plays the keepalive that is due next, if that is before this time.
    pub(super) fn keepalive_before(&mut self, until: Timestamp) -> bool {
        let connections = [&mut self.active, &mut self.standby, &mut self.twin];
        let next = connections
            .into_iter()
            .flatten()
            .min_by_key(|connection| connection.due)
            .filter(|connection| connection.due < until);
        match next {
            Some(connection) => {
                connection.keepalive(&mut self.script);
                true
            }
            None => false,
        }
    }

    /// It registers with the first of its CallManagers and holds the second in reserve.
    pub(super) fn connects_to_both(&mut self, last: &str) {
        let [first, second] = self.callmanagers;
        let connection = self.connect(first);
        self.register(connection, last);
        self.standby = Some(self.connect(second));
    }

    pub(super) fn connect(&mut self, server: Host) -> Connection {
        let port = self.next_port();
        Connection::open(&mut self.script, self.host, port, server)
    }

    /// It asks for a connection and is not answered.
    pub(super) fn attempts(&mut self, server: Host) -> Connection {
        let port = self.next_port();
        Connection::attempt(&mut self.script, self.host, port, server)
    }

    pub(super) fn next_port(&mut self) -> u16 {
        self.port = self.port.checked_add(1).unwrap_or(49_152);
        self.port
    }

    /// Says why it was away, asks to be registered and is, and asks what a phone asks then.
    pub(super) fn register(&mut self, mut connection: Connection, last: &str) {
        self.ask_to_register(&mut connection, last);
        let script = &mut self.script;
        connection.server_sends(script, &signalling::register_ack());
        script.fact(Fact::Registered(connection.server.address));
        connection.phone_acks(script);
        connection.registered(script);
        signalling::ask_the_usual(script, &mut connection, &self.callmanagers);
        self.active = Some(connection);
    }

    pub(super) fn ask_to_register(&mut self, connection: &mut Connection, last: &str) {
        let name = self.truth.name;
        let (address, load) = (self.host.address, self.load);
        let number = signalling::reason_number(last);
        let text = format!("{number}: Name={name} Load={load} Last={last}");
        let script = &mut self.script;
        connection.says(script, &encode::alarm(0, 2, &text, address));
        let register = Register {
            name: Some(name),
            address: Some(address),
            device_type: CISCO_7960,
            protocol_version: Some(7),
            mac: None,
            ipv6: None,
            load: None,
            config_version_stamp: None,
        };
        connection.phone_sends(script, &encode::register(0, &register));
        script.fact(Fact::Registering(load));
    }

    /// Nothing is heard on either connection for two intervals.
    fn fall_silent(&mut self) {
        let Some(active) = &mut self.active else {
            return;
        };
        // Half an interval after the keepalive that does not come, it is a gap.
        self.script.at(active.due + active.interval / 2);
        self.script.fact(Fact::PhoneGap);
        active.due = active.due + active.interval;
        if let Some(standby) = &mut self.standby {
            standby.due = standby.due.max(active.due);
        }
    }

    pub(super) fn register_in_reserve(&mut self, last: &str) {
        if let Some(standby) = self.standby.take() {
            self.register(standby, last);
        }
    }

    fn moves(&mut self) {
        let Some(active) = self.active.take() else {
            return;
        };
        let left = active.server;
        active.server_aborts(&mut self.script);
        self.script.fact(Fact::Left);
        self.register_in_reserve("CM-aborted-TCP");
        self.standby = Some(self.connect(left));
    }

    fn fail_back(&mut self) {
        let Some(mut secondary) = self.active.take() else {
            return;
        };
        let [primary, _] = self.callmanagers;
        let mut connection = self.connect(primary);
        let script = &mut self.script;
        let question = signalling::token_request(self.truth.name, self.host.address, CISCO_7960);
        connection.asks(script, &question, &encode::register_token_ack(0));
        unregister(script, &mut secondary);
        secondary.in_reserve(script);
        self.standby = Some(secondary);
        self.register(connection, "Failback");
    }

    fn user_reset(&mut self) {
        if let Some(active) = &mut self.active {
            for key in signalling::RESET_KEYS {
                active.says(&mut self.script, &signalling::key(key));
                let pause = self
                    .script
                    .random
                    .between(Duration::from_millis(200), Duration::from_millis(600));
                self.script.pass(pause);
            }
        }
        self.leave();
    }

    /// It unregisters and closes both connections.
    pub(super) fn leave(&mut self) {
        if let Some(mut active) = self.active.take() {
            unregister(&mut self.script, &mut active);
            active.phone_closes(&mut self.script);
        }
        if let Some(standby) = self.standby.take() {
            standby.phone_closes(&mut self.script);
        }
    }
}

pub(super) fn unregister(script: &mut Script, connection: &mut Connection) {
    connection.phone_sends(script, &encode::unregister(0, None));
    let answer = encode::unregister_ack(0, UnregisterStatus::Ok);
    connection.server_sends(script, &answer);
    script.fact(Fact::Left);
    connection.phone_acks(script);
}

/// SCCP's number of the Cisco 7960.
pub(super) const CISCO_7960: DeviceType = DeviceType(7);

/// Two hundred phones in each /24, from 10.32.0.0 on.
fn address(number: u32) -> Ipv4Addr {
    const FIRST: u32 = 0x0A20_0000;
    Ipv4Addr::from(FIRST + (number / 200) * 256 + 10 + number % 200)
}
