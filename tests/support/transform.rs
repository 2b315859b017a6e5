//! Changes to a capture that mean nothing, or that only take something away.
//!
//! Headers are found here by hand and not with the program's own decoder, which is what is being tried.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use phonewatch::net::MacAddr;
use phonewatch::record::{LinkType, Loss, LossPlace};
use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};

use super::random::Random;
use super::trial::{Captured, Entry};

/// Every frame twice: the copy up to 5 ms later, as another port of a router shows it.
pub(crate) fn copied(entries: &[Entry], random: &mut Random) -> Vec<Entry> {
    let mut all = Vec::new();
    for entry in entries {
        all.push(entry.clone());
        if let Entry::Frame(frame) = entry {
            let mut copy = on_another_link(frame, random.once_in(2));
            copy.at = copy.at + Duration::from_micros(100 + random.below(4_900) as u64);
            all.push(Entry::Frame(copy));
        }
    }
    in_order(all)
}

/// How a frame comes to be seen twice.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CopyKind {
    /// Both directions of two ports that it passes: the same bytes.
    SamePort,
    /// Two VLANs, of which the other has no tag or another one.
    Vlan,
    /// The mirror port of another switch, in a capture source of its own, and earlier as often as later.
    OtherSource,
    /// A remote session beside the local one.
    Erspan,
    /// The same, and its switch cuts what is long.
    CutErspan,
    /// One that the capture cut, and which comes first.
    CutFirst,
}

impl CopyKind {
    pub(crate) const ALL: [Self; 6] = [
        Self::SamePort,
        Self::Vlan,
        Self::OtherSource,
        Self::Erspan,
        Self::CutErspan,
        Self::CutFirst,
    ];

    fn of(self, frame: &Captured, number: u32) -> Captured {
        match self {
            Self::SamePort => frame.clone(),
            Self::Vlan => tagged(frame, 78),
            Self::OtherSource => Captured {
                source: frame.source + 1,
                ..on_another_link(frame, false)
            },
            Self::Erspan => wrapped(frame, number),
            Self::CutFirst => {
                const LONGEST: usize = 96;
                let cut = frame.bytes.get(..LONGEST).unwrap_or(&frame.bytes);
                Captured {
                    original_length: frame.original_length,
                    ..frame.with_bytes(cut.to_vec())
                }
            }
            Self::CutErspan => {
                const LONGEST: usize = 400;
                let cut = frame.bytes.get(..LONGEST).unwrap_or(&frame.bytes);
                let whole = wrapped(&frame.with_bytes(cut.to_vec()), number);
                Captured {
                    original_length: u32::try_from(whole.bytes.len()).unwrap_or(u32::MAX),
                    ..whole
                }
            }
        }
    }
}

/// Every frame twice, as this kind of copy is: up to 5 ms apart.
pub(crate) fn copied_as(entries: &[Entry], kind: CopyKind, random: &mut Random) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut number = 0;
    for entry in entries {
        let Entry::Frame(frame) = entry else {
            all.push(entry.clone());
            continue;
        };
        number += 1;
        let mut copy = kind.of(frame, number);
        let apart = Duration::from_micros(100 + random.below(4_900) as u64);
        // One that comes first where the other is late is the one that counts, at its time: they change places.
        if matches!(kind, CopyKind::OtherSource) && random.once_in(2) {
            let mut late = frame.clone();
            late.at = frame.at + apart;
            all.push(Entry::Frame(copy));
            all.push(Entry::Frame(late));
        } else if matches!(kind, CopyKind::CutFirst) {
            // Nothing of it can be read earlier than its copy, at the time of which it counts.
            copy.at = frame.at - apart.min(Duration::from_micros(900));
            all.push(Entry::Frame(copy));
            all.push(Entry::Frame(frame.clone()));
        } else {
            copy.at = frame.at + apart;
            all.push(Entry::Frame(frame.clone()));
            all.push(Entry::Frame(copy));
        }
    }
    in_order(all)
}

