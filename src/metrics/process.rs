//! The daemon's own process, under the names that every Prometheus client uses.
//!
//! The client library's own collector reads the start time from `/proc/stat`, which a hardened service does not see,
//! and then tells 0. Here what cannot be read is absent.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::page::Page;
use crate::time::Timestamp;

pub(super) fn add(page: &mut Page, started: Timestamp) {
    page.gauge(
        "process_start_time_seconds",
        "When the process started, in seconds since the Unix epoch.",
        |family| family.value(&[], started.as_secs_f64()),
    );
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    page.counter(
        "process_cpu_seconds_total",
        "Processor time that the process has used, in user and kernel mode.",
        |family| {
            if let Some(seconds) = cpu_seconds() {
                family.value(&[], seconds);
            }
        },
    );
    let mut gauge = |name: &str, help: &str, number: Option<u64>| {
        page.gauge(name, help, |family| {
            if let Some(number) = number {
                family.number(&[], number);
            }
        });
    };
    gauge(
        "process_resident_memory_bytes",
        "Memory of the process that is in RAM.",
        status_field(&status, "VmRSS").map(kibibytes),
    );
    gauge(
        "process_virtual_memory_bytes",
        "Address space of the process.",
        status_field(&status, "VmSize").map(kibibytes),
    );
    gauge(
        "process_threads",
        "Threads of the process.",
        status_field(&status, "Threads"),
    );
    gauge(
        "process_open_fds",
        "File descriptors that the process has open.",
        open_descriptors(),
    );
    gauge(
        "process_max_fds",
        "File descriptors that the process may have open.",
        getrlimit(Resource::Nofile).current,
    );
}

fn cpu_seconds() -> Option<f64> {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime))
        .ok()
        .map(|used| used.as_secs_f64())
}

/// The number on one line of `/proc/self/status`, like `VmRSS:     1234 kB`.
fn status_field(status: &str, name: &str) -> Option<u64> {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

const fn kibibytes(number: u64) -> u64 {
    number.saturating_mul(1024)
}

fn open_descriptors() -> Option<u64> {
    let descriptors = fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is that of the listing itself.
    u64::try_from(descriptors.saturating_sub(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_number_from_the_status_file() {
        let status = "Name:\tphonewatch\nVmPeak:\t  900 kB\nVmRSS:\t  512 kB\nThreads:\t7\n";
        assert_eq!(status_field(status, "VmRSS"), Some(512));
        assert_eq!(status_field(status, "Threads"), Some(7));
        assert_eq!(status_field(status, "Vm"), None, "only a whole name");
        assert_eq!(status_field(status, "VmSize"), None);
    }

    #[test]
    fn tells_of_this_process() {
        let mut page = Page::default();
        add(&mut page, Timestamp::from_nanos(1_700_000_000_500_000_000));
        let text = page.encode().unwrap();
        let value = |name: &str| -> f64 {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name} in:\n{text}"))
                .parse()
                .unwrap()
        };
        assert!((value("process_start_time_seconds") - 1_700_000_000.5).abs() < 1e-3);
        assert!(value("process_cpu_seconds_total") > 0.0);
        let resident = value("process_resident_memory_bytes");
        assert!(resident > 100_000.0 && resident < value("process_virtual_memory_bytes"));
        assert!(value("process_threads") >= 1.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
    }
}
