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

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use super::keyed::Keyed;
use crate::time::Timestamp;
use crate::wire::packet::{Content, ETHER_TYPE_LLDP, IpPacket, Packet, Transport};

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
/// How many bytes of a payload are compared, beside its length: enough for every header and number that tells two
/// messages apart, and few enough to be cheap.
const COMPARED_PAYLOAD: usize = 256;
/// The same of segments, TFTP and DNS, which have their numbers at the front: fewer, so that one that was cut is known for
/// the same.
const COMPARED_FRONT: usize = 32;
/// Protocol numbers, as the hash takes them.
const TCP: u64 = 6;
const UDP: u64 = 17;
/// What is asked of DHCP stands behind 236 bytes of other things (RFC 2131, section 2), and of DHCP for IPv6 behind 38 for
/// each relay that wrapped it (RFC 8415, section 9).
const DHCP_PORTS: [u16; 4] = [67, 68, 546, 547];
/// Stands for CDP in the hash, which has no EtherType: its SNAP protocol.
const SNAP_CDP: u16 = 0x2000;

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
        let Some(hash) = self.hash(packet) else {
            return false;
        };
        self.quiet = self.quiet.saturating_add(1);
        if is_cut(packet) {
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

    /// The hash of what a copy keeps, never 0; `None` for frames of which nothing is read, so that a copy costs nothing.
    fn hash(&self, packet: &Packet<'_>) -> Option<u64> {
        let mut hasher = self.hasher.build_hasher();
        match packet.content {
            Content::Arp(arp) => arp.hash(&mut hasher),
            Content::Cdp(bytes) => {
                SNAP_CDP.hash(&mut hasher);
                hash_payload(bytes, Some(bytes.len()), &mut hasher);
            }
            Content::Lldp(bytes) => {
                ETHER_TYPE_LLDP.hash(&mut hasher);
                hash_payload(bytes, Some(bytes.len()), &mut hasher);
            }
            Content::Ip(ip) => hash_ip(&ip, &mut hasher)?,
            Content::Other { .. } => return None,
        }
        Some(hasher.finish().max(1))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether bytes of its payload are missing.
fn is_cut(packet: &Packet<'_>) -> bool {
    let Content::Ip(ip) = packet.content else {
        return false;
    };
    match ip.transport {
        Transport::Tcp(segment) => {
            usize::try_from(segment.payload_length).is_ok_and(|whole| whole > segment.payload.len())
        }
        Transport::Udp(datagram) => datagram.truncated,
        Transport::Fragment(fragment) => fragment.truncated,
        Transport::Icmp(_) | Transport::Encapsulated { .. } | Transport::Other { .. } => false,
    }
}

fn hash_ip<H: Hasher>(ip: &IpPacket<'_>, hasher: &mut H) -> Option<()> {
    match ip.transport {
        Transport::Tcp(segment) => {
            hash_ends(ip, [segment.source_port, segment.destination_port], hasher);
            let acknowledgment = segment.acknowledgment.unwrap_or_default();
            // Whether the acknowledgment counts stands in the flags.
            let [flags, window] = [u16::from(segment.flags.0), segment.window];
            let numbers = join(
                u64::from(segment.sequence) << 32 | u64::from(acknowledgment),
                u64::from(segment.payload_length) << 32
                    | u64::from(window) << 16
                    | u64::from(flags) << 8
                    | TCP,
            );
            hasher.write(&numbers);
            hash_front(segment.payload, COMPARED_FRONT, hasher);
        }
        Transport::Udp(datagram) => {
            let ports = [datagram.source_port, datagram.destination_port];
            hash_ends(ip, ports, hasher);
            hasher.write_u64(u64::from(datagram.payload_length) << 32 | UDP);
            let compared = if ports.iter().any(|port| DHCP_PORTS.contains(port)) {
                COMPARED_PAYLOAD
            } else {
                COMPARED_FRONT
            };
            hash_front(datagram.payload, compared, hasher);
        }
        Transport::Icmp(message) => {
            hash_ends(ip, [0; 2], hasher);
            message.hash(hasher);
        }
        Transport::Fragment(fragment) => {
            hash_ends(ip, [0; 2], hasher);
            fragment.protocol.hash(hasher);
            fragment.offset.hash(hasher);
            fragment.more.hash(hasher);
            fragment.identification.hash(hasher);
            let length = (!fragment.truncated).then_some(fragment.payload.len());
            hash_payload(fragment.payload, length, hasher);
        }
        Transport::Encapsulated { protocol, payload } => {
            hash_ends(ip, [0; 2], hasher);
            protocol.hash(hasher);
            hash_payload(payload, Some(payload.len()), hasher);
        }
        Transport::Other { .. } => return None,
    }
    Some(())
}

/// Addresses, identification and ports. Numbers are put together first: each piece that a hasher takes costs it about as
/// much as sixteen bytes.
fn hash_ends<H: Hasher>(ip: &IpPacket<'_>, ports: [u16; 2], hasher: &mut H) {
    let addresses = match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            u64::from(source.to_bits()) << 32 | u64::from(destination.to_bits())
        }
        (source, destination) => {
            source.hash(hasher);
            destination.hash(hasher);
            0
        }
    };
    let [from, to] = ports.map(u64::from);
    hasher.write(&join(
        addresses,
        u64::from(ip.identification) << 32 | from << 16 | to,
    ));
}

