//! What is asked of the running daemon, or of capture files.

use std::path::PathBuf;

use clap::Args;

use super::ConfigFile;
use crate::report::Query;

/// The arguments of `phones`.
#[derive(Args, Debug)]
pub struct Phones {
    /// Which of them.
    #[command(flatten)]
    pub query: QueryOptions,
    /// Who is asked.
    #[command(flatten)]
    pub source: Source,
}

/// The arguments of `phone`.
#[derive(Args, Debug)]
pub struct Phone {
    /// Its name, its hardware address or its network address
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Who is asked.
    #[command(flatten)]
    pub source: Source,
}

/// The arguments of `findings`.
#[derive(Args, Debug)]
pub struct Findings {
    /// Which of them.
    #[command(flatten)]
    pub query: QueryOptions,
    /// Who is asked.
    #[command(flatten)]
    pub source: Source,
}

/// Which phones or findings are asked for.
#[derive(Args, Debug)]
pub struct QueryOptions {
    /// Phones at this stage, or findings that strike there: link, dhcp, dns, tftp, connecting, registering, rejected,
    /// registered, lost or unknown
    #[arg(long)]
    pub stage: Option<String>,
    /// Only phones that call for attention, or findings that hold
    #[arg(long)]
    pub unhealthy: bool,
    /// Findings of this code, or phones of which such a one holds
    #[arg(long)]
    pub code: Option<String>,
    /// Findings of this severity, or phones of which such a one holds: info, warning or critical
    #[arg(long)]
    pub severity: Option<String>,
    /// At most so many, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = Query::LIMIT)]
    pub limit: usize,
    /// Pass over so many
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: usize,
}

/// Who is asked: the running daemon, or capture files.
#[derive(Args, Debug)]
pub struct Source {
    /// Read these capture files instead of asking the daemon
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "url")]
    pub from: Vec<PathBuf>,
    /// The daemon that is asked.
    #[command(flatten)]
    pub daemon: DaemonAddress,
    /// The configuration, for capture files.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// Where a daemon answers, and how to get in.
#[derive(Args, Debug)]
pub struct DaemonAddress {
    /// Where the daemon answers [default: what `PHONEWATCH_URL` says, else <http://127.0.0.1:12000>]
    ///
    /// Where it wants a password, name who asks: <https://me@sensor2:12000>. The password comes from --password-file or
    /// from the environment variable `PHONEWATCH_PASSWORD`. Trusted is whom the system trusts, or whom the file in
    /// `SSL_CERT_FILE` names.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The file with the password that the daemon wants
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

impl DaemonAddress {
    /// Where the daemon answers.
    pub fn url(&self) -> String {
        let named = self.url.clone();
        named
            .or_else(|| std::env::var("PHONEWATCH_URL").ok())
            .unwrap_or_else(|| "http://127.0.0.1:12000".to_owned())
    }
}

impl QueryOptions {
    /// The query; an error says what is allowed.
    pub fn query(&self) -> anyhow::Result<Query> {
        let mut query = Query {
            unhealthy: self.unhealthy,
            offset: self.offset,
            ..Query::default()
        };
        let limit = self.limit.to_string();
        for (key, value) in [
            ("stage", self.stage.as_ref()),
            ("code", self.code.as_ref()),
            ("severity", self.severity.as_ref()),
            ("limit", Some(&limit)),
        ] {
            if let Some(value) = value {
                query.set(key, value).map_err(anyhow::Error::msg)?;
            }
        }
        Ok(query)
    }
}
