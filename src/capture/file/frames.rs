//! The frames of one capture, one by one as they are asked for, or read ahead by a thread.

use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use pcap::{Capture, Offline};

use crate::capture::packet_time;
use crate::time::Timestamp;

/// So many bytes are read before they are handed over: they stay in the caches of both cores.
const BATCH_BYTES: usize = 128 << 10;

/// At most so many frames, where they are short.
const BATCH_FRAMES: usize = 2048;

/// The thread is at most so many batches ahead.
const BATCHES: usize = 4;

/// The frames of a capture.
pub(super) enum Frames {
    OneByOne {
        capture: Capture<Offline>,
        bytes: Vec<u8>,
    },
    Ahead(Ahead),
}

/// A frame, but for its bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct FrameHeader {
    pub(super) at: Timestamp,
    /// Its length on the wire.
    pub(super) original_length: u32,
}

impl Frames {
    pub(super) const fn one_by_one(capture: Capture<Offline>) -> Self {
        Self::OneByOne {
            capture,
            bytes: Vec::new(),
        }
    }

    /// Begins to read ahead. The thread ends with the capture, or when nobody wants its frames any more.
    pub(super) fn ahead(mut capture: Capture<Offline>) -> io::Result<Self> {
        let (filled, batches) = sync_channel(BATCHES);
        let (empties, empty) = channel();
        thread::Builder::new()
            .name("capture-file".into())
            .spawn(move || read_ahead(&mut capture, &filled, &empty))?;
        Ok(Self::Ahead(Ahead {
            batches,
            empties,
            batch: Batch::default(),
            next: 0,
            begin: 0,
            end: 0,
        }))
    }

    /// Goes on to the next frame.
    pub(super) fn advance(&mut self) -> Result<FrameHeader, pcap::Error> {
        match self {
            Self::OneByOne { capture, bytes } => {
                bytes.clear();
                read(capture, bytes)
            }
            Self::Ahead(ahead) => ahead.advance(),
        }
    }

    /// The bytes of the frame it stands at.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::OneByOne { bytes, .. } => bytes,
            Self::Ahead(ahead) => ahead
                .batch
                .bytes
                .get(ahead.begin..ahead.end)
                .unwrap_or_default(),
        }
    }
}

/// What a thread has read.
pub(super) struct Ahead {
    batches: Receiver<Batch>,
    /// Batches that were given, to be filled again.
    empties: Sender<Batch>,
    batch: Batch,
    /// The place of the next frame in the batch.
    next: usize,
    /// Where the bytes of the present one begin and end.
    begin: usize,
    end: usize,
}

/// Some frames, and what came after them if no frame did.
#[derive(Default)]
struct Batch {
    /// Each with where its bytes end.
    headers: Vec<(FrameHeader, usize)>,
    bytes: Vec<u8>,
    end: Option<pcap::Error>,
}

impl Ahead {
    fn advance(&mut self) -> Result<FrameHeader, pcap::Error> {
        loop {
            if let Some(&(header, end)) = self.batch.headers.get(self.next) {
                self.next += 1;
                self.begin = mem::replace(&mut self.end, end);
                return Ok(header);
            }
            if let Some(end) = self.batch.end.take() {
                return Err(end);
            }
            // A thread that is gone without a word has failed; what it had read before was given.
            let batch = self.batches.recv().unwrap_or_else(|_| Batch {
                end: Some(pcap::Error::PcapError("the reader failed".into())),
                ..Batch::default()
            });
            let mut empty = mem::replace(&mut self.batch, batch);
            (self.next, self.begin, self.end) = (0, 0, 0);
            empty.headers.clear();
            empty.bytes.clear();
            // It may have ended.
            drop(self.empties.send(empty));
        }
    }
}

fn read_ahead(capture: &mut Capture<Offline>, filled: &SyncSender<Batch>, empty: &Receiver<Batch>) {
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        while batch.bytes.len() < BATCH_BYTES && batch.headers.len() < BATCH_FRAMES {
            match read(capture, &mut batch.bytes) {
                Ok(header) => batch.headers.push((header, batch.bytes.len())),
                Err(end) => {
                    batch.end = Some(end);
                    break;
                }
            }
        }
        let is_last = batch.end.is_some();
        if filled.send(batch).is_err() || is_last {
            return;
        }
    }
}

/// Reads one frame behind what is in `bytes`.
fn read(capture: &mut Capture<Offline>, bytes: &mut Vec<u8>) -> Result<FrameHeader, pcap::Error> {
    let packet = capture.next_packet()?;
    bytes.extend_from_slice(packet.data);
    Ok(FrameHeader {
        at: packet_time(packet.header),
        // A file may claim that less was on the wire than was captured.
        original_length: packet.header.len.max(packet.header.caplen),
    })
}
