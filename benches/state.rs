//! What a fleet takes: memory for each phone, time for each keepalive frame, and how both grow with the fleet.
//!
//! `make bench` prints one table. Each size of fleet runs in a process of its own, so that none uses memory which
//! another has given back. Every phone has two connections, one of them registered; then all of them send keepalives
//! while a snapshot is taken once a second of their time: once in the order in which they came, as after a boot, and
//! once in another, as after each has registered anew at its own time.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a table for people, of ratios"
)]

use std::env;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use phonewatch::engine::{Engine, Limits, Settings};
use phonewatch::net::{DeviceName, MacAddr};
use phonewatch::record::{Frame, Record};
use phonewatch::time::Timestamp;
use phonewatch::wire::packet::encode::{EthernetFrame, Ipv4};
use phonewatch::wire::packet::{TcpFlags, TcpSegment};
use phonewatch::wire::sccp::{MessageId, encode::pdu};

/// Sizes of fleets; the first is what the others are compared with.
const FLEETS: [u32; 3] = [1_000, 10_000, 100_000];

/// Most bytes for each phone of the largest fleet: 128 MiB for 100,000.
const BYTES_PER_PHONE: f64 = 128.0 * 1024.0 * 1024.0 / 100_000.0;

/// How many times as long a frame of the largest fleet may take as one of the smallest.
const GROWTH: f64 = 1.5;

/// Keepalives of each phone, and the time between them.
const ROUNDS: u32 = 4;
const INTERVAL: Duration = Duration::from_secs(30);

/// When the first phone registers, in seconds, and how long after the one before each does. Keepalives begin as soon as
/// the last one is registered, so that nobody is silent for one and a half intervals: each would be told as a gap, and
/// it is healthy phones that are measured.
const START: u64 = 1_700_000_000;
const BETWEEN_REGISTRATIONS: Duration = Duration::from_micros(100);

const CALLMANAGERS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];

/// The orders in which phones speak, by the step from one place to the next: 1, and a prime, so that each has its turn.
const ORDERS: [(&str, u64); 2] = [("as they came", 1), ("another", 7_919)];

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip_while(|argument| argument != "--phones");
    if let Some(phones) = arguments.nth(1) {
        let step = arguments.next().context("no step")?;
        let measured = measure(phones.parse()?, step.parse()?)?;
        println!(
            "{} {} {}",
            measured.bytes, measured.frame, measured.snapshot
        );
        return Ok(());
    }
    println!(
        "| order | phones | MiB | bytes per phone | ns per frame | growth | us per snapshot |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut verdicts = Vec::new();
    for (order, step) in ORDERS {
        let mut first = None;
        let mut last = (0.0, 0.0);
        for phones in FLEETS {
            let Measured {
                bytes,
                frame,
                snapshot,
            } = in_own_process(phones, step)?;
            let per_phone = bytes / f64::from(phones);
            let growth = frame / *first.get_or_insert(frame);
            let mebibytes = bytes / 1024.0 / 1024.0;
            println!(
                "| {order} | {phones} | {mebibytes:.1} | {per_phone:.0} | {frame:.0} | {growth:.2} | {snapshot:.0} |"
            );
            last = (per_phone, growth);
        }
        verdicts.push((order, last));
    }
    let verdict = |is_met| if is_met { "met" } else { "NOT met" };
    println!();
    for (order, (per_phone, growth)) in verdicts {
        println!(
            "{order}: {per_phone:.0} of {BYTES_PER_PHONE:.0} bytes per phone: {}; a frame takes {growth:.2} of {GROWTH} times as long: {}",
            verdict(per_phone <= BYTES_PER_PHONE),
            verdict(growth <= GROWTH)
        );
    }
    Ok(())
}

/// What one fleet took.
struct Measured {
    /// Bytes of memory more than before the engine was made.
    bytes: f64,
    /// Nanoseconds for each frame of a keepalive, the timers that were due included.
    frame: f64,
    /// Microseconds for each snapshot, and for giving up the one before.
    snapshot: f64,
}

