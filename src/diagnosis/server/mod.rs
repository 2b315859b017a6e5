//! Findings about servers: what many phones suffer from at once.

pub(super) mod callmanager_down;
