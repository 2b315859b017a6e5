//! The flow layer: from packets to what the endpoints said to each other.
//!
//! Copies that the mirror made are dropped, tunnels opened, fragments joined, TCP segments put in order. Nothing here
//! knows of phones.

pub mod copies;
pub mod fragments;
pub mod keyed;
pub mod tcp;
pub mod tunnel;
