//! Which fleet is simulated, and how it is seen.

use std::path::PathBuf;

use clap::Args;

use crate::config::interface_name;
use crate::simulate::{Erspan, Percent, Share, Side, Speed, View, Vlans};

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
    /// Let phones and servers speak IPv6 and nothing of IPv4: with neighbour discovery and DHCP for IPv6
    #[arg(long)]
    pub ipv6: bool,
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
            ipv6: self.ipv6,
            erspan: self.erspan,
            copies: self.copies,
            loss: self.loss,
            one_way: self.one_way,
        }
    }
}
