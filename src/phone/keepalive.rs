//! Keepalives of one connection: which were missed, and which runs of them are a gap.
//!
//! The words are exact. A *missed keepalive* is one on the registered connection that its CallManager did not
//! acknowledge before the next one was due, the way that server is known to acknowledge. A *gap* is an unbroken run of
//! missed ones, or a registered phone silent for more than one and a half intervals. One gap per outage.
//!
//! That an answer was not seen does not prove that there was none: a mirror may lose it, and the phone's own
//! acknowledgment of it, without a word. What the phone sends next tells: it acknowledges the bytes that it received.
//! So a keepalive is called missed when the phone has spoken again. And a silence counts as a gap once its end shows what
//! it was: where the phone's stream then lacks bytes, it spoke and was not seen.

use std::num::NonZeroU16;
use std::time::Duration;

use crate::time::Timestamp;

/// Who failed to speak.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum GapDirection {
    /// The CallManager did not acknowledge.
    CallManager,
    /// The phone was silent.
    Phone,
}

impl GapDirection {
    /// Both.
    pub const ALL: [Self; 2] = [Self::CallManager, Self::Phone];

    /// The metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::CallManager => "callmanager",
            Self::Phone => "phone",
        }
    }
}

/// What became of a device's keepalives over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct KeepaliveCounts {
    /// Sent on the registered connection and not acknowledged in time.
    pub missed: u64,
    /// Gaps in which the CallManager did not acknowledge.
    pub callmanager_gaps: u32,
    /// Gaps in which the phone was silent.
    pub phone_gaps: u32,
    /// The gap that is open now.
    pub open_gap: Option<OpenGap>,
}

impl KeepaliveCounts {
    /// Takes over what was counted under another record of the same device.
    pub(super) fn absorb(&mut self, other: Self) {
        self.missed += other.missed;
        self.callmanager_gaps += other.callmanager_gaps;
        self.phone_gaps += other.phone_gaps;
        self.open_gap = self.open_gap.or(other.open_gap);
    }

    /// A gap begins, unless one is open already. Whether it began.
    pub(crate) const fn open(&mut self, gap: OpenGap) -> bool {
        if self.open_gap.is_some() {
            return false;
        }
        self.open_gap = Some(gap);
        true
    }

    /// A gap in this direction is known to be one.
    pub(crate) const fn count(&mut self, direction: GapDirection) {
        match direction {
            GapDirection::CallManager => self.callmanager_gaps += 1,
            GapDirection::Phone => self.phone_gaps += 1,
        }
    }

    /// Gaps in one direction.
    pub const fn gaps(&self, direction: GapDirection) -> u32 {
        match direction {
            GapDirection::CallManager => self.callmanager_gaps,
            GapDirection::Phone => self.phone_gaps,
        }
    }
}

/// A gap that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OpenGap {
    /// Who fails to speak.
    pub direction: GapDirection,
    /// When the last sign of life was, or the first keepalive that stayed without acknowledgment.
    pub since: Timestamp,
}

/// Used until a `RegisterAck` tells the intervals (CallManager's defaults).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Between keepalives to the server at which the phone is registered.
    pub active: Duration,
    /// Between keepalives to the server in reserve.
    pub standby: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            active: Duration::from_secs(30),
            standby: Duration::from_secs(60),
        }
    }
}

/// The keepalives of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepaliveTracker {
    outstanding: Option<Outstanding>,
    /// An acknowledgment that no keepalive was waiting for: its keepalive may come late through another mirror port.
    early: Option<(Timestamp, Option<u32>)>,
    last_sent: Option<Timestamp>,
    interval: Interval,
    /// How long the last answer took, in microseconds; 0 where none came yet.
    took: u32,
}

/// How much later than it is due a keepalive may come.
const GRACE: Duration = Duration::from_secs(2);

/// How often the phone speaks.
#[derive(Clone, Copy, Debug, Default)]
enum Interval {
    /// Nothing told it.
    #[default]
    Unknown,
    /// The longest time between two keepalives in a row.
    Seen(Spacing),
    /// The `RegisterAck` said it.
    Given(Spacing),
}

