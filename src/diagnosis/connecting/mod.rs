//! Findings about connections to CallManagers that do not come about.

mod failing;
pub(super) mod no_answer;
pub(super) mod refused;