/// Other hardware addresses, one hop more, and a VLAN tag if wanted.
fn on_another_link(frame: &Captured, tag: bool) -> Captured {
    let mut bytes = frame.bytes.clone();
    if let Some(ip) = ipv4_of(frame)
        && let Some(header) = bytes.get_mut(ip..ip + 20)
    {
        header[8] = header[8].saturating_sub(1);
        correct_checksum(header);
    }
    let copy = frame.with_bytes(bytes);
    if frame.link != LinkType::Ethernet || frame.bytes.len() < 14 {
        return copy;
    }
    let mut bytes = copy.bytes.clone();
    bytes[6..12].copy_from_slice(&[0x00, 0x0C, 0xCE, 0x01, 0x02, 0x03]);
    if bytes[0] & 1 == 0 {
        bytes[..6].copy_from_slice(&[0x00, 0x0C, 0xCE, 0x0A, 0x0B, 0x0C]);
    }
    let copy = copy.with_bytes(bytes);
    if tag { tagged(&copy, 77) } else { copy }
}

/// Every Ethernet frame with one more VLAN tag outside.
pub(crate) fn in_a_vlan(entries: &[Entry]) -> Vec<Entry> {
    each_frame(entries, |frame| tagged(frame, 110))
}

fn tagged(frame: &Captured, id: u16) -> Captured {
    if frame.link != LinkType::Ethernet || frame.bytes.len() < 14 {
        return frame.clone();
    }
    let (addresses, rest) = frame.bytes.split_at(12);
    let tag = [&[0x81, 0x00][..], &id.to_be_bytes()].concat();
    frame.with_bytes([addresses, &tag, rest].concat())
}

/// Every Ethernet frame in an ERSPAN type II session.
pub(crate) fn in_erspan(entries: &[Entry]) -> Vec<Entry> {
    let mut sequence = 0_u32;
    each_frame(entries, |frame| {
        sequence += 1;
        wrapped(frame, sequence)
    })
}

fn wrapped(frame: &Captured, sequence: u32) -> Captured {
    if frame.link != LinkType::Ethernet {
        return frame.clone();
    }
    let mut payload = vec![0x10, 0x00, 0x88, 0xBE];
    payload.extend(sequence.to_be_bytes());
    // Version 1, VLAN 0, session 9, index 1.
    payload.extend([0x10, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x01]);
    payload.extend_from_slice(&frame.bytes);
    let ip = Ipv4 {
        identification: u16::try_from(sequence & 0xFFFF).unwrap_or(0),
        ..Ipv4::new(Ipv4Addr::new(172, 30, 0, 1), Ipv4Addr::new(172, 30, 0, 2))
    };
    let outer = EthernetFrame::new(
        MacAddr([0x00, 0x0C, 0xCE, 0x30, 0x00, 0x01]),
        MacAddr([0x00, 0x0C, 0xCE, 0x30, 0x00, 0x02]),
    );
    frame.with_bytes(outer.ipv4(&ip, 47, &payload))
}

/// The same over a way that is too narrow for its longer packets, which come in fragments.
pub(crate) fn in_fragmented_erspan(entries: &[Entry]) -> Vec<Entry> {
    in_erspan(entries).iter().flat_map(in_fragments).collect()
}

/// A frame without options in its IPv4 header in pieces of 96 bytes.
fn in_fragments(entry: &Entry) -> Vec<Entry> {
    const PIECE: usize = 96;
    const MORE: u16 = 0x2000;
    let (Some(frame), Some(ip)) = (entry.frame(), entry.frame().and_then(ipv4_of)) else {
        return vec![entry.clone()];
    };
    let (header, body) = (&frame.bytes[..ip + 20], &frame.bytes[ip + 20..]);
    let count = body.len().div_ceil(PIECE);
    let fragment = |(number, piece): (usize, &[u8])| {
        let mut bytes = [header, piece].concat();
        let length = u16::try_from(20 + piece.len()).unwrap_or(u16::MAX);
        bytes[ip + 2..ip + 4].copy_from_slice(&length.to_be_bytes());
        let offset = u16::try_from(number * PIECE / 8).unwrap_or(u16::MAX);
        let more = if number + 1 < count { MORE } else { 0 };
        bytes[ip + 6..ip + 8].copy_from_slice(&(offset | more).to_be_bytes());
        correct_checksum(&mut bytes[ip..ip + 20]);
        Entry::Frame(frame.with_bytes(bytes))
    };
    body.chunks(PIECE).enumerate().map(fragment).collect()
}