/// A time between two keepalives in nanoseconds: half the size of a `Duration`, which counts seconds and parts of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Spacing(u64);

impl Spacing {
    fn of(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

#[derive(Clone, Copy, Debug)]
struct Outstanding {
    sent: Timestamp,
    /// The sequence number behind the segment that carried it.
    end: u32,
    tcp_acknowledged: Option<Timestamp>,
    missed: bool,
}

/// What became of a keepalive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was acknowledged, after this time.
    Acknowledged(Duration),
    /// TCP acknowledged it and nothing else, while it is not known how the server does it.
    OnlyTcp(Duration),
    /// It was not acknowledged in time.
    Missed,
    /// Nothing can be said: the answer may have been among what was not seen.
    Unseen,
}

impl KeepaliveTracker {
    /// How often the phone should be heard on this connection: as the `RegisterAck` said it, else as configured, or as
    /// seen where the phone takes longer.
    pub fn interval(&self, configured: Duration) -> Duration {
        match self.interval {
            Interval::Unknown => configured,
            Interval::Seen(longest) => longest.duration().max(configured),
            Interval::Given(interval) => interval.duration(),
        }
    }

    /// The interval that a `RegisterAck` gave, in seconds.
    pub fn told(&self) -> Option<NonZeroU16> {
        let Interval::Given(interval) = self.interval else {
            return None;
        };
        NonZeroU16::new(u16::try_from(interval.duration().as_secs()).unwrap_or(u16::MAX))
    }

    /// Whether the interval is more than a guess.
    pub const fn knows_interval(&self) -> bool {
        !matches!(self.interval, Interval::Unknown)
    }

    /// A `RegisterAck` gave the interval. What was sent before it was sent in reserve, where nothing but TCP answers.
    pub fn given(&mut self, interval: Option<Duration>) {
        if let Some(interval) = interval {
            self.interval = Interval::Given(Spacing::of(interval));
        }
        self.outstanding = None;
    }

    /// The phone sent a keepalive whose segment ends at the sequence number `end`. Returns whether it is acknowledged
    /// already, by an acknowledgment that overtook it.
    pub fn sent(&mut self, at: Timestamp, end: u32) -> bool {
        if let Some(last) = self.last_sent {
            let spacing = Spacing::of(at.since(last));
            self.interval = match self.interval {
                Interval::Unknown => Interval::Seen(spacing),
                Interval::Seen(longest) => Interval::Seen(longest.max(spacing)),
                Interval::Given(interval) => Interval::Given(interval),
            };
        }
        self.last_sent = Some(at);
        if self.early.take().is_some_and(|(early, acknowledgment)| {
            acknowledgment.map_or(at.distance(early) < super::session::LATE, |number| {
                number.wrapping_sub(end) < 1 << 31
            })
        }) {
            self.outstanding = None;
            return true;
        }
        self.outstanding = Some(Outstanding {
            sent: at,
            end,
            tcp_acknowledged: None,
            missed: false,
        });
        false
    }

    /// The server sent a `KeepAliveAck`; how long it took, where its keepalive was seen.
    pub fn acknowledged(&mut self, at: Timestamp, acknowledgment: Option<u32>) -> Option<Duration> {
        // It may be for a keepalive that is still to come: behind a hole, or through a slower mirror port.
        self.early = Some((at, acknowledgment));
        let outstanding = self.outstanding.take()?;
        Some(at.since(outstanding.sent))
    }

    /// The server's TCP acknowledged everything before `acknowledgment`. Where TCP is how this server acknowledges, the
    /// keepalive is done: how long it took.
    pub fn tcp_acknowledged(
        &mut self,
        at: Timestamp,
        acknowledgment: u32,
        is_enough: bool,
    ) -> Option<Duration> {
        let outstanding = self.outstanding.as_mut()?;
        // Behind the segment by less than half the number space (RFC 9293, section 3.4).
        if acknowledgment.wrapping_sub(outstanding.end) >= 1 << 31 {
            return None;
        }
        let first = *outstanding.tcp_acknowledged.get_or_insert(at);
        if !is_enough {
            return None;
        }
        let took = first.since(outstanding.sent);
        self.outstanding = None;
        Some(took)
    }

