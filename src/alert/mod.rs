//! Alerts: from findings to the few messages that people read.
//!
//! ```text
//! FindingRaised, FindingCleared      event
//!   -> Update                        a finding, with what is known of its device
//!   -> Policy                        grouped by cause; waits, repeats, silences, routes; knows what was told
//!   -> Notification                  one message to one receiver, ready to be rendered, sent and sent again
//! ```
//!
//! Nothing here sends, stores, logs or reads a clock: time is an argument, and what is to be sent is polled.

mod announced;
mod fingerprint;
mod key;
mod notification;
mod policy;
mod request;
mod route;
mod silence;
mod update;

pub use announced::{Alert, Status};
pub use fingerprint::Fingerprint;
pub use key::{Cause, GroupKey, Subnet};
pub use notification::{Notification, Reason};
pub use policy::{Dropped, Policy, Row, State};
pub use request::{MaintenanceRequest, SilenceRequest};
pub use silence::{Maintenance, NumberedSilence, Silence};
pub use update::{Facts, Known, Subject, SubjectKind, Update};
