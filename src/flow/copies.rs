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
mod learning;
mod table;

use std::hash::BuildHasher;
use std::time::Duration;

use learning::Learning;
use table::Table;

use super::keyed::Keyed;
use crate::time::Timestamp;
use crate::wire::packet::Packet;

/// Remembers the packets of the last moments, in a table of bounded size.
#[derive(Clone, Debug)]
pub struct CopyFilter<S = Keyed> {
    table: Table,
    learning: Learning,
    hasher: S,
    copies: u64,
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

impl<S: BuildHasher> CopyFilter<S> {
    /// A filter for copies at most `window` apart, with room for `capacity` packets (rounded up to a power of two): as
    /// many as come within the window. A window of zero lets everything pass. `hasher` holds the random seed, without
    /// which a sender could make packets that hide each other.
    pub fn new(mode: CopyMode, window: Duration, capacity: usize, hasher: S) -> Self {
        Self {
            table: Table::new(window, capacity),
            learning: Learning::new(mode),
            hasher,
            copies: 0,
        }
    }

    /// Whether the same packet was seen within the window before or after `at`; if not, it is remembered. Of a tunnel
    /// the inner packet is to be asked for.
    pub fn is_copy(&mut self, packet: &Packet<'_>, at: Timestamp) -> bool {
        if self.table.is_closed() || self.learning.passes_over(packet) {
            return false;
        }
        let Some(hash) = fingerprint::of(packet, self.hasher.build_hasher()) else {
            return false;
        };
        let is_copy = if fingerprint::is_cut(packet) {
            // A copy of the whole one, or of another that was cut.
            self.table.knows(hash, at) || !self.table.remember(hash.rotate_left(1).max(1), at)
        } else {
            !self.table.remember(hash, at)
        };
        self.learning.compared(is_copy);
        self.copies += u64::from(is_copy);
        is_copy
    }

    /// From here on copies are at most `window` apart.
    pub fn set_window(&mut self, window: Duration) {
        self.table.set_window(window);
    }

    /// How many copies were found.
    pub const fn copies(&self) -> u64 {
        self.copies
    }

    /// How many packets were forgotten within their window, because the table was too small for the rate.
    pub const fn overflowed(&self) -> u64 {
        self.table.overflowed()
    }
}

#[cfg(test)]
mod tests;
