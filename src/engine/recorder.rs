//! The flight recorder: the last frames of each device's signalling, within a bound for each and for all.
//!
//! One queue in the order of time, and one of their bytes; a device's frames are found by looking through it, since they
//! are asked for rarely and noted often.

use std::collections::{HashMap, VecDeque};

use crate::flow::keyed::Keyed;
use crate::phone::DeviceId;
use crate::record::{Frame, LinkType};
use crate::time::Timestamp;

/// A frame that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFrame {
    /// When the capture saw it.
    pub at: Timestamp,
    /// What `bytes` begin with.
    pub link: LinkType,
    /// Which capture source it came from.
    pub source: u16,
    /// Its length on the wire, in bytes.
    pub original_length: u32,
    /// Its bytes, as many as were captured.
    pub bytes: Box<[u8]>,
}

impl KeptFrame {
    /// The frame as it was captured.
    pub fn frame(&self) -> Frame<'_> {
        Frame {
            at: self.at,
            link: self.link,
            source: self.source,
            original_length: self.original_length,
            bytes: &self.bytes,
        }
    }
}

/// What an entry takes beside the bytes of its frame.
const OVERHEAD: usize = size_of::<Entry>();

/// Room is taken in steps, of this many bytes at first.
const FIRST_ROOM: usize = 64 << 10;

/// A frame, but for its bytes.
struct Entry {
    /// Whose it is; nobody's once it is given up before its time.
    device: Option<DeviceId>,
    at: Timestamp,
    original_length: u32,
    length: u32,
    source: u16,
    link: LinkType,
}

