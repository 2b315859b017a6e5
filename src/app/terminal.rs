//! What is written for people, where they see it.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;

use crate::report::Style;

/// How text for people is to look on stdout.
pub(super) fn style() -> Style {
    let is_terminal = io::stdout().is_terminal();
    Style {
        colour: is_terminal && std::env::var_os("NO_COLOR").is_none(),
        width: is_terminal.then(terminal_width).flatten(),
    }
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

/// Writes to stderr; where that is closed there is nobody to tell.
pub(super) fn say(line: &str) {
    writeln!(io::stderr(), "phonewatch: {line}").ok();
}

/// Writes to stdout. A reader that has seen enough (`| head`) is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("write to stdout"),
    }
}
