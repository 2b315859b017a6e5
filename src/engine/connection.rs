//! One TCP connection between a device and a CallManager.

use std::time::Duration;

use super::ends::Ends;
use crate::flow::tcp::Stream;
use crate::net::{DeviceName, FlowKey};
use crate::phone::DeviceId;
use crate::phone::history::Marks;
use crate::phone::keepalive::KeepaliveTracker;
use crate::phone::quality::TrafficWindow;
use crate::phone::registration::Current;
use crate::phone::session::Session;
use crate::time::Timestamp;
use crate::wire::sccp::{Deframer, KeypadButton};

/// How long a connection that ended is remembered, so that what TCP repeats of it is not taken for a new one: twice the
/// maximum segment lifetime of most hosts (RFC 9293, section 3.4.2).
const REMEMBERED: Duration = Duration::from_secs(120);

/// A connection on which nothing was seen for so long is forgotten. Phones speak every minute or two on each of theirs.
const IDLE: Duration = Duration::from_secs(3600);

/// How long a SYN is repeated before its silence is a result: the phone has tried three times by then (RFC 6298).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How much later than after its third interval a silent phone is given up: intervals are not exact, and what the next
/// keepalive proves of those before comes first.
const GIVE_UP_GRACE: Duration = Duration::from_secs(5);

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// How a connection began, and whether it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The capture joined later.
    Joined,
    /// A SYN was sent.
    Asked { since: Timestamp, sequence: u32 },
    /// It was seen to open.
    Open { sequence: u32 },
    /// It was refused, or cannot reach its server.
    Failed { at: Timestamp },
    /// Nothing answered its SYN, which may be repeated for long.
    Unanswered { at: Timestamp, sequence: u32 },
    /// One side ended it.
    Closed { at: Timestamp },
}

/// One direction.
#[derive(Default)]
pub(super) struct Half {
    pub(super) stream: Stream,
    pub(super) deframer: Deframer,
    /// When a frame of this side was last seen.
    pub(super) heard: Option<Timestamp>,
    /// What was missed of this side, once anything was.
    missed: Option<Box<Missed>>,
}

/// When bytes of one side were last missed.
#[derive(Default)]
struct Missed {
    /// When they were found missing.
    gap: Option<Timestamp>,
    /// When the other side acknowledged some that were not seen.
    unseen: Option<Timestamp>,
}

impl Half {
    /// When this side last spoke: a frame of it was seen, or the other side acknowledged one that was not.
    pub(super) fn spoke(&self) -> Option<Timestamp> {
        self.heard.max(self.unseen())
    }

    /// When bytes of this side were last found missing.
    pub(super) fn gap(&self) -> Option<Timestamp> {
        self.missed.as_ref()?.gap
    }

    /// When the other side last acknowledged bytes of this side that were not seen, or its end lay behind such.
    pub(super) fn unseen(&self) -> Option<Timestamp> {
        self.missed.as_ref()?.unseen
    }

    /// Bytes of this side are missing.
    pub(super) fn note_gap(&mut self, at: Timestamp) {
        self.missed.get_or_insert_default().gap = Some(at);
    }

    /// The other side acknowledged bytes of this side that were not seen, or its end lies behind such.
    pub(super) fn note_unseen(&mut self, at: Timestamp) {
        self.missed.get_or_insert_default().unseen = Some(at);
    }
}

/// Everything known of a connection.
pub(super) struct Connection {
    ends: Ends,
    pub(super) phase: Phase,
    pub(super) client: Half,
    pub(super) server: Half,
    /// How the last frames of both sides were marked.
    pub(super) marks: Marks,
    pub(super) device: Option<DeviceId>,
    pub(super) session: Session,
    pub(super) keepalives: KeepaliveTracker,
    /// Whether it runs inside TLS: nothing but TCP can be seen of it.
    pub(super) is_secure: bool,
    /// Which capture source showed its last frame.
    pub(super) source: u16,
    /// The CallManager told the device to reset on this connection.
    pub(super) is_told_to_reset: bool,
    /// What was said on it that few say.
    pub(super) aside: Option<Box<Aside>>,
    /// The phone was silent for so long that its registration was taken for ended; it may show that it was not.
    pub(super) is_given_up: bool,
    /// Its segments since one of them was repeated, while that may mean something.
    pub(super) traffic: Option<Box<TrafficWindow>>,
    pub(super) armed: Option<Timestamp>,
    /// Up to when its deadlines were looked at. What could not be concluded then is not asked again.
    pub(super) handled: Timestamp,
}

impl Connection {
    pub(super) fn new(key: FlowKey, phase: Phase, is_secure: bool, source: u16) -> Self {
        let mut connection = Self {
            ends: key.into(),
            phase,
            client: Half::default(),
            server: Half::default(),
            marks: Marks::default(),
            device: None,
            session: Session::Unknown,
            keepalives: KeepaliveTracker::default(),
            is_secure,
            source,
            is_told_to_reset: false,
            aside: None,
            is_given_up: false,
            traffic: None,
            armed: None,
            handled: Timestamp::EPOCH,
        };
        if phase == Phase::Joined {
            connection.client.deframer = Deframer::mid_stream();
            connection.server.deframer = Deframer::mid_stream();
        }
        connection
    }

    /// Who said that it is theirs, if there was no room for them.
    pub(super) fn turned_away(&self) -> Option<DeviceName> {
        self.aside.as_ref()?.turned_away
    }

