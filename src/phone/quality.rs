//! How well a device's registered connection works: gaps in its keepalives, repeated segments, sessions that were cut off.
//!
//! Only devices that met with trouble have this record.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::keepalive::{GapDirection, OpenGap};
use crate::time::Timestamp;

/// The troubles of one device, the latest ones.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Quality {
    gaps: VecDeque<Gap>,
    /// When segments were repeated too often, the last time they were.
    pub tcp: Option<TcpTrouble>,
    cuts: VecDeque<Cut>,
}

/// A gap in the keepalives, open or ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gap {
    /// Who failed to speak.
    pub direction: GapDirection,
    /// The first keepalive without an answer, or the phone's last sign of life.
    pub since: Timestamp,
    /// When it ended.
    pub until: Option<Timestamp>,
    /// How it ended.
    pub end: Option<GapEnd>,
    /// The server of the connection.
    pub server: IpAddr,
    /// How often the phone is to speak.
    pub interval: Duration,
    /// How long the last answer before it took.
    pub took_before: Option<Duration>,
    /// How many keepalives were missed in it.
    pub missed: u32,
    /// When these were sent, the latest of them.
    pub times: VecDeque<Timestamp>,
    /// Whether nothing that went unseen can explain it.
    pub is_proven: bool,
}

/// How a gap ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum GapEnd {
    /// The keepalives were answered again, or the phone spoke again.
    Heard,
    /// The phone spoke again, or its registration ended, but something had not been seen in between: it may not have been
    /// silent.
    HeardWithHole,
    /// The registration ended.
    Unregistered,
    /// The phone registered elsewhere, and may have done so before, unseen.
    Replaced,
}

/// A time in which a connection repeated more of its segments than it should, or had no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TcpTrouble {
    /// The server of the connection.
    pub server: IpAddr,
    /// When the first of these segments was seen.
    pub since: Timestamp,
    /// When the last one was.
    pub until: Timestamp,
    /// What was counted.
    pub counts: TrafficCounts,
}

/// Segments of a registered connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct TrafficCounts {
    /// All of them.
    pub segments: u32,
    /// Those of the phone that it had to send again, each once.
    pub repeated_by_phone: u32,
    /// Those of the server, likewise.
    pub repeated_by_server: u32,
    /// How often either side said that it has no room for more.
    pub zero_windows: u32,
}

impl TrafficCounts {
    /// All that went wrong.
    pub const fn troubles(&self) -> u32 {
        self.repeated_by_phone + self.repeated_by_server + self.zero_windows
    }
}

/// A registered connection that was reset, though nobody had told the phone to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cut {
    /// When.
    pub at: Timestamp,
    /// How old the registration was.
    pub age: Duration,
    /// The server of the connection.
    pub server: IpAddr,
}

impl Quality {
    /// So many gaps are kept.
    const GAPS: usize = 4;
    /// So many times of missed keepalives are kept of each.
    const TIMES: usize = 8;
    /// So many cuts are kept.
    const CUTS: usize = 4;

    /// The latest gaps in the order of time.
    pub fn gaps(&self) -> impl DoubleEndedIterator<Item = &Gap> + Clone {
        self.gaps.iter()
    }

    /// The latest cuts in the order of time.
    pub fn cuts(&self) -> impl DoubleEndedIterator<Item = &Cut> {
        self.cuts.iter()
    }

    /// A gap has begun.
    pub fn gap_began(&mut self, gap: Gap) {
        while self.gaps.len() >= Self::GAPS {
            self.gaps.pop_front();
        }
        self.gaps.push_back(gap);
    }

    /// A keepalive that was sent at `sent` was missed, in the gap that is open.
    pub fn keepalive_missed(&mut self, sent: Timestamp) {
        if let Some(gap) = self.open_gap() {
            gap.missed += 1;
            while gap.times.len() >= Self::TIMES {
                // The first one stays: it began the gap.
                gap.times.remove(1);
            }
            gap.times.push_back(sent);
        }
    }

    /// The gap that is open has ended. One that something unseen may have filled is none.
    pub fn gap_ended(&mut self, at: Timestamp, end: GapEnd) {
        let Some(gap) = self.open_gap() else { return };
        gap.until = Some(at);
        gap.end = Some(end);
        gap.is_proven |= matches!(end, GapEnd::Heard | GapEnd::Unregistered);
        if !gap.is_proven {
            self.gaps.pop_back();
        }
    }

    /// Bytes of the phone were found missing at `missed`: where its last silence had begun before, it was none.
    pub fn take_silence_back(&mut self, missed: Timestamp) {
        let is_taken_back = self
            .gaps
            .back()
            .is_some_and(|gap| gap.direction == GapDirection::Phone && gap.since < missed);
        if is_taken_back {
            self.gaps.pop_back();
        }
    }

    /// The session was cut off.
    pub fn cut_off(&mut self, cut: Cut) {
        while self.cuts.len() >= Self::CUTS {
            self.cuts.pop_front();
        }
        self.cuts.push_back(cut);
    }

    /// Takes over what was known of the same device under another record.
    pub(super) fn absorb(&mut self, other: Self) {
        if self.gaps.is_empty() {
            self.gaps = other.gaps;
        }
        if self.cuts.is_empty() {
            self.cuts = other.cuts;
        }
        self.tcp = self.tcp.or(other.tcp);
    }

