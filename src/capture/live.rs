//! Live capture: one thread per interface, from libpcap into a ring.
//!
//! The thread never waits for anybody but the kernel and the stop signal. It hears of itself at least every [`TICK`], frames
//! or not: libpcap's own read timeout is not delivered on a quiet link, so the thread polls the descriptor itself. What
//! the kernel and the card report as dropped goes into the ring in its place among the frames.
//!
//! While an interface is gone, or has no carrier, the sensor is blind there, and whoever draws conclusions from silence has
//! to know at once. So a [`Loss`] of 0 frames is put into the ring when that begins, every [`TICK`] while it lasts and
//! when it is over: an unknown number of frames may have passed unseen up to its time.

mod counters;
mod open;
mod send;
mod stop;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::capture::filter::FilterSettings;
use crate::capture::ring::Producer;
use crate::capture::{packet_time, pcap_reason, wall_clock};
use crate::record::{Frame, Loss, LossPlace};
use crate::time::Timestamp;
use counters::Amount;

pub use counters::{CaptureCounters, CaptureState};
pub use open::{OpenError, Opened, open};
pub use send::{SendError, Sender};
pub use stop::StopSignal;

/// How one interface is captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSettings {
    /// The interface's name.
    pub interface: String,
    /// What its frames are marked with: its place in the list of interfaces.
    pub source: u16,
    /// How many bytes of a frame are kept.
    pub snaplen: i32,
    /// Whether frames to other addresses are taken, as on a mirror port.
    pub promiscuous: bool,
    /// The kernel's buffer, in bytes.
    pub buffer_bytes: i32,
    /// How long the kernel gathers frames before it hands over a block that is not full.
    pub block_timeout: Duration,
    /// What the kernel hands over.
    pub filter: LiveFilter,
}

/// What the kernel hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveFilter {
    /// What is decoded.
    Generated(FilterSettings),
    /// Every frame.
    Everything,
    /// What this expression of pcap-filter(7) matches.
    Expression(String),
}

impl LiveSettings {
    /// The usual settings for the interface of this name and place.
    pub fn new(interface: impl Into<String>, source: u16) -> Self {
        Self {
            interface: interface.into(),
            source,
            snaplen: 65_535,
            promiscuous: true,
            buffer_bytes: 16 << 20,
            block_timeout: Duration::from_millis(50),
            filter: LiveFilter::Generated(FilterSettings::default()),
        }
    }
}

/// Captures in a thread of its own until `stop`, opening the interface again where it vanishes.
pub fn spawn(
    opened: Opened,
    settings: LiveSettings,
    producer: Producer,
    stop: Arc<StopSignal>,
    counters: Arc<CaptureCounters>,
) -> io::Result<JoinHandle<()>> {
    let thread = CaptureThread {
        settings,
        producer,
        stop,
        counters,
        is_blind: false,
        checked: Timestamp::EPOCH,
    };
    thread::Builder::new()
        .name(format!("capture-{}", thread.settings.source))
        .spawn(move || thread.run(opened))
}

/// The longest the thread goes without a sign of life; so often it looks at the drop counters and the carrier.
pub const TICK: Duration = Duration::from_millis(250);
/// So many frames are taken at most before the stop signal is looked at: on a flooded link libpcap would not return.
const BATCH: usize = 8192;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

struct CaptureThread {
    settings: LiveSettings,
    producer: Producer,
    stop: Arc<StopSignal>,
    counters: Arc<CaptureCounters>,
    is_blind: bool,
    /// When drop counters and carrier were last looked at.
    checked: Timestamp,
}

/// Why a capture came to an end.
enum End {
    Stopped,
    Failed(String),
}

impl CaptureThread {
    fn run(mut self, mut opened: Opened) {
        let interface = self.settings.interface.clone();
        self.counters.set_up(true);
        while let End::Failed(reason) = self.capture(opened) {
            tracing::warn!(interface, reason, "the capture failed; opening it again");
            self.counters.set_error(reason);
            self.set_blind(true);
            match self.reopen() {
                Some(again) => opened = again,
                None => break,
            }
            self.counters.add_reopen();
        }
        self.counters.set_up(false);
    }

