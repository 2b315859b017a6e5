//! The `phonewatch` program.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use phonewatch::app::alerts;
use phonewatch::app::ask;
use phonewatch::app::doctor;
use phonewatch::app::explain;
use phonewatch::app::gate;
use phonewatch::app::inventory;
use phonewatch::app::pages;
use phonewatch::app::replay::{self, Outcome};
use phonewatch::app::rules;
use phonewatch::app::run;
use phonewatch::app::simulate;
use phonewatch::app::trace;
use phonewatch::cli::{self, Cli, Command};
use phonewatch::config::ConfigErrors;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(arguments) => run::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Replay(arguments) => replay::replay(&arguments).map(|outcome| match outcome {
            Outcome::Whole => ExitCode::SUCCESS,
            Outcome::Incomplete => ExitCode::from(2),
        }),
        Command::Check(arguments) => check(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Trace(arguments) => trace::trace(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Evidence(arguments) => trace::evidence(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Phones(arguments) => ask::phones(&arguments),
        Command::Phone(arguments) => ask::phone(&arguments),
        Command::Findings(arguments) => ask::findings(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Rules(arguments) => rules::rules(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Alert(cli::Alert::Test(arguments)) => {
            alerts::test::test(&arguments).map(|()| ExitCode::SUCCESS)
        }
        Command::Pages(arguments) => pages::pages(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Silence(asked) => ask::mutes::silence(&asked).map(|()| ExitCode::SUCCESS),
        Command::Maintenance(asked) => ask::mutes::maintenance(&asked).map(|()| ExitCode::SUCCESS),
        Command::Simulate(arguments) => simulate::simulate(&arguments).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        // Errors of a configuration begin with their file and line, for people and editors to jump to.
        let line = match error.downcast_ref::<ConfigErrors>() {
            Some(errors) => errors.to_string(),
            None => format!("phonewatch: {error:#}"),
        };
        // Where stderr is closed, the exit status has to do.
        writeln!(io::stderr(), "{line}").ok();
        ExitCode::FAILURE
    })
}

/// The list of phones, and TLS with passwords, are parts of the configuration that stand in files of their own.
fn check_files(file: &cli::ConfigFile) -> anyhow::Result<ExitCode> {
    let config = file.load()?;
    gate::load(&config, file.path())?;
    if let Some(inventory) = inventory::load(&config, file.path())? {
        let mut out = io::stdout();
        for complaint in inventory::complaints(&inventory, &config) {
            writeln!(out, "{complaint}")?;
        }
        writeln!(out, "phones in the inventory: {}", inventory.len())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check(arguments: &cli::Check) -> anyhow::Result<ExitCode> {
    match cli::check(arguments.config.path(), &mut io::stdout()) {
        Ok(true) => check_files(&arguments.config),
        Ok(false) => Ok(ExitCode::FAILURE),
        Err(error) => Err(anyhow::Error::new(error).context("write to stdout")),
    }
}