/// TCP, TFTP and DNS over IPv6, between addresses that end in those of IPv4. DHCP and ARP stay as they are, as on a phone
/// with addresses of both.
pub(crate) fn over_ipv6(entries: &[Entry]) -> Vec<Entry> {
    const DHCP: [[u8; 2]; 2] = [67_u16.to_be_bytes(), 68_u16.to_be_bytes()];
    each_frame(entries, |frame| {
        let Some(at) = ipv4_of(frame).filter(|_| frame.link == LinkType::Ethernet) else {
            return frame.clone();
        };
        let bytes = &frame.bytes;
        let (header, body) = bytes[at..].split_at(20);
        let is_dhcp = header[9] == 17 && DHCP.iter().any(|port| body[..2] == *port);
        if is_dhcp || header[0] != 0x45 || ![6, 17].contains(&header[9]) || body.len() < 8 {
            return frame.clone();
        }
        let length = u16::from_be_bytes([header[2], header[3]]) - 20;
        let address = |at: usize| [&[0xFD; 12], &header[at..at + 4]].concat();
        let class = header[1];
        let changed = [
            &bytes[..at - 2],
            &[0x86, 0xDD, 0x60 | class >> 4, class << 4, 0, 0],
            &length.to_be_bytes(),
            &[header[9], header[8]],
            &address(12),
            &address(16),
            body,
        ];
        frame.with_bytes(changed.concat())
    })
}

/// TCP segments cut into pieces of at most `size` bytes, in connections that are seen from their SYN on. In others, where
/// a segment begins is a hint of where a message does, so that the cut is not without meaning.
pub(crate) fn recut(entries: &[Entry], size: usize) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut begun = HashSet::new();
    for entry in entries {
        let tcp = entry.frame().and_then(Tcp::of);
        if let Some(tcp) = tcp.as_ref().filter(|tcp| tcp.flags & SYN != 0) {
            begun.insert(tcp.ends.connection());
        }
        let may_cut = tcp.is_some_and(|tcp| begun.contains(&tcp.ends.connection()));
        let frame = entry.frame().filter(|_| may_cut);
        match frame.and_then(|frame| pieces(frame, size)) {
            Some(pieces) => all.extend(pieces.into_iter().map(Entry::Frame)),
            None => all.push(entry.clone()),
        }
    }
    all
}

fn pieces(frame: &Captured, size: usize) -> Option<Vec<Captured>> {
    let tcp = Tcp::of(frame)?;
    if tcp.payload.len() <= size || tcp.flags & (SYN | RST) != 0 {
        return None;
    }
    let head = frame.bytes.get(..tcp.payload_at)?;
    let mut pieces = Vec::new();
    let mut offset = 0_u32;
    let count = tcp.payload.len().div_ceil(size);
    for (place, part) in tcp.payload.chunks(size).enumerate() {
        let mut bytes = [head, part].concat();
        let total = u16::try_from(bytes.len() - tcp.ip).ok()?;
        bytes[tcp.ip + 2..tcp.ip + 4].copy_from_slice(&total.to_be_bytes());
        let identification = u16::from_be_bytes([bytes[tcp.ip + 4], bytes[tcp.ip + 5]]);
        if identification != 0 {
            let numbered =
                identification.wrapping_add(u16::try_from(place).ok()?.wrapping_mul(0x101));
            bytes[tcp.ip + 4..tcp.ip + 6].copy_from_slice(&numbered.to_be_bytes());
        }
        correct_checksum(&mut bytes[tcp.ip..tcp.ip + 20]);
        let sequence = tcp.sequence.wrapping_add(offset);
        bytes[tcp.header + 4..tcp.header + 8].copy_from_slice(&sequence.to_be_bytes());
        if place + 1 < count {
            bytes[tcp.header + 13] &= !(FIN | PUSH);
        }
        offset += u32::try_from(part.len()).ok()?;
        let length = u32::try_from(bytes.len()).ok()?;
        pieces.push(Captured {
            original_length: length,
            bytes,
            ..*frame
        });
    }
    Some(pieces)
}

