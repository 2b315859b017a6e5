//! The wire layer: total parsers from bytes to messages.
//!
//! Any bytes give a value or a [`DecodeError`], never a panic, with work and memory bounded by the input's length.
//! Nothing here knows of phones, connections or time. Every parser reads through [`Reader`].
//!
//! A file of this layer has its parts in this order: the specification and layout, the message, its codes (unknown
//! ones are kept as numbers), `parse`, `Display`, tests on literal bytes.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod arp;
pub mod cdp;
pub mod dhcp;
pub mod dhcpv6;
pub mod dns;
pub mod icmp;
pub mod lldp;
pub mod neighbour_discovery;
pub mod packet;
mod reader;
pub mod sccp;
pub mod sep_config;
pub mod tftp;

pub use reader::{DecodeError, Reader};
