//! Labels read back: what was stored as a text is one of this crate's constants again.

use serde::{Deserialize, Deserializer};

use crate::wire::sccp::ResetReason;

/// A constant text; under this name the derived code does not borrow it from what is read.
pub type Label = &'static str;

/// How a CallManager tells a device to reset.
const TOLD: [Label; 4] = ["apply_config", "reset", "restart", "unknown"];

/// One of [`TOLD`]; the last of them, where the text is none of them.
pub(super) fn told<'de, D: Deserializer<'de>>(source: D) -> Result<Label, D::Error> {
    let text = String::deserialize(source)?;
    Ok(known(TOLD, &text).unwrap_or("unknown"))
}

/// One of the labels of reset reasons.
pub(super) fn reason<'de, D: Deserializer<'de>>(source: D) -> Result<Label, D::Error> {
    let text = String::deserialize(source)?;
    Ok(known(ResetReason::labels(), &text).unwrap_or(ResetReason::OTHER))
}

fn known(labels: impl IntoIterator<Item = Label>, text: &str) -> Option<Label> {
    labels.into_iter().find(|label| *label == text)
}
