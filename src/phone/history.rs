//! What befell a device's registrations lately. Only devices with such a past have one.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::attempts::Attempts;
use super::keepalive::OpenGap;
use super::labels::{self, Label};
use super::pace::{Pace, SlowBoot};
use super::registration::{EndCause, RegistrationKind};
use crate::time::Timestamp;

/// The latest moments of a device's registrations, and what has not come to an end.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct History {
    moments: VecDeque<Moment>,
    /// Servers that it cannot connect to.
    pub attempts: Attempts,
    /// Rejects since it was last registered.
    pub rejects: Option<Box<Run>>,
    /// Registers without an answer since anybody last answered one.
    pub unanswered: Option<Box<Run>>,
    /// Another address from which its name is used at the same time.
    pub rival: Option<Box<Rival>>,
    /// How long the steps of the boot under way take.
    #[serde(skip)]
    pub pace: Option<Box<Pace>>,
    /// The last boot that took too long.
    pub slow_boot: Option<Box<SlowBoot>>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

/// What can happen to a registration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Happening {
    /// The device registered.
    Registered {
        /// With this server.
        callmanager: IpAddr,
        /// From this address.
        client: IpAddr,
        /// What it was, seen from the one before.
        kind: RegistrationKind,
        /// Whether somebody wanted it so, or may have: it follows a reset, or lost frames.
        is_expected: bool,
        /// How its frames and the server's were marked.
        marks: Marks,
    },
    /// The registration ended.
    Ended {
        /// With this server.
        callmanager: IpAddr,
        /// When it had begun, as far as that was seen.
        since: Timestamp,
        /// Why.
        cause: EndCause,
        /// The gap in the keepalives that was open then.
        gap: Option<OpenGap>,
    },
    /// The CallManager told the device to reset; how.
    Told(#[serde(deserialize_with = "labels::told")] Label),
    /// The device said why its last session had ended.
    Said {
        /// The reason's label.
        #[serde(deserialize_with = "labels::reason")]
        label: Label,
        /// As the device put it.
        text: Box<str>,
    },
    /// A CallManager rejected it.
    Rejected {
        /// Which.
        callmanager: IpAddr,
        /// The text of the reject.
        text: Box<str>,
    },
}

/// The DSCP of both directions of a connection, as far as seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Marks {
    /// Of the device's frames.
    pub phone: Option<u8>,
    /// Of the server's frames.
    pub callmanager: Option<u8>,
}

/// The same thing several times in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Run {
    /// The server that did it last, or failed to.
    pub callmanager: IpAddr,
    /// When it first happened.
    pub first: Timestamp,
    /// When it last happened.
    pub last: Timestamp,
    /// How often.
    pub times: u32,
}

/// One name used from two addresses at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rival {
    /// The two addresses, the smaller one first.
    pub addresses: [IpAddr; 2],
    /// The server at which the one of them that is not the device's present one goes on.
    pub callmanager: IpAddr,
    /// When it was first heard beside the other.
    pub first: Timestamp,
    /// When it was last heard so.
    pub last: Timestamp,
    /// How many keepalives came from it beside the other's registration.
    pub keepalives: u32,
}

impl History {
    /// More moments than these are never looked at.
    const MOMENTS: usize = 32;

    /// A reset explains what the device does within this time.
    const EXPLAINS: Duration = Duration::from_secs(15 * 60);

    /// Something happened.
    pub fn note(&mut self, at: Timestamp, what: Happening) {
        while self.moments.len() >= Self::MOMENTS {
            self.moments.pop_front();
        }
        self.moments.push_back(Moment { at, what });
    }

    /// The latest moments, in the order of time.
    pub fn moments(&self) -> impl DoubleEndedIterator<Item = &Moment> {
        self.moments.iter()
    }

    /// Whether nothing is left that anybody could ask about.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// When a registration last ended.
    pub fn last_end(&self) -> Option<Timestamp> {
        self.moments()
            .rev()
            .find(|moment| matches!(moment.what, Happening::Ended { .. }))
            .map(|moment| moment.at)
    }

    /// When the registration with this server last ended.
    pub fn left(&self, server: IpAddr) -> Option<Timestamp> {
        self.moments()
            .rev()
            .find(|moment| {
                matches!(&moment.what, Happening::Ended { callmanager, .. } if *callmanager == server)
            })
            .map(|moment| moment.at)
    }

    /// Whether somebody reset the device since it last registered, so that what it does now is expected.
    pub fn follows_a_reset(&self, now: Timestamp) -> bool {
        self.moments()
            .rev()
            .take_while(|moment| !matches!(moment.what, Happening::Registered { .. }))
            .filter(|moment| now.since(moment.at) < Self::EXPLAINS)
            .any(|moment| moment.what.is_reset())
    }

    /// One more reject.
    pub fn rejected(&mut self, callmanager: IpAddr, text: &str, at: Timestamp) {
        Run::more(&mut self.rejects, callmanager, at);
        let text = text.into();
        self.note(at, Happening::Rejected { callmanager, text });
    }

    /// The Register of `asked` was not answered. One that is noted already is not counted again.
    pub fn unanswered(&mut self, callmanager: IpAddr, asked: Timestamp) {
        let is_known = self
            .unanswered
            .as_ref()
            .is_some_and(|run| run.last >= asked);
        if !is_known {
            Run::more(&mut self.unanswered, callmanager, asked);
        }
    }

