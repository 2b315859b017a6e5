//! Writes a capture file: pcap with nanoseconds (draft-ietf-opsawg-pcap), of one link type.

use std::io::{self, Write};

use crate::record::LinkType;
use crate::time::Timestamp;

/// Writes frames to a capture file.
pub struct PcapWriter<W> {
    out: W,
}

impl<W: Write> PcapWriter<W> {
    /// Begins a file of frames of this link type.
    pub fn new(mut out: W, link: LinkType) -> io::Result<Self> {
        const MAGIC_NANOSECONDS: u32 = 0xA1B2_3C4D;
        const VERSION: [u16; 2] = [2, 4];
        const SNAP_LENGTH: u32 = 262_144;
        out.write_all(&MAGIC_NANOSECONDS.to_le_bytes())?;
        for part in VERSION {
            out.write_all(&part.to_le_bytes())?;
        }
        for word in [0, 0, SNAP_LENGTH, link.number().into()] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self { out })
    }

    /// Writes one whole frame.
    pub fn write(&mut self, at: Timestamp, bytes: &[u8]) -> io::Result<()> {
        self.write_cut(at, 0, bytes)
    }

    /// Writes a frame that had this length on the wire, in bytes, of which not all may be there.
    pub fn write_cut(
        &mut self,
        at: Timestamp,
        original_length: u32,
        bytes: &[u8],
    ) -> io::Result<()> {
        const SECOND: u64 = 1_000_000_000;
        let word = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let nanoseconds = at.as_nanos();
        for word in [
            word(nanoseconds / SECOND),
            word(nanoseconds % SECOND),
            length,
            original_length.max(length),
        ] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(bytes)
    }

    /// Ends the file: everything has been handed on.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_header_and_a_frame() {
        let mut file = Vec::new();
        let mut writer = PcapWriter::new(&mut file, LinkType::Ethernet).unwrap();
        let at = Timestamp::from_nanos(2_000_000_003);
        writer.write(at, &[0xAA, 0xBB]).unwrap();
        writer.write_cut(at, 7, &[0xCC]).unwrap();
        writer.finish().unwrap();
        assert_eq!(
            file,
            [
                0x4D, 0x3C, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
                2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0xAA, 0xBB, 2, 0, 0, 0, 3, 0, 0, 0,
                1, 0, 0, 0, 7, 0, 0, 0, 0xCC
            ]
        );
    }
}
