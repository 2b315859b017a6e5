//! `phonewatch explain`: what a finding means, how it is concluded and what to do.

use anyhow::{Context, bail};

use super::terminal::{print, style};
use crate::cli;
use crate::diagnosis::{codes_like, entry};
use crate::report::{Explanation, catalogue, explanation};

/// Prints one finding in full, or the list of all.
pub fn explain(arguments: &cli::Explain) -> anyhow::Result<()> {
    let Some(code) = &arguments.code else {
        return if arguments.json {
            print(&json(&Explanation::all())?)
        } else {
            print(&catalogue(style()))
        };
    };
    let Some(entry) = entry(code) else {
        bail!(unknown(code));
    };
    if arguments.json {
        print(&json(&Explanation::of(entry))?)
    } else {
        print(&explanation(entry, style()))
    }
}

fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value).context("write the explanation as JSON")?;
    Ok(text + "\n")
}

fn unknown(code: &str) -> String {
    let like = codes_like(code);
    let meant = if like.is_empty() {
        String::new()
    } else {
        format!(" did you mean {}?", like.join(", "))
    };
    format!("there is no finding {code:?}:{meant} `phonewatch explain` lists all")
}
