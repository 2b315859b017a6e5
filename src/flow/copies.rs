//! The mirror-copy filter: a mirror of both directions, of several ports or of several VLANs shows one packet twice.
//!
//! A copy keeps what the endpoints wrote: addresses, IP identification, ports, numbers, payload. On the way between the
//! two points where it was seen, bridges and routers may have changed its hardware addresses, VLAN tags, time to live,
//! code point and checksums, so those are not compared.
//!
//! A copy is not a retransmission, and the two are told apart by two things together:
//!
//! * **Identification.** Most stacks number their IPv4 packets, so that a segment sent again has another number. Not all
//!   do: a packet that may not be fragmented is free to carry 0 (RFC 6864 section 4.1), as Linux does in a SYN-ACK, and
//!   IPv6 has none.
//! * **Time.** The copies of one packet are as far apart as the queues between two ports of a switch, a few milliseconds
//!   at most; in either order, since two mirror ports are two capture sources. A retransmission timer waits 200 ms and
//!   more, DHCP, TFTP and DNS clients a second. The window (20 ms is a good one) lies in between.
//!
//! What is left over is a true repetition inside the window with the same identification: pure acknowledgments, as in
//! a burst of duplicate ones before a fast retransmit, or that fast retransmit itself from a stack that numbers nothing.
//! Dropping these is harmless: their bytes and numbers have been seen, and no message is made of them.
//!
//! A frame that a snap length or a mirror session cut is never kept in the place of the whole one: the whole one passes,
//! whichever comes first, and the cut one is its copy where it comes second.
//!
//! Time is measured from the first of a run of copies, so an endless run does not hide for ever. What relays write anew
//! (DHCP through a relay agent) is another packet here.

mod fingerprint;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher;
use std::time::Duration;

use super::keyed::Keyed;
use crate::time::Timestamp;
use crate::wire::packet::{Content, IpPacket, Packet, Transport};

/// Remembers the packets of the last moments, in a table of bounded size.
///
/// The table is 4-way set-associative: a packet's hash names a set, and in it one that is too old to matter makes room.
/// Where all of a set are still needed, the table becomes twice as large, so that it is as small as the feed lets it be
/// and stays in the processor's cache: each look at it would wait for memory otherwise. Only where it is as large as it
/// may be does one that was needed make way, the farthest in time; a copy then passes unseen, and
/// [`CopyFilter::overflowed`] counts.
#[derive(Clone, Debug)]
pub struct CopyFilter<S = Keyed> {
    /// In nanoseconds: a duration is two numbers, and costs a division each time.
    window: u64,
    /// A power of two of them.
    sets: Vec<[Entry; WAYS]>,
    most_sets: usize,
    hasher: S,
    mode: CopyMode,
    /// Frames compared since the last copy.
    quiet: u32,
    copies: u64,
    overflowed: u64,
}

/// When frames are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyMode {
    /// As the feed needs it. Each frame is compared until [`QUIET`] of them came without a copy among them; from then on
    /// one in [`SAMPLED`] of the TCP segments, and everything else, until the next copy. A segment that is not
    /// compared and is a copy does no harm but to be counted as sent again: its stream knows its bytes.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never: no frame is a copy.
    Off,
}

/// So many frames without a copy show that the feed has none.
pub const QUIET: u32 = 100_000;
/// One in so many segments is compared where there were no copies lately; a power of two.
pub const SAMPLED: u32 = 8;

/// How many entries share a set: one cache line.
const WAYS: usize = 4;

/// The hash of a packet and when it was seen; hash 0 is an empty entry.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    hash: u64,
    at: Timestamp,
}

impl Entry {
    /// In nanoseconds.
    const fn distance(&self, at: Timestamp) -> u64 {
        self.at.as_nanos().abs_diff(at.as_nanos())
    }
}

impl<S: BuildHasher> CopyFilter<S> {
    /// The largest table: 2^24 entries, 256 MiB.
    const MAX_CAPACITY: usize = 1 << 24;

    /// How many sets there are at first, at most: 16 KiB.
    const FIRST_SETS: usize = 256;

    /// A filter for copies at most `window` apart, with room for `capacity` packets (rounded up to a power of two): as
    /// many as come within the window. A window of zero lets everything pass. `hasher` holds the random seed, without
    /// which a sender could make packets that hide each other.
    pub fn new(mode: CopyMode, window: Duration, capacity: usize, hasher: S) -> Self {
        let sets = capacity
            .clamp(1, Self::MAX_CAPACITY)
            .div_ceil(WAYS)
            .next_power_of_two();
        Self {
            window: nanos(window),
            sets: vec![[Entry::default(); WAYS]; sets.min(Self::FIRST_SETS)],
            most_sets: sets,
            hasher,
            mode,
            quiet: 0,
            copies: 0,
            overflowed: 0,
        }
    }