    /// The connection that carried a registration in an earlier run, to be followed from `now` on.
    pub(super) fn restored(
        device: DeviceId,
        current: &Current,
        is_secure: bool,
        now: Timestamp,
    ) -> Self {
        let mut connection = Self::new(current.connection(), Phase::Joined, is_secure, 0);
        connection.device = Some(device);
        connection.session = Session::Registered {
            since: current.since,
            proof: current.proof,
            asked: true,
        };
        let interval = current.keepalive.map(|seconds| u64::from(seconds.get()));
        connection
            .keepalives
            .given(interval.map(Duration::from_secs));
        // Its silence counts from here on.
        connection.client.heard = Some(now);
        connection
    }

    pub(super) fn key(&self) -> FlowKey {
        self.ends.key()
    }

    pub(super) fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Whether what came before on this connection may have been missed.
    pub(super) fn may_have_missed(&self) -> bool {
        self.phase == Phase::Joined
            || self.is_given_up
            || self.client.gap().is_some()
            || self.server.gap().is_some()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.client.stream.held_bytes() + self.server.stream.held_bytes()
    }

    fn last_heard(&self) -> Timestamp {
        self.client.heard.max(self.server.heard).unwrap_or_default()
    }

    /// Whether this connection may be forgotten.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.forgotten_at() <= now
    }

    fn forgotten_at(&self) -> Timestamp {
        match self.phase {
            Phase::Failed { at } | Phase::Unanswered { at, .. } | Phase::Closed { at } => {
                at.max(self.last_heard()) + REMEMBERED
            }
            Phase::Joined | Phase::Asked { .. } | Phase::Open { .. } => self.last_heard() + IDLE,
        }
    }

    /// When a connection attempt has failed for want of an answer.
    pub(super) fn connect_deadline(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Asked { since, .. } => Some(since + CONNECT_TIMEOUT),
            Phase::Joined
            | Phase::Open { .. }
            | Phase::Failed { .. }
            | Phase::Unanswered { .. }
            | Phase::Closed { .. } => None,
        }
    }

    /// When the phone has been silent for too long.
    pub(super) fn silence_deadlines(&self, configured: Duration) -> Option<SilenceDeadlines> {
        if !self.session.is_registered() || !self.keepalives.knows_interval() {
            return None;
        }
        let interval = self.keepalives.interval(configured);
        let heard = self.client.spoke()?;
        let after = |intervals| heard + interval.saturating_mul(intervals) + GIVE_UP_GRACE;
        Some(SilenceDeadlines {
            // A nanosecond more, since a gap is more than one and a half intervals.
            gap: heard + interval.mul_f32(1.5) + Duration::from_nanos(1),
            given_up: after(3),
            given_up_unsure: after(5),
        })
    }

    /// When time alone changes anything here; a Register is to be answered within `answer`.
    pub(super) fn deadline(&self, configured: Duration, answer: Duration) -> Option<Timestamp> {
        let keepalive = self
            .keepalives
            .deadline(configured)
            .filter(|_| self.session.is_registered());
        let silence = self.silence_deadlines(configured);
        let asked = match self.session {
            Session::Asking { since } => Some(since),
            Session::Unknown
            | Session::Registered { .. }
            | Session::Rejected { .. }
            | Session::Leaving
            | Session::Left => None,
        };
        [
            self.client.stream.deadline(),
            self.server.stream.deadline(),
            self.connect_deadline(),
            asked.map(|asked| asked + answer),
            keepalive,
            silence.map(|silence| silence.gap),
            silence.map(|silence| silence.given_up),
            silence.map(|silence| silence.given_up_unsure),
            Some(self.forgotten_at()),
        ]
        .into_iter()
        .flatten()
        .filter(|&deadline| deadline > self.handled)
        .min()
    }
}

/// What is said on few connections.
#[derive(Default)]
pub(super) struct Aside {
    pub(super) keys: Keys,
    /// Who said that it is theirs when there was no room for them. It is nobody else's.
    pub(super) turned_away: Option<DeviceName>,
}

/// When the silence of a registered phone means something.
#[derive(Clone, Copy, Debug)]
pub(super) struct SilenceDeadlines {
    /// It is a gap.
    pub(super) gap: Timestamp,
    /// Its CallManager gives it up.
    pub(super) given_up: Timestamp,
    /// The same where the sensor misses frames without knowing it: two keepalives in a row may be among them, and three
    /// now and then.
    pub(super) given_up_unsure: Timestamp,
}

/// The last keys that were pressed, as far as `**#**` needs them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    last: [u8; 5],
    at: Timestamp,
}

impl Keys {
    /// The user presses them one after the other; a reset follows at once.
    const WINDOW: Duration = Duration::from_secs(15);

    pub(super) fn press(&mut self, key: &KeypadButton, at: Timestamp) {
        if at.since(self.at) > Self::WINDOW {
            self.last = [0; 5];
        }
        self.at = at;
        self.last.rotate_left(1);
        if let Some(last) = self.last.last_mut() {
            *last = key
                .symbol()
                .and_then(|symbol| u8::try_from(symbol).ok())
                .unwrap_or_default();
        }
    }

    /// Whether the user has just asked the phone to reset. `**#**` is the sequence; the first key may have been missed.
    pub(super) fn ask_for_reset(&self, at: Timestamp) -> bool {
        at.since(self.at) <= Self::WINDOW && self.last == *b"**#**"
    }
}
