//! Findings about the sensor itself: what it cannot see.

pub(super) mod mirror_lossy;
