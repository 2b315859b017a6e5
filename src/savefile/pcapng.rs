//! Writes a capture file: pcapng with nanoseconds (draft-ietf-opsawg-pcapng), an interface for each link type.

use std::io::{self, Write};

use crate::record::{Frame, LinkType};

/// Writes frames of several link types to a capture file.
pub struct PcapngWriter<W> {
    out: W,
    links: Vec<LinkType>,
}

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

impl<W: Write> PcapngWriter<W> {
    /// Begins a file for frames of these link types.
    pub fn new(out: W, links: &[LinkType]) -> io::Result<Self> {
        const BYTE_ORDER: u32 = 0x1A2B_3C4D;
        const VERSION: [u16; 2] = [1, 0];
        const LENGTH_UNKNOWN: u64 = u64::MAX;
        /// `if_tsresol`, one byte: 10 to the minus 9, padded to four; then the end of the options.
        const NANOSECONDS: [u8; 12] = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];

        let mut writer = Self {
            out,
            links: links.to_vec(),
        };
        let mut header = BYTE_ORDER.to_le_bytes().to_vec();
        for part in VERSION {
            header.extend(part.to_le_bytes());
        }
        header.extend(LENGTH_UNKNOWN.to_le_bytes());
        writer.block(SECTION_HEADER, &header)?;
        for link in links {
            let mut interface = link.number().to_le_bytes().to_vec();
            // Reserved, and no limit of the snap length.
            interface.extend([0; 6]);
            interface.extend(NANOSECONDS);
            writer.block(INTERFACE_DESCRIPTION, &interface)?;
        }
        Ok(writer)
    }

    /// Writes one frame, whose link type is one of those that the file was begun with.
    pub fn write(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        let interface = self.links.iter().position(|link| *link == frame.link);
        let interface = interface.and_then(|place| u32::try_from(place).ok());
        let interface =
            interface.ok_or_else(|| io::Error::other("a frame of another link type"))?;
        let length = u32::try_from(frame.bytes.len()).map_err(io::Error::other)?;
        let nanoseconds = frame.at.as_nanos();
        let word = |number: u64| u32::try_from(number & 0xFFFF_FFFF).unwrap_or(u32::MAX);
        let mut packet = Vec::with_capacity(frame.bytes.len() + 24);
        for word in [
            interface,
            word(nanoseconds >> 32),
            word(nanoseconds),
            length,
            frame.original_length.max(length),
        ] {
            packet.extend(word.to_le_bytes());
        }
        packet.extend(frame.bytes);
        self.block(ENHANCED_PACKET, &packet)
    }

    /// Ends the file: everything has been handed on.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A block: its kind, its length before and behind, and what it holds, padded to four bytes.
    fn block(&mut self, kind: u32, content: &[u8]) -> io::Result<()> {
        let padded = content.len().next_multiple_of(4);
        let length = u32::try_from(padded + 12).map_err(io::Error::other)?;
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(content)?;
        let padding = [0; 3];
        self.out
            .write_all(padding.get(..padded - content.len()).unwrap_or_default())?;
        self.out.write_all(&length.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn writes_the_blocks_of_the_specification() {
        let mut file = Vec::new();
        let mut writer = PcapngWriter::new(&mut file, &[LinkType::LinuxSll2]).unwrap();
        let frame = Frame {
            at: Timestamp::from_nanos(0x0102_0304_0506_0708),
            link: LinkType::LinuxSll2,
            source: 0,
            original_length: 9,
            bytes: &[0xAA, 0xBB],
        };
        writer.write(&frame).unwrap();
        let other = Frame {
            link: LinkType::RawIp,
            ..frame
        };
        writer.write(&other).unwrap_err();
        writer.finish().unwrap();
        #[rustfmt::skip]
        assert_eq!(
            file,
            [
                0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0,
                0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 28, 0, 0, 0,
                1, 0, 0, 0, 32, 0, 0, 0, 0x14, 0x01, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0,
                6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 2, 0, 0, 0, 9, 0, 0, 0,
                0xAA, 0xBB, 0, 0, 36, 0, 0, 0,
            ]
        );
    }
}