fn join(low: u64, high: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

/// The first bytes of a payload, and its length before the snap length cut it: a copy with one VLAN tag more is cut
/// four bytes earlier.
fn hash_payload<H: Hasher>(payload: &[u8], length: Option<usize>, hasher: &mut H) {
    length.hash(hasher);
    hash_front(payload, COMPARED_PAYLOAD, hasher);
}

/// So many of the first bytes.
fn hash_front<H: Hasher>(payload: &[u8], most: usize, hasher: &mut H) {
    hasher.write(payload.get(..most).unwrap_or(payload));
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasherDefault, DefaultHasher};
    use std::net::Ipv4Addr;

    use super::*;
    use crate::net::MacAddr;
    use crate::record::LinkType;
    use crate::wire::packet::encode::{EthernetFrame, Ipv4};
    use crate::wire::packet::{TcpFlags, TcpSegment, decode};
    use proptest::prelude::*;

    const WINDOW: Duration = Duration::from_millis(20);
    const AT: Timestamp = Timestamp::from_secs(100);

    type Filter = CopyFilter<BuildHasherDefault<DefaultHasher>>;

    fn filter(capacity: usize) -> Filter {
        Filter::new(CopyMode::On, WINDOW, capacity, BuildHasherDefault::new())
    }

    fn is_copy(filter: &mut Filter, frame: &[u8], at: Timestamp) -> bool {
        filter.is_copy(&decode(LinkType::Ethernet, frame).unwrap(), at)
    }

    fn ethernet(last: u8) -> EthernetFrame {
        EthernetFrame::new(
            MacAddr([2, 0, 0, 0, 0, last]),
            MacAddr([2, 0, 0, 0, 1, last]),
        )
    }

    fn ipv4(identification: u16) -> Ipv4 {
        Ipv4 {
            identification,
            ..Ipv4::new(Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::new(10, 0, 0, 1))
        }
    }

    fn segment(sequence: u32, payload: &[u8]) -> TcpSegment<'_> {
        TcpSegment {
            source_port: 50_000,
            destination_port: 2000,
            sequence,
            acknowledgment: Some(1),
            flags: TcpFlags::ACK,
            window: 8192,
            payload,
            payload_length: 0,
        }
    }

    #[test]
    fn a_copy_behind_a_router_or_in_a_vlan_is_a_copy() {
        let mut filter = filter(64);
        let original = ethernet(1).tcp(&ipv4(7), &segment(1, b"keepalive"));
        let routed = Ipv4 {
            hop_limit: 63,
            dscp: 24,
            ..ipv4(7)
        };
        let copy = ethernet(9)
            .vlan(110)
            .tcp(&routed, &segment(1, b"keepalive"));
        assert!(!is_copy(&mut filter, &original, AT));
        assert!(is_copy(&mut filter, &copy, AT + Duration::from_millis(3)));
        // The other mirror port may have been quicker.
        assert!(is_copy(&mut filter, &copy, AT - Duration::from_millis(3)));
        assert_eq!((filter.copies(), filter.overflowed()), (2, 0));
    }

    #[test]
    fn a_retransmission_is_not_a_copy() {
        let mut filter = filter(64);
        let sent = ethernet(1).tcp(&ipv4(7), &segment(1, b"keepalive"));
        let again = ethernet(1).tcp(&ipv4(8), &segment(1, b"keepalive"));
        assert!(!is_copy(&mut filter, &sent, AT));
        // Another identification, however soon; the same one, where the sender numbers nothing, after its timer.
        assert!(!is_copy(&mut filter, &again, AT + Duration::from_millis(1)));
        assert!(!is_copy(
            &mut filter,
            &sent,
            AT + Duration::from_millis(200)
        ));
        // And that one has a copy of its own.
        assert!(is_copy(&mut filter, &sent, AT + Duration::from_millis(201)));
    }

    #[test]
    fn a_request_that_is_repeated_every_second_is_not_a_copy() {
        let mut filter = filter(64);
        let request = ethernet(1).udp(
            &ipv4(0),
            50_000,
            69,
            b"\0\x01SEP001380AD9E5F.cnf.xml\0octet\0",
        );
        for second in 0..5 {
            assert!(!is_copy(
                &mut filter,
                &request,
                Timestamp::from_secs(second)
            ));
        }
    }

    #[test]
    fn other_ports_numbers_payloads_or_lengths_are_other_packets() {
        let mut filter = filter(64);
        let long = [0x5a; 400];
        let frames = [
            ethernet(1).tcp(&ipv4(0), &segment(1, b"")),
            ethernet(1).tcp(&ipv4(0), &segment(2, b"")),
            ethernet(1).tcp(
                &ipv4(0),
                &TcpSegment {
                    acknowledgment: Some(2),
                    ..segment(1, b"")
                },
            ),
            ethernet(1).tcp(
                &ipv4(0),
                &TcpSegment {
                    window: 0,
                    ..segment(1, b"")
                },
            ),
            ethernet(1).tcp(
                &ipv4(0),
                &TcpSegment {
                    flags: TcpFlags::ACK | TcpFlags::FIN,
                    ..segment(1, b"")
                },
            ),
            ethernet(1).tcp(&ipv4(0), &segment(1, b"x")),
            ethernet(1).udp(&ipv4(0), 50_000, 2000, b"x"),
            ethernet(1).udp(&ipv4(0), 50_001, 2000, b"x"),
            ethernet(1).udp(&ipv4(0), 50_001, 2000, &long),
            ethernet(1).udp(&ipv4(0), 50_001, 2000, &long[1..]),
            ethernet(1).cdp(b"\x02\xb4\0\0"),
            ethernet(1).lldp(b"\x02\xb4\0\0"),
            ethernet(1).ipv4_fragment(&ipv4(0), 17, 8, true, b"01234567"),
            ethernet(1).ipv4_fragment(&ipv4(0), 17, 16, true, b"01234567"),
        ];
        for frame in &frames {
            assert!(!is_copy(&mut filter, frame, AT));
        }
        for frame in &frames {
            assert!(is_copy(&mut filter, frame, AT));
        }
    }

    #[test]
    fn what_is_not_read_is_never_a_copy_and_a_window_of_zero_finds_none() {
        let spanning_tree = ethernet(1).frame(38, &[0x42; 38]);
        let mut filter = filter(64);
        assert!(!is_copy(&mut filter, &spanning_tree, AT));
        assert!(!is_copy(&mut filter, &spanning_tree, AT));

        for (mode, window) in [(CopyMode::On, Duration::ZERO), (CopyMode::Off, WINDOW)] {
            let mut off = Filter::new(mode, window, 64, BuildHasherDefault::new());
            let frame = ethernet(1).tcp(&ipv4(7), &segment(1, b""));
            assert!(!is_copy(&mut off, &frame, AT));
            assert!(!is_copy(&mut off, &frame, AT));
        }
    }

    #[test]
    fn a_whole_segment_passes_though_a_cut_one_came_before_and_not_the_other_way_round() {
        let payload = [7; 200];
        let whole = ethernet(1).tcp(&ipv4(7), &segment(1, &payload));
        let cut = whole[..whole.len() - 100].to_vec();
        let shorter = whole[..whole.len() - 120].to_vec();
        for (frames, copies) in [
            ([&whole, &cut, &whole], [false, true, true]),
            ([&cut, &whole, &cut], [false, false, true]),
            ([&cut, &shorter, &whole], [false, true, false]),
        ] {
            let mut filter = filter(64);
            assert_eq!(frames.map(|frame| is_copy(&mut filter, frame, AT)), copies);
        }
    }

    /// A feed without copies, then one in which each frame comes twice, then one without again.
    #[test]
    fn what_the_feed_shows_is_learned_in_both_directions() {
        let mut auto = Filter::new(CopyMode::Auto, WINDOW, 1024, BuildHasherDefault::new());
        let mut at = AT;
        let mut sequence: u32 = 0;
        let mut come = |auto: &mut Filter, times| {
            at = at + Duration::from_millis(1);
            sequence += 12;
            let frame = ethernet(1).tcp(&ipv4(7), &segment(sequence, b"keepalive"));
            (0..times).filter(|_| is_copy(auto, &frame, at)).count()
        };
        let is_sampling = |auto: &Filter| auto.quiet >= QUIET;
        while !is_sampling(&auto) {
            assert_eq!(come(&mut auto, 1), 0);
        }
        // Nothing but segments is passed over.
        let arp_like = ethernet(1).lldp(b"\x02\xb4\0\0");
        assert!(!is_copy(&mut auto, &arp_like, AT));
        let mut passed = 0;
        while is_sampling(&auto) {
            passed += 1;
            assert!(passed < 100, "a copy should have been among them");
            come(&mut auto, 2);
        }
        for _ in 0..1000 {
            assert_eq!(come(&mut auto, 2), 1, "each is compared");
        }
        for _ in 0..QUIET {
            assert_eq!(come(&mut auto, 1), 0);
        }
        assert!(is_sampling(&auto));
        assert!(!is_copy(
            &mut auto,
            &ethernet(1).udp(&ipv4(7), 68, 67, b"x"),
            AT
        ));
        assert!(is_copy(
            &mut auto,
            &ethernet(2).udp(&ipv4(7), 68, 67, b"x"),
            AT
        ));
        assert!(!is_sampling(&auto), "any other copy is found at once");
    }

    #[test]
    fn messages_that_a_relay_wrapped_differ_far_behind() {
        let mut filter = filter(16);
        let relayed = |message_type| {
            let payload = [&[13][..], &[0; 37], &[message_type, 1, 2, 3]].concat();
            ethernet(1).udp(&ipv4(0), 547, 547, &payload)
        };
        assert!(!is_copy(&mut filter, &relayed(2), AT));
        assert!(!is_copy(&mut filter, &relayed(7), AT), "another message");
        assert!(is_copy(&mut filter, &relayed(7), AT));
    }

    #[test]
    fn the_table_grows_before_it_forgets_what_is_needed_and_no_farther() {
        let mut filter = filter(1 << 18);
        let frame = |sequence| ethernet(1).tcp(&ipv4(7), &segment(sequence, b""));
        for sequence in 0..20_000 {
            let at = AT + Duration::from_millis(1 + u64::from(sequence));
            assert!(!is_copy(&mut filter, &frame(sequence), at));
        }
        assert_eq!(filter.sets.len(), 256, "twenty at a time");
        for copies in [0, 2048] {
            for sequence in 20_000..22_048 {
                is_copy(&mut filter, &frame(sequence), AT);
            }
            assert_eq!(filter.copies(), copies);
        }
        assert_eq!(filter.overflowed(), 0);
        assert!(
            (512..=16_384).contains(&filter.sets.len()),
            "{}",
            filter.sets.len()
        );
    }

    #[test]
    fn a_table_too_small_for_the_rate_says_so_and_a_far_time_gives_way() {
        let mut filter = filter(4);
        assert_eq!(filter.sets.len(), 1);
        let frame = |sequence| ethernet(1).tcp(&ipv4(7), &segment(sequence, b""));
        assert!(!is_copy(&mut filter, &frame(0), Timestamp::FAR_FUTURE));
        for sequence in 1..=4 {
            assert!(!is_copy(&mut filter, &frame(sequence), AT));
        }
        assert_eq!(filter.overflowed(), 0);
        assert!(!is_copy(&mut filter, &frame(5), AT));
        assert_eq!(filter.overflowed(), 1);
    }

    proptest! {
        /// Two mirror ports, each late by its own jitter: of every packet exactly one copy passes, in whatever order
        /// they come; the same bytes after the window pass again.
        #[test]
        fn of_interleaved_copies_one_passes(
            sent in proptest::collection::vec((0_u64..5_000, 0_u64..9_000_000, 0_u64..9_000_000), 1..60),
        ) {
            let mut arrivals = Vec::new();
            for (index, (millisecond, first, second)) in sent.iter().enumerate() {
                let at = AT + Duration::from_millis(*millisecond);
                for (port, delay) in [(1, first), (2, second)] {
                    arrivals.push((at + Duration::from_nanos(*delay), port, index));
                }
            }
            arrivals.sort();
            let mut filter = filter(1024);
            let mut passed = vec![0; sent.len()];
            for later in [Duration::ZERO, Duration::from_secs(60)] {
                for (at, port, index) in &arrivals {
                    let sequence = u32::try_from(*index).unwrap();
                    let frame = ethernet(*port).tcp(&ipv4(0), &segment(sequence, b"keepalive"));
                    if !is_copy(&mut filter, &frame, *at + later) {
                        passed[*index] += 1;
                    }
                }
            }
            prop_assert!(passed.iter().all(|&times| times == 2), "{passed:?}");
        }

        /// The reference: a packet is a copy where one that passed lies within the window. Times span 60 ms, in any
        /// order, so that what passes fits into one set.
        #[test]
        fn agrees_with_a_list_of_all_that_passed(arrivals in proptest::collection::vec(0_u64..60, 1..60)) {
            let mut filter = filter(1024);
            let frame = ethernet(1).tcp(&ipv4(0), &segment(1, b""));
            let mut passed: Vec<Timestamp> = Vec::new();
            for millisecond in arrivals {
                let at = AT + Duration::from_millis(millisecond);
                let expected = passed.iter().any(|seen| seen.distance(at) <= WINDOW);
                prop_assert_eq!(is_copy(&mut filter, &frame, at), expected);
                if !expected {
                    passed.push(at);
                }
            }
        }
    }
}