    fn capture(&mut self, mut opened: Opened) -> End {
        // libpcap counts from the opening on.
        let mut counted = Counted::default();
        let mut timeout = Duration::ZERO;
        loop {
            let mut descriptors = [
                PollFd::new(&opened.capture, PollFlags::IN),
                PollFd::new(&*self.stop, PollFlags::IN),
            ];
            match poll(&mut descriptors, Some(&timespec(timeout))) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return End::Failed(format!("poll: {error}")),
            }
            let [of_capture, of_stop] = descriptors.map(|descriptor| descriptor.revents());
            if !of_stop.is_empty() || self.producer.is_abandoned() {
                return End::Stopped;
            }
            let taken = match self.take(&mut opened) {
                Ok(taken) => taken,
                Err(reason) => return End::Failed(reason),
            };
            self.counters.add_beat();
            if self.is_time_to_check() {
                counted = self.count_dropped(&mut opened, counted);
                self.set_blind(has_no_carrier(&self.settings.interface));
                self.producer.commit();
            }
            // libpcap keeps a block of which it has given a part, and the descriptor does not tell.
            timeout = if taken == BATCH { Duration::ZERO } else { TICK };
            // An error that libpcap does not take off the descriptor would make this loop spin.
            let is_stuck = taken == 0 && of_capture.intersects(PollFlags::ERR | PollFlags::HUP);
            if is_stuck && self.stop.wait(TICK) {
                return End::Stopped;
            }
        }
    }

    /// Takes what the kernel has and makes it visible; how many frames that were.
    fn take(&mut self, opened: &mut Opened) -> Result<usize, String> {
        let (mut all, mut dropped) = (Amount::default(), Amount::default());
        let producer = &mut self.producer;
        let (link, source) = (opened.link, self.settings.source);
        let taken = opened.capture.dispatch(Some(BATCH), |packet| {
            let frame = Frame {
                at: packet_time(packet.header),
                link,
                source,
                original_length: packet.header.len,
                bytes: packet.data,
            };
            all.add(&frame);
            if !producer.push(&frame) {
                dropped.add(&frame);
            }
        });
        producer.commit();
        self.counters.add_frames(all);
        self.counters.add_ring_dropped(dropped);
        taken.map_err(|error| pcap_reason(&error))
    }

    fn is_time_to_check(&mut self) -> bool {
        let now = wall_clock();
        // A distance, so that a clock that is set back does not stop the checks.
        let is_time = self.checked.distance(now) >= TICK;
        if is_time {
            self.checked = now;
        }
        is_time
    }

    /// Puts what was dropped since `before` into the ring and the counters.
    fn count_dropped(&mut self, opened: &mut Opened, before: Counted) -> Counted {
        let Ok(stat) = opened.capture.stats() else {
            return before;
        };
        // libpcap's counters are 32 bits wide and wrap.
        let kernel = u64::from(stat.dropped.wrapping_sub(before.kernel));
        let interface = u64::from(stat.if_dropped.wrapping_sub(before.interface));
        if kernel > 0 {
            self.lose(LossPlace::Kernel, kernel);
        }
        if interface > 0 {
            self.lose(LossPlace::Interface, interface);
        }
        self.counters.add_dropped(kernel, interface);
        Counted {
            kernel: stat.dropped,
            interface: stat.if_dropped,
        }
    }

    /// Tells the engine about blindness: see the head of this module.
    fn set_blind(&mut self, is_blind: bool) {
        let interface = &self.settings.interface;
        if is_blind && !self.is_blind {
            tracing::warn!(interface, "no frames can be seen: the interface is down");
        } else if self.is_blind && !is_blind {
            tracing::info!(interface, "frames can be seen again");
        }
        if is_blind || self.is_blind {
            self.lose(LossPlace::Interface, 0);
        }
        self.is_blind = is_blind;
        self.counters.set_up(!is_blind);
    }

    fn lose(&mut self, place: LossPlace, frames: u64) {
        self.producer.push_loss(Loss {
            at: wall_clock(),
            source: self.settings.source,
            place,
            frames,
        });
    }

    /// Tries until it works; `None` where it was stopped meanwhile.
    fn reopen(&mut self) -> Option<Opened> {
        let mut pause = FIRST_PAUSE;
        loop {
            let mut waited = Duration::ZERO;
            while waited < pause {
                self.set_blind(true);
                self.producer.commit();
                self.counters.add_beat();
                if self.stop.wait(TICK) || self.producer.is_abandoned() {
                    return None;
                }
                waited += TICK;
            }
            match open(&self.settings) {
                Ok(opened) => return Some(opened),
                Err(error) => {
                    tracing::debug!(%error, "not yet");
                    self.counters.set_error(error.to_string());
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The drop counters of libpcap when they were last looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    kernel: u32,
    interface: u32,
}

/// Whether the system says that nothing can arrive: no cable, or set down. libpcap does not tell.
fn has_no_carrier(interface: &str) -> bool {
    // What has no such state, like a tunnel, is `unknown` (RFC 2863, ifOperStatus); what has no file is not judged.
    std::fs::read_to_string(format!("/sys/class/net/{interface}/operstate"))
        .is_ok_and(|state| matches!(state.trim(), "down" | "lowerlayerdown" | "notpresent"))
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests;
