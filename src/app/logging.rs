//! The log: where it goes, how much of it, and one line for each event.

mod limiter;
mod line;

use std::env;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;

use anyhow::Context;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{Log, LogFormat};
use crate::event::Event;
use crate::time::Timestamp;
use limiter::{Admission, Limiter};
use line::Line;

/// The running log, whose level can be changed.
pub struct Logging {
    filter: reload::Handle<EnvFilter, Registry>,
}

impl Logging {
    /// Starts to log, once per process. What the environment variable `RUST_LOG` says goes before the level of `log`.
    pub fn start(log: &Log) -> anyhow::Result<Self> {
        let (filter, handle) = reload::Layer::new(filter(&log.level)?);
        let lines = lines(log.format)?;
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .try_init()
            .context("start the log")?;
        Ok(Self { filter: handle })
    }

    /// Logs as much as this level says from here on, unless `RUST_LOG` says otherwise.
    pub fn set_level(&self, level: &str) -> anyhow::Result<()> {
        self.filter
            .reload(filter(level)?)
            .context("change the log's level")
    }
}

const RUST_LOG: &str = "RUST_LOG";

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    match env::var(RUST_LOG) {
        Ok(directives) if !directives.trim().is_empty() => {
            EnvFilter::try_new(&directives).with_context(|| {
                format!("the environment variable {RUST_LOG} is {directives:?}: give a level such as \"debug\"")
            })
        }
        _ => EnvFilter::try_new(level).context("log.level"),
    }
}

type Lines<S> = Box<dyn Layer<S> + Send + Sync>;

fn lines<S>(format: LogFormat) -> anyhow::Result<Lines<S>>
where
    S: tracing::Subscriber + for<'lookup> tracing_subscriber::registry::LookupSpan<'lookup>,
{
    let stderr = fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    Ok(match format {
        LogFormat::Auto => {
            if is_journal_on_stderr()
                && let Ok(journal) = tracing_journald::layer()
            {
                return Ok(journal.with_field_prefix(None).boxed());
            }
            return lines(LogFormat::Text);
        }
        LogFormat::Text => {
            let colour = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
            stderr.with_ansi(colour).with_target(false).boxed()
        }
        LogFormat::Json => stderr.json().flatten_event(true).boxed(),
        LogFormat::Journald => tracing_journald::layer()
            .context(
                "log.format is \"journald\", and there is no systemd journal here: take \"text\"",
            )?
            .with_field_prefix(None)
            .boxed(),
    })
}

/// Whether systemd has connected stderr to the journal and nobody has put something else in its place
/// (systemd.exec(5), `$JOURNAL_STREAM`: device and inode of what it connected).
fn is_journal_on_stderr() -> bool {
    let Ok(stderr) = std::fs::metadata("/proc/self/fd/2") else {
        return false;
    };
    env::var("JOURNAL_STREAM")
        .is_ok_and(|stream| stream == format!("{}:{}", stderr.dev(), stderr.ino()))
}

/// Writes events to the log: one line each, as long as there are not too many of one kind.
#[derive(Debug, Default)]
pub struct EventLog {
    limiter: Limiter<(&'static str, Level)>,
}

impl EventLog {
    /// Logs an event at the time `now`.
    pub fn event(&mut self, event: &Event, now: Timestamp) {
        let line = Line::of(event);
        match self.limiter.admit((line.message, line.level), now) {
            Admission::Pass => line.log(event),
            Admission::Suppress => {}
        }
    }

    /// Says how much was left out until `now`.
    pub fn settle(&mut self, now: Timestamp) {
        for ((message, level), suppressed) in self.limiter.settle(now) {
            line::log_suppressed(message, level, suppressed);
        }
    }
}