fn in_own_process(phones: u32, step: u64) -> anyhow::Result<Measured> {
    let output = Command::new(env::current_exe()?)
        .args(["--phones", &phones.to_string(), &step.to_string()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || numbers.next().context("the measuring process failed");
    Ok(Measured {
        bytes: next()??,
        frame: next()??,
        snapshot: next()??,
    })
}

fn measure(phones: u32, step: u64) -> anyhow::Result<Measured> {
    let mut fleet: Vec<Phone> = (0..phones).map(Phone::new).collect();
    // Frames end to end, so that they leave no holes in the memory that is measured.
    let (mut said, mut ends) = (Vec::new(), Vec::new());
    let before = resident()?;
    let mut engine = Engine::new(Settings {
        limits: Limits {
            devices: 200_000,
            connections: 500_000,
            ..Limits::default()
        },
        ..Settings::default()
    });
    let mut at = Timestamp::from_secs(START);
    for phone in &mut fleet {
        said.clear();
        ends.clear();
        for frame in phone.registers() {
            said.extend_from_slice(&frame);
            ends.push(said.len());
        }
        feed_all(&mut engine, at, &said, &ends);
        while engine.poll_event().is_some() {}
        at = at + BETWEEN_REGISTRATIONS;
    }
    let mut snapshot = engine.snapshot();

    let (mut frames, mut frame_time) = (0_u32, Duration::ZERO);
    let (mut snapshots, mut snapshot_time) = (0_u32, Duration::ZERO);
    let seconds = INTERVAL.as_secs();
    at = at + Duration::from_secs(1);
    for turn in 0..u64::from(ROUNDS) * seconds {
        // Who speaks in this second: its share of the whole fleet.
        let share = |second| u64::from(phones) * second / seconds;
        let second = turn % seconds;
        said.clear();
        ends.clear();
        for place in share(second)..share(second + 1) {
            let place = usize::try_from(place * step % u64::from(phones))?;
            for frame in fleet
                .get_mut(place)
                .map(Phone::keeps_alive)
                .into_iter()
                .flatten()
            {
                said.extend_from_slice(&frame);
                ends.push(said.len());
            }
        }
        frames += u32::try_from(ends.len())?;
        frame_time += time(|| feed_all(&mut engine, at, &said, &ends));
        while engine.poll_event().is_some() {}
        snapshots += 1;
        snapshot_time += time(|| snapshot = engine.snapshot());
        at = at + Duration::from_secs(1);
    }
    let bytes = resident()?.saturating_sub(before);
    let registered: u64 = snapshot
        .callmanagers
        .iter()
        .map(|server| server.registered)
        .sum();
    anyhow::ensure!(
        registered == u64::from(phones),
        "{registered} of {phones} phones are registered"
    );
    black_box((&engine, &fleet));
    Ok(Measured {
        bytes: bytes as f64,
        frame: frame_time.as_nanos() as f64 / f64::from(frames),
        snapshot: snapshot_time.as_micros() as f64 / f64::from(snapshots),
    })
}

fn feed_all(engine: &mut Engine, at: Timestamp, frames: &[u8], ends: &[usize]) {
    let mut began = 0;
    for &end in ends {
        feed(engine, at, &frames[began..end]);
        began = end;
    }
}

fn feed(engine: &mut Engine, at: Timestamp, bytes: &[u8]) {
    while let Some(due) = engine.poll_timeout().filter(|&due| due < at) {
        engine.handle_timeout(due);
    }
    engine.handle(&Record::Frame(Frame::ethernet(at, bytes)));
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is asked here"
)]
fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// Bytes of memory that this process has in use.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kibibytes
        .context("no VmRSS in /proc/self/status")?
        .parse::<u64>()?
        * 1024)
}

/// A phone and what it and its CallManagers put on the wire.
struct Phone {
    number: u32,
    /// The next sequence numbers of the registered connection.
    sent: u32,
    received: u32,
    /// Tells frames apart, as the identification of IPv4 does.
    identification: u16,
}

impl Phone {
    const fn new(number: u32) -> Self {
        Self {
            number,
            sent: 101,
            received: 201,
            identification: 0,
        }
    }

    /// Both connections open, and the first is registered.
    fn registers(&mut self) -> Vec<Vec<u8>> {
        let [_, high, middle, low] = self.number.to_be_bytes();
        let name = DeviceName::from_mac(MacAddr([0, 0x13, 0x80, high, middle, low]));
        let mut body = [0; 68];
        for (to, from) in body.iter_mut().zip(name.as_str().bytes()) {
            *to = from;
        }
        // The device type: a Cisco 7912.
        body[28..32].copy_from_slice(&30_007_u32.to_le_bytes());
        // The intervals of keepalives, in seconds.
        let mut answer = [0; 20];
        (answer[0], answer[12]) = (30, 60);

        let mut frames = Vec::new();
        for connection in 0..2 {
            frames.push(self.frame(connection, true, (100, None), TcpFlags::SYN, &[]));
            let acknowledged = (200, Some(101));
            frames.push(self.frame(connection, false, acknowledged, TcpFlags(0x12), &[]));
        }
        frames.push(self.says(true, &pdu(0, MessageId::REGISTER, &body)));
        frames.push(self.says(false, &pdu(0, MessageId::REGISTER_ACK, &answer)));
        frames
    }

    /// A keepalive, its acknowledgment, and the acknowledgment of that by TCP.
    fn keeps_alive(&mut self) -> [Vec<u8>; 3] {
        [
            self.says(true, &pdu(0, MessageId::KEEP_ALIVE, &[])),
            self.says(false, &pdu(0, MessageId::KEEP_ALIVE_ACK, &[])),
            self.says(true, &[]),
        ]
    }

    /// The phone or its CallManager sends this on the registered connection.
    fn says(&mut self, is_phone: bool, payload: &[u8]) -> Vec<u8> {
        let (own, other) = if is_phone {
            (self.sent, self.received)
        } else {
            (self.received, self.sent)
        };
        let frame = self.frame(0, is_phone, (own, Some(other)), TcpFlags(0x18), payload);
        let next = if is_phone {
            &mut self.sent
        } else {
            &mut self.received
        };
        *next += u32::try_from(payload.len()).unwrap_or(u32::MAX);
        frame
    }

    fn frame(
        &mut self,
        connection: u16,
        is_phone: bool,
        (sequence, acknowledgment): (u32, Option<u32>),
        flags: TcpFlags,
        payload: &[u8],
    ) -> Vec<u8> {
        let phone = (
            Ipv4Addr::from_bits(0x0a10_0000 + self.number),
            50_000 + connection,
        );
        let server = (CALLMANAGERS[usize::from(connection)], 2_000);
        let (from, to) = if is_phone {
            (phone, server)
        } else {
            (server, phone)
        };
        self.identification = self.identification.wrapping_add(1);
        let mut ip = Ipv4::new(from.0, to.0);
        ip.identification = self.identification;
        let segment = TcpSegment {
            source_port: from.1,
            destination_port: to.1,
            sequence,
            acknowledgment,
            flags,
            window: 8_192,
            payload,
            payload_length: u32::try_from(payload.len()).unwrap_or(u32::MAX),
        };
        let gateway = MacAddr([2, 0, 0, 0, 0, 1]);
        EthernetFrame::new(gateway, MacAddr([2, 0, 0, 0, 0, 2])).tcp(&ip, &segment)
    }
}
