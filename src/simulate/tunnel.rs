//! ERSPAN: whole frames sent by a switch in GRE (draft-foschiano-erspan-03).

use std::net::Ipv4Addr;

use super::view::Erspan;
use crate::net::MacAddr;
use crate::time::Timestamp;
use crate::wire::packet::encode::{EthernetFrame, Ipv4};

/// One session of a switch.
#[derive(Debug)]
pub(super) struct Session {
    layout: Erspan,
    /// The number of the next frame.
    sequence: u32,
}

impl Session {
    pub(super) const fn new(layout: Erspan) -> Self {
        Self {
            layout,
            sequence: 1,
        }
    }

    /// The frame inside the tunnel. `vlan` is that of its inner tag, if it has one.
    pub(super) fn wrap(&mut self, frame: &[u8], vlan: Option<u16>, at: Timestamp) -> Vec<u8> {
        const GRE: u8 = 47;
        const WITH_SEQUENCE: u16 = 0x1000;
        const SESSION: u32 = 9;
        // The tag is still in the frame.
        const TAG_KEPT: u32 = 0b11 << 11;

        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let (protocol, version) = match self.layout {
            Erspan::Two => (0x88BE_u16, 1_u32),
            Erspan::Three => (0x22EB, 2),
        };
        let mut payload = Vec::with_capacity(20 + frame.len());
        payload.extend(WITH_SEQUENCE.to_be_bytes());
        payload.extend(protocol.to_be_bytes());
        payload.extend(sequence.to_be_bytes());
        let vlan = u32::from(vlan.unwrap_or(0));
        match self.layout {
            Erspan::Two => {
                let tag = if vlan > 0 { TAG_KEPT } else { 0 };
                let word = version << 28 | vlan << 16 | tag | SESSION;
                payload.extend(word.to_be_bytes());
                // The port, by an index.
                payload.extend(1_u32.to_be_bytes());
            }
            Erspan::Three => {
                // In place of the encapsulation the state of the frame: good.
                let word = version << 28 | vlan << 16 | SESSION;
                payload.extend(word.to_be_bytes());
                let ticks = at.as_nanos() / 100_000 % (1 << 32);
                payload.extend(u32::try_from(ticks).unwrap_or(0).to_be_bytes());
                // No security group; an Ethernet frame from hardware 1, seen as it came in, in ticks of 100 us.
                payload.extend([0, 0, 0x00, 0x10]);
            }
        }
        payload.extend_from_slice(frame);
        let ip = Ipv4 {
            identification: u16::try_from(sequence & 0xFFFF).unwrap_or(0),
            ..Ipv4::new(Ipv4Addr::new(172, 30, 0, 1), Ipv4Addr::new(172, 30, 0, 2))
        };
        let outer = EthernetFrame::new(
            MacAddr([0x00, 0x0C, 0xCE, 0x30, 0x00, 0x01]),
            MacAddr([0x00, 0x0C, 0xCE, 0x30, 0x00, 0x02]),
        );
        outer.ipv4(&ip, GRE, &payload)
    }
}
