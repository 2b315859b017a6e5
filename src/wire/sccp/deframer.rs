//! From one direction's bytes to whole messages.
//!
//! ```text
//!   new() ──> Start ──first header is SCCP──> Synchronised ──whole message──┐
//!               │                               │      ^  ^─────────────────┘
//!               │ first header is not           │ bad header, gap()
//!               v                               v      │ a header that what follows it confirms
//!             Opaque <──MAX_SOUGHT without── Seeking ──┘ <── mid_stream()
//! ```
//!
//! A stream that was seen from its start is trusted: an unknown id or an unknown header version is somebody's newer
//! protocol and no reason to lose a phone. A stream that was joined later is not: most of what looks like a header in
//! the middle of a message is a table of small numbers, so a candidate must name a known id, have a body of a length
//! that this id can have, and be confirmed by a header behind it that can follow it, or by the ends of its segment.

mod header;
mod seek;

use header::{Header, whole_message};
use seek::{Sought, Window, is_whole_messages};

use super::message_id::MessageId;
use crate::wire::{DecodeError, Reader};

/// The largest message that is believed, header included, in bytes.
///
/// The protocol sets no limit. The largest known ones, XML alarms and data for phone services, stay below 3 KiB; the
/// rest is room for capability lists of firmware not seen yet. A larger length means that the stream lost its place.
pub const MAX_MESSAGE: usize = 16 * 1024;

/// How many bytes are looked through for a message before the stream is given up as another protocol.
///
/// Four times the largest message: in a stream of SCCP a boundary must have passed by.
pub const MAX_SOUGHT: u32 = 64 * 1024;

/// One message as it was framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// The header version: 0 or the protocol version of the session.
    pub version: u32,
    /// Which message it is.
    pub id: MessageId,
    /// What follows the message id.
    pub body: &'a [u8],
}

/// What came out of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deframed<'a> {
    /// A whole message.
    Message(Pdu<'a>),
    /// The stream lost its place: what stands where a header is due cannot be one. Said once, then it is sought.
    Malformed(DecodeError),
    /// So many bytes were passed over while a header was sought.
    Skipped(usize),
}

/// Cuts one direction's byte stream into messages.
///
/// Whole messages are read from the caller's slice; only an incomplete tail is kept, at most [`MAX_MESSAGE`] and one
/// header, and nothing is allocated while there is none. Every byte is read as part of one message and tried as the start
/// of a header once; only the candidate at the front of the tail is tried again, once for each push.
#[derive(Clone, Debug)]
pub struct Deframer {
    /// The incomplete tail. While synchronised it begins with a header, while seeking with a candidate for one.
    kept: Tail,
    /// Bytes passed over since a message was last found.
    sought: u32,
    state: State,
}

/// Bytes that wait for more of them; a third of a vector's size, since nearly always there are none.
#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "a boxed slice has no room to grow")]
struct Tail(Option<Box<Vec<u8>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the first byte of the connection.
    Start,
    /// At a message boundary, and messages came before it.
    Synchronised,
    /// Somewhere.
    Seeking {
        /// Whether the kept candidate is where a segment began: messages usually begin there too.
        aligned: bool,
    },
    /// Not SCCP: nothing is looked at any more.
    Opaque,
}

impl Deframer {
    /// For a stream seen from its first byte.
    pub const fn new() -> Self {
        Self::in_state(State::Start)
    }

    /// For a stream that was joined later.
    pub const fn mid_stream() -> Self {
        Self::in_state(State::Seeking { aligned: false })
    }

    const fn in_state(state: State) -> Self {
        Self {
            kept: Tail::NONE,
            sought: 0,
            state,
        }
    }

