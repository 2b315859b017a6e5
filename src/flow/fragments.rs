//! IP fragments joined to whole packets (RFC 791 section 3.2, RFC 8200 section 4.5), within fixed bounds.
//!
//! An observer may see the fragments of a packet in any order, twice, or not all of them. Where two fragments cover the
//! same bytes the first one seen counts. Everything held is bounded three ways: packets at once, bytes of one, bytes of
//! all; the oldest goes first. Time comes with the fragments, so a packet left unfinished ages out when later ones arrive.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::time::Timestamp;
use crate::wire::DecodeError;
use crate::wire::packet::{Fragment, IpPacket, transport_of};

/// Bounds of the reassembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many unfinished packets are held.
    pub datagrams: usize,
    /// The greatest payload of one packet, in bytes.
    pub bytes_per_datagram: usize,
    /// The bytes of all unfinished packets together.
    pub bytes_in_all: usize,
    /// How long after its first fragment a packet is given up.
    pub age: Duration,
}

impl Default for Limits {
    /// 256 packets of up to 64 KiB, 4 MiB in all, for 30 seconds: what Linux waits.
    fn default() -> Self {
        Self {
            datagrams: 256,
            bytes_per_datagram: 65_535,
            bytes_in_all: 4 << 20,
            age: Duration::from_secs(30),
        }
    }
}

/// Joins fragments.
#[derive(Debug)]
pub struct Reassembler {
    limits: Limits,
    unfinished: BTreeMap<Key, Unfinished>,
    /// The keys of `unfinished` in the order in which they began; the two always have the same length.
    by_age: BTreeMap<u64, Key>,
    next_serial: u64,
    /// The sum of `held` of all unfinished packets.
    held: usize,
    counters: Counters,
}

/// What happened to fragments and packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that became whole.
    pub completed: u64,
    /// Packets given up because newer ones needed the room.
    pub evicted: u64,
    /// Packets given up because their last parts did not come in time.
    pub expired: u64,
    /// Fragments that covered bytes already there.
    pub overlapped: u64,
    /// Fragments not used: cut by the snap length, empty, too long, or contradicting the packet's end.
    pub ignored: u64,
}

/// A whole payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassembled {
    /// Its IP protocol; for IPv6 this may be a further extension header.
    pub protocol: u8,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Reassembled {
    /// The whole packet, as if it had come in one piece; `ip` is any of its fragments.
    pub fn packet(&self, ip: &IpPacket<'_>) -> Result<IpPacket<'_>, DecodeError> {
        Ok(IpPacket {
            transport: transport_of(self.protocol, &self.payload)?,
            source: ip.source,
            destination: ip.destination,
            hop_limit: ip.hop_limit,
            dscp: ip.dscp,
            identification: ip.identification,
        })
    }
}

/// What the fragments of one packet share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
}

#[derive(Debug)]
struct Unfinished {
    serial: u64,
    first_seen: Timestamp,
    /// Without overlaps, in order of their offset; none reaches beyond `end`.
    pieces: Vec<Piece>,
    /// The bytes in all pieces.
    covered: usize,
    /// Where the last fragment says the payload ends.
    end: Option<usize>,
}

#[derive(Debug)]
struct Piece {
    offset: usize,
    bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> usize {
        self.offset.saturating_add(self.bytes.len())
    }
}

impl Reassembler {
    /// Pieces of one packet. The largest packet over the smallest common link (576 bytes) has 119; a flood of tiny
    /// pieces must not make a long list.
    const MAX_PIECES: usize = 256;

