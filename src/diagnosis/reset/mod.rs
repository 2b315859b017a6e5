//! Findings about resets that somebody wanted.

mod lately;

pub(super) mod callmanager;
pub(super) mod user;
