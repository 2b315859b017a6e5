//! The way from a capture thread to the engine: a lock-free ring of bytes with records in it.
//!
//! One [`Producer`], which never waits, and one [`Consumer`]. Whole records are published, many at a time: the producer
//! gathers them and [`Producer::commit`] makes them visible, so the price of touching memory that another core
//! reads is paid once per batch. Where a record does not fit it is dropped, and a [`Loss`] takes its place in the order.
//!
//! The bytes are copied once on each side. The ring lends slices only as long as a chunk of it is held, which no struct
//! can do beside the ring itself without unsafe code; and a batch that has just been written is still in the cache.

mod waker;

use std::sync::Arc;

use crate::record::{Frame, LinkType, Loss, LossPlace, Record};
use crate::time::Timestamp;

pub use waker::Waker;

/// A ring of `capacity` bytes; committing wakes the thread that sleeps on `waker`.
pub fn ring(capacity: usize, waker: Arc<Waker>) -> (Producer, Consumer) {
    let (producer, consumer) = rtrb::RingBuffer::new(capacity);
    let producer = Producer {
        ring: producer,
        staged: Vec::with_capacity(BATCH),
        losses: [None; LossPlace::ALL.len()],
        waker: WakeWhenDropped(waker),
    };
    let consumer = Consumer {
        ring: consumer,
        buffer: vec![0; BATCH],
        start: 0,
        end: 0,
    };
    (producer, consumer)
}

/// The end of the ring that a capture thread writes to.
#[derive(Debug)]
pub struct Producer {
    // Dropped first: whoever is woken by what follows finds the ring abandoned.
    ring: rtrb::Producer<u8>,
    /// Records that are not visible yet; no more of them than the ring has room for.
    staged: Vec<u8>,
    /// What was lost and has not been written, by place.
    losses: [Option<Loss>; LossPlace::ALL.len()],
    waker: WakeWhenDropped,
}

impl Producer {
    /// Adds a frame. False where it did not fit: it is gone, and a [`Loss`] will say so before the next frame.
    pub fn push(&mut self, frame: &Frame<'_>) -> bool {
        let room_taken = self.losses_length() + HEADER + frame.bytes.len();
        let Some(header) = Header::of_frame(frame).filter(|_| self.has_room(room_taken)) else {
            self.push_loss(Loss {
                at: frame.at,
                source: frame.source,
                place: LossPlace::Ring,
                frames: 1,
            });
            return false;
        };
        self.stage_losses();
        self.staged.extend_from_slice(&header.to_bytes());
        self.staged.extend_from_slice(frame.bytes);
        if self.staged.len() >= BATCH {
            self.publish();
        }
        true
    }

    /// Adds a loss. It always gets through: losses of one place that find no room become one.
    pub fn push_loss(&mut self, loss: Loss) {
        let pending = &mut self.losses[loss.place as usize];
        let before = pending.map_or(0, |pending| pending.frames);
        *pending = Some(Loss {
            frames: before.saturating_add(loss.frames),
            ..loss
        });
    }

    /// Makes all that was added visible, and wakes the consumer where there is something to see.
    pub fn commit(&mut self) {
        if self.has_room(self.losses_length()) {
            self.stage_losses();
        }
        self.publish();
    }

    /// Whether the consumer is gone.
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    fn publish(&mut self) {
        if self.staged.is_empty() {
            return;
        }
        let published = self.ring.push_entire_slice(&self.staged).is_ok();
        debug_assert!(published, "no more is staged than there is room for");
        self.staged.clear();
        self.waker.0.wake();
    }

    /// Whether so many bytes fit beside what is staged. The consumer only ever makes more room.
    fn has_room(&mut self, bytes: usize) -> bool {
        let needed = self.staged.len() + bytes;
        needed <= self.ring.cached_slots() || needed <= self.ring.slots()
    }

    fn losses_length(&self) -> usize {
        self.losses.iter().flatten().count() * LOSS_LENGTH
    }

    fn stage_losses(&mut self) {
        for loss in self.losses.iter_mut().filter_map(Option::take) {
            self.staged
                .extend_from_slice(&Header::of_loss(&loss).to_bytes());
            self.staged.extend_from_slice(&loss.frames.to_le_bytes());
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.commit();
    }
}

/// The end of the ring that the engine reads from.
#[derive(Debug)]
pub struct Consumer {
    ring: rtrb::Consumer<u8>,
    /// What was taken out of the ring; `start..end` of it has not been given yet.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Consumer {
    /// The time of the next record, where there is one.
    pub fn peek_time(&mut self) -> Option<Timestamp> {
        self.header().map(|header| header.at)
    }

    /// The next record; it lasts until the next call.
    pub fn pop(&mut self) -> Option<Record<'_>> {
        let header = self.header()?;
        let length = header.length as usize;
        if self.end - self.start < HEADER + length {
            self.fill(HEADER + length);
        }
        let from = self.start + HEADER;
        let body = self.buffer.get(from..from + length)?;
        self.start = from + length;
        Some(header.record(body))
    }

