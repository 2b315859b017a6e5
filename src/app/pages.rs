//! `phonewatch pages`: manual pages and shell completions, for whoever packages phonewatch.
//!
//! All of them are made of what is there anyway: the definition of the command line, and the example configuration.

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{self, Cli};

/// Writes them into `man` and `completions` below the folder, each under the name by which it is installed.
pub fn pages(arguments: &cli::Pages) -> anyhow::Result<()> {
    let (manual, completions) = (
        arguments.folder.join("man"),
        arguments.folder.join("completions"),
    );
    for folder in [&manual, &completions] {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    write(&manual, &completions)
        .with_context(|| format!("write into {}", arguments.folder.display()))
}

fn write(manual: &Path, completions: &Path) -> std::io::Result<()> {
    clap_mangen::generate_to(Cli::command(), manual)?;
    fs::write(
        manual.join("phonewatch.toml.5"),
        configuration_page(EXAMPLE),
    )?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut Cli::command(), "phonewatch", completions)?;
    }
    Ok(())
}

const EXAMPLE: &str = include_str!("../../config.example.toml");

/// The manual page of the configuration. In the example each comment stands before the table or the key that it is
/// about, and examples of tables and keys are commented out without a space.
fn configuration_page(example: &str) -> String {
    let mut page = Roff::new();
    page.control(
        "TH",
        ["phonewatch.toml", "5", "", "phonewatch", "phonewatch"],
    );
    page.control("SH", ["NAME"]);
    page.text([roman("phonewatch.toml - the configuration of phonewatch")]);
    page.control("SH", ["DESCRIPTION"]);
    let mut paragraphs: Vec<Paragraph<'_>> = Vec::new();
    // What begins the file is about all of it, and its first line names it once more.
    let (head, rest) = example.split_once("\n\n").unwrap_or(("", example));
    for line in head.lines().skip(1) {
        gather(&mut paragraphs, line);
    }
    put(&mut page, "PP", &mut paragraphs);
    for line in rest.lines() {
        let entry = line.strip_prefix('#').unwrap_or(line);
        match entry.chars().next() {
            Some('[') => {
                page.control("SH", [entry]);
                put(&mut page, "PP", &mut paragraphs);
            }
            Some('a'..='z') => {
                page.control("TP", []);
                page.text([bold(entry)]);
                put(&mut page, "IP", &mut paragraphs);
            }
            Some(_) => gather(&mut paragraphs, line),
            None => {}
        }
    }
    put(&mut page, "PP", &mut paragraphs);
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("phonewatch"),
        roman("(1), "),
        bold("phonewatch-check"),
        roman("(1)"),
    ]);
    page.render()
}

/// Lines that belong together; those that are further in stay as they are.
#[derive(Debug, Default)]
struct Paragraph<'a> {
    lines: Vec<&'a str>,
    is_literal: bool,
}

fn gather<'a>(paragraphs: &mut Vec<Paragraph<'a>>, line: &'a str) {
    let line = line.trim_start_matches('#');
    if line.is_empty() {
        // Whatever follows is another paragraph.
        paragraphs.push(Paragraph::default());
        return;
    }
    let is_literal = line.starts_with("    ");
    match paragraphs.last_mut() {
        Some(last) if last.is_literal == is_literal => last.lines.push(line.trim()),
        _ => paragraphs.push(Paragraph {
            lines: vec![line.trim()],
            is_literal,
        }),
    }
}

/// Puts the paragraphs down, with this macro between two of them.
fn put(page: &mut Roff, between: &str, paragraphs: &mut Vec<Paragraph<'_>>) {
    paragraphs.retain(|paragraph| !paragraph.lines.is_empty());
    for (index, paragraph) in paragraphs.drain(..).enumerate() {
        if index > 0 {
            page.control(between, []);
        }
        if paragraph.is_literal {
            page.control("nf", []);
            for line in paragraph.lines {
                page.text([roman(line)]);
            }
            page.control("fi", []);
        } else {
            page.text([roman(paragraph.lines.join(" "))]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_becomes_a_page() {
        let page = configuration_page(
            "# x.toml: all of it.\n#\n# Every key is here.\n#\n#     phonewatch check\n\n\n\
             # How it rings.\n[bell]\n\n# How often,\n# in hours.\nrings = 3\n\n# Where.\n#[[place]]\n\n# Its \\ name.\n#name = \"a\"\n",
        );
        let body = page.split_once(".SH DESCRIPTION\n").unwrap().1;
        assert_eq!(
            body,
            "Every key is here.\n.PP\n.nf\nphonewatch check\n.fi\n.SH [bell]\nHow it rings.\n.TP\n\\fBrings = 3\\fR\n\
             How often, in hours.\n.SH [[place]]\nWhere.\n.TP\n\\fBname = \"a\"\\fR\nIts \\\\ name.\n.SH \"SEE ALSO\"\n\
             \\fBphonewatch\\fR(1), \\fBphonewatch\\-check\\fR(1)\n"
        );
    }

    #[test]
    fn every_key_and_every_command_has_its_page() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = cli::Pages {
            folder: folder.path().to_owned(),
        };
        pages(&arguments).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let page = read("man/phonewatch.toml.5");
        let keys = EXAMPLE
            .lines()
            .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        for key in keys {
            let name = key.split(' ').next().unwrap();
            assert!(page.contains(&format!("\\fB{name} = ")), "{name}");
        }
        for command in Cli::command()
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
        {
            let name = command.get_name();
            assert!(
                read(&format!("man/phonewatch-{name}.1")).contains(".SH SYNOPSIS"),
                "{name}"
            );
            assert!(read("completions/phonewatch.bash").contains(name), "{name}");
        }
        assert!(read("man/phonewatch.1").contains("mirror port"));
        assert!(read("completions/_phonewatch").starts_with("#compdef phonewatch"));
        assert!(read("completions/phonewatch.fish").contains("complete -c phonewatch"));
    }
}
