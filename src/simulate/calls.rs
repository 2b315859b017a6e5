//! Calls between registered phones: RTP with G.711 in both directions, most of what a mirror port carries.
//!
//! Every call has its two places in a round of 20 ms, so the frames come in the order of their time without a queue. A
//! frame is made once for each stream; then only its numbers and checksums change (RFC 3550 section 5.1, RFC 3551).

use std::net::Ipv4Addr;
use std::time::Duration;

use super::headers::{
    IDENTIFICATION, IP_CHECKSUM, UDP_CHECKSUM, UDP_PAYLOAD, checksum, put, udp_checksum, word,
};
use super::phone::SimulatedPhone;
use super::random::Random;
use super::{BEGIN, FleetFrame};
use crate::net::MacAddr;
use crate::time::Timestamp;
use crate::wire::packet::encode::{EthernetFrame, Ipv4};

/// So many calls at any time, as soon as there are phones for them.
#[derive(Debug)]
pub(super) struct Calls {
    running: Vec<Call>,
    /// The round, and the place in it that comes next: first one direction of every call, then the other.
    round: u64,
    place: u64,
    random: Random,
}

/// How often a phone sends a packet.
const PACKET_EVERY: Duration = Duration::from_millis(20);
/// Who looks for two phones and does not find them looks again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often it draws a number for each of the two.
const DRAWS: usize = 8;

/// One call after the other.
#[derive(Debug)]
struct Call {
    /// When another begins.
    until: Timestamp,
    speaking: Option<Speaking>,
}

/// Two phones, by their numbers, and what each of them sends.
#[derive(Debug)]
struct Speaking {
    phones: [usize; 2],
    streams: [Stream; 2],
}

impl Calls {
    pub(super) fn new(calls: u32, seed: u64) -> Self {
        let calls = (0..calls).map(|_| Call {
            until: BEGIN,
            speaking: None,
        });
        Self {
            running: calls.collect(),
            round: 0,
            place: 0,
            random: Random::of(seed, u64::MAX - 1),
        }
    }