    /// Time alone says that the next keepalive is overdue: what became of the one before, where the phone spoke since,
    /// last at `heard`. Nothing is said where it did not: it waits for the phone's next segment.
    pub fn conclude_overdue(
        &mut self,
        heard: Option<Timestamp>,
        sccp: Option<bool>,
        seen: bool,
    ) -> Option<Fate> {
        let outstanding = self.outstanding.as_ref()?;
        let has_spoken = heard > Some(outstanding.sent);
        let is_answered = outstanding.tcp_acknowledged.is_some() && sccp != Some(true);
        if has_spoken || is_answered {
            return self.conclude(sccp, seen);
        }
        None
    }

    /// The next keepalive has come, or the phone has spoken after it was due: what became of the one before. `None`
    /// where none is open or where it was told already.
    ///
    /// `sccp` tells whether the server is known to acknowledge with messages; `None` where that is not known. `seen`
    /// tells whether an answer would have been seen.
    pub fn conclude(&mut self, sccp: Option<bool>, seen: bool) -> Option<Fate> {
        let outstanding = self.outstanding.as_mut()?;
        if outstanding.missed {
            return None;
        }
        let by_tcp = outstanding
            .tcp_acknowledged
            .map(|at| at.since(outstanding.sent));
        match (by_tcp, sccp) {
            (Some(took), None) => {
                self.outstanding = None;
                Some(Fate::OnlyTcp(took))
            }
            (Some(took), Some(false)) => {
                self.outstanding = None;
                Some(Fate::Acknowledged(took))
            }
            (Some(_), Some(true)) | (None, _) => {
                if !seen {
                    return Some(Fate::Unseen);
                }
                outstanding.missed = true;
                Some(Fate::Missed)
            }
        }
    }

    /// When the keepalive that is open was sent.
    pub fn open_since(&self) -> Option<Timestamp> {
        self.outstanding.map(|outstanding| outstanding.sent)
    }

    /// When the next keepalive is due while one is open that was not told as missed.
    pub fn due(&self, configured: Duration) -> Option<Timestamp> {
        let outstanding = self.outstanding.filter(|outstanding| !outstanding.missed)?;
        Some(outstanding.sent + self.interval(configured))
    }

    /// When the next keepalive is overdue, likewise: phones and mirrors are not exact.
    pub fn deadline(&self, configured: Duration) -> Option<Timestamp> {
        Some(self.due(configured)? + GRACE)
    }

    /// How long the last keepalive that was answered took to be; `None` where none was yet.
    pub fn last_took(&self) -> Option<Duration> {
        (self.took > 0).then(|| Duration::from_micros(u64::from(self.took)))
    }

    /// A keepalive was answered after this time.
    pub fn note_took(&mut self, took: Duration) {
        self.took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(1);
    }

