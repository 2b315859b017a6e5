//! The phone looks up the names of its CallManagers.

use std::net::IpAddr;
use std::time::Duration;

use super::{CALLMANAGER_NAMES, CALLMANAGERS, SERVICES, client_port};
use crate::simulate::script::{Host, Script};
use crate::simulate::truth::{DNS_SILENCE, Fact};
use crate::wire::dns::{self, Dns, RecordType, ResponseCode};

/// What the name server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum NameStory {
    /// The addresses.
    Found,
    /// There are no such names.
    NotFound,
    /// Nothing.
    NoAnswer,
}

/// The phone looks up both its CallManagers.
pub(in crate::simulate) fn names(script: &mut Script, phone: &Host, story: NameStory) {
    for (name, callmanager) in CALLMANAGER_NAMES.into_iter().zip(CALLMANAGERS) {
        let client = (phone, client_port(script));
        let server = (&SERVICES, dns::PORT);
        let question = Dns::query(script.random.number16(), name, RecordType::A);
        script.udp(client, server, &question.encode());
        script.fact(Fact::AskedDns);
        let answer = match story {
            NameStory::Found => {
                question.answer(ResponseCode::NO_ERROR, &[IpAddr::V4(callmanager.address)])
            }
            NameStory::NotFound => question.answer(ResponseCode::NAME_ERROR, &[]),
            NameStory::NoAnswer => {
                let asked = script.now;
                for _ in 0..2 {
                    script.pass(Duration::from_secs(4));
                    script.udp(client, server, &question.encode());
                }
                script.at(asked + DNS_SILENCE);
                script.fact(Fact::DnsFailed);
                continue;
            }
        };
        script.udp(server, client, &answer.encode());
        if story == NameStory::NotFound {
            script.fact(Fact::DnsFailed);
        }
    }
}
