//! Frames from capture files: pcap and pcapng in micro- or nanoseconds, plain or gzip, from disk or a pipe.
//!
//! libpcap reads the format. It takes a path, so whatever is no plain file comes to it through a pipe that a thread
//! fills: gzip (known by its content, whatever its name), standard input, a named pipe. A plain file is read ahead on a
//! thread of its own, so that reading and the engine share the work.

mod frames;
mod problem;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use flate2::bufread::MultiGzDecoder;
use pcap::{Capture, Offline, Precision};

use self::frames::{FrameHeader, Frames};
use crate::capture::{FrameSource, Input, pcap_reason};
use crate::record::{Frame, LinkType, Record};

pub use problem::{FileProblem, FileProblemKind};

/// Reads capture files, each from its first frame to its last. Of files that show the same time, as two mirror ports give
/// them, the frames come merged by their times, and at the same time in the order of the files; each file keeps the order
/// of its own frames.
///
/// A file that cannot be read, or not to its end, leaves a [`FileProblem`].
pub struct FileSource {
    paths: Vec<PathBuf>,
    /// How many of `paths` have been opened.
    opened: usize,
    filter: Option<String>,
    /// Open files, each at a frame that was not given yet, but for the one that gave the last.
    open: Vec<OpenFile>,
    /// The place in `open` of the file that gave the last frame.
    given: Option<usize>,
    problems: Vec<FileProblem>,
    /// The place among `paths` of the file of each problem.
    problem_of: Vec<usize>,
}

/// So many files are open at once. Where there are more, as of a capture that begins a new file every hour, the next one
/// is opened when one ends: those far apart in the list do not show the same time.
const MOST_OPEN: usize = 64;

impl FileSource {
    /// A source over these files, where `-` is standard input. With a filter (pcap-filter(7)) only what it matches is given.
    pub fn new(paths: Vec<PathBuf>, filter: Option<String>) -> Self {
        Self {
            paths,
            opened: 0,
            filter,
            open: Vec::new(),
            given: None,
            problems: Vec::new(),
            problem_of: Vec::new(),
        }
    }

    /// What could not be read so far, in the order of the files; complete once the source has ended.
    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }

    /// Whether a file could not be read, or not to the end of what is there.
    pub fn is_fatal(&self) -> bool {
        self.problems.iter().any(FileProblem::is_fatal)
    }

    /// Goes on to the next frame of all files; the place of its file.
    fn advance(&mut self) -> Option<usize> {
        if let Some(place) = self.given.take()
            && let Some(file) = self.open.get_mut(place)
            && let Err(error) = file.advance()
        {
            let file = self.open.remove(place);
            self.end(file, &error);
        }
        while self.open.len() < MOST_OPEN && self.open_next() {}
        let times = self.open.iter().enumerate();
        let (place, _) = times.min_by_key(|(place, file)| (file.header.at, *place))?;
        self.given = Some(place);
        Some(place)
    }

    /// Opens one more file; false where there is none.
    fn open_next(&mut self) -> bool {
        let Some(path) = self.paths.get(self.opened) else {
            return false;
        };
        let opened = OpenFile::open(path, self.opened, self.filter.as_deref());
        self.opened += 1;
        match opened {
            Ok(mut file) => match file.advance() {
                Ok(()) => self.open.push(file),
                Err(error) => self.end(file, &error),
            },
            Err(problem) => self.note(self.opened - 1, problem),
        }
        true
    }

    /// A file gives no more frames.
    fn end(&mut self, file: OpenFile, error: &pcap::Error) {
        let number = file.number;
        if let Some(problem) = file.end(error) {
            self.note(number, problem);
        }
    }

    fn note(&mut self, number: usize, problem: FileProblem) {
        let place = self.problem_of.partition_point(|&before| before <= number);
        self.problem_of.insert(place, number);
        self.problems.insert(place, problem);
    }
}

impl FrameSource for FileSource {
    fn next(&mut self) -> Input<'_> {
        let Some(file) = self.advance().and_then(|place| self.open.get(place)) else {
            return Input::End;
        };
        Input::Record(Record::Frame(Frame {
            at: file.header.at,
            link: file.link,
            source: u16::try_from(file.number).unwrap_or(u16::MAX),
            original_length: file.header.original_length,
            bytes: file.frames.bytes(),
        }))
    }
}

struct OpenFile {
    path: PathBuf,
    /// Its place among the files.
    number: usize,
    link: LinkType,
    /// Of the frame it stands at.
    header: FrameHeader,
    frames: Frames,
    pump: Option<Pump>,
    /// How many frames it has given.
    count: u64,
}

