//! SCCP ("Skinny"): how a Cisco phone registers with its CallManager, over TCP port 2000.
//!
//! There is no public specification. What stands here was confirmed by captures of real phones and by open
//! implementations; where firmware differs, both forms are read.
//!
//! A stream is a sequence of messages, all numbers least significant byte first, addresses in network order:
//!
//! ```text
//!  0               4               8               12
//!  +---------------+---------------+---------------+------------------------+
//!  |    length     | header version|  message id   |  body: length - 4 bytes|
//!  +---------------+---------------+---------------+------------------------+
//!                                  |<-------------- length --------------->|
//! ```
//!
//! The length counts the message id and the body, so a message takes `length + 8` bytes and a length below 4 is none.
//! The header version is 0 or a protocol version; a server may write 0 into some messages of any session.
//!
//! [`Deframer`] cuts one direction of a connection into [`Pdu`]s, [`Message::parse`] reads one of them. Fields are read
//! by the bytes that are present and never by the version, since firmware mixes the layouts.

mod alarm;
mod call;
mod deframer;
mod device_type;
mod display;
pub mod encode;
mod message;
mod message_id;
mod registration;
mod reset_reason;
mod servers;
mod station;
mod xml_alarm;

pub use alarm::{Alarm, AlarmText};
pub use call::{CallState, KeypadButton};
pub use deframer::{Deframed, Deframer, MAX_MESSAGE, MAX_SOUGHT, Pdu};
pub use device_type::{DeviceKind, DeviceType};
pub use display::DisplayText;
pub use message::Message;
pub use message_id::{MessageId, Sender};
pub use registration::{
    Register, RegisterAck, RegisterReject, RejectReason, ResetType, TokenRequest, UnregisterStatus,
};
pub use reset_reason::ResetReason;
pub use servers::{Server, ServerList};
pub use station::{ConfigStat, LineStat, TimeDate};
pub use xml_alarm::XmlAlarm;

use crate::wire::Reader;

/// A reader at `offset` of a body; empty where the body ends before it.
fn at(body: &[u8], offset: usize) -> Reader<'_> {
    Reader::new(body.get(offset..).unwrap_or_default())
}
