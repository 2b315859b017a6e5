//! The command line: which commands there are, and their arguments.

mod ask;
mod config_file;
mod mutes;
mod simulate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Capture, Config, ConfigErrors, ShownConfig, interface_name};
use crate::rules::RUNBOOK;

pub use ask::{DaemonAddress, Findings, Phone, Phones, QueryOptions, Source};
pub use config_file::{ConfigFile, DEFAULT_CONFIG, check};
pub use mutes::{Ask, Author, Maintenance, MaintenanceStart, Silence, SilenceAdd, SilenceRemove};
pub use simulate::{MirrorPort, Simulate};

/// Watch Cisco IP phones boot and register with CallManager, from a mirror port
///
/// phonewatch listens on a switch's mirror port, follows every phone from its link to its registration, and says which
/// one fails, at which step and why. It only listens: nothing is sent to phones or servers.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Examples:
  phonewatch run --interface eth1
  phonewatch replay morning.pcap.gz
  phonewatch check"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Listen on the mirror port until stopped
    ///
    /// Captures on the interfaces of the configuration, serves metrics and the status page over HTTP, and reports what
    /// it finds. The one right it needs is `CAP_NET_RAW`.
    #[command(after_help = "\
Examples:
  phonewatch run
  phonewatch run --interface eth1 --interface eth2
  phonewatch run --config ./lab.toml

The primary and the secondary CallManager are often mirrored on two ports: name both.")]
    Run(Run),

    /// Read capture files as if they were live, and print a report
    ///
    /// The files (pcap or pcapng, plain or .gz) go through the same engine as live traffic, so that a problem can be
    /// looked at again later or elsewhere. The times in the report are those of the capture.
    #[command(after_help = "\
Examples:
  phonewatch replay morning.pcap.gz
  phonewatch replay primary.pcapng secondary.pcapng
  phonewatch replay --json morning.pcap | jq '.findings'

Exit status: 0 when every file was read, 2 when one could not be.")]
    Replay(Replay),

    /// Look at a mirror port for half a minute, and say what it shows and what is missing
    ///
    /// Frames, both directions of each CallManager, copies, tags, tunnels, phones, losses, and what the network card
    /// does to frames; for whatever is missing, what to do. Nothing is sent. It takes the right `CAP_NET_RAW`.
    #[command(after_help = "\
Examples:
  phonewatch doctor --interface eth1
  phonewatch doctor --interface eth1 --seconds 120 --json
  phonewatch doctor --from minute.pcap

Exit status: 0 when all is well, 1 when something is missing.")]
    Doctor(Doctor),

    /// Check the configuration and print every error in it
    ///
    /// Each error is shown with its file, line and column, the line itself, and what is allowed there.
    #[command(after_help = "\
Examples:
  phonewatch check
  phonewatch check --config ./lab.toml

Exit status: 0 when the configuration is valid, 1 when it is not.")]
    Check(Check),

    /// List a phone's frames in words, as a sniffer would
    ///
    /// One line a frame: when, from whom, to whom, how long, and what it says. Only the phone's own signalling is
    /// listed, and dialled digits are left out. The running daemon knows the last frames of each phone, a file all.
    #[command(after_help = "\
Examples:
  phonewatch trace SEP001380AD9E5F
  phonewatch trace SEP001380AD9E5F --from morning.pcap.gz
  phonewatch trace 10.1.2.3 --from primary.pcapng secondary.pcapng")]
    Trace(Trace),

    /// Write a phone's frames to a capture file, for Wireshark
    ///
    /// The bytes of configuration files and what was dialled are overwritten with zeros, and what is not understood is
    /// left out. The running daemon knows the last frames of each phone, a file all.
    #[command(after_help = "\
Examples:
  phonewatch evidence SEP001380AD9E5F --write phone.pcap
  phonewatch evidence 10.1.2.3 --write phone.pcap --from morning.pcap.gz")]
    Evidence(Evidence),

    /// List the phones, asking the running daemon or capture files
    #[command(after_help = "\
Examples:
  phonewatch phones --unhealthy
  phonewatch phones --stage rejected --json
  phonewatch phones --code dhcp_no_answer --url http://sensor2:12000
  phonewatch phones --from morning.pcap.gz")]
    Phones(Phones),

    /// Show one phone: what is known of it, what was found, and what to do
    #[command(after_help = "\
Examples:
  phonewatch phone SEP001380AD9E5F
  phonewatch phone 00:13:80:ad:9e:5f --from morning.pcap")]
    Phone(Phone),

    /// List what was found, the worst first, asking the running daemon or capture files
    #[command(after_help = "\
Examples:
  phonewatch findings
  phonewatch findings --severity critical
  phonewatch findings --from morning.pcap --json")]
    Findings(Findings),

    /// Tell what a finding means, how it is concluded and what to do
    ///
    /// Without a code every finding is listed, in the order in which a phone meets them.
    #[command(after_help = "\