    fn open_gap(&mut self) -> Option<&mut Gap> {
        self.gaps.back_mut().filter(|gap| gap.until.is_none())
    }
}

impl Gap {
    /// A gap on a connection to `server` whose phone is to speak at each `interval`.
    pub fn new(
        open: OpenGap,
        server: IpAddr,
        interval: Duration,
        took_before: Option<Duration>,
    ) -> Self {
        Self {
            direction: open.direction,
            since: open.since,
            until: None,
            end: None,
            server,
            interval,
            took_before,
            missed: 0,
            times: VecDeque::new(),
            is_proven: open.direction == GapDirection::CallManager,
        }
    }
}

/// Which of a connection's two sides sent a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The phone.
    Phone,
    /// The CallManager.
    Server,
}

impl Sender {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::Phone, Self::Server];

    /// The word of the metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Server => "callmanager",
        }
    }
}

/// Counts the segments of a connection from its first trouble on.
#[derive(Clone, Debug)]
pub struct TrafficWindow {
    since: Timestamp,
    phone: SideTraffic,
    server: SideTraffic,
    counts: TrafficCounts,
}

#[derive(Clone, Copy, Debug, Default)]
struct SideTraffic {
    last: Option<Timestamp>,
    repeated: Option<u32>,
    has_no_room: bool,
}

/// What one segment was.
#[derive(Clone, Copy, Debug)]
pub struct TrafficSign {
    /// Who sent it.
    pub sender: Sender,
    /// Its sequence number, where all of it had been seen before.
    pub repeated: Option<u32>,
    /// Whether it says that its sender has no room for more.
    pub has_no_room: bool,
}

impl TrafficWindow {
    /// Segments of one side this close together were one, as far as its application knows.
    const TOGETHER: Duration = Duration::from_millis(1);

    /// Counting begins.
    pub fn new(since: Timestamp) -> Self {
        Self {
            since,
            phone: SideTraffic::default(),
            server: SideTraffic::default(),
            counts: TrafficCounts::default(),
        }
    }

    /// When it began.
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// What was counted so far.
    pub const fn counts(&self) -> TrafficCounts {
        self.counts
    }

    /// One more segment. Whether it was one more trouble.
    pub fn segment(&mut self, at: Timestamp, sign: TrafficSign) -> bool {
        let side = match sign.sender {
            Sender::Phone => &mut self.phone,
            Sender::Server => &mut self.server,
        };
        let is_new = side
            .last
            .is_none_or(|last| at.distance(last) >= Self::TOGETHER);
        side.last = Some(at);
        self.counts.segments += u32::from(is_new);
        let before = self.counts.troubles();
        // The same bytes again and again are one loss, or a peer that is gone.
        if let Some(sequence) = sign.repeated
            && is_new
            && side.repeated != Some(sequence)
        {
            side.repeated = Some(sequence);
            match sign.sender {
                Sender::Phone => self.counts.repeated_by_phone += 1,
                Sender::Server => self.counts.repeated_by_server += 1,
            }
        }
        if sign.has_no_room && !side.has_no_room {
            self.counts.zero_windows += 1;
        }
        side.has_no_room = sign.has_no_room;
        self.counts.troubles() > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_millis(milliseconds)
    }

    const PLAIN: TrafficSign = TrafficSign {
        sender: Sender::Phone,
        repeated: None,
        has_no_room: false,
    };

    #[test]
    fn the_same_bytes_again_and_again_are_one_trouble() {
        let mut window = TrafficWindow::new(at(0));
        let again = |sequence| TrafficSign {
            repeated: Some(sequence),
            ..PLAIN
        };
        assert!(window.segment(at(0), again(7)));
        assert!(!window.segment(at(500), again(7)));
        assert!(!window.segment(at(900), PLAIN));
        assert!(window.segment(at(2_000), again(19)));
        assert!(!window.segment(at(2_000), again(20)), "a part of the same");
        let counts = window.counts();
        assert_eq!((counts.segments, counts.repeated_by_phone), (4, 2));
    }

    #[test]
    fn no_room_counts_once_until_there_is_room() {
        let mut window = TrafficWindow::new(at(0));
        let full = TrafficSign {
            has_no_room: true,
            ..PLAIN
        };
        for (time, sign, is_trouble) in [
            (0, full, true),
            (10, full, false),
            (20, PLAIN, false),
            (30, full, true),
        ] {
            assert_eq!(window.segment(at(time), sign), is_trouble, "{time}");
        }
        assert_eq!(window.counts().zero_windows, 2);
    }

    #[test]
    fn a_silence_that_something_unseen_may_have_filled_is_forgotten() {
        let server = IpAddr::from([10, 0, 0, 1]);
        let open = OpenGap {
            direction: GapDirection::Phone,
            since: at(0),
        };
        let gap = Gap::new(open, server, Duration::from_secs(30), None);
        for (ended, end, is_kept) in [
            (60_000, GapEnd::HeardWithHole, false),
            (60_000, GapEnd::Heard, true),
            (600_000, GapEnd::HeardWithHole, false),
            (60_000, GapEnd::Unregistered, true),
            (60_000, GapEnd::Replaced, false),
        ] {
            let mut quality = Quality::default();
            quality.gap_began(gap.clone());
            quality.gap_ended(at(ended), end);
            assert_eq!(quality.gaps().count() == 1, is_kept, "{ended} {end:?}");
        }
    }
}
