//! How a server's connections fare as a whole: who lost keepalives to it, whose sessions were cut off, how it marks.

use std::collections::VecDeque;
use std::time::Duration;

use super::DeviceId;
use super::quality::Sender;
use crate::time::Timestamp;

/// What befell the devices of one server lately.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Troubles {
    cuts: VecDeque<(Timestamp, Duration, DeviceId)>,
    sufferers: VecDeque<(Timestamp, DeviceId)>,
}

impl Troubles {
    /// So many cuts are kept.
    const CUTS: usize = 256;
    /// Where there are many, one is kept in so long.
    const CLOSE: Duration = Duration::from_millis(250);
    /// So many devices that missed keepalives are kept.
    const SUFFERERS: usize = 64;

    /// The session of this device was reset at this age.
    pub fn cut_off(&mut self, at: Timestamp, age: Duration, device: DeviceId) {
        // Of a large fleet samples do: they are to reach back far enough.
        let is_dense = self.cuts.len() >= Self::CUTS / 4
            && self
                .cuts
                .back()
                .is_some_and(|(last, ..)| at.since(*last) < Self::CLOSE);
        if is_dense {
            return;
        }
        while self.cuts.len() >= Self::CUTS {
            self.cuts.pop_front();
        }
        self.cuts.push_back((at, age, device));
    }

    /// The latest cuts: when, at which age, and whose session.
    pub fn cuts(&self) -> impl Iterator<Item = (Timestamp, Duration, DeviceId)> {
        self.cuts.iter().copied()
    }

    /// This device missed keepalives, or flaps. Each is kept once, with the last time.
    pub fn suffers(&mut self, at: Timestamp, device: DeviceId) {
        self.sufferers.retain(|&(_, known)| known != device);
        while self.sufferers.len() >= Self::SUFFERERS {
            self.sufferers.pop_front();
        }
        self.sufferers.push_back((at, device));
    }

    /// The devices that suffered lately, each once.
    pub fn sufferers(&self) -> impl DoubleEndedIterator<Item = (Timestamp, DeviceId)> {
        self.sufferers.iter().copied()
    }
}

/// How the signalling of a server and of its phones is marked, by samples of the recent past.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct MarkSamples {
    server: SideMarks,
    phones: SideMarks,
}

/// The last samples of one side: a bit for each, set where its code point was 0.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct SideMarks {
    sampled: Timestamp,
    last_mark: u8,
    zero: u16,
    number: u8,
}

/// Which side's marks are taken off on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untrusted {
    /// Whose segments carry code point 0.
    pub sender: Sender,
    /// The code point that the other side's carry.
    pub other_mark: u8,
}

impl MarkSamples {
    /// One segment with a message is looked at in so long: enough to know, and little to do.
    const EVERY: Duration = Duration::from_millis(250);

    /// Whether a segment of this side is to be looked at.
    pub fn wants(&self, sender: Sender, at: Timestamp) -> bool {
        at.since(self.of(sender).sampled) >= Self::EVERY
    }

    /// A segment with a message carried this code point.
    pub fn sample(&mut self, sender: Sender, code_point: u8, at: Timestamp) {
        let side = match sender {
            Sender::Server => &mut self.server,
            Sender::Phone => &mut self.phones,
        };
        side.sampled = at;
        side.zero = side.zero << 1 | u16::from(code_point == 0);
        side.number = side.number.saturating_add(1);
        if code_point != 0 {
            side.last_mark = code_point;
        }
    }

    /// The side of which nothing is marked, while most of the other side is.
    pub fn untrusted(&self) -> Option<Untrusted> {
        let of = |sender, one: SideMarks, other: SideMarks| {
            (one.are_all_zero() && other.are_mostly_marked()).then_some(Untrusted {
                sender,
                other_mark: other.last_mark,
            })
        };
        of(Sender::Server, self.server, self.phones)
            .or_else(|| of(Sender::Phone, self.phones, self.server))
    }

    /// Which share of the last segments of this side carried code point 0; `None` before any was looked at.
    pub fn unmarked_share(&self, sender: Sender) -> Option<f64> {
        let side = self.of(sender);
        let number = u32::from(side.number).min(u16::BITS);
        (number > 0).then(|| f64::from(side.zero.count_ones()) / f64::from(number))
    }

    const fn of(&self, sender: Sender) -> SideMarks {
        match sender {
            Sender::Server => self.server,
            Sender::Phone => self.phones,
        }
    }
}

impl SideMarks {
    /// Samples that fit.
    const ENOUGH: u8 = 16;

    const fn are_all_zero(self) -> bool {
        self.number >= Self::ENOUGH && self.zero == u16::MAX
    }

    /// Not all of them need to be: a few devices may be behind another port, or mark nothing.
    const fn are_mostly_marked(self) -> bool {
        self.number >= Self::ENOUGH && self.zero.count_zeros() > u16::BITS / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(server: u8, phones: u8, number: u64) -> MarkSamples {
        let mut marks = MarkSamples::default();
        for second in 1..=number {
            let at = Timestamp::from_secs(second);
            assert!(marks.wants(Sender::Server, at));
            marks.sample(Sender::Server, server, at);
            marks.sample(Sender::Phone, phones, at);
            assert!(!marks.wants(Sender::Phone, at));
        }
        marks
    }

    #[test]
    fn one_side_without_marks_where_the_other_has_them_is_untrusted() {
        let untrusted = |sender, other_mark| Some(Untrusted { sender, other_mark });
        for (server, phones, number, expected) in [
            (0, 24, 16, untrusted(Sender::Server, 24)),
            (26, 0, 16, untrusted(Sender::Phone, 26)),
            (0, 24, 15, None),
            (24, 24, 40, None),
            (0, 0, 40, None),
        ] {
            assert_eq!(marks(server, phones, number).untrusted(), expected);
        }
        let mut mixed = marks(0, 24, 40);
        mixed.sample(Sender::Server, 24, Timestamp::from_secs(99));
        assert_eq!(mixed.untrusted(), None);
    }

    #[test]
    fn the_share_of_unmarked_segments_is_that_of_the_last_ones() {
        let share = |marks: &MarkSamples| {
            [Sender::Server, Sender::Phone].map(|sender| marks.unmarked_share(sender))
        };
        assert_eq!(share(&MarkSamples::default()), [None, None]);
        assert_eq!(share(&marks(0, 24, 3)), [Some(1.0), Some(0.0)]);
        let mut later = marks(0, 24, 40);
        for second in 41..45 {
            later.sample(Sender::Server, 24, Timestamp::from_secs(second));
        }
        assert_eq!(share(&later), [Some(0.75), Some(0.0)]);
    }
}
