//! What is wrong with a capture file, in words that say what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Something about one file that its reader has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The file as it was named.
    pub path: PathBuf,
    /// What is wrong, for programs.
    pub kind: FileProblemKind,
    /// What is wrong and what to do about it, for people.
    pub message: String,
}

/// What can be wrong with a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileProblemKind {
    /// The filter that was asked for is not valid for this file.
    BadFilter,
    /// A record makes no sense; all before it was given.
    Corrupt,
    /// The file ends within a record; all before it was given.
    CutShort,
    /// Its interfaces differ in a way that libpcap cannot represent.
    MixedInterfaces,
    /// It is something else than a capture.
    NotACapture,
    /// It cannot be opened, or reading it failed.
    Unreadable,
    /// Its frames begin with a link header that is not decoded here.
    UnsupportedLinkType,
}

impl FileProblem {
    /// Whether there are frames that should have been read and were not: not so where the file itself has lost them.
    pub const fn is_fatal(&self) -> bool {
        match self.kind {
            FileProblemKind::Corrupt | FileProblemKind::CutShort => false,
            FileProblemKind::BadFilter
            | FileProblemKind::MixedInterfaces
            | FileProblemKind::NotACapture
            | FileProblemKind::Unreadable
            | FileProblemKind::UnsupportedLinkType => true,
        }
    }

    pub(super) fn new(path: &Path, kind: FileProblemKind, message: String) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            message,
        }
    }

    pub(super) fn empty(path: &Path) -> Self {
        let message = "is empty: its writer has not written to it yet, or it was not copied";
        Self::new(path, FileProblemKind::NotACapture, message.into())
    }

    /// The operating system or the decompressor could not read on after this many frames.
    pub(super) fn unreadable(path: &Path, frames: u64, error: &io::Error) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::UnexpectedEof {
            return Self::cut_short(path, frames);
        }
        // What the decompressor says of bytes that are no gzip.
        if matches!(
            kind,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        ) {
            return Self::corrupt(path, frames, &error.to_string());
        }
        let remedy = REMEDIES.iter().find(|(of, _)| *of == kind);
        let remedy = remedy.map_or("", |(_, remedy)| remedy);
        let message = format!("cannot be read: {error}{remedy}{}", after(frames));
        Self::new(path, FileProblemKind::Unreadable, message)
    }

    /// libpcap does not know the format.
    pub(super) fn not_a_capture(path: &Path, beginning: &[u8], reason: &str) -> Self {
        let compressed = COMPRESSED
            .iter()
            .find(|(magic, _)| beginning.starts_with(magic));
        let message = match compressed {
            Some((_, name)) => format!("is compressed with {name}: decompress it (or use gzip)"),
            None if is_end(reason) => "ends within its own header: copy it again".into(),
            None => format!("is not a pcap or pcapng capture ({reason})"),
        };
        Self::new(path, FileProblemKind::NotACapture, message)
    }

    pub(super) fn link_type(path: &Path, link: pcap::Linktype) -> Self {
        let name = link.get_name().unwrap_or_else(|_| "unknown".into());
        let message = format!(
            "holds frames of link type {name} ({}); what is read is Ethernet, raw IP, BSD loopback and Linux cooked",
            link.0
        );
        Self::new(path, FileProblemKind::UnsupportedLinkType, message)
    }

    /// libpcap could not read on after this many frames.
    pub(super) fn unfinished(path: &Path, frames: u64, reason: &str) -> Self {
        if is_end(reason) {
            Self::cut_short(path, frames)
        } else if reason.contains("different from the") {
            // Both tried with Wireshark's tools, which write pcap only where all frames are of one kind.
            let remedy = if reason.contains("snapshot length") {
                "make them one with `editcap -F pcap FILE OUT`"
            } else {
                "take one out with `tshark -r FILE -Y 'frame.interface_id == 0' -w - | editcap -F pcap -T ether - OUT`"
            };
            let message = format!(
                "holds interfaces of different kinds, which libpcap does not read ({reason}){}: {remedy}",
                after(frames)
            );
            Self::new(path, FileProblemKind::MixedInterfaces, message)
        } else if reason.starts_with("error reading") {
            let message = format!("cannot be read: {reason}{}", after(frames));
            Self::new(path, FileProblemKind::Unreadable, message)
        } else {
            Self::corrupt(path, frames, reason)
        }
    }

    fn cut_short(path: &Path, frames: u64) -> Self {
        let message = format!(
            "is cut short{}: if it is still being written or was copied meanwhile, read it again later",
            after(frames)
        );
        Self::new(path, FileProblemKind::CutShort, message)
    }

    /// What makes no sense from its beginning is no capture with a fault in it.
    fn corrupt(path: &Path, frames: u64, reason: &str) -> Self {
        let kind = if frames == 0 {
            FileProblemKind::Unreadable
        } else {
            FileProblemKind::Corrupt
        };
        let message = format!("is corrupt ({reason}){}: copy it again", after(frames));
        Self::new(path, kind, message)
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for FileProblem {}

/// Whether libpcap's words say that the file ended too early: it has no code for this.
pub(super) fn is_end(reason: &str) -> bool {
    reason.contains("truncated")
}

fn after(frames: u64) -> String {
    match frames {
        0 => String::new(),
        1 => " after its first frame, which was read".into(),
        _ => format!(" after its first {frames} frames, which were read"),
    }
}

/// What to do about an error of the operating system, where there is something.
const REMEDIES: [(io::ErrorKind, &str); 3] = [
    (io::ErrorKind::IsADirectory, ": name the files in it"),
    (io::ErrorKind::NotFound, ": is its name right?"),
    (
        io::ErrorKind::PermissionDenied,
        ": it must be readable by the user who runs this",
    ),
];

/// Formats that a capture may have been packed in, by their first bytes.
const COMPRESSED: [(&[u8], &str); 5] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xz"),
    (b"BZh", "bzip2"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
    (b"PK\x03\x04", "zip"),
];
