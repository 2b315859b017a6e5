//! What the trials share: real captures read in place, frames built by hand, and the engine run over either.
#![allow(
    dead_code,
    unused_imports,
    reason = "every test program is compiled with all of it and uses its part"
)]

pub(crate) mod capture;
pub(crate) mod cases;
pub(crate) mod connection;
pub(crate) mod dhcpv6;
pub(crate) mod floods;
pub(crate) mod phone;
pub(crate) mod random;
pub(crate) mod scene;
pub(crate) mod stories;
pub(crate) mod summary;
pub(crate) mod transform;
pub(crate) mod trial;

pub(crate) use capture::{captures_dir, load, load_path};
pub(crate) use connection::Connection;
pub(crate) use phone::Phone;
pub(crate) use scene::{Host, Scene};
pub(crate) use trial::{Captured, Drive, Entry, Outcome, run};
