//! What a capture thread says about itself, for everybody else to read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::record::Frame;

/// The counters of one capture thread: written by it alone, read by anybody at any time. They begin with the program
/// and go on when the interface is opened again.
#[derive(Debug, Default)]
pub struct CaptureCounters {
    frames: AtomicU64,
    bytes: AtomicU64,
    kernel_dropped: AtomicU64,
    interface_dropped: AtomicU64,
    ring_dropped: AtomicU64,
    ring_dropped_bytes: AtomicU64,
    reopened: AtomicU64,
    beats: AtomicU64,
    is_up: AtomicBool,
    last_error: Mutex<Option<String>>,
}

/// What [`CaptureCounters`] held at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureState {
    /// Frames the kernel handed over, those included that the ring had no room for.
    pub frames: u64,
    /// Their length on the wire, in bytes.
    pub bytes: u64,
    /// Frames dropped because the kernel's buffer was full.
    pub kernel_dropped: u64,
    /// Frames dropped by the card or its driver.
    pub interface_dropped: u64,
    /// Frames dropped because the ring to the engine was full.
    pub ring_dropped: u64,
    /// Their length on the wire, in bytes.
    pub ring_dropped_bytes: u64,
    /// How often the interface was opened again after it had failed.
    pub reopened: u64,
    /// Signs of life: a number that stands still for longer than a few times [`super::TICK`] tells of a thread that hangs.
    pub beats: u64,
    /// Whether the interface is open and has a carrier.
    pub is_up: bool,
    /// What failed last, if anything has.
    pub last_error: Option<String>,
}

impl CaptureCounters {
    /// What they hold now.
    pub fn read(&self) -> CaptureState {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CaptureState {
            frames: load(&self.frames),
            bytes: load(&self.bytes),
            kernel_dropped: load(&self.kernel_dropped),
            interface_dropped: load(&self.interface_dropped),
            ring_dropped: load(&self.ring_dropped),
            ring_dropped_bytes: load(&self.ring_dropped_bytes),
            reopened: load(&self.reopened),
            beats: load(&self.beats),
            is_up: self.is_up.load(Ordering::Relaxed),
            last_error: self.lock_error().clone(),
        }
    }

    pub(super) fn add_frames(&self, amount: Amount) {
        self.frames.fetch_add(amount.frames, Ordering::Relaxed);
        self.bytes.fetch_add(amount.bytes, Ordering::Relaxed);
    }

    pub(super) fn add_ring_dropped(&self, amount: Amount) {
        self.ring_dropped
            .fetch_add(amount.frames, Ordering::Relaxed);
        self.ring_dropped_bytes
            .fetch_add(amount.bytes, Ordering::Relaxed);
    }

    pub(super) fn add_dropped(&self, kernel: u64, interface: u64) {
        self.kernel_dropped.fetch_add(kernel, Ordering::Relaxed);
        self.interface_dropped
            .fetch_add(interface, Ordering::Relaxed);
    }

    pub(super) fn add_reopen(&self) {
        self.reopened.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_up(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::Relaxed);
    }

    pub(super) fn set_error(&self, error: String) {
        *self.lock_error() = Some(error);
    }

    fn lock_error(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frames and their bytes on the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    frames: u64,
    bytes: u64,
}

impl Amount {
    pub(super) fn add(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        self.bytes += u64::from(frame.original_length);
    }
}
