//! Where frames come from: live interfaces and capture files, behind one trait.

pub mod file;
pub mod filter;
pub mod live;
pub mod merge;
pub mod ring;
mod steps;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::record::Record;
use crate::time::Timestamp;

/// What a source gives next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A frame, or frames that were lost.
    Record(Record<'a>),
    /// Nothing came for a while; this is the time now, so that deadlines can fire on a quiet link.
    Idle(Timestamp),
    /// The source has ended and will give nothing more.
    End,
}

/// The one seam between capture and engine: the live rings and the file reader implement it.
pub trait FrameSource {
    /// The next input. Blocks for at most some tens of milliseconds where nothing is there.
    fn next(&mut self) -> Input<'_>;
}

/// The time now by the clock that the kernel stamps frames with. Only for sources of records: what reads them takes
/// the time from them.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place in this layer that knows what time it is"
)]
pub fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::EPOCH + since_epoch.unwrap_or_default()
}

/// When libpcap saw a frame, read at nanosecond precision. Any number may stand in a file, so it is clamped.
fn packet_time(header: &pcap::PacketHeader) -> Timestamp {
    // The field is named for microseconds and holds nanoseconds where they were asked for.
    let seconds = u64::try_from(header.ts.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(header.ts.tv_usec).unwrap_or_default();
    Timestamp::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}

/// What libpcap says is wrong, without the words the binding puts before it.
fn pcap_reason(error: &pcap::Error) -> String {
    if let pcap::Error::PcapError(reason) = error {
        reason.clone()
    } else {
        error.to_string()
    }
}
