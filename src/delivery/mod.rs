//! Delivery: brings messages to their receivers, and keeps them until they are there.
//!
//! ```text
//! Notification -> Outbox            on disk, with what the policy knows, in one transaction
//!              -> Sender            one for each receiver: mail, HTTP or an Alertmanager
//!              -> Outcome           delivered; to be sent again later; refused for good
//! ```
//!
//! A message is taken out of the outbox only when its receiver has taken it, so a receiver may get it twice, and can
//! tell by its id. Which thread does what, and what time it is, `app` decides.

mod alertmanager;
mod email;
mod html;
mod http;
mod outbox;
mod preset;
mod retry;
mod sender;
mod template;
mod text;
pub(crate) mod tls;

pub use http::Client;
pub use outbox::{Next, Outbox, OutboxError, Pending};
pub use retry::{Outcome, Rest, wait_before};
pub use sender::{PrepareError, Sender, test_message};
pub use tls::ClientError;
