//! Cases of findings about the sensor itself.

use super::Case;
use crate::support::{Scene, stories};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::raised("mirror_lossy", "a tenth of the frames", &losing(5, 0.0)),
        Case::cleared("mirror_lossy", "lossy once", &losing(5, 90.0)),
        Case::harmless("mirror_lossy", "nothing is lost", &losing(0, 0.0)),
    ]
}

/// A boot, then so many frames lost, and time.
fn losing(frames: u64, after: f64) -> Scene {
    let mut scene = stories::boot(50);
    scene.pass(10.0);
    if frames > 0 {
        scene.loss(frames);
    }
    scene.pass(10.0 + after);
    scene
}
