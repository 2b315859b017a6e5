//! The phone layer: what is known of each device and of each CallManager, and how it came to be known.
//!
//! An observer is not an endpoint: every machine here starts in an unknown state, and every message in every state
//! takes it to what that message proves. Absence is concluded only where an answer would have been seen. A tracker is
//! a convention, not a trait: it observes messages with their time, tells its deadline, and expires.

pub mod attempts;
pub mod boot;
pub mod callmanager;
pub mod claims;
pub mod device;
pub mod dhcp;
pub mod directions;
pub mod dns;
pub mod files;
mod flow_of_time;
pub mod histogram;
pub mod history;
pub mod keepalive;
pub mod labels;
pub mod link;
pub mod pace;
pub mod quality;
pub mod registration;
pub mod role;
pub mod seldom;
pub mod service;
pub mod session;
pub mod sight;
pub mod tally;
pub mod tftp;
pub mod troubles;
pub mod turned_down;
pub mod unseen;
pub mod window;

pub use boot::Stage;
pub use callmanager::{Acknowledges, CallManager};
pub use device::{Device, DeviceId, Pulse};
pub use histogram::Histogram;
pub use role::Role;
