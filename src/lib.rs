//! phonewatch watches Cisco IP phones boot and register with CallManager from a mirror port.

pub mod capture;
pub mod cli;
pub mod config;
pub mod engine;
pub mod event;
pub mod flow;
pub mod metrics;
pub mod net;
pub mod phone;
pub mod record;
pub mod report;
pub mod snapshot;
pub mod time;
pub mod web;
pub mod wire;
