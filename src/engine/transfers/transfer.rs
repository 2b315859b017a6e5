//! One transfer: what was seen of it, and what came of the file.

use std::net::IpAddr;

use super::content::{delivered, read};
use crate::engine::files::Wanted;
use crate::engine::world::World;
use crate::phone::DeviceId;
use crate::time::Timestamp;
use crate::wire::icmp::UnreachableCode;
use crate::wire::tftp::FileKind;

/// So many blocks that the capture cut may wait for whole copies of them.
const HOLES: usize = 8;

/// One transfer.
pub(super) struct Transfer {
    pub(super) server: IpAddr,
    pub(super) file: String,
    pub(super) kind: FileKind,
    pub(super) device: Option<DeviceId>,
    pub(super) began: Timestamp,
    pub(super) last: Timestamp,
    /// When it was last asked for, and how often.
    pub(super) asked: (Timestamp, u32),
    pub(super) answered: bool,
    /// How many datagrams of the server were shown.
    pub(super) shown: u32,
    /// Whether the client acknowledged anything.
    pub(super) heard: bool,
    /// How often the server sent what the client did not acknowledge, since that was last told.
    pub(super) unheard: u32,
    /// How many of the requests were told of as unheard.
    pub(super) told: u32,
    /// Whether the last block came: the transfer is over once the client acknowledges it.
    pub(super) delivered: bool,
    /// Bytes that came so far.
    pub(super) bytes: u64,
    pub(super) block_size: usize,
    /// The block size that the client asked for.
    pub(super) asked_size: Option<u16>,
    /// The block that comes next, counted over the wrap of its 16-bit number.
    pub(super) next_block: u16,
    /// What came so far, of a file that is read.
    pub(super) content: Option<Vec<u8>>,
    /// The last block that came, and when.
    pub(super) last_block: Option<(u16, Timestamp)>,
    /// The blocks of the content that the capture cut, and where they stand in it: other copies of them may be whole.
    pub(super) holes: Vec<(u16, usize)>,
    pub(super) source: u16,
    pub(super) armed: Option<Timestamp>,
}

impl Transfer {
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            file: &self.file,
            kind: self.kind,
            server: self.server,
            began: self.began,
        }
    }

    /// The server sent something, or the client acknowledges that it did.
    pub(super) fn answered_by_server(&mut self, world: &mut World, at: Timestamp) {
        self.last = at;
        if !self.answered {
            self.answered = true;
            world.file_answered(self.device, self.server, at);
        }
        if !self.heard {
            self.unheard = self.unheard.saturating_add(1);
        }
    }

    /// The client asks again or has fallen silent, and has acknowledged nothing of what the server sent.
    pub(super) fn tell_unheard(&mut self, world: &mut World, at: Timestamp) {
        if let Some(id) = self.device
            && self.answered
            && !self.heard
            && is_of_the_boot(&self.kind)
        {
            let requests = self.asked.1.saturating_sub(self.told);
            self.told = self.asked.1;
            let sent = std::mem::take(&mut self.unheard);
            world.file_unheard(id, &self.wanted(), (requests, sent), at);
        }
    }

    pub(super) fn unanswered(
        &self,
        world: &mut World,
        unreachable: Option<UnreachableCode>,
        at: Timestamp,
    ) {
        if let Some(id) = self.device.filter(|_| is_of_the_boot(&self.kind)) {
            let (last, tries) = self.asked;
            world.file_unanswered(
                id,
                &self.wanted(),
                (tries, last),
                unreachable,
                (self.source, at),
            );
        }
    }

    /// The last block came.
    pub(super) fn completed(&mut self, world: &mut World, at: Timestamp) {
        self.delivered = true;
        world.transfer_ended(self.server, "completed");
        if let Some(id) = self.device {
            world.with(id, |device| device.tftp.completed += 1);
            delivered(world, id, self, at);
        }
        self.read(world, at);
    }

    /// Keeps the bytes of a block of a file that is read; `cut` more are missing at its end.
    pub(super) fn keep(
        &mut self,
        block: u16,
        bytes: &[u8],
        cut: usize,
        limit: usize,
        world: &mut World,
    ) {
        let Some(content) = &mut self.content else {
            return;
        };
        let end = content
            .len()
            .saturating_add(bytes.len())
            .saturating_add(cut);
        if end > limit {
            self.drop_content();
            world.totals.evicted.add("configuration_files");
        } else if cut > 0 && self.holes.len() >= HOLES {
            // The file is delivered, and what it says is not known.
            self.drop_content();
        } else {
            if cut > 0 {
                self.holes.push((block, content.len()));
            }
            content.extend_from_slice(bytes);
            content.resize(end, 0);
        }
    }

    /// Fills the hole that a cut block left with the bytes of its whole copy. Whether that was the last hole.
    pub(super) fn fill(&mut self, block: u16, bytes: &[u8]) -> bool {
        let hole = self.holes.iter().position(|(cut, _)| *cut == block);
        let (Some(content), Some(hole)) = (&mut self.content, hole) else {
            return false;
        };
        let (_, start) = self.holes.swap_remove(hole);
        let place = content.get_mut(start..start.saturating_add(bytes.len()));
        match place {
            Some(place) => place.copy_from_slice(bytes),
            None => self.drop_content(),
        }
        self.holes.is_empty()
    }

    pub(super) fn drop_content(&mut self) {
        self.content = None;
        self.holes = Vec::new();
    }

    /// Reads the file, if all of it is there.
    pub(super) fn read(&mut self, world: &mut World, at: Timestamp) {
        if !self.holes.is_empty() {
            return;
        }
        if let Some((id, content)) = self.device.zip(self.content.take()) {
            read(world, id, &self.wanted(), &content, at);
        }
    }
}

/// Files that a phone asks for on its way to being registered; ring tones and the like come at any time.
pub(super) const fn is_of_the_boot(kind: &FileKind) -> bool {
    match kind {
        FileKind::PhoneConfig { .. }
        | FileKind::DeviceConfig { .. }
        | FileKind::DefaultConfig
        | FileKind::TrustList { .. }
        | FileKind::UniversalLoad
        | FileKind::SipConfig { .. }
        | FileKind::Load => true,
        FileKind::Ringlist | FileKind::Locale | FileKind::Other => false,
    }
}
