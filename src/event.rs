//! What happened: one entry for each transition, for the log and whoever else wants to know.

use std::net::IpAddr;
use std::sync::Arc;

use crate::finding::{self, Finding};
use crate::net::{DeviceName, MacAddr};
use crate::phone::Stage;
use crate::phone::keepalive::GapDirection;
use crate::phone::registration::{EndCause, Proof, RegistrationKind};
use crate::time::Timestamp;

/// Something that happened, at the time of the frame that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which device, where it is about one.
    pub subject: Option<Subject>,
    /// What.
    pub kind: EventKind,
}

/// A device as it was known when the event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: Option<DeviceName>,
    /// Its hardware address.
    pub mac: Option<MacAddr>,
    /// Its network address.
    pub address: Option<IpAddr>,
}

/// What happened. Every text in it is safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A device is seen for the first time.
    DeviceFound,
    /// A device that was known by its address only has told its name.
    DeviceNamed,
    /// It is somewhere else on its way.
    StageChanged {
        /// Where it was.
        from: Stage,
        /// Where it is.
        to: Stage,
    },
    /// It is registered.
    Registered {
        /// With which server.
        callmanager: IpAddr,
        /// What the registration is, seen from the one before; `None` where it is inferred.
        kind: Option<RegistrationKind>,
        /// How it is known.
        proof: Proof,
    },
    /// It was refused.
    Rejected {
        /// By which server.
        callmanager: IpAddr,
        /// With which words.
        text: String,
    },
    /// It is no longer registered.
    Unregistered {
        /// With which server it was.
        callmanager: IpAddr,
        /// Why.
        cause: EndCause,
    },
    /// It began to flap, or has come to rest.
    Flapping {
        /// Whether it began.
        began: bool,
    },
    /// A keepalive gap began or ended.
    KeepaliveGap {
        /// Who fails to speak.
        direction: GapDirection,
        /// Whether it began.
        began: bool,
    },
    /// It began to ask DHCP too often, or has stopped.
    ExcessiveDhcp {
        /// Whether it began.
        began: bool,
    },
    /// A DHCP server refused it.
    DhcpRefused,
    /// A connection attempt to a CallManager failed.
    ConnectFailed {
        /// The server.
        callmanager: IpAddr,
        /// `refused`, `unanswered` or `unreachable`.
        result: &'static str,
    },
    /// The CallManager told it to reset.
    Reset {
        /// `reset`, `restart`, `apply_config` or `unknown`.
        kind: &'static str,
    },
    /// It told why its session before ended.
    ResetReason {
        /// In its own words.
        text: String,
    },
    /// A file could not be fetched.
    TftpFailed {
        /// Which one.
        file: String,
        /// `not_found`, `error`, `no_answer` or `aborted`.
        result: &'static str,
    },
    /// A name was answered with an error.
    DnsFailed {
        /// Which one.
        name: String,
        /// The answer in words.
        answer: &'static str,
    },
    /// A finding holds from now on: of the device of this event, or of `about`.
    FindingRaised {
        /// The server or whatever else it is about, where it is not about a device.
        about: Option<finding::Subject>,
        /// What was concluded.
        finding: Arc<Finding>,
    },
    /// A finding no longer holds.
    FindingCleared {
        /// The server or whatever else it was about, where it was not about a device.
        about: Option<finding::Subject>,
        /// What was concluded.
        finding: Arc<Finding>,
    },
    /// The sensor lost frames.
    FramesLost {
        /// How many; 0 where it cannot tell.
        frames: u64,
        /// Where: `kernel`, `interface` or `ring`; `clock` where the clock was set, `silence` where no source showed
        /// anything for unusually long, or the clock was set ahead and only the frames tell.
        place: &'static str,
    },
}
