//! What the feed shows: whether it has copies, and so how much of it is compared.

use super::{CopyMode, QUIET, SAMPLED};
use crate::wire::packet::{Content, IpPacket, Packet, Transport};

/// Which packets are compared.
#[derive(Clone, Debug)]
pub(super) struct Learning {
    mode: CopyMode,
    /// Frames compared since the last copy.
    quiet: u32,
}

impl Learning {
    pub(super) const fn new(mode: CopyMode) -> Self {
        Self { mode, quiet: 0 }
    }

    /// Whether this packet need not be compared: the feed shows no copies, and this segment is not among those that are
    /// compared all the same. Both copies of a segment are, or none is.
    pub(super) fn passes_over(&self, packet: &Packet<'_>) -> bool {
        const SPREAD: u32 = 0x9e37_79b1;
        match self.mode {
            CopyMode::Off => return true,
            CopyMode::Auto if self.quiet >= QUIET => {}
            CopyMode::Auto | CopyMode::On => return false,
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

    /// A packet was compared.
    pub(super) const fn compared(&mut self, is_copy: bool) {
        self.quiet = if is_copy {
            0
        } else {
            self.quiet.saturating_add(1)
        };
    }

    #[cfg(test)]
    pub(super) const fn is_sampling(&self) -> bool {
        self.quiet >= QUIET
    }
}
