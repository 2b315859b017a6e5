//! The registration of one connection.
//!
//! ```text
//!              Register             RegisterAck
//!   Unknown ------------> Asking ------------------> Registered <----------.
//!      |                    |                            |                 | UnregisterAck: refused
//!      |                    | RegisterReject             | Unregister      |
//!      |                    v                            v                 |
//!      |                 Rejected                     Leaving -------------'
//!      |                                                 | UnregisterAck, or the end of the connection
//!      | a keepalive that was acknowledged,              v
//!      '--> Registered (inferred)                       Left
//!           or call signalling
//! ```
//!
//! Any message in any state leads to what that message proves, since the ones before it may not have been seen. Two
//! mirror ports may deliver a question after its answer, and one behind bytes that were missed is held until they are given
//! up; soon after the answer it is taken for the question of that answer.

use std::time::Duration;

use super::registration::Proof;
use crate::time::Timestamp;

/// A question this much behind its answer was overtaken by it on the way through the mirror.
pub const LATE: Duration = Duration::from_millis(100);

/// A Register this much behind its answer may have been held back behind a hole, and told once that was given up. Nobody
/// asks again so soon on the same connection.
const HELD: Duration = Duration::from_millis(500);

/// What is known of a connection's registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Session {
    /// Nothing told it.
    #[default]
    Unknown,
    /// Register was sent.
    Asking {
        /// When.
        since: Timestamp,
    },
    /// The device is registered on this connection.
    Registered {
        /// When that was seen.
        since: Timestamp,
        /// How it is known.
        proof: Proof,
        /// Whether its Register was seen.
        asked: bool,
    },
    /// The device was refused on this connection.
    Rejected {
        /// When.
        since: Timestamp,
    },
    /// Unregister was sent.
    Leaving,
    /// The registration has ended.
    Left,
}

/// What bears on a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Register.
    Register,
    /// `RegisterAck`.
    Acknowledged,
    /// `RegisterReject`.
    Refused,
    /// Unregister.
    Unregister,
    /// `UnregisterAck`.
    UnregisterAnswered {
        /// False where the CallManager refuses to let it go.
        accepted: bool,
    },
    /// Something that only a registered device sends or is sent.
    Activity,
    /// The connection ended.
    Closed,
    /// The device has been silent for so long that the CallManager has given it up.
    Silent,
}

/// What a sign meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing new.
    None,
    /// The device asks to be registered.
    Asking,
    /// It is registered.
    Registered {
        /// How that is known.
        proof: Proof,
        /// How long it took from Register, where both were seen.
        took: Option<Duration>,
    },
    /// It is refused.
    Refused,
    /// Its registration has ended.
    Ended,
    /// A registration that was not seen to begin has ended.
    EndedUnseen,
}

impl Session {
    /// Whether the device is registered on this connection.
    pub const fn is_registered(&self) -> bool {
        matches!(self, Self::Registered { .. })
    }

    /// Takes a sign in and tells what it meant.
    pub fn observe(&mut self, sign: Sign, at: Timestamp) -> Change {
        let (next, change) = self.transition(sign, at);
        *self = next;
        change
    }