    /// How full the ring is, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    pub fn used_ratio(&self) -> f64 {
        let capacity = self.ring.buffer().capacity();
        self.ring.slots() as f64 / capacity.max(1) as f64
    }

    /// Whether the producer is gone: what can be popped after this said so is the last of it.
    pub fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    fn header(&mut self) -> Option<Header> {
        if self.end - self.start < HEADER {
            self.fill(HEADER);
        }
        let bytes = self.buffer.get(self.start..self.end)?.first_chunk()?;
        Header::from_bytes(bytes)
    }

    /// Takes bytes out of the ring until at least `wanted` are here, where the ring has that many.
    fn fill(&mut self, wanted: usize) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let (taken, _) = self.ring.pop_partial_slice(&mut self.buffer[self.end..]);
        self.end += taken.len();
    }
}

/// What stands before the bytes of each record in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    /// How many bytes follow.
    length: u32,
    kind: Kind,
    source: u16,
    at: Timestamp,
    original_length: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Frame(LinkType),
    Loss(LossPlace),
}

/// The length of a header in the ring, in bytes.
const HEADER: usize = 4 + 2 + 2 + 8 + 4;
/// The length of a whole loss record in the ring.
const LOSS_LENGTH: usize = HEADER + 8;
/// How many bytes are published and taken at once: enough to make the shared part cheap, little enough for the cache.
const BATCH: usize = 64 << 10;

impl Header {
    fn of_frame(frame: &Frame<'_>) -> Option<Self> {
        Some(Self {
            length: u32::try_from(frame.bytes.len()).ok()?,
            kind: Kind::Frame(frame.link),
            source: frame.source,
            at: frame.at,
            original_length: frame.original_length,
        })
    }

    const fn of_loss(loss: &Loss) -> Self {
        Self {
            length: 8,
            kind: Kind::Loss(loss.place),
            source: loss.source,
            at: loss.at,
            original_length: 0,
        }
    }

    fn record(self, body: &[u8]) -> Record<'_> {
        match self.kind {
            Kind::Frame(link) => Record::Frame(Frame {
                at: self.at,
                link,
                source: self.source,
                original_length: self.original_length,
                bytes: body,
            }),
            Kind::Loss(place) => Record::Loss(Loss {
                at: self.at,
                source: self.source,
                place,
                frames: body
                    .first_chunk()
                    .map_or(0, |&frames| u64::from_le_bytes(frames)),
            }),
        }
    }

    fn to_bytes(self) -> [u8; HEADER] {
        let kind = match self.kind {
            Kind::Frame(link) => [0, position(&LINKS, &link)],
            Kind::Loss(place) => [1, position(&LossPlace::ALL, &place)],
        };
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..6].copy_from_slice(&kind);
        bytes[6..8].copy_from_slice(&self.source.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.at.as_nanos().to_le_bytes());
        bytes[16..].copy_from_slice(&self.original_length.to_le_bytes());
        bytes
    }

    /// The header that [`Self::to_bytes`] made these bytes of.
    fn from_bytes(bytes: &[u8; HEADER]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (&[kind, which], rest) = rest.split_first_chunk()?;
        let (source, rest) = rest.split_first_chunk()?;
        let (at, rest) = rest.split_first_chunk()?;
        let original_length = rest.first_chunk()?;
        Some(Self {
            length: u32::from_le_bytes(*length),
            kind: match kind {
                0 => Kind::Frame(*LINKS.get(usize::from(which))?),
                _ => Kind::Loss(*LossPlace::ALL.get(usize::from(which))?),
            },
            source: u16::from_le_bytes(*source),
            at: Timestamp::from_nanos(u64::from_le_bytes(*at)),
            original_length: u32::from_le_bytes(*original_length),
        })
    }
}

const LINKS: [LinkType; 5] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Null,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
];

/// Where `wanted` stands in one of the two short lists above, each of which holds every value of its type.
fn position<T: PartialEq>(list: &[T], wanted: &T) -> u8 {
    let index = list.iter().position(|value| value == wanted);
    index
        .and_then(|index| u8::try_from(index).ok())
        .unwrap_or(u8::MAX)
}

/// Wakes the consumer when the producer goes, so that it sees the end at once.
#[derive(Debug)]
struct WakeWhenDropped(Arc<Waker>);

impl Drop for WakeWhenDropped {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// What the waker is made of. Its model test puts loom's in the place of these.
mod sync {
    pub(super) use std::sync::OnceLock;
    pub(super) use std::sync::atomic::{AtomicBool, Ordering, fence};
    pub(super) use std::thread::{Thread, current, park_timeout};
}

#[cfg(test)]
mod tests;
#[cfg(test)]
#[expect(
    clippy::duplicate_mod,
    reason = "the waker's source once more, over other atomics"
)]
mod under_loom;
