//! Sending frames onto an interface: for simulated fleets. Nothing that listens uses it.

use pcap::{Active, Capture};

use super::open::{OpenError, activate};
use super::{LiveFilter, LiveSettings};
use crate::capture::pcap_reason;

/// An interface to send frames onto.
pub struct Sender {
    capture: Capture<Active>,
}

/// Why a frame was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The interface has more to do than it can: the same frame can be sent a little later.
    #[error("the interface has no room for more frames")]
    Busy,
    /// Something else; libpcap's words.
    #[error("{0}")]
    Other(String),
}

impl Sender {
    /// Opens an interface. It takes the capability `CAP_NET_RAW` and nothing else.
    pub fn open(interface: &str) -> Result<Self, OpenError> {
        let settings = LiveSettings {
            promiscuous: false,
            snaplen: 64,
            buffer_bytes: 1 << 20,
            filter: LiveFilter::Everything,
            ..LiveSettings::new(interface, 0)
        };
        let mut capture =
            activate(&settings, false).map_err(|error| OpenError::of(interface, &error))?;
        // Nobody reads here, so the kernel need not keep anything: no frame is that short.
        capture
            .filter("less 1", true)
            .map_err(|error| OpenError::of(interface, &error))?;
        Ok(Self { capture })
    }

    /// Sends one frame as it is.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), SendError> {
        self.capture.sendpacket(frame).map_err(|error| {
            let reason = pcap_reason(&error);
            if reason.contains("No buffer space") || reason.contains("temporarily unavailable") {
                SendError::Busy
            } else {
                SendError::Other(reason)
            }
        })
    }
}
