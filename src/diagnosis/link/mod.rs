//! Findings about a phone's switch port.

pub(super) mod voice_vlan_mismatch;
