//! The simulated captures that are measured with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_phonewatch");

/// A fleet and how long it is seen.
pub(crate) struct Fleet {
    pub(crate) name: &'static str,
    /// Scenarios with their weights, as the command line takes them.
    pub(crate) scenarios: &'static str,
    pub(crate) phones: u32,
    pub(crate) minutes: u32,
    /// Calls at any time.
    pub(crate) calls: u32,
}

impl Fleet {
    /// The arguments that simulate it, but for where the frames go.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let scenarios = self.scenarios.split(' ').map(String::from);
        let numbers = [
            ("--phones", self.phones),
            ("--minutes", self.minutes),
            ("--rtp", self.calls),
        ];
        let numbers = numbers
            .into_iter()
            .flat_map(|(name, number)| [name.to_owned(), number.to_string()]);
        std::iter::once(String::from("simulate"))
            .chain(scenarios)
            .chain(numbers)
            .collect()
    }

    /// Its capture, written unless this program has written it before.
    pub(crate) fn capture(&self) -> anyhow::Result<PathBuf> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!(
            "{}-{}-{}-{}.pcap",
            self.name, self.phones, self.minutes, self.calls
        ));
        let is_current = || -> Option<bool> {
            let program = fs::metadata(PROGRAM).ok()?.modified().ok()?;
            Some(fs::metadata(&file).ok()?.modified().ok()? > program)
        };
        if is_current() != Some(true) {
            let unfinished = file.with_extension("part");
            let status = Command::new(PROGRAM)
                .args(self.arguments())
                .arg("--write")
                .arg(&unfinished)
                .status()?;
            anyhow::ensure!(status.success(), "phonewatch simulate: {status}");
            fs::rename(unfinished, &file)?;
        }
        Ok(file)
    }
}

/// Phones of all kinds, most of them healthy: what befalls a fleet in half a day, all at once.
pub(crate) const MIX: &str = "healthy:80 boot:8 failover:4 flapping:2 keepalive-gap:2 rejected:1 unconfigured:1 \
     user-reset:1 dhcp-silent:1";