impl Entry {
    fn length(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    fn size(&self) -> usize {
        OVERHEAD + self.length()
    }
}

/// The frames.
#[derive(Default)]
pub(super) struct Recorder {
    entries: VecDeque<Entry>,
    /// The bytes of all entries, one after the other: an allocation for each would cost more than all else here.
    contents: VecDeque<u8>,
    /// What the entries take, those that are given up included.
    held: usize,
    /// What those that are given up take.
    given_up: usize,
    limit: usize,
    /// How many of each device's frames are kept, of devices with any.
    counts: HashMap<DeviceId, u32, Keyed>,
    /// Devices that turned out to be others, as long as any of their frames is kept.
    aliases: HashMap<DeviceId, DeviceId>,
    /// A device may have so many.
    per_device: u32,
    dropped: u64,
}

impl Recorder {
    /// Keeps at most `limit` bytes, its own overhead included, and at most `per_device` frames of each device.
    pub(super) fn new(limit: usize, per_device: u32) -> Self {
        Self {
            limit,
            per_device: per_device.max(2),
            ..Self::default()
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.held - self.given_up
    }

    /// Frames that had to go.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Keeps a frame of this device.
    pub(super) fn keep(&mut self, device: DeviceId, frame: &Frame<'_>) {
        let Ok(length) = u32::try_from(frame.bytes.len()) else {
            return;
        };
        let entry = Entry {
            device: Some(device),
            at: frame.at,
            original_length: frame.original_length,
            length,
            source: frame.source,
            link: frame.link,
        };
        if entry.size() > self.limit {
            return;
        }
        let count = self.counts.entry(device).or_default();
        *count += 1;
        if *count > self.per_device {
            self.halve(device);
        }
        self.make_room(entry.size());
        self.held += entry.size();
        self.entries.push_back(entry);
        self.contents.extend(frame.bytes);
    }

    fn make_room(&mut self, size: usize) {
        if self.held + size > self.limit && self.given_up > self.limit / 4 {
            self.compact();
        }
        while self.held + size > self.limit {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.contents.drain(..oldest.length());
            self.held -= oldest.size();
            match oldest.device {
                Some(device) => self.forget(device),
                None => self.given_up -= oldest.size(),
            }
        }
        // Twice the room each time, but no more than the limit: a queue that doubles by itself goes beyond.
        let wanted = self.contents.len() + size;
        if wanted > self.contents.capacity() {
            let room = (2 * self.contents.capacity()).max(FIRST_ROOM);
            let room = room.min(self.limit).max(wanted);
            self.contents.reserve_exact(room - self.contents.len());
        }
    }

    /// Gives the older half of a device's frames up, so that one that speaks all the time does not drive out the others.
    fn halve(&mut self, device: DeviceId) {
        let too_many = usize::try_from(self.per_device / 2).unwrap_or(usize::MAX);
        let mut given_up = 0;
        let of_device = |entry: &&mut Entry| entry.device == Some(device);
        for entry in self.entries.iter_mut().filter(of_device).take(too_many) {
            entry.device = None;
            given_up += entry.size();
        }
        self.given_up += given_up;
        for _ in 0..too_many {
            self.forget(device);
        }
    }

    /// Moves together what is not given up.
    fn compact(&mut self) {
        let mut contents = VecDeque::with_capacity(self.contents.capacity());
        let old = &mut self.contents;
        self.entries.retain(|entry| {
            let bytes = old.drain(..entry.length());
            if entry.device.is_some() {
                contents.extend(bytes);
            }
            entry.device.is_some()
        });
        self.contents = contents;
        self.held -= self.given_up;
        self.given_up = 0;
    }

    /// One frame of this device less.
    fn forget(&mut self, device: DeviceId) {
        self.dropped += 1;
        if let Some(count) = self.counts.get_mut(&device) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&device);
                self.aliases.remove(&device);
            }
        }
    }

    /// What was kept of `from` is of `into`: both were the same device.
    pub(super) fn merged(&mut self, from: DeviceId, into: DeviceId) {
        if self.counts.contains_key(&from) {
            self.aliases.insert(from, into);
        }
    }

    /// The device that this one turned out to be.
    fn resolve(&self, mut device: DeviceId) -> DeviceId {
        // A device that is merged is gone, so there is no circle; longer chains than this do not happen.
        for _ in 0..8 {
            match self.aliases.get(&device) {
                Some(&into) => device = into,
                None => break,
            }
        }
        device
    }

    /// The frames of this device, in the order in which they came.
    pub(super) fn frames(&self, device: DeviceId) -> impl Iterator<Item = KeptFrame> {
        let mut end = 0;
        self.entries.iter().filter_map(move |entry| {
            let begin = end;
            end += entry.length();
            let of = entry.device.map(|of| self.resolve(of));
            (of == Some(device)).then(|| KeptFrame {
                at: entry.at,
                link: entry.link,
                source: entry.source,
                original_length: entry.original_length,
                bytes: self.contents.range(begin..end).copied().collect(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn device(index: u32) -> DeviceId {
        DeviceId {
            index,
            generation: 0,
        }
    }

    fn keep(recorder: &mut Recorder, index: u32, second: u64) {
        recorder.keep(
            device(index),
            &Frame {
                at: Timestamp::from_secs(second),
                link: LinkType::Ethernet,
                source: 0,
                original_length: 100,
                bytes: &[0; 100],
            },
        );
    }

    fn seconds(recorder: &Recorder, index: u32) -> Vec<u64> {
        let frames = recorder.frames(device(index));
        frames
            .map(|frame| frame.at.as_nanos() / 1_000_000_000)
            .collect()
    }

    #[test]
    fn keeps_the_last_frames_within_its_bytes() {
        let mut recorder = Recorder::new(3 * (OVERHEAD + 100), 100);
        for second in 1..=5 {
            keep(&mut recorder, u32::from(second % 2 == 0), second);
        }
        assert_eq!(seconds(&recorder, 0), [3, 5]);
        assert_eq!(seconds(&recorder, 1), [4]);
        assert_eq!(recorder.dropped(), 2);
        assert_eq!(recorder.bytes(), 3 * (OVERHEAD + 100));
    }

    #[test]
    fn one_that_speaks_all_the_time_does_not_drive_out_the_others() {
        let mut recorder = Recorder::new(1 << 20, 10);
        keep(&mut recorder, 1, 1);
        for second in 2..1000 {
            keep(&mut recorder, 0, second);
        }
        assert_eq!(seconds(&recorder, 1), [1]);
        let kept = seconds(&recorder, 0);
        assert!((5..=10).contains(&kept.len()), "{kept:?}");
        assert_eq!(kept.last(), Some(&999));
        let bytes = (kept.len() + 1) * (OVERHEAD + 100);
        assert_eq!(recorder.bytes(), bytes);
    }

    #[test]
    fn the_bytes_stay_with_their_frames() {
        let mut recorder = Recorder::new(10_000, 10);
        for number in 0..2_000_u16 {
            let [low, high] = number.to_le_bytes();
            let index = u32::from(!number.is_multiple_of(50));
            let bytes = vec![low ^ high; 1 + usize::from(low) % 90];
            recorder.keep(
                device(index),
                &Frame {
                    at: Timestamp::from_secs(number.into()),
                    link: LinkType::Ethernet,
                    source: 0,
                    original_length: 100,
                    bytes: &bytes,
                },
            );
            let of_all = [0, 1].map(|index| recorder.frames(device(index)).count());
            let kept: usize = recorder.counts.values().map(|&count| count as usize).sum();
            assert_eq!(of_all[0] + of_all[1], kept);
            assert!(recorder.held <= 10_000 && recorder.contents.capacity() <= 20_000);
        }
        let mut sizes = 0;
        for index in [0, 1] {
            let frames: Vec<KeptFrame> = recorder.frames(device(index)).collect();
            assert!(frames.len() >= 5, "{}", frames.len());
            for frame in frames {
                let number = u16::try_from(frame.at.as_nanos() / 1_000_000_000).unwrap();
                let [low, high] = number.to_le_bytes();
                assert_eq!(*frame.bytes, *vec![low ^ high; 1 + usize::from(low) % 90]);
                sizes += OVERHEAD + frame.bytes.len();
            }
        }
        assert_eq!(recorder.bytes(), sizes);
    }

    #[test]
    fn what_was_one_device_all_along_has_all_its_frames() {
        let mut recorder = Recorder::new(1 << 20, 10);
        for (index, second) in [(0, 1), (1, 2), (0, 3)] {
            keep(&mut recorder, index, second);
        }
        recorder.merged(device(0), device(1));
        assert_eq!(seconds(&recorder, 0), [0; 0]);
        assert_eq!(seconds(&recorder, 1), [1, 2, 3]);
    }
}