    /// An empty reassembler.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            unfinished: BTreeMap::new(),
            by_age: BTreeMap::new(),
            next_serial: 0,
            held: 0,
            counters: Counters::default(),
        }
    }

    /// Takes one fragment; gives the whole payload where this was the last that was missing.
    pub fn insert(
        &mut self,
        ip: &IpPacket<'_>,
        fragment: &Fragment<'_>,
        at: Timestamp,
    ) -> Option<Reassembled> {
        self.expire(at);
        let offset = usize::try_from(fragment.offset).unwrap_or(usize::MAX);
        let end = offset.saturating_add(fragment.payload.len());
        let unusable = fragment.truncated
            || fragment.payload.is_empty()
            || end > self.limits.bytes_per_datagram
            // All but the last are made of units of eight bytes.
            || (fragment.more && !fragment.payload.len().is_multiple_of(8));
        if unusable {
            self.counters.ignored += 1;
            return None;
        }
        let key = Key {
            source: ip.source,
            destination: ip.destination,
            protocol: fragment.protocol,
            identification: fragment.identification,
        };
        let unfinished = self.unfinished.entry(key).or_insert_with(|| {
            let serial = self.next_serial;
            self.next_serial += 1;
            self.by_age.insert(serial, key);
            Unfinished {
                serial,
                first_seen: at,
                pieces: Vec::new(),
                covered: 0,
                end: None,
            }
        });
        let before = unfinished.covered;
        match unfinished.add(offset, end, fragment) {
            Added::Contradicts => self.counters.ignored += 1,
            Added::Overlapping => self.counters.overlapped += 1,
            Added::Clean => {}
        }
        self.held += unfinished.covered - before;
        if unfinished.is_whole() {
            let whole = self.remove(key)?;
            self.counters.completed += 1;
            return Some(Reassembled {
                protocol: key.protocol,
                payload: whole.into_payload(),
            });
        }
        if unfinished.pieces.len() > Self::MAX_PIECES {
            self.remove(key);
            self.counters.evicted += 1;
        }
        while self.unfinished.len() > self.limits.datagrams || self.held > self.limits.bytes_in_all
        {
            let Some((_, &oldest)) = self.by_age.first_key_value() else {
                break;
            };
            self.remove(oldest);
            self.counters.evicted += 1;
        }
        None
    }

    /// Gives up packets whose first fragment is older than the limit, or far ahead where the clock was set back.
    pub fn expire(&mut self, now: Timestamp) {
        while let Some((_, &oldest)) = self.by_age.first_key_value() {
            let in_time = self
                .unfinished
                .get(&oldest)
                .is_some_and(|unfinished| now.distance(unfinished.first_seen) <= self.limits.age);
            if in_time {
                break;
            }
            self.remove(oldest);
            self.counters.expired += 1;
        }
    }

    /// How many packets are unfinished.
    pub fn len(&self) -> usize {
        self.unfinished.len()
    }

    /// Whether no packet is unfinished.
    pub fn is_empty(&self) -> bool {
        self.unfinished.is_empty()
    }

    /// How many bytes of unfinished packets are held.
    pub const fn bytes_held(&self) -> usize {
        self.held
    }

    /// What happened so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    fn remove(&mut self, key: Key) -> Option<Unfinished> {
        let removed = self.unfinished.remove(&key)?;
        self.by_age.remove(&removed.serial);
        self.held -= removed.covered;
        Some(removed)
    }
}

/// What became of a fragment.
enum Added {
    Clean,
    Overlapping,
    Contradicts,
}

impl Unfinished {
    /// Adds the parts of the fragment that are not there yet.
    fn add(&mut self, offset: usize, end: usize, fragment: &Fragment<'_>) -> Added {
        let reaches = self.pieces.last().map_or(0, Piece::end);
        let contradicts = match self.end {
            Some(known) => end > known || (!fragment.more && end != known),
            None => !fragment.more && end < reaches,
        };
        if contradicts {
            return Added::Contradicts;
        }
        if !fragment.more {
            self.end = Some(end);
        }
        let mut gaps = Vec::new();
        let mut from = offset;
        let mut overlaps = false;
        for piece in &self.pieces {
            if piece.end() <= from {
                continue;
            }
            if piece.offset >= end {
                break;
            }
            overlaps = true;
            if piece.offset > from {
                gaps.push((from, piece.offset));
            }
            from = piece.end();
        }
        if from < end {
            gaps.push((from, end));
        }
        for (from, to) in gaps {
            // Every gap lies inside the fragment.
            let Some(bytes) = fragment.payload.get(from - offset..to - offset) else {
                continue;
            };
            let place = self.pieces.partition_point(|piece| piece.offset < from);
            self.pieces.insert(
                place,
                Piece {
                    offset: from,
                    bytes: bytes.to_vec(),
                },
            );
            self.covered += bytes.len();
        }
        if overlaps {
            Added::Overlapping
        } else {
            Added::Clean
        }
    }

    /// Without overlaps, and with nothing beyond the end, as many bytes as the payload has are all of them.
    fn is_whole(&self) -> bool {
        self.end == Some(self.covered)
    }

