//! The command line: which commands there are, their arguments, and the one command that needs nothing but those.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::config::{Capture, Config, ConfigErrors, ShownConfig, interface_name};
use crate::report::Query;
use crate::rules::RUNBOOK;
use crate::simulate::{Erspan, Percent, Share, Side, Speed, View, Vlans};

/// Where the configuration stands unless `--config` names another file.
pub const DEFAULT_CONFIG: &str = "/etc/phonewatch/phonewatch.toml";

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

/// The arguments of `simulate`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub struct Simulate {
    /// What befalls the phones, with weights where there are several: `healthy:90 flapping:5`
    #[arg(required = true, value_name = "SCENARIO[:WEIGHT]")]
    pub scenarios: Vec<Share>,
    /// How many phones there are
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub phones: u32,
    /// How many minutes the capture lasts
    #[arg(long, value_name = "M", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub minutes: u32,
    /// Where the random numbers begin: another seed gives another fleet
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Write the frames to this file (pcap with nanoseconds), or with `-` to stdout
    #[arg(long, value_name = "FILE", group = "target")]
    pub write: Option<PathBuf>,
    /// Send the frames onto this interface, each at its time, until all are sent or SIGINT or SIGTERM comes
    ///
    /// It takes the right `CAP_NET_RAW`. Choose an interface of which nobody is at the other end but phonewatch: the
    /// frames pretend to come from phones and servers.
    #[arg(long, value_name = "IF", group = "target", value_parser = interface_name)]
    pub interface: Option<String>,
    /// Let time pass so many times as fast on the interface, or as fast as it goes with `max`
    #[arg(
        long,
        value_name = "FACTOR",
        default_value = "1",
        conflicts_with = "write"
    )]
    pub speed: Speed,
    /// Write what is true of each phone to this file (JSON)
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// How the mirror port shows the fleet.
    #[command(flatten)]
    pub mirror: MirrorPort,
}

/// The arguments of `simulate` that say how the mirror port shows the fleet.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "The mirror port")]
pub struct MirrorPort {
    /// Add the voice of so many calls at any time between registered phones: 100 RTP frames a second for each
    ///
    /// A registered phone sends and gets about ten frames of signalling a minute, so one call for each 200 phones makes
    /// three quarters of all frames RTP.
    #[arg(long, value_name = "CALLS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub rtp: u32,
    /// Tag every frame: `110`, or `110.100` for an outer and an inner tag
    #[arg(long, value_name = "ID[.ID]")]
    pub vlan: Option<Vlans>,
    /// Stand on the servers' side of the phones' router, which relays their DHCP and passes no CDP on
    #[arg(long)]
    pub behind_router: bool,
    /// Let the phones of a site share one address, with its own DHCP inside
    #[arg(long)]
    pub nat: bool,
    /// Send whole frames inside ERSPAN of type 2 or 3, from one switch
    #[arg(long, value_name = "TYPE")]
    pub erspan: Option<Erspan>,
    /// Show so many of the frames twice, half of those as the next router sends them on
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "0",
        hide_default_value = true
    )]
    pub copies: Percent,
    /// Leave so many of the frames out
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "0",
        hide_default_value = true
    )]
    pub loss: Percent,
    /// Show only what the `phones` or only what the `servers` send
    #[arg(long, value_name = "SIDE")]
    pub one_way: Option<Side>,
}

impl MirrorPort {
    /// The same, for the simulation.
    pub const fn view(&self) -> View {
        View {
            calls: self.rtp,
            vlans: self.vlan,
            behind_router: self.behind_router,
            nat: self.nat,
            erspan: self.erspan,
            copies: self.copies,
            loss: self.loss,
            one_way: self.one_way,
        }
    }
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

/// Which configuration file to read.
#[derive(Args, Debug)]
pub struct ConfigFile {
    /// Read the configuration from this file [default: /etc/phonewatch/phonewatch.toml]
    #[arg(long = "config", value_name = "FILE")]
    pub named: Option<PathBuf>,
}

impl ConfigFile {
    /// The file that was named, or the default one.
    pub fn path(&self) -> &Path {
        self.named.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG))
    }

    /// Reads the configuration. A file that was named must be there; without the default one, the defaults hold.
    pub fn load(&self) -> Result<Config, ConfigErrors> {
        self.load_shown().map(|(config, _)| config)
    }

    /// Reads the configuration; with how it is shown.
    pub fn load_shown(&self) -> Result<(Config, ShownConfig), ConfigErrors> {
        match &self.named {
            Some(path) => Config::load_shown(path),
            None => Config::load_shown_or_default(self.path()),
        }
    }
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