    /// When the next packet is due; `None` without calls.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        let places = 2 * self.running.len() as u64;
        let within = (nanos(PACKET_EVERY) * self.place).checked_div(places)?;
        Some(BEGIN + Duration::from_nanos(nanos(PACKET_EVERY) * self.round + within))
    }

    /// What is sent at that time; `None` where too few phones are registered for this call.
    pub(super) fn next(&mut self, phones: &[SimulatedPhone]) -> Option<FleetFrame> {
        let at = self.next_at()?;
        let calls = self.running.len();
        let place = usize::try_from(self.place).ok()?;
        self.place += 1;
        if self.place == 2 * calls as u64 {
            self.place = 0;
            self.round += 1;
        }
        let call = self.running.get_mut(place % calls)?;
        let hung_up = call.speaking.as_ref().is_some_and(|speaking| {
            let registered = |number: &usize| phones.get(*number).is_some_and(is_registered);
            !speaking.phones.iter().all(registered)
        });
        if at >= call.until || hung_up {
            call.speaking = Speaking::begin(phones, &mut self.random);
            let lasts = match call.speaking {
                Some(_) => self.random.seconds(30, 300),
                None => LOOK_AGAIN,
            };
            call.until = at + lasts;
        }
        let stream = call.speaking.as_mut()?.streams.get_mut(place / calls)?;
        Some(FleetFrame {
            at,
            bytes: stream.next(),
        })
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn is_registered(phone: &SimulatedPhone) -> bool {
    phone.truth.callmanager.is_some()
}

impl Speaking {
    /// Two registered phones begin to speak.
    fn begin(phones: &[SimulatedPhone], random: &mut Random) -> Option<Self> {
        let one = draw(phones, None, random)?;
        let other = draw(phones, Some(one), random)?;
        let ends = [
            End::of(phones, one, random)?,
            End::of(phones, other, random)?,
        ];
        let [from, to] = &ends;
        Some(Self {
            phones: [one, other],
            streams: [Stream::new(from, to, random), Stream::new(to, from, random)],
        })
    }
}

/// The number of a registered phone, but not this one.
fn draw(phones: &[SimulatedPhone], but: Option<usize>, random: &mut Random) -> Option<usize> {
    (0..DRAWS)
        .filter_map(|_| usize::try_from(random.below(phones.len() as u64)).ok())
        .find(|number| Some(*number) != but && phones.get(*number).is_some_and(is_registered))
}

/// Where a phone sends its voice from and hears the other's.
#[derive(Debug)]
struct End {
    mac: MacAddr,
    address: Ipv4Addr,
    port: u16,
}

impl End {
    fn of(phones: &[SimulatedPhone], number: usize, random: &mut Random) -> Option<Self> {
        let truth = &phones.get(number)?.truth;
        // Even ports from 16384 to 32766 are those of Cisco's phones.
        let pair = random.number16() >> 3;
        Some(Self {
            mac: truth.mac,
            address: truth.address?,
            port: 0x4000 + 2 * pair,
        })
    }
}

/// One direction of a call.
#[derive(Debug)]
struct Stream {
    /// The last frame.
    frame: Vec<u8>,
    /// The sums of what never changes, for both checksums.
    ip_sum: u32,
    udp_sum: u32,
    identification: u16,
    sequence: u16,
    timestamp: u32,
}

/// Voice, as phones mark it (EF).
const DSCP_VOICE: u8 = 46;
/// Bytes of G.711 in 20 ms, one for each sample.
const SAMPLES: u32 = 160;
/// Where the numbers of RTP are.
const SEQUENCE: usize = UDP_PAYLOAD + 2;
const TIMESTAMP: usize = UDP_PAYLOAD + 4;

impl Stream {
    fn new(from: &End, to: &End, random: &mut Random) -> Self {
        const VERSION_2: u8 = 0x80;
        const PCMU: u8 = 0;
        const SILENCE: u8 = 0xFF;
        let mut payload = vec![VERSION_2, PCMU, 0, 0, 0, 0, 0, 0];
        payload.extend(random.number32().to_be_bytes());
        payload.extend((0..SAMPLES).map(|_| SILENCE - u8::try_from(random.below(4)).unwrap_or(0)));
        let ip = Ipv4 {
            dscp: DSCP_VOICE,
            ..Ipv4::new(from.address, to.address)
        };
        let frame = EthernetFrame::new(from.mac, to.mac).udp(&ip, from.port, to.port, &payload);
        let sum_of = |checksum| u32::from(!word(&frame, checksum));
        Self {
            ip_sum: sum_of(IP_CHECKSUM),
            udp_sum: sum_of(UDP_CHECKSUM),
            frame,
            identification: random.number16(),
            sequence: random.number16(),
            timestamp: random.number32(),
        }
    }

    fn next(&mut self) -> Vec<u8> {
        self.identification = self.identification.wrapping_add(1);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
        let identification = u32::from(self.identification);
        let [high, low] = [self.timestamp >> 16, self.timestamp & 0xFFFF];
        let ip_checksum = checksum(self.ip_sum + identification);
        let sum = checksum(self.udp_sum + u32::from(self.sequence) + high + low);
        let frame = &mut self.frame;
        put(frame, IDENTIFICATION, &self.identification.to_be_bytes());
        put(frame, IP_CHECKSUM, &ip_checksum.to_be_bytes());
        put(frame, UDP_CHECKSUM, &udp_checksum(sum).to_be_bytes());
        put(frame, SEQUENCE, &self.sequence.to_be_bytes());
        put(frame, TIMESTAMP, &self.timestamp.to_be_bytes());
        frame.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::headers::{IP, TRANSPORT};
    use super::*;

    #[test]
    fn a_stream_goes_on_with_right_checksums() {
        let end = |last, port| End {
            mac: MacAddr([0, 0x13, 0x80, 0, 0, last]),
            address: Ipv4Addr::new(10, 32, 0, last),
            port,
        };
        let (from, to) = (end(1, 16_384), end(2, 32_766));
        let mut stream = Stream::new(&from, &to, &mut Random::of(1, 1));
        let numbers = |bytes: &[u8]| (word(bytes, IDENTIFICATION), word(bytes, SEQUENCE));
        let mut last = stream.next();
        for _ in 0..70_000 {
            let next = stream.next();
            let (identification, sequence) = numbers(&last);
            let expected = (identification.wrapping_add(1), sequence.wrapping_add(1));
            assert_eq!(numbers(&next), expected);
            assert_eq!(whole_sum(&next[IP..TRANSPORT], 0), 0xFFFF);
            // The pseudo header: addresses, protocol and length.
            let length = next.len() - TRANSPORT;
            let pseudo = whole_sum(
                &next[IP + 12..TRANSPORT],
                17 + u32::try_from(length).unwrap(),
            );
            assert_eq!(whole_sum(&next[TRANSPORT..], u32::from(pseudo)), 0xFFFF);
            last = next;
        }
        assert_eq!(last.len(), 214);
        assert_eq!(last[IP + 1] >> 2, 46);
    }

    fn whole_sum(bytes: &[u8], more: u32) -> u16 {
        let words = bytes
            .chunks_exact(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
        !checksum(words.sum::<u32>() + more)
    }
}
