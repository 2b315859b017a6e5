//! What the sensor could see: absence proves something only where presence would have been seen.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Timestamp;

/// How well the sensor sees, as a whole and for each of its capture sources.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    sources: Vec<Source>,
    began: Option<Timestamp>,
    last_loss: Option<Timestamp>,
    /// When frames were lost, at most once for each [`Self::LOSS_GRAIN`].
    losses: VecDeque<Timestamp>,
    /// Frames seen and lost, by tenths of [`Self::RECENT`].
    recent: VecDeque<Tenth>,
}

/// What one capture source has shown so far.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    last_frame: Timestamp,
    /// Whether both directions of any connection were seen on it.
    both_directions: bool,
    /// Since when DHCP clients are heard on it.
    dhcp_clients: Option<Timestamp>,
    /// Whether a DHCP server was ever heard on it.
    dhcp_servers: bool,
}

/// What was seen and lost in a part of the recent past.
#[derive(Clone, Copy, Debug)]
struct Tenth {
    began: Timestamp,
    frames: u64,
    lost: u64,
}

impl Sight {
    /// Shares of frames are taken over this time.
    pub const RECENT: Duration = Duration::from_secs(60);

    /// Losses closer than this are one.
    const LOSS_GRAIN: Duration = Duration::from_secs(5);

    /// As many losses are remembered: half an hour of losing all the time.
    const LOSSES: usize = 360;

    const TENTH: Duration = Duration::from_secs(6);

    /// A frame came from this source.
    pub fn frame_seen(&mut self, source: u16, at: Timestamp) {
        let place = usize::from(source);
        if self.sources.len() <= place {
            self.sources.resize(place + 1, Source::default());
        }
        self.began.get_or_insert(at);
        self.tenth(at).frames += 1;
        if let Some(source) = self.sources.get_mut(place) {
            source.last_frame = source.last_frame.max(at);
        }
    }

    /// Since when frames are seen.
    pub const fn watching_since(&self) -> Option<Timestamp> {
        self.began
    }

    /// This source shows what is asked and what is answered.
    pub fn both_directions_seen(&mut self, source: u16) {
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.both_directions = true;
        }
    }

    /// Whether this source has ever shown both directions of anything.
    pub fn sees_both_directions(&self, source: u16) -> bool {
        self.sources
            .get(usize::from(source))
            .is_some_and(|source| source.both_directions)
    }

    /// A DHCP client spoke on this source.
    pub fn dhcp_client_heard(&mut self, source: u16, at: Timestamp) {
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.dhcp_clients.get_or_insert(at);
        }
    }

    /// A DHCP server spoke on this source.
    pub fn dhcp_server_heard(&mut self, source: u16) {
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.dhcp_servers = true;
        }
    }

    /// Whether every source has shown DHCP clients since before `at`: where a phone asks for an address, that is seen.
    pub fn shows_dhcp_clients_since(&self, at: Timestamp) -> bool {
        let mut in_use = self
            .sources
            .iter()
            .filter(|source| source.last_frame > Timestamp::EPOCH)
            .peekable();
        in_use.peek().is_some()
            && in_use.all(|source| source.dhcp_clients.is_some_and(|since| since < at))
    }

    /// Whether what DHCP servers say would be seen on this source.
    pub fn shows_dhcp_servers(&self, source: u16) -> bool {
        self.sources
            .get(usize::from(source))
            .is_some_and(|source| source.dhcp_servers || source.both_directions)
    }

    /// The sensor lost so many frames; 0 where it cannot tell.
    pub fn frames_lost(&mut self, at: Timestamp, frames: u64) {
        self.tenth(at).lost += frames;
        self.last_loss = self.last_loss.max(Some(at));
        let is_news = self
            .losses
            .back()
            .is_none_or(|last| at.since(*last) >= Self::LOSS_GRAIN);
        if is_news {
            while self.losses.len() >= Self::LOSSES {
                self.losses.pop_front();
            }
            self.losses.push_back(at);
        }
    }

    /// Whether the sensor lost nothing from `since` to `until`, to the grain at which losses are remembered. What lies
    /// before all that is remembered counts as lost.
    pub fn lost_nothing_between(&self, since: Timestamp, until: Timestamp) -> bool {
        let is_remembered = self.losses.len() < Self::LOSSES
            || self.losses.front().is_some_and(|first| *first <= since);
        is_remembered
            && self
                .losses
                .iter()
                .all(|&loss| loss + Self::LOSS_GRAIN < since || loss > until)
    }

    /// Whether the sensor lost nothing between `since` and now.
    pub fn lost_nothing_since(&self, since: Timestamp) -> bool {
        self.last_loss.is_none_or(|loss| loss < since)
    }

    /// Whether anything was seen on this source at or after `at`: a mirror that went silent shows nobody's absence.
    pub fn was_alive_at(&self, source: u16, at: Timestamp) -> bool {
        self.sources
            .get(usize::from(source))
            .is_some_and(|source| source.last_frame >= at)
    }

    /// Frames seen and frames lost within the last [`Self::RECENT`] before `now`.
    pub fn recent(&self, now: Timestamp) -> (u64, u64) {
        self.recent
            .iter()
            .filter(|tenth| now.since(tenth.began) < Self::RECENT)
            .fold((0, 0), |(frames, lost), tenth| {
                (frames + tenth.frames, lost + tenth.lost)
            })
    }

    /// The beginning of the first part of the recent past in which frames were lost.
    pub fn losing_since(&self) -> Option<Timestamp> {
        self.recent
            .iter()
            .find(|tenth| tenth.lost > 0)
            .map(|tenth| tenth.began)
    }

    fn tenth(&mut self, at: Timestamp) -> &mut Tenth {
        let is_new = self
            .recent
            .back()
            .is_none_or(|tenth| at.since(tenth.began) >= Self::TENTH);
        if is_new {
            while self.recent.len() >= 10 {
                self.recent.pop_front();
            }
            self.recent.push_back(Tenth {
                began: at,
                frames: 0,
                lost: 0,
            });
        }
        let last = self.recent.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "one was pushed if there was none")]
        &mut self.recent[last]
    }
}
