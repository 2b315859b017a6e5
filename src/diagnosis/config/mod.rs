//! Findings about what a phone's configuration says.

pub(super) mod auto_registered;
pub(super) mod corrupt;
pub(super) mod uses_names;