    /// Whether the same packet was seen within the window before or after `at`; if not, it is remembered. Of a tunnel
    /// the inner packet is to be asked for.
    pub fn is_copy(&mut self, packet: &Packet<'_>, at: Timestamp) -> bool {
        if self.window == 0 || self.mode == CopyMode::Off || self.is_passed_over(packet) {
            return false;
        }
        let Some(hash) = fingerprint::of(packet, self.hasher.build_hasher()) else {
            return false;
        };
        self.quiet = self.quiet.saturating_add(1);
        if fingerprint::is_cut(packet) {
            // A copy of the whole one, or of another that was cut.
            return self.is_known(hash, at) || !self.remember(hash.rotate_left(1).max(1), at);
        }
        !self.remember(hash, at)
    }

    /// Whether the feed shows no copies, and this segment is not among those that are compared all the same. Both copies
    /// of a segment are, or none is.
    fn is_passed_over(&self, packet: &Packet<'_>) -> bool {
        const SPREAD: u32 = 0x9e37_79b1;
        if self.mode != CopyMode::Auto || self.quiet < QUIET {
            return false;
        }
        let Content::Ip(IpPacket {
            transport: Transport::Tcp(segment),
            ..
        }) = packet.content
        else {
            return false;
        };
        let number = segment
            .sequence
            .wrapping_add(segment.acknowledgment.unwrap_or(0).rotate_left(16))
            .wrapping_add(u32::from(segment.source_port));
        // Numbers go on by the length of a message, so that the lowest bits would be the same for ever.
        number.wrapping_mul(SPREAD) >> (u32::BITS - SAMPLED.ilog2()) != 0
    }

    /// Whether this hash was remembered within the window before or after `at`.
    fn is_known(&mut self, hash: u64, at: Timestamp) -> bool {
        let window = self.window;
        let is_known = self
            .set(hash)
            .iter()
            .any(|entry| entry.hash == hash && entry.distance(at) <= window);
        if is_known {
            self.copies += 1;
            self.quiet = 0;
        }
        is_known
    }

    /// Remembers the hash; false where it is known.
    fn remember(&mut self, hash: u64, at: Timestamp) -> bool {
        let window = self.window;
        loop {
            let mut is_known = false;
            // The farthest in time rather than the oldest: a time far ahead, as a broken clock gives, must not hold its
            // place. An empty one is farther than all.
            let mut farthest = (0, None);
            for entry in self.set(hash) {
                let distance = entry.distance(at);
                is_known |= distance <= window && entry.hash == hash;
                let distance = if entry.hash == 0 { u64::MAX } else { distance };
                if distance >= farthest.0 {
                    farthest = (distance, Some(entry));
                }
            }
            if is_known {
                self.copies += 1;
                self.quiet = 0;
                return false;
            }
            if let (distance, Some(entry)) = farthest
                && (distance > window || entry.hash == 0)
            {
                *entry = Entry { hash, at };
                return true;
            }
            if !self.grow() {
                self.replace_farthest(hash, at);
                return true;
            }
        }
    }

    /// Makes the table twice as large, where it may become so. All that is in it stays in it: what shared a set then
    /// shares one or two.
    #[cold]
    fn grow(&mut self) -> bool {
        if self.sets.len() >= self.most_sets {
            return false;
        }
        let larger = vec![[Entry::default(); WAYS]; self.sets.len() * 2];
        let smaller = std::mem::replace(&mut self.sets, larger);
        for entry in smaller.into_iter().flatten() {
            let set = self.set(entry.hash);
            if let Some(free) = set.iter_mut().find(|place| place.hash == 0) {
                *free = entry;
            }
        }
        true
    }

    #[cold]
    fn replace_farthest(&mut self, hash: u64, at: Timestamp) {
        let set = self.set(hash).iter_mut();
        if let Some(entry) = set.max_by_key(|entry| entry.distance(at)) {
            *entry = Entry { hash, at };
            self.overflowed += 1;
        }
    }

    /// The set of this hash.
    fn set(&mut self, hash: u64) -> &mut [Entry] {
        // The lowest bits name the set; the table is no longer than what fits into them.
        let index =
            usize::try_from(hash & u64::from(u32::MAX)).unwrap_or(0) & (self.sets.len() - 1);
        self.sets
            .get_mut(index)
            .map_or(&mut [], |set| set.as_mut_slice())
    }

    /// From here on copies are at most `window` apart.
    pub fn set_window(&mut self, window: Duration) {
        self.window = nanos(window);
    }

    /// How many copies were found.
    pub const fn copies(&self) -> u64 {
        self.copies
    }

    /// How many packets were forgotten within their window, because the table was too small for the rate.
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
