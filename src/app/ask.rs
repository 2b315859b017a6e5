//! `phonewatch phones`, `phone` and `findings`: asks the running daemon, or capture files.

pub(super) mod client;
pub mod mutes;

use std::process::ExitCode;

use anyhow::{Context, bail};

use self::client::Daemon;
use super::replay::{self, Outcome};
use super::terminal::{print, say, style};
use crate::cli::{self, Source};
use crate::net::safe_text;
use crate::report::{FindingsPage, PhonePage, PhonesPage, Query, Style};
use crate::snapshot::Snapshot;
use crate::web::html;

/// Lists phones.
pub fn phones(arguments: &cli::Phones) -> anyhow::Result<ExitCode> {
    let query = arguments.query.query()?;
    let source = &arguments.source;
    ask(source, "/api/v1/phones", &query, |snapshot, form| {
        let page = PhonesPage::new(snapshot, &query);
        form.write(&page, |style| page.text(style))
    })
}

/// Lists findings.
pub fn findings(arguments: &cli::Findings) -> anyhow::Result<ExitCode> {
    let query = arguments.query.query()?;
    let source = &arguments.source;
    ask(source, "/api/v1/findings", &query, |snapshot, form| {
        let page = FindingsPage::new(snapshot, &query);
        form.write(&page, |style| page.text(style))
    })
}

/// Shows one phone.
pub fn phone(arguments: &cli::Phone) -> anyhow::Result<ExitCode> {
    let name = &arguments.name;
    let path = format!("/api/v1/phones/{}", html::in_url(name));
    ask(
        &arguments.source,
        &path,
        &Query::default(),
        |snapshot, form| {
            let Some(page) = PhonePage::new(snapshot, name) else {
                let name = safe_text(name.as_bytes(), 64);
                bail!(
                    "no phone {name:?} is in these files: `phonewatch phones --from FILE` lists those that are"
                );
            };
            form.write(&page, |style| page.device.text(style))
        },
    )
}

/// How an answer is written.
enum Form {
    Json,
    Text(Style),
}

impl Form {
    fn write(
        &self,
        object: &impl serde::Serialize,
        text: impl FnOnce(Style) -> String,
    ) -> anyhow::Result<String> {
        match self {
            Self::Json => {
                let text =
                    serde_json::to_string_pretty(object).context("write the answer as JSON")?;
                Ok(text + "\n")
            }
            Self::Text(style) => Ok(text(*style)),
        }
    }
}

fn ask(
    source: &Source,
    path: &str,
    query: &Query,
    from_files: impl FnOnce(&Snapshot, &Form) -> anyhow::Result<String>,
) -> anyhow::Result<ExitCode> {
    let form = if source.json {
        Form::Json
    } else {
        Form::Text(style())
    };
    if source.from.is_empty() {
        let daemon = Daemon::of(&source.daemon)?;
        print(&daemon.answer(path, query, &form)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let replayed = replay::read(&source.from, &source.config)?;
    for problem in &replayed.problems {
        say(problem);
    }
    print(&from_files(&replayed.snapshot, &form)?)?;
    Ok(match replayed.outcome {
        Outcome::Whole => ExitCode::SUCCESS,
        Outcome::Incomplete => ExitCode::from(2),
    })
}
