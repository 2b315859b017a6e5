//! Whether the mirror shows both directions of what it shows.
//!
//! That one side of a connection is silent proves nothing: a server may be gone. But TCP's acknowledgment numbers tell of
//! bytes that the sender received. Where they go on and the bytes were never shown, the mirror hides that direction.

use std::collections::HashMap;
use std::time::Duration;

use super::quality::Sender;
use crate::flow::keyed::Keyed;
use crate::net::FlowKey;
use crate::time::Timestamp;

/// The connections of the last minutes, and which of their directions were seen.
#[derive(Clone, Debug, Default)]
pub struct Directions {
    began: Timestamp,
    previous: Timestamp,
    present: HashMap<FlowKey, Conversation, Keyed>,
    before: HashMap<FlowKey, Conversation, Keyed>,
}

/// What was seen of one connection.
#[derive(Clone, Copy, Debug, Default)]
struct Conversation {
    from_phone: bool,
    from_server: bool,
    acknowledgment: Option<u32>,
    /// Whether its side that was seen acknowledged more and more.
    is_proven: bool,
}

/// How many conversations showed what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionCounts {
    /// Both directions.
    pub both: u32,
    /// Only what the phones sent, though it shows that the servers spoke.
    pub only_phones: u32,
    /// Only what the servers sent, though it shows that the phones spoke.
    pub only_servers: u32,
}

impl Directions {
    /// What is told of is between one and two of these old.
    pub const PERIOD: Duration = Duration::from_secs(120);

    /// More conversations in one period prove nothing more.
    const MOST: usize = 1024;

    /// A segment of this connection, with what it acknowledges.
    pub fn segment(
        &mut self,
        key: FlowKey,
        sender: Sender,
        acknowledgment: Option<u32>,
        at: Timestamp,
    ) {
        self.turn(at);
        if self.present.len() >= Self::MOST && !self.present.contains_key(&key) {
            return;
        }
        let conversation = self.present.entry(key).or_default();
        match sender {
            Sender::Phone => conversation.from_phone = true,
            Sender::Server => conversation.from_server = true,
        }
        if conversation.from_phone && conversation.from_server {
            return;
        }
        if let Some(number) = acknowledgment {
            let last = conversation.acknowledgment.replace(number);
            conversation.is_proven |=
                last.is_some_and(|last| (1..1 << 31).contains(&number.wrapping_sub(last)));
        }
    }

    /// Since when the conversations are told of.
    pub fn since(&self) -> Timestamp {
        if self.before.is_empty() {
            self.began
        } else {
            self.previous
        }
    }

    /// What the conversations of the recent past showed.
    pub fn recent(&self, now: Timestamp) -> DirectionCounts {
        let mut counts = DirectionCounts::default();
        if now.since(self.began) > 2 * Self::PERIOD {
            return counts;
        }
        let earlier = self
            .before
            .iter()
            .filter(|(key, _)| !self.present.contains_key(key))
            .map(|(_, conversation)| *conversation);
        let present = self.present.iter().map(|(key, conversation)| {
            let before = self.before.get(key).copied().unwrap_or_default();
            Conversation {
                from_phone: conversation.from_phone || before.from_phone,
                from_server: conversation.from_server || before.from_server,
                is_proven: conversation.is_proven || before.is_proven,
                acknowledgment: None,
            }
        });
        for conversation in present.chain(earlier) {
            match (conversation.from_phone, conversation.from_server) {
                (true, true) => counts.both += 1,
                (true, false) => counts.only_phones += u32::from(conversation.is_proven),
                (false, true) => counts.only_servers += u32::from(conversation.is_proven),
                (false, false) => {}
            }
        }
        counts
    }

    fn turn(&mut self, at: Timestamp) {
        if at.since(self.began) < Self::PERIOD {
            return;
        }
        let is_next = at.since(self.began) < 2 * Self::PERIOD;
        let ended = std::mem::take(&mut self.present);
        self.before = if is_next { ended } else { HashMap::default() };
        self.previous = std::mem::replace(&mut self.began, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Endpoint;

    fn key(port: u16) -> FlowKey {
        FlowKey {
            client: Endpoint::new([10, 0, 0, 7].into(), port),
            server: Endpoint::new([10, 0, 0, 1].into(), 2000),
        }
    }

    #[test]
    fn a_side_that_acknowledges_what_was_not_shown_proves_that_it_was_sent() {
        let at = Timestamp::from_secs;
        let mut directions = Directions::default();
        for (second, acknowledgment) in [(1_000, 5), (1_030, 5), (1_060, 17)] {
            directions.segment(key(1), Sender::Phone, Some(acknowledgment), at(second));
            directions.segment(key(2), Sender::Phone, Some(5), at(second));
            directions.segment(key(3), Sender::Phone, Some(acknowledgment), at(second));
            directions.segment(key(3), Sender::Server, Some(9), at(second));
            directions.segment(key(4), Sender::Server, Some(acknowledgment), at(second));
        }
        let counts = DirectionCounts {
            both: 1,
            only_phones: 1,
            only_servers: 1,
        };
        assert_eq!(directions.recent(at(1_060)), counts);
        directions.segment(key(1), Sender::Server, Some(1), at(1_130));
        let later = directions.recent(at(1_130));
        assert_eq!((later.both, later.only_phones), (2, 0), "{later:?}");
        assert_eq!(directions.recent(at(2_000)), DirectionCounts::default());
    }
}
