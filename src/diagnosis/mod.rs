//! The diagnosis: what is wrong with a phone, at which step, why, and what to do.
//!
//! ```text
//! facts            phone::*            kept by the trackers as the frames come
//!   -> rules       one for each code   pure: a device or the site, and the time, give a Verdict
//!   -> judge       level-triggered     compared with what held before: raised, changed, cleared
//!   -> Finding     with its evidence   event, snapshot, report, metrics, alerts
//! ```
//!
//! A rule reads facts and nothing else, so it is asked whenever a fact of its device changes, and again at the time it
//! names. It concludes absence only where [`Sight`](crate::phone::sight::Sight) or the fact itself says that presence
//! would have been seen.
//!
//! # How to add a finding
//!
//! 1. The facts it needs, in a tracker of [`crate::phone`], filled in by the engine.
//! 2. One file here: an [`Entry`] with its words and its rule, and the rule's own tests on facts made by hand.
//! 3. Its line in [`CATALOGUE`], and its thresholds, if any, in [`Thresholds`].
//! 4. In `tests/support/cases`: a scene that raises it, and its nearest harmless look-alike, which does not.

mod boot_loop;
mod case;
mod catalogue;
mod config;
mod connecting;
mod dhcp;
mod dns;
mod inventory;
mod judge;
mod link;
mod registered;
mod registration;
mod reset;
mod sensor;
mod server;
mod span;
mod tftp;
mod thresholds;
mod verdict;

pub use case::{Case, Directory, Site};
pub use catalogue::{CATALOGUE, Entry, Rule, codes_like, entry};
pub use dhcp::NO_ANSWER as DHCP_NO_ANSWER;
pub use judge::{Judgement, News, SiteJudgement, judge_device, judge_site};
pub use thresholds::{Override, Thresholds};
pub use verdict::Verdict;
