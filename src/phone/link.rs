//! What a phone and its switch tell each other about the port (CDP, LLDP-MED).

use crate::time::Timestamp;

/// The port that a phone is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFacts {
    /// The switch's name, where the phone's XML alarm or the switch itself told it.
    pub switch: Option<Box<str>>,
    /// The switch's port.
    pub port: Option<Box<str>>,
    /// The voice VLAN that the switch gave.
    pub voice_vlan: Option<u16>,
    /// The innermost VLAN tag of the phone's own frames, where they were seen on its own segment.
    pub tag: Option<u16>,
    /// When the phone last spoke CDP or LLDP.
    pub heard: Option<Timestamp>,
}
