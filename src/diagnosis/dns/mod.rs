//! Findings about names.

pub(super) mod failure;
