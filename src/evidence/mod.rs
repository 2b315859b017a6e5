//! The evidence of a finding: frames of a device as a capture file, without what is nobody's business.
//!
//! ```text
//! frames of the flight recorder -> blanked (blank)   no file's content, no dialled digit (sccp), checksums made right
//!                               -> a capture file    savefile
//!                               -> named (name)      when, which finding, of whom
//! findings as they are raised   -> planned (plan)    few of each kind in a minute, whatever storm there is
//! ```
//!
//! Nothing here reads or writes files, or a clock.

mod blank;
mod name;
mod plan;
mod sccp;
mod store;

use std::io;

use crate::record::Frame;
use crate::savefile;

pub use blank::Blanker;
pub use name::EvidenceName;
pub use plan::Planner;
pub use store::{Stored, superfluous};

/// What a frame takes in a file beside its bytes, at most.
const OVERHEAD: usize = 36;

/// The frames, in their order, as a capture file in which what is nobody's business is blanked: the newest that fit into
/// `most` bytes. `sccp_ports` are the TCP ports on which SCCP is spoken.
pub fn capture_file<'a>(
    frames: impl IntoIterator<Item = Frame<'a>>,
    sccp_ports: &[u16],
    most: usize,
) -> io::Result<Vec<u8>> {
    let mut eraser = Blanker::new(sccp_ports);
    let blanked: Vec<(Frame<'a>, Vec<u8>)> = frames
        .into_iter()
        .map(|frame| (frame, eraser.blanked(&frame)))
        .collect();
    let mut room = most;
    let fitting = blanked.iter().rev().take_while(|(_, bytes)| {
        let fits = room.checked_sub(bytes.len() + OVERHEAD);
        room = fits.unwrap_or(0);
        fits.is_some()
    });
    let first = blanked.len() - fitting.count();
    let frames: Vec<Frame<'_>> = blanked
        .iter()
        .skip(first)
        .map(|(frame, bytes)| Frame { bytes, ..*frame })
        .collect();
    savefile::capture_file(&frames)
}

#[cfg(test)]
mod tests;
