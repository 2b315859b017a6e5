//! How fast it is, measured against tools that everyone knows: `make bench`.
//!
//! `cargo bench --bench speed` measures all of it, `cargo bench --bench speed -- replay` one part: `replay`, `alert`,
//! `hostile`, `soak` or `live`. Each prints tables and, for each figure that is wanted, whether it is met. Captures are simulated
//! once, into the target folder; what is compared is run in turns, and of each the shortest time counts.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "tables for people, of ratios"
)]

mod alert;
mod daemon;
mod fleet;
mod hostile;
mod live;
mod network;
mod replay;
mod soak;
#[path = "../../tests/support/mod.rs"]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "what tests share"
)]
mod support;

use std::env;
use std::fs;
use std::thread;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => {
            println!("{}", machine()?);
            replay::measure()?;
            alert::measure()?;
            hostile::measure()?;
            soak::measure()?;
            live::measure()
        }
        ["replay"] => replay::measure(),
        ["alert"] => alert::measure(),
        ["hostile"] => hostile::measure(),
        ["soak"] => soak::measure(),
        ["live"] => live::measure(),
        // What the others start as a process of its own.
        ["replay-once", file, filter @ ..] => replay::once(file, filter.first().copied()),
        ["soak-once"] => soak::once(),
        ["live-inside"] => live::inside(),
        _ => anyhow::bail!("there are the parts replay, alert, hostile, soak and live"),
    }
}

/// The machine, named by what matters here.
fn machine() -> anyhow::Result<String> {
    let cores = thread::available_parallelism()?;
    let kibibytes = number_of("/proc/meminfo", "MemTotal:")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split_whitespace().next().unwrap_or_default();
    Ok(format!(
        "A machine with {cores} cores and {} GiB of memory; its load at the beginning was {load}.",
        kibibytes.div_ceil(1 << 20)
    ))
}

/// The number behind a name in one of the kernel's lists.
fn number_of(list: &str, name: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(list)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number
        .with_context(|| format!("no {name} in {list}"))?
        .parse()?)
}

/// Prints whether a figure is met.
fn verdict(what: &str, is_met: bool) {
    println!("- {what}: {}", if is_met { "met" } else { "NOT met" });
}
