//! Findings about the sensor itself: what it cannot see.

pub(super) mod mirror_duplicates;
pub(super) mod mirror_lossy;
pub(super) mod mirror_one_way;
