//! What came before the request that it belongs to: the mirror delivers now and then out of order.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::time::Timestamp;
use crate::wire::packet::UdpDatagram;

/// An answer this much before its request overtook it on the way through the mirror.
const OVERTAKES: Duration = Duration::from_millis(100);

/// As many datagrams are remembered that belong to no request yet.
const EARLY: usize = 64;

/// One with more bytes is not.
const EARLY_BYTES: usize = 1500;

/// A datagram of a transfer that nobody has asked for as far as is known.
pub(super) struct Early {
    pub(super) at: Timestamp,
    pub(super) ends: (SocketAddr, SocketAddr),
    pub(super) payload: Box<[u8]>,
    pub(super) payload_length: u32,
    pub(super) source: u16,
}

/// The last datagrams without a request, which may follow.
#[derive(Default)]
pub(super) struct EarlyDatagrams(VecDeque<Early>);

impl EarlyDatagrams {
    /// Remembers what may belong to a request that it overtook: an error, or what begins a transfer.
    pub(super) fn note(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        datagram: &UdpDatagram<'_>,
        at: Timestamp,
        source: u16,
    ) {
        /// Most of what is no transfer begins otherwise.
        const BEGINNINGS: [&[u8]; 5] = [
            &[0, 3, 0, 1],
            &[0, 4, 0, 0],
            &[0, 4, 0, 1],
            &[0, 5, 0],
            &[0, 6],
        ];
        let payload = datagram.payload;
        let may_be = BEGINNINGS.iter().any(|first| payload.starts_with(first));
        if !may_be || payload.len() > EARLY_BYTES {
            return;
        }
        while self.0.len() >= EARLY {
            self.0.pop_front();
        }
        self.0.push_back(Early {
            at,
            ends,
            payload: payload.into(),
            payload_length: datagram.payload_length,
            source,
        });
    }

    /// What overtook this request.
    pub(super) fn take(&mut self, client: SocketAddr, server: IpAddr, at: Timestamp) -> Vec<Early> {
        self.0.retain(|early| at.distance(early.at) < OVERTAKES);
        let is_of_it = |early: &Early| {
            let (from, to) = early.ends;
            to == client && from.ip() == server || from == client && to.ip() == server
        };
        let (its, others) = self.0.drain(..).partition(is_of_it);
        self.0 = others;
        Vec::from(its)
    }
}
