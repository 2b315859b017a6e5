//! What goes into the engine: frames, and what the sensor knows it did not see.

use crate::time::Timestamp;

/// What stands at the first byte of a frame (the capture's link type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// Ethernet II or 802.3 (DLT 1).
    Ethernet,
    /// An IPv4 or IPv6 packet without a link header (DLT 12, 14, 101, 228, 229).
    RawIp,
    /// BSD loopback: a 4-byte address family in either byte order (DLT 0, 108).
    Null,
    /// Linux "cooked" capture, version 1 (DLT 113).
    LinuxSll,
    /// Linux "cooked" capture, version 2 (DLT 276).
    LinuxSll2,
}

impl LinkType {
    /// The link type of a DLT or LINKTYPE number, where it is one that is decoded.
    pub fn from_number(number: i32) -> Option<Self> {
        match number {
            0 | 108 => Some(Self::Null),
            1 => Some(Self::Ethernet),
            12 | 14 | 101 | 228 | 229 => Some(Self::RawIp),
            113 => Some(Self::LinuxSll),
            276 => Some(Self::LinuxSll2),
            _ => None,
        }
    }

    /// The LINKTYPE number under which a capture file is written.
    pub const fn number(self) -> u16 {
        match self {
            Self::Null => 0,
            Self::Ethernet => 1,
            Self::RawIp => 101,
            Self::LinuxSll => 113,
            Self::LinuxSll2 => 276,
        }
    }
}

/// One frame as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When the capture saw it.
    pub at: Timestamp,
    /// What `bytes` begin with.
    pub link: LinkType,
    /// Which capture source it came from: the interface's or file's place in its list.
    pub source: u16,
    /// Its length on the wire, in bytes; more than `bytes.len()` where the snap length cut it.
    pub original_length: u32,
    /// The bytes that were captured.
    pub bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A whole Ethernet frame of the first source.
    pub fn ethernet(at: Timestamp, bytes: &'a [u8]) -> Self {
        Self {
            at,
            link: LinkType::Ethernet,
            source: 0,
            original_length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            bytes,
        }
    }
}

/// Where frames were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LossPlace {
    /// The kernel's capture buffer was full (`ps_drop`).
    Kernel,
    /// The network card or its driver dropped them (`ps_ifdrop`).
    Interface,
    /// The ring between the capture thread and the engine was full.
    Ring,
}

impl LossPlace {
    /// Every place, in the order in which a frame passes them last to first.
    pub const ALL: [Self; 3] = [Self::Kernel, Self::Interface, Self::Ring];

    /// The metrics label of this place.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Interface => "interface",
            Self::Ring => "ring",
        }
    }
}

/// The sensor was blind: frames passed that it did not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When the loss became known; it happened at or before this time.
    pub at: Timestamp,
    /// Which capture source lost them.
    pub source: u16,
    /// Where they were lost.
    pub place: LossPlace,
    /// How many frames; 0 where the source could not see at all, so that nobody knows.
    pub frames: u64,
}

/// The clock that stamps frames was set, or the machine stood still: nobody knows what was said in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// The time that the clock would show now if it had gone on as before; where the machine stood still, the time when it
    /// was last known to run.
    pub from: Timestamp,
    /// The time that it shows.
    pub at: Timestamp,
}

/// One entry of the engine's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A captured frame.
    Frame(Frame<'a>),
    /// Frames that were lost: part of the input, so that no conclusion is drawn from their absence.
    Loss(Loss),
    /// A step of the clock: frames after it have the new time.
    ClockStep(ClockStep),
}

impl Record<'_> {
    /// When this happened.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Frame(frame) => frame.at,
            Self::Loss(loss) => loss.at,
            Self::ClockStep(step) => step.at,
        }
    }
}
