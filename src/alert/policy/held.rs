//! One alert, while anything is to be told of it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::alert::key::{Cause, Subnet};
use crate::alert::{Facts, Fingerprint, GroupKey, SubjectKind};
use crate::time::Timestamp;

/// Names a group while the program runs.
pub(super) type GroupNumber = u64;

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) fingerprint: Fingerprint,
    pub(super) facts: Facts,
    /// When that of which it speaks began; a return before its end is not another beginning.
    pub(super) starts_at: Timestamp,
    /// Since when its finding does not hold; it may come back.
    pub(super) cleared: Option<Timestamp>,
    /// Whether it has stayed cleared for long enough.
    pub(super) is_over: bool,
    /// By what it is grouped: its own, or that of the alert that explains it.
    pub(super) key: GroupKey,
    /// It was restored: unless its finding is raised again, it is over then.
    #[serde(skip)]
    pub(super) confirm_by: Option<Timestamp>,
    /// The groups that it is in.
    #[serde(skip)]
    pub(super) groups: Vec<GroupNumber>,
}

/// Under what a finding about a server, or about the sensor (`None`), explains others.
pub(super) type CauseKey = (Box<str>, Option<IpAddr>);

/// Under what this one explains others, if it can.
pub(super) fn explains(facts: &Facts) -> Option<CauseKey> {
    match facts.subject.kind {
        SubjectKind::Server => Some((facts.code.clone(), Some(facts.subject.address?))),
        SubjectKind::Sensor => Some((facts.code.clone(), None)),
        SubjectKind::Device => None,
    }
}

/// Where to look for what explains this one.
pub(super) fn explained_by(facts: &Facts) -> impl Iterator<Item = CauseKey> {
    facts.explained_by().iter().flat_map(|code| {
        let at_server = facts.server.map(|server| ((*code).into(), Some(server)));
        at_server.into_iter().chain([((*code).into(), None)])
    })
}

/// By what an alert is grouped that nothing explains.
pub(super) fn own_key(facts: &Facts) -> GroupKey {
    let switch = facts.known.switch.as_deref().map(ToOwned::to_owned);
    let switch = switch.map(Cause::Switch);
    let subnet = facts.subject.address.map(Subnet::of).map(Cause::Subnet);
    let is_at_the_link =
        crate::diagnosis::entry(&facts.code).is_some_and(|entry| entry.stage == "link");
    let cause = match (facts.subject.kind, facts.server) {
        (SubjectKind::Sensor, _) => Cause::Sensor,
        (SubjectKind::Server | SubjectKind::Device, Some(server)) => Cause::Server(server),
        (SubjectKind::Server, None) => Cause::Unknown,
        (SubjectKind::Device, None) if is_at_the_link => {
            switch.or(subnet).unwrap_or(Cause::Unknown)
        }
        (SubjectKind::Device, None) => subnet.or(switch).unwrap_or(Cause::Unknown),
    };
    GroupKey {
        code: facts.code.as_ref().to_owned(),
        cause,
    }
}
