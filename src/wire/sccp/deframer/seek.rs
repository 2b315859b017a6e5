//! Finding a message boundary in a stream whose beginning was not seen.

use super::header::Header;

/// The kept tail and the bytes pushed now, as one slice.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    pub(super) bytes: &'a [u8],
    /// Where the pushed bytes begin.
    pub(super) pushed_at: usize,
}

/// What seeking came to.
pub(super) enum Sought {
    /// A message begins there.
    Boundary { at: usize },
    /// What stands there may be a message; more bytes decide.
    Undecided { at: usize, aligned: bool },
}

impl<'a> Window<'a> {
    pub(super) fn after(self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Looks for a message boundary at `from` or later.
    pub(super) fn seek(self, from: usize, kept_is_aligned: bool) -> Sought {
        // A segment too short for a header says nothing about boundaries.
        let segment_counts = self.after(self.pushed_at).len() >= Header::SIZE;
        let mut at = from;
        loop {
            let rest = self.after(at);
            let Some(header) = Header::read(rest) else {
                return Sought::Undecided { at, aligned: false };
            };
            if let Some(whole) = header.credible() {
                let aligned = (at == self.pushed_at && segment_counts)
                    || (at == 0 && self.pushed_at > 0 && kept_is_aligned);
                let Some(next) = rest.get(whole..) else {
                    return Sought::Undecided { at, aligned };
                };
                // "4, 0, 0" is a KeepAlive and also what many tables end with: it proves a boundary only where a
                // segment begins with it. Elsewhere it serves to find the one behind it.
                let telling = aligned || whole > Header::SIZE;
                if let Some(following) = Header::read(next) {
                    if following.credible().is_some() && following.may_follow(&header) {
                        let skipped = if telling { 0 } else { whole };
                        return Sought::Boundary {
                            at: at.saturating_add(skipped),
                        };
                    }
                } else if next.is_empty() && segment_counts && telling {
                    return Sought::Boundary { at };
                } else if Header::may_begin(next) {
                    return Sought::Undecided { at, aligned };
                }
            }
            at = at.saturating_add(1);
        }
    }
}

/// Whether `bytes` are one credible message or several, and nothing else.
pub(super) fn is_whole_messages(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut earlier: Option<Header> = None;
    while let Some(header) = Header::read(rest) {
        let follows = earlier.is_none_or(|earlier| header.may_follow(&earlier));
        let Some(after) = header.credible().and_then(|whole| rest.get(whole..)) else {
            return false;
        };
        if !follows {
            return false;
        }
        rest = after;
        earlier = Some(header);
    }
    rest.is_empty() && earlier.is_some()
}
