//! phonewatch watches Cisco IP phones boot and register with CallManager from a switch's mirror port.
//!
//! This page is the architecture in short.
//!
//! # The way of one frame
//!
//! ```text
//! capture thread, one per interface (libpcap, kernel filter)        capture::live
//!   -> lock-free ring; a full one is counted and told as a loss      capture::ring
//! engine thread, which merges the rings by time                      capture::merge, app::drive
//!   -> deadlines that are due before the frame                       engine::Engine::handle_timeout
//!   -> link, VLAN, tunnel, IP, fragments, mirror copies              wire::packet, flow
//!   -> CDP, LLDP, ARP, DHCP, DNS, TFTP, ICMP, TCP -> SCCP messages   wire, flow::tcp
//!   -> whose packet is it, and what does it prove                    engine, phone
//!   -> what is wrong with it, and why                                diagnosis
//!   -> events, and about once a second a snapshot                    event, snapshot
//!   -> alerts: what is told to whom, when, and how often             alert
//!   -> the frames that prove a finding, without what is private      evidence, savefile
//! tokio runtime, outputs only: metrics and web                       metrics, web
//! ```
//!
//! A capture file takes the same way: only the source of the frames is another one (`capture::file`), so a problem in
//! the field becomes a test by saving its capture.
//!
//! Beside all this: [`simulate`] makes the frames of whole fleets with the encoders of `wire`, and nothing that runs as a
//! daemon imports it; [`evidence`] blanks the frames that show a finding, and [`savefile`] writes them down; [`private_folder`]
//! makes the folders of all that is kept; [`rules`] makes Prometheus's alerting rules from the catalogue of findings. What
//! the engine knows outlives the daemon in `app::state`.
//!
//! # Four rules
//!
//! 1. **One direction.** `time, net, record <- finding, inventory, wire <- flow <- phone <- diagnosis <- event,
//!    snapshot <- engine <- metrics, alert, web, report <- app`. A lower layer never imports a higher one;
//!    `tests/layers.rs` holds this.
//! 2. **The core does no I/O.** From `wire` to `engine` there is no thread, socket, file, lock or clock. Time is a
//!    [`time::Timestamp`] that comes with each frame.
//! 3. **An observer is not an endpoint.** It joins late, misses frames, sees one direction or everything twice. Every
//!    machine starts in an unknown state, every message leads to what it proves, and absence is concluded only where an
//!    answer would have been seen.
//! 4. **One writer.** The engine owns all state. Everyone else reads an immutable [`snapshot::Snapshot`] that shares
//!    with the engine what has not changed.
//!
//! # How to add a protocol
//!
//! 1. `wire/NAME.rs`: the specification, the message, `parse` through [`wire::Reader`], tests on literal bytes, a
//!    property test that arbitrary bytes do not panic.
//! 2. `phone/NAME.rs` where a device has state of it: a tracker that observes messages with their time, tells its
//!    deadline and expires. A field in [`phone::Device`], and its line in `Device::absorb`.
//! 3. `engine/`: from the port or EtherType to the tracker, bounded, with its entry in `Totals::tracked`.
//! 4. The kernel's filter (`capture::filter`), the report, the metrics, the README's table of what is decoded.
//!
//! How to add a finding stands in [`diagnosis`].

pub mod alert;
pub mod app;
pub mod capture;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod diagnosis;
pub mod engine;
pub mod event;
pub mod evidence;
pub mod finding;
pub mod flow;
pub mod inventory;
pub mod metrics;
pub mod net;
pub mod phone;
pub mod private_folder;
pub mod record;
pub mod report;
pub mod rules;
pub mod savefile;
pub mod simulate;
pub mod site;
pub mod snapshot;
pub mod time;
pub mod trace;
pub mod web;
pub mod wire;
