//! What CallManager's exported list of phones says and the wire does not, and the other way round.

pub(super) mod missing;
pub(super) mod model;
pub(super) mod status;
pub(super) mod unknown;
