//! What the engine is told at its start.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnosis::Thresholds;
use crate::flow::copies::CopyMode;
use crate::flow::tcp::StreamLimits;
use crate::inventory::Inventory;
use crate::phone::Role;
use crate::phone::dhcp::DhcpThreshold;
use crate::phone::keepalive::Intervals;
use crate::phone::registration::FlapThreshold;
use crate::site::Sites;

/// Ports, thresholds and bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// TCP ports on which CallManager speaks SCCP in clear.
    pub sccp_ports: Vec<u16>,
    /// TCP ports on which it speaks SCCP inside TLS.
    pub secure_ports: Vec<u16>,
    /// UDP port of TFTP requests.
    pub tftp_port: u16,
    /// Servers known beforehand.
    pub callmanagers: Vec<KnownServer>,
    /// Keepalive intervals until a `RegisterAck` tells them.
    pub keepalive: Intervals,
    /// When a device flaps.
    pub flap: FlapThreshold,
    /// When DHCP requests are excessive.
    pub dhcp: DhcpThreshold,
    /// When the diagnosis finds something too often, too long or too many.
    pub thresholds: Thresholds,
    /// The phones that should be there, where the user named a list of them.
    pub inventory: Option<Arc<Inventory>>,
    /// When frames are compared with those before them.
    pub copy_mode: CopyMode,
    /// The places where devices stand.
    pub sites: Arc<Sites>,
    /// Two frames alike within this time are copies that the mirror made; zero keeps them all.
    pub copy_window: Duration,
    /// Whether tunnels (ERSPAN, GRE, VXLAN, IP in IP) are opened.
    pub tunnels: bool,
    /// The bounds of everything.
    pub limits: Limits,
}

/// What can change while the engine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconfiguration {
    /// Servers known beforehand.
    pub callmanagers: Vec<KnownServer>,
    /// Keepalive intervals until a `RegisterAck` tells them.
    pub keepalive: Intervals,
    /// When a device flaps. Of the past so many moves are known as it took before.
    pub flap: FlapThreshold,
    /// When DHCP requests are excessive, likewise.
    pub dhcp: DhcpThreshold,
    /// When the diagnosis finds something too often, too long or too many.
    pub thresholds: Thresholds,
    /// The phones that should be there, where the user named a list of them.
    pub inventory: Option<Arc<Inventory>>,
    /// The places where devices stand.
    pub sites: Arc<Sites>,
    /// Two frames alike within this time are copies that the mirror made; zero keeps them all.
    pub copy_window: Duration,
}

impl From<Settings> for Reconfiguration {
    fn from(settings: Settings) -> Self {
        Self {
            callmanagers: settings.callmanagers,
            keepalive: settings.keepalive,
            flap: settings.flap,
            dhcp: settings.dhcp,
            thresholds: settings.thresholds,
            inventory: settings.inventory,
            sites: settings.sites,
            copy_window: settings.copy_window,
        }
    }
}

/// A CallManager named in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownServer {
    /// Its address.
    pub address: IpAddr,
    /// What people call it.
    pub name: Option<String>,
    /// What it is to the phones.
    pub role: Role,
}

/// How much the engine may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Devices, strangers included.
    pub devices: usize,
    /// DHCP clients and others that nothing proves to be phones.
    pub strangers: usize,
    /// TCP connections.
    pub connections: usize,
    /// CallManagers.
    pub callmanagers: usize,
    /// TFTP transfers under way.
    pub transfers: usize,
    /// Names with their addresses, and lookups under way.
    pub dns_names: usize,
    /// Bytes of IP fragments that wait for their datagram.
    pub fragment_bytes: usize,
    /// What one direction of a stream may hold behind a hole.
    pub stream: StreamLimits,
    /// Bytes that all streams together may hold.
    pub streams_bytes: usize,
    /// Bytes of a configuration file that is put together.
    pub config_file_bytes: usize,
    /// Events not yet polled.
    pub events: usize,
    /// Bytes of the flight recorder.
    pub recorder_bytes: usize,
    /// Frames of one device in the flight recorder.
    pub recorder_frames: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sccp_ports: vec![2000],
            secure_ports: vec![2443],
            tftp_port: crate::wire::tftp::PORT,
            callmanagers: Vec::new(),
            keepalive: Intervals::default(),
            flap: FlapThreshold {
                moves: 3,
                window: Duration::from_secs(30 * 60),
            },
            dhcp: DhcpThreshold {
                requests: 12,
                window: Duration::from_secs(10 * 60),
            },
            thresholds: Thresholds::default(),
            inventory: None,
            copy_mode: CopyMode::default(),
            sites: Arc::default(),
            copy_window: Duration::from_millis(20),
            tunnels: true,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            devices: 120_000,
            strangers: 20_000,
            connections: 300_000,
            callmanagers: 256,
            transfers: 20_000,
            dns_names: 10_000,
            fragment_bytes: 4 << 20,
            stream: StreamLimits::default(),
            streams_bytes: 64 << 20,
            config_file_bytes: 128 << 10,
            events: 65_536,
            recorder_bytes: 8 << 20,
            recorder_frames: 256,
        }
    }
}
