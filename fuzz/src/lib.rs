//! What phonewatch has to bear: bodies that take any bytes, and the inputs they begin from.
//!
//! A body panics where something is wrong: where a decoder panics, or says more than there is, or more is held than may
//! be. `fuzz_targets/` gives each of them to libFuzzer; `tests/fuzz.rs` of phonewatch runs the same without it.

pub mod decoders;
pub mod engine;
pub mod files;
pub mod input;
pub mod seeds;
pub mod streams;

/// A body and its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every body.
pub const TARGETS: [Target; 16] = [
    ("packet", decoders::packet),
    ("arp", decoders::arp),
    ("cdp", decoders::cdp),
    ("lldp", decoders::lldp),
    ("icmp", decoders::icmp),
    ("dhcp", decoders::dhcp),
    ("dhcpv6", decoders::dhcpv6),
    ("dns", decoders::dns),
    ("tftp", decoders::tftp),
    ("deframer", streams::deframer),
    ("reassembler", streams::reassembler),
    ("fragments", streams::fragments),
    ("sep_config", files::sep_config),
    ("inventory", files::inventory),
    ("config", files::config),
    ("engine", engine::engine),
];