    /// A keepalive came from `other` at a time when the device is registered from `own`.
    pub fn rival_spoke(&mut self, own: IpAddr, other: IpAddr, callmanager: IpAddr, at: Timestamp) {
        let addresses = [own.min(other), own.max(other)];
        let known = self
            .rival
            .as_deref()
            .filter(|rival| rival.addresses == addresses);
        self.rival = Some(Box::new(Rival {
            addresses,
            callmanager,
            first: known.map_or(at, |rival| rival.first),
            last: at,
            keepalives: known.map_or(0, |rival| rival.keepalives).saturating_add(1),
        }));
    }

    /// The device is registered: nobody rejects it now, or leaves it without an answer.
    pub fn settled(&mut self) {
        self.rejects = None;
        self.unanswered = None;
    }

    /// Takes over what was known under another record of the same device.
    pub(super) fn absorb(&mut self, other: Self) {
        self.moments.extend(other.moments);
        self.moments
            .make_contiguous()
            .sort_by_key(|moment| moment.at);
        while self.moments.len() > Self::MOMENTS {
            self.moments.pop_front();
        }
        self.attempts.absorb(other.attempts);
        self.rejects = self.rejects.take().or(other.rejects);
        self.unanswered = self.unanswered.take().or(other.unanswered);
        self.rival = self.rival.take().or(other.rival);
        self.pace = match (self.pace.take(), other.pace) {
            (Some(own), Some(others)) => Some(Box::new(own.joined(*others))),
            (own, others) => own.or(others),
        };
        self.slow_boot = self.slow_boot.take().or(other.slow_boot);
    }
}

impl Happening {
    /// Whether it is a reset that somebody wanted: CallManager's administrator, or the user.
    pub fn is_reset(&self) -> bool {
        match self {
            Self::Told(_) => true,
            Self::Ended { cause, .. } => matches!(cause, EndCause::Reset | EndCause::User),
            Self::Said { label, .. } => is_user(label) || is_callmanager(label),
            Self::Registered { .. } | Self::Rejected { .. } => false,
        }
    }

    /// Whether it is a reset by the user.
    pub fn is_user_reset(&self) -> bool {
        match self {
            Self::Ended { cause, .. } => *cause == EndCause::User,
            Self::Said { label, .. } => is_user(label),
            Self::Told(_) | Self::Registered { .. } | Self::Rejected { .. } => false,
        }
    }

    /// Whether it is a reset by CallManager.
    pub fn is_callmanager_reset(&self) -> bool {
        match self {
            Self::Told(_) => true,
            Self::Ended { cause, .. } => *cause == EndCause::Reset,
            Self::Said { label, .. } => is_callmanager(label),
            Self::Registered { .. } | Self::Rejected { .. } => false,
        }
    }
}

/// Whether a reset reason of this label is the user's doing.
fn is_user(label: &str) -> bool {
    label == "phone_keypad"
}

/// Whether a reset reason of this label is CallManager's doing.
fn is_callmanager(label: &str) -> bool {
    matches!(label, "reset_reset" | "reset_restart" | "apply_config")
}

impl Run {
    fn more(run: &mut Option<Box<Self>>, callmanager: IpAddr, at: Timestamp) {
        let known = run.as_deref();
        *run = Some(Box::new(Self {
            callmanager,
            first: known.map_or(at, |run| run.first),
            last: at,
            times: known.map_or(0, |run| run.times).saturating_add(1),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 11));

    fn registered(kind: RegistrationKind) -> Happening {
        Happening::Registered {
            callmanager: SERVER,
            client: SERVER,
            kind,
            is_expected: false,
            marks: Marks::default(),
        }
    }

    fn ended(cause: EndCause) -> Happening {
        Happening::Ended {
            callmanager: SERVER,
            since: Timestamp::EPOCH,
            cause,
            gap: None,
        }
    }

    #[test]
    fn a_reset_explains_only_what_comes_next_and_soon() {
        let at = Timestamp::from_secs;
        let mut history = History::default();
        history.note(at(1), ended(EndCause::Reset));
        assert!(history.follows_a_reset(at(60)));
        assert!(!history.follows_a_reset(at(3600)));
        history.note(at(60), registered(RegistrationKind::Again));
        assert!(!history.follows_a_reset(at(61)));
        history.note(at(70), ended(EndCause::ClosedByPhone));
        assert!(!history.follows_a_reset(at(71)));
        let said = |label| Happening::Said {
            label,
            text: label.into(),
        };
        history.note(at(72), said("cm_closed_tcp"));
        assert!(!history.follows_a_reset(at(73)));
        history.note(at(74), said("reset_restart"));
        assert!(history.follows_a_reset(at(75)));
    }

    #[test]
    fn keeps_the_latest_moments_only() {
        let mut history = History::default();
        for second in 0..100 {
            history.note(Timestamp::from_secs(second), Happening::Told("reset"));
        }
        assert_eq!(history.moments().count(), History::MOMENTS);
        let last = history.moments().next_back().map(|moment| moment.at);
        assert_eq!(last, Some(Timestamp::from_secs(99)));
    }

    #[test]
    fn a_register_is_left_without_an_answer_once() {
        let mut history = History::default();
        for second in [1, 1, 20] {
            history.unanswered(SERVER, Timestamp::from_secs(second));
        }
        let run = history.unanswered.as_deref();
        assert_eq!(run.map(|run| run.times), Some(2));
        history.settled();
        assert!(history.is_empty());
    }
}
