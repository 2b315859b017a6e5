//! The connections by their ends, each at a place of its own.
//!
//! Whatever remembers a connection for later (a timer, the queue of those that may go) holds its id, a fifth of the
//! size of its [`FlowKey`]; and a segment looks the key up once.

use std::collections::HashMap;

use super::connection::Connection;
use crate::net::FlowKey;

/// A connection's place in the table. A place may be used again, but never under the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionId {
    index: u32,
    generation: u32,
}

/// Every connection that is followed.
#[derive(Default)]
pub(super) struct ConnectionTable {
    ids: HashMap<FlowKey, u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
}

/// A place of the table. Its generation grows when its connection leaves.
#[derive(Default)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

impl ConnectionTable {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The connection between these ends, if it is followed.
    pub(super) fn find(&self, key: &FlowKey) -> Option<ConnectionId> {
        let index = *self.ids.get(key)?;
        let generation = self.slots.get(place(index))?.generation;
        Some(ConnectionId { index, generation })
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        let slot = self.slots.get(place(id.index))?;
        slot.connection
            .as_ref()
            .filter(|_| slot.generation == id.generation)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(place(id.index))?;
        slot.connection
            .as_mut()
            .filter(|_| slot.generation == id.generation)
    }

    /// Every connection, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.slots.iter().zip(0..).filter_map(|(slot, index)| {
            let id = ConnectionId {
                index,
                generation: slot.generation,
            };
            slot.connection.as_ref().map(|connection| (id, connection))
        })
    }

    /// Follows a connection; one between the same ends makes way for it.
    pub(super) fn insert(&mut self, connection: Connection) -> ConnectionId {
        if let Some(before) = self.find(&connection.key) {
            self.remove(before);
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.ids.insert(connection.key, index);
        let mut generation = 0;
        if let Some(slot) = self.slots.get_mut(place(index)) {
            slot.connection = Some(connection);
            generation = slot.generation;
        }
        ConnectionId { index, generation }
    }

    pub(super) fn remove(&mut self, id: ConnectionId) {
        if let Some(slot) = self.slots.get_mut(place(id.index))
            && slot.generation == id.generation
            && let Some(connection) = slot.connection.take()
        {
            slot.generation = slot.generation.wrapping_add(1);
            self.ids.remove(&connection.key);
            self.free.push(id.index);
        }
    }
}

fn place(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
