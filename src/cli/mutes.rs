//! Silences and maintenance.

use clap::{Args, Subcommand};

use super::DaemonAddress;

/// What to do about silences.
#[derive(Debug, Subcommand)]
pub enum Silence {
    /// Add a silence, and print its number
    #[command(after_help = "\
Examples:
  phonewatch silence add --phone SEP001380AD9E5F --for 2h --comment 'moves to another desk'
  phonewatch silence add --code 'dhcp_*' --site Lyon --start 2026-03-01T22:00:00Z --for 4h --comment 'new DHCP server'

In codes, phones and sites, * stands for anything and ? for one character. What is given must all match; of one kind, one
is enough. The daemon takes changes where its configuration says admin = true under [web].")]
    Add(Box<SilenceAdd>),
    /// List the silences that have not ended
    List(Ask),
    /// End a silence
    #[command(after_help = "Example:\n  phonewatch silence remove 7")]
    Remove(SilenceRemove),
}

/// What to do about maintenance.
#[derive(Debug, Subcommand)]
pub enum Maintenance {
    /// Send nothing from now on, for so long
    #[command(after_help = "\
Examples:
  phonewatch maintenance start --for 2h --reason 'CallManager upgrade'
  phonewatch maintenance start --until 2026-03-02T04:00:00Z --reason 'new switches'

The daemon takes changes where its configuration says admin = true under [web].")]
    Start(MaintenanceStart),
    /// End it now
    Stop(Ask),
    /// Tell whether it is maintenance
    Status(Ask),
}

/// The arguments of `silence add`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("ends").required(true))]
pub struct SilenceAdd {
    /// Findings of this code; may be repeated
    #[arg(long = "code", value_name = "CODE")]
    pub codes: Vec<String>,
    /// Phones of this name; may be repeated
    #[arg(long = "phone", value_name = "NAME")]
    pub phones: Vec<String>,
    /// Findings in which the server of this address has a part; may be repeated
    #[arg(long = "server", value_name = "ADDRESS")]
    pub servers: Vec<String>,
    /// Phones of this site; may be repeated
    #[arg(long = "site", value_name = "SITE")]
    pub sites: Vec<String>,
    /// Begin at this time, as in 2026-03-01T22:00:00Z, not now
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// End at this time
    #[arg(long, value_name = "TIME", group = "ends")]
    pub end: Option<String>,
    /// End so long after the beginning, as in 2h or 1h30m
    #[arg(long = "for", value_name = "DURATION", group = "ends")]
    pub length: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub comment: String,
    /// Who asks
    #[command(flatten)]
    pub author: Author,
    /// Who is asked.
    #[command(flatten)]
    pub ask: Ask,
}

/// The arguments of `silence remove`.
#[derive(Args, Debug)]
pub struct SilenceRemove {
    /// Its number, as `silence list` shows it
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// Who is asked.
    #[command(flatten)]
    pub ask: Ask,
}

/// The arguments of `maintenance start`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("ends").required(true))]
pub struct MaintenanceStart {
    /// End at this time, as in 2026-03-01T22:00:00Z
    #[arg(long, value_name = "TIME", group = "ends")]
    pub until: Option<String>,
    /// End after this time, as in 2h or 1h30m
    #[arg(long = "for", value_name = "DURATION", group = "ends")]
    pub length: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who asks
    #[command(flatten)]
    pub author: Author,
    /// Who is asked.
    #[command(flatten)]
    pub ask: Ask,
}

/// Who asks for something.
#[derive(Args, Debug)]
pub struct Author {
    /// Who asks; left out, the user who is logged in
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
}

/// The running daemon, and the form of its answer.
#[derive(Args, Debug)]
pub struct Ask {
    /// The daemon that is asked.
    #[command(flatten)]
    pub daemon: DaemonAddress,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}
