//! Findings about registrations.

pub(super) mod duplicate;
pub(super) mod flapping;
pub(super) mod no_answer;
pub(super) mod out_of_order;
pub(super) mod rejected;
mod remedies;
pub(super) mod slow;
pub(super) mod story;
pub(super) mod unstable;