Examples:
  phonewatch explain
  phonewatch explain registration_rejected
  phonewatch explain --json | jq '.[].code'")]
    Explain(Explain),

    /// Print the alerting and recording rules for Prometheus
    ///
    /// There is an alert for each finding, in the words of `phonewatch explain`, and others for the sensors themselves.
    /// Each links to a section of the runbook, which stands in the README.
    #[command(after_help = "\
Examples:
  phonewatch rules > /etc/prometheus/phonewatch.yml
  phonewatch rules --write /etc/prometheus/rules --runbook https://wiki.example.com/phonewatch")]
    Rules(Rules),

    /// Try out how alerts are delivered
    #[command(subcommand)]
    Alert(Alert),

    /// Hold back alerts of some phones or servers for a while
    ///
    /// The running daemon keeps silences, also over a restart. What still holds when one ends is told then. Those of the
    /// configuration are not listed.
    #[command(subcommand)]
    Silence(Silence),

    /// Hold back all alerts for a while
    ///
    /// It ends by itself; what still holds then is told.
    #[command(subcommand)]
    Maintenance(Maintenance),

    /// Write a capture file of a simulated fleet of phones, or play it onto an interface
    ///
    /// Each phone follows a scenario; with several, the numbers behind them say in which proportion. The same arguments
    /// give the same file. The truth file says what every phone did, for comparison with a report.
    #[command(after_help = "\
Examples:
  phonewatch simulate healthy --write fleet.pcap
  phonewatch simulate healthy:90 flapping:5 rejected:5 --phones 1000 --write fleet.pcap --truth truth.json
  phonewatch simulate failover --write - | phonewatch replay -
  phonewatch simulate healthy:9 flapping --vlan 110 --copies 50 --rtp 2 --write mirror.pcap
  phonewatch simulate healthy:9 flapping --interface veth1 --speed 20

Scenarios:
  healthy                 boots in the first minutes and stays registered
  boot                    boots at any time and stays registered
  failover                its primary falls silent; it goes to the secondary and later comes back
  flapping                goes to and fro between its CallManagers
  keepalive-gap           its CallManager leaves two keepalives without an answer
  silent                  falls silent for two intervals
  unconfigured            the TFTP server knows neither it nor a default
  refused                 its CallManagers refuse every connection
  rejected                its CallManager rejects it
  dhcp-silent             nobody answers its DISCOVERs
  dhcp-ascii-150          option 150 holds text where addresses belong
  tftp-silent             the TFTP server does not answer it
  dns-failure             its CallManagers are names that cannot be resolved
  dhcp-no-ack             its DISCOVERs are answered, its REQUESTs are not
  dhcp-renewal            it renews its address at half of the lease, again and again
  dhcp-nak                its address is not renewed at half of the lease; it begins anew
  dhcp-decline            is given an address that somebody else uses, and declines it
  dhcp-no-tftp            DHCP gives it no TFTP server
  dhcp-150-length         option 150 is six bytes long
  dhcp-150-zero           option 150 is 0.0.0.0
  dhcp-bad-router         its router is not in its subnet
  dhcp-excessive          is given an address several times a minute and does nothing with it
  dhcp-rogue              a second server offers addresses; it registers all the same
  static-address          its address was set by hand; it registers
  duplicate-address       a PC claims its address while it is registered
  voice-vlan              does not use the voice VLAN that its switch gives it; it registers
  dns-silent              nobody answers when it looks up its CallManagers
  tftp-one-way            what the TFTP server sends does not reach it
  tftp-down               no TFTP service runs on the server
  auto-registered         has no configuration of its own and registers with the default
  foreign-config          asks for the configuration of another phone, which is not there
  config-corrupt          the XML of its configuration breaks off
  config-empty            its configuration has no CallManager
  config-names            its configuration names its CallManagers; it finds them and registers
  firmware-missing        the TFTP server does not have the load that its configuration names
  firmware-upgrade        fetches a new load, starts anew and registers
  alternate-tftp          asks another TFTP server than DHCP gave it; it registers
  slow-boot               DHCP answers only after a minute; it registers
  user-reset              its user resets it with **#**
  admin-reset             CallManager resets it
  power-cut               the power fails at a common moment; all phones come back at once within 40 seconds
  failover-one-missed     its primary falls silent; it goes to the secondary after one missed keepalive and stays there
  failover-three-missed   its primary falls silent; it goes to the secondary after three missed keepalives and stays there
  failback-token          its primary breaks off; it goes to the secondary and asks for a token before it comes back
  failback-token-wait     as failback-token, but it is told to wait before it is given the token
  failback-without-token  its primary breaks off; it goes to the secondary and comes back without asking
  keepalive-gaps          its CallManager leaves keepalives without an answer three times, and answers in between
  keepalive-repeated      a keepalive and an answer are lost, and TCP repeats both in time: no gap
  rejected-database       it is rejected: not in the database
  rejected-licence        it is rejected: no licence
  rejected-version        it is rejected: a version that does not fit
  rejected-mismatch       it is rejected: configured as another model
  rejected-max            it is rejected: too many phones
  rejected-unauthorized   it is rejected: not authorised
  rejected-dictionary     it is rejected, and the text is one of those that phones know by number
  registration-silent     its CallManager answers its Registers with neither Ack nor Reject
  out-of-order            it registers with its secondary though its primary serves others; needs other phones beside it
  qos-zero                the marks of its CallManager's packets are taken off, and answers to keepalives get lost
  crash                   at a common moment CallManager dies on the primary, and comes back after minutes
  callmanager-dark        at a common moment the primary vanishes from the network for good
  firewall-timeout        a firewall resets its sessions when they reach a certain age
  duplicate-registration  a second station registers under its name while it is registered
  unstable                its CallManager closes its connection every few minutes and takes it back at once
  tcp-trouble             every keepalive and its answer is sent twice, and it has no room for more now and then
  apply-config            an administrator changes the order of its CallManagers three times and applies it
  restart                 CallManager restarts it: it fetches its configuration and registers again without DHCP

