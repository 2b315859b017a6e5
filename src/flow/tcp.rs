//! One direction of a TCP connection, put back in order from what the mirror showed of it.
//!
//! An observer is not an endpoint: the stream may be joined in its middle, segments come twice, cut differently,
//! out of order, or never. Each byte is delivered once; where bytes are missing and will not come any more, a
//! [`Delivery::Gap`] says so. Sequence numbers are compared modulo 2^32 (RFC 9293, section 3.4).

use std::time::Duration;

use crate::time::Timestamp;

/// How much out-of-order data one direction may hold while it waits for a missing segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Bytes held before the hole is given up.
    pub bytes: usize,
    /// Segments held before the hole is given up.
    pub segments: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            bytes: 16 * 1024,
            segments: 32,
        }
    }
}

/// How long a missing segment is waited for. TCP's first retransmission comes after one second at most on the links
/// that phones use (RFC 6298, section 2); three let a second one arrive.
const HOLE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long it is waited for once the receiver has acknowledged it: it arrived there, so only the order in which two
/// mirror ports deliver can still bring it.
const ACKNOWLEDGED_HOLE_TIMEOUT: Duration = Duration::from_millis(200);

/// How long the end of a segment is waited for that the capture cut: another copy of it may be whole. It was there to be
/// seen, so nobody sends it again.
const CUT_TIMEOUT: Duration = Duration::from_millis(50);

/// A segment this far from the expected place belongs to another connection that reuses the ports.
const WINDOW: u32 = 1 << 20;

/// What a stream hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The next bytes in order.
    Bytes(&'a [u8]),
    /// Bytes that were not seen and will not come.
    Gap,
}

/// What a segment was to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It brought the next bytes, or none at all.
    InOrder,
    /// All of it was known already.
    Retransmission,
    /// It lies behind a hole and is held.
    OutOfOrder,
    /// It lies far away from where the stream stands.
    Stray,
}

/// Reassembles one direction. Holds no heap memory while nothing is missing.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    place: Option<Place>,
    waiting: Option<Box<Waiting>>,
}

/// Where a stream stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The sequence number of the byte that comes next.
    next: u32,
    /// Whether the last segment came from far outside the window.
    has_strayed: bool,
}

impl Place {
    const fn at(next: u32) -> Self {
        Self {
            next,
            has_strayed: false,
        }
    }
}

/// Segments behind a hole, in order of their sequence number.
#[derive(Clone, Debug)]
struct Waiting {
    since: Timestamp,
    acknowledged: Option<Timestamp>,
    /// When the segment came whose end is the hole, because the capture cut it.
    cut: Option<Timestamp>,
    bytes: usize,
    segments: Vec<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    sequence: u32,
    /// Empty where a segment was cut that ends here.
    payload: Box<[u8]>,
    cut: u32,
}

impl Stream {
    /// A stream of which nothing is known: its first segment says where it stands.
    pub const fn new() -> Self {
        Self {
            place: None,
            waiting: None,
        }
    }

    /// The stream begins: `sequence` is that of the SYN, which itself counts as one.
    ///
    /// A repeated SYN changes nothing, so that data which overtook it is not lost.
    pub fn begin(&mut self, sequence: u32) {
        let first = sequence.wrapping_add(1);
        if self
            .place
            .is_none_or(|place| place.next.wrapping_sub(first) > WINDOW)
        {
            *self = Self {
                place: Some(Place::at(first)),
                waiting: None,
            };
        }
    }

    /// The sequence number of the byte that comes next, once the place of the stream is known.
    pub fn next_sequence(&self) -> Option<u32> {
        self.place.map(|place| place.next)
    }

