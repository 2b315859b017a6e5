//! Findings about phones that are registered, and how well that goes.

pub(super) mod firewall_timeout;
pub(super) mod keepalive_gap;
pub(super) mod qos_not_trusted;
pub(super) mod tcp_trouble;
