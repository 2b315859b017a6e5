//! The flight recorder: the last frames of each device's signalling, within a bound for each and for all.
//!
//! One queue in the order of time; a device's frames are found by looking through it, since they are asked for rarely
//! and noted often.

use std::collections::{HashMap, VecDeque};

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
const OVERHEAD: usize = size_of::<Entry>() + 16;

struct Entry {
    device: DeviceId,
    frame: KeptFrame,
}

/// The frames.
#[derive(Default)]
pub(super) struct Recorder {
    entries: VecDeque<Entry>,
    bytes: usize,
    limit: usize,
    /// How many of each device's frames are kept, of devices with any.
    counts: HashMap<DeviceId, u32>,
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
        self.bytes
    }

    /// Frames that had to go.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Keeps a frame of this device.
    pub(super) fn keep(&mut self, device: DeviceId, frame: &Frame<'_>) {
        let size = OVERHEAD + frame.bytes.len();
        if size > self.limit {
            return;
        }
        let count = self.counts.entry(device).or_default();
        *count += 1;
        if *count > self.per_device {
            self.halve(device);
        }
        self.entries.push_back(Entry {
            device,
            frame: KeptFrame {
                at: frame.at,
                link: frame.link,
                source: frame.source,
                original_length: frame.original_length,
                bytes: frame.bytes.into(),
            },
        });
        self.bytes += size;
        while self.bytes > self.limit {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.forget(&oldest);
        }
    }

    /// Drops the older half of a device's frames, so that one that speaks all the time does not drive out the others.
    fn halve(&mut self, device: DeviceId) {
        let mut too_many = self.per_device / 2;
        let entries = std::mem::take(&mut self.entries);
        for entry in entries {
            if too_many > 0 && entry.device == device {
                too_many -= 1;
                self.forget(&entry);
            } else {
                self.entries.push_back(entry);
            }
        }
    }

    fn forget(&mut self, entry: &Entry) {
        self.bytes -= OVERHEAD + entry.frame.bytes.len();
        self.dropped += 1;
        if let Some(count) = self.counts.get_mut(&entry.device) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&entry.device);
                self.aliases.remove(&entry.device);
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
    pub(super) fn frames(&self, device: DeviceId) -> impl Iterator<Item = &KeptFrame> {
        self.entries
            .iter()
            .filter(move |entry| self.resolve(entry.device) == device)
            .map(|entry| &entry.frame)
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