/// Says whether the configuration at `path` is valid, or everything that is wrong with it.
///
/// Gives whether it is valid; a file that is not there is not.
pub fn check(path: &Path, out: &mut impl Write) -> io::Result<bool> {
    match Config::load(path) {
        Ok(_) => {
            writeln!(out, "{}: valid", path.display())?;
            Ok(true)
        }
        Err(errors) => {
            writeln!(out, "{errors}")?;
            Ok(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn reads_the_arguments_of_each_command() {
        let cli = Cli::try_parse_from([
            "phonewatch",
            "run",
            "--interface",
            "eth1",
            "--interface",
            "eth2",
        ]);
        let Ok(Cli {
            command: Command::Run(run),
        }) = cli
        else {
            panic!("{cli:?}");
        };
        assert_eq!(run.interfaces, ["eth1", "eth2"]);
        assert_eq!(run.config.path(), Path::new(DEFAULT_CONFIG));

        let cli =
            Cli::try_parse_from(["phonewatch", "replay", "a", "b", "--json", "--config", "c"]);
        let Ok(Cli {
            command: Command::Replay(replay),
        }) = cli
        else {
            panic!("{cli:?}");
        };
        assert_eq!(replay.files, [Path::new("a"), Path::new("b")]);
        assert!(replay.json);
        assert_eq!(replay.config.path(), Path::new("c"));
    }

    #[test]
    fn a_fleet_is_played_as_the_mirror_port_is_said_to_show_it() {
        let cli = Cli::try_parse_from([
            "phonewatch",
            "simulate",
            "healthy",
            "--interface",
            "veth1",
            "--speed",
            "20",
            "--vlan",
            "110.100",
            "--copies",
            "0.5",
            "--one-way",
            "phones",
        ]);
        let Ok(Cli {
            command: Command::Simulate(simulate),
        }) = cli
        else {
            panic!("{cli:?}");
        };
        assert_eq!(simulate.interface.as_deref(), Some("veth1"));
        assert_eq!(simulate.speed, Speed::Times(20.0));
        let view = View {
            vlans: "110.100".parse().ok(),
            copies: "0.5".parse().unwrap(),
            one_way: Some(Side::Phones),
            ..View::default()
        };
        assert_eq!(simulate.mirror.view(), view);
    }

    #[test]
    fn the_help_names_every_scenario() {
        let mut command = Cli::command();
        let simulate = command.find_subcommand_mut("simulate").unwrap();
        let help = simulate.render_long_help().to_string();
        for scenario in crate::simulate::Scenario::ALL {
            assert!(
                help.contains(&format!("\n  {} ", scenario.label())),
                "{help}"
            );
        }
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for arguments in [
            &["phonewatch"][..],
            &["phonewatch", "replay"],
            &["phonewatch", "run", "file.pcap"],
            &["phonewatch", "run", "--interface", "a/b"],
            &["phonewatch", "run", "--interface", ""],
            &["phonewatch", "listen"],
            &["phonewatch", "simulate", "--write", "a"],
            &["phonewatch", "simulate", "healthy"],
            &["phonewatch", "simulate", "healthier", "--write", "a"],
            &["phonewatch", "simulate", "healthy:0", "--write", "a"],
            &[
                "phonewatch",
                "simulate",
                "healthy",
                "--write",
                "a",
                "--interface",
                "b",
            ],
            &[
                "phonewatch",
                "simulate",
                "healthy",
                "--write",
                "a",
                "--speed",
                "2",
            ],
            &[
                "phonewatch",
                "simulate",
                "healthy",
                "--phones",
                "0",
                "--write",
                "a",
            ],
        ] {
            let refused = Cli::try_parse_from(arguments).unwrap_err();
            assert!(refused.use_stderr(), "{arguments:?}: {refused}");
        }
    }

    #[test]
    fn the_help_names_the_default_file() {
        let mut command = Cli::command();
        let check = command.find_subcommand_mut("check").unwrap();
        let help = check.render_long_help().to_string();
        assert!(help.contains(DEFAULT_CONFIG), "{help}");
        assert!(help.contains("Exit status"), "{help}");
    }

    #[test]
    fn a_named_file_must_be_there_and_the_default_one_need_not() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.toml");
        assert_eq!(Config::load_or_default(&missing), Ok(Config::default()));
        let named = ConfigFile {
            named: Some(missing),
        };
        assert!(named.load().is_err());
        // A folder in its place is not a missing file.
        assert!(Config::load_or_default(folder.path()).is_err());
    }

    #[test]
    fn interfaces_of_the_command_line_replace_those_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("phonewatch.toml");
        std::fs::write(&path, "[capture]\ninterfaces = ['eth0']\n").unwrap();
        let interfaces_of = |interfaces: &[&str]| {
            let run = Run {
                config: ConfigFile {
                    named: Some(path.clone()),
                },
                interfaces: interfaces.iter().map(ToString::to_string).collect(),
            };
            run.load_config()
                .map(|(config, _)| config.capture.interfaces)
        };
        assert_eq!(interfaces_of(&[]).unwrap(), ["eth0"]);
        assert_eq!(interfaces_of(&["a", "b", "a"]).unwrap(), ["a", "b"]);
        let names: Vec<String> = (0..17).map(|number| format!("eth{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let errors = interfaces_of(&names).unwrap_err();
        assert!(
            errors
                .to_string()
                .starts_with("--interface: 17 interfaces are named"),
            "{errors}"
        );
    }

    #[test]
    fn check_says_that_a_file_is_valid_or_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("phonewatch.toml");
        let name = path.display();
        let checked = || {
            let mut out = Vec::new();
            let valid = check(&path, &mut out).unwrap();
            (valid, String::from_utf8(out).unwrap())
        };

        let (valid, out) = checked();
        assert!(!valid);
        assert_eq!(
            out,
            format!(
                "{name}: cannot be read (No such file or directory (os error 2)): create it, or name another file \
                 with --config\n\n1 error in {name}\n"
            )
        );

        std::fs::write(&path, "[flap]\nmoves = 5\n").unwrap();
        assert_eq!(checked(), (true, format!("{name}: valid\n")));

        std::fs::write(&path, "[flap]\nmoves = 1\n").unwrap();
        let (valid, out) = checked();
        assert!(!valid);
        assert_eq!(
            out,
            format!(
                "{name}:2:9: flap.moves: 1 is too small: a whole number from 2 to 100 is allowed\n    2 | moves = 1\n\
                 \x20     |         ^\n\n1 error in {name}\n"
            )
        );
    }
}
