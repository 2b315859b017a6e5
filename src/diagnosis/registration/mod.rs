//! Findings about registrations.

pub(super) mod flapping;
pub(super) mod rejected;
