//! `phonewatch rules`: the rules for Prometheus.

use std::fs;

use anyhow::{Context, ensure};

use super::terminal::print;
use crate::cli;
use crate::rules::{RuleFile, joined};

/// Prints the rules as one file, or writes each file into a folder.
pub fn rules(arguments: &cli::Rules) -> anyhow::Result<()> {
    let is_plain = |letter: char| letter.is_ascii_graphic() && !"\"'#{}".contains(letter);
    ensure!(
        !arguments.runbook.is_empty() && arguments.runbook.chars().all(is_plain),
        "--runbook {:?}: the address of a page is wanted, without a section of it",
        arguments.runbook
    );
    let files = RuleFile::all(&arguments.runbook);
    let Some(folder) = &arguments.write else {
        return print(&joined(&files));
    };
    fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
    for file in &files {
        let path = folder.join(file.name);
        fs::write(&path, file.text()).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}