/// Pairs of neighbouring segments of one connection and direction changed in their order, where they carry data and lie
/// within 50 ms. The first segment of a stream whose beginning is not shown stays first: it tells where the stream is.
pub(crate) fn reordered(entries: &[Entry], random: &mut Random) -> (Vec<Entry>, usize) {
    const NEAR: Duration = Duration::from_millis(50);
    let mut all = entries.to_vec();
    let mut swaps = 0;
    // For each connection the place of its last segment, while that may still be swapped with the next one.
    let mut last: HashMap<Endpoints, (usize, Ends)> = HashMap::new();
    let mut begun: HashSet<Ends> = HashSet::new();
    for place in 0..all.len() {
        let Some(tcp) = all[place].frame().and_then(Tcp::of) else {
            continue;
        };
        let (ends, connection) = (tcp.ends, tcp.ends.connection());
        let plain = tcp.flags & (FIN | SYN | RST) == 0 && !tcp.payload.is_empty();
        if tcp.flags & SYN != 0 {
            begun.insert(ends);
        }
        if !plain {
            // An acknowledgment alone does not stand between two segments of the other direction.
            if tcp.flags & (FIN | SYN | RST) != 0 {
                last.remove(&connection);
            }
            continue;
        }
        let may_move = !begun.insert(ends);
        let swap_with = last
            .get(&connection)
            .filter(|(_, before)| *before == ends && may_move)
            .map(|&(before, _)| before)
            .filter(|&before| all[place].at().since(all[before].at()) <= NEAR)
            .filter(|_| random.once_in(2));
        if let Some(before) = swap_with {
            let (early, late) = (all[before].at(), all[place].at());
            all.swap(before, place);
            set_at(&mut all[before], early);
            set_at(&mut all[place], late);
            swaps += 1;
            last.remove(&connection);
        } else if begun.contains(&ends) && may_move {
            last.insert(connection, (place, ends));
        } else {
            last.remove(&connection);
        }
    }
    (all, swaps)
}

fn set_at(entry: &mut Entry, at: phonewatch::time::Timestamp) {
    match entry {
        Entry::Frame(frame) => frame.at = at,
        Entry::Loss(loss) => loss.at = at,
    }
}

/// Two captures of the same time as one.
pub(crate) fn merged(one: &[Entry], other: &[Entry]) -> Vec<Entry> {
    in_order(one.iter().chain(other).cloned().collect())
}

/// The records of `other` at times that begin with the first of `entries`.
pub(crate) fn moved_to(other: &[Entry], entries: &[Entry]) -> Vec<Entry> {
    let (Some(begin), Some(other_begin)) = (entries.first(), other.first()) else {
        return other.to_vec();
    };
    let (begin, other_begin) = (begin.at(), other_begin.at());
    other
        .iter()
        .map(|entry| {
            let mut entry = entry.clone();
            let at = begin + entry.at().since(other_begin);
            set_at(&mut entry, at);
            entry
        })
        .collect()
}

/// In place of every frame one of others, who have nothing to do with phones.
pub(crate) fn as_background(entries: &[Entry]) -> Vec<Entry> {
    let header = EthernetFrame::new(MacAddr([2, 0, 0, 0, 9, 3]), MacAddr([2, 0, 0, 0, 9, 4]));
    let mut number = 0;
    each_frame(entries, |frame| {
        number += 1;
        let ip = Ipv4 {
            identification: number,
            ..Ipv4::new(Ipv4Addr::new(10, 9, 9, 3), Ipv4Addr::new(10, 9, 9, 4))
        };
        Captured {
            link: LinkType::Ethernet,
            ..Captured::ethernet(frame.at, header.udp(&ip, 123, 123, &[0x23; 48]))
        }
    })
}

/// Every frame as a capture with this snap length keeps it.
pub(crate) fn cut(entries: &[Entry], snap_length: usize) -> Vec<Entry> {
    each_frame(entries, |frame| {
        let kept = frame.bytes.get(..snap_length).unwrap_or(&frame.bytes);
        Captured {
            original_length: frame.original_length,
            ..frame.with_bytes(kept.to_vec())
        }
    })
}

