//! The connections by their ends, each at a place of its own.
//!
//! Whatever remembers a connection for later (a timer, the queue of those that may go) holds its id, a fifth of the
//! size of its [`FlowKey`]; and a segment looks the key up once.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::connection::Connection;
use crate::flow::keyed::Keyed;
use crate::net::FlowKey;

/// A connection's place in the table. A place may be used again, but never under the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionId {
    index: u32,
    generation: u32,
}

/// How many places are allocated at a time. More than that would be copied, or kept in reserve, as the table grows.
const PART: usize = 64;

/// Every connection that is followed.
#[derive(Default)]
pub(super) struct ConnectionTable {
    /// Where the connection with a key is: found by the hash of its key, and told from others by its own record.
    places: HashTable<u32>,
    hasher: Keyed,
    slots: Slots,
    free: Vec<u32>,
}

/// The places, part by part; all parts but the last are full.
#[derive(Default)]
struct Slots {
    parts: Vec<Vec<Slot>>,
}

/// A place of the table. Its generation grows when its connection leaves.
#[derive(Default)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

impl Slots {
    fn get(&self, index: u32) -> Option<&Slot> {
        let (part, place) = split(index);
        self.parts.get(part)?.get(place)
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut Slot> {
        let (part, place) = split(index);
        self.parts.get_mut(part)?.get_mut(place)
    }

    /// One more place.
    fn push(&mut self) -> u32 {
        if self.parts.last().is_none_or(|part| part.len() == PART) {
            self.parts.push(Vec::with_capacity(PART));
        }
        let full = (self.parts.len() - 1) * PART;
        let Some(last) = self.parts.last_mut() else {
            return 0;
        };
        last.push(Slot::default());
        u32::try_from(full + last.len() - 1).unwrap_or(u32::MAX)
    }

    fn key(&self, index: u32) -> Option<FlowKey> {
        self.get(index)?.connection.as_ref().map(Connection::key)
    }
}

impl ConnectionTable {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The connection between these ends, if it is followed.
    pub(super) fn find(&self, key: &FlowKey) -> Option<ConnectionId> {
        let hash = self.hasher.hash_one(key);
        let is_it = |&index: &u32| self.slots.key(index).as_ref() == Some(key);
        let index = *self.places.find(hash, is_it)?;
        let generation = self.slots.get(index)?.generation;
        Some(ConnectionId { index, generation })
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        let slot = self.slots.get(id.index)?;
        slot.connection
            .as_ref()
            .filter(|_| slot.generation == id.generation)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(id.index)?;
        slot.connection
            .as_mut()
            .filter(|_| slot.generation == id.generation)
    }

    /// Every connection, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        let slots = self.slots.parts.iter().flatten();
        slots.zip(0..).filter_map(|(slot, index)| {
            let id = ConnectionId {
                index,
                generation: slot.generation,
            };
            slot.connection.as_ref().map(|connection| (id, connection))
        })
    }

    /// Follows a connection; one between the same ends makes way for it.
    pub(super) fn insert(&mut self, connection: Connection) -> ConnectionId {
        let key = connection.key();
        if let Some(before) = self.find(&key) {
            self.remove(before);
        }
        let index = self.free.pop().unwrap_or_else(|| self.slots.push());
        let mut generation = 0;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.connection = Some(connection);
            generation = slot.generation;
        }
        let (slots, hasher) = (&self.slots, &self.hasher);
        let hash_at = |&index: &u32| slots.key(index).map_or(0, |key| hasher.hash_one(key));
        self.places
            .insert_unique(hasher.hash_one(key), index, hash_at);
        ConnectionId { index, generation }
    }

    pub(super) fn remove(&mut self, id: ConnectionId) {
        if let Some(slot) = self.slots.get_mut(id.index)
            && slot.generation == id.generation
            && let Some(connection) = slot.connection.take()
        {
            slot.generation = slot.generation.wrapping_add(1);
            let hash = self.hasher.hash_one(connection.key());
            if let Ok(entry) = self.places.find_entry(hash, |&index| index == id.index) {
                entry.remove();
            }
            self.free.push(id.index);
        }
    }
}

fn split(index: u32) -> (usize, usize) {
    let place = usize::try_from(index).unwrap_or(usize::MAX);
    (place / PART, place % PART)
}