    /// Whether the phone's silence since `heard` is a gap at `now`: more than one and a half intervals, where the
    /// interval is known.
    pub fn is_silent(&self, heard: Timestamp, now: Timestamp, configured: Duration) -> bool {
        self.knows_interval() && now.since(heard) > self.interval(configured).mul_f32(1.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn a_keepalive_is_acknowledged_by_its_message() {
        let mut tracker = KeepaliveTracker::default();
        assert!(!tracker.sent(at(10), 112));
        assert_eq!(tracker.due(INTERVAL), Some(at(40)));
        assert_eq!(tracker.deadline(INTERVAL), Some(at(42)));
        assert_eq!(
            tracker.acknowledged(at(11), None),
            Some(Duration::from_secs(1))
        );
        assert_eq!(
            (
                tracker.deadline(INTERVAL),
                tracker.conclude(Some(true), true)
            ),
            (None, None)
        );
    }

    #[test]
    fn tcp_is_enough_only_where_the_server_never_does_more() {
        let mut tracker = KeepaliveTracker::default();
        tracker.sent(at(10), 112);
        assert_eq!(
            tracker.tcp_acknowledged(at(10), 111, true),
            None,
            "it acknowledges what came before"
        );
        assert_eq!(tracker.tcp_acknowledged(at(11), 112, false), None);
        assert_eq!(
            tracker.conclude(Some(true), true),
            Some(Fate::Missed),
            "this server sends a message"
        );
        tracker.sent(at(40), 124);
        tracker.tcp_acknowledged(at(42), 124, false);
        assert_eq!(
            tracker.conclude(None, true),
            Some(Fate::OnlyTcp(Duration::from_secs(2)))
        );
        tracker.sent(at(70), 136);
        assert_eq!(
            tracker.tcp_acknowledged(at(70), 136, true),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn a_missed_one_is_told_once_and_only_where_its_answer_would_have_been_seen() {
        let mut tracker = KeepaliveTracker::default();
        tracker.sent(at(10), 112);
        assert_eq!(tracker.conclude(Some(true), false), Some(Fate::Unseen));
        assert_eq!(tracker.conclude(Some(true), true), Some(Fate::Missed));
        assert_eq!(tracker.conclude(Some(true), true), None);
        assert_eq!(tracker.deadline(INTERVAL), None);
        assert_eq!(
            tracker.acknowledged(at(45), None),
            Some(Duration::from_secs(35)),
            "late, but it came"
        );
    }

    #[test]
    fn where_the_phone_did_not_speak_again_time_alone_proves_nothing() {
        let mut tracker = KeepaliveTracker::default();
        tracker.sent(at(10), 112);
        assert_eq!(
            tracker.conclude_overdue(Some(at(10)), Some(true), true),
            None
        );
        assert_eq!(
            tracker.conclude_overdue(Some(at(11)), Some(true), true),
            Some(Fate::Missed),
            "it repeated itself"
        );
        tracker.sent(at(40), 124);
        tracker.tcp_acknowledged(at(41), 124, false);
        assert_eq!(
            tracker.conclude_overdue(Some(at(40)), None, true),
            Some(Fate::OnlyTcp(Duration::from_secs(1))),
            "an answer was seen"
        );
    }

    #[test]
    fn an_acknowledgment_may_overtake_its_keepalive_on_the_way_to_us() {
        let mut tracker = KeepaliveTracker::default();
        assert_eq!(tracker.acknowledged(at(10), None), None);
        assert!(tracker.sent(at(10) + Duration::from_millis(20), 112));
        assert_eq!(tracker.conclude(Some(true), true), None);
    }

    #[test]
    fn what_was_sent_in_reserve_is_not_missed_once_the_connection_is_the_registered_one() {
        let mut tracker = KeepaliveTracker::default();
        tracker.sent(at(10), 112);
        tracker.tcp_acknowledged(at(10), 112, false);
        tracker.given(Some(INTERVAL));
        assert_eq!(tracker.deadline(INTERVAL), None);
        assert_eq!(tracker.conclude(Some(true), true), None);
    }

    #[test]
    fn silence_needs_an_interval_that_is_known() {
        let mut tracker = KeepaliveTracker::default();
        assert!(!tracker.is_silent(at(0), at(1_000), INTERVAL));
        tracker.sent(at(0), 12);
        tracker.sent(at(90), 24);
        assert_eq!(
            tracker.interval(INTERVAL),
            Duration::from_secs(90),
            "this phone takes longer than configured"
        );
        assert!(!tracker.is_silent(at(90), at(220), INTERVAL));
        assert!(tracker.is_silent(at(90), at(226), INTERVAL));
        tracker.given(Some(INTERVAL));
        assert!(
            tracker.is_silent(at(90), at(136), INTERVAL),
            "the RegisterAck's word counts"
        );
    }
}