    /// Bytes held behind a hole.
    pub fn held_bytes(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    /// Takes one segment: `payload` is what the capture kept of it, `length` what it had on the wire, both in bytes.
    pub fn segment(
        &mut self,
        at: Timestamp,
        sequence: u32,
        payload: &[u8],
        length: u32,
        limits: StreamLimits,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) -> Placement {
        let cut = length.saturating_sub(u32::try_from(payload.len()).unwrap_or(u32::MAX));
        let Some(place) = &mut self.place else {
            self.place = Some(Place::at(sequence));
            self.take(at, sequence, payload, cut, deliver);
            return Placement::InOrder;
        };
        if length == 0 {
            return Placement::InOrder;
        }
        let ahead = sequence.wrapping_sub(place.next);
        let behind = place.next.wrapping_sub(sequence);
        if ahead.min(behind) > WINDOW {
            // Two of them in a row, and the stream is taken up where they are.
            if std::mem::replace(&mut place.has_strayed, true) {
                self.restart_at(sequence, deliver);
                self.take(at, sequence, payload, cut, deliver);
            }
            return Placement::Stray;
        }
        place.has_strayed = false;
        if behind < WINDOW && behind >= length {
            return Placement::Retransmission;
        }
        if behind <= WINDOW {
            // Of one that is cut where the last one was nothing is new.
            let is_known = cut > 0 && length.saturating_sub(cut) <= behind;
            if is_known && self.waiting.is_some() {
                return Placement::Retransmission;
            }
            self.take(at, sequence, payload, cut, deliver);
            self.release(at, deliver);
            self.keep_within(limits, at, deliver);
            return Placement::InOrder;
        }
        self.hold(at, sequence, payload, cut);
        self.keep_within(limits, at, deliver);
        Placement::OutOfOrder
    }

    fn keep_within(
        &mut self,
        limits: StreamLimits,
        at: Timestamp,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        while self.waiting.as_ref().is_some_and(|waiting| {
            waiting.bytes > limits.bytes || waiting.segments.len() > limits.segments
        }) {
            self.give_up_hole(at, deliver);
        }
    }

    /// The other side acknowledged everything before `acknowledgment`.
    pub fn acknowledged(&mut self, at: Timestamp, acknowledgment: u32) {
        if let Some(waiting) = &mut self.waiting
            && let Some(first) = waiting.segments.first()
            && acknowledgment.wrapping_sub(first.sequence) < WINDOW
        {
            waiting.acknowledged.get_or_insert(at);
        }
    }

    /// When the hole in this stream is given up, if there is one.
    pub fn deadline(&self) -> Option<Timestamp> {
        let waiting = self.waiting.as_ref()?;
        let deadlines = [
            Some(waiting.since + HOLE_TIMEOUT),
            waiting
                .acknowledged
                .map(|at| at + ACKNOWLEDGED_HOLE_TIMEOUT),
            waiting.cut.map(|at| at + CUT_TIMEOUT),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Gives up the hole that is due at `now`.
    pub fn expire(&mut self, now: Timestamp, deliver: &mut dyn FnMut(Delivery<'_>)) {
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            self.give_up_hole(now, deliver);
        }
    }

    /// Delivers everything that is held: no more segments will come.
    pub fn flush(&mut self, deliver: &mut dyn FnMut(Delivery<'_>)) {
        while let Some(waiting) = &self.waiting {
            let since = waiting.since;
            self.give_up_hole(since, deliver);
        }
    }

    /// Bytes were lost at an unknown place: whatever comes next is taken up where it is.
    fn restart_at(&mut self, sequence: u32, deliver: &mut dyn FnMut(Delivery<'_>)) {
        *self = Self {
            place: Some(Place::at(sequence)),
            waiting: None,
        };
        deliver(Delivery::Gap);
    }

    /// Delivers the part of a segment that is new; the segment begins at or before the expected place. What the capture
    /// cut of it is a hole.
    fn take(
        &mut self,
        at: Timestamp,
        sequence: u32,
        payload: &[u8],
        cut: u32,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        let known = self
            .place
            .map_or(0, |place| place.next.wrapping_sub(sequence));
        let new = usize::try_from(known)
            .ok()
            .and_then(|known| payload.get(known..))
            .unwrap_or_default();
        if !new.is_empty() {
            deliver(Delivery::Bytes(new));
        }
        let captured = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.advance_to(sequence.wrapping_add(captured.max(known)));
        if cut > 0 {
            self.await_rest(at, sequence.wrapping_add(captured).wrapping_add(cut));
        }
    }

    /// The bytes up to `end` were cut from a segment.
    fn await_rest(&mut self, at: Timestamp, end: u32) {
        self.hold(at, end, &[], 0);
        if let Some(waiting) = &mut self.waiting {
            waiting.cut = Some(at);
        }
    }

    fn advance_to(&mut self, next: u32) {
        self.place.get_or_insert(Place::at(next)).next = next;
    }

    fn hold(&mut self, at: Timestamp, sequence: u32, payload: &[u8], cut: u32) {
        let waiting = self.waiting.get_or_insert_with(|| {
            Box::new(Waiting {
                since: at,
                acknowledged: None,
                cut: None,
                bytes: 0,
                segments: Vec::new(),
            })
        });
        // Compared by their distance behind the first held one: the hole is never longer than the window.
        let place = waiting
            .segments
            .partition_point(|held| sequence.wrapping_sub(held.sequence) <= WINDOW);
        let twin = place
            .checked_sub(1)
            .and_then(|before| waiting.segments.get(before));
        if twin.is_some_and(|held| held.sequence == sequence && held.payload.len() >= payload.len())
        {
            return;
        }
        waiting.bytes += payload.len();
        waiting.segments.insert(
            place,
            Held {
                sequence,
                payload: payload.into(),
                cut,
            },
        );
    }

    /// Delivers what is held and now in order.
    fn release(&mut self, at: Timestamp, deliver: &mut dyn FnMut(Delivery<'_>)) {
        while let Some(mut waiting) = self.waiting.take() {
            let Some(next) = self.next_sequence() else {
                return;
            };
            let in_order = waiting
                .segments
                .first()
                .is_some_and(|first| next.wrapping_sub(first.sequence) <= WINDOW);
            if !in_order {
                if !waiting.segments.is_empty() {
                    self.waiting = Some(waiting);
                }
                return;
            }
            let held = waiting.segments.remove(0);
            waiting.bytes -= held.payload.len();
            waiting.cut = None;
            // What is still missing behind this segment is another hole, waited for anew by its own time.
            self.waiting = Some(waiting);
            let length = u32::try_from(held.payload.len())
                .unwrap_or(u32::MAX)
                .wrapping_add(held.cut);
            if next.wrapping_sub(held.sequence) < length {
                self.take(at, held.sequence, &held.payload, held.cut, deliver);
            }
        }
    }

    fn give_up_hole(&mut self, at: Timestamp, deliver: &mut dyn FnMut(Delivery<'_>)) {
        if let Some(first) = self
            .waiting
            .as_ref()
            .and_then(|waiting| waiting.segments.first())
        {
            let next = first.sequence;
            self.advance_to(next);
            deliver(Delivery::Gap);
        }
        self.release(at, deliver);
    }
}

#[cfg(test)]
mod tests;