The truth is that of the phones, however the mirror port shows them. --rtp, --vlan, --erspan, --copies and --behind-router
change nothing that can be known of a phone that has asked for an address. --nat hides DHCP and addresses; --loss and
--one-way hide whatever they hide: less may be found than is true, but nothing that is not.")]
    Simulate(Simulate),

    /// Write manual pages and shell completions into a folder, for packages
    #[command(hide = true)]
    Pages(Pages),
}

/// What to do about alerts.
#[derive(Debug, Subcommand)]
pub enum Alert {
    /// Send a test message to a receiver of the configuration, and print what it answered
    ///
    /// The message says that it is a test. It goes out at once, by the way that real ones go; the daemon need not run.
    #[command(after_help = "\
Examples:
  phonewatch alert test operators
  phonewatch alert test chat --config ./lab.toml

Exit status: 0 when the receiver took it, 1 when it did not.")]
    Test(AlertTest),
}

/// The arguments of `alert test`.
#[derive(Args, Debug)]
pub struct AlertTest {
    /// The receiver's name, as its [[alert.receiver]] says
    #[arg(value_name = "RECEIVER")]
    pub receiver: String,
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigFile,
}

/// The arguments of `rules`.
#[derive(Args, Debug)]
pub struct Rules {
    /// Write the files into this folder, instead of printing all as one
    #[arg(long, value_name = "FOLDER")]
    pub write: Option<PathBuf>,
    /// The address of the page with the runbook
    #[arg(long, value_name = "URL", default_value = RUNBOOK)]
    pub runbook: String,
}

/// The arguments of `run`.
#[derive(Args, Debug)]
pub struct Run {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Listen on this interface, not on those of the configuration; may be repeated
    #[arg(long = "interface", value_name = "IF", value_parser = interface_name)]
    pub interfaces: Vec<String>,
}

/// The arguments of `replay`.
#[derive(Args, Debug)]
pub struct Replay {
    /// The capture files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print the report as JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `trace`.
#[derive(Args, Debug)]
pub struct Trace {
    /// The phone: its device name, hardware address or network address
    #[arg(value_name = "NAME")]
    pub phone: String,
    /// Who is asked.
    #[command(flatten)]
    pub source: Source,
}

/// The arguments of `evidence`.
#[derive(Args, Debug)]
pub struct Evidence {
    /// The phone: its device name, hardware address or network address
    #[arg(value_name = "NAME")]
    pub phone: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub write: PathBuf,
    /// Read these capture files instead of asking the daemon
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "url")]
    pub from: Vec<PathBuf>,
    /// The daemon that is asked.
    #[command(flatten)]
    pub daemon: DaemonAddress,
    /// The configuration, for capture files.
    #[command(flatten)]
    pub config: ConfigFile,
}

/// The arguments of `explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// The finding's code, as the report names it
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// Print it as JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `doctor`.
#[derive(Args, Debug)]
pub struct Doctor {
    /// Look at this interface, not at those of the configuration; may be repeated
    #[arg(long = "interface", value_name = "IF", value_parser = interface_name, conflicts_with = "from")]
    pub interfaces: Vec<String>,
    /// Look at these capture files instead
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub from: Vec<PathBuf>,
    /// For how long, 1 to 3600
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigFile,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `pages`.
#[derive(Args, Debug)]
pub struct Pages {
    /// Where to, in `man` and `completions`
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// The arguments of `check`.
#[derive(Args, Debug)]
pub struct Check {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigFile,
}

impl Run {
    /// Reads the configuration, with the interfaces of the command line, if any, in place of its own; with how it is
    /// shown.
    pub fn load_config(&self) -> Result<(Config, ShownConfig), ConfigErrors> {
        let (mut config, mut shown) = self.config.load_shown()?;
        if !self.interfaces.is_empty() {
            config.capture.interfaces = Capture::interfaces_named(&self.interfaces)?;
            shown.set_interfaces(&config.capture.interfaces);
        }
        Ok((config, shown))
    }
}

#[cfg(test)]
mod tests;
