//! The header of a message and what makes bytes look like one.

use super::MAX_MESSAGE;
use crate::wire::Reader;
use crate::wire::sccp::message_id::{MessageId, Sender};

/// The three words before every body.
pub(super) struct Header {
    length: u32,
    pub(super) version: u32,
    pub(super) id: MessageId,
}

impl Header {
    pub(super) const SIZE: usize = 12;

    /// The header at the front of `bytes`, whatever it says; `None` where they are too few.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes.get(..Self::SIZE)?);
        Some(Self {
            length: reader.u32_le("message length").ok()?,
            version: reader.u32_le("header version").ok()?,
            id: MessageId(reader.u32_le("message id").ok()?),
        })
    }

    /// The whole message's length in bytes, where this can be a header.
    pub(super) fn whole(&self) -> Option<usize> {
        whole_message(self.length)
    }

    /// The same, where it would be one even in the middle of anything.
    pub(super) fn credible(&self) -> Option<usize> {
        let whole = self.whole()?;
        let credible =
            self.has_known_version() && self.id.may_have_body(whole.saturating_sub(Self::SIZE));
        credible.then_some(whole)
    }

    /// Whether both can stand in one direction of one session: it has one sender and, beside 0, one version.
    pub(super) fn may_follow(&self, earlier: &Self) -> bool {
        let versions = [self.version, earlier.version];
        let senders = [self.id.sender(), earlier.id.sender()];
        (versions.contains(&0) || self.version == earlier.version)
            && (senders.contains(&Some(Sender::Either)) || self.id.sender() == earlier.id.sender())
    }

    pub(super) fn has_known_version(&self) -> bool {
        matches!(self.version, 0 | 0x0A | 0x0B | 0x0F..=0x16)
    }

    /// Whether these bytes, too few for a header, can be the front of one.
    pub(super) fn may_begin(bytes: &[u8]) -> bool {
        Reader::new(bytes)
            .u32_le("message length")
            .map_or(true, |length| whole_message(length).is_some())
    }
}

/// How many bytes a message takes whose length field says `length`, where it can be one.
pub(super) fn whole_message(length: u32) -> Option<usize> {
    let whole = usize::try_from(length).ok()?.checked_add(8)?;
    (Header::SIZE..=MAX_MESSAGE)
        .contains(&whole)
        .then_some(whole)
}
