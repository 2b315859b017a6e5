//! Capture files as they are written: pcap where all frames begin alike, else pcapng.

mod pcap;
mod pcapng;

use std::io;

use crate::record::{Frame, LinkType};

pub use pcap::PcapWriter;
pub use pcapng::PcapngWriter;

/// The frames as a capture file: pcap, which every program reads, and pcapng where their link types differ.
pub fn capture_file(frames: &[Frame<'_>]) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut links: Vec<LinkType> = Vec::new();
    for frame in frames {
        if !links.contains(&frame.link) {
            links.push(frame.link);
        }
    }
    if let [] | [_] = links[..] {
        let link = links.first().copied().unwrap_or(LinkType::Ethernet);
        let mut writer = PcapWriter::new(&mut file, link)?;
        for frame in frames {
            writer.write_cut(frame.at, frame.original_length, frame.bytes)?;
        }
        writer.finish()?;
    } else {
        let mut writer = PcapngWriter::new(&mut file, &links)?;
        for frame in frames {
            writer.write(frame)?;
        }
        writer.finish()?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::capture::file::FileSource;
    use crate::capture::{FrameSource, Input};
    use crate::record::Record;
    use crate::time::Timestamp;

    const fn frame(link: LinkType, nanoseconds: u64, bytes: &[u8]) -> Frame<'_> {
        Frame {
            at: Timestamp::from_nanos(1_700_000_000_000_000_000 + nanoseconds),
            link,
            source: 0,
            original_length: 1500,
            bytes,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let frames = [
            frame(LinkType::LinuxSll2, 1, &[1; 61]),
            frame(LinkType::LinuxSll2, 999_999_999, &[2; 64]),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written");
        fs::write(&path, capture_file(&frames).unwrap()).unwrap();
        let mut source = FileSource::new(vec![path], None);
        let mut read = 0;
        loop {
            match source.next() {
                Input::Record(Record::Frame(frame)) => {
                    assert_eq!(frame, frames[read]);
                    read += 1;
                }
                Input::Record(Record::Loss(_) | Record::ClockStep(_)) | Input::Idle(_) => {}
                Input::End => break,
            }
        }
        assert_eq!(source.problems().len(), 0, "{:?}", source.problems());
        assert_eq!(read, frames.len());
    }

    /// What libpcap reads of such a file is its first link type; Wireshark reads all.
    #[test]
    fn frames_of_several_link_types_make_a_pcapng_file() {
        let frames = [
            frame(LinkType::RawIp, 7, &[0x45; 21]),
            frame(LinkType::Ethernet, 8, &[3; 63]),
            frame(LinkType::RawIp, 10, &[0x45; 20]),
        ];
        let file = capture_file(&frames).unwrap();
        assert_eq!(file[..4], [0x0A, 0x0D, 0x0D, 0x0A]);
        let interfaces = [28, 28 + 32].map(|at| (file[at], file[at + 8]));
        assert_eq!(interfaces, [(1, 101), (1, 1)]);
    }
}
