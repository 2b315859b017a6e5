//! What the sensor could see: absence proves something only where presence would have been seen.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::directions::Directions;
use super::flow_of_time::Flow;
pub use super::flow_of_time::TimeBreak;
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
    recent: Recent,
    /// Which directions of the connections to CallManagers were seen.
    pub directions: Directions,
    flow: Flow,
}

/// What one capture source has shown so far.
#[derive(Clone, Debug, Default)]
struct Source {
    recent: Recent,
    last_frame: Timestamp,
    /// When bytes last proved to be missing that no counter had told of.
    missed_unnoticed: Option<Timestamp>,
    /// Whether both directions of any connection were seen on it.
    both_directions: bool,
    /// Since when DHCP clients are heard on it.
    dhcp_clients: Option<Timestamp>,
    /// Whether a DHCP server was ever heard on it.
    dhcp_servers: bool,
    /// The same of IPv6.
    dhcpv6_servers: bool,
    /// Those whose answers were seen on it, at most [`Sight::SERVERS`].
    servers: BTreeSet<IpAddr>,
}

/// The recent past, in tenths of [`Sight::RECENT`].
#[derive(Clone, Debug, Default)]
struct Recent(VecDeque<Tenth>);

/// What was seen and lost in a part of the recent past.
#[derive(Clone, Copy, Debug)]
struct Tenth {
    began: Timestamp,
    counts: FrameCounts,
}

/// Frames of the recent past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Those that were seen, copies included.
    pub seen: u64,
    /// Of these, the copies of others.
    pub copies: u64,
    /// Those that were lost.
    pub lost: u64,
}

impl Sight {
    /// Shares of frames are taken over this time.
    pub const RECENT: Duration = Duration::from_secs(60);

    /// Losses closer than this are one.
    const LOSS_GRAIN: Duration = Duration::from_secs(5);

    /// As many losses are remembered: half an hour of losing all the time.
    const LOSSES: usize = 360;

    /// One more takes the place of another, which is known again by its next answer.
    const SERVERS: usize = 1024;

    /// A source that missed something is not trusted fully for so long: a mirror that is now and then too busy is so again.
    const LATELY: Duration = Duration::from_secs(600);

    const TENTH: Duration = Duration::from_secs(6);

    /// Whether time broke between the frame before and this one. Then nothing can be said of what lies across the break, and
    /// what was measured by a clock that has since been set back is forgotten.
    pub fn time_broke(&mut self, at: Timestamp) -> Option<TimeBreak> {
        let broke = self.flow.next(at)?;
        if broke == TimeBreak::Back {
            self.forget_after(at);
        }
        self.frames_lost(at, 0);
        Some(broke)
    }

    /// The clock was set, or the machine stood still, so that time went from one to the other at once.
    pub fn clock_stepped(&mut self, from: Timestamp, at: Timestamp) {
        self.flow.broke(at);
        if at < from {
            self.forget_after(at);
            self.frames_lost(at, 0);
        } else {
            self.was_blind(from, at);
        }
    }

    /// What was measured by a clock that has since been set back to `at`.
    fn forget_after(&mut self, at: Timestamp) {
        for source in &mut self.sources {
            source.last_frame = source.last_frame.min(at);
            source.missed_unnoticed = source.missed_unnoticed.min(Some(at));
            source.recent = Recent::default();
            source.dhcp_clients = source.dhcp_clients.map(|since| since.min(at));
        }
        self.recent = Recent::default();
        self.directions = Directions::default();
        self.began = self.began.map(|began| began.min(at));
        self.losses.clear();
        self.last_loss = None;
    }

    /// Since when the time of frames goes on without a break: what began before may have lasted longer or shorter than the
    /// times say.
    pub const fn unbroken_since(&self) -> Timestamp {
        self.flow.unbroken_since
    }

