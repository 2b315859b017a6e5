//! TCP segments in words, compared with those before them.

use std::collections::HashMap;

use super::{Ports, sccp};
use crate::net::{Endpoint, FlowKey};
use crate::wire::packet::TcpSegment;

/// So many directions of connections are compared with what came before; of others each segment stands for itself.
const MOST: usize = 4096;

/// What was seen of each direction.
#[derive(Debug, Default)]
pub(super) struct Connections {
    directions: HashMap<FlowKey, Direction>,
}

/// What one side has sent so far.
#[derive(Clone, Copy, Debug)]
struct Direction {
    /// One past the last number it has used.
    end: u32,
    /// What it acknowledged last, and the window it gave with that.
    acknowledged: Option<(u32, u16)>,
}

impl Connections {
    /// This segment in words.
    pub(super) fn words(
        &mut self,
        from: Endpoint,
        to: Endpoint,
        segment: &TcpSegment<'_>,
        ports: &Ports,
    ) -> String {
        let key = FlowKey {
            client: from,
            server: to,
        };
        let before = self.directions.get(&key).copied();
        let length = segment.payload_length
            + u32::from(segment.flags.syn())
            + u32::from(segment.flags.fin());
        let end = segment.sequence.wrapping_add(length);
        let is_repeated = length > 0
            && before.is_some_and(|before| !is_after(end, before.end) || end == before.end);
        let answer = segment
            .acknowledgment
            .map(|number| (number, segment.window));
        let is_frozen = length == 0
            && answer.is_some()
            && before.is_some_and(|before| before.acknowledged == answer);
        if before.is_some() || self.directions.len() < MOST {
            let furthest = before.map_or(end, |before| {
                if is_after(end, before.end) {
                    end
                } else {
                    before.end
                }
            });
            self.directions.insert(
                key,
                Direction {
                    end: furthest,
                    acknowledged: answer.or_else(|| before.and_then(|before| before.acknowledged)),
                },
            );
        }

        let mut words = plain(segment, ports);
        if is_repeated {
            words.push_str(" (retransmission)");
        } else if is_frozen && !segment.flags.rst() {
            words.push_str(" (said before: window frozen)");
        }
        words
    }
}

/// Whether `number` lies behind `other`, counted over the wrap.
const fn is_after(number: u32, other: u32) -> bool {
    number != other && number.wrapping_sub(other) < 1 << 31
}

fn plain(segment: &TcpSegment<'_>, ports: &Ports) -> String {
    let port_of = |known: &[u16]| {
        known.contains(&segment.source_port) || known.contains(&segment.destination_port)
    };
    let flags = segment.flags;
    if !segment.payload.is_empty() && port_of(&ports.sccp) {
        let messages = sccp::words(segment.payload)
            .unwrap_or_else(|| format!("part of a message, {} bytes", segment.payload_length));
        return format!("SCCP {messages}");
    }
    if segment.payload_length > 0 && port_of(&ports.secure) {
        return format!("SCCP in TLS, {} bytes", segment.payload_length);
    }
    if flags.syn() && flags.ack() {
        return String::from("TCP SYN ACK: the connection is accepted");
    }
    if flags.syn() {
        return String::from("TCP SYN: asks for a connection");
    }
    if flags.rst() {
        return String::from("TCP RST: refuses or breaks the connection");
    }
    if flags.fin() {
        return format!("TCP FIN: closes the connection, SEQ {}", segment.sequence);
    }
    match segment.acknowledgment {
        Some(number) if segment.payload_length == 0 => {
            format!("TCP ACK {number}, window {}", segment.window)
        }
        _ => format!("TCP {flags}, {} bytes", segment.payload_length),
    }
}