    fn into_payload(self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.covered);
        for piece in self.pieces {
            payload.extend_from_slice(&piece.bytes);
        }
        payload
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::wire::packet::Transport;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_secs(100);

    fn ip(fragment: Fragment<'_>) -> IpPacket<'_> {
        IpPacket {
            source: Ipv4Addr::new(10, 0, 0, 1).into(),
            destination: Ipv4Addr::new(10, 0, 0, 2).into(),
            hop_limit: 64,
            dscp: 24,
            identification: fragment.identification,
            transport: Transport::Fragment(fragment),
        }
    }

    fn piece(identification: u32, offset: u32, more: bool, payload: &[u8]) -> Fragment<'_> {
        Fragment {
            offset,
            more,
            protocol: 17,
            identification,
            payload,
            truncated: false,
        }
    }

    fn insert(
        reassembler: &mut Reassembler,
        fragment: Fragment<'_>,
        at: Timestamp,
    ) -> Option<Reassembled> {
        reassembler.insert(&ip(fragment), &fragment, at)
    }

    #[test]
    fn two_pieces_in_either_order_are_the_datagram() {
        let payload = [&[0x07, 0xd0, 0, 69, 0, 18, 0, 0][..], b"0123456789"].concat();
        for order in [[0, 1], [1, 0]] {
            let mut reassembler = Reassembler::new(Limits::default());
            let pieces = [
                piece(7, 0, true, &payload[..16]),
                piece(7, 16, false, &payload[16..]),
            ];
            assert_eq!(insert(&mut reassembler, pieces[order[0]], AT), None);
            let whole = insert(&mut reassembler, pieces[order[1]], AT).unwrap();
            assert_eq!(whole.payload, payload);
            let packet = whole.packet(&ip(pieces[0])).unwrap();
            let Transport::Udp(datagram) = packet.transport else {
                panic!("{packet:?}");
            };
            assert_eq!(datagram.destination_port, 69);
            assert_eq!(datagram.payload, b"0123456789");
            assert_eq!(packet.dscp, 24);
            assert!(reassembler.is_empty());
            assert_eq!(reassembler.bytes_held(), 0);
            assert_eq!(reassembler.counters().completed, 1);
        }
    }

    #[test]
    fn of_an_overlap_the_first_copy_counts() {
        let mut reassembler = Reassembler::new(Limits::default());
        assert_eq!(
            insert(&mut reassembler, piece(1, 8, true, &[1; 8]), AT),
            None
        );
        assert_eq!(
            insert(&mut reassembler, piece(1, 0, true, &[2; 24]), AT),
            None
        );
        let whole = insert(&mut reassembler, piece(1, 24, false, &[3; 4]), AT).unwrap();
        assert_eq!(
            whole.payload,
            [&[2; 8][..], &[1; 8], &[2; 8], &[3; 4]].concat()
        );
        assert_eq!(reassembler.counters().overlapped, 1);
    }

    #[test]
    fn packets_with_other_identifications_are_kept_apart() {
        let mut reassembler = Reassembler::new(Limits::default());
        insert(&mut reassembler, piece(1, 0, true, &[1; 8]), AT);
        assert_eq!(
            insert(&mut reassembler, piece(2, 8, false, &[2; 8]), AT),
            None
        );
        assert_eq!(reassembler.len(), 2);
    }

    #[test]
    fn what_cannot_be_used_is_counted() {
        let mut reassembler = Reassembler::new(Limits::default());
        let unusable = [
            piece(1, 0, true, &[]),
            piece(1, 0, true, &[0; 7]),
            piece(1, 65_528, false, &[0; 16]),
            Fragment {
                truncated: true,
                ..piece(1, 0, true, &[0; 8])
            },
        ];
        for fragment in unusable {
            assert_eq!(insert(&mut reassembler, fragment, AT), None);
        }
        assert!(reassembler.is_empty());
        // A last fragment before bytes that are there, and bytes behind the last one.
        insert(&mut reassembler, piece(1, 16, true, &[0; 8]), AT);
        insert(&mut reassembler, piece(1, 0, false, &[0; 8]), AT);
        insert(&mut reassembler, piece(1, 24, false, &[0; 8]), AT);
        insert(&mut reassembler, piece(1, 32, true, &[0; 8]), AT);
        assert_eq!(reassembler.counters().ignored, 6);
        assert_eq!(reassembler.bytes_held(), 16);
    }