    /// A frame came from this source.
    pub fn frame_seen(&mut self, source: u16, at: Timestamp) {
        self.make(source);
        self.began.get_or_insert(at);
        self.recent.at(at).seen += 1;
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.recent.at(at).seen += 1;
            source.last_frame = source.last_frame.max(at);
        }
    }

    /// Since when frames are seen.
    pub const fn watching_since(&self) -> Option<Timestamp> {
        self.began
    }

    /// Frames were seen since then, by an earlier run.
    pub fn watched_since(&mut self, began: Timestamp) {
        self.began = Some(self.began.map_or(began, |known| known.min(began)));
    }

    /// What is asked on this source is answered by this server, and that is seen.
    pub fn both_directions_seen(&mut self, source: u16, server: IpAddr) {
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.both_directions = true;
        }
        self.server_heard(source, server);
    }

    /// This server was heard on this source, whoever it answers.
    pub fn server_heard(&mut self, source: u16, server: IpAddr) {
        let Some(source) = self.sources.get_mut(usize::from(source)) else {
            return;
        };
        if source.servers.insert(server) && source.servers.len() > Self::SERVERS {
            let another = source.servers.iter().find(|known| **known != server);
            if let Some(another) = another.copied() {
                source.servers.remove(&another);
            }
        }
    }

    /// An earlier run saw answers of this server on this source.
    pub fn server_was_seen(&mut self, source: u16, server: IpAddr) {
        self.make(source);
        self.server_heard(source, server);
    }

    /// Makes the record of this source, if there is none.
    fn make(&mut self, source: u16) {
        let place = usize::from(source);
        if self.sources.len() <= place {
            self.sources.resize(place + 1, Source::default());
        }
    }

    /// Whether an answer of this server to what is asked on this source would be seen: one was. A source may show other
    /// servers and not this one, as where they hang on two switches or answer by another way.
    pub fn sees_answers_of(&self, source: u16, server: IpAddr) -> bool {
        self.sources
            .get(usize::from(source))
            .is_some_and(|source| source.servers.contains(&server))
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

    /// A DHCP server spoke on this source: the one that sent the packet, which may be a relay, and the one that it is
    /// from by its own word.
    pub fn dhcp_server_heard(&mut self, source: u16, from: IpAddr, server: Option<IpAddr>) {
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.dhcp_servers = true;
        }
        self.server_heard(source, from);
        if let Some(server) = server {
            self.server_heard(source, server);
        }
    }

    /// A server of DHCP for IPv6 spoke on this source.
    pub fn dhcpv6_server_heard(&mut self, source: u16, from: IpAddr) {
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.dhcpv6_servers = true;
        }
        self.server_heard(source, from);
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

    /// The same of DHCP for IPv6.
    pub fn shows_dhcpv6_servers(&self, source: u16) -> bool {
        self.sources
            .get(usize::from(source))
            .is_some_and(|source| source.dhcpv6_servers || source.both_directions)
    }

    /// The sensor lost so many frames; 0 where it cannot tell.
    pub fn frames_lost(&mut self, at: Timestamp, frames: u64) {
        self.recent.at(at).lost += frames;
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

    /// Bytes of a connection on this source were not seen and will not come, as where the capture cuts frames.
    pub fn missed(&mut self, source: u16, at: Timestamp) {
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.missed_unnoticed = source.missed_unnoticed.max(Some(at));
        }
    }

    /// Whether this source has lately missed what was said, as other frames prove: it may miss more and not know it.
    pub fn misses_unnoticed(&self, source: u16, now: Timestamp) -> bool {
        self.sources
            .get(usize::from(source))
            .is_some_and(|source| source.has_missed_lately(now))
    }

    /// The same of any source.
    pub fn misses_any_unnoticed(&self, now: Timestamp) -> bool {
        self.sources
            .iter()
            .any(|source| source.has_missed_lately(now))
    }

    /// Whether no source was found to have missed anything that passed between phones and CallManagers between `since` and
    /// now.
    pub fn missed_nothing_since(&self, since: Timestamp) -> bool {
        let mut missed = self
            .sources
            .iter()
            .filter_map(|source| source.missed_unnoticed);
        missed.all(|missed| missed < since)
    }

    /// Nothing was watched from `from` to `until`: whatever was sent may have been missed.
    pub fn was_blind(&mut self, from: Timestamp, until: Timestamp) {
        let grains = until.since(from).as_nanos() / Self::LOSS_GRAIN.as_nanos();
        let grains = u32::try_from(grains).unwrap_or(u32::MAX);
        let kept = u32::try_from(Self::LOSSES).unwrap_or(u32::MAX);
        for grain in (1..=grains.min(kept)).rev() {
            self.frames_lost(until - Self::LOSS_GRAIN.saturating_mul(grain), 0);
        }
        self.frames_lost(until, 0);
        // No frame was counted as lost: the mirror lost none.
        self.recent = Recent::default();
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

    /// Whether any source has shown anything at or after `at`.
    pub fn is_alive_at(&self, at: Timestamp) -> bool {
        self.sources.iter().any(|source| source.last_frame >= at)
    }

    /// The frame that this source has just shown is the copy of another one.
    pub fn copy_seen(&mut self, source: u16, at: Timestamp) {
        self.recent.at(at).copies += 1;
        if let Some(source) = self.sources.get_mut(usize::from(source)) {
            source.recent.at(at).copies += 1;
        }
    }

    /// What was seen and lost within the last [`Self::RECENT`] before `now`.
    pub fn recent(&self, now: Timestamp) -> FrameCounts {
        self.recent.until(now)
    }

    /// The same of each source that has shown anything; what a source lost is not told apart.
    pub fn recent_of_sources(&self, now: Timestamp) -> impl Iterator<Item = (usize, FrameCounts)> {
        self.sources
            .iter()
            .map(move |source| source.recent.until(now))
            .enumerate()
            .filter(|(_, counts)| counts.seen > 0)
    }

    /// When the part of the recent past that is kept began.
    pub fn recent_since(&self) -> Option<Timestamp> {
        self.recent.0.front().map(|tenth| tenth.began)
    }

    /// The beginning of the first part of the recent past in which frames were lost.
    pub fn losing_since(&self) -> Option<Timestamp> {
        self.recent
            .0
            .iter()
            .find(|tenth| tenth.counts.lost > 0)
            .map(|tenth| tenth.began)
    }
}

impl Source {
    fn has_missed_lately(&self, now: Timestamp) -> bool {
        self.missed_unnoticed
            .is_some_and(|missed| now.since(missed) < Sight::LATELY)
    }
}

impl Recent {
    /// The counts of the part in which `at` lies.
    fn at(&mut self, at: Timestamp) -> &mut FrameCounts {
        let is_new = self
            .0
            .back()
            .is_none_or(|tenth| at.since(tenth.began) >= Sight::TENTH);
        if is_new {
            while self.0.len() >= 10 {
                self.0.pop_front();
            }
            self.0.push_back(Tenth {
                began: at,
                counts: FrameCounts::default(),
            });
        }
        let last = self.0.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "one was pushed if there was none")]
        &mut self.0[last].counts
    }

    fn until(&self, now: Timestamp) -> FrameCounts {
        self.0
            .iter()
            .filter(|tenth| now.since(tenth.began) < Sight::RECENT)
            .fold(FrameCounts::default(), |sum, tenth| FrameCounts {
                seen: sum.seen + tenth.counts.seen,
                copies: sum.copies + tenth.counts.copies,
                lost: sum.lost + tenth.counts.lost,
            })
    }
}
