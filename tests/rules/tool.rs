//! The programs of Prometheus and Alertmanager.

use std::io::Write;
use std::path::Path;
use std::process::Command;

/// A program on the machine, or where `.ci/prometheus` and `.ci/alertmanager` put it.
pub(crate) fn tool(name: &str) -> Option<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let target = Path::new(env!("CARGO_BIN_EXE_phonewatch")).ancestors();
    let tools = target.skip(2).map(|folder| folder.join("tools")).take(1);
    // An Alertmanager that was unpacked is started by a script, which shows it its templates; amtool stands beside it.
    let found = std::env::split_paths(&path)
        .chain(tools)
        .flat_map(|folder| [folder.clone(), folder.join("alertmanager/usr/bin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        let required = std::env::var_os("PHONEWATCH_REQUIRE_CAPTURES").is_some();
        assert!(!required, "{name} is not installed");
        let told = format!("SKIPPED: {name} is not installed\n");
        std::io::stderr().write_all(told.as_bytes()).unwrap();
    }
    found.map(Command::new)
}