    #[test]
    fn the_oldest_make_room_and_the_unfinished_age_out() {
        let limits = Limits {
            datagrams: 2,
            bytes_in_all: 32,
            ..Limits::default()
        };
        let mut reassembler = Reassembler::new(limits);
        for identification in 1..=3 {
            insert(
                &mut reassembler,
                piece(identification, 0, true, &[0; 8]),
                AT,
            );
        }
        assert_eq!((reassembler.len(), reassembler.counters().evicted), (2, 1));
        // The first one is gone, the second is not.
        assert_eq!(
            insert(&mut reassembler, piece(2, 8, false, &[0; 8]), AT)
                .map(|whole| whole.payload.len()),
            Some(16)
        );
        insert(&mut reassembler, piece(4, 0, true, &[0; 32]), AT);
        assert_eq!((reassembler.len(), reassembler.bytes_held()), (1, 32));

        reassembler.expire(AT + limits.age);
        assert_eq!(reassembler.len(), 1);
        reassembler.expire(AT + limits.age + Duration::from_nanos(1));
        assert_eq!((reassembler.len(), reassembler.counters().expired), (0, 1));
    }

    #[test]
    fn a_flood_of_tiny_pieces_is_given_up() {
        let mut reassembler = Reassembler::new(Limits::default());
        for index in 0..1000 {
            insert(&mut reassembler, piece(1, index * 16, true, &[0; 8]), AT);
        }
        assert!(reassembler.counters().evicted >= 3);
        assert!(reassembler.bytes_held() <= 8 * (Reassembler::MAX_PIECES + 1));
    }

    proptest! {
        /// Whatever the cuts, the order and the copies, the payload comes out once per complete set.
        #[test]
        fn any_cut_in_any_order_gives_the_payload(
            payload in proptest::collection::vec(any::<u8>(), 9..2000),
            cuts in proptest::collection::btree_set(1_usize..250, 0..10),
            order in any::<u64>(),
        ) {
            let mut edges: Vec<usize> = cuts.iter().map(|cut| cut * 8).filter(|&cut| cut < payload.len()).collect();
            edges.insert(0, 0);
            edges.push(payload.len());
            let mut pieces: Vec<Fragment<'_>> = edges.windows(2).map(|edge| {
                piece(9, u32::try_from(edge[0]).unwrap(), edge[1] < payload.len(), &payload[edge[0]..edge[1]])
            }).collect();
            let mut state = order;
            for index in (1..pieces.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                pieces.swap(index, usize::try_from(state >> 33).unwrap() % (index + 1));
            }
            let mut reassembler = Reassembler::new(Limits::default());
            let mut whole = Vec::new();
            for (index, fragment) in pieces.iter().enumerate() {
                whole.extend(insert(&mut reassembler, *fragment, AT));
                if index + 1 < pieces.len() {
                    whole.extend(insert(&mut reassembler, *fragment, AT));
                }
            }
            prop_assert_eq!(whole.len(), 1);
            prop_assert_eq!(&whole[0].payload, &payload);
            prop_assert!(reassembler.is_empty());
            prop_assert_eq!(reassembler.bytes_held(), 0);
        }

        /// Arbitrary fragments keep within the limits, and the sums stay true.
        #[test]
        fn arbitrary_fragments_stay_within_the_limits(
            fragments in proptest::collection::vec(
                (0_u32..4, 0_u32..40, any::<bool>(), 0_usize..80, 0_u64..20), 1..200),
        ) {
            let limits = Limits { datagrams: 3, bytes_per_datagram: 300, bytes_in_all: 400, age: Duration::from_secs(5) };
            let mut reassembler = Reassembler::new(limits);
            let bytes = [0x5a; 80];
            for (identification, units, more, length, second) in fragments {
                let fragment = piece(identification, units * 8, more, &bytes[..length]);
                if let Some(whole) = insert(&mut reassembler, fragment, Timestamp::from_secs(second)) {
                    prop_assert!(whole.payload.len() <= limits.bytes_per_datagram);
                }
                prop_assert!(reassembler.len() <= limits.datagrams);
                prop_assert!(reassembler.bytes_held() <= limits.bytes_in_all);
                prop_assert_eq!(reassembler.unfinished.len(), reassembler.by_age.len());
                let held: usize = reassembler.unfinished.values().map(|unfinished| unfinished.covered).sum();
                prop_assert_eq!(held, reassembler.held);
            }
        }
    }
}
