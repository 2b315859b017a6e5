//! Findings about a phone's files and the servers that have them.

pub(super) mod alternate;
pub(super) mod config_foreign;
pub(super) mod config_missing;
pub(super) mod firmware_missing;
pub(super) mod firmware_upgrade;
pub(super) mod no_answer;
pub(super) mod one_way;
pub(super) mod service_down;

use crate::phone::{Device, Stage};

/// Whether the phone is past its files: it connects to a CallManager, with what it has stored if need be.
const fn is_past_files(device: &Device) -> bool {
    match device.stage {
        Stage::Connecting | Stage::Registering | Stage::Rejected | Stage::Registered => true,
        Stage::Unknown | Stage::Link | Stage::Dhcp | Stage::Dns | Stage::Tftp | Stage::Lost => {
            device.registration.current.is_some()
        }
    }
}