impl OpenFile {
    fn open(path: &Path, number: usize, filter: Option<&str>) -> Result<Self, FileProblem> {
        let problem = |kind, message| FileProblem::new(path, kind, message);
        let unreadable = |error: io::Error| FileProblem::unreadable(path, 0, &error);
        let mut input = Contents::open(path).map_err(unreadable)?;
        let beginning = input.peek().map_err(unreadable)?;
        if beginning.is_empty() {
            return Err(FileProblem::empty(path));
        }
        let (opened, pump) = match input {
            Contents::Plain(file) if !is_gzip(&beginning) => {
                let opened = match path.to_str() {
                    Some(path) => Capture::from_file_with_precision(path, Precision::Nano),
                    // The binding takes UTF-8 alone.
                    None => open_descriptor(&file),
                };
                (opened, None)
            }
            Contents::Plain(file) => Pump::start(file, beginning.clone()).map_err(unreadable)?,
            Contents::Stream(stream) => {
                Pump::start(stream, beginning.clone()).map_err(unreadable)?
            }
        };
        let mut capture = match opened {
            Ok(capture) => capture,
            Err(error) => {
                let reason = pcap_reason(&error);
                // At its end the pump has said all it can; before it, it may wait for input for ever.
                let failure = pump
                    .filter(|_| problem::is_end(&reason))
                    .and_then(Pump::failure);
                return Err(match failure {
                    Some(failure) => FileProblem::unreadable(path, 0, &failure),
                    None => FileProblem::not_a_capture(path, &beginning, &reason),
                });
            }
        };
        let link_type = capture.get_datalink();
        let Some(link) = LinkType::from_number(link_type.0) else {
            return Err(FileProblem::link_type(path, link_type));
        };
        if let Some(filter) = filter {
            capture.filter(filter, true).map_err(|error| {
                let error = super::filter::FilterError::new(filter, &error);
                problem(FileProblemKind::BadFilter, error.to_string())
            })?;
        }
        let frames = if pump.is_none() {
            Frames::ahead(capture).map_err(unreadable)?
        } else {
            // What comes from elsewhere is given as soon as it is there.
            Frames::one_by_one(capture)
        };
        Ok(Self {
            path: path.to_owned(),
            number,
            link,
            header: FrameHeader::default(),
            frames,
            pump,
            count: 0,
        })
    }

    /// Goes on to the next frame.
    fn advance(&mut self) -> Result<(), pcap::Error> {
        self.header = self.frames.advance()?;
        self.count += 1;
        Ok(())
    }

    /// What is to be said about a file that reading ended with this.
    fn end(self, error: &pcap::Error) -> Option<FileProblem> {
        let is_whole = *error == pcap::Error::NoMorePackets;
        let reason = (!is_whole).then(|| pcap_reason(error));
        // As above: what the pump says goes first, since its end is why libpcap found one.
        let at_end = reason.as_deref().is_none_or(problem::is_end);
        if let Some(failure) = self.pump.filter(|_| at_end).and_then(Pump::failure) {
            return Some(FileProblem::unreadable(&self.path, self.count, &failure));
        }
        reason.map(|reason| FileProblem::unfinished(&self.path, self.count, &reason))
    }
}

/// What a path leads to.
enum Contents {
    Plain(File),
    Stream(Box<dyn Read + Send>),
}

impl Contents {
    fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == OsStr::new("-") {
            return Ok(Self::Stream(Box::new(io::stdin())));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(if metadata.is_file() {
            Self::Plain(file)
        } else {
            Self::Stream(Box::new(file))
        })
    }

    /// Takes the first bytes, which tell the formats apart; fewer where no more are there.
    fn peek(&mut self) -> io::Result<Vec<u8>> {
        let input: &mut dyn Read = match self {
            Self::Plain(file) => file,
            Self::Stream(stream) => stream,
        };
        let mut beginning = Vec::new();
        input.take(BEGINNING).read_to_end(&mut beginning)?;
        Ok(beginning)
    }
}

/// Enough for the magic number of every format that is named here.
const BEGINNING: u64 = 6;

/// RFC 1952, section 2.3.1: ID1, ID2 and the only compression method there is.
fn is_gzip(beginning: &[u8]) -> bool {
    beginning.starts_with(&[0x1f, 0x8b, 8])
}

/// A thread that brings what libpcap cannot open to it through a pipe.
struct Pump(JoinHandle<io::Result<u64>>);

impl Pump {
    /// Starts to pump `beginning` and what `rest` gives, decompressed where it is gzip.
    #[expect(
        clippy::type_complexity,
        reason = "what libpcap made of it, and the pump behind it"
    )]
    fn start(
        rest: impl Read + Send + 'static,
        beginning: Vec<u8>,
    ) -> io::Result<(Result<Capture<Offline>, pcap::Error>, Option<Self>)> {
        let (reader, mut writer) = io::pipe()?;
        let is_gzip = is_gzip(&beginning);
        let mut input =
            BufReader::with_capacity(PUMPED_AT_ONCE, Cursor::new(beginning).chain(rest));
        let thread = thread::Builder::new().name("capture-file".into());
        let pump = thread.spawn(move || {
            if is_gzip {
                // Several files compressed one by one and put together are one file.
                io::copy(&mut MultiGzDecoder::new(input), &mut writer)
            } else {
                io::copy(&mut input, &mut writer)
            }
        })?;
        // Once libpcap has its own end of the pipe, ours is closed, so that the pump ends when libpcap gives up.
        Ok((open_descriptor(&reader), Some(Self(pump))))
    }

    /// Why it stopped, where that is not the end of its input. Waits for it.
    fn failure(self) -> Option<io::Error> {
        match self.0.join() {
            Ok(Ok(_)) => None,
            // libpcap wanted no more.
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(io::Error::other("the decompressor failed")),
        }
    }
}

const PUMPED_AT_ONCE: usize = 64 << 10;

/// Lets libpcap open an open file once more. The binding's way to hand one over is unsafe.
fn open_descriptor(file: &impl AsRawFd) -> Result<Capture<Offline>, pcap::Error> {
    let path = format!("/dev/fd/{}", file.as_raw_fd());
    Capture::from_file_with_precision(path, Precision::Nano)
}

#[cfg(test)]
mod tests;