    /// Takes the next bytes of the stream, as one segment brought them, and hands out what they complete.
    pub fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Deframed<'_>)) {
        if self.kept.bytes().is_empty() {
            self.push_fresh(bytes, each);
            return;
        }
        match self.state {
            State::Start | State::Synchronised => self.push_onto_message(bytes, each),
            State::Seeking { .. } => self.push_onto_candidate(bytes, each),
            State::Opaque => {}
        }
    }

    /// Bytes of the stream were lost: an incomplete message is dropped and the next header is sought.
    pub fn gap(&mut self) {
        self.kept = Tail::NONE;
        match self.state {
            State::Start | State::Synchronised => {
                self.sought = 0;
                self.state = State::Seeking { aligned: false };
            }
            State::Seeking { .. } => self.state = State::Seeking { aligned: false },
            State::Opaque => {}
        }
    }

    /// Whether the stream was given up: it is not SCCP, or not in clear text.
    pub const fn is_opaque(&self) -> bool {
        matches!(self.state, State::Opaque)
    }

    /// Whether the next byte is known to begin a message, or to continue one whose beginning was seen.
    pub const fn is_synchronised(&self) -> bool {
        matches!(self.state, State::Synchronised)
    }

    /// The memory on the heap, in bytes: 0 while no message is incomplete.
    pub fn heap_bytes(&self) -> usize {
        self.kept.capacity()
    }

    fn push_fresh(&mut self, bytes: &[u8], each: &mut dyn FnMut(Deframed<'_>)) {
        let window = Window {
            bytes,
            pushed_at: 0,
        };
        let used = self.run(window, each);
        self.keep(bytes.get(used..).unwrap_or_default());
    }

    /// Fills up the incomplete message; what comes after it is read from the caller's slice again.
    fn push_onto_message(&mut self, bytes: &[u8], each: &mut dyn FnMut(Deframed<'_>)) {
        let mut rest = bytes;
        loop {
            match self.judge(self.kept.bytes()) {
                Verdict::More { whole } => {
                    if rest.is_empty() {
                        return;
                    }
                    let missing = whole.saturating_sub(self.kept.bytes().len());
                    let (part, after) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
                    self.grow(part, whole);
                    rest = after;
                }
                Verdict::Whole { .. } => {
                    let message = self.kept.take();
                    let window = Window {
                        bytes: &message,
                        pushed_at: message.len(),
                    };
                    self.run(window, each);
                    self.push_fresh(rest, each);
                    return;
                }
                Verdict::Bad { .. } => {
                    self.join_and_run(rest, each);
                    return;
                }
            }
        }
    }

    fn push_onto_candidate(&mut self, bytes: &[u8], each: &mut dyn FnMut(Deframed<'_>)) {
        // A segment that is messages from end to end proves its own boundaries. Else a wrong candidate that claims some
        // thousand bytes would hold back hours of an idle phone's keepalives.
        if is_whole_messages(bytes) {
            let passed = self.kept.take().len();
            self.pass(passed, each);
            self.sought = 0;
            self.state = State::Synchronised;
            self.push_fresh(bytes, each);
            return;
        }
        // Nothing is decided before the candidate's end, so nothing is looked at again before it.
        if let Some(header) = Header::read(self.kept.bytes())
            && let Some(whole) = header.whole()
            && self.kept.bytes().len().saturating_add(bytes.len()) < whole
        {
            self.grow(bytes, whole);
            return;
        }
        self.join_and_run(bytes, each);
    }

    fn join_and_run(&mut self, bytes: &[u8], each: &mut dyn FnMut(Deframed<'_>)) {
        let mut joined = self.kept.take();
        let pushed_at = joined.len();
        joined.extend_from_slice(bytes);
        let window = Window {
            bytes: &joined,
            pushed_at,
        };
        let used = self.run(window, each);
        if used == 0 {
            self.kept = Tail::of(joined);
        } else {
            self.keep(joined.get(used..).unwrap_or_default());
        }
    }

    /// Reads all that `window` decides and says how much of it that was.
    fn run(&mut self, window: Window<'_>, each: &mut dyn FnMut(Deframed<'_>)) -> usize {
        let mut at: usize = 0;
        loop {
            match self.state {
                State::Opaque => return window.bytes.len(),
                State::Start | State::Synchronised => match self.judge(window.after(at)) {
                    Verdict::More { .. } => return at,
                    Verdict::Whole { pdu, length } => {
                        self.state = State::Synchronised;
                        each(Deframed::Message(pdu));
                        at = at.saturating_add(length);
                    }
                    Verdict::Bad { field } => {
                        if self.state == State::Start {
                            self.state = State::Opaque;
                        } else {
                            each(Deframed::Malformed(DecodeError::Malformed { field }));
                            self.sought = 0;
                            self.state = State::Seeking { aligned: false };
                        }
                    }
                },
                State::Seeking { aligned } => match window.seek(at, aligned) {
                    Sought::Boundary { at: boundary } => {
                        self.pass(boundary.saturating_sub(at), each);
                        self.sought = 0;
                        self.state = State::Synchronised;
                        at = boundary;
                    }
                    Sought::Undecided {
                        at: candidate,
                        aligned,
                    } => {
                        self.state = State::Seeking { aligned };
                        self.pass(candidate.saturating_sub(at), each);
                        if self.sought > MAX_SOUGHT {
                            self.state = State::Opaque;
                            return window.bytes.len();
                        }
                        return candidate;
                    }
                },
            }
        }
    }

    /// What stands at a place where a header is due.
    fn judge<'a>(&self, bytes: &'a [u8]) -> Verdict<'a> {
        let Ok(length) = Reader::new(bytes).u32_le("message length") else {
            return Verdict::More {
                whole: Header::SIZE,
            };
        };
        let Some(whole) = whole_message(length) else {
            return Verdict::Bad {
                field: "message length",
            };
        };
        let Some(header) = Header::read(bytes) else {
            return Verdict::More {
                whole: Header::SIZE,
            };
        };
        let believed = if self.state == State::Start {
            // The first header decides whether this is SCCP at all.
            header.id.is_known() && header.version <= 0xFF
        } else {
            header.id.is_known() || (header.has_known_version() && header.id.0 <= 0xFFFF)
        };
        if !believed {
            return Verdict::Bad {
                field: "message id",
            };
        }
        match bytes.get(Header::SIZE..whole) {
            Some(body) => Verdict::Whole {
                pdu: Pdu {
                    version: header.version,
                    id: header.id,
                    body,
                },
                length: whole,
            },
            None => Verdict::More { whole },
        }
    }

    fn pass(&mut self, bytes: usize, each: &mut dyn FnMut(Deframed<'_>)) {
        if bytes > 0 {
            self.sought = self
                .sought
                .saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
            each(Deframed::Skipped(bytes));
        }
    }

    fn keep(&mut self, tail: &[u8]) {
        self.kept = Tail::of(tail.to_vec());
    }

    /// Appends to the tail. It at most doubles, so neither a length that never comes costs memory nor a message that
    /// comes byte by byte costs a copy for each.
    fn grow(&mut self, part: &[u8], whole: usize) {
        let mut kept = self.kept.take();
        let have = kept.len();
        let need = have.saturating_add(part.len());
        if need > kept.capacity() {
            let room = have.saturating_mul(2).min(whole).max(need);
            kept.reserve_exact(room.saturating_sub(have));
        }
        kept.extend_from_slice(part);
        self.kept = Tail::of(kept);
    }
}

impl Tail {
    const NONE: Self = Self(None);

    fn of(bytes: Vec<u8>) -> Self {
        Self((!bytes.is_empty()).then(|| Box::new(bytes)))
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    fn take(&mut self) -> Vec<u8> {
        self.0.take().map(|bytes| *bytes).unwrap_or_default()
    }

    fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |bytes| bytes.capacity())
    }
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

/// What a synchronised stream has at a boundary.
enum Verdict<'a> {
    /// So far so good; so many bytes decide the next step.
    More { whole: usize },
    /// A message of `length` bytes.
    Whole { pdu: Pdu<'a>, length: usize },
    /// No header.
    Bad { field: &'static str },
}

#[cfg(test)]
mod tests;
