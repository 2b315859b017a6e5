//! Small stories with a time for every frame, and exactly what the engine has to make of each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks what it looks at"
)]

mod support;

#[path = "scenarios/boot.rs"]
mod boot;
#[path = "scenarios/identity.rs"]
mod identity;
#[path = "scenarios/ipv6.rs"]
mod ipv6;
#[path = "scenarios/keepalive.rs"]
mod keepalive;
#[path = "scenarios/link.rs"]
mod link;
#[path = "scenarios/registration.rs"]
mod registration;
#[path = "scenarios/reload.rs"]
mod reload;