/// One frame in `every` is missing, and nobody knows.
pub(crate) fn missing(entries: &[Entry], every: usize, random: &mut Random) -> Vec<Entry> {
    // What the sensor itself reports as lost is not what nobody knows of.
    let is_kept = |entry: &&Entry| entry.frame().is_none() || !random.once_in(every);
    entries.iter().filter(is_kept).cloned().collect()
}

/// One frame in `every` is lost, and the sensor says so when it happens.
pub(crate) fn dropped(entries: &[Entry], every: usize, random: &mut Random) -> Vec<Entry> {
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Frame(frame) if random.once_in(every) => Entry::Loss(Loss {
                at: frame.at,
                source: frame.source,
                place: LossPlace::Kernel,
                frames: 1,
            }),
            Entry::Frame(_) | Entry::Loss(_) => entry.clone(),
        })
        .collect()
}

fn each_frame(entries: &[Entry], mut change: impl FnMut(&Captured) -> Captured) -> Vec<Entry> {
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Frame(frame) => Entry::Frame(change(frame)),
            Entry::Loss(loss) => Entry::Loss(*loss),
        })
        .collect()
}

fn in_order(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(Entry::at);
    entries
}

/// TCP's control bits.
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PUSH: u8 = 0x08;

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Ends {
    source: ([u8; 4], u16),
    destination: ([u8; 4], u16),
}

type Endpoints = [([u8; 4], u16); 2];

impl Ends {
    fn connection(self) -> Endpoints {
        let mut both = [self.source, self.destination];
        both.sort_unstable();
        both
    }
}

/// A whole TCP segment in IPv4, by the offsets of its parts.
struct Tcp<'a> {
    ip: usize,
    header: usize,
    payload_at: usize,
    payload: &'a [u8],
    sequence: u32,
    flags: u8,
    ends: Ends,
}

impl<'a> Tcp<'a> {
    fn of(frame: &'a Captured) -> Option<Self> {
        let bytes = &frame.bytes;
        let ip = ipv4_of(frame)?;
        let header = bytes.get(ip..ip + 20)?;
        let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let is_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3FFF != 0;
        if header[9] != 6 || is_fragment {
            return None;
        }
        let start = ip + usize::from(header[0] & 0x0F) * 4;
        let segment = bytes.get(start..start + 20)?;
        let payload_at = start + usize::from(segment[12] >> 4) * 4;
        let payload = bytes.get(payload_at..ip + total)?;
        let address = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
        let port = |at: usize| u16::from_be_bytes([segment[at], segment[at + 1]]);
        Some(Self {
            ip,
            header: start,
            payload_at,
            payload,
            sequence: u32::from_be_bytes([segment[4], segment[5], segment[6], segment[7]]),
            flags: segment[13],
            ends: Ends {
                source: (address(12), port(0)),
                destination: (address(16), port(2)),
            },
        })
    }
}

/// Where the IPv4 header of a frame begins.
fn ipv4_of(frame: &Captured) -> Option<usize> {
    let bytes = &frame.bytes;
    let at = match frame.link {
        LinkType::Ethernet => {
            let mut at = 12;
            while matches!(bytes.get(at..at + 2)?, [0x81, 0x00] | [0x88, 0xA8]) {
                at += 4;
            }
            if bytes.get(at..at + 2)? != [0x08, 0x00] {
                return None;
            }
            at + 2
        }
        LinkType::RawIp => 0,
        LinkType::Null => 4,
        LinkType::LinuxSll | LinkType::LinuxSll2 => return None,
    };
    (bytes.get(at)? >> 4 == 4).then_some(at)
}

/// RFC 1071, over a header of twenty bytes.
fn correct_checksum(header: &mut [u8]) {
    header[10..12].fill(0);
    let mut sum: u32 = header
        .chunks_exact(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    while sum > 0xFFFF {
        sum = (sum >> 16) + (sum & 0xFFFF);
    }
    let checksum = !u16::try_from(sum).unwrap_or(0);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}