    #[expect(
        clippy::match_same_arms,
        reason = "the table is read by sign, and each row says why"
    )]
    fn transition(self, sign: Sign, at: Timestamp) -> (Self, Change) {
        use Proof::{Acknowledged, Inferred};

        let registered = |proof, asked, took| {
            (
                Self::Registered {
                    since: at,
                    proof,
                    asked,
                },
                Change::Registered { proof, took },
            )
        };
        match (self, sign) {
            // The answer overtook its question.
            (
                Self::Registered {
                    since,
                    proof: Inferred,
                    asked: false,
                },
                Sign::Register,
            ) if at.distance(since) < HELD => registered(Acknowledged, true, Some(Duration::ZERO)),
            (Self::Rejected { since }, Sign::Register) if at.distance(since) < HELD => {
                (self, Change::None)
            }
            (_, Sign::Register) => (Self::Asking { since: at }, Change::Asking),

            (Self::Asking { since }, Sign::Acknowledged) => {
                registered(Acknowledged, true, Some(at.since(since)))
            }
            (
                Self::Registered {
                    proof: Inferred,
                    asked: true,
                    ..
                },
                Sign::Acknowledged,
            ) => registered(Acknowledged, true, None),
            (Self::Registered { .. }, Sign::Acknowledged) => (self, Change::None),
            (
                Self::Unknown | Self::Rejected { .. } | Self::Leaving | Self::Left,
                Sign::Acknowledged,
            ) => registered(Inferred, false, None),

            (_, Sign::Refused) => (Self::Rejected { since: at }, Change::Refused),

            (Self::Registered { .. }, Sign::Unregister) => (Self::Leaving, Change::Ended),
            (Self::Unknown, Sign::Unregister) => (Self::Leaving, Change::EndedUnseen),
            (
                Self::Asking { .. } | Self::Rejected { .. } | Self::Leaving | Self::Left,
                Sign::Unregister,
            ) => (Self::Left, Change::None),

            (Self::Leaving, Sign::UnregisterAnswered { accepted: false }) => {
                registered(Inferred, false, None)
            }
            (Self::Registered { .. }, Sign::UnregisterAnswered { accepted: true }) => {
                (Self::Left, Change::Ended)
            }
            (Self::Unknown, Sign::UnregisterAnswered { accepted: true }) => {
                (Self::Left, Change::EndedUnseen)
            }
            (Self::Leaving, Sign::UnregisterAnswered { accepted: true }) => {
                (Self::Left, Change::None)
            }
            (
                Self::Unknown
                | Self::Asking { .. }
                | Self::Registered { .. }
                | Self::Rejected { .. }
                | Self::Left,
                Sign::UnregisterAnswered { .. },
            ) => (self, Change::None),

            (Self::Unknown, Sign::Activity) => registered(Inferred, false, None),
            (Self::Asking { .. }, Sign::Activity) => registered(Inferred, true, None),
            // A refused device may go on sending; what follows Unregister was under way before it.
            (
                Self::Registered { .. } | Self::Rejected { .. } | Self::Leaving | Self::Left,
                Sign::Activity,
            ) => (self, Change::None),

            (Self::Registered { .. }, Sign::Closed) => (Self::Left, Change::Ended),
            (Self::Leaving, Sign::Closed) => (Self::Left, Change::None),
            (
                Self::Unknown | Self::Asking { .. } | Self::Rejected { .. } | Self::Left,
                Sign::Closed,
            ) => (self, Change::None),

            // It may be heard again, and then prove that it is registered still.
            (Self::Registered { .. }, Sign::Silent) => (Self::Unknown, Change::Ended),
            (
                Self::Unknown
                | Self::Asking { .. }
                | Self::Rejected { .. }
                | Self::Leaving
                | Self::Left,
                Sign::Silent,
            ) => (self, Change::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNS: [Sign; 9] = [
        Sign::Register,
        Sign::Acknowledged,
        Sign::Refused,
        Sign::Unregister,
        Sign::UnregisterAnswered { accepted: true },
        Sign::UnregisterAnswered { accepted: false },
        Sign::Activity,
        Sign::Closed,
        Sign::Silent,
    ];

    /// A letter for a state, so that the whole table can be read.
    fn letter(session: Session) -> char {
        match session {
            Session::Unknown => '?',
            Session::Asking { .. } => 'A',
            Session::Registered {
                proof: Proof::Acknowledged,
                ..
            } => 'R',
            Session::Registered {
                proof: Proof::Inferred,
                ..
            } => 'r',
            Session::Rejected { .. } => 'X',
            Session::Leaving => 'l',
            Session::Left => 'L',
        }
    }

    #[test]
    fn every_sign_in_every_state() {
        let then = Timestamp::from_secs(10);
        let now = Timestamp::from_secs(20);
        let states = [
            Session::Unknown,
            Session::Asking { since: then },
            Session::Registered {
                since: then,
                proof: Proof::Acknowledged,
                asked: true,
            },
            Session::Registered {
                since: then,
                proof: Proof::Inferred,
                asked: false,
            },
            Session::Rejected { since: then },
            Session::Leaving,
            Session::Left,
        ];
        // One row a state; a column each for Register, Ack, Reject, Unregister, its two answers, activity, close,
        // silence.
        let expected = [
            "ArXlL?r??",
            "ARXLAArAA",
            "ARXlLRRL?",
            "ArXlLrrL?",
            "ArXLXXXXX",
            "ArXLLrlLl",
            "ArXLLLLLL",
        ];
        for (state, expected) in states.into_iter().zip(expected) {
            let row: String = SIGNS
                .iter()
                .map(|&sign| letter(state.transition(sign, now).0))
                .collect();
            assert_eq!(row, expected, "{state:?}");
        }
    }

    #[test]
    fn an_answer_that_overtook_its_question_is_its_answer() {
        let at = Timestamp::from_secs(10);
        let mut session = Session::Unknown;
        assert_eq!(
            session.observe(Sign::Acknowledged, at),
            Change::Registered {
                proof: Proof::Inferred,
                took: None
            }
        );
        let late = session.observe(Sign::Register, at + HELD / 2);
        assert_eq!(
            late,
            Change::Registered {
                proof: Proof::Acknowledged,
                took: Some(Duration::ZERO)
            }
        );
        assert_eq!(
            session.observe(Sign::Register, at + HELD * 2),
            Change::Asking,
            "later it is another question"
        );
    }

    #[test]
    fn a_registration_takes_its_time_from_register_to_its_acknowledgment() {
        let at = Timestamp::from_secs(10);
        let mut session = Session::Unknown;
        assert_eq!(session.observe(Sign::Register, at), Change::Asking);
        let registered = session.observe(Sign::Acknowledged, at + Duration::from_millis(70));
        let took = Some(Duration::from_millis(70));
        assert_eq!(
            registered,
            Change::Registered {
                proof: Proof::Acknowledged,
                took
            }
        );
        assert_eq!(session.observe(Sign::Closed, at), Change::Ended);
        assert_eq!(session.observe(Sign::Closed, at), Change::None);
    }
}
