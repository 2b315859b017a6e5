//! Where frames come from: live interfaces and capture files, behind one trait.

pub mod file;
pub mod filter;
pub mod live;
pub mod merge;
pub mod ring;

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
